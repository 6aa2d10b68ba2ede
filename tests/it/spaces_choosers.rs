//! What chooses pools in any space that can be thought of: variables, in the database and in Git, and targets.

use crate::spaces::{NAMES, any_live, on_main};
use poolwright_core::{
    live::{
        DirectoryEntry, IndirectPools, Live, LiveTarget, LiveVariableScope, LiveVariableSet,
        PoolVariable, TargetReach, ValueBranch, ValueSource, VariableOwner, VariableStore,
    },
    model::{Id, Name, Pool},
};

use proptest::{collection::vec, option, prelude::*, sample::select};

/// A set of variables: whether it is a library's, its owner, whether what counts is in Git, and its values,
/// each with a name, environments, a pool and whether it is for some step alone.
type AnySet = (bool, &'static str, bool, Vec<(&'static str, Vec<usize>, Option<usize>, bool)>);

prop_compose! {
    /// A space with variables and targets that choose pools.
    pub(crate) fn any_live_with_choosers()(
        live in any_live(),
        sets in vec((any::<bool>(), select(NAMES.to_vec()), prop::bool::weighted(0.1), vec((select(NAMES.to_vec()), vec(0..4_usize, 0..3), option::weighted(0.9, 0..6_usize), prop::bool::weighted(0.2)), 0..3)), 0..5),
        targets in vec((select(NAMES.to_vec()), option::of(0..6_usize), prop::bool::weighted(0.2)), 0..4),
    ) -> Live {
        let pool = |at: usize| live.pools.get(at).map_or_else(|| Id::new("WorkerPools-gone"), |it| it.id.clone());
        let mut choosers = IndirectPools::default();
        for (at, set) in sets.into_iter().enumerate() {
            add_set(&mut choosers, at, set, &pool);
        }
        choosers.targets = targets.into_iter().enumerate().map(|(at, (name, of, machine))| LiveTarget {
            id: Id::new(format!("Machines-{at}")),
            name: Name::new(name),
            roles: vec!["web".to_owned()],
            reach: if machine { TargetReach::Machine } else { TargetReach::Worker },
            pool: of.map(pool),
            disabled: false,
        }).collect();
        Live { indirect: choosers, ..live }
    }
}

fn add_set(
    choosers: &mut IndirectPools,
    at: usize,
    set: AnySet,
    pool: &impl Fn(usize) -> Id<Pool>,
) {
    let (library, owner, in_git, values) = set;
    let in_git = in_git && !library;
    let owner = match library {
        true => VariableOwner::Library(Name::new(owner)),
        false => VariableOwner::Project(Name::new(owner)),
    };
    let document = format!("variableset-{at}");
    let id = match in_git {
        true => on_main(document.clone(), at, false).at.variable_set_id(),
        false => Id::new(&document),
    };
    let branch = in_git.then(|| ValueBranch { name: "main".into(), is_default: true });
    let environments = ["Dev", "Test", "a*", "\u{7f}x"];
    for (n, (name, scope, of, on_step)) in values.into_iter().enumerate() {
        let mut scope: Vec<String> =
            scope.iter().map(|index| environments[*index].to_owned()).collect();
        scope.dedup();
        choosers.variables.push(PoolVariable {
            set: id.clone(),
            id: Id::new(format!("{at}-{n}")),
            name: Name::new(name),
            owner: owner.clone(),
            projects: Vec::new(),
            scope: LiveVariableScope {
                environments: scope,
                actions: if on_step { vec!["x".to_owned()] } else { Vec::new() },
                ..LiveVariableScope::default()
            },
            pool: of.map(pool),
            source: ValueSource::Set,
            branch: branch.clone(),
        });
    }
    let entry = |name: &&str| DirectoryEntry {
        id: format!("Environments-{name}"),
        name: Name::new(*name),
        slug: String::new(),
        default: false,
    };
    let set = LiveVariableSet {
        id,
        owner,
        projects: Vec::new(),
        store: VariableStore::Database,
        on_default_branch: false,
        other_variables: Vec::new(),
        environments: environments.iter().map(entry).collect(),
        channels: Vec::new(),
        tenant_tags: Vec::new(),
    };
    if !in_git {
        return choosers.sets.push(set);
    }
    let beside = VariableStore::SupersededByGit { unread: None };
    choosers.sets.push(LiveVariableSet { id: Id::new(&document), store: beside, ..set.clone() });
    let store = VariableStore::Branch(on_main(document, at, at.is_multiple_of(2)));
    choosers.sets.push(LiveVariableSet { store, on_default_branch: true, ..set });
}
