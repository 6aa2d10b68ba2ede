//! Variables that are stored in Git: on the branches that a file names, on the default one, and on all of them
//! when every use of a pool is requested.
//!
//! # Source
//!
//! `GET …/projects/{id}/{gitRef}/variables` (`api.md` 2.12).

use super::{
    RefreshError, SpaceReading,
    git::{self, RepositoryBranches},
    item_errors::is_repository_error,
};
use poolwright_client::octopus::{self, wire};
use poolwright_core::{
    live::{HiddenData, LiveBranch, UnreadPart, VariableStore},
    scope::ReadScope,
};

use futures_util::future::join_all;

/// The variables in Git of a project that can be read.
pub(super) struct GitVariables<'a> {
    /// The project.
    pub(super) project: &'a wire::ProjectResource,
    /// The variables by branch; each protected branch is followed by its stand-in.
    pub(super) branches: Vec<BranchVariables>,
    /// Why the branches that the file names cannot be read.
    pub(super) unread: Option<String>,
}

/// The variables of a branch.
pub(super) struct BranchVariables {
    /// The branch.
    pub(super) store: VariableStore,
    /// Whether it is the project's default branch.
    pub(super) is_default: bool,
    /// The variables, with an id specific to the branch.
    pub(super) set: wire::VariableSetResource,
}

/// Reads the variables in Git of all projects that have some, and returns an unread part for each failure.
pub(super) async fn read_git_variables<'a>(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    projects: &'a [wire::ProjectResource],
) -> Result<(Vec<GitVariables<'a>>, Vec<UnreadPart>), RefreshError> {
    let in_git = projects
        .iter()
        .filter(|project| project.persistence_settings.conversion_state.variables_are_in_git);
    let read = join_all(in_git.map(|project| read_project(reading, scope, project))).await;
    let (mut found, mut unread_parts) = (Vec::new(), Vec::new());
    for read in read {
        let (variables, hidden) =
            read.map_err(|why| reading.unread_error("the variables in Git", why))?;
        found.push(variables);
        unread_parts.extend(hidden);
    }
    Ok((found, unread_parts))
}

async fn read_project<'a>(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    project: &'a wire::ProjectResource,
) -> Result<(GitVariables<'a>, Vec<UnreadPart>), octopus::ClientError> {
    let of_project = format!("of the version-controlled project {:?}", project.name);
    let unread_part = |what: String, why: String| {
        UnreadPart::new(what, why, HiddenData::PoolReferences).in_project(&project.name)
    };
    let default = git::short_branch_name(&project.persistence_settings.default_branch);
    let (mut unread_parts, mut unread, mut stores) = (Vec::new(), None, Vec::new());
    if let Some(git) = &scope.git {
        match (RepositoryBranches { reading, git, project }).with_stand_ins().await {
            Ok(branches) => stores.extend(branches.into_iter().map(VariableStore::Branch)),
            Err(why) if is_repository_error(&why) => {
                unread_parts
                    .push(unread_part(format!("the branches {of_project}"), why.to_string()));
                unread = Some(why.to_string());
            }
            Err(why) => return Err(why),
        }
    }
    match extra_branches(reading, scope, project, &stores).await {
        Ok(others) => stores.extend(others.into_iter().map(VariableStore::OtherBranch)),
        Err(why) if is_repository_error(&why) => {
            unread_parts.push(unread_part(format!("the branches {of_project}"), why.to_string()));
        }
        Err(why) => return Err(why),
    }
    let read = stores.iter().map(|store| {
        let name = store.branch_name().unwrap_or_default();
        let at = git::branch_ref(project, &project.variable_set_id, name);
        async move { reading.reader.branch_variables(&(&at).into()).await }
    });
    let mut branches = Vec::new();
    for (set, store) in join_all(read).await.into_iter().zip(&stores) {
        let name = store.branch_name().unwrap_or_default();
        match set {
            Ok(set) => branches.push(BranchVariables::new(project, store, name == default, set)),
            Err(why) if is_repository_error(&why) => {
                unread_parts.push(unread_part(
                    format!("the variables on branch {name:?} {of_project}"),
                    why.to_string(),
                ));
                if matches!(store, VariableStore::Branch(_)) {
                    unread.get_or_insert(why.to_string());
                }
            }
            Err(why) => return Err(why),
        }
    }
    Ok((GitVariables { project, branches, unread }, unread_parts))
}

/// Returns the branches to read only for the pools they use: the default one, or all if every use is requested.
async fn extra_branches(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    project: &wire::ProjectResource,
    requested: &[VariableStore],
) -> Result<Vec<String>, octopus::ClientError> {
    let is_unread_branch =
        |name: &str| requested.iter().all(|store| store.branch_name() != Some(name));
    let default = git::short_branch_name(&project.persistence_settings.default_branch);
    let mut others: Vec<String> =
        [default].into_iter().filter(|it| is_unread_branch(it)).map(str::to_owned).collect();
    if scope.snapshots {
        let listed = reading.reader.list_branches(&project.id).await?;
        let listed = listed.into_iter().map(|it| it.name);
        others.extend(
            listed
                .filter(|listed| *listed != default && is_unread_branch(listed))
                .take(git::BRANCHES),
        );
    }
    Ok(others)
}

impl BranchVariables {
    fn new(
        project: &wire::ProjectResource,
        store: &VariableStore,
        is_default: bool,
        mut set: wire::VariableSetResource,
    ) -> Self {
        let name = store.branch_name().unwrap_or_default();
        let at = git::branch_ref(project, &project.variable_set_id, name);
        set.id = at.variable_set_id().as_str().to_owned();
        // On a server that gives no ids, the values must still be distinguishable.
        for (at, variable) in set.variables.iter_mut().enumerate() {
            if variable.id.is_empty() {
                variable.id = format!("{}#{at}", variable.name);
            }
        }
        let store = match store.clone() {
            VariableStore::Branch(branch) => VariableStore::Branch(LiveBranch { at, ..branch }),
            other => other,
        };
        Self { store, is_default, set }
    }
}
