//! Projects, their processes, and everything else in them that may refer to a pool.

use super::{
    RefreshError, SpaceReading,
    by_id::ById,
    git,
    grouped_projects::{GroupedProjects, ProcessRequest, describe_process},
    item_errors::{errors_by_id, list_or_unread},
    lower,
    pool_references::{self, PoolReferences},
    resolved::{self, ProcessOutline},
    snapshots,
};
use poolwright_client::octopus::{self, wire};
use poolwright_core::{
    live::{
        HiddenData, IndirectPools, LiveProcess, LiveProject, PoolReference, ProcessSnapshot,
        TemplateContents, UnreadPart,
    },
    model::{Name, ProcessKind, UnresolvedReference, find_by_reference},
    scope::ReadScope,
    text::eq_ignoring_case,
};

use futures_util::future::try_join_all;

/// The contents of a space's projects.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) projects: Vec<LiveProject>,
    /// The names of all project groups.
    pub(super) groups: Vec<Name>,
    /// The names of channels, if they were read.
    pub(super) channels: Vec<Name>,
    pub(super) processes: Vec<LiveProcess>,
    pub(super) references: Vec<PoolReference>,
    pub(super) indirect: IndirectPools,
    pub(super) snapshots: Vec<ProcessSnapshot>,
    pub(super) unread: Vec<UnreadPart>,
}

/// Reads the parts of the projects that are in `scope`.
pub(super) async fn read_inventory(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
) -> Result<Inventory, RefreshError> {
    let mut unread_parts = Vec::new();
    let (projects, groups, runbooks) = list_projects(reading, scope, &mut unread_parts).await?;
    let owners = GroupedProjects::new(&projects, &groups, scope);
    let (mut published, mut of_projects, mut of_runbooks) = (Vec::new(), Vec::new(), Vec::new());
    if scope.snapshots {
        published = owners.published_owners(published_runbooks(&runbooks));
    }
    if scope.deployments {
        of_projects = owners.deployment_processes(&mut unread_parts);
    }
    if scope.runbooks {
        of_runbooks = owners.runbook_processes(runbooks, &mut unread_parts);
    }
    let read_snapshots = async {
        if !scope.snapshots {
            return Ok(Default::default());
        }
        snapshots::read_snapshots(reading, &owners, published).await
    };
    let (deployed, run, (in_git, unreachable), (references, hidden), frozen) = tokio::try_join!(
        read_processes(reading, ProcessKind::Deployment, of_projects, scope.templates),
        read_processes(reading, ProcessKind::Runbook, of_runbooks, false),
        git::git_processes(reading, scope, &owners),
        pool_references::read_pool_references(reading, scope, &projects),
        read_snapshots,
    )?;
    unread_parts.extend(unreachable);
    let (mut all, mut failure) = (in_git, None);
    for read in [run, deployed] {
        all.splice(0..0, read.processes);
        unread_parts.extend(read.unread);
        failure = read.failure.or(failure);
    }
    // An empty plan would look as if there were nothing to do. An explanation says what it lacks.
    if let Some(why) = failure.filter(|_| all.is_empty() && scope.project.is_none()) {
        return Err(reading.unread_error("the processes", why));
    }
    let channels = read_channel_names(reading, scope, &mut all, &mut unread_parts).await?;
    unread_parts.extend(resolved::unread_templates(all.iter()));
    unread_parts.extend(hidden);
    let (mut snapshots, hidden) = frozen;
    unread_parts.extend(hidden);
    if scope.snapshots {
        let (further, hidden) = git::branch_snapshots(reading, scope, &owners, &all).await?;
        unread_parts.extend(resolved::unread_templates(further.iter().map(|it| &it.process)));
        snapshots.extend(further);
        unread_parts.extend(hidden);
    }
    let PoolReferences { references, indirect } = references;
    Ok(Inventory {
        projects: owners.live_projects(),
        groups: groups.iter().map(|it| Name::new(&it.name)).collect(),
        channels,
        processes: all,
        references,
        indirect,
        snapshots,
        unread: unread_parts,
    })
}

