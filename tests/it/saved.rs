//! A plan that was saved, and what may and may not happen before it is carried out.

use crate::{
    sandbox::{PROCESS, pool, worker},
    workbench::{Output, Workbench, output, program},
};
use octopus_sandbox::Seed;
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

const FILE: &str = r#"
version = 1

[pools.kubernetes]
name = "Kubernetes"

[pools.sql]
name         = "SQL"
renamed_from = "SQL Pool"

[workers.k8s-01]
pools     = ["kubernetes"]
listening = { url = "https://k8s-01:10933", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }

[workers.db-worker-01]
pools     = ["sql"]
listening = { url = "https://db-worker-01:10933", thumbprint = "0E80575D3BD8D30854802A4E8340A2E23AE961FD" }

[[placements]]
process = "any"
pool    = "kubernetes"
currently = ["server", "default", "variable"]

[[removed]]
pool = "Old"

[server]
built_in_worker = false
"#;

const POOLS: &str = "/api/Spaces-1/workerpools";
const WORKERS: &str = "/api/Spaces-1/workers";

/// A company for which the file's plan is saved.
fn saved() -> Workbench {
    let workbench = Workbench::chapter(FILE);
    for name in ["SQL Pool", "Old", "Other"] {
        workbench.send("POST", POOLS, pool(name));
    }
    let other = workbench.id("workerpools", "Other");
    workbench.send("POST", WORKERS, worker("db-worker-01", &[&other]));
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    workbench
}

fn place(document: &mut Value, step: &str, pool: &str) {
    let steps = document["Steps"].as_array_mut().unwrap();
    let found = steps.iter_mut().find(|value| value["Name"] == step).unwrap();
    found["Actions"][0]["WorkerPoolId"] = json!(pool);
}

#[test]
fn a_plan_is_saved_shown_and_applied_as_shown() {
    let workbench = saved();
    let planned = workbench.run(&["plan"]).expect(0);
    let shown = workbench.run(&["show", "plan.json"]).expect(0);
    // The finding points at a line that `show` does not have.
    let changes = |output: &Output| output.stdout.split("warning[").next().unwrap().to_owned();
    assert_eq!(changes(&planned), changes(&shown));
    assert_eq!(
        workbench.run(&["show", "plan.json", "--format", "json"]).stdout,
        workbench.read("plan.json")
    );
    let applied = workbench.run(&["apply", "plan.json"]).expect(0);
    assert!(applied.stdout.starts_with(&shown.stdout), "{}", applied.stdout);
    workbench.settled();
    // Once only.
    let again = workbench.run(&["apply", "plan.json"]).expect(0);
    assert_eq!(again.stdout, "Nothing to do: this plan is already applied\n");
}

#[test]
fn a_saved_plan_needs_no_file_if_the_user_names_the_server() {
    let workbench = saved();
    std::fs::remove_file(workbench.folder.path().join("workers.toml")).unwrap();
    let url = workbench.bench.sandbox.url();
    let mut command = program(workbench.folder.path(), &["apply", "plan.json", "--url", url]);
    output(command.env("OCTOPUS_API_KEY", workbench.key)).expect(0);
}

