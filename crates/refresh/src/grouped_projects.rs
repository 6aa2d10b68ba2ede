//! Projects with the names of their groups, and the processes that they own.

use super::by_id::ById;
use poolwright_client::octopus::wire;
use poolwright_core::{
    live::{HiddenData, LiveProject, ProcessOwner, UnreadPart},
    model::Name,
    scope::ReadScope,
    text::eq_ignoring_case,
};

/// A process to read: its id and owner.
pub(super) type ProcessRequest = (String, ProcessOwner);

/// Why a process of a version-controlled project is not read.
const IN_GIT: &str = "it is stored in Git, and the file has no `[version_control]`";

/// Projects with the names of their groups.
pub(super) struct GroupedProjects<'a> {
    pub(super) projects: &'a [wire::ProjectResource],
    /// What stays hidden because a plan reads nothing from Git; `None` if it does.
    hidden_in_git: Option<HiddenData>,
    groups: ById<&'a str>,
}

impl<'a> GroupedProjects<'a> {
    pub(super) fn new(
        projects: &'a [wire::ProjectResource],
        groups: &'a [wire::NamedResource],
        scope: &ReadScope,
    ) -> Self {
        // A process that is read as one of the other branches is hidden only from rules.
        let hides = if scope.snapshots { HiddenData::Rules } else { HiddenData::Steps };
        let hidden_in_git = scope.git.is_none().then_some(hides);
        let groups = groups.iter().map(|group| (&group.id, group.name.as_str())).collect();
        Self { projects, hidden_in_git, groups }
    }

    /// Returns the owner of a process.
    pub(super) fn process_owner(
        &self,
        project: &wire::ProjectResource,
        runbook: Option<&str>,
    ) -> ProcessOwner {
        // The id stands in for the name of a group that the key may not see.
        let id = project.project_group_id.as_str();
        ProcessOwner {
            project: Name::new(&project.name),
            group: Name::new(self.groups.get(id).copied().unwrap_or(id)),
            runbook: runbook.map(Name::new),
        }
    }

    pub(super) fn live_projects(&self) -> Vec<LiveProject> {
        let live_project = |project_resource: &wire::ProjectResource| {
            let ProcessOwner { project, group, .. } = self.process_owner(project_resource, None);
            let tags = project_resource.project_tags.clone();
            LiveProject { name: project, group, tags, git: is_in_git(project_resource) }
        };
        self.projects.iter().map(live_project).collect()
    }

    /// Returns published snapshots with their owners.
    pub(super) fn published_owners(
        &self,
        snapshots: Vec<(String, String, String)>,
    ) -> Vec<(String, ProcessOwner)> {
        let owned = snapshots.into_iter().filter_map(|(id, runbook, project)| {
            let mut projects = self.projects.iter();
            let project = projects.find(|known| eq_ignoring_case(&known.id, &project))?;
            Some((id, self.process_owner(project, Some(&runbook))))
        });
        let mut owned: Vec<_> = owned.collect();
        owned.sort_by(|(_, one), (_, other)| one.project.cmp(&other.project));
        owned
    }

    /// Returns the deployment processes to read, and adds the others to `unread_parts`.
    pub(super) fn deployment_processes(
        &self,
        unread_parts: &mut Vec<UnreadPart>,
    ) -> Vec<ProcessRequest> {
        let mut wanted = Vec::with_capacity(self.projects.len());
        for project in self.projects {
            if is_in_git(project) {
                let what = format!(
                    "the deployment process of the version-controlled project {:?}",
                    project.name
                );
                unread_parts.extend(self.unread_in_git(what, project));
            } else {
                wanted.push((
                    project.deployment_process_id.clone(),
                    self.process_owner(project, None),
                ));
            }
        }
        wanted
    }

    pub(super) fn unread_in_git(
        &self,
        what: String,
        project: &wire::ProjectResource,
    ) -> Option<UnreadPart> {
        self.hidden_in_git
            .map(|hides| UnreadPart::new(what, IN_GIT, hides).in_project(&project.name).left_out())
    }

