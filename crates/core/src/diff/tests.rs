//! What a file comes to on a small server that is held in memory: one fact a test, no network.

mod consequences;
mod gates;
mod names;
mod refusals;

use crate::{
    config,
    diff::plan_changes,
    finding::{Source, Sources},
    live::{
        Directory, DirectoryEntry, Health, Live, LivePool, LiveProcess, LiveProject, LiveServer,
        LiveStep, LiveWorker, ProcessOwner,
    },
    model::{Id, Linked, LiveEndpoint, Name, Place, PoolKind},
    plan::{Plan, PlanHeader, PlanOrigin},
    scope::ReadScope,
};

use std::fmt::Write as _;

fn pool(id: &str, name: &str, default: bool) -> LivePool {
    LivePool {
        id: Id::new(id),
        name: Name::new(name),
        slug: name.to_lowercase().replace(' ', "-"),
        description: String::new(),
        kind: PoolKind::Static,
        default,
    }
}

fn worker(name: &str, pools: &[&str]) -> LiveWorker {
    LiveWorker {
        id: Id::new(format!("Workers-{name}")),
        name: Name::new(name),
        slug: name.to_lowercase(),
        endpoint: LiveEndpoint::Polling {
            subscription: format!("poll://{name}/"),
            thumbprint: "8A".repeat(20),
        },
        pools: pools.iter().map(|id| Id::new(*id)).collect(),
        policy: Linked::new("MachinePolicies-1", "Default Machine Policy"),
        disabled: false,
        health: Health::Healthy,
    }
}

fn step(name: &str, kind: &str, pool: &str, roles: &str) -> LiveStep {
    LiveStep {
        id: Id::new(name),
        step: Name::new(name),
        action: Name::new(name),
        position: 0,
        names_both: false,
        has_siblings: false,
        action_type: format!("Octopus.{kind}"),
        place: if pool.is_empty() { Place::DefaultPool } else { Place::Pool(Id::new(pool)) },
        run_on_server: Some(roles.is_empty()),
        from_file: false,
        target_roles: roles.to_owned(),
        container: None,
        channels: Vec::new(),
        parameters: Vec::new(),
        disabled: false,
    }
}

/// Three pools, of which the default one is empty; two workers; a project of four steps.
pub(super) fn live() -> Live {
    let owner =
        ProcessOwner { project: Name::new("Web Store"), group: Name::new("Shop"), runbook: None };
    let mut steps = vec![
        step("Approve", "Manual", "", ""),
        step("Build", "Script", "", ""),
        step("Load", "Script", "Pools-3", ""),
        step("Drain", "Script", "", "web"),
    ];
    steps.iter_mut().enumerate().for_each(|(at, step)| step.position = at);
    let entry = |id: &str, name: &str| DirectoryEntry {
        id: id.to_owned(),
        name: Name::new(name),
        slug: String::new(),
        default: true,
    };
    Live {
        server: LiveServer {
            url: String::new(),
            version: String::new(),
            space: Linked::new("Spaces-1", "Default"),
            built_in_worker: Some(true),
        },
        pools: vec![
            pool("Pools-1", "Default Worker Pool", true),
            pool("Pools-2", "SQL", false),
            pool("Pools-3", "Old", false),
        ],
        workers: vec![worker("a", &["Pools-2"]), worker("b", &["Pools-2", "Pools-3"])],
        projects: vec![LiveProject {
            name: owner.project.clone(),
            group: owner.group.clone(),
            tags: Vec::new(),
            git: false,
        }],
        processes: vec![LiveProcess {
            id: Id::new("process"),
            owner,
            git: None,
            steps,
            templates: Vec::new(),
        }],
        directory: Directory {
            policies: vec![entry("MachinePolicies-1", "Default Machine Policy")],
            ..Directory::default()
        },
        references: Vec::new(),
        indirect: Default::default(),
        snapshots: Vec::new(),
        other_spaces: Vec::new(),
        unread: Vec::new(),
    }
}

/// A line a change and a line a finding.
fn plan(file: &str) -> String {
    plan_of(file, &live())
}

fn make_plan(file: &str, live: &Live) -> Plan {
    let text = format!("version = 1\n{file}");
    let (desired, wrong) = config::load_desired(&Sources(vec![Source::new("w", text)]));
    assert_eq!(wrong, []);
    let header = PlanHeader {
        url: String::new(),
        server_version: String::new(),
        space: Linked::new("Spaces-1", "Default"),
        files: Vec::new(),
        digest: String::new(),
        scope: ReadScope::default(),
        origin: PlanOrigin::Files,
        stamp: Default::default(),
    };
    plan_changes(&desired, live, header)
}

