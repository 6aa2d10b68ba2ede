//! Processes that are stored in Git, branch by branch.
//!
//! # Source
//!
//! `api.md` 2.10: `{gitRef}` stands between project and process, and there is no reading of many at once.
//! A protected branch takes no commit.

use super::{
    Error, Reading,
    estate::{Owners, is_in_git, is_of_the_thing},
    lower,
    resolved::{self, Outline},
};
use crate::{
    live::{Branch, Edition, EditionOf, Gap, GitScope, Hides, LiveProcess, Owner, Scope},
    model::Id,
    octopus::{self, Resource, wire},
    text::pattern::Patterns,
};
use futures_util::future::{join_all, try_join_all};
use std::collections::HashSet;

/// The most branches of a repository that are read for what they use, beside those that a file names.
pub(super) const BRANCHES: usize = 20;

/// The word for each project's default branch.
const DEFAULT: &str = "default";

/// The processes in Git that `scope` asks for, and a gap for each project that cannot be read.
///
/// # Errors
///
/// A failure that is of the connection, and not of one repository.
pub(super) async fn processes(
    reading: &Reading<'_>,
    scope: &Scope,
    owners: &Owners<'_>,
) -> Result<(Vec<LiveProcess>, Vec<Gap>), Error> {
    let Some(git) = &scope.git else { return Ok((Vec::new(), Vec::new())) };
    let in_git = owners.projects.iter().filter(|it| is_in_git(it));
    let repositories = in_git.map(|project| {
        let runbooks = scope.runbooks && runbooks_in_git(project);
        let repository = Repository { reading, git, owners, project, scope, runbooks };
        async move { (project, repository.processes().await) }
    });
    let hides = if git.skip_unreachable { Hides::Steps } else { Hides::StepsInGit };
    let (mut processes, mut gaps) = (Vec::new(), Vec::new());
    for (project, read) in join_all(repositories).await {
        match read {
            Ok(read) => processes.extend(read),
            Err(why) if is_of_the_repository(&why) => {
                let what = format!("the version-controlled project {:?}", project.name);
                gaps.push(Gap { what, why: why.to_string(), hides });
            }
            Err(why) => return Err(reading.unread("the processes in Git", why)),
        }
    }
    Ok((processes, gaps))
}

/// The processes of all branches but those that are `read` already, for what they use; and a gap for each
/// branch that cannot be read.
///
/// # Errors
///
/// A failure that is of the connection, and not of one repository.
pub(super) async fn further(
    reading: &Reading<'_>,
    scope: &Scope,
    owners: &Owners<'_>,
    read: &[LiveProcess],
) -> Result<(Vec<Edition>, Vec<Gap>), Error> {
    let known: HashSet<(&str, &str)> = read
        .iter()
        .filter_map(|it| it.git.as_ref())
        .map(|it| (it.project.as_str(), it.name.as_str()))
        .collect();
    let git = &GitScope { branches: vec!["*".to_owned()], ..GitScope::default() };
    let any = scope.deployments || scope.runbooks;
    let in_git = owners.projects.iter().filter(|it| any && is_in_git(it));
    let repositories = in_git.map(|project| {
        let runbooks = scope.runbooks && runbooks_in_git(project);
        let repository = Repository { reading, git, owners, project, scope, runbooks };
        let known = &known;
        async move { repository.further(known).await }
    });
    let (mut editions, mut gaps) = (Vec::new(), Vec::new());
    for read in join_all(repositories).await {
        let (processes, hidden) = read.map_err(|why| reading.unread("the branches in Git", why))?;
        let edition = |process| Edition { of: EditionOf::Branch, process, values: Vec::new() };
        editions.extend(processes.into_iter().map(edition));
        gaps.extend(hidden);
    }
    Ok((editions, gaps))
}

