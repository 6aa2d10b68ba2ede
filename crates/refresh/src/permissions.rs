//! The permissions of the key's user.
//!
//! A server leaves items that the user may not see out of its lists, so that a partial list looks complete.
//! The user's permissions tell the two apart. Never: an error of its own; a server that does not report
//! permissions is trusted.

use super::RefreshError;
use poolwright_client::octopus::{
    Reader,
    wire::{UserPermissionRestriction, UserPermissionSetResource},
};
use poolwright_core::{
    live::{HiddenData, UnreadPart},
    model::{Id, Linked, Space},
    scope::ReadScope,
    text::eq_ignoring_case,
};

/// Returns those of `permissions` that the key's user lacks in a space, as far as the server reports it.
///
/// A permission for the whole server, such as `ConfigureServer`, is never returned: administrators are not
/// always listed with all the permissions that they have.
pub async fn lacking_permissions<'a>(
    reader: &Reader,
    space: &Id<Space>,
    permissions: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let rights = UserPermissions::query_server(reader).await;
    let in_spaces = permissions.into_iter().filter(|permission| *permission != OF_THE_SERVER);
    in_spaces.filter(|it| rights.lacks_permission(space, it)).collect()
}

/// Returns the parts of a space that the key's user may not see, for commands that show all of it.
pub async fn hidden_parts(reader: &Reader, space: &Linked<Space>) -> Vec<UnreadPart> {
    let kinds = [
        ("workers", "WorkerView"),
        ("machine policies", "MachinePolicyView"),
        ("accounts", "AccountView"),
        ("proxies", "ProxyView"),
    ];
    let rights = UserPermissions::query_server(reader).await;
    let mut unread_parts: Vec<UnreadPart> =
        rights.hidden_kinds(space, kinds.iter(), HiddenData::PoolReferences).collect();
    unread_parts.extend(rights.hidden_steps(space, HiddenData::Steps));
    unread_parts
}

/// What contains steps, and the permission to see it.
const STEP_KINDS: [(&str, &str); 3] = [
    ("projects", "ProjectView"),
    ("deployment processes", "ProcessView"),
    ("runbooks", "RunbookView"),
];

/// The only permission that is needed outside a space.
const OF_THE_SERVER: &str = "ConfigureServer";

/// The permissions of the key's user; `None` if the server does not report them.
#[derive(Debug, Default)]
pub(super) struct UserPermissions(Option<UserPermissionSetResource>);

impl UserPermissions {
    /// Reads the permissions, if a partial list would mislead.
    pub(super) async fn read(reader: &Reader, scope: &ReadScope) -> Result<Self, RefreshError> {
        if !(scope.workers || scope.other_spaces || scope.reads_projects()) {
            return Ok(Self::default());
        }
        Ok(Self::query_server(reader).await)
    }

    async fn query_server(reader: &Reader) -> Self {
        let known = reader.read_permissions().await.ok();
        let is_complete = |set: &UserPermissionSetResource| {
            !set.space_permissions.is_empty() && set.is_permissions_complete != Some(false)
        };
        Self(known.filter(is_complete))
    }

    fn space_grants(
        &self,
        space: &Id<Space>,
        permission: &str,
    ) -> Option<Vec<&UserPermissionRestriction>> {
        let grants = self.0.as_ref()?.space_permissions.get(permission);
        let is_in_space =
            |it: &&UserPermissionRestriction| eq_ignoring_case(&it.space_id, space.as_str());
        Some(grants.into_iter().flatten().filter(is_in_space).collect())
    }

    /// Whether the user certainly lacks a permission in a space.
    pub(super) fn lacks_permission(&self, space: &Id<Space>, permission: &str) -> bool {
        self.space_grants(space, permission).is_some_and(|grants| grants.is_empty())
    }

    /// Whether a permission certainly does not apply to every project of a space.
    fn is_restricted(&self, space: &Id<Space>, permission: &str) -> bool {
        let unrestricted = |grant: &&UserPermissionRestriction| {
            grant.restricted_to_project_ids.is_empty()
                && grant.restricted_to_project_group_ids.is_empty()
        };
        self.space_grants(space, permission).is_some_and(|grants| !grants.iter().any(unrestricted))
    }

    /// Whether the user certainly may not see every space.
    pub(super) fn hides_some_spaces(&self) -> bool {
        let sees_all_spaces =
            |text: &String| matches!(text.as_str(), "SpaceView" | "AdministerSystem");
        self.0.as_ref().is_some_and(|set| !set.system_permissions.iter().any(sees_all_spaces))
    }

    /// Whether the user may see every environment of a space, as far as the server reports it.
    pub(super) fn sees_every_environment(&self, space: &Id<Space>) -> bool {
        let unrestricted =
            |it: &&UserPermissionRestriction| it.restricted_to_environment_ids.is_empty();
        let grants = self.space_grants(space, "EnvironmentView");
        grants.is_none_or(|grants| grants.iter().any(unrestricted))
    }

