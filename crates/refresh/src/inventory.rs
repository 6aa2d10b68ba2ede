//! Projects, their processes, and what else of them may point at a pool.

use super::{
    RefreshError, SpaceReading, git, lower,
    pool_references::{self, PoolReferences},
    resolved::{self, ProcessOutline},
    snapshots,
};
use poolwright_client::octopus::{self, ProcessCollection, UnreadDocument, wire};
use poolwright_core::{
    live::{
        HiddenData, IndirectPools, LiveProcess, LiveProject, PoolReference, ProcessOwner,
        ProcessSnapshot, ReadScope, TemplateContents, UnreadPart,
    },
    model::Name,
};

use futures_util::future::try_join_all;
use std::collections::HashMap;

/// What a space's projects hold.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) projects: Vec<LiveProject>,
    /// The names of all groups of projects.
    pub(super) groups: Vec<Name>,
    pub(super) processes: Vec<LiveProcess>,
    pub(super) references: Vec<PoolReference>,
    pub(super) indirect: IndirectPools,
    pub(super) snapshots: Vec<ProcessSnapshot>,
    pub(super) unread: Vec<UnreadPart>,
}

/// A process that is to be read: its id, and whose it is.
type ProcessRequest = (String, ProcessOwner);

/// Why a process of a version-controlled project is not read.
const IN_GIT: &str = "it is stored in Git, and the file has no `[version_control]`";

/// Reads as much of the projects as `scope` asks for.
pub(super) async fn read_inventory(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
) -> Result<Inventory, RefreshError> {
    let (deployments, runbooks) = (scope.deployments, scope.runbooks);
    let reader = &reading.reader;
    let any = deployments || runbooks || scope.references || scope.snapshots;
    let (projects, groups, books) = tokio::try_join!(
        reading.read_if(any, "the projects", reader.list_projects()),
        reading.read_if(any, "the project groups", reader.list_project_groups()),
        reading.read_if(runbooks || scope.snapshots, "the runbooks", reader.list_runbooks()),
    )?;
    let (mut projects, mut books) = (projects, books);
    if let Some(wanted) = &scope.project {
        projects = select_project(projects, wanted);
        books.retain(|book| projects.iter().any(|project| project.id == book.project_id));
    }
    let mut gaps = Vec::new();
    let published = if scope.snapshots { published_runbooks(&books) } else { Vec::new() };
    let owners = GroupedProjects::new(&projects, &groups, scope);
    let published = owners.published_owners(published);
    let of_projects = if deployments { owners.deployment_processes(&mut gaps) } else { Vec::new() };
    let of_runbooks =
        if runbooks { owners.runbook_processes(books, &mut gaps) } else { Vec::new() };
    let (deployed, run, (in_git, unreachable), (pointing, hidden), frozen) = tokio::try_join!(
        read_processes(reading, ProcessCollection::Deployment, of_projects, scope.templates),
        read_processes(reading, ProcessCollection::Runbook, of_runbooks, false),
        git::git_processes(reading, scope, &owners),
        pool_references::read_pool_references(reading, scope, &projects),
        async {
            if !scope.snapshots {
                return Ok(Default::default());
            }
            snapshots::read_snapshots(reading, &owners, published).await
        },
    )?;
    gaps.extend(unreachable);
    let mut all = Vec::with_capacity(deployed.0.len() + run.0.len());
    for (read, unread) in [deployed, run] {
        all.extend(read);
        gaps.extend(unread);
    }
    all.extend(in_git);
    // Old servers, and small ones, do not have what no step asks for.
    let named = scope.channels && step_channels(&mut all).next().is_some();
    let channels = reading.read_if(named, "the channels", reader.list_channels()).await?;
    name_channels(&mut all, &channels);
    gaps.extend(resolved::unread_templates(all.iter()));
    gaps.extend(hidden);
    let (mut editions, hidden) = frozen;
    gaps.extend(hidden);
    if scope.snapshots {
        let (further, hidden) = git::branch_snapshots(reading, scope, &owners, &all).await?;
        gaps.extend(resolved::unread_templates(further.iter().map(|it| &it.process)));
        editions.extend(further);
        gaps.extend(hidden);
    }
    let PoolReferences { references: pointers, indirect: choosers } = pointing;
    let projects = owners.live_projects();
    let groups = groups.iter().map(|it| Name::new(&it.name)).collect();
    Ok(Inventory {
        projects,
        groups,
        processes: all,
        references: pointers,
        indirect: choosers,
        snapshots: editions,
        unread: gaps,
    })
}

