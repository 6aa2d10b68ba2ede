//! The laws of `diff` for files with pool variables and target pools.

use super::{POOLS, any_desired, any_live, any_pool_ref, declared, is_possible, plan};
use crate::{
    desired::{
        Desired, DesiredValueOwner, DesiredValueScope, PoolVariableRule, TargetPoolRule,
        TargetPoolVerdict, ValueVerdict,
    },
    diff::{after::simulate_changes, stale::find_stale},
    live::{
        DirectoryEntry, IndirectPools, Live, LiveBranch, LiveTarget, LiveVariableScope,
        LiveVariableSet, PoolReference, PoolReferenceKind, PoolVariable, ReferenceHolder,
        TargetReach, ValueSource, VariableOwner, VariableStore,
    },
    model::{Id, Name, Pool},
    plan::{ChangeKind, check_soundness},
    text::pattern::Patterns,
};

use proptest::{collection::vec, option, prelude::*, sample::select, sample::subsequence};
use std::collections::HashSet;

const ENVIRONMENTS: [&str; 3] = ["dev", "test", "prod"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn plans_of_values_and_targets_settle(desired in any_file(), live in any_server()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan));
        prop_assert_eq!(check_soundness(&plan), Ok(()));
        prop_assert_eq!(find_stale(&plan, &live), []);
        for (at, change) in plan.changes.iter().enumerate() {
            let earlier: Vec<_> = plan.changes[..at].iter().map(|it| &it.address).collect();
            prop_assert!(change.after.iter().all(|it| earlier.contains(&it)), "{:#?}", change);
        }
        let done = simulate_changes(&live, &plan.changes);
        let again = super::plan(&desired, &done);
        prop_assert!(again.changes.is_empty(), "{:#?}", again.changes);
    }

    #[test]
    fn values_and_targets_without_a_rule_are_never_touched(desired in any_file(), live in any_server()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan));
        let done = simulate_changes(&live, &plan.changes);
        let named: HashSet<&Name> = desired.values.iter().map(|it| &it.variable.value).collect();
        let sets: HashSet<_> = live.indirect.sets.iter().map(|it| it.id.clone()).collect();
        let others = |live: &Live| -> Vec<PoolVariable> {
            // A new branch has everything that its base has.
            let all = live.indirect.variables.iter().filter(|it| sets.contains(&it.set));
            all.filter(|value| !named.contains(&value.name) || !value.scope.is_declarable()).cloned().collect()
        };
        prop_assert_eq!(others(&live), others(&done));
        let machines = |live: &Live| -> Vec<LiveTarget> {
            let all = live.indirect.targets.iter();
            all.filter(|target| target.reach != TargetReach::Worker).cloned().collect()
        };
        prop_assert_eq!(machines(&live), machines(&done));
    }

    #[test]
    fn a_wildcard_creates_no_value(desired in any_file(), live in any_server()) {
        let mut desired = desired;
        desired.values.retain(|it| !owner(&it.value.owner).is_exact());
        let plan = plan(&desired, &live);
        let creates = |kind: &ChangeKind| matches!(kind, ChangeKind::SetValue { edit, .. } if edit.pool_before().is_none() && edit.pool_after().is_some());
        let empty = live.indirect.variables.iter().filter(|it| it.pool.is_none()).count();
        prop_assert!(plan.changes.iter().filter(|it| creates(&it.kind)).count() <= empty);
    }
}

fn owner(owner: &DesiredValueOwner) -> &Patterns {
    let (DesiredValueOwner::Projects(names) | DesiredValueOwner::Libraries(names)) = owner;
    names
}

prop_compose! {
    pub(crate) fn any_file()(
        desired in any_desired(),
        values in vec(any_value_rule(), 0..4),
        target_rules in vec(any_target_rule(), 0..3),
    ) -> Desired {
        let values = values.into_iter().map(declared).collect();
        Desired { values, target_rules: target_rules.into_iter().map(declared).collect(), ..desired }
    }
}

prop_compose! {
    fn any_value_rule()(
        library in any::<bool>(),
        names in select(vec!["project 0", "project 1", "shared", "*", "project*", "!shared"]),
        variable in select(vec!["Pool", "pool", "Other"]),
        environments in subsequence(ENVIRONMENTS.to_vec(), 0..=2),
        verdict in prop_oneof![
            5 => any_pool_ref().prop_map(|it| ValueVerdict::Pool(declared(it))),
            1 => Just(ValueVerdict::Remove),
        ],
    ) -> PoolVariableRule {
        let names = declared(Patterns::new([names]));
        PoolVariableRule {
            owner: if library { DesiredValueOwner::Libraries(names) } else { DesiredValueOwner::Projects(names) },
            variable: declared(Name::new(variable)),
            scope: DesiredValueScope {
                environments: environments.into_iter().map(|it| declared(it.to_uppercase())).collect(),
                ..DesiredValueScope::default()
            },
            verdict,
        }
    }
}

