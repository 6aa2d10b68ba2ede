//! Variables that are stored in Git: on the default branch, and on all where somebody asks for every use.
//!
//! # Source
//!
//! `GET …/projects/{id}/{gitRef}/variables` (`api.md` 2.12).

use super::{Error, Reading, estate::is_of_the_thing, git};
use crate::{
    live::{Gap, Hides, Scope},
    octopus::{self, wire},
};
use futures_util::future::join_all;

/// The variables of a branch.
pub(super) struct OnBranch<'a> {
    /// Whose they are.
    pub(super) project: &'a wire::Project,
    /// The branch's name.
    pub(super) branch: String,
    /// Whether it is the one that counts where none is said.
    pub(super) is_default: bool,
    /// The variables.
    pub(super) set: wire::VariableSet,
}

/// The variables in Git of all projects that have some, and a gap for what cannot be read.
pub(super) async fn variables<'a>(
    reading: &Reading<'_>,
    scope: &Scope,
    projects: &'a [wire::Project],
) -> Result<(Vec<OnBranch<'a>>, Vec<Gap>), Error> {
    let in_git =
        projects.iter().filter(|it| it.persistence_settings.conversion_state.variables_are_in_git);
    let read = join_all(in_git.map(|project| of_project(reading, scope, project))).await;
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    for read in read {
        let (variables, hidden) =
            read.map_err(|why| reading.unread("the variables in Git", why))?;
        found.extend(variables);
        gaps.extend(hidden);
    }
    Ok((found, gaps))
}

async fn of_project<'a>(
    reading: &Reading<'_>,
    scope: &Scope,
    project: &'a wire::Project,
) -> Result<(Vec<OnBranch<'a>>, Vec<Gap>), octopus::Error> {
    let of = format!("of the version-controlled project {:?}", project.name);
    let gap = |what: String, why: String| Gap { what, why, hides: Hides::Pointers };
    let default = git::short(&project.persistence_settings.default_branch).to_owned();
    let mut gaps = Vec::new();
    let mut branches = vec![default.clone()];
    if scope.editions {
        match reading.reader.branches(&project.id).await {
            Ok(listed) => {
                let others = listed.into_iter().map(|it| it.name).filter(|it| *it != default);
                branches.extend(others.take(git::BRANCHES));
            }
            Err(why) if is_of_the_thing(&why) => {
                gaps.push(gap(format!("the branches {of}"), why.to_string()));
            }
            Err(why) => return Err(why),
        }
    }
    let address =
        |name: &String| octopus::Branch { project: project.id.clone(), name: name.clone() };
    let read = branches.iter().map(|name| {
        let address = address(name);
        async move { reading.reader.variables_on(&address).await }
    });
    let mut found = Vec::new();
    for (set, branch) in join_all(read).await.into_iter().zip(&branches) {
        match set {
            Ok(set) => {
                let (branch, is_default) = (branch.clone(), *branch == default);
                found.push(OnBranch { project, branch, is_default, set });
            }
            Err(why) if is_of_the_thing(&why) => {
                gaps.push(gap(format!("the variables on branch {branch:?} {of}"), why.to_string()));
            }
            Err(why) => return Err(why),
        }
    }
    Ok((found, gaps))
}
