//! The truth table: each row is a sentence of `api.md`, to be read against it.
//!
//! What the wire's words are for us (`True` and `true`, tags on the action of old data, an unhealthy and an
//! unavailable worker, a target's kind) is in the tests of `refresh`.

mod table;
mod variable;

use super::*;
use crate::{
    live::{
        Directory, HiddenData, IndirectPools, LivePool, LiveServer, LiveVariableSet, LiveWorker,
        PROCESS_TEMPLATE, PoolVariable, ProcessOwner, TemplateContents, TemplateUse, UnreadPart,
    },
    model::{Linked, LiveEndpoint},
};

use table::{FALLBACK, INSIDE, TABLE};

/// A pool of one letter; `c` is one of Octopus Cloud.
fn pool(id: &str) -> LivePool {
    LivePool {
        id: Id::new(id),
        name: Name::new(id),
        slug: id.to_owned(),
        description: String::new(),
        kind: match id {
            "c" => PoolKind::Dynamic { image: "UbuntuDefault".to_owned() },
            _ => PoolKind::Static,
        },
        default: id == "d",
    }
}

/// Pools of one letter: `d` default and empty, `h` healthy, `m` one of each (healthy, unhealthy, disabled),
/// `u` unhealthy, `n` never checked, `o` off (its one worker is healthy and disabled), `e` empty.
fn world() -> Live {
    let worker = |pool: &str, health, disabled| LiveWorker {
        id: Id::new(format!("worker-{pool}")),
        name: Name::new(format!("worker-{pool}")),
        slug: String::new(),
        endpoint: LiveEndpoint::Other("Ssh".to_owned()),
        pools: vec![Id::new(pool)],
        policy: Linked::new("", ""),
        disabled,
        health,
    };
    let target = |name: &str, roles: &str, reach, pool: Option<&str>| LiveTarget {
        id: Id::new(format!("Machines-{name}")),
        name: Name::new(name),
        roles: roles.split(',').map(str::to_owned).collect(),
        reach,
        pool: pool.map(Id::new),
        disabled: name == "retired",
    };
    Live {
        server: LiveServer {
            url: String::new(),
            version: String::new(),
            space: Linked::new("Spaces-1", "Default"),
            built_in_worker: Some(true),
        },
        pools: ["d", "h", "m", "u", "n", "o", "e"].map(pool).to_vec(),
        workers: vec![
            worker("h", Health::Healthy, false),
            worker("m", Health::Unhealthy, false),
            worker("m", Health::Healthy, true),
            worker("m", Health::Healthy, false),
            worker("u", Health::Unhealthy, false),
            worker("n", Health::Unknown, false),
            worker("o", Health::Healthy, true),
        ],
        projects: Vec::new(),
        processes: Vec::new(),
        directory: Directory::default(),
        references: Vec::new(),
        indirect: IndirectPools {
            targets: vec![
                target("web-01", "web,mixed", TargetReach::Machine, Some("u")),
                target("app", "cloud,mixed,kube", TargetReach::Worker, Some("h")),
                target("site", "bare", TargetReach::Worker, None),
                target("lost", "lost", TargetReach::Worker, Some("gone")),
                target("fork", "both", TargetReach::Worker, Some("h")),
                target("knife", "both", TargetReach::Worker, Some("e")),
                target("cluster", "agent,kube", TargetReach::Agent, None),
                target("retired", "web,cloud", TargetReach::Worker, Some("e")),
            ],
            ..IndirectPools::default()
        },
        snapshots: Vec::new(),
        other_spaces: Vec::new(),
        unread: Vec::new(),
    }
}

fn step(kind: &str, on_server: &str, roles: &str, place: Place<Id<Pool>>) -> LiveStep {
    LiveStep {
        id: Id::new("action-1"),
        step: Name::new("Deploy"),
        action: Name::new("Deploy"),
        position: 0,
        names_both: false,
        has_siblings: false,
        action_type: kind.to_owned(),
        place,
        run_on_server: LiveStep::parse_run_on_server(on_server),
        from_file: false,
        target_roles: roles.to_owned(),
        container: None,
        channels: Vec::new(),
        parameters: Vec::new(),
        disabled: false,
    }
}

