//! Processes that are stored in Git, branch by branch.
//!
//! # Source
//!
//! `api.md` 2.10: `{gitRef}` comes between project and process in a path, and processes cannot be read in
//! bulk. A protected branch accepts no commits.

mod branches;

pub(super) use branches::{RepositoryBranches, branch_ref, short_branch_name};

use super::{
    RefreshError, SpaceReading,
    grouped_projects::{GroupedProjects, is_in_git},
    item_errors::is_repository_error,
    lower,
    resolved::{self, ProcessOutline},
};
use poolwright_client::octopus::{self, Resource, wire};
use poolwright_core::{
    live::{
        HiddenData, LiveBranch, LiveProcess, ProcessOwner, ProcessSnapshot, SnapshotOrigin,
        UnreadPart,
    },
    model::{BranchRef, ProcessKind},
    scope::{GitScope, ReadScope},
};

use futures_util::future::{join_all, try_join_all};
use std::collections::HashSet;

/// The most branches of a repository that are read for the pools they use, besides those that a file names.
pub(super) const BRANCHES: usize = 20;

/// Reads the processes in Git that are in `scope`, and returns an unread part for each project that cannot be
/// read.
///
/// # Errors
///
/// A failure of the connection, as opposed to one repository.
pub(super) async fn git_processes(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    owners: &GroupedProjects<'_>,
) -> Result<(Vec<LiveProcess>, Vec<UnreadPart>), RefreshError> {
    let Some(git) = &scope.git else { return Ok((Vec::new(), Vec::new())) };
    let in_git = owners.projects.iter().filter(|it| is_in_git(it));
    let repositories = in_git.map(|project| {
        let runbooks = scope.runbooks && runbooks_in_git(project);
        let repository = GitProject { reading, git, owners, project, scope, runbooks };
        async move { (project, repository.branch_processes().await) }
    });
    let hides = if git.skip_unreachable { HiddenData::Steps } else { HiddenData::StepsInGit };
    let (mut processes, mut unread_parts) = (Vec::new(), Vec::new());
    for (project, read) in join_all(repositories).await {
        match read {
            Ok(read) => processes.extend(read),
            Err((on, why)) if is_repository_error(&why) => {
                let what = format!("the version-controlled project {:?}", project.name);
                unread_parts.push(
                    UnreadPart::new(what, format!("{on}{why}"), hides).in_project(&project.name),
                );
            }
            Err((_, why)) => return Err(reading.unread_error("the processes in Git", why)),
        }
    }
    Ok((processes, unread_parts))
}

/// Reads the processes of all branches except those already `read`, for the pools they use, and returns an
/// unread part for each branch that cannot be read.
///
/// # Errors
///
/// A failure of the connection, as opposed to one repository.
pub(super) async fn branch_snapshots(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    owners: &GroupedProjects<'_>,
    read: &[LiveProcess],
) -> Result<(Vec<ProcessSnapshot>, Vec<UnreadPart>), RefreshError> {
    let known: HashSet<(&str, &str)> = read
        .iter()
        .filter_map(|it| it.git.as_ref())
        .map(|branch| (branch.at.project.as_str(), branch.at.name.as_str()))
        .collect();
    let git = &GitScope::every_branch();
    let any = scope.deployments || scope.runbooks;
    let in_git = owners.projects.iter().filter(|project| any && is_in_git(project));
    let repositories = in_git.map(|project| {
        let runbooks = scope.runbooks && runbooks_in_git(project);
        let repository = GitProject { reading, git, owners, project, scope, runbooks };
        let known = &known;
        async move { repository.other_processes(known).await }
    });
    let (mut snapshots, mut unread_parts) = (Vec::new(), Vec::new());
    for read in join_all(repositories).await {
        let (processes, hidden) =
            read.map_err(|why| reading.unread_error("the branches in Git", why))?;
        let branch_snapshot = |process| ProcessSnapshot {
            origin: SnapshotOrigin::OtherBranch,
            process,
            values: Vec::new(),
        };
        snapshots.extend(processes.into_iter().map(branch_snapshot));
        unread_parts.extend(hidden);
    }
    Ok((snapshots, unread_parts))
}

/// Whether the runbooks of a project are stored in Git too.
fn runbooks_in_git(project: &wire::ProjectResource) -> bool {
    project.persistence_settings.conversion_state.runbooks_are_in_git
}

/// A project whose processes are in Git.
struct GitProject<'a> {
    reading: &'a SpaceReading<'a>,
    git: &'a GitScope,
    owners: &'a GroupedProjects<'a>,
    project: &'a wire::ProjectResource,
    scope: &'a ReadScope,
    runbooks: bool,
}

