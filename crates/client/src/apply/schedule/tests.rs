//! What holds of every order.

use super::*;
use poolwright_core::{
    model::{Id, Place, PoolHandle, PoolKind, ProcessKind, ProcessName},
    plan::{Cause, Delta, NewPool, StepEdit},
};

use proptest::prelude::*;

fn change(address: Address, kind: ChangeKind, after: &[&Address]) -> Change {
    let cause = Cause::default();
    Change { address, kind, cause, after: after.iter().copied().cloned().collect() }
}

fn at(pool: &str) -> Address {
    Address::Pool(pool.to_owned())
}

fn create(name: &str, after: &[&Address]) -> Change {
    let new = NewPool {
        name: name.into(),
        slug: None,
        description: String::new(),
        kind: PoolKind::Static,
    };
    change(at(name), ChangeKind::CreatePool(new), after)
}

fn rename(before: &str, after: &str) -> Change {
    let edits = vec![PoolEdit::Name(Delta::if_different(before.into(), after.into()).unwrap())];
    change(at(after), ChangeKind::UpdatePool { id: Id::new(before), edits }, &[])
}

fn step(name: &str, process: &str, after: &[&Address]) -> Change {
    let delta = Delta::if_different(Place::DefaultPool, Place::Variable("Pool".into()));
    let edits = vec![StepEdit::Place(delta.unwrap())];
    let (process, action) = (Id::new(process), Id::new(name));
    let kind = ProcessKind::Deployment;
    let address = Address::Step {
        project: "Web Store".into(),
        branch: None,
        process: ProcessName::Deployment,
        step: name.into(),
    };
    change(
        address,
        ChangeKind::PlaceStep { process, kind, git: None, action, edits: edits.into() },
        after,
    )
}

/// Carries all out; what was begun first ends first, and what is in `fail` fails.
fn run(changes: &[Change], parallelism: usize, fail: &[usize]) -> Vec<String> {
    drive(changes, &[], parallelism, (fail, &[])).0
}

/// The same with changes that wait for workers; those of the looks in `unfit` wait in vain. A look ends when
/// nothing is under way.
fn run_waiting(changes: &[Change], waiting: &[&[usize]], bad: (&[usize], &[usize])) -> Vec<String> {
    drive(changes, &arrivals(waiting), 4, bad).0
}

fn arrivals(waiting: &[&[usize]]) -> Vec<Arrival> {
    let arrival = |changes: &&[usize]| Arrival {
        pool: PoolHandle::New(at("p")),
        healthy: 1,
        changes: changes.to_vec(),
    };
    waiting.iter().map(arrival).collect()
}

/// As [`run`], with what was begun or skipped.
fn drive(
    changes: &[Change],
    arrivals: &[Arrival],
    parallelism: usize,
    (fail, unfit): (&[usize], &[usize]),
) -> (Vec<String>, Vec<usize>) {
    let mut met = Vec::new();
    let mut schedule = Schedule::new(changes, arrivals, parallelism);
    let (mut told, mut under_way, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        while let Some(next) = schedule.next_work(None) {
            match next {
                NextAction::Start(unit) => {
                    told.push(format!("start {unit:?}"));
                    met.extend(&unit);
                    under_way.push(unit);
                }
                NextAction::CheckHealth(places) => {
                    told.push(format!("look {places:?}"));
                    looks.extend(places);
                }
                NextAction::Skip { index, because } => {
                    told.push(format!("skip {index}: {because}"));
                    met.push(index);
                }
            }
        }
        if under_way.is_empty() && looks.is_empty() {
            return (told, met);
        }
        if under_way.is_empty() {
            let place = looks.remove(0);
            let fit = !unfit.contains(&place);
            schedule.finish_check(place, if fit { Ok(()) } else { Err("unfit".to_owned()) });
            told.push(format!("{} {place}", if fit { "fit" } else { "unfit" }));
            continue;
        }
        for index in under_way.remove(0) {
            schedule.finish_change(index, !fail.contains(&index));
        }
        told.push("end".to_owned());
    }
}

#[test]
fn a_stage_begins_when_the_one_before_has_ended() {
    let changes = [
        create("a", &[]),
        create("b", &[]),
        create("c", &[]),
        step("x", "p", &[]),
        step("y", "q", &[]),
        step("z", "p", &[]),
    ];
    assert_eq!(
        run(&changes, 2, &[1]).join(", "),
        "start [0], start [1], end, start [2], end, end, start [3, 5], start [4], end, end"
    );
}

#[test]
fn dependents_of_a_failed_change_are_skipped_and_others_continue() {
    let (a, b) = (at("a"), at("b"));
    let changes =
        [create("a", &[]), create("b", &[&a]), step("x", "p", &[&b]), step("y", "p", &[])];
    assert_eq!(
        run(&changes, 4, &[0]),
        [
            "start [0]",
            "end",
            "skip 1: waits for pools.a",
            "skip 2: waits for pools.b",
            "start [3]",
            "end",
        ]
    );
}