    /// Returns the hidden parts of this space, as far as they are in `scope`.
    pub(super) fn unread_parts(&self, space: &Linked<Space>, scope: &ReadScope) -> Vec<UnreadPart> {
        let steps = STEP_KINDS.iter().filter(|(_, permission)| match *permission {
            // Without it, a server shows neither the channels of releases nor the processes in them.
            "ProcessView" => scope.deployments || scope.snapshots,
            "RunbookView" => scope.runbooks || scope.snapshots,
            _ => scope.reads_projects(),
        });
        let mut unread_parts: Vec<UnreadPart> =
            self.hidden_kinds(space, steps, HiddenData::Steps).collect();
        let pointing = [
            ("variables", "VariableView"),
            ("library variable sets", "LibraryVariableSetView"),
            ("tenants", "TenantView"),
            ("step templates", "ActionTemplateView"),
        ];
        let pointing = pointing.iter().filter(|_| scope.references);
        unread_parts.extend(self.hidden_kinds(space, pointing, HiddenData::PoolReferences));
        let targets = [("deployment targets", "MachineView")];
        let targets = targets.iter().filter(|_| scope.references);
        unread_parts.extend(self.hidden_kinds(space, targets, HiddenData::Targets));
        let releases = [("releases", "ReleaseView")];
        let releases = releases.iter().filter(|_| scope.snapshots);
        unread_parts.extend(self.hidden_kinds(space, releases, HiddenData::Snapshots));
        unread_parts
    }

    /// Returns the hidden parts of a space's steps.
    pub(super) fn hidden_steps(&self, space: &Linked<Space>, hides: HiddenData) -> Vec<UnreadPart> {
        self.hidden_kinds(space, STEP_KINDS.iter(), hides).collect()
    }

    fn hidden_kinds<'a>(
        &self,
        space: &Linked<Space>,
        kinds: impl Iterator<Item = &'a (&'a str, &'a str)>,
        hides: HiddenData,
    ) -> impl Iterator<Item = UnreadPart> {
        let hidden = kinds.filter(|(_, permission)| self.is_restricted(&space.id, permission));
        hidden.map(move |(kind, permission)| {
            let hides = match (hides, *permission) {
                (HiddenData::Steps, "ProjectView") => HiddenData::Projects,
                (hides, _) => hides,
            };
            let (what, why) = if self.lacks_permission(&space.id, permission) {
                (format!("the {kind} of space {:?}", space.name), "")
            } else {
                (format!("some {kind} of space {:?}", space.name), " for all projects")
            };
            UnreadPart::new(what, format!("Missing permission: {permission}{why}"), hides)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A scope as a saved plan has it.
    fn parts(names: &[&str]) -> ReadScope {
        let parts = names.iter().map(|name| ((*name).to_owned(), json!(true))).collect();
        serde_json::from_value(serde_json::Value::Object(parts)).unwrap()
    }

    fn unread_parts(names: &[&str], rights: &serde_json::Value) -> String {
        let rights = UserPermissions(Some(serde_json::from_value(rights.clone()).unwrap()));
        let scope = parts(names);
        let unread_parts = rights.unread_parts(&Linked::new("Spaces-1", "Default"), &scope);
        unread_parts.iter().map(|part| format!("{}: {}\n", part.what, part.why)).collect()
    }

    #[test]
    fn hidden_items_are_not_treated_as_absent() {
        let everywhere = json!([{ "SpaceId": "Spaces-1" }]);
        let other_space = json!([{ "SpaceId": "Spaces-2" }]);
        let restricted =
            json!([{ "SpaceId": "Spaces-1", "RestrictedToProjectIds": ["Projects-1"] }]);
        let rights = json!({ "SpacePermissions": {
            "ProjectView": everywhere, "ProcessView": restricted, "RunbookView": everywhere,
            "VariableView": everywhere, "LibraryVariableSetView": other_space,
        } });
        insta::assert_snapshot!(unread_parts(&["deployments", "runbooks", "pointers"], &rights), @r#"
            some deployment processes of space "Default": Missing permission: ProcessView for all projects
            the library variable sets of space "Default": Missing permission: LibraryVariableSetView
            the tenants of space "Default": Missing permission: TenantView
            the step templates of space "Default": Missing permission: ActionTemplateView
            the deployment targets of space "Default": Missing permission: MachineView
            "#);
    }

    #[test]
    fn only_requested_parts_are_reported_as_hidden() {
        let everywhere = json!([{ "SpaceId": "Spaces-1" }]);
        let told = |names: &[&str], rights: &[&str]| {
            let rights = rights.iter().map(|it| ((*it).to_owned(), everywhere.clone())).collect();
            let rights = serde_json::Value::Object(rights);
            unread_parts(names, &json!({ "SpacePermissions": rights }))
        };
        let process_view = "Missing permission: ProcessView";
        for names in ["deployments", "editions"] {
            assert!(told(&[names], &["ProjectView"]).contains(process_view), "{names}");
        }
        assert_eq!(told(&["runbooks"], &["ProjectView", "RunbookView"]), "");
        assert_eq!(told(&["deployments"], &["ProjectView", "ProcessView"]), "");
        assert_eq!(told(&[], &["WorkerView"]), "");
    }

    #[test]
    fn a_server_that_does_not_report_permissions_is_trusted() {
        let (rights, space) = (UserPermissions::default(), Linked::new("Spaces-1", "Default"));
        assert!(!rights.lacks_permission(&space.id, "WorkerView") && !rights.hides_some_spaces());
        let scope = parts(&["pointers", "elsewhere"]);
        assert_eq!(rights.unread_parts(&space, &scope), []);
    }
}