/// The same step as one of several actions of a rolling step, whose tags are the parent's.
fn child(step: LiveStep) -> LiveStep {
    LiveStep { has_siblings: true, action: Name::new("Child"), ..step }
}

fn process() -> LiveProcess {
    let (project, group) = (Name::new("Web"), Name::new("All"));
    LiveProcess {
        id: Id::new("deploymentprocess-Projects-1"),
        owner: ProcessOwner { project, group, runbook: None },
        git: None,
        steps: Vec::new(),
        templates: Vec::new(),
    }
}

fn told(cases: &[Case]) -> String {
    let told = cases.iter().map(|case| {
        let by = match &case.decided_by {
            Decider::Variable(..) => "variable".to_owned(),
            Decider::Parameter(_) => "parameter".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        let when = case.when.iter().map(|condition| match condition.names.as_slice() {
            [] => "other".to_owned(),
            names => names.join("+"),
        });
        let when = when.collect::<Vec<_>>().join(",");
        let when = if when.is_empty() { when } else { format!("{when}: ") };
        let place = match &case.place {
            EffectivePlace::InServer => "in the server".to_owned(),
            EffectivePlace::OnTargets => "on targets".to_owned(),
            EffectivePlace::InTemplate => "in its template".to_owned(),
            EffectivePlace::Pool(id) => format!("pool {id:?}"),
            EffectivePlace::BuiltInWorker(id) => format!("built-in for {id:?}"),
            EffectivePlace::Nowhere(_, why) => format!("nowhere {why:?}"),
            EffectivePlace::Unknown(why) => format!("unknown {why:?}"),
        };
        format!("{when}{place} by {by}")
    });
    told.collect::<Vec<_>>().join("; ")
}

/// `-` is an empty cell; a pool is a letter, a variable `$name`.
fn cell(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// A step of a row: type, `RunOnServer`, tags and place.
fn of_row(cells: &[&str]) -> LiveStep {
    let [kind, on_server, roles, place] = cells else { panic!("{cells:?}") };
    let place = match (cell(place), place.strip_prefix('$')) {
        (_, Some(variable)) => Place::Variable(variable.to_owned()),
        ("", _) => Place::DefaultPool,
        (pool, _) => Place::Pool(Id::new(pool)),
    };
    step(kind, cell(on_server), cell(roles).trim_matches('\''), place)
}

#[test]
fn every_row_of_the_truth_table_holds() {
    let (live, process) = (world(), process());
    let mut wrong = Vec::new();
    for row in
        TABLE.lines().map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('#'))
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (wanted, cells) = cells.split_last().unwrap();
        let step = of_row(cells);
        // A disabled step is told as if it were enabled, and a child by the tags of its parent.
        let disabled = LiveStep { disabled: true, ..step.clone() };
        for step in [step.clone(), disabled, child(step)] {
            let is = told(&effective_cases(&process, &step, &live));
            if is != *wanted {
                wrong.push(format!("{row}\n    is {is}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_template_contents_table_holds() {
    let (mut live, process) = (world(), process());
    live.pools.iter_mut().for_each(|pool| pool.slug = format!("slug-{}", pool.slug));
    let value = variable::variable(false, "-|-|-|-|-|h");
    live.indirect.variables.push(PoolVariable { name: Name::new("V"), ..value });
    let mut wrong = Vec::new();
    for row in
        INSIDE.lines().map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('#'))
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [of_step @ .., said, wanted] = &cells[..] else { panic!("{row}") };
        let mut usage = step(PROCESS_TEMPLATE, "", "", Place::DefaultPool);
        let said = cell(said).split(',').filter_map(|it| it.split_once('='));
        usage.parameters = said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let is = told(&inner_step_cases(&process, &usage, &of_row(of_step), &live));
        if is != *wanted {
            wrong.push(format!("{row}\n    is {is}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_template_usage_runs_in_its_template_or_is_unknown_with_a_reason() {
    let usage = step(PROCESS_TEMPLATE, "", "", Place::DefaultPool);
    let is = |inside| {
        let templates = vec![TemplateUse { usage: usage.id.clone(), contents: inside }];
        told(&effective_cases(&LiveProcess { templates, ..process() }, &usage, &world()))
    };
    assert_eq!(is(TemplateContents::Steps(vec![usage.clone()])), "in its template by type");
    assert_eq!(is(TemplateContents::Omitted), "unknown TemplateOmitted by type");
    assert_eq!(is(TemplateContents::Ambiguous), "unknown TemplateAmbiguous by type");
    assert_eq!(is(TemplateContents::Unread("404".to_owned())), "unknown TemplateUnread by type");
}

#[test]
fn the_built_in_worker_replaces_only_an_empty_default_pool() {
    for row in
        FALLBACK.lines().map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('#'))
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [members, switch, wanted] = cells[..] else { panic!("{row}") };
        let mut live = world();
        live.server.built_in_worker = match switch {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        live.pools.extend((switch == "cloud").then(|| pool("c")));
        for member in members.split(' ').filter(|part| *part != "-") {
            let health = match member {
                "healthy" | "off" => Health::Healthy,
                "unhealthy" => Health::Unhealthy,
                "warned" => Health::HasWarnings,
                "lost" => Health::Unavailable,
                "unknown" => Health::Unknown,
                "dynamic" => {
                    live.pools[0].kind = PoolKind::Dynamic { image: "UbuntuDefault".to_owned() };
                    continue;
                }
                _ => {
                    live.pools[0].default = false;
                    continue;
                }
            };
            let (pools, disabled) = (vec![Id::new("d")], member == "off");
            let worker = LiveWorker { pools, health, disabled, ..live.workers[0].clone() };
            live.workers.push(worker);
        }
        let by_default = step("Octopus.Script", "true", "", Place::DefaultPool);
        let is = told(&effective_cases(&process(), &by_default, &live));
        assert_eq!(is, format!("{wanted} by defaultpool"), "{row}");
    }
}

#[test]
fn octopus_cloud_has_no_built_in_worker_even_without_dynamic_pools() {
    let mut live = world();
    live.server.url = "https://acme.octopus.app/".to_owned();
    let step = step("Octopus.Script", "true", "", Place::DefaultPool);
    let is = told(&effective_cases(&process(), &step, &live));
    assert_eq!(is, "nowhere NoBuiltInWorker by defaultpool");
    live.pools.push(pool("c"));
    let step = LiveStep { place: Place::Pool(Id::new("c")), ..step };
    assert_eq!(told(&effective_cases(&process(), &step, &live)), "pool c by explicit");
}

#[test]
fn targets_that_could_not_be_read_may_have_a_pool() {
    let mut live = world();
    live.unread.push(UnreadPart::new(String::new(), String::new(), HiddenData::Targets));
    let told = |row: &[&str]| told(&effective_cases(&process(), &of_row(row), &live));
    for (row, wanted) in [
        (["Octopus.AzureWebApp", "-", "nobody", "-"], "unknown Targets by target"),
        (
            ["Octopus.AzureWebApp", "-", "cloud", "-"],
            "app: pool h by target; other: unknown Targets by target",
        ),
        (["Octopus.AzureWebApp", "-", "cloud", "h"], "pool h by explicit"),
        (["Octopus.KubernetesRunScript", "-", "nobody", "h"], "unknown Targets by target"),
        (["Octopus.Script", "false", "nobody", "-"], "unknown Targets by target"),
        (["Octopus.Script", "true", "-", "-"], "built-in for d by defaultpool"),
    ] {
        assert_eq!(told(&row), wanted, "{row:?}");
    }
}