impl GitProject<'_> {
    fn branch_reader(&self) -> RepositoryBranches<'_> {
        RepositoryBranches { reading: self.reading, git: self.git, project: self.project }
    }

    /// Reads the processes of all requested branches, each protected one followed by its stand-in.
    ///
    /// # Errors
    ///
    /// The failure, prefixed with its branch if the project has several.
    async fn branch_processes(&self) -> Result<Vec<LiveProcess>, (String, octopus::ClientError)> {
        if !(self.scope.deployments || self.runbooks) {
            return Ok(Vec::new());
        }
        let branches =
            self.branch_reader().with_stand_ins().await.map_err(|why| (String::new(), why))?;
        let branch_prefix = |branch: &LiveBranch| match branches.len() {
            1 => String::new(),
            _ => format!("on branch {:?}: ", branch.at.name),
        };
        let read = branches.iter().map(async |branch| {
            self.read_branch(branch).await.map_err(|why| (branch_prefix(branch), why))
        });
        let read = try_join_all(read).await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Reads the processes of the first branches that are not in `known`, and returns an unread part for each
    /// branch that is not read.
    async fn other_processes(
        &self,
        known: &HashSet<(&str, &str)>,
    ) -> Result<(Vec<LiveProcess>, Vec<UnreadPart>), octopus::ClientError> {
        let of_project = format!("of the version-controlled project {:?}", self.project.name);
        let unread_part =
            |what: String, why: String| UnreadPart::new(what, why, HiddenData::Snapshots);
        let listed = match self.branch_reader().selected_branches().await {
            Ok(listed) => listed,
            Err(why) if is_repository_error(&why) => {
                return Ok((
                    Vec::new(),
                    vec![unread_part(format!("the branches {of_project}"), why.to_string())],
                ));
            }
            Err(why) => return Err(why),
        };
        let is_unread_branch = |name: &str| !known.contains(&(self.project.id.as_str(), name));
        let mut branches: Vec<LiveBranch> =
            listed.into_iter().filter(|it| is_unread_branch(&it.at.name)).collect();
        let mut unread_parts = Vec::new();
        if branches.len() > BRANCHES {
            let what = format!("{} branches {of_project}", branches.len() - BRANCHES);
            unread_parts.push(unread_part(what, format!("at most {BRANCHES} are read")));
            branches.truncate(BRANCHES);
        }
        let mut processes = Vec::new();
        for (read, branch) in join_all(branches.iter().map(|it| self.read_branch(it)))
            .await
            .into_iter()
            .zip(&branches)
        {
            match read {
                Ok(read) => processes.extend(read),
                Err(why) if is_repository_error(&why) => {
                    unread_parts.push(unread_part(
                        format!("branch {:?} {of_project}", branch.at.name),
                        why.to_string(),
                    ));
                }
                Err(why) => return Err(why),
            }
        }
        Ok((processes, unread_parts))
    }

    async fn read_branch(
        &self,
        branch: &LiveBranch,
    ) -> Result<Vec<LiveProcess>, octopus::ClientError> {
        let reader = &self.reading.reader;
        let address = &octopus::ProjectBranch::from(&branch.at);
        let mut wanted = Vec::new();
        if self.scope.deployments {
            let owner = self.owners.process_owner(self.project, None);
            wanted.push((
                Resource::BranchProcess(address.clone(), ProcessKind::Deployment, String::new()),
                owner,
            ));
        }
        if self.runbooks {
            let mut runbooks = reader.branch_runbooks(address).await?;
            runbooks.sort_by(|one, other| one.name.cmp(&other.name));
            for runbook in runbooks {
                let owner = self.owners.process_owner(self.project, Some(&runbook.name));
                wanted.push((
                    Resource::BranchProcess(
                        address.clone(),
                        ProcessKind::Runbook,
                        runbook.runbook_process_id,
                    ),
                    owner,
                ));
            }
        }
        let read_process = |(resource, owner): (Resource, ProcessOwner)| async move {
            let process = reader.read_process(&resource).await?;
            let has_route =
                matches!(resource, Resource::BranchProcess(_, ProcessKind::Deployment, _));
            let outline = ProcessOutline::from_process(&process)
                .filter(|_| self.scope.templates && has_route);
            let mut process = live_on_branch(process, owner, branch);
            if let Some(outline) = outline {
                let project = branch.at.project.as_str();
                process.templates =
                    resolved::read_template_uses(reader, &outline, project, Some(address)).await?;
            }
            Ok(process)
        };
        try_join_all(wanted.into_iter().map(read_process)).await
    }
}

fn live_on_branch(
    process: wire::ProcessResource,
    owner: ProcessOwner,
    branch: &LiveBranch,
) -> LiveProcess {
    let mut live = lower::live_process(process, owner);
    let document = live.id.as_str().to_owned();
    let at = BranchRef { document, ..branch.at.clone() };
    live.id = at.process_id();
    live.git = Some(LiveBranch { at, role: branch.role.clone() });
    live
}