/// Something that somebody else does, and what is told of it.
type Edit = (fn(&Workbench), &'static str);

const EDITS: [Edit; 11] = [
    (
        |workbench| {
            let other = workbench.id("workerpools", "Other");
            workbench.edit(PROCESS, |process| place(process, "Deploy to AKS", &other));
        },
        "a step is in another pool",
    ),
    (
        |workbench| {
            let id = workbench.id("workerpools", "SQL Pool");
            workbench.edit(&format!("{POOLS}/{id}"), |pool| pool["Name"] = json!("Renamed"));
        },
        "a pool has another name",
    ),
    (
        |workbench| {
            let id = workbench.id("workers", "db-worker-01");
            let pool = workbench.id("workerpools", "SQL Pool");
            workbench
                .edit(&format!("{WORKERS}/{id}"), |worker| worker["WorkerPoolIds"] = json!([pool]));
        },
        "a worker is in another pool",
    ),
    (
        |workbench| {
            let old = workbench.id("workerpools", "Old");
            workbench.send("POST", WORKERS, worker("late-worker", &[&old]));
        },
        "a worker joins a pool that goes",
    ),
    (
        |workbench| {
            let old = workbench.id("workerpools", "Old");
            workbench.edit(PROCESS, |process| place(process, "Migrate database", &old));
        },
        "a step runs in a pool that goes",
    ),
    (
        |workbench| {
            workbench.edit(PROCESS, |process| {
                let mut step = process["Steps"][6].clone();
                for part in ["", "/Actions/0"] {
                    let part = step.pointer_mut(part).unwrap();
                    part["Id"] = json!("");
                    part["Slug"] = json!("");
                    part["Name"] = json!("One more");
                }
                step["Actions"][0]["ActionType"] = json!("Octopus.AzurePowerShell");
                process["Steps"].as_array_mut().unwrap().push(step);
            });
        },
        "a new step needs the built-in worker",
    ),
    (
        |workbench| {
            workbench
                .edit(PROCESS, |process| _ = process["Steps"].as_array_mut().unwrap().remove(2))
        },
        "a step is gone",
    ),
    (
        |workbench| _ = workbench.send("POST", POOLS, pool("kubernetes")),
        "a pool has the name already",
    ),
    (
        |workbench| {
            let other = workbench.id("workerpools", "Other");
            workbench.send("POST", WORKERS, worker("K8S-01", &[&other]));
        },
        "a worker has the name already",
    ),
    (
        |workbench| {
            workbench.edit("/api/featuresconfiguration", |value| {
                value["IsBuiltInWorkerEnabled"] = json!(false)
            });
        },
        "the built-in worker is off already",
    ),
    (
        |workbench| {
            let old = workbench.id("workerpools", "Old");
            workbench.edit(&format!("{POOLS}/{old}"), |pool| pool["IsDefault"] = json!(true));
        },
        "a pool that goes is the default one",
    ),
];

#[test]
fn a_changed_expectation_stops_a_saved_plan_before_any_write() {
    let mut told = String::new();
    for (edit, name) in EDITS {
        let workbench = saved();
        edit(&workbench);
        let writes = workbench.writes().len();
        let Output { code, stderr, .. } = workbench.run(&["apply", "plan.json"]);
        assert_eq!((code, workbench.writes().len()), (4, writes), "{name}: {stderr}");
        let lines: Vec<_> = stderr.lines().filter(|it| it.starts_with("  ")).collect();
        _ = writeln!(told, "{name}\n{}", lines.join("\n"));
    }
    insta::assert_snapshot!(told);
}

const HARMLESS: [Edit; 6] = [
    (
        |workbench| {
            workbench.edit(PROCESS, |process| {
                process["Steps"][2]["Actions"][0]["Properties"]["Octopus.Action.Script.ScriptBody"] =
                    json!("exit 0");
            });
        },
        "another script in a step that moves",
    ),
    (
        |workbench| {
            let other = workbench.id("workerpools", "Other");
            workbench
                .edit(&format!("{POOLS}/{other}"), |pool| pool["Description"] = json!("hello"));
        },
        "another description of another pool",
    ),
    (
        |workbench| {
            let id = workbench.id("workerpools", "SQL Pool");
            workbench.edit(&format!("{POOLS}/{id}"), |pool| pool["Description"] = json!("hello"));
        },
        "another description of a pool of which only the name changes",
    ),
    (
        |workbench| {
            let id = workbench.id("workers", "db-worker-01");
            workbench.edit(&format!("{WORKERS}/{id}"), |worker| worker["IsDisabled"] = json!(true));
        },
        "a worker of which only the pools change is disabled",
    ),
    (|workbench| _ = workbench.send("POST", POOLS, pool("One more")), "one more pool"),
    (
        |workbench| {
            workbench
                .edit(PROCESS, |process| _ = process["Steps"].as_array_mut().unwrap().remove(0))
        },
        "a step that does not move is gone",
    ),
];

#[test]
fn changes_that_a_plan_does_not_rely_on_are_harmless() {
    for (edit, name) in HARMLESS {
        let workbench = saved();
        edit(&workbench);
        let Output { code, stderr, .. } = workbench.run(&["apply", "plan.json"]);
        assert_eq!(code, 0, "{name}: {stderr}");
        if name.contains("step") {
            let process = workbench.text(PROCESS);
            assert_eq!(process.contains("exit 0"), name.contains("script"));
        }
    }
}

#[test]
fn a_plan_that_was_changed_by_hand_is_refused() {
    let workbench = saved();
    let plan = workbench.read("plan.json");
    let mut told = String::new();
    for (text, other) in [
        (r#""name": "Kubernetes""#, r#""name": "Evil""#),
        (r#""after": "SQL""#, r#""after": "Evil""#),
        (r#""action": "delete""#, r#""action": "update""#),
        (r#""format_version": "1.0""#, r#""format_version": "2.0""#),
        (r#""create": 2"#, r#""create": 0"#),
        ("]", ""),
        (r#""changes""#, r#""change""#),
    ] {
        assert!(plan.contains(text), "{text}");
        workbench.write("plan.json", &plan.replacen(text, other, 1));
        let writes = workbench.writes().len();
        let Output { code, stderr, .. } = workbench.run(&["apply", "plan.json"]);
        assert_eq!((code, workbench.writes().len()), (1, writes), "{text}: {stderr}");
        assert_eq!(workbench.run(&["show", "plan.json"]).code, 1);
        assert!(stderr.contains("\nhelp: "), "{stderr}");
        _ = writeln!(told, "{}", stderr.lines().next().unwrap());
    }
    insta::assert_snapshot!(told, @"
    error: cannot read the plan `plan.json`: it was changed by hand: `pools.kubernetes` shows a different field than it would write
    error: cannot read the plan `plan.json`: it was changed by hand: `pools.sql` shows a different field than it would write
    error: cannot read the plan `plan.json`: it was changed by hand: `pools.Old` shows a different action than it would write
    error: cannot read the plan `plan.json`: its format is 2.0, but this version reads 1.x
    error: cannot read the plan `plan.json`: it was changed by hand: its summary does not count its changes
    error: cannot read the plan `plan.json`: it is not JSON: there is a syntax error at line 22, column 13
    error: cannot read the plan `plan.json`: it is not a plan: `changes` is missing
    ");
}

#[test]
fn a_plan_whose_endpoints_do_not_parse_is_refused() {
    let workbench = saved();
    let plan = workbench.read("plan.json");
    let mut told = String::new();
    for (text, other) in [
        ("8A7E6157A34158EDA1B5127CB027B2A267760A4F", "not a thumbprint at all"),
        ("https://k8s-01:10933", "ftp://x y"),
    ] {
        assert!(plan.contains(text), "{text}");
        workbench.write("plan.json", &plan.replace(text, other));
        let writes = workbench.writes().len();
        let Output { code, stderr, .. } = workbench.run(&["apply", "plan.json"]);
        assert_eq!((code, workbench.writes().len()), (1, writes), "{text}: {stderr}");
        assert_eq!(workbench.run(&["show", "plan.json"]).code, 1);
        _ = writeln!(told, "{}", stderr.lines().next().unwrap());
    }
    insta::assert_snapshot!(told, @"
    error: cannot read the plan `plan.json`: it is not a plan: `n` is not a hexadecimal digit
    error: cannot read the plan `plan.json`: it is not a plan: a listening Tentacle's URL starts with `https://`
    ");
}

#[test]
fn a_plan_refused_by_a_gate_cannot_be_applied_later_either() {
    let workbench = saved();
    workbench.write("workers.toml", "version = 1\n[server]\nbuilt_in_worker = false\n");
    workbench.run(&["plan", "-o", "plan.json"]).expect(3);
    let writes = workbench.writes().len();
    let refused = workbench.run(&["apply", "plan.json"]).expect(3);
    assert!(refused.stdout.contains("denied[built-in-worker-in-use]"), "{}", refused.stdout);
    assert_eq!(workbench.writes().len(), writes);
}

#[test]
fn a_plan_is_for_one_server_and_one_space() {
    let workbench = saved();
    let other = Workbench::chapter(FILE);
    let mut told = String::new();
    for args in [
        ["--url", other.bench.sandbox.url()],
        ["--space", "Operations"],
        ["--space", "No such space"],
    ] {
        let writes = workbench.writes().len();
        let Output { code, stderr, .. } = workbench.run(&["apply", "plan.json", args[0], args[1]]);
        assert_eq!((code, workbench.writes().len()), (1, writes), "{args:?}: {stderr}");
        assert!(stderr.contains("\nhelp: "), "{stderr}");
        let (here, there) = (workbench.bench.sandbox.url(), other.bench.sandbox.url());
        _ = writeln!(
            told,
            "{}",
            stderr.lines().next().unwrap().replace(here, "HERE").replace(there, "THERE")
        );
    }
    assert_eq!(other.bench.sandbox.recent_requests(), [""; 0]);
    insta::assert_snapshot!(told, @"
    error: the plan is for `HERE`, not `THERE`
    error: the plan is for space `Default`, not `Operations`
    error: there is no space `No such space`
    ");
    workbench.run(&["apply", "plan.json", "--space", "Default"]).expect(0);
}

#[test]
fn a_plan_into_a_pool_now_unhealthy_is_refused_unless_it_waits() {
    let workbench = Workbench::new(Seed::Acme);
    let path = "/api/Spaces-1/workers/all";
    let mut ill = workbench.get(path);
    ill.as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|value| value["HealthStatus"] = json!("Unhealthy"));
    let ill = ill.to_string();
    let is_ill = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&is_ill);
    let own = move |asked: &str| {
        (now.load(SeqCst) && asked.starts_with("GET /api/Spaces-1/workers/all"))
            .then(|| ill.clone())
    };
    let url = workbench.in_front(own);
    let rule = "version = 1\n[[placements]]\nproject = \"Web Store\"\nstep = \"Deploy to AKS\"\npool = \"Linux\"\n";
    workbench.write("workers.toml", rule);
    workbench.run(&["plan", "-o", "plan.json", "--url", &url]).expect(0);
    is_ill.store(true, SeqCst);
    let refused = workbench.run(&["apply", "plan.json", "--url", &url]).expect(4);
    assert!(refused.stderr.contains("with a healthy worker"), "{}", refused.stderr);
    is_ill.store(false, SeqCst);
    workbench.run(&["apply", "plan.json", "--url", &url]).expect(0);
}

#[cfg(unix)]
#[test]
fn saving_a_plan_keeps_the_link_or_device_at_its_path() {
    let workbench = Workbench::chapter(FILE);
    let at = |name: &str| workbench.folder.path().join(name);
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, at(name)).unwrap();
    workbench.write("target.json", "");
    for (to, name, code) in [
        ("target.json", "link.json", 0),
        ("/dev/null", "nothing", 0),
        // Nobody knows what is going to be there.
        ("new.json", "hanging.json", 1),
    ] {
        link(to, name);
        workbench.run(&["plan", "-o", name]).expect(code);
        assert!(std::fs::symlink_metadata(at(name)).unwrap().is_symlink(), "{name}");
    }
    assert!(workbench.read("target.json").contains("format_version"));
    assert!(!at("new.json").exists());
    assert_eq!(workbench.read("nothing"), "");
}

#[cfg(unix)]
#[test]
fn a_planted_link_is_not_followed_and_a_private_file_stays_private() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let workbench = Workbench::chapter(FILE);
    let at = |name: &str| workbench.folder.path().join(name);
    workbench.write("victim.txt", "precious");
    symlink(at("victim.txt"), at("plan.json.tmp")).unwrap();
    workbench.write("plan.json", "");
    std::fs::set_permissions(at("plan.json"), std::fs::Permissions::from_mode(0o600)).unwrap();
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    assert_eq!(workbench.read("victim.txt"), "precious");
    let metadata = std::fs::symlink_metadata(at("plan.json")).unwrap();
    assert!(metadata.is_file());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}
