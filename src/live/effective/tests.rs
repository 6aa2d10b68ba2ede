//! The truth table: each row is a sentence of `api.md`, to be read against it.

use super::*;
use crate::{
    live::{Directory, Gap, LivePool, LiveWorker, Owner, ServerFacts},
    model::{Endpoint, Linked},
};

/// Pools of one letter: `d` default and empty, `h` healthy, `u` unhealthy, `n` never checked, `o` off (its
/// one worker is healthy and disabled), `e` empty, `c` in the cloud.
fn world() -> Live {
    let pool = |id: &str| LivePool {
        id: Id::new(id),
        name: Name::new(id),
        slug: id.to_owned(),
        description: String::new(),
        kind: match id {
            "c" => PoolKind::Dynamic { image: "UbuntuDefault".to_owned() },
            _ => PoolKind::Static,
        },
        default: id == "d",
    };
    let worker = |pool: &str, health, disabled| LiveWorker {
        id: Id::new(format!("worker-{pool}")),
        name: Name::new(format!("worker-{pool}")),
        endpoint: Endpoint::Other("Ssh".to_owned()),
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
        server: ServerFacts {
            url: String::new(),
            version: String::new(),
            space: Linked::new("Spaces-1", "Default"),
            built_in_worker: Some(true),
        },
        pools: ["d", "h", "u", "n", "o", "e", "c"].map(pool).to_vec(),
        workers: vec![
            worker("h", Health::Healthy, false),
            worker("u", Health::Unhealthy, false),
            worker("n", Health::Unknown, false),
            worker("o", Health::Healthy, true),
        ],
        projects: Vec::new(),
        processes: Vec::new(),
        directory: Directory::default(),
        pointers: Vec::new(),
        choosers: Choosers {
            targets: vec![
                target("web-01", "web,mixed", TargetReach::Machine, Some("u")),
                target("app", "cloud,mixed", TargetReach::Worker, Some("h")),
                target("site", "bare", TargetReach::Worker, None),
                target("cluster", "agent", TargetReach::Agent, None),
                target("retired", "web", TargetReach::Worker, Some("e")),
            ],
            ..Choosers::default()
        },
        editions: Vec::new(),
        elsewhere: Vec::new(),
        gaps: Vec::new(),
    }
}

fn step(kind: &str, on_server: &str, roles: &str, place: Place<Id<Pool>>) -> LiveStep {
    LiveStep {
        id: Id::new("action-1"),
        step: Name::new("Deploy"),
        action: Name::new("Deploy"),
        has_siblings: false,
        action_type: kind.to_owned(),
        place,
        run_on_server: on_server == "true",
        target_roles: roles.to_owned(),
        container: None,
        channels: Vec::new(),
        parameters: Vec::new(),
    }
}

fn process() -> LiveProcess {
    let (project, group) = (Name::new("Web"), Name::new("All"));
    LiveProcess {
        id: Id::new("deploymentprocess-Projects-1"),
        owner: Owner { project, group, runbook: None },
        git: None,
        steps: Vec::new(),
    }
}

