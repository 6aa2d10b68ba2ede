//! Laws of late checks: they pass on an unchanged server, and fail after another client's conflicting write.

use super::*;
use crate::{
    diff::laws::{any_desired, any_live, is_possible, plan},
    live::Health,
    model::Name,
};

use proptest::prelude::*;

/// The server right before a change, with or without the others of its stage.
fn right_before(live: &Live, changes: &[Change], index: usize, with_stage: bool) -> Live {
    let stage = changes[index].kind.apply_stage();
    let earlier = changes.iter().enumerate().filter(|(at, change)| {
        let its = change.kind.apply_stage();
        its < stage || with_stage && its == stage && *at != index
    });
    let earlier: Vec<Change> = earlier.map(|(_, change)| change.clone()).collect();
    simulate_changes(live, &earlier)
}

fn level_now(expected: &LateExpectation, pool: &PoolHandle, now: &Live) -> FactValue {
    let id = planned_pool_id(pool);
    let members = now.pool_members(&id).filter(|it| Some(&it.id) != expected.leaving.as_ref());
    best_level(members.map(|it| WorkerState::new(!it.disabled, it.health.can_take_work())))
}

fn check_now(expected: &LateExpectation, now: &Live) -> Result<(), String> {
    if let Some(users) = &expected.users {
        users.check_users(now)?;
    }
    for (pool, level) in &expected.workers {
        let found = level_now(expected, pool, now);
        if !level.allows(&found) {
            return Err(format!("{}: {found:?} instead of {level:?}", pool.address()));
        }
    }
    match &expected.default_pool {
        Some(pool) if now.default_pool().map(|it| &it.id) != Some(pool) => Err("default".into()),
        _ => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn late_expectations_hold_without_concurrent_writes(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan));
        let late = LateExpectations::new(&plan, &live);
        for (index, change) in plan.changes.iter().enumerate() {
            let expected = late.get(index).unwrap();
            for with_stage in [false, true] {
                let now = right_before(&live, &plan.changes, index, with_stage);
                prop_assert_eq!(check_now(expected, &now), Ok(()), "{} {:?}", &change.address, &change.kind);
            }
            if let ChangeKind::PlaceStep { process, action, .. } = &change.kind {
                let mut steps = live.processes.iter().filter(|it| it.id == *process).flat_map(|it| &it.steps);
                prop_assert_eq!(expected.check_step(steps.find(|step| step.id == *action)), Ok(()));
            }
        }
    }

    #[test]
    fn a_pool_deletion_is_refused_once_a_new_step_uses_the_pool(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan));
        let late = LateExpectations::new(&plan, &live);
        for (index, change) in plan.changes.iter().enumerate() {
            let ChangeKind::DeletePool { id, .. } = &change.kind else { continue };
            let mut now = right_before(&live, &plan.changes, index, false);
            let before = find_users(&now, Some(id));
            let Some(step) = now.processes.iter_mut().flat_map(|it| &mut it.steps).find(|it| it.place != Place::Pool(id.clone())) else { continue };
            step.place = Place::Pool(id.clone());
            prop_assume!(find_users(&now, Some(id)) != before);
            let checked = late.get(index).unwrap().users.as_ref().unwrap().check_users(&now);
            prop_assert!(checked.is_err());
        }
    }

    #[test]
    fn a_pool_that_lost_its_workers_fails_the_late_check(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan));
        let late = LateExpectations::new(&plan, &live);
        for (index, _) in plan.changes.iter().enumerate() {
            let expected = late.get(index).unwrap();
            let mut now = right_before(&live, &plan.changes, index, false);
            for (pool, level) in &expected.workers {
                for worker in &mut now.workers {
                    worker.health = Health::Unavailable;
                    worker.disabled |= *level == FactValue::EnabledWorker;
                }
                prop_assert!(!level.allows(&level_now(expected, pool, &now)));
            }
        }
    }

    #[test]
    fn a_step_switched_to_its_targets_fails_the_late_check(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan));
        let late = LateExpectations::new(&plan, &live);
        for (index, change) in plan.changes.iter().enumerate() {
            let ChangeKind::PlaceStep { process, action, .. } = &change.kind else { continue };
            let mut steps = live.processes.iter().filter(|it| it.id == *process).flat_map(|it| &it.steps);
            let Some(step) = steps.find(|step| step.id == *action) else { continue };
            let expected = late.get(index).unwrap();
            let renamed = LiveStep { step: Name::new("other"), action: Name::new("other"), ..step.clone() };
            prop_assert!(expected.check_step(Some(&renamed)).is_err());
            for switch in ["true", "false"] {
                let turned = LiveStep { run_on_server: LiveStep::parse_run_on_server(switch), ..step.clone() };
                let is_same = [&expected.step.as_ref().unwrap().runs_before, &expected.step.as_ref().unwrap().runs_after].contains(&&run_location(&turned));
                prop_assert_eq!(expected.check_step(Some(&turned)).is_ok(), is_same);
            }
        }
    }
}
