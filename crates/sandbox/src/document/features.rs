//! The features of the instance, and whether it is a cloud instance.

use crate::{kind::FEATURES, store};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The slug of the features of a cloud instance, where no document has one otherwise.
pub(crate) const CLOUD: &str = "cloud";

/// The features of a new store.
///
/// # Source
///
/// `OctopusDeploy/OctopusClients`, `source/Octopus.Server.Client/Model/FeaturesConfigurationResource.cs`.
pub(crate) fn initial_document(built_in_worker: bool) -> Value {
    json!({
        "Id": FEATURES.prefix,
        "IsBuiltInWorkerEnabled": built_in_worker,
        "IsCommunityActionTemplatesEnabled": true,
        "IsHelpSidebarEnabled": true,
        "HelpSidebarSupportLink": null,
        "HelpSidebarSupportLinkLabel": null,
        "IsAutomaticStepUpdatesEnabled": true,
        "IsKubernetesCloudTargetDiscoveryEnabled": true,
        "IsCompositeDockerHubRegistryFeedEnabled": true,
        "IsConfigureFeedsWithLocalOrSmbPathsEnabled": true,
        "IsNavigationVisualUpliftEnabled": true,
        "IsProjectsPageOptimizationEnabled": true,
        "IsProjectsPageOnboardingEnabled": true,
        "IsGitHubAppEnabled": true,
        "DefaultPowerShellEdition": "Desktop",
        "IsWebhookTriggerEnabled": false,
        "IsExperimentalUIFeatureEnabled": false,
        "Links": { "Self": "/api/featuresconfiguration" },
    })
}

/// Whether this is a cloud instance, which has dynamic pools and no built-in worker.
pub(crate) fn is_cloud_instance(db: &Connection) -> rusqlite::Result<bool> {
    let features = store::find_document(db, &FEATURES, "", FEATURES.prefix)?;
    Ok(features.is_some_and(|feature| feature.slug == CLOUD))
}