prop_compose! {
    fn any_target_rule()(
        target in option::of(select(vec!["app", "site", "*", "!app", "s*"])),
        tag in option::of(select(vec!["web", "we*", "!db"])),
        verdict in prop_oneof![
            4 => any_pool_ref().prop_map(|it| TargetPoolVerdict::Pool(declared(it))),
            1 => Just(TargetPoolVerdict::DefaultPool),
            1 => Just(TargetPoolVerdict::Leave),
        ],
    ) -> TargetPoolRule {
        let patterns = |text| declared(Patterns::new([text]));
        TargetPoolRule { label: None, target: target.map(patterns), target_tag: tag.map(patterns), verdict }
    }
}

prop_compose! {
    pub(crate) fn any_server()(
        live in any_live(),
        values in vec((0..3_usize, select(vec!["Pool", "Other"]), subsequence(ENVIRONMENTS.to_vec(), 0..=2), option::weighted(0.9, 0..POOLS.len()), prop::bool::weighted(0.2)), 0..5),
        git in vec(option::weighted(0.4, any::<bool>()), 2),
        targets in vec((select(vec!["web", "db"]), option::of(0..POOLS.len()), 0..3_usize), 2),
    ) -> Live {
        let pools: Vec<Id<Pool>> = live.pools.iter().map(|it| it.id.clone()).collect();
        let pool = |at: usize| pools[at % pools.len()].clone();
        let owners = [VariableOwner::Project(Name::new("project 0")), VariableOwner::Project(Name::new("project 1")), VariableOwner::Library(Name::new("shared"))];
        let sets: Vec<LiveVariableSet> = owners.into_iter().map(set).enumerate().map(|(at, set)| match git.get(at) {
            Some(Some(protected)) => on_main(at, set, *protected),
            _ => set,
        }).collect();
        let variables = values.into_iter().enumerate().map(|(at, (of, name, scope, value, on_step))| PoolVariable {
            set: sets[of].id.clone(),
            id: Id::new(format!("value-{at}")),
            name: Name::new(name),
            owner: sets[of].owner.clone(),
            projects: sets[of].projects.clone(),
            scope: LiveVariableScope {
                environments: scope.into_iter().map(str::to_owned).collect(),
                actions: if on_step { vec!["0-0".to_owned()] } else { Vec::new() },
                ..LiveVariableScope::default()
            },
            pool: value.map(pool),
            source: ValueSource::Set,
            branch: sets[of].value_branch(),
        });
        let targets = targets.into_iter().zip(["app", "site"]).map(|((role, at, reach), name)| LiveTarget {
            id: Id::new(format!("Machines-{name}")),
            name: Name::new(name),
            roles: vec![role.to_owned()],
            reach: [TargetReach::Worker, TargetReach::Worker, TargetReach::Machine][reach],
            pool: at.map(pool),
            disabled: false,
        });
        let indirect = IndirectPools { variables: variables.collect(), targets: targets.collect(), sets, ..IndirectPools::default() };
        Live { references: pool_references(&indirect), indirect, ..live }
    }
}

/// Returns the pool references that values and targets hold.
fn pool_references(indirect: &IndirectPools) -> Vec<PoolReference> {
    let of_value = |variable: &PoolVariable| PoolReference {
        kind: PoolReferenceKind::Variable,
        what: format!("variable {:?}", variable.name),
        holder: Some(variable.reference_holder()),
        variable: Some(variable.name.to_string()),
        project: None,
        pool: variable.pool.clone().unwrap_or_else(|| Id::new("")),
    };
    let of_target = |it: &LiveTarget| PoolReference {
        kind: PoolReferenceKind::Target,
        what: format!("deployment target {:?}", it.name),
        holder: Some(ReferenceHolder::Target(it.id.clone())),
        variable: None,
        project: None,
        pool: it.pool.clone().unwrap_or_else(|| Id::new("")),
    };
    let values = indirect.variables.iter().filter(|it| it.pool.is_some()).map(of_value);
    let targets = indirect.targets.iter().filter(|it| it.pool.is_some()).map(of_target);
    values.chain(targets).collect()
}

/// Moves the variables of a project to its default branch.
fn on_main(project: usize, set: LiveVariableSet, protected: bool) -> LiveVariableSet {
    let document = set.id.as_str().to_owned();
    LiveVariableSet {
        id: LiveVariableSet::id_on_branch(
            &Id::new(format!("Projects-{project}")),
            &document,
            "main",
        ),
        on_default_branch: true,
        store: VariableStore::Branch(LiveBranch {
            document,
            project: Id::new(format!("Projects-{project}")),
            repository: "https://git.example/all.git".into(),
            name: "main".into(),
            protected,
            stands_for: None,
            without_stand_in: false,
        }),
        ..set
    }
}

fn set(owner: VariableOwner) -> LiveVariableSet {
    let entry = |name: &&str| DirectoryEntry {
        id: format!("Environments-{name}"),
        name: Name::new(*name),
        slug: String::new(),
        default: false,
    };
    let name = owner.name().clone();
    let projects = match &owner {
        VariableOwner::Project(name) => vec![name.clone()],
        VariableOwner::Library(_) => vec![Name::new("project 0"), Name::new("project 1")],
    };
    LiveVariableSet {
        id: Id::new(format!("variableset-{name}")),
        owner,
        projects,
        store: VariableStore::Database,
        on_default_branch: false,
        other_variables: Vec::new(),
        environments: ENVIRONMENTS.iter().map(entry).collect(),
        channels: Vec::new(),
        tenant_tags: Vec::new(),
    }
}
