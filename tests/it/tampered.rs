//! A saved plan that somebody has edited, against a real server: it writes what it shows, or nothing.
//!
//! `diff::laws::tampering` tries any edit of any plan; these are edits that the program from outside has to stand.

use crate::{
    sandbox::{pool, worker},
    workbench::{Output, Workbench},
};
use serde_json::{Value, json};

const FILE: &str = r#"
version = 1

[pools.database]
name = "Database Worker Pool"

[pools.web]
name = "Web Pool"
description = "for the web"

[[placements]]
project = "Web Store"
step    = ["Deploy to AKS", "Notify the team"]
pool    = "database"

[[placements]]
project = "Billing"
step    = "Notify the team"
pool    = "database"
"#;

const WORKERS: &str = "/api/Spaces-1/workers";
const POOLS: &str = "/api/Spaces-1/workerpools";

/// A server with two pools that have a worker each, a file, and its saved plan.
fn saved(file: &str) -> Workbench {
    let workbench = Workbench::chapter(file);
    for name in ["Database Worker Pool", "Web Pool"] {
        workbench.send("POST", POOLS, pool(name));
        let id = workbench.id("workerpools", name);
        workbench.send("POST", WORKERS, worker(&format!("worker of {name}"), &[&id]));
    }
    workbench.run(&["plan", "-o", "plan.json"]);
    workbench
}

fn edit(workbench: &Workbench, edit: impl FnOnce(&mut Value)) {
    let mut plan: Value = serde_json::from_str(&workbench.read("plan.json")).unwrap();
    edit(&mut plan);
    workbench.write("plan.json", &plan.to_string());
}

/// Applies the plan, and expects that it is refused and that nothing is written.
#[track_caller]
fn refused(workbench: &Workbench, code: i32) -> String {
    let writes = workbench.writes().len();
    let Output { stderr, stdout, .. } = workbench.run(&["apply", "plan.json"]).expect(code);
    assert_eq!(workbench.writes().len(), writes, "{stderr}");
    stdout + &stderr
}

/// The index of the change of a step.
fn step(plan: &Value, name: &str) -> usize {
    let changes = plan["changes"].as_array().unwrap();
    changes.iter().position(|it| it["address"].as_str().unwrap().contains(name)).unwrap()
}