/// The channels to which steps are limited.
fn step_channels(processes: &mut [LiveProcess]) -> impl Iterator<Item = &mut String> {
    let steps = processes.iter_mut().flat_map(|process| {
        let inside =
            process.templates.iter_mut().flat_map(|template| match &mut template.contents {
                TemplateContents::Steps(steps) => steps.as_mut_slice(),
                TemplateContents::Omitted
                | TemplateContents::Ambiguous
                | TemplateContents::Unread(_) => &mut [],
            });
        process.steps.iter_mut().chain(inside)
    });
    steps.flat_map(|step| &mut step.channels)
}

/// Gives the channels to which steps are limited their names.
fn name_channels(processes: &mut [LiveProcess], channels: &[wire::ChannelResource]) {
    let names: HashMap<&str, &str> =
        channels.iter().map(|channel| (channel.id.as_str(), channel.name.as_str())).collect();
    for channel in step_channels(processes) {
        if let Some(name) = names.get(channel.as_str()) {
            (*name).clone_into(channel);
        }
    }
}

/// The project of this id, else of this name, else of this slug; none where there is none.
fn select_project(
    projects: Vec<wire::ProjectResource>,
    wanted: &str,
) -> Vec<wire::ProjectResource> {
    let matches_wanted =
        |part: &str| !part.is_empty() && part.to_lowercase() == wanted.trim().to_lowercase();
    let by: [&dyn Fn(&wire::ProjectResource) -> bool; 3] =
        [&|it| matches_wanted(&it.id), &|it| matches_wanted(it.name.trim()), &|project| {
            matches_wanted(&project.slug)
        }];
    let found = by.iter().find(|by| projects.iter().any(by));
    match found {
        Some(by) => projects.into_iter().filter(|it| by(it)).collect(),
        None => Vec::new(),
    }
}

/// Projects with the names of their groups.
pub(super) struct GroupedProjects<'a> {
    pub(super) projects: &'a [wire::ProjectResource],
    /// What is hidden where nothing is read of Git for a plan; nothing, where it is.
    hidden_in_git: Option<HiddenData>,
    groups: HashMap<&'a str, &'a str>,
}

impl<'a> GroupedProjects<'a> {
    fn new(
        projects: &'a [wire::ProjectResource],
        groups: &'a [wire::NamedResource],
        scope: &ReadScope,
    ) -> Self {
        // What is read as a further branch is hidden from rules alone.
        let hides = if scope.snapshots { HiddenData::Rules } else { HiddenData::Steps };
        let hidden_in_git = scope.git.is_none().then_some(hides);
        let groups = groups.iter().map(|group| (group.id.as_str(), group.name.as_str())).collect();
        Self { projects, hidden_in_git, groups }
    }

    /// Whose a process is.
    pub(super) fn process_owner(
        &self,
        project: &wire::ProjectResource,
        runbook: Option<&str>,
    ) -> ProcessOwner {
        // A group that the key may not see is called by its id.
        let id = project.project_group_id.as_str();
        ProcessOwner {
            project: Name::new(&project.name),
            group: Name::new(self.groups.get(id).copied().unwrap_or(id)),
            runbook: runbook.map(Name::new),
        }
    }

    fn live_projects(&self) -> Vec<LiveProject> {
        let live_project = |project_resource: &wire::ProjectResource| {
            let ProcessOwner { project, group, .. } = self.process_owner(project_resource, None);
            let tags = project_resource.project_tags.clone();
            LiveProject { name: project, group, tags, git: is_in_git(project_resource) }
        };
        self.projects.iter().map(live_project).collect()
    }

    /// Published snapshots, with whose they are.
    fn published_owners(
        &self,
        snapshots: Vec<(String, String, String)>,
    ) -> Vec<(String, ProcessOwner)> {
        let owned = snapshots.into_iter().filter_map(|(id, runbook, project)| {
            let project =
                self.projects.iter().find(|project_resource| project_resource.id == project)?;
            Some((id, self.process_owner(project, Some(&runbook))))
        });
        let mut owned: Vec<_> = owned.collect();
        owned.sort_by(|(_, one), (_, other)| one.project.cmp(&other.project));
        owned
    }

