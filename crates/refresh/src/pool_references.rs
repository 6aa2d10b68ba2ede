//! Variables and targets that refer to a pool, and the scopes in which they select it.
//!
//! # Source
//!
//! A server lets a pool be deleted that only variables and targets refer to; their steps then fail
//! (`api.md` 3.7).

use super::{
    RefreshError, SpaceReading,
    by_id::ById,
    git_variables::{self, BranchVariables, GitVariables},
    grouped_projects::includes_library,
    item_errors::{errors_by_id, list_or_unread},
    lower,
    scope_names::ScopeNames,
    templates,
};
use poolwright_client::octopus::wire;
use poolwright_core::{
    live::{
        self, HiddenData, IndirectPools, LiveTarget, LiveVariableScope, LiveVariableSet,
        PoolReference, PoolReferenceKind as Kind, PoolVariable, ReferenceHolder, TargetReach,
        UnreadPart, ValueSource, VariableOwner, VariableStore,
    },
    model::{Id, Name},
    scope::ReadScope,
    text::eq_ignoring_case,
};

/// Everything except steps that refers to a pool.
#[derive(Debug, Default)]
pub(super) struct PoolReferences {
    /// Descriptions, to check before a pool is deleted.
    pub(super) references: Vec<PoolReference>,
    /// Scopes and target tags, to determine where a step runs.
    pub(super) indirect: IndirectPools,
}

impl PoolReferences {
    /// Adds the references from the values of a set. `names` are the names of environments and channels by id.
    fn add_set(
        &mut self,
        found: &wire::VariableSetResource,
        set: VariableSetRequest,
        names: &ById<String>,
    ) {
        self.references.extend(set_references(found, &set));
        // Values left in the database after a move to Git keep a pool in use, but select none.
        if !matches!(set.store, VariableStore::SupersededByGit { .. }) {
            let values = found.variables.iter().map(|it| pool_variable(it, found, names, &set));
            self.indirect.variables.extend(values);
        }
        self.indirect.sets.push(live_variable_set(found, set));
    }
}

/// Reads everything except steps that refers to a pool, if it is in `scope`.
pub(super) async fn read_pool_references(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    projects: &[wire::ProjectResource],
) -> Result<(PoolReferences, Vec<UnreadPart>), RefreshError> {
    if !scope.references {
        return Ok((PoolReferences::default(), Vec::new()));
    }
    let reader = &reading.reader;
    let mut unread_parts = Vec::new();
    let (targets, libraries, environments) =
        tokio::join!(reader.list_targets(), reader.list_library_sets(), reader.list_environments());
    let what = "the deployment targets";
    let targets = list_or_unread(reading, what, targets, HiddenData::Targets, &mut unread_parts)?;
    let (what, hidden) = ("the library variable sets", HiddenData::PoolReferences);
    let mut libraries = list_or_unread(reading, what, libraries, hidden, &mut unread_parts)?;
    if scope.project.is_some() {
        libraries
            .retain(|library| projects.iter().any(|project| includes_library(project, library)));
    }
    let sets = database_sets(projects, &libraries);
    let ids: Vec<String> = sets.iter().map(|it| it.id.clone()).collect();
    let (mut found, unread) = reader.variable_sets(&ids).await;
    let unread = errors_by_id(reading, "the variables", unread)?;
    let environments = environments.unwrap_or_default();
    let known = ScopeNames::read(reading, scope, &found, environments).await?;
    found.iter_mut().for_each(|it| known.fill_missing(it));
    let found: ById<wire::VariableSetResource> =
        found.into_iter().map(|set| (set.id.clone(), set)).collect();
    let mut references = PoolReferences::default();
    references.indirect.environments = known.environment_names();
    let names = known.names_by_id();
    let (in_git, hidden) = git_variables::read_git_variables(reading, scope, projects).await?;
    unread_parts.extend(hidden);
    for mut set in sets {
        set.note_unread_git(&in_git);
        if let Some(why) = unread.get(&set.id) {
            let what = format!("the variables of {}", set.what);
            unread_parts.push(UnreadPart::new(what, why.to_string(), HiddenData::PoolReferences));
        }
        if let Some(found) = found.get(&set.id) {
            references.add_set(found, set, &names);
        }
    }
    for GitVariables { project, branches, .. } in in_git {
        for BranchVariables { store, is_default, set: mut found } in branches {
            known.fill_missing(&mut found);
            let set = VariableSetRequest::from_branch(project, store, is_default, &found);
            references.add_set(&found, set, &names);
        }
    }
    let owners = templates::TemplateOwners { projects, libraries: &libraries, names: &names };
    let templates = templates::read_templates(reading, scope, &owners, &mut unread_parts).await?;
    references.references.extend(templates.references);
    references.indirect.variables.extend(templates.values);
    references.references.extend(targets.iter().filter_map(target_reference));
    references.indirect.targets = targets.into_iter().map(live_target).collect();
    Ok((references, unread_parts))
}