type Edit = (&'static str, fn(&Workbench, &mut Value));

/// Edits with and without the files at hand, which are stale: names and ids that do not belong together.
const STALE: [Edit; 9] = [
    ("two steps change names", |_, plan| {
        let (one, other) = (
            step(plan, "Deploy to AKS"),
            step(plan, "\"Web Store\"].deployment.steps[\"Notify the team"),
        );
        let (a, b) =
            (plan["changes"][one]["address"].clone(), plan["changes"][other]["address"].clone());
        plan["changes"][one]["address"] = b;
        plan["changes"][other]["address"] = a;
    }),
    ("a step of another project is written", |_, plan| {
        let (web, billing) = (step(plan, "Web Store"), step(plan, "Billing"));
        let other = plan["changes"][billing].clone();
        let web = &mut plan["changes"][web];
        for key in ["process", "action"] {
            web["write"]["place_step"][key] = other["write"]["place_step"][key].clone();
        }
        web["id"] = other["id"].clone();
    }),
    ("another pool is written", |workbench, plan| {
        let (from, to) = (
            workbench.id("workerpools", "Database Worker Pool"),
            workbench.id("workerpools", "Web Pool"),
        );
        *plan = serde_json::from_str(&plan.to_string().replace(&from, &to)).unwrap();
    }),
    ("another pool is shown", |_, plan| {
        *plan =
            serde_json::from_str(&plan.to_string().replace("pools.database", "pools.web")).unwrap();
    }),
    ("another space is written", |_, plan| plan["server"]["space_id"] = json!("Spaces-2")),
    ("another space is shown", |_, plan| plan["server"]["space"] = json!("Operations")),
    ("nothing is relied on", |_, plan| plan["relies"] = json!([])),
    ("less is relied on", |_, plan| _ = plan["relies"].as_array_mut().unwrap().remove(0)),
    ("it is not said what is relied on", |_, plan| {
        _ = plan.as_object_mut().unwrap().remove("relies")
    }),
];

#[test]
fn names_and_ids_that_do_not_belong_together_are_refused() {
    let workbench = saved(FILE);
    let plan = workbench.read("plan.json");
    for at_hand in [true, false] {
        if !at_hand {
            std::fs::remove_file(workbench.folder.path().join("workers.toml")).unwrap();
        }
        for (name, change) in STALE {
            workbench.write("plan.json", &plan);
            edit(&workbench, |plan| change(&workbench, plan));
            assert_ne!(workbench.read("plan.json"), plan, "{name}");
            let told = refused(&workbench, 4);
            assert!(told.contains("but the plan expects"), "{name}: {told}");
        }
    }
    workbench.write("plan.json", &plan);
    workbench.run(&["apply", "plan.json"]).expect(0);
}

#[test]
fn computed_fields_of_a_saved_plan_are_recomputed() {
    let workbench = saved(FILE);
    edit(&workbench, |plan| {
        plan["server"]["version"] = json!("1.2.3");
        plan["touches"]["affected"] = json!({ "steps": 99, "projects": 9, "runbooks": 9 });
        plan["needs"] = json!([]);
        let changes = plan["changes"].as_array_mut().unwrap();
        changes.iter_mut().for_each(|change| change["after"] = json!([]));
        changes.reverse();
    });
    let Output { stdout, .. } = workbench.run(&["apply", "plan.json"]).expect(0);
    assert!(!stdout.contains("1.2.3") && !stdout.contains("99 steps"), "{stdout}");
    assert!(stdout.contains("pools.database is \"Database Worker Pool\""), "{stdout}");
}

/// Steps go into a pool without a worker, which a gate refuses.
const EMPTY: &str = "version = 1\n[pools.empty]\nname = \"Empty\"\n\
                     [[placements]]\nproject = \"Web Store\"\nstep = \"Deploy to AKS\"\npool = \"empty\"\n";

#[test]
fn gates_are_rechecked_whatever_the_saved_plan_says() {
    let workbench = saved(EMPTY);
    let plan = workbench.read("plan.json");
    let without_findings = |plan: &mut Value| {
        plan["findings"] = json!([]);
        plan["summary"]["denied"] = json!(0);
        plan["summary"]["warnings"] = json!(0);
    };
    edit(&workbench, without_findings);
    assert!(refused(&workbench, 3).contains("denied[empty-pool]"));
    // The files set another level.
    edit(&workbench, |plan| plan["gates"]["levels"] = json!({ "empty-pool": "allow" }));
    assert!(refused(&workbench, 4).contains("workers.toml"));
    // A plan of the files is no rollback.
    workbench.write("plan.json", &plan);
    edit(&workbench, |plan| {
        without_findings(plan);
        plan["origin"] = json!("rollback");
    });
    assert!(refused(&workbench, 4).contains("a receipt"));
    // Nobody can say what the files set where they are not, so the level is shown.
    std::fs::remove_file(workbench.folder.path().join("workers.toml")).unwrap();
    workbench.write("plan.json", &plan);
    edit(&workbench, without_findings);
    refused(&workbench, 3);
    edit(&workbench, |plan| plan["gates"]["levels"] = json!({ "empty-pool": "allow" }));
    for args in [["show", "plan.json"], ["apply", "plan.json"]] {
        let Output { stdout, .. } = workbench.run(&args).expect(0);
        assert!(stdout.contains("Gates: empty-pool = \"allow\""), "{stdout}");
    }
}

#[test]
fn a_saved_plan_must_match_its_files() {
    let workbench = saved(FILE);
    let plan = workbench.read("plan.json");
    workbench.write("workers.toml", &format!("{FILE}\n# later\n"));
    assert!(refused(&workbench, 4).contains("workers.toml"));
    workbench.write("workers.toml", FILE);
    // The file asks for another description.
    workbench.write("plan.json", &plan.replace("for the web", "for everyone"));
    assert!(refused(&workbench, 4).contains("the files"));
    workbench.write("plan.json", &plan);
    workbench.run(&["apply", "plan.json"]).expect(0);
}

#[test]
fn a_saved_rollback_must_match_its_receipt() {
    let workbench = saved(FILE);
    workbench.run(&["apply", "plan.json", "--receipt", "receipt.json"]).expect(0);
    workbench.write("plan.json", "");
    workbench.run(&["rollback", "receipt.json", "-o", "plan.json"]).expect(0);
    let plan = workbench.read("plan.json");
    let edited = plan.replace("for the web", "for everyone");
    assert_ne!(plan, edited);
    workbench.write("plan.json", &edited);
    let told = refused(&workbench, 4);
    assert!(told.contains("description"), "{told}");
    // What comes back is not what was there.
    let after = |value: &Value| value["fields"][0]["path"] == "description";
    workbench.write("plan.json", &plan);
    edit(&workbench, |plan| {
        let changes = plan["changes"].as_array_mut().unwrap();
        let change = changes.iter_mut().find(|change| after(change)).unwrap();
        change["fields"][0]["after"] = json!("evil");
        change["write"]["update_pool"]["edits"][0]["description"]["after"] = json!("evil");
    });
    assert!(refused(&workbench, 4).contains("the receipt"));
    workbench.write("plan.json", &plan);
    workbench.run(&["apply", "plan.json"]).expect(0);
}
