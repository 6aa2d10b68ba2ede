//! What has to be read for a plan and for that of its base, at once.

use super::ReadScope;
use crate::desired::Desired;

impl ReadScope {
    /// What a plan of these files needs, and that of its base: `None` if the two read different branches, so that one
    /// read would show each of them steps that are not its own.
    pub fn for_comparison(desired: &Desired, base: &Desired) -> Option<Self> {
        let (own, other) = (Self::for_plan(desired), Self::for_plan(base));
        if own.git != other.git {
            return None;
        }
        Some(Self {
            workers: own.workers || other.workers,
            policies: own.policies || other.policies,
            accounts: own.accounts || other.accounts,
            proxies: own.proxies || other.proxies,
            feeds: own.feeds || other.feeds,
            images: own.images || other.images,
            deployments: own.deployments || other.deployments,
            runbooks: own.runbooks || other.runbooks,
            references: own.references || other.references,
            channels: own.channels || other.channels,
            every_channel: own.every_channel || other.every_channel,
            scope_names: own.scope_names || other.scope_names,
            templates: own.templates || other.templates,
            snapshots: own.snapshots || other.snapshots,
            features: own.features || other.features,
            features_if_visible: own.features_if_visible || other.features_if_visible,
            other_spaces: own.other_spaces || other.other_spaces,
            project: None,
            git: own.git,
        })
    }
}
