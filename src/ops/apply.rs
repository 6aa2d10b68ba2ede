//! The checks around an apply: missing permissions, whether the plan still fits, and which changes are unfinished.

use poolwright_client::octopus::Reader;
use poolwright_core::{
    diff::{StaleExpectation, find_stale},
    live::Live,
    plan::{ChangeKind, Plan},
    receipt::{ChangeOutcome, Receipt, ReceiptEntry},
};
use poolwright_refresh::{lacking_permissions, refresh_live};

use std::collections::BTreeMap;

/// The permission that a health check requires.
///
/// # Source
///
/// `api.md` 3.10.
const HEALTH_CHECK: &str = "TaskCreate";

/// A permission that the key's user lacks, and what depends on it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LackingPermission {
    /// The permission.
    pub(crate) permission: &'static str,
    /// How many changes need it; for a health check, how many steps.
    pub(crate) needed_by: usize,
}

/// Returns the permissions that the key's user lacks for the changes in a plan.
pub(crate) async fn lacking_apply_permissions(
    reader: &Reader,
    plan: &Plan,
) -> Vec<LackingPermission> {
    let mut needed: BTreeMap<&'static str, usize> = BTreeMap::new();
    for change in &plan.changes {
        *needed.entry(change.kind.required_permission()).or_default() += 1;
    }
    let lacking = lacking_permissions(reader, &plan.header.space.id, needed.keys().copied()).await;
    needed.retain(|permission, _| lacking.contains(permission));
    let lacking = needed.into_iter();
    lacking.map(|(permission, needed_by)| LackingPermission { permission, needed_by }).collect()
}

/// Returns the permission that the key's user lacks for health checks, if steps in the plan wait for one.
pub(crate) async fn lacking_check_permission(
    reader: &Reader,
    plan: &Plan,
) -> Option<LackingPermission> {
    if plan.requirements.is_empty() {
        return None;
    }
    let lacking = lacking_permissions(reader, &plan.header.space.id, [HEALTH_CHECK]).await;
    let permission = lacking.into_iter().next()?;
    let is_placement = |kind: &ChangeKind| matches!(kind, ChangeKind::PlaceStep { .. });
    let needed_by = plan.changes.iter().filter(|change| is_placement(&change.kind)).count();
    Some(LackingPermission { permission, needed_by })
}

/// Whether a server is still in the state that a plan expects.
#[derive(Debug)]
pub(crate) enum PlanCheck {
    /// It is, and this is its state.
    Fits(Box<Live>),
    /// It is not: the expectations that no longer hold.
    Stale(Vec<StaleExpectation>),
}

/// Checks every expectation of a plan against the server, just before the first write.
///
/// # Errors
///
/// Fails if the server cannot be read.
pub(crate) async fn recheck_plan(
    reader: &Reader,
    plan: &Plan,
    url: &str,
) -> anyhow::Result<PlanCheck> {
    let header = &plan.header;
    let live = refresh_live(reader, &header.space, &header.scope, url).await?;
    let stale = find_stale(plan, &live);
    Ok(if stale.is_empty() { PlanCheck::Fits(Box::new(live)) } else { PlanCheck::Stale(stale) })
}

/// Returns the changes in a receipt that were not made: failed ones first, then those that depended on them.
pub(crate) fn unfinished_entries(receipt: &Receipt) -> Vec<&ReceiptEntry> {
    let is_open = |entry: &&ReceiptEntry| entry.outcome != ChangeOutcome::Done;
    let mut open: Vec<&ReceiptEntry> = receipt.entries.iter().filter(is_open).collect();
    open.sort_by_key(|entry| entry.outcome == ChangeOutcome::Skipped);
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{
        LoadedFiles, PlanRequest, plan_files,
        sample::{Server, source},
    };
    use octopus_sandbox::READER_KEY;
    use poolwright_core::diff::TargetFilter;

    async fn plan(server: &Server, text: &str) -> Plan {
        let files = LoadedFiles::parse(source(text)).unwrap();
        let addresses = TargetFilter::default();
        let request = PlanRequest { target: server.target(), addresses, wave: None };
        plan_files(&server.reader(), &files, &request).await.unwrap()
    }

    const POOLS: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n[pools.web]\nname = \"Web\"\n";

    #[tokio::test]
    async fn a_key_that_may_only_read_lacks_what_the_changes_need() {
        let server = Server::start().await;
        let plan = plan(&server, POOLS).await;
        assert_eq!(lacking_apply_permissions(&server.reader(), &plan).await, []);
        let reader = server.reader_with(READER_KEY);
        let lacking = LackingPermission { permission: "WorkerEdit", needed_by: 2 };
        assert_eq!(lacking_apply_permissions(&reader, &plan).await, [lacking]);
        // No step waits for a health check.
        assert_eq!(lacking_check_permission(&reader, &plan).await, None);
    }

    #[tokio::test]
    async fn a_plan_fits_the_server_that_it_was_made_for() {
        let server = Server::start().await;
        let plan = plan(&server, POOLS).await;
        let check = recheck_plan(&server.reader(), &plan, server.target().url).await.unwrap();
        assert!(matches!(check, PlanCheck::Fits(live) if !live.pools.is_empty()));
    }
}