fn told(cases: &[Case]) -> String {
    let told = cases.iter().map(|case| {
        let by = match &case.by {
            Decider::Variable(..) => "variable".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        let when = case.when.iter().map(|it| match it.names.as_slice() {
            [] => "other".to_owned(),
            names => names.join("+"),
        });
        let when = when.collect::<Vec<_>>().join(",");
        let when = if when.is_empty() { when } else { format!("{when}: ") };
        let place = match &case.place {
            Effective::InServer => "in the server".to_owned(),
            Effective::OnTargets => "on targets".to_owned(),
            Effective::Pool(id) => format!("pool {id:?}"),
            Effective::BuiltInWorker(id) => format!("built-in for {id:?}"),
            Effective::Nowhere(_, why) => format!("nowhere {why:?}"),
            Effective::Unknown(why) => format!("unknown {why:?}"),
        };
        format!("{when}{place} by {by}")
    });
    told.collect::<Vec<_>>().join("; ")
}

/// `-` is an empty cell; a pool is a letter, a variable `$name`.
fn cell(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// Type | RunOnServer | target tags | pool or $variable | where it runs, by what.
const TABLE: &str = "
    # api.md 4: S, inside the server's process, whatever its fields say
    Octopus.Manual                   | true  | -     | -  | in the server by type
    Octopus.Email                    | -     | -     | h  | in the server by type
    Octopus.DeployRelease            | true  | -     | -  | in the server by type
    Octopus.HealthCheck              | true  | web   | -  | in the server by type
    # api.md 4: unverified types are nobody's guess
    Octopus.ArgoCDUpdateImageTags    | -     | -     | h  | unknown Type by type
    Octopus.ProcessTemplate          | -     | -     | -  | unknown Type by type
    # api.md 3.4, row 1: on each deployment target
    Octopus.Script                   | false | web   | -  | on targets by execution
    Octopus.Script                   | -     | web   | h  | on targets by execution
    Octopus.Script                   | false | nobody| -  | on targets by execution
    # api.md 4: for a target in the cloud a worker acts all the same, of the target's pool or the default one
    Octopus.Script                   | false | cloud | -  | pool h by target
    Octopus.Script                   | false | bare  | -  | built-in for d by defaultpool
    Octopus.TentaclePackage          | false | cloud | -  | pool h by target
    Octopus.Script                   | false | mixed | -  | web-01: on targets by execution; app: pool h by target
    # api.md 3.4, row 2: once on a worker
    Octopus.Script                   | true  | -     | -  | built-in for d by defaultpool
    Octopus.Script                   | true  | -     | h  | pool h by explicit
    Octopus.Script                   | -     | -     | h  | pool h by explicit
    Octopus.AwsRunScript             | -     | -     | -  | built-in for d by defaultpool
    # api.md 3.4, row 3: on a worker on behalf of each target; 3.3: the step's own pool beats the target's
    Octopus.Script                   | true  | web   | -  | built-in for d by defaultpool
    Octopus.Script                   | true  | cloud | -  | pool h by target
    Octopus.Script                   | true  | cloud | e  | nowhere Empty by explicit
    Octopus.AzureWebApp              | true  | cloud | c  | pool c by explicit
    Octopus.Script                   | true  | mixed | -  | web-01: built-in for d by defaultpool; app: pool h by target
    # api.md 4: Kubernetes steps run on the agent where the cluster has one, and on workers else
    Octopus.KubernetesRunScript      | true  | agent | h  | on targets by execution
    Octopus.HelmChartUpgrade         | true  | agent | -  | on targets by execution
    Octopus.KubernetesRunScript      | true  | cloud | -  | pool h by target
    Octopus.AwsRunScript             | true  | agent | h  | pool h by explicit
    # api.md 3.3, 5: what fails
    Octopus.Script                   | true  | -     | e  | nowhere Empty by explicit
    Octopus.Script                   | true  | -     | u  | nowhere NoHealthyWorker by explicit
    Octopus.Script                   | true  | -     | o  | nowhere NoHealthyWorker by explicit
    Octopus.Script                   | true  | -     | n  | nowhere Unchecked by explicit
    Octopus.Script                   | true  | -     | gone | nowhere NoSuchPool by explicit
    Octopus.Script                   | true  | -     | c  | pool c by explicit
    Octopus.Script                   | true  | -     | d  | built-in for d by explicit
    # api.md 2.12: a variable without a value in scope
    Octopus.Script                   | true  | -     | $P | nowhere NoValue by variable
";

#[test]
fn every_row_of_the_truth_table_holds() {
    let (live, process) = (world(), process());
    let mut wrong = Vec::new();
    for row in TABLE.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [kind, on_server, roles, place, wanted] = cells[..] else { panic!("{row}") };
        let place = match (cell(place), place.strip_prefix('$')) {
            (_, Some(variable)) => Place::Variable(variable.to_owned()),
            ("", _) => Place::DefaultPool,
            (pool, _) => Place::Pool(Id::new(pool)),
        };
        let step = step(kind, cell(on_server), cell(roles), place);
        let is = told(&effective(&process, &step, &live));
        if is != wanted {
            wrong.push(format!("{row}\n    is {is}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_built_in_worker_stands_in_for_an_empty_default_pool_alone() {
    // Members of the default pool, and the switch | where a step without a pool runs
    let member = |health, disabled| {
        let mut live = world();
        let worker =
            LiveWorker { pools: vec![Id::new("d")], health, disabled, ..live.workers[0].clone() };
        live.workers.push(worker);
        live
    };
    let switched = |on| {
        let mut live = world();
        live.server.built_in_worker = on;
        live
    };
    let nobody = {
        let mut live = world();
        live.pools.iter_mut().for_each(|pool| pool.default = false);
        live
    };
    for (live, wanted) in [
        (switched(Some(true)), "built-in for d by defaultpool"),
        (switched(None), "built-in for d by defaultpool"),
        (switched(Some(false)), "nowhere BuiltInWorkerOff by defaultpool"),
        (member(Health::Healthy, false), "pool d by defaultpool"),
        (member(Health::Unhealthy, false), "nowhere NoHealthyWorker by defaultpool"),
        (member(Health::Healthy, true), "nowhere NoHealthyWorker by defaultpool"),
        (nobody, "nowhere NoDefaultPool by defaultpool"),
    ] {
        let step = step("Octopus.Script", "true", "", Place::DefaultPool);
        assert_eq!(told(&effective(&process(), &step, &live)), wanted);
    }
}

/// A value, as `environments | channels | tags | actions | processes | pool`, of the project or a library.
fn variable(library: bool, text: &str) -> PoolVariable {
    let cells: Vec<&str> = text.split('|').map(|it| cell(it.trim())).collect();
    let list = |at: usize| -> Vec<String> {
        cells[at].split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let web = Name::new("Web");
    PoolVariable {
        set: Id::new("variableset-Projects-1"),
        id: Id::new(text),
        name: Name::new("P"),
        owner: match library {
            true => VariableOwner::Library(Name::new("Shared")),
            false => VariableOwner::Project(web.clone()),
        },
        projects: vec![web],
        scope: VariableScope {
            environments: list(0),
            channels: list(1),
            tenant_tags: list(2),
            actions: list(3),
            processes: list(4),
            on_targets: false,
        },
        pool: (!cells[5].is_empty()).then(|| Id::new(cells[5])),
    }
}

#[test]
fn the_narrowest_value_of_a_variable_decides() {
    let told = |own: &[&str], library: &[&str]| {
        let mut live = world();
        let own = own.iter().map(|it| variable(false, it));
        live.choosers.variables = own.chain(library.iter().map(|it| variable(true, it))).collect();
        let step = step("Octopus.Script", "true", "", Place::Variable("p".to_owned()));
        told(&effective(&process(), &step, &live)).replace(" by variable", "")
    };
    for (own, library, wanted) in [
        (&["-|-|-|-|-|h"][..], &[][..], "pool h"),
        (&["Prod|-|-|-|-|h"], &[], "Prod: pool h; other: nowhere NoValue"),
        (&["Prod|-|-|-|-|h", "-|-|-|-|-|c"], &[], "Prod: pool h; other: pool c"),
        (&["Prod,Test|-|-|-|-|h"], &[], "Prod: pool h; Test: pool h; other: nowhere NoValue"),
        // An environment is narrower than a channel, a tenant tag than both, a step than all.
        (
            &["Prod|-|-|-|-|h", "-|Beta|-|-|-|c"],
            &[],
            "Prod,Beta: pool h; Prod,other: pool h; other,Beta: pool c; other,other: nowhere NoValue",
        ),
        (
            &["Prod|-|-|-|-|h", "-|-|Ring/One|-|-|c"],
            &[],
            "Prod,Ring/One: pool c; Prod,other: pool h; other,Ring/One: pool c; \
             other,other: nowhere NoValue",
        ),
        (&["Prod|-|-|-|-|h", "-|-|-|action-1|-|c"], &[], "Prod: pool c; other: pool c"),
        // Another step's or another process's value never holds.
        (&["-|-|-|action-2|-|h", "-|-|-|-|-|c"], &[], "pool c"),
        (&["-|-|-|-|Projects-1|h", "-|-|-|-|-|c"], &[], "pool h"),
        (&["-|-|-|-|Runbooks-1|h", "-|-|-|-|-|c"], &[], "pool c"),
        // A project's value beats a library's of the same scope, and no narrower one.
        (&["-|-|-|-|-|h"], &["-|-|-|-|-|c"], "pool h"),
        (&["-|-|-|-|-|h"], &["Prod|-|-|-|-|c"], "Prod: pool c; other: pool h"),
        // Two that are alike: nobody can tell; unless both say the same.
        (&["-|-|-|-|-|h", "-|-|-|-|-|c"], &[], "unknown Ambiguous"),
        (&["-|-|-|-|-|h", "-|-|-|-|-|h"], &[], "pool h"),
        // What it chooses may be of no use.
        (&["-|-|-|-|-|e"], &[], "nowhere Empty"),
        (&["-|-|-|-|-|gone"], &[], "nowhere NoSuchPool"),
        (&["-|-|-|-|-|-"], &[], "nowhere NoValue"),
    ] {
        assert_eq!(told(own, library), wanted, "{own:?} {library:?}");
    }
}

#[test]
fn a_value_that_could_not_be_read_may_be_there() {
    let mut live = world();
    live.gaps.push(Gap { what: String::new(), why: String::new(), hides: Hides::Pointers });
    let step = step("Octopus.Script", "true", "", Place::Variable("P".to_owned()));
    assert_eq!(told(&effective(&process(), &step, &live)), "unknown Unread by variable");
}
