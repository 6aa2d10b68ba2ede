//! The laws of a comparison: it splits a plan and changes nothing of what is written.

use super::{any_desired, any_live, plan};
use crate::{
    desired::{
        Declared, Desired, DesiredPlacement, DesiredPool, DesiredPoolKind, DesiredPoolRef,
        PlacementRule, PlacementVerdict, StepSelectors,
    },
    diff::compare_with_base,
    finding::{ChangeOrigin, Span},
    model::{Name, Place},
    plan::{BaseComparison, Plan},
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_change_and_finding_is_brought_or_pending_and_none_is_lost(
        desired in any_desired(), base in any_desired(), live in any_live(),
    ) {
        let (alone, base) = (plan(&desired, &live), plan(&base, &live));
        let compared = compare(alone.clone(), Some(&base));
        prop_assert_eq!(writes(&compared), writes(&alone));
        prop_assert!(compared.changes.iter().all(|it| it.cause.origin.is_some()));
        prop_assert_eq!(compared.findings.len(), alone.findings.len());
        prop_assert!(compared.findings.iter().all(|it| it.origin.is_some()));
        let comparison = compared.comparison.unwrap();
        prop_assert_eq!(comparison.brought.total() + comparison.pending.total(), alone.changes.len());
        // Each change of the base is pending still, asked for in another way, or undone.
        let instead = compared.changes.iter().filter(|it| it.cause.instead_of.is_some()).count();
        prop_assert_eq!(
            comparison.pending.total() + instead + comparison.undone.len(),
            base.changes.len()
        );
    }

    #[test]
    fn comparing_a_file_with_itself_brings_nothing(desired in any_desired(), live in any_live()) {
        let alone = plan(&desired, &live);
        let compared = compare(alone.clone(), Some(&alone));
        prop_assert!(!compared.brings_changes());
        prop_assert!(compared.findings.iter().all(|it| it.origin == Some(ChangeOrigin::Pending)));
        let comparison = compared.comparison.unwrap();
        prop_assert_eq!((comparison.undone.len(), comparison.undone_findings.len()), (0, 0));
    }

    #[test]
    fn with_an_empty_base_every_change_is_brought(desired in any_desired(), live in any_live()) {
        let alone = plan(&desired, &live);
        for base in [Some(plan(&Desired::default(), &live)), None] {
            let compared = compare(alone.clone(), base.as_ref());
            let is_brought = |origin| origin == Some(ChangeOrigin::Brought);
            prop_assert!(compared.changes.iter().all(|it| is_brought(it.cause.origin)));
            prop_assert_eq!(compared.comparison.unwrap().undone.len(), 0);
        }
    }

    #[test]
    fn renaming_a_pool_key_brings_nothing(desired in any_desired(), live in any_live()) {
        let base = plan(&desired, &live);
        let renamed = with_other_keys(&desired);
        let compared = compare(plan(&renamed, &live), Some(&base));
        let brought: Vec<_> = compared.changes.iter().filter(|it| it.cause.origin == Some(ChangeOrigin::Brought)).collect();
        prop_assert!(brought.is_empty(), "{brought:#?}");
        prop_assert_eq!(compared.comparison.unwrap().undone, []);
    }
}

fn compare(plan: Plan, base: Option<&Plan>) -> Plan {
    compare_with_base(plan, base, BaseComparison::default())
}

fn writes(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|it| format!("{} {:?} {:?}", it.address, it.kind, it.after)).collect()
}

/// The same file, with other keys for its pools.
fn with_other_keys(desired: &Desired) -> Desired {
    let other = |key: &str| format!("{key}-2");
    let rename = |pool: &mut Declared<DesiredPoolRef>| {
        if let DesiredPoolRef::Declared(key) = &mut pool.value {
            *key = other(key);
        }
    };
    let mut renamed = desired.clone();
    renamed.pools = desired.pools.iter().map(|(key, it)| (other(key), it.clone())).collect();
    renamed.workers.values_mut().flat_map(|it| &mut it.value.pools).for_each(rename);
    for rule in &mut renamed.rules {
        if let PlacementVerdict::Place(DesiredPlacement { place: Place::Pool(pool), .. }) =
            &mut rule.value.verdict
        {
            rename(pool);
        }
    }
    renamed
}

/// A file with a pool, and a rule that moves every step to it.
fn moves_all_to(pool: &str) -> Desired {
    let declared = |value| Declared { value, span: Span::default() };
    let place = Place::Pool(Declared {
        value: DesiredPoolRef::Declared(pool.to_owned()),
        span: Span::default(),
    });
    let verdict =
        PlacementVerdict::Place(DesiredPlacement { place, execution: None, container: None });
    let rule = PlacementRule { label: None, select: StepSelectors::default(), verdict };
    let pool_settings = DesiredPool {
        name: Name::new(pool),
        renamed_from: Vec::new(),
        slug: None,
        kind: DesiredPoolKind::default(),
        description: None,
        default: None,
        sort_order: None,
        protect: false,
    };
    Desired {
        pools: [(pool.to_owned(), declared(pool_settings))].into(),
        rules: vec![Declared { value: rule, span: Span::default() }],
        ..Desired::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, ..ProptestConfig::default() })]

    #[test]
    fn a_step_moved_elsewhere_by_the_base_records_that_change(live in any_live()) {
        let (alone, base) = (plan(&moves_all_to("a"), &live), plan(&moves_all_to("b"), &live));
        let compared = compare(alone, Some(&base));
        for change in &compared.changes {
            let was_moved = base.changes.iter().any(|it| it.address == change.address);
            prop_assert_eq!(change.cause.origin, Some(ChangeOrigin::Brought));
            prop_assert_eq!(change.cause.instead_of.is_some(), was_moved);
        }
    }
}