    /// The deployment processes to read; the others are gaps.
    fn deployment_processes(&self, gaps: &mut Vec<UnreadPart>) -> Vec<ProcessRequest> {
        let mut wanted = Vec::with_capacity(self.projects.len());
        for project in self.projects {
            if is_in_git(project) {
                let what = format!(
                    "the deployment process of the version-controlled project {:?}",
                    project.name
                );
                gaps.extend(self.unread_in_git(what, project));
            } else {
                wanted.push((
                    project.deployment_process_id.clone(),
                    self.process_owner(project, None),
                ));
            }
        }
        wanted
    }

    fn unread_in_git(&self, what: String, project: &wire::ProjectResource) -> Option<UnreadPart> {
        self.hidden_in_git
            .map(|hides| UnreadPart::new(what, IN_GIT, hides).in_project(&project.name))
    }

    /// The processes of runbooks to read; the others are gaps.
    ///
    /// # Source
    ///
    /// The runbooks of a version-controlled project are in the database all the same, until they are
    /// converted on their own (`ConversionState.RunbooksAreInGit`).
    fn runbook_processes(
        &self,
        books: Vec<wire::RunbookResource>,
        gaps: &mut Vec<UnreadPart>,
    ) -> Vec<ProcessRequest> {
        let has_git_runbooks = |project: &wire::ProjectResource| {
            is_in_git(project) && project.persistence_settings.conversion_state.runbooks_are_in_git
        };
        for project in self.projects.iter().filter(|it| has_git_runbooks(it)) {
            let what = format!("the runbooks of the version-controlled project {:?}", project.name);
            gaps.extend(self.unread_in_git(what, project));
        }
        let by_id: HashMap<&str, &wire::ProjectResource> =
            self.projects.iter().map(|project| (project.id.as_str(), project)).collect();
        let mut wanted = Vec::with_capacity(books.len());
        for book in books {
            match by_id.get(book.project_id.as_str()) {
                Some(project) if has_git_runbooks(project) => {}
                Some(project) => {
                    let owner = self.process_owner(project, Some(&book.name));
                    wanted.push((book.runbook_process_id, owner));
                }
                None => {
                    let what = format!("the process of the runbook {:?}", book.name);
                    let why = "its project is not among those that the key may see".to_owned();
                    gaps.push(UnreadPart::new(what, why, HiddenData::Steps));
                }
            }
        }
        // The server orders runbooks by their own names; ours stand with their projects.
        wanted.sort_by(|(_, one), (_, other)| one.project.cmp(&other.project));
        wanted
    }
}

/// The published snapshots of runbooks, each with its runbook and project.
fn published_runbooks(books: &[wire::RunbookResource]) -> Vec<(String, String, String)> {
    let published = books.iter().filter(|it| !it.published_runbook_snapshot_id.is_empty());
    let snapshot_entry = |runbook: &wire::RunbookResource| {
        (
            runbook.published_runbook_snapshot_id.clone(),
            runbook.name.clone(),
            runbook.project_id.clone(),
        )
    };
    published.map(snapshot_entry).collect()
}

/// Whether a project's deployment process is stored in Git.
pub(super) fn is_in_git(project: &wire::ProjectResource) -> bool {
    let stored = &project.persistence_settings.r#type;
    project.is_version_controlled || stored.eq_ignore_ascii_case("VersionControlled")
}