#[test]
fn a_change_to_a_new_pool_implicitly_waits_for_its_creation() {
    let to = PoolHandle::New(at("a"));
    let default = change(at("a"), ChangeKind::SetDefaultPool { from: None, to }, &[]);
    let told = run(&[create("a", &[]), default], 1, &[0]);
    assert_eq!(told, ["start [0]", "end", "skip 1: waits for pools.a"]);
}

#[test]
fn a_name_is_taken_only_after_it_is_freed() {
    let changes = [create("a", &[]), rename("A", "b")];
    assert_eq!(run(&changes, 2, &[]), ["start [1]", "end", "start [0]", "end"]);
    let circle = [rename("a", "b"), rename("b", "a")];
    assert_eq!(
        run(&circle, 2, &[]),
        ["skip 0: waits for a change that waits for it", "skip 1: waits for pools.b"]
    );
}

#[test]
fn steps_wait_for_a_health_check_that_starts_once_workers_exist() {
    let changes = [create("a", &[]), step("x", "p", &[]), step("y", "q", &[]), step("z", "r", &[])];
    assert_eq!(
        run_waiting(&changes, &[&[1], &[2]], (&[], &[])).join(", "),
        "start [0], end, look [0, 1], start [3], end, fit 0, start [1], end, fit 1, start [2], end"
    );
}

#[test]
fn steps_with_unfit_workers_stay_and_other_changes_continue() {
    let b = Address::Pool("b".to_owned());
    let gone = ChangeKind::DeletePool { id: Id::new("b"), name: "b".into() };
    let x = step("x", "p", &[]);
    let changes =
        [x.clone(), step("y", "p", &[]), step("z", "q", &[]), change(b, gone, &[&x.address])];
    assert_eq!(
        run_waiting(&changes, &[&[0], &[1, 2]], (&[], &[0])).join(", "),
        "look [0, 1], unfit 0, fit 1, skip 0: unfit, start [1], start [2], end, end, skip 3: waits for \
         projects[\"Web Store\"].deployment.steps[\"x\"]"
    );
}

#[test]
fn no_health_check_starts_for_steps_that_are_skipped() {
    let a = at("a");
    let changes = [create("a", &[]), step("x", "p", &[&a])];
    assert_eq!(
        run_waiting(&changes, &[&[1]], (&[0], &[])),
        ["start [0]", "end", "skip 1: waits for pools.a"]
    );
}

#[test]
fn a_default_pool_that_gains_steps_waits_for_its_workers() {
    let to = PoolHandle::New(at("a"));
    let default = change(at("a"), ChangeKind::SetDefaultPool { from: None, to }, &[]);
    assert_eq!(
        run_waiting(&[create("a", &[]), step("x", "p", &[]), default], &[&[2]], (&[], &[0])),
        ["start [0]", "end", "start [1]", "end", "look [0]", "unfit 0", "skip 2: unfit"]
    );
}

#[test]
fn no_change_starts_after_a_stop() {
    let mut schedule =
        Schedule::new(&[create("a", &[]), create("b", &[]), step("x", "p", &[])], &[], 1);
    assert_eq!(schedule.next_work(None), Some(NextAction::Start(vec![0])));
    let skipped = |index| Some(NextAction::Skip { index, because: "interrupted".to_owned() });
    assert_eq!(
        [
            schedule.next_work(Some(StopReason::Interrupted)),
            schedule.next_work(Some(StopReason::Interrupted))
        ],
        [skipped(1), skipped(2)]
    );
    schedule.finish_change(0, true);
    assert_eq!(schedule.next_work(Some(StopReason::Interrupted)), None);
}

proptest! {
    #[test]
    fn every_change_is_started_or_skipped_exactly_once(
        kinds in prop::collection::vec((0..3_u8, 0..6_usize, 0..6_usize), 0..20),
        parallelism in 0..5_usize, fail in prop::collection::vec(0..20_usize, 0..4),
        waiting in prop::collection::vec(prop::collection::vec(0..20_usize, 0..4), 0..4),
        unfit in prop::collection::vec(0..4_usize, 0..3),
    ) {
        let changes: Vec<Change> = kinds.iter().map(|(kind, name, after)| {
            let (name, after) = (format!("n{name}"), at(&format!("n{after}")));
            match kind {
                0 => create(&name, &[&after]),
                1 => rename(&name, &format!("{after}")),
                _ => step(&name, &name, &[&after]),
            }
        }).collect();
        let waiting: Vec<&[usize]> = waiting.iter().map(Vec::as_slice).collect();
        let (_, mut met) = drive(&changes, &arrivals(&waiting), parallelism, (&fail, &unfit));
        met.sort_unstable();
        prop_assert_eq!(met, (0..changes.len()).collect::<Vec<_>>());
    }
}
