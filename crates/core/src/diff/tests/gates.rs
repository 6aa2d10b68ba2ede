//! Gates, each with the cause that closes it.

use super::{live, plan, plan_of, pool, step, worker};
use crate::{
    live::{HiddenData, LiveTarget, TargetReach, UnreadPart},
    model::{Id, Name, Place},
};

fn cloud_target(role: &str, pool: Option<&str>) -> LiveTarget {
    LiveTarget {
        id: Id::new(format!("Machines-{role}")),
        name: Name::new(role),
        roles: vec![role.to_owned()],
        reach: TargetReach::Worker,
        pool: pool.map(Id::new),
        disabled: false,
    }
}

#[test]
fn currently_server_leaves_a_step_that_runs_in_the_pool_of_its_targets() {
    let mut live = live();
    live.indirect.targets =
        vec![cloud_target("placed", Some("Pools-2")), cloud_target("plain", None)];
    let mut add = |name: &str, roles: &str| {
        let mut step = step(name, "Script", "", roles);
        step.run_on_server = Some(true);
        live.processes[0].steps.push(step);
    };
    add("In the targets' pool", "placed");
    add("Partly there", "placed, plain");
    add("On the server", "plain");
    insta::assert_snapshot!(plan_of("[[placements]]\ncurrently = \"server\"\npool = \"SQL\"", &live), @r#"
    ~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL"
    ~ projects["Web Store"].deployment.steps["On the server"] pool "default"→"pools.SQL"
    "#);
}

#[test]
fn an_open_pool_in_use_gate_does_not_cover_what_a_server_refuses() {
    let allow = "[gates]\npool-in-use = \"allow\"\n[[removed]]\npool = \"Old\"\n";
    let mut live = live();
    live.workers[1].pools = vec![Id::new("Pools-2")];
    insta::assert_snapshot!(plan_of(allow, &live), @r#"
    - pools.Old name "Old"→
    Deny pool-in-use: pool `Old` would be deleted while something still uses it, which the server refuses
    "#);
    live.processes[0].steps[2].run_on_server = Some(false);
    insta::assert_snapshot!(plan_of(allow, &live), @r#"
    - pools.Old name "Old"→
    Deny pool-in-use: pool `Old` would be deleted while something still uses it, which the server refuses
    "#);
    live.processes[0].steps[2].place = Place::DefaultPool;
    live.indirect.targets = vec![cloud_target("web", Some("Pools-3"))];
    assert_eq!(plan_of(allow, &live), "- pools.Old name \"Old\"→\n");
}

#[test]
fn a_new_default_pool_with_workers_takes_steps_from_the_built_in_worker() {
    insta::assert_snapshot!(plan("[pools.sql]\nname = \"SQL\"\ndefault = true"), @"
    ~ pools.sql default false→true
    Deny default-pool-member: 1 step that name no pool move from the built-in worker to `pools.sql`
    ");
}

#[test]
fn a_pool_that_is_no_longer_the_default_loses_the_built_in_worker() {
    let mut live = live();
    live.processes[0].steps[2].place = Place::Pool(Id::new("Pools-1"));
    let file =
        "[gates]\ndefault-pool-member = \"allow\"\n[pools.sql]\nname = \"SQL\"\ndefault = true";
    insta::assert_snapshot!(plan_of(file, &live), @r#"
    ~ pools.sql default false→true
    Deny empty-pool: 1 step would run in `pools["Default Worker Pool"]`, which would have no enabled worker
    "#);
}

#[test]
fn pruning_without_a_limit_deletes_at_most_a_tenth() {
    let mut live = live();
    live.processes[0].steps.clear();
    for n in 1..=2 {
        live.workers.push(worker(&format!("old-{n}"), &["Pools-2"]));
    }
    let prune = "[manage]\nprune = [\"workers\"]\n[gates]\nempty-pool = \"allow\"\n[workers.a]\npools = [\"SQL\"]\npolling = {}\n[workers.b]\npools = [\"SQL\", \"Old\"]\npolling = {}\n";
    insta::assert_snapshot!(plan_of(prune, &live), @r#"
    - workers.old-1 name "old-1"→
    - workers.old-2 name "old-2"→
    Deny too-many-deletes: the plan has 2 deletes, and `max_deletes` is 1 by default (10% of 7 pools and workers)
    "#);
    let limit = prune.replace("[manage]\n", "[manage]\nmax_deletes = 2\n");
    assert!(!plan_of(&limit, &live).contains("Deny"));
    live.workers.pop();
    assert!(!plan_of(prune, &live).contains("Deny"), "{}", plan_of(prune, &live));
}

#[test]
fn protect_names_pools_and_workers_by_wildcards() {
    let mut live = live();
    live.pools.push(pool("Pools-4", "Database EU", false));
    live.pools.push(pool("Pools-5", "Database Test", false));
    let file = "[manage]\nprotect = [\"Data*\", \"!*Test\"]\n[[removed]]\npool = \"Database EU\"\n[[removed]]\npool = \"Database Test\"";
    insta::assert_snapshot!(plan_of(file, &live), @r#"
    - pools["Database EU"] name "Database EU"→
    - pools["Database Test"] name "Database Test"→
    Deny protected: `pools["Database EU"]` is protected and would be deleted
    "#);
    insta::assert_snapshot!(plan("[manage]\nprotect = \"b\"\n[gates]\nempty-pool = \"allow\"\n[[removed]]\nworker = \"b\""), @r#"
    - workers.b name "b"→
    Deny protected: `workers.b` is protected and would be deleted
    "#);
}

#[test]
fn too_few_healthy_workers_refuse_a_plan_without_changes() {
    insta::assert_snapshot!(plan("[pools.old]\nname = \"Old\"\nmin_healthy = 2"), @"Deny unhealthy-pool: 1 step would run in `pools.old`, which would have 1 healthy worker of the 2 it needs");
    assert_eq!(plan("[pools.sql]\nname = \"SQL\"\nmin_healthy = 3"), "", "no step runs there");
}

#[test]
fn a_variable_that_no_project_has_refuses_the_plan() {
    let rule = "[[placements]]\nstep = \"Build\"\npool_variable = \"Tool.Pool\"";
    insta::assert_snapshot!(plan(rule), @r#"
    ~ projects["Web Store"].deployment.steps["Build"] pool "default"→"variable \"Tool.Pool\""
    Deny unknown-variable: there is no worker pool variable `Tool.Pool`
    "#);
    let gate = format!("[gates]\nunknown-variable = \"warn\"\n{rule}");
    assert!(plan(&gate).contains("Warn unknown-variable"));
    let mut live = live();
    let unread = UnreadPart::new("the variables", "no permission", HiddenData::PoolReferences);
    live.unread.push(unread.clone().in_project("Billing"));
    assert!(plan_of(rule, &live).contains("Deny unknown-variable"));
    live.unread.push(unread);
    insta::assert_snapshot!(plan_of(rule, &live), @r#"
    ~ projects["Web Store"].deployment.steps["Build"] pool "default"→"variable \"Tool.Pool\""
    Warn unknown-variable: no worker pool variable `Tool.Pool` was found for 1 step, but some variables could not be read
    "#);
}