/// The processes that are wanted, in that order, and a gap for each that cannot be read; with what is inside
/// process templates, where that is asked for.
///
/// # Errors
///
/// The first failure, where not one of them can be read: a plan of nothing would look like a plan in
/// which nothing is to do.
async fn read_processes(
    reading: &SpaceReading<'_>,
    kind: ProcessCollection,
    wanted: Vec<ProcessRequest>,
    templates: bool,
) -> Result<(Vec<LiveProcess>, Vec<UnreadPart>), RefreshError> {
    let ids: Vec<String> =
        wanted.iter().map(|(id, _)| id.clone()).filter(|id| !id.is_empty()).collect();
    let (found, unread) = reading.reader.processes_by_ids(kind, &ids).await;
    let unread = errors_by_id(reading, "the processes", unread)?;
    if let (true, Some(why)) = (found.is_empty(), ids.iter().find_map(|id| unread.get(id))) {
        return Err(reading.unread_error("the processes", why.clone()));
    }
    let mut found: HashMap<String, wire::ProcessResource> =
        found.into_iter().map(|process| (process.id.to_lowercase(), process)).collect();
    let (mut processes, mut gaps) = (Vec::with_capacity(wanted.len()), Vec::new());
    // Those that use templates, by their places.
    let mut using = Vec::new();
    for (id, owner) in wanted {
        if let Some(process) = found.remove(&id.to_lowercase()) {
            let outline = ProcessOutline::from_process(&process).filter(|_| templates);
            using.extend(
                outline.map(|outline| (processes.len(), outline, process.project_id.clone())),
            );
            processes.push(lower::live_process(process, owner));
            continue;
        }
        let why = unread.get(&id).map(ToString::to_string);
        let why = why.unwrap_or_else(|| "the server does not say which it is".to_owned());
        gaps.push(
            UnreadPart::new(describe_process(&owner), why, HiddenData::Steps)
                .in_project(owner.project.as_str()),
        );
    }
    let inside = using.iter().map(|(_, outline, project)| {
        resolved::read_template_uses(&reading.reader, outline, (project.as_str(), None))
    });
    let inside = try_join_all(inside).await;
    let inside =
        inside.map_err(|why| reading.unread_error("the steps inside process templates", why))?;
    for ((at, ..), inside) in using.iter().zip(inside) {
        if let Some(process) = processes.get_mut(*at) {
            process.templates = inside;
        }
    }
    Ok((processes, gaps))
}

fn describe_process(owner: &ProcessOwner) -> String {
    match &owner.runbook {
        None => format!("the deployment process of project {:?}", owner.project),
        Some(runbook) => {
            format!("the process of runbook {runbook:?} of project {:?}", owner.project)
        }
    }
}

/// Why each thing is unread, by its id.
///
/// # Errors
///
/// The first failure that is of the connection and not of the thing: then all else is in doubt too.
pub(super) fn errors_by_id(
    reading: &SpaceReading<'_>,
    what: &str,
    unread: Vec<UnreadDocument>,
) -> Result<HashMap<String, octopus::ClientError>, RefreshError> {
    match unread.iter().find(|it| !is_item_error(&it.error)) {
        Some(UnreadDocument { error, .. }) => Err(reading.unread_error(what, error.clone())),
        None => Ok(unread.into_iter().map(|UnreadDocument { id, error }| (id, error)).collect()),
    }
}

/// Whether the server answers, and refuses or garbles this one thing.
pub(super) fn is_item_error(error: &octopus::ClientError) -> bool {
    match error {
        octopus::ClientError::Status { status, .. } => !matches!(status, 401 | 429 | 502..=504),
        octopus::ClientError::Malformed { .. } | octopus::ClientError::TooLarge { .. } => true,
        _ => false,
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

    fn told(projects: Value, runbooks: Value) -> String {
        let projects: Vec<wire::ProjectResource> = serde_json::from_value(projects).unwrap();
        let runbooks: Vec<wire::RunbookResource> = serde_json::from_value(runbooks).unwrap();
        let owners = GroupedProjects::new(&projects, &[], &ReadScope::default());
        let mut gaps = Vec::new();
        let mut wanted = owners.deployment_processes(&mut gaps);
        wanted.extend(owners.runbook_processes(runbooks, &mut gaps));
        let wanted = wanted.iter().map(|(id, owner)| format!("{id}: {}", describe_process(owner)));
        let gaps = gaps.iter().map(|gap| format!("gap: {}: {}", gap.what, gap.why));
        wanted.chain(gaps).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_in_git_is_a_gap_and_the_rest_of_the_project_is_read() {
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
        insta::assert_snapshot!(told(projects, json!(runbooks)), @r#"
                deploymentprocess-Projects-Web: the deployment process of project "Web"
                RunbookProcess-Shop: the process of runbook "Restart" of project "Shop"
                RunbookProcess-Web: the process of runbook "Restart" of project "Web"
                gap: the deployment process of the version-controlled project "Shop": it is stored in Git, and the file has no `[version_control]`
                gap: the deployment process of the version-controlled project "Bank": it is stored in Git, and the file has no `[version_control]`
                gap: the runbooks of the version-controlled project "Bank": it is stored in Git, and the file has no `[version_control]`
                gap: the process of the runbook "Restart": its project is not among those that the key may see
                "#);
    }
}
