//! The law of indifference: the order in which a server lists things changes nothing.

use super::{any_file, any_live, any_server, plan};
use crate::{desired::Desired, live::Live, plan::Plan};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_server_lists_does_not_change_the_plan(
        desired in super::any_desired(),
        (live, shuffled) in any_live().prop_flat_map(with_shuffled),
    ) {
        prop_assert_eq!(content(&desired, &live), content(&desired, &shuffled));
    }

    #[test]
    fn the_order_of_variables_and_targets_does_not_change_the_plan(
        desired in any_file(),
        (live, shuffled) in any_server().prop_flat_map(with_shuffled),
    ) {
        prop_assert_eq!(content(&desired, &live), content(&desired, &shuffled));
    }
}

/// Returns a server and the same server with its lists in another order. The order of pools and the orders inside
/// documents matter and stay unchanged ([`Live::sort_lists`]).
fn with_shuffled(live: Live) -> impl Strategy<Value = (Live, Live)> {
    let lists = (
        Just(live.workers.clone()).prop_shuffle(),
        Just(live.projects.clone()).prop_shuffle(),
        Just(live.processes.clone()).prop_shuffle(),
        Just(live.references.clone()).prop_shuffle(),
        Just(live.indirect.sets.clone()).prop_shuffle(),
        Just(live.indirect.targets.clone()).prop_shuffle(),
        Just(live.directory.policies.clone()).prop_shuffle(),
    );
    lists.prop_map(move |(workers, projects, processes, references, sets, targets, policies)| {
        let mut live = live.clone();
        let mut shuffled = Live { workers, projects, processes, references, ..live.clone() };
        (shuffled.indirect.sets, shuffled.indirect.targets) = (sets, targets);
        shuffled.directory.policies = policies;
        live.sort_lists();
        shuffled.sort_lists();
        (live, shuffled)
    })
}

/// Returns everything in a plan, as text.
fn content(desired: &Desired, live: &Live) -> String {
    let Plan { changes, findings, expectations, requirements, consequences, .. } =
        plan(desired, live);
    format!("{changes:#?}\n{findings:#?}\n{expectations:#?}\n{requirements:#?}\n{consequences:#?}")
}
