//! What a plan leads to besides its changes.

use super::*;
use crate::{
    model::Address,
    plan::{Consequences, DefaultPool, ExecutionPlace},
};

fn consequences(file: &str, live: &Live) -> Consequences {
    make_plan(file, live).consequences
}

#[test]
fn a_step_placed_in_an_empty_pool_is_listed_whatever_the_level_of_the_gate() {
    for level in ["deny", "warn", "allow"] {
        let file = format!(
            "[gates]\nempty-pool = \"{level}\"\n[pools.new]\nname = \"New\"\n[[placements]]\nstep = \"Build\"\npool = \"new\""
        );
        let found = consequences(&file, &live());
        let stopped: Vec<String> =
            found.stopped.iter().map(|step| step.address.to_string()).collect();
        assert_eq!(stopped, ["projects[\"Web Store\"].deployment.steps[\"Build\"]"], "{level}");
        let step = &found.stopped[0];
        assert_eq!(
            (&*step.before, &*step.after),
            (&[ExecutionPlace::Server][..], &[ExecutionPlace::Nowhere][..])
        );
        assert_eq!((found.onto_server.len(), found.affected.len()), (0, 0), "{level}");
    }
}

#[test]
fn steps_on_the_server_stay_there_when_another_empty_pool_becomes_the_default() {
    let mut live = live();
    live.pools.push(pool("Pools-4", "Other", false));
    let file = "[gates]\nempty-pool = \"warn\"\n[pools.other]\nname = \"Other\"\ndefault = true";
    let found = consequences(file, &live);
    assert_eq!(found.affected, []);
    let default =
        |pool: &str| Some(DefaultPool { pool: Address::Pool(pool.to_owned()), on_server: true });
    assert_eq!(found.default_before, default("Default Worker Pool"));
    assert_eq!(found.default_after, default("other"));
}

#[test]
fn an_unread_switch_of_the_built_in_worker_counts_as_on() {
    let mut live = live();
    let on_server = |live: &Live| {
        let found = consequences("[pools.sql]\nname = \"SQL\"\ndescription = \"x\"", live);
        found.default_before.map(|pool| pool.on_server)
    };
    for (switch, expected) in [(Some(true), true), (None, true), (Some(false), false)] {
        live.server.built_in_worker = switch;
        assert_eq!(on_server(&live), Some(expected), "{switch:?}");
    }
}
