//! The permissions of Octopus, by name.
//!
//! # Source
//!
//! `api.md` 3.10 and the reference that the 2026 server generates of itself.

/// The permissions of a space.
pub(crate) const IN_SPACES: [&str; 113] = [
    "AccountCreate",
    "AccountDelete",
    "AccountEdit",
    "AccountView",
    "ActionTemplateCreate",
    "ActionTemplateDelete",
    "ActionTemplateEdit",
    "ActionTemplateView",
    "ArtifactCreate",
    "ArtifactDelete",
    "ArtifactEdit",
    "ArtifactView",
    "BuildInformationAdminister",
    "BuildInformationPush",
    "BuiltInFeedAdminister",
    "BuiltInFeedDownload",
    "BuiltInFeedPush",
    "CertificateCreate",
    "CertificateDelete",
    "CertificateEdit",
    "CertificateExportPrivateKey",
    "CertificateView",
    "DefectReport",
    "DefectResolve",
    "DeploymentCreate",
    "DeploymentDelete",
    "DeploymentFreezeAdminister",
    "DeploymentView",
    "EnvironmentCreate",
    "EnvironmentDelete",
    "EnvironmentEdit",
    "EnvironmentView",
    "EventView",
    "FeedEdit",
    "FeedView",
    "GitCredentialEdit",
    "GitCredentialView",
    "InterruptionSubmit",
    "InterruptionView",
    "InterruptionViewSubmitResponsible",
    "LibraryVariableSetCreate",
    "LibraryVariableSetDelete",
    "LibraryVariableSetEdit",
    "LibraryVariableSetView",
    "LifecycleCreate",
    "LifecycleDelete",
    "LifecycleEdit",
    "LifecycleView",
    "MachineCreate",
    "MachineDelete",
    "MachineEdit",
    "MachinePolicyCreate",
    "MachinePolicyDelete",
    "MachinePolicyEdit",
    "MachinePolicyView",
    "MachineView",
    "ProcessEdit",
    "ProcessView",
    "ProjectCreate",
    "ProjectDelete",
    "ProjectEdit",
    "ProjectGroupCreate",
    "ProjectGroupDelete",
    "ProjectGroupEdit",
    "ProjectGroupView",
    "ProjectView",
    "ProxyCreate",
    "ProxyDelete",
    "ProxyEdit",
    "ProxyView",
    "ReleaseCreate",
    "ReleaseDelete",
    "ReleaseEdit",
    "ReleaseView",
    "RetentionAdminister",
    "RunbookEdit",
    "RunbookRunCreate",
    "RunbookRunDelete",
    "RunbookRunView",
    "RunbookSnapshotCreate",
    "RunbookView",
    "SubscriptionCreate",
    "SubscriptionDelete",
    "SubscriptionEdit",
    "SubscriptionView",
    "TagSetCreate",
    "TagSetDelete",
    "TagSetEdit",
    "TargetTagAdminister",
    "TargetTagView",
    "TaskCancel",
    "TaskCreate",
    "TaskEdit",
    "TaskPrioritize",
    "TaskView",
    "TeamCreate",
    "TeamDelete",
    "TeamEdit",
    "TeamView",
    "TenantCreate",
    "TenantDelete",
    "TenantEdit",
    "TenantView",
    "TriggerCreate",
    "TriggerDelete",
    "TriggerEdit",
    "TriggerView",
    "VariableEdit",
    "VariableEditUnscoped",
    "VariableView",
    "VariableViewUnscoped",
    "WorkerEdit",
    "WorkerView",
];

/// The permissions of the whole instance.
pub(crate) const OF_THE_SYSTEM: [&str; 16] = [
    "AdministerSystem",
    "ConfigureServer",
    "EventRetentionDelete",
    "EventRetentionView",
    "FeatureToggleEdit",
    "PlatformHubEdit",
    "PlatformHubView",
    "SpaceCreate",
    "SpaceDelete",
    "SpaceEdit",
    "SpaceView",
    "UserEdit",
    "UserInvite",
    "UserRoleEdit",
    "UserRoleView",
    "UserView",
];

/// Every permission.
pub(crate) fn all_names() -> impl Iterator<Item = &'static str> {
    IN_SPACES.into_iter().chain(OF_THE_SYSTEM)
}

/// The permission to `Create` or `Delete`, by that to edit: `MachinePolicyCreate` for `MachinePolicyEdit`.
///
/// Kinds without a permission for it use the one to edit.
pub(crate) fn for_action(act: &str, edit: &'static str) -> &'static str {
    let Some(noun) = edit.strip_suffix("Edit") else { return edit };
    all_names().find(|name| name.strip_prefix(noun) == Some(act)).unwrap_or(edit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_uses_its_own_permission_where_octopus_has_one() {
        assert_eq!(for_action("Create", "MachinePolicyEdit"), "MachinePolicyCreate");
        assert_eq!(for_action("Delete", "ProjectEdit"), "ProjectDelete");
        assert_eq!(for_action("Create", "WorkerEdit"), "WorkerEdit");
        assert_eq!(for_action("Create", "RunbookEdit"), "RunbookEdit");
        assert_eq!(for_action("Create", ""), "");
    }
}
