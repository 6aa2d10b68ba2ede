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
};
use crate::{
    live::{Branch, Gap, GitScope, Hides, LiveProcess, Owner, Scope},
    model::Id,
    octopus::{self, Resource, wire},
    text::pattern::Patterns,
};
use futures_util::future::{join_all, try_join_all};

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
        let repository =
            Repository { reading, git, owners, project, deployments: scope.deployments, runbooks };
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
    deployments: bool,
    runbooks: bool,
}

impl Repository<'_> {
    /// The processes of all branches that are asked for, each protected one followed by the branch that
    /// stands for it.
    async fn processes(&self) -> Result<Vec<LiveProcess>, octopus::Error> {
        if !(self.deployments || self.runbooks) {
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
        let at = address(branch);
        let mut wanted = Vec::new();
        if self.deployments {
            let owner = self.owners.owner(self.project, None);
            wanted.push((Resource::BranchDeploymentProcess(at.clone()), owner));
        }
        if self.runbooks {
            for book in reader.runbooks_on(&at).await? {
                let owner = self.owners.owner(self.project, Some(&book.name));
                wanted.push((
                    Resource::BranchRunbookProcess(at.clone(), book.runbook_process_id),
                    owner,
                ));
            }
        }
        let read = |(resource, owner): (Resource, Owner)| async move {
            Ok(of_branch(reader.process(&resource).await?, owner, branch))
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
fn short(name: &str) -> &str {
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