fn plan_of(file: &str, live: &Live) -> String {
    let plan = make_plan(file, live);
    let mut told = String::new();
    for change in &plan.changes {
        let fields = change.kind.field_diffs().into_iter().map(|field| {
            let show =
                |side: Option<serde_json::Value>| side.map_or(String::new(), |it| it.to_string());
            format!(" {} {}→{}", field.path, show(field.before), show(field.after))
        });
        let symbol = change.kind.action().symbol();
        _ = writeln!(told, "{symbol} {}{}", change.address, fields.collect::<String>());
    }
    for finding in &plan.findings {
        _ = writeln!(told, "{:?} {}: {}", finding.level, finding.code, finding.message);
    }
    told
}

#[test]
fn an_up_to_date_server_needs_no_change() {
    assert_eq!(
        plan("[pools.sql]\nname = \"SQL\"\n[workers.a]\npools = [\"sql\"]\npolling = {}"),
        ""
    );
}

#[test]
fn a_new_spelling_is_an_update_and_an_old_name_a_rename() {
    insta::assert_snapshot!(plan("[pools.sql]\nname = \"Sql\""), @r#"~ pools.sql name "SQL"→"Sql""#);
    insta::assert_snapshot!(plan("[pools.new]\nname = \"New\"\nrenamed_from = [\"nothing\", \"old\"]"), @r#"~ pools.new name "Old"→"New""#);
}

#[test]
fn whitespace_around_a_name_is_ignored() {
    let mut live = live();
    live.pools[1].name = Name::new("SQL ");
    live.workers[0].name = Name::new(" a");
    assert_eq!(
        plan_of("[pools.sql]\nname = \"SQL\"\n[workers.a]\npools = [\"sql\"]\npolling = {}", &live),
        ""
    );
}

#[test]
fn an_ambiguous_former_name_is_not_guessed() {
    insta::assert_snapshot!(plan("[pools.x]\nname = \"X\"\nrenamed_from = [\"Old\", \"SQL\"]"), @r#"
    + pools.x name →"X"
    Error ambiguous-name: pool `X` could be any of `Old`, `SQL`
    "#);
    insta::assert_snapshot!(plan("[pools.sql]\nname = \"SQL\"\nrenamed_from = \"old\""), @"Warn idle-rename: pool `SQL` already exists, so `old` is not renamed");
    insta::assert_snapshot!(plan("[pools.sql]\nname = \"SQL\"\nrenamed_from = \"gone\""), @"");
    insta::assert_snapshot!(plan("[pools.sql]\nname = \"SQL\"\n[pools.x]\nname = \"X\"\nrenamed_from = \"SQL\""), @r#"
    + pools.x name →"X"
    Error ambiguous-name: pool `SQL` cannot be renamed to `X`: `sql` already claims it
    "#);
}

#[test]
fn sort_order_is_a_position_among_all_pools() {
    insta::assert_snapshot!(plan("[pools.old]\nname = \"Old\"\nsort_order = 0"), @r#"~ pools sort_order ["pools[\"Default Worker Pool\"]","pools.SQL","pools.old"]→["pools.old","pools[\"Default Worker Pool\"]","pools.SQL"]"#);
}

#[test]
fn exact_members_remove_other_workers_but_strand_none() {
    insta::assert_snapshot!(plan("[pools.old]\nname = \"Old\"\nmembers = \"exact\""), @r#"
    ~ workers.b pools ["pools.SQL","pools.old"]→["pools.SQL"]
    Deny empty-pool: 1 step would run in `pools.old`, which would have no enabled worker
    "#);
    insta::assert_snapshot!(plan("[pools.sql]\nname = \"SQL\"\nmembers = \"exact\""), @r#"
    ~ workers.b pools ["pools.sql","pools.Old"]→["pools.Old"]
    Error worker-without-pool: worker `a` would be left without any pool
    "#);
    insta::assert_snapshot!(plan("[manage]\nprune = [\"workers\"]\nmax_deletes = 2\n[gates]\nempty-pool = \"allow\"\n[pools.sql]\nname = \"SQL\"\nmembers = \"exact\""), @r#"
    - workers.a name "a"→
    - workers.b name "b"→
    "#);
}

#[test]
fn a_worker_of_another_kind_is_replaced_and_keeps_undeclared_fields() {
    insta::assert_snapshot!(plan("[workers.a]\npools = [\"SQL\"]\nlistening = { url = \"https://a\", thumbprint = \"8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A\" }"), @r#"± workers.a kind "polling"→"listening" polling.subscription "poll://a/"→null polling.thumbprint "8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A"→null listening.url →"https://a:10933" listening.thumbprint →"8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A""#);
}

#[test]
fn a_pool_is_deleted_once_nothing_uses_it_after_the_plan() {
    insta::assert_snapshot!(plan("[[removed]]\npool = \"Old\""), @r#"
    - pools.Old name "Old"→
    Deny pool-in-use: pool `Old` would be deleted while 2 things still use it, which the server refuses
    "#);
    insta::assert_snapshot!(plan("[[removed]]\npool = \"old\"\n[workers.b]\npools = [\"SQL\"]\npolling = {}\n[[placements]]\nstep = \"Load\"\npool = \"SQL\""), @r#"
    ~ workers.b pools ["pools.SQL","pools.Old"]→["pools.SQL"]
    ~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"pools.SQL"
    - pools.Old name "Old"→
    "#);
    assert_eq!(plan("[[removed]]\npool = \"gone\""), "");
}

#[test]
fn the_default_pool_is_never_deleted() {
    insta::assert_snapshot!(plan("[[removed]]\npool = \"Default Worker Pool\""), @"Error no-default-pool: pool `Default Worker Pool` is the default pool, and a space always has one");
}

#[test]
fn the_first_rule_that_matches_decides() {
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Load\"\nleave = true\n[[placements]]\npool = \"SQL\""), @r#"~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL""#);
    insta::assert_snapshot!(plan("[[placements]]\npool = \"SQL\"\n[[placements]]\nlabel = \"late\"\nstep = \"Build\"\npool = \"Old\""), @r#"
    ~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL"
    ~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"pools.SQL"
    Warn shadowed-rule: this rule never wins: an earlier rule takes everything it matches
    "#);
}

#[test]
fn a_step_on_its_targets_moves_only_where_the_rule_says_how_it_runs() {
    insta::assert_snapshot!(plan("[[placements]]\nproject = \"Web Store\"\nstep = \"Drain\"\npool = \"SQL\""), @"Warn target-step: step `Drain` runs on its deployment targets and stays there");
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Drain\"\npool = \"SQL\"\nexecution = \"per-target\""), @r#"~ projects["Web Store"].deployment.steps["Drain"] execution "on-targets"→"per-target" pool "default"→"pools.SQL""#);
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Drain\"\npool = \"SQL\"\nexecution = \"once\""), @r#"~ projects["Web Store"].deployment.steps["Drain"] execution "on-targets"→"once" target_tags "web"→"" pool "default"→"pools.SQL""#);
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Build\"\npool = \"SQL\"\nexecution = \"per-target\""), @"Error impossible-execution: `per-target` is not possible: the step has no target tags");
}

#[test]
fn a_step_without_a_unique_id_stays_unchanged() {
    let mut live = live();
    live.processes[0].steps[1].id = Id::new("Load");
    insta::assert_snapshot!(plan_of(
        "[[placements]]\nstep = [\"*\", \"!Drain\"]\npool = \"SQL\"",
        &live
    ));
    insta::assert_snapshot!(plan_of("[[placements]]\nstep = \"Build\"\npool = \"SQL\"", &live));
}

#[test]
fn currently_selects_steps_by_where_they_run_today() {
    insta::assert_snapshot!(plan("[[placements]]\ncurrently = \"server\"\npool = \"SQL\""), @r#"~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL""#);
    insta::assert_snapshot!(plan("[[placements]]\ncurrently = [\"Old\"]\ndefault_pool = true"), @r#"~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"default""#);
    insta::assert_snapshot!(plan("[[placements]]\ncurrently = \"target\"\npool = \"SQL\"\nexecution = \"once\""), @r#"~ projects["Web Store"].deployment.steps["Drain"] execution "on-targets"→"once" target_tags "web"→"" pool "default"→"pools.SQL""#);
}

#[test]
fn currently_takes_wildcards_and_exclusions_as_names_do() {
    let asked = |words: &str| {
        plan(&format!("[[placements]]\nstep = \"*\"\ncurrently = {words}\npool = \"SQL\""))
    };
    insta::assert_snapshot!(asked("\"*\""), @r#"
    ~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL"
    ~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"pools.SQL"
    "#);
    insta::assert_snapshot!(asked("\"o*\""), @r#"~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"pools.SQL""#);
    insta::assert_snapshot!(asked("\"!default\""), @r#"~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"pools.SQL""#);
    insta::assert_snapshot!(asked("[\"*\", \"!old\"]"), @r#"~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL""#);
    insta::assert_snapshot!(asked("[\"*\", \"!olf\"]"), @"Error unknown-pool: there is no pool `olf`");
    insta::assert_snapshot!(asked("[\"ser*\", \"!SQL\"]"), @r#"~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL""#);
    insta::assert_snapshot!(asked("\"x*\""), @"Warn unknown-pool: no pool matches `x*`");
}

#[test]
fn missing_exact_names_are_errors_and_idle_wildcards_warn() {
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Biuld\"\npool = \"SQL\""), @"Error unknown-step: there is no step `Biuld`");
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Approve\"\npool = \"SQL\""), @"Error server-side-step: step `Approve` always runs inside the Octopus Server, never on a worker");
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"*nothing*\"\npool = \"SQL\""), @"Warn idle-rule: no step fits this rule");
    insta::assert_snapshot!(plan("[[placements]]\nproject = \"Bill*\"\npool = \"SQL\""), @"Warn idle-rule: no process fits this rule");
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Dra*\"\npool = \"SQL\""), @"Warn idle-rule: this rule leaves 1 step on deployment targets");
    insta::assert_snapshot!(plan("[[placements]]\nstep = \"Appr*\"\npool = \"SQL\""), @"Warn idle-rule: this rule fits 1 step that no rule can move");
    insta::assert_snapshot!(plan("[[placements]]\nproject_group = \"Shopp\"\npool = \"SQL\""), @"Error unknown-project-group: there is no project group `Shopp`");
}

#[test]
fn the_built_in_worker_is_disabled_last_and_only_if_unneeded() {
    insta::assert_snapshot!(plan("[server]\nbuilt_in_worker = false"), @r"
    ~ server.built_in_worker built_in_worker true→false
    Deny built-in-worker-in-use: 1 step would still need the built-in worker
    ");
    insta::assert_snapshot!(plan("[server]\nbuilt_in_worker = false\n[[placements]]\nstep = \"*\"\ncurrently = \"default\"\npool = \"SQL\""), @r#"
    ~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL"
    ~ server.built_in_worker built_in_worker true→false
    "#);
}

#[test]
fn rules_that_would_move_a_step_again_are_refused() {
    // The file alone does not show it: the second rule looks for the built-in worker, and the first
    // sends its steps to the pool for which that works.
    insta::assert_snapshot!(plan("[[placements]]\ncurrently = \"Old\"\npool = \"Default Worker Pool\"\n[[placements]]\ncurrently = \"server\"\npool = \"SQL\""), @r#"
    ~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL"
    ~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"pools[\"Default Worker Pool\"]"
    Error unsettled-rules: the rules would never settle: after this plan, they would move steps again
    "#);
}

#[test]
fn a_worker_in_the_empty_default_pool_takes_work_from_the_built_in_worker() {
    insta::assert_snapshot!(plan("[workers.a]\npools = [\"SQL\", \"Default Worker Pool\"]\npolling = {}"), @r#"
    ~ workers.a pools ["pools.SQL"]→["pools.SQL","pools[\"Default Worker Pool\"]"]
    Deny default-pool-member: `pools["Default Worker Pool"]` is the default pool and has no worker: its first worker takes every step that names no pool away from the built-in worker
    "#);
}

#[test]
fn a_name_that_two_projects_have_is_refused_and_names_both() {
    let mut live = live();
    let other = LiveProject { name: Name::new("web store "), ..live.projects[0].clone() };
    live.projects.push(other);
    let rule = |verdict: &str| {
        format!("[[placements]]\nproject = \"Web store\"\nstep = \"Load\"\n{verdict}")
    };
    insta::assert_snapshot!(plan_of(&rule("pool = \"SQL\""), &live), @r#"
    ~ projects["Web Store"].deployment.steps["Load"] pool "pools.Old"→"pools.SQL"
    Error ambiguous-name: project `Web store` could be any of `Web Store`, `web store `
    "#);
    insta::assert_snapshot!(plan_of(&rule("leave = true"), &live), @"");
}