    /// Returns the runbook processes to read, and adds the others to `unread_parts`.
    ///
    /// # Source
    ///
    /// The runbooks of a version-controlled project stay in the database until they are converted separately
    /// (`ConversionState.RunbooksAreInGit`).
    pub(super) fn runbook_processes(
        &self,
        runbooks: Vec<wire::RunbookResource>,
        unread_parts: &mut Vec<UnreadPart>,
    ) -> Vec<ProcessRequest> {
        let has_git_runbooks = |project: &wire::ProjectResource| {
            is_in_git(project) && project.persistence_settings.conversion_state.runbooks_are_in_git
        };
        for project in self.projects.iter().filter(|it| has_git_runbooks(it)) {
            let what = format!("the runbooks of the version-controlled project {:?}", project.name);
            unread_parts.extend(self.unread_in_git(what, project));
        }
        let by_id: ById<&wire::ProjectResource> =
            self.projects.iter().map(|project| (&project.id, project)).collect();
        let mut wanted = Vec::with_capacity(runbooks.len());
        for runbook in runbooks {
            match by_id.get(&runbook.project_id) {
                Some(project) if has_git_runbooks(project) => {}
                Some(project) => {
                    let owner = self.process_owner(project, Some(&runbook.name));
                    wanted.push((runbook.runbook_process_id, owner));
                }
                None => {
                    let what = format!("the process of the runbook {:?}", runbook.name);
                    let why = "the key's user may not see its project".to_owned();
                    unread_parts.push(UnreadPart::new(what, why, HiddenData::Steps));
                }
            }
        }
        // The server orders runbooks by name; here they are grouped by project.
        wanted.sort_by(|(_, one), (_, other)| one.project.cmp(&other.project));
        wanted
    }
}

/// Whether a project's deployment process is stored in Git.
pub(super) fn is_in_git(project: &wire::ProjectResource) -> bool {
    let stored = &project.persistence_settings.r#type;
    project.is_version_controlled || stored.eq_ignore_ascii_case("VersionControlled")
}

/// Whether a project includes a library variable set.
pub(super) fn includes_library(
    project: &wire::ProjectResource,
    library: &wire::LibraryVariableSetResource,
) -> bool {
    let included = &project.included_library_variable_set_ids;
    included.iter().any(|id| eq_ignoring_case(id, &library.id))
}

/// Describes a process for messages.
pub(super) fn describe_process(owner: &ProcessOwner) -> String {
    match &owner.runbook {
        None => format!("the deployment process of project {:?}", owner.project),
        Some(runbook) => {
            format!("the process of runbook {runbook:?} of project {:?}", owner.project)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn project(name: &str, git: bool, settings: Value) -> Value {
        json!({
            "Id": format!("Projects-{name}"), "Name": name, "ProjectGroupId": "ProjectGroups-1",
            "DeploymentProcessId": format!("deploymentprocess-Projects-{name}"),
            "IsVersionControlled": git, "PersistenceSettings": settings,
        })
    }

    fn describe(projects: Value, runbooks: Value) -> String {
        let projects: Vec<wire::ProjectResource> = serde_json::from_value(projects).unwrap();
        let runbooks: Vec<wire::RunbookResource> = serde_json::from_value(runbooks).unwrap();
        let owners = GroupedProjects::new(&projects, &[], &ReadScope::default());
        let mut unread_parts = Vec::new();
        let mut wanted = owners.deployment_processes(&mut unread_parts);
        wanted.extend(owners.runbook_processes(runbooks, &mut unread_parts));
        let wanted = wanted.iter().map(|(id, owner)| format!("{id}: {}", describe_process(owner)));
        let unread_parts =
            unread_parts.iter().map(|part| format!("gap: {}: {}", part.what, part.why));
        wanted.chain(unread_parts).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn parts_in_git_are_unread_and_the_rest_of_the_project_is_read() {
        let runbooks_in_git = json!({
            "Type": "VersionControlled",
            "ConversionState": { "VariablesAreInGit": true, "RunbooksAreInGit": true },
        });
        let projects = json!([
            project("Web", false, json!({ "Type": "Database" })),
            project("Shop", true, json!(null)),
            project("Bank", false, runbooks_in_git),
        ]);
        let runbook = |project: &str| {
            json!({
                "Id": "Runbooks-1", "Name": "Restart", "ProjectId": format!("Projects-{project}"),
                "RunbookProcessId": format!("RunbookProcess-{project}"),
            })
        };
        let runbooks = ["Web", "Shop", "Bank", "Hidden"].map(runbook);
        insta::assert_snapshot!(describe(projects, json!(runbooks)), @r#"
        deploymentprocess-Projects-Web: the deployment process of project "Web"
        RunbookProcess-Shop: the process of runbook "Restart" of project "Shop"
        RunbookProcess-Web: the process of runbook "Restart" of project "Web"
        gap: the deployment process of the version-controlled project "Shop": it is stored in Git, and the file has no `[version_control]`
        gap: the deployment process of the version-controlled project "Bank": it is stored in Git, and the file has no `[version_control]`
        gap: the runbooks of the version-controlled project "Bank": it is stored in Git, and the file has no `[version_control]`
        gap: the process of the runbook "Restart": the key's user may not see its project
        "#);
    }
}
