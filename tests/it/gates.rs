//! Each gate through the program: it refuses, it warns where it shall, and it is silent where it may.

use crate::{
    sandbox::{pool, worker},
    workbench::{Output, Workbench},
};
use octopus_sandbox::Seed;
use serde_json::json;
use std::fmt::Write as _;

pub(crate) const POLLING: &str = r#"polling = { subscription = "poll://t7kq2mzx9wn4hdb1ryca/", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }"#;

/// What makes each gate close, by its code: a file, without its head and its gates.
fn files() -> [(&'static str, String); 8] {
    [
        ("built-in-worker-in-use", "[server]\nbuilt_in_worker = false".to_owned()),
        ("empty-pool", "[pools.sql]\n[[placements]]\npool = \"sql\"".to_owned()),
        ("unhealthy-pool", "[pools.few]\nname = \"Few\"\nmin_healthy = 2\n[[placements]]\npool = \"few\"".to_owned()),
        ("pool-in-use", "[[removed]]\npool = \"Used\"".to_owned()),
        (
            "too-many-deletes",
            "[manage]\nmax_deletes = 1\n[[removed]]\npool = \"Old 1\"\n[[removed]]\npool = \"Old 2\""
                .to_owned(),
        ),
        (
            "default-pool-member",
            format!("[workers.w]\npools = [\"Default Worker Pool\"]\n{POLLING}"),
        ),
        (
            "protected",
            format!("[workers.replaced]\npools = [\"Old 3\"]\nprotect = true\n{POLLING}"),
        ),
        (
            "unknown-variable",
            "[[placements]]\nproject = \"Web Store\"\nstep = \"Swap slots\"\npool_variable = \"Gone\""
                .to_owned(),
        ),
    ]
}

/// A company with a pool that is used, one with a single worker, and some that nobody needs.
pub(crate) fn workbench(file: &str) -> Workbench {
    let workbench = Workbench::chapter(file);
    let pools = "/api/Spaces-1/workerpools";
    for name in ["Used", "Few", "Old 1", "Old 2", "Old 3"] {
        workbench.send("POST", pools, pool(name));
    }
    let id = |name: &str| workbench.id("workerpools", name);
    // A server deletes a pool that only a target names.
    let target = json!({
        "Name": "cloud-old", "Roles": ["nothing"], "EnvironmentIds": ["Environments-1"],
        "Endpoint": { "CommunicationStyle": "None", "DefaultWorkerPoolId": id("Used") },
    });
    workbench.send("POST", "/api/Spaces-1/machines", target);
    for (name, pool) in [("replaced", "Old 3"), ("single", "Few")] {
        workbench.send("POST", "/api/Spaces-1/workers", worker(name, &[&id(pool)]));
    }
    workbench
}

fn at(gate: &str, level: &str, file: &str) -> String {
    format!("version = 1\n[gates]\n{gate} = \"{level}\"\n{file}\n")
}

/// The lines of a text that begin a finding of a gate.
pub(crate) fn found(text: &str, gate: &str) -> Vec<String> {
    let heads = text.lines().filter(|line| line.contains(&format!("[{gate}]:")));
    heads.map(str::to_owned).collect()
}

#[test]
fn a_gate_refuses_and_nothing_is_written() {
    let mut told = String::new();
    for (gate, file) in files() {
        let workbench = workbench(&format!("version = 1\n{file}\n"));
        let writes = workbench.writes();
        for args in [
            &["plan", "-o", "plan.json"][..],
            &["apply", "--auto-approve"],
            &["apply", "plan.json"],
        ] {
            let Output { stdout, stderr, .. } = workbench.run(args).expect(3);
            let found = found(&stdout, gate);
            assert_eq!(found.len(), 1, "{stdout}\n{stderr}");
            assert!(found[0].starts_with("denied["), "{found:?}");
            assert!(stdout.contains("= help: "), "{stdout}");
        }
        assert_eq!(workbench.writes(), writes);
        assert_eq!(workbench.receipts().len(), 0);
        let json = workbench.run(&["plan", "--format", "json"]).expect(3).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut findings = json["findings"].as_array().unwrap().iter();
        let message = findings.find(|it| it["code"] == gate).unwrap()["message"].as_str().unwrap();
        _ = writeln!(told, "{gate}: {message}");
    }
    insta::assert_snapshot!(told, @r#"
    built-in-worker-in-use: 35 steps would still need the built-in worker
    empty-pool: 23 steps would run in `pools.sql`, which would have no enabled worker
    unhealthy-pool: 23 steps would run in `pools.few`, which would have 1 healthy worker of the 2 it needs
    pool-in-use: pool `Used` would be deleted while something still uses it
    too-many-deletes: the plan has 2 deletes, and `max_deletes` is 1
    default-pool-member: `pools["Default Worker Pool"]` is the default pool and has no worker: its first worker takes every step that names no pool away from the built-in worker
    protected: `workers.replaced` is protected and would be replaced
    unknown-variable: there is no worker pool variable `Gone`
    "#);
}

#[test]
fn a_gate_set_to_warn_lets_the_plan_pass() {
    for (gate, file) in files() {
        let workbench = workbench(&at(gate, "warn", &file));
        let Output { stdout, .. } = workbench.run(&["plan"]).expect(0);
        let found = found(&stdout, gate);
        assert!(found.len() == 1 && found[0].starts_with("warning["), "{stdout}");
    }
}

#[test]
fn a_gate_set_to_allow_reports_nothing() {
    for (gate, file) in files() {
        let workbench = workbench(&at(gate, "allow", &file));
        let Output { stdout, .. } = workbench.run(&["plan"]).expect(0);
        assert_eq!(found(&stdout, gate), [""; 0]);
    }
}

/// What a server refuses is never let pass, so a plan that passes is applied.
#[test]
fn a_gate_set_to_allow_lets_the_plan_be_applied() {
    for (gate, file) in files() {
        let workbench = workbench(&at(gate, "allow", &file));
        workbench.run(&["apply", "--auto-approve"]).expect(0);
        workbench.settled();
    }
}

/// A step's own pool: a server refuses to delete it.
#[test]
fn no_gate_level_permits_what_the_server_refuses() {
    for level in ["warn", "allow"] {
        let workbench = workbench(&at("pool-in-use", level, "[[removed]]\npool = \"Used\""));
        let used = workbench.id("workerpools", "Used");
        workbench.edit(crate::sandbox::PROCESS, |process| {
            process["Steps"][2]["Actions"][0]["WorkerPoolId"] = json!(used);
        });
        let Output { stdout, .. } = workbench.run(&["plan"]).expect(3);
        let found = found(&stdout, "pool-in-use");
        assert!(found[0].starts_with("denied[") && found[0].contains("server refuses"), "{stdout}");
    }
}

#[test]
fn a_satisfied_gate_reports_nothing() {
    // The steps are in a pool with a worker, and the switch follows.
    let workbench = workbench(
        "version = 1\n[server]\nbuilt_in_worker = false\n[[placements]]\nprocess = \"any\"\n\
         currently = [\"server\", \"default\", \"variable\"]\npool = \"Few\"\n",
    );
    let Output { stdout, .. } = workbench.apply();
    assert!(!stdout.contains("denied[") && !stdout.contains("warning["), "{stdout}");
    workbench.settled();
}

#[test]
fn a_step_for_a_target_in_the_cloud_needs_the_built_in_worker_too() {
    let workbench = Workbench::chapter("version = 1\n[server]\nbuilt_in_worker = false\n");
    let step = r#"projects["Legacy Intranet"].deployment.steps["Deploy package"]"#;
    let told = || workbench.run(&["plan", "-v"]).expect(3).stdout.contains(step);
    assert!(!told());
    let target = json!({
        "Name": "cloud-intranet", "Roles": ["intranet-server"], "EnvironmentIds": ["Environments-1"],
        "Endpoint": { "CommunicationStyle": "None", "DefaultWorkerPoolId": "" },
    });
    workbench.send("POST", "/api/Spaces-1/machines", target);
    assert!(told());
}

/// Runs `plan` on what a file comes to after another one was applied; its findings and exit code.
fn after(first: &str, then: &str) -> String {
    let workbench = Workbench::chapter(&format!(
        "version = 1\n[gates]\nunhealthy-pool = \"allow\"\ndefault-pool-member = \"allow\"\n{first}"
    ));
    workbench.run(&["apply", "--auto-approve"]).expect(0);
    workbench.write("workers.toml", &format!("version = 1\n{then}"));
    let Output { code, stdout, .. } = workbench.run(&["plan"]);
    let lines =
        stdout.lines().filter(|line| line.starts_with("denied") || line.starts_with("warning"));
    let lines: Vec<_> = lines.collect();
    format!("{}\nexit code {code}", lines.join("\n"))
}

#[test]
fn emptying_a_pool_checks_its_steps_even_if_no_rule_places_them() {
    let pool = format!("[pools.a]\n[workers.w]\npools = [\"a\"]\n{POLLING}\n");
    let placed = format!(
        "{pool}[[placements]]\nproject = \"Web Store\"\nstep = \"Swap slots\"\npool = \"a\"\n"
    );
    let default = format!(
        "[pools.a]\ndefault = true\n[workers.w]\npools = [\"a\"]\n{POLLING}\n[server]\nbuilt_in_worker = false\n"
    );
    let disabled = format!("{pool}disabled = true\n");
    let mut all = String::new();
    for (name, first, then) in [
        ("removed", &placed, "[[removed]]\nworker = \"w\"\n"),
        ("pruned", &placed, "[manage]\nprune = [\"workers\"]\n"),
        ("disabled", &placed, disabled.as_str()),
        ("nobody is there", &pool, "[[removed]]\nworker = \"w\"\n"),
        ("default, removed", &default, "[[removed]]\nworker = \"w\"\n"),
        (
            "default, switched",
            &default,
            "[pools.d]\nname = \"Default Worker Pool\"\ndefault = true\n",
        ),
        ("another default", &pool, "[pools.a]\ndefault = true\n"),
    ] {
        _ = writeln!(all, "{name}:\n{}\n", after(first, then));
    }
    insta::assert_snapshot!(all, @r#"
    removed:
    denied[empty-pool]: 1 step would run in `pools.a`, which would have no enabled worker
    exit code 3

    pruned:
    denied[empty-pool]: 1 step would run in `pools.a`, which would have no enabled worker
    exit code 3

    disabled:
    denied[empty-pool]: 1 step would run in `pools.a`, which would have no enabled worker
    exit code 3

    nobody is there:

    exit code 0

    default, removed:
    denied[empty-pool]: 34 steps would run in `pools.a`, which would have no enabled worker
    exit code 3

    default, switched:
    denied[empty-pool]: steps that name no pool would run in `pools.d`, which would have no enabled worker
    exit code 3

    another default:
    denied[default-pool-member]: 34 steps that name no pool move from the built-in worker to `pools.a`
    denied[empty-pool]: 1 step would run in `pools["Default Worker Pool"]`, which would have no enabled worker
    exit code 3
    "#);
}

#[test]
fn no_gate_level_lets_a_pool_with_members_be_deleted() {
    let pool = format!("[pools.a]\n[workers.w]\npools = [\"a\"]\n{POLLING}\n");
    let told = after(&pool, "[gates]\npool-in-use = \"allow\"\n[[removed]]\npool = \"a\"\n");
    insta::assert_snapshot!(told, @r"
    denied[pool-in-use]: pool `a` would be deleted while something still uses it, which the server refuses
    exit code 3
    ");
}

#[test]
fn a_plan_is_not_saved_over_its_source_file() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\n");
    let output = workbench.run(&["plan", "-o", "workers.toml"]).expect(1);
    insta::assert_snapshot!(output.stderr, @"
    error: cannot save the plan to `workers.toml`: it is a configuration file
    help: save the plan to another file, such as `-o plan.json`
    ");
    assert_eq!(workbench.read("workers.toml"), "version = 1\n[pools.sql]\n");
}

#[cfg(target_os = "linux")]
#[test]
fn lost_output_is_a_failure() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\n");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = workbench.command(&["plan", "--format", "json"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn two_pools_get_distinct_addresses() {
    let workbench = Workbench::chapter(
        "version = 1\n[pools.a]\nname = \"A\"\n[pools.b]\nname = \"B\"\n[[placements]]\nproject = \"Web Store\"\nstep = \"Swap slots\"\npool = \"b\"\n[gates]\nempty-pool = \"allow\"\n",
    );
    // One by one, so that the ids are the same each time.
    workbench.run(&["apply", "--auto-approve", "--parallelism", "1"]).expect(0);
    workbench.write("workers.toml", "version = 1\n[pools.B]\nname = \"A\"\n[[placements]]\nproject = \"Web Store\"\nstep = \"Swap slots\"\npool = \"B\"\n[gates]\nempty-pool = \"allow\"\n");
    let output = workbench.run(&["plan"]).expect(0);
    let line = output.stdout.lines().find(|it| it.contains("→")).unwrap_or_default();
    insta::assert_snapshot!(line.trim(), @"pool  pools.WorkerPools-4 → pools.B");
}

#[test]
fn a_pool_variable_in_a_rule_must_exist() {
    let told = |file: &str| {
        let workbench = Workbench::new(Seed::Acme);
        let rule = "[[placements]]\nproject = \"Landing zone\"\nstep = \"Deploy ARM template\"\n";
        workbench.write("workers.toml", &format!("version = 1\n{rule}{file}"));
        let output = workbench.run(&["plan", "-v"]);
        let lines = output.stdout.lines().skip_while(|line| {
            !["warning[", "denied[", "Plan", "No changes"]
                .iter()
                .any(|start| line.starts_with(start))
        });
        let lines = lines.filter(|line| !line.contains('|') || line.contains("= "));
        format!("{}\n{}", output.code, lines.collect::<Vec<_>>().join("\n"))
    };
    insta::assert_snapshot!(told("pool_variable = \"Deploy.WorkerPol\""), @r#"
    3
    denied[unknown-variable]: there is no worker pool variable `Deploy.WorkerPol`
     --> workers.toml:2:1
      = note: projects["Landing zone"].deployment.steps["Deploy ARM template"]
      = help: a variable with a similar name exists: `Deploy.WorkerPool`; `unknown-variable = "warn"` under `[gates]` lets it pass

    Touches 1 project, 1 step
    Plan: 1 to update; refused by 1 gate
    "#);
    insta::assert_snapshot!(told("pool_variable = \"Tenant.WorkerPool\""), @"
    0
    Plan: 1 to update
    ");
    insta::assert_snapshot!(told("pool_variable = \"Deploy.WorkerPool\""), @"
    0
    No changes: the server matches the files
    ");
}

#[test]
fn a_step_that_needs_its_pool_to_run_on_a_worker_keeps_it() {
    let workbench = Workbench::new(Seed::Chapter);
    let pool = workbench.id("workerpools", "Default Worker Pool");
    let project = workbench.id("projects", "Billing");
    let process = format!("/api/Spaces-1/projects/{project}/deploymentprocesses");
    workbench.edit(&process, |process| {
        let step = &mut process["Steps"][0];
        step["Properties"] = json!({});
        let action = &mut step["Actions"][0];
        action["ActionType"] = json!("Octopus.Script");
        action["WorkerPoolId"] = json!(pool);
        action["Properties"].as_object_mut().unwrap().remove("Octopus.Action.RunOnServer");
    });
    let write = |step: &str| {
        let rule = "version = 1\n[[placements]]\nproject = \"Billing\"\ndefault_pool = true\n";
        workbench.write("workers.toml", &format!("{rule}step = {step:?}\n"));
    };
    let why = "the step runs on a worker only because it names a pool";
    let step = workbench.get(&process)["Steps"][0]["Name"].as_str().unwrap().to_owned();
    write(&step);
    let output = workbench.run(&["plan"]).expect(1);
    assert!(output.stderr.contains(why), "{output:?}");
    // A wildcard leaves it, and moves what it can.
    write("*");
    let output = workbench.run(&["plan"]).expect(0);
    assert!(output.stdout.contains(&format!("1 step stays unchanged: {why}")), "{output:?}");
    assert!(
        !output.stdout.contains(&format!("~ projects[\"Billing\"].deployment.steps[{step:?}]")),
        "{output:?}"
    );
}