/// A variable set to read, and its owner.
struct VariableSetRequest {
    /// Its id.
    id: String,
    /// A description of the owner.
    what: String,
    /// The owner.
    owner: VariableOwner,
    /// The projects that use the variables.
    projects: Vec<Name>,
    /// Where the variables are stored.
    store: VariableStore,
    /// Whether they are on the project's default branch.
    on_default_branch: bool,
}

impl VariableSetRequest {
    /// Records why the variables in Git that replace those of this set could not be read.
    fn note_unread_git(&mut self, in_git: &[GitVariables<'_>]) {
        if let VariableStore::SupersededByGit { unread } = &mut self.store {
            let replacement =
                in_git.iter().find(|it| eq_ignoring_case(&it.project.variable_set_id, &self.id));
            *unread = replacement.and_then(|it| it.unread.clone());
        }
    }

    /// Returns the set on a branch.
    fn from_branch(
        project: &wire::ProjectResource,
        store: VariableStore,
        is_default: bool,
        found: &wire::VariableSetResource,
    ) -> Self {
        let name = Name::new(&project.name);
        let branch = store.branch_name().unwrap_or_default();
        Self {
            id: found.id.clone(),
            what: format!("project {:?} on branch {branch:?}", project.name),
            owner: VariableOwner::Project(name.clone()),
            projects: vec![name],
            store,
            on_default_branch: is_default,
        }
    }
}

/// Returns the sets in the server's database.
fn database_sets(
    projects: &[wire::ProjectResource],
    libraries: &[wire::LibraryVariableSetResource],
) -> Vec<VariableSetRequest> {
    let mut sets = Vec::with_capacity(projects.len() + libraries.len());
    for project in projects {
        // Sensitive variables stay in the database, and older ones may be left there.
        let name = Name::new(&project.name);
        sets.push(VariableSetRequest {
            id: project.variable_set_id.clone(),
            what: format!("project {:?}", project.name),
            owner: VariableOwner::Project(name.clone()),
            projects: vec![name],
            store: if project.persistence_settings.conversion_state.variables_are_in_git {
                VariableStore::SupersededByGit { unread: None }
            } else {
                VariableStore::Database
            },
            on_default_branch: false,
        });
    }
    for library in libraries {
        let including = projects.iter().filter(|project| includes_library(project, library));
        sets.push(VariableSetRequest {
            id: library.variable_set_id.clone(),
            what: format!("library variable set {:?}", library.name),
            owner: VariableOwner::Library(Name::new(&library.name)),
            projects: including.map(|it| Name::new(&it.name)).collect(),
            store: VariableStore::Database,
            on_default_branch: false,
        });
    }
    sets.retain(|it| !it.id.is_empty());
    sets
}

fn set_references(
    found: &wire::VariableSetResource,
    set: &VariableSetRequest,
) -> Vec<PoolReference> {
    let with_value = found.variables.iter().filter(|it| !it.value.is_empty());
    with_value
        .map(|variable| PoolReference {
            kind: Kind::Variable,
            what: format!("variable {:?} of {}", variable.name, set.what),
            holder: Some(ReferenceHolder::Value(Id::new(&set.id), Id::new(&variable.id))),
            variable: Some(variable.name.clone()),
            project: match &set.owner {
                VariableOwner::Project(name) => Some(name.clone()),
                VariableOwner::Library(_) => None,
            },
            pool: Id::new(&variable.value),
        })
        .collect()
}

/// Returns a value with its scope by name; an object whose name cannot be seen keeps its id.
fn pool_variable(
    variable: &wire::VariableResource,
    found: &wire::VariableSetResource,
    names: &ById<String>,
    set: &VariableSetRequest,
) -> PoolVariable {
    let resolve_names = |ids: &[String], among: &[wire::NamedResource]| -> Vec<String> {
        let known_name = |id: &String| {
            let mut among = among.iter().filter(|named| eq_ignoring_case(&named.id, id));
            let named = among.next().map(|it| it.name.clone());
            named.or_else(|| names.get(id).cloned())
        };
        ids.iter().map(|id| known_name(id).unwrap_or_else(|| id.clone())).collect()
    };
    let scope = &variable.scope;
    PoolVariable {
        set: Id::new(&set.id),
        id: Id::new(&variable.id),
        name: Name::new(&variable.name),
        owner: set.owner.clone(),
        projects: set.projects.clone(),
        scope: LiveVariableScope {
            environments: resolve_names(&scope.environment, &found.scope_values.environments),
            channels: resolve_names(&scope.channel, &found.scope_values.channels),
            tenant_tags: scope.tenant_tag.clone(),
            tenants: Vec::new(),
            actions: scope.action.clone(),
            processes: scope.process_owner.clone(),
            on_targets: !(scope.machine.is_empty() && scope.role.is_empty()),
        },
        pool: (!variable.value.is_empty()).then(|| Id::new(&variable.value)),
        source: if variable.is_asked { ValueSource::Prompted } else { ValueSource::Set },
        branch: set.store.branch_name().map(|name| live::ValueBranch {
            name: name.to_owned(),
            is_default: set.on_default_branch,
        }),
    }
}

/// Returns the parts of a set that decide what can be written to it.
fn live_variable_set(
    found: &wire::VariableSetResource,
    set: VariableSetRequest,
) -> LiveVariableSet {
    let to_entries =
        |named: &[wire::NamedResource]| named.iter().cloned().map(lower::directory_entry).collect();
    let scopes = &found.scope_values;
    LiveVariableSet {
        id: Id::new(&set.id),
        owner: set.owner,
        projects: set.projects,
        store: set.store,
        on_default_branch: set.on_default_branch,
        other_variables: found.other_variables.iter().map(Name::new).collect(),
        environments: to_entries(&scopes.environments),
        channels: to_entries(&scopes.channels),
        tenant_tags: scopes.tenant_tags.iter().map(|it| it.id.clone()).collect(),
    }
}

fn target_reference(target: &wire::DeploymentTargetResource) -> Option<PoolReference> {
    let pool = &target.endpoint.default_worker_pool_id;
    (!pool.is_empty()).then(|| PoolReference {
        kind: Kind::Target,
        what: format!("deployment target {:?}", target.name),
        holder: Some(ReferenceHolder::Target(Id::new(&target.id))),
        variable: None,
        project: None,
        pool: Id::new(pool),
    })
}

/// # Source
///
/// `api.md` 4: a worker acts for every target other than a Tentacle, SSH host or offline package drop; an
/// agent acts for its own cluster.
fn live_target(target: wire::DeploymentTargetResource) -> LiveTarget {
    let reach = match target.endpoint.communication_style.to_ascii_lowercase().as_str() {
        "tentaclepassive" | "tentacleactive" | "ssh" | "offlinedrop" => TargetReach::Machine,
        "kubernetestentacle" => TargetReach::Agent,
        _ => TargetReach::Worker,
    };
    let pool = target.endpoint.default_worker_pool_id;
    LiveTarget {
        id: Id::new(target.id),
        name: Name::new(target.name),
        roles: target.roles,
        reach,
        pool: (!pool.is_empty()).then(|| Id::new(pool)),
        disabled: target.is_disabled,
    }
}