/// Lists the projects in `scope`, all project groups, and the runbooks of those projects.
async fn list_projects(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<
    (Vec<wire::ProjectResource>, Vec<wire::NamedResource>, Vec<wire::RunbookResource>),
    RefreshError,
> {
    let reader = &reading.reader;
    if !scope.reads_projects() {
        return Ok(Default::default());
    }
    let list_runbooks = async {
        let wanted = scope.runbooks || scope.snapshots;
        if wanted { reader.list_runbooks().await } else { Ok(Vec::new()) }
    };
    let (projects, groups, runbooks) =
        tokio::join!(reader.list_projects(), reader.list_project_groups(), list_runbooks);
    let mut projects = projects.map_err(|why| reading.unread_error("the projects", why))?;
    let (what, hides) = ("the project groups", HiddenData::Groups);
    let groups = list_or_unread(reading, what, groups, hides, unread_parts)?;
    let mut runbooks =
        list_or_unread(reading, "the runbooks", runbooks, HiddenData::Steps, unread_parts)?;
    if let Some(wanted) = &scope.project {
        projects = select_project(projects, wanted)?;
        let is_owner = |project: &wire::ProjectResource, runbook: &wire::RunbookResource| {
            eq_ignoring_case(&project.id, &runbook.project_id)
        };
        runbooks.retain(|runbook| projects.iter().any(|project| is_owner(project, runbook)));
    }
    Ok((projects, groups, runbooks))
}

/// Replaces the ids of the channels to which steps are limited by their names, if that is in `scope`, and returns
/// the names of all channels.
///
/// Channels are only read if a step or a rule needs them, since old servers may not list them.
async fn read_channel_names(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    processes: &mut [LiveProcess],
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<Vec<Name>, RefreshError> {
    let is_used = step_channels(processes).next().is_some();
    if !(scope.every_channel || scope.channels && is_used) {
        return Ok(Vec::new());
    }
    let channels = reading.reader.list_channels().await;
    let channels =
        list_or_unread(reading, "the channels", channels, HiddenData::Channels, unread_parts)?;
    name_channels(processes, &channels);
    Ok(channels.into_iter().map(|channel| Name::new(channel.name)).collect())
}

/// Returns the channels to which steps are limited.
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

/// Replaces the ids of the channels to which steps are limited with their names.
fn name_channels(processes: &mut [LiveProcess], channels: &[wire::ChannelResource]) {
    let names: ById<&str> =
        channels.iter().map(|channel| (&channel.id, channel.name.as_str())).collect();
    for channel in step_channels(processes) {
        if let Some(name) = names.get(channel) {
            (*name).clone_into(channel);
        }
    }
}

/// Returns the project with this id, name or slug; empty if there is none.
///
/// # Errors
///
/// Fails if several projects are called so, such as one whose name is the id of another.
fn select_project(
    projects: Vec<wire::ProjectResource>,
    wanted: &str,
) -> Result<Vec<wire::ProjectResource>, RefreshError> {
    struct NamedProject {
        name: Name,
        project: wire::ProjectResource,
    }
    let named = projects.into_iter().map(|project| {
        let name = Name::new(project.name.as_str());
        NamedProject { name, project }
    });
    let named: Vec<NamedProject> = named.collect();
    let found =
        find_by_reference(named.iter(), wanted, |it| (&it.project.id, &it.name, &it.project.slug));
    match found.map(|it| it.project.id.clone()) {
        Ok(id) => {
            let projects = named.into_iter().map(|it| it.project);
            Ok(projects.filter(|project| project.id == id).collect())
        }
        Err(UnresolvedReference::Missing) => Ok(Vec::new()),
        Err(UnresolvedReference::Ambiguous(found)) => {
            Err(RefreshError::AmbiguousProject { requested: wanted.to_owned(), found })
        }
    }
}

/// Returns the published runbook snapshots, each with its runbook and project.
fn published_runbooks(runbooks: &[wire::RunbookResource]) -> Vec<(String, String, String)> {
    let published = runbooks.iter().filter(|it| !it.published_runbook_snapshot_id.is_empty());
    let snapshot_entry = |runbook: &wire::RunbookResource| {
        (
            runbook.published_runbook_snapshot_id.clone(),
            runbook.name.clone(),
            runbook.project_id.clone(),
        )
    };
    published.map(snapshot_entry).collect()
}

/// Processes that were read, in the order in which they were requested.
struct ProcessReading {
    processes: Vec<LiveProcess>,
    /// A part for each process that could not be read.
    unread: Vec<UnreadPart>,
    /// Why the first of these could not be read.
    failure: Option<octopus::ClientError>,
}

/// Reads the `wanted` processes, with the contents of process templates if `templates` is true.
///
/// # Errors
///
/// A failure of the connection, as opposed to one process.
async fn read_processes(
    reading: &SpaceReading<'_>,
    kind: ProcessKind,
    wanted: Vec<ProcessRequest>,
    templates: bool,
) -> Result<ProcessReading, RefreshError> {
    let ids: Vec<String> =
        wanted.iter().map(|(id, _)| id.clone()).filter(|id| !id.is_empty()).collect();
    let (found, unread) = reading.reader.processes_by_ids(kind, &ids).await;
    let unread = errors_by_id(reading, "the processes", unread)?;
    let failure = ids.iter().find_map(|id| unread.get(id)).cloned();
    let mut found: ById<wire::ProcessResource> =
        found.into_iter().map(|process| (process.id.clone(), process)).collect();
    let (mut processes, mut unread_parts) = (Vec::with_capacity(wanted.len()), Vec::new());
    // The processes that use templates, by index.
    let mut using = Vec::new();
    for (id, owner) in wanted {
        if let Some(process) = found.remove(&id) {
            let outline = ProcessOutline::from_process(&process).filter(|_| templates);
            using.extend(
                outline.map(|outline| (processes.len(), outline, process.project_id.clone())),
            );
            processes.push(lower::live_process(process, owner));
            continue;
        }
        let why = unread.get(&id).map(ToString::to_string);
        let why = why.unwrap_or_else(|| "the server did not return it".to_owned());
        unread_parts.push(
            UnreadPart::new(describe_process(&owner), why, HiddenData::Steps)
                .in_project(owner.project.as_str()),
        );
    }
    let inside = using.iter().map(|(_, outline, project)| {
        resolved::read_template_uses(&reading.reader, outline, project, None)
    });
    let inside = try_join_all(inside).await;
    let inside =
        inside.map_err(|why| reading.unread_error("the steps inside process templates", why))?;
    for ((at, ..), inside) in using.iter().zip(inside) {
        if let Some(process) = processes.get_mut(*at) {
            process.templates = inside;
        }
    }
    Ok(ProcessReading { processes, unread: unread_parts, failure })
}
