//! Variables and targets that point at a pool, and where they choose it.
//!
//! # Source
//!
//! A server deletes a pool that only these point at, and what they choose then fails (`api.md` 3.7).

use super::{
    RefreshError, SpaceReading,
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
    text::fold_case,
};

use std::collections::HashMap;

/// Everything but steps that points at a pool.
#[derive(Debug, Default)]
pub(super) struct PoolReferences {
    /// In words, for whoever deletes a pool.
    pub(super) references: Vec<PoolReference>,
    /// With scopes and target tags, for whoever asks where a step runs.
    pub(super) indirect: IndirectPools,
}

impl PoolReferences {
    /// Adds what the values of a set point at. `names` are those of environments and channels, by their ids.
    fn add_set(
        &mut self,
        found: &wire::VariableSetResource,
        set: VariableSetRequest,
        names: &HashMap<String, String>,
    ) {
        self.references.extend(set_references(found, &set));
        // What lingers in the database beside Git keeps a pool, and chooses none.
        if !matches!(set.store, VariableStore::SupersededByGit { .. }) {
            let values = found.variables.iter().map(|it| pool_variable(it, (found, names), &set));
            self.indirect.variables.extend(values);
        }
        self.indirect.sets.push(live_variable_set(found, set));
    }
}

/// Everything but steps that points at a pool, where `scope` asks for it.
pub(super) async fn read_pool_references(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    projects: &[wire::ProjectResource],
) -> Result<(PoolReferences, Vec<UnreadPart>), RefreshError> {
    if !scope.references {
        return Ok((PoolReferences::default(), Vec::new()));
    }
    let reader = &reading.reader;
    let mut gaps = Vec::new();
    let (targets, libraries, environments) =
        tokio::join!(reader.list_targets(), reader.list_library_sets(), reader.list_environments());
    let targets =
        list_or_unread(reading, "the deployment targets", targets, HiddenData::Targets, &mut gaps)?;
    let libraries = list_or_unread(
        reading,
        "the library variable sets",
        libraries,
        HiddenData::PoolReferences,
        &mut gaps,
    );
    let mut libraries = libraries?;
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
    let found: HashMap<String, wire::VariableSetResource> =
        found.into_iter().map(|set| (fold_case(&set.id), set)).collect();
    let mut pointing = PoolReferences::default();
    pointing.indirect.environments = known.environment_names();
    let names = known.names_by_id();
    let (in_git, hidden) = git_variables::read_git_variables(reading, scope, projects).await?;
    gaps.extend(hidden);
    for mut set in sets {
        if let VariableStore::SupersededByGit { unread } = &mut set.store {
            let of = in_git.iter().find(|variables| variables.project.variable_set_id == set.id);
            *unread = of.and_then(|it| it.unread.clone());
        }
        if let Some(why) = unread.get(&set.id) {
            let what = format!("the variables of {}", set.what);
            gaps.push(UnreadPart::new(what, why.to_string(), HiddenData::PoolReferences));
        }
        if let Some(found) = found.get(&fold_case(&set.id)) {
            pointing.add_set(found, set, &names);
        }
    }
    for GitVariables { project, branches, .. } in in_git {
        for BranchVariables { store, is_default, set: mut found } in branches {
            known.fill_missing(&mut found);
            let set = VariableSetRequest::from_branch(project, store, is_default, &found);
            pointing.add_set(&found, set, &names);
        }
    }
    let estate = templates::TemplateOwners { projects, libraries: &libraries, names: &names };
    let templates = templates::read_templates(reading, scope, &estate, &mut gaps).await?;
    pointing.references.extend(templates.references);
    pointing.indirect.variables.extend(templates.values);
    pointing.references.extend(targets.iter().filter_map(target_reference));
    pointing.indirect.targets = targets.into_iter().map(live_target).collect();
    Ok((pointing, gaps))
}

/// A set to read, and whose variables it has.
struct VariableSetRequest {
    /// Its id.
    id: String,
    /// The owner in words.
    what: String,
    /// The owner.
    owner: VariableOwner,
    /// The projects for which it may choose.
    projects: Vec<Name>,
    /// Where they are kept.
    store: VariableStore,
    /// Whether that is the branch that counts where none is said.
    on_default_branch: bool,
}

impl VariableSetRequest {
    /// The set that a branch has.
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

/// The sets in the server's database.
fn database_sets(
    projects: &[wire::ProjectResource],
    libraries: &[wire::LibraryVariableSetResource],
) -> Vec<VariableSetRequest> {
    let mut sets = Vec::with_capacity(projects.len() + libraries.len());
    for project in projects {
        // What is sensitive stays in the database, and older variables may linger there.
        let name = Name::new(&project.name);
        sets.push(VariableSetRequest {
            id: project.variable_set_id.clone(),
            what: format!("project {:?}", project.name),
            owner: VariableOwner::Project(name.clone()),
            projects: vec![name],
            store: match project.persistence_settings.conversion_state.variables_are_in_git {
                true => VariableStore::SupersededByGit { unread: None },
                false => VariableStore::Database,
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
    let said = found.variables.iter().filter(|it| !it.value.is_empty());
    said.map(|variable| PoolReference {
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

/// A value with its scope in names; what has no name that could be seen keeps its id.
fn pool_variable(
    variable: &wire::VariableResource,
    (found, names): (&wire::VariableSetResource, &HashMap<String, String>),
    set: &VariableSetRequest,
) -> PoolVariable {
    let resolve_names = |ids: &[String], among: &[wire::NamedResource]| -> Vec<String> {
        let known_name = |id: &String| {
            let said = among.iter().find(|named| named.id == *id).map(|it| it.name.clone());
            said.or_else(|| names.get(id).cloned())
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

/// A set as far as it matters what can be written to it.
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
/// `api.md` 4: a worker acts for every target that is no Tentacle, SSH host or offline package drop; an
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