/// Whether the server answers, and cannot read this one repository.
fn is_of_the_repository(error: &octopus::Error) -> bool {
    let gateway = matches!(error, octopus::Error::Status { status: 502..=504, .. });
    gateway || is_of_the_thing(error)
}

/// Whether the runbooks of a project are stored in Git too.
fn runbooks_in_git(project: &wire::Project) -> bool {
    project.persistence_settings.conversion_state.runbooks_are_in_git
}

/// A project whose processes are in Git.
struct Repository<'a> {
    reading: &'a Reading<'a>,
    git: &'a GitScope,
    owners: &'a Owners<'a>,
    project: &'a wire::Project,
    scope: &'a Scope,
    runbooks: bool,
}

impl Repository<'_> {
    /// The processes of all branches that are asked for, each protected one followed by the branch that
    /// stands for it.
    async fn processes(&self) -> Result<Vec<LiveProcess>, octopus::Error> {
        if !(self.scope.deployments || self.runbooks) {
            return Ok(Vec::new());
        }
        let mut branches = Vec::new();
        for (name, protected) in self.branches().await? {
            let stand_in = self.stand_in(&name, protected, &branches).await?;
            branches.push(self.branch(name, protected, None));
            branches.extend(stand_in);
        }
        let read = try_join_all(branches.iter().map(|branch| self.on_branch(branch))).await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// The processes of the first branches that are not among `known`, and a gap for each that is not read.
    async fn further(
        &self,
        known: &HashSet<(&str, &str)>,
    ) -> Result<(Vec<LiveProcess>, Vec<Gap>), octopus::Error> {
        let of = format!("of the version-controlled project {:?}", self.project.name);
        let gap = |what: String, why: String| Gap { what, why, hides: Hides::Editions };
        let branches = match self.branches().await {
            Ok(branches) => branches,
            Err(why) if is_of_the_repository(&why) => {
                return Ok((Vec::new(), vec![gap(format!("the branches {of}"), why.to_string())]));
            }
            Err(why) => return Err(why),
        };
        let is_new = |name: &str| !known.contains(&(self.project.id.as_str(), name));
        let branches = branches.into_iter().filter(|(name, _)| is_new(name));
        let mut branches: Vec<Branch> =
            branches.map(|(name, protected)| self.branch(name, protected, None)).collect();
        let mut gaps = Vec::new();
        if BRANCHES < branches.len() {
            let what = format!("{} branches {of}", branches.len() - BRANCHES);
            gaps.push(gap(what, format!("no more than {BRANCHES} are read")));
            branches.truncate(BRANCHES);
        }
        let mut processes = Vec::new();
        for (read, branch) in
            join_all(branches.iter().map(|it| self.on_branch(it))).await.into_iter().zip(&branches)
        {
            match read {
                Ok(read) => processes.extend(read),
                Err(why) if is_of_the_repository(&why) => {
                    gaps.push(gap(format!("branch {:?} {of}", branch.name), why.to_string()));
                }
                Err(why) => return Err(why),
            }
        }
        Ok((processes, gaps))
    }

    /// The branches that are asked for, and whether each is protected. The list of all is read only
    /// where more than the default branch is asked for.
    async fn branches(&self) -> Result<Vec<(String, bool)>, octopus::Error> {
        let settings = &self.project.persistence_settings;
        let default = short(&settings.default_branch).to_owned();
        let protects =
            Patterns::new(settings.protected_branch_name_patterns.iter().map(String::as_str));
        let is_protected = |name: &str| {
            name == default && settings.protected_default_branch
                || !settings.protected_branch_name_patterns.is_empty() && protects.matches(name)
        };
        let asked = self.git.branches.iter().map(String::as_str);
        let others: Vec<&str> = asked.filter(|it| *it != DEFAULT).collect();
        let with_default = others.len() < self.git.branches.len();
        let mut branches = Vec::new();
        if with_default {
            branches.push((default.clone(), is_protected(&default)));
        }
        if !others.is_empty() {
            let wanted = Patterns::new(others.iter().copied());
            let listed = self.reading.reader.branches(&self.project.id).await?;
            let asked = listed.into_iter().filter(|it| {
                wanted.matches(&it.name)
                    && !(with_default && it.name == default)
                    && self.git.instead_of_protected.as_ref() != Some(&it.name)
            });
            branches.extend(asked.map(|it| {
                let protected = it.is_protected || is_protected(&it.name);
                (it.name, protected)
            }));
        }
        Ok(branches)
    }

    /// The branch that takes what a protected one may not, where it is there already. It can stand for
    /// one branch alone.
    async fn stand_in(
        &self,
        name: &str,
        protected: bool,
        before: &[Branch],
    ) -> Result<Option<Branch>, octopus::Error> {
        let Some(instead) = self.git.instead_of_protected.as_ref().filter(|_| protected) else {
            return Ok(None);
        };
        if before.iter().any(|it| it.stands_for.is_some()) {
            return Ok(None);
        }
        let branch = self.branch(instead.clone(), false, Some(name.to_owned()));
        let there = self.reading.reader.branch(&address(&branch)).await?;
        Ok(there.map(|_| branch))
    }

    fn branch(&self, name: String, protected: bool, stands_for: Option<String>) -> Branch {
        Branch {
            process: String::new(),
            project: Id::new(&self.project.id),
            repository: without_secrets(&self.project.persistence_settings.url),
            name,
            protected,
            stands_for,
        }
    }

    async fn on_branch(&self, branch: &Branch) -> Result<Vec<LiveProcess>, octopus::Error> {
        let reader = &self.reading.reader;
        let at = &address(branch);
        let mut wanted = Vec::new();
        if self.scope.deployments {
            let owner = self.owners.owner(self.project, None);
            wanted.push((Resource::BranchDeploymentProcess(at.clone()), owner));
        }
        if self.runbooks {
            for book in reader.runbooks_on(at).await? {
                let owner = self.owners.owner(self.project, Some(&book.name));
                wanted.push((
                    Resource::BranchRunbookProcess(at.clone(), book.runbook_process_id),
                    owner,
                ));
            }
        }
        let read = |(resource, owner): (Resource, Owner)| async move {
            let process = reader.process(&resource).await?;
            let has_route = matches!(resource, Resource::BranchDeploymentProcess(_));
            let outline = Outline::of(&process).filter(|_| self.scope.templates && has_route);
            let mut process = of_branch(process, owner, branch);
            if let Some(outline) = outline {
                let of = (branch.project.as_str(), Some(at));
                process.templates = resolved::templates(reader, &outline, of).await?;
            }
            Ok(process)
        };
        try_join_all(wanted.into_iter().map(read)).await
    }
}

fn of_branch(process: wire::Process, owner: Owner, branch: &Branch) -> LiveProcess {
    let mut live = lower::process(process, owner);
    let process = live.id.as_str().to_owned();
    live.id = LiveProcess::on_branch(&process, &branch.name);
    live.git = Some(Branch { process, ..branch.clone() });
    live
}

/// A branch, as the client addresses it.
fn address(branch: &Branch) -> octopus::Branch {
    octopus::Branch { project: branch.project.as_str().to_owned(), name: branch.name.clone() }
}

/// `refs/heads/main` → `main`.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// A repository's URL without user and password, which some people put there.
fn without_secrets(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_repository_keeps_no_secret() {
        let shown = [
            "https://x:ghp_1@git.example/a/b@c.git",
            "https://git.example",
            "git@git.example:a/b.git",
        ]
        .map(without_secrets);
        assert_eq!(
            shown,
            ["https://git.example/a/b@c.git", "https://git.example", "git@git.example:a/b.git"]
        );
    }

    #[test]
    fn a_branch_has_one_short_name() {
        assert_eq!(["main", "refs/heads/release/1"].map(short), ["main", "release/1"]);
    }
}
