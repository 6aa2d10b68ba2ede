//! `explain`, from outside: where a step runs, by which rule, and what uses a pool.

use crate::workbench::Workbench;
use octopus_sandbox::{NO_WORKERS_KEY, Seed};
use serde_json::{Value, json};

const FILE: &str = r#"version = 1
[pools.kubernetes]
[[placements]]
label = "clusters"
step = "*AKS"
pool = "kubernetes"
"#;

#[test]
fn a_step_is_explained_without_a_file() {
    let workbench = Workbench::new(Seed::Chapter);
    let output = workbench.run(&["explain", "web store", "Deploy to AKS"]).expect(0);
    insta::assert_snapshot!(output.stdout);
    assert_eq!(workbench.writes(), [""; 0]);
}

#[test]
fn explain_shows_the_rule_and_its_result_if_there_is_a_file() {
    let workbench = Workbench::chapter(FILE);
    let output = workbench.run(&["explain", "Web Store", "Deploy to AKS"]).expect(0);
    insta::assert_snapshot!(output.stdout);
}

#[test]
fn a_variable_is_explained_value_by_value() {
    let workbench = Workbench::new(Seed::Chapter);
    let projects = workbench.get("/api/Spaces-1/projects/all");
    let found = projects.as_array().unwrap().iter().find(|value| value["Name"] == "Infrastructure");
    let set = found.unwrap()["VariableSetId"].as_str().unwrap().to_owned();
    workbench.edit(&format!("/api/Spaces-1/variables/{set}"), |set| {
        let values = set["Variables"].as_array_mut().unwrap();
        let mut other =
            values.iter().find(|value| value["Name"] == "Terraform.WorkerPool").unwrap().clone();
        other["Id"] = json!("other");
        other["Value"] = json!("WorkerPools-99");
        other["Scope"] = json!({ "Environment": ["Environments-1"] });
        values.push(other);
    });
    let output = workbench.run(&["explain", "Infrastructure", "Plan Terraform"]).expect(0);
    insta::assert_snapshot!(output.stdout);
}

#[test]
fn one_project_takes_few_requests() {
    let projects = Seed::Large { projects: 300, steps: 5, workers: 5 };
    let workbench = Workbench::new(projects);
    let all = workbench.get("/api/Spaces-1/projects/all");
    let name = all[7]["Name"].as_str().unwrap().to_owned();
    let before = workbench.count("GET ");
    workbench.run(&["explain", &name]).expect(0);
    let requests = workbench.count("GET ") - before;
    assert!(requests <= 20, "{requests}");
}

#[test]
fn users_of_a_pool_and_unchecked_parts_are_listed() {
    let workbench = Workbench::new(Seed::Chapter);
    let output = workbench.run(&["explain", "--pool", "Default Worker Pool"]).expect(0);
    insta::assert_snapshot!(output.stdout);
}

#[test]
fn scripts_get_json_and_csv() {
    let workbench = Workbench::chapter(FILE);
    let args = ["explain", "Web Store", "Deploy to AKS", "--format"];
    let json = workbench.run(&[args.as_slice(), &["json"]].concat()).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let step = &json["steps"][0];
    assert_eq!(step["declared"]["rule"]["line"], 3);
    assert_eq!(step["declared"]["pool"], "kubernetes");
    assert_eq!(step["live"]["place"], "default");
    assert_eq!(step["effective"][0]["place"], "built-in-worker");
    assert_eq!(step["applied"][0]["pool"], "kubernetes");
    let csv = workbench.run(&[args.as_slice(), &["csv"]].concat()).expect(0).stdout;
    insta::assert_snapshot!(csv);
}

#[test]
fn an_unknown_name_is_an_error_with_the_nearest_name() {
    let workbench = Workbench::new(Seed::Chapter);
    let told = [
        &["explain", "Web Store", "Deploy to ASK"][..],
        &["explain", "Nothing"],
        &["explain", "Web Stor"],
        &["explain", "--pool", "Default Worker Pol"],
    ]
    .map(|args| workbench.run(args).expect(1).stderr);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn explain_without_worker_access_is_an_error() {
    let mut workbench = Workbench::new(Seed::Chapter);
    workbench.key = NO_WORKERS_KEY;
    let output = workbench.run(&["explain", "Web Store"]).expect(1);
    assert!(output.stderr.contains("WorkerView"), "{}", output.stderr);
}

#[test]
fn each_scope_is_explained_with_its_eligible_workers() {
    let workbench = Workbench::new(Seed::Acme);
    let output = workbench.run(&["explain", "Landing zone"]).expect(0);
    insta::assert_snapshot!(output.stdout);
    let json = workbench.run(&["explain", "Landing zone", "--format", "json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let case = &json["steps"][1]["effective"][0];
    assert_eq!(
        case["scope"],
        json!([
            { "of": "environment", "names": ["Production"] },
            { "of": "tenant", "names": ["Contoso"] },
        ])
    );
    let eligible =
        case["workers"].as_array().unwrap().iter().filter(|value| value["eligible"] == true);
    assert_eq!(eligible.count(), 2);
}

/// A file that is about everything, on a server with a step that is off and one whose pool lingers.
#[test]
fn disabled_steps_and_unused_pools_are_explained_and_left_alone() {
    let workbench = Workbench::chapter(
        "version = 1\n[pools.k]\n[[placements]]\nproject = \"Web Store\"\npool = \"k\"\n",
    );
    let pool = workbench.id("workerpools", "Default Worker Pool");
    workbench.edit(crate::sandbox::PROCESS, |process| {
        process["Steps"][1]["Actions"][0]["WorkerPoolId"] = json!(pool);
        process["Steps"][2]["Actions"][0]["IsDisabled"] = json!(true);
    });
    let output = workbench.run(&["explain", "Web Store", "Migrate database"]).expect(0);
    insta::assert_snapshot!(output.stdout);
    let csv = workbench.run(&["explain", "Web Store", "--format", "csv"]).expect(0).stdout;
    let row = csv.lines().find(|it| it.contains("Deploy to AKS")).unwrap().to_owned();
    assert!(row.contains(",Octopus.KubernetesDeployRawYaml,yes,"), "{row}");
    let plan = workbench.run(&["plan", "--format", "json"]).stdout;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let changes = plan["changes"].to_string();
    assert!(changes.contains("Deploy to AKS") && !changes.contains("Migrate database"), "{plan}");
    let told = plan["findings"].as_array().unwrap();
    let told: Vec<_> = told.iter().filter(|value| value["code"] == "lingering-pool").collect();
    assert_eq!(told.len(), 1, "{plan}");
    assert_eq!(told[0]["level"], "warn");
    assert!(told[0]["notes"][0].as_str().unwrap().contains("Migrate database"), "{plan}");
    // One that has the rule's own pool differs in nothing.
    let rules =
        "version = 1\n[[placements]]\nproject = \"Web Store\"\npool = \"Default Worker Pool\"\n";
    workbench.write("workers.toml", rules);
    let plan = workbench.run(&["plan", "--format", "json"]).stdout;
    assert!(!plan.contains("lingering-pool"), "{plan}");
}

#[test]
fn git_steps_are_explained_as_undeclared_without_version_control() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write(
        "workers.toml",
        "version = 1\n[pools.k]\n[[placements]]\nproject = \"*\"\npool = \"k\"\n",
    );
    let output = workbench.run(&["explain", "Payments", "Build the image"]).expect(0);
    insta::assert_snapshot!(output.stdout);
}

/// What is asked for is in a repository that nobody reaches; a runbook of it is in the database.
#[test]
fn an_unreadable_project_is_an_error_but_read_parts_are_shown() {
    let workbench = Workbench::new(Seed::Acme);
    let nothing = workbench.run(&["explain", "Lost and found"]).expect(1);
    assert!(nothing.stdout.contains("not seen: ") && nothing.stdout.contains("0 steps"));
    let step = workbench.run(&["explain", "Lost and found", "Build the image"]).expect(1);
    let project = workbench.id("projects", "Lost and found");
    let runbook = json!({ "Name": "Clean up", "ProjectId": project });
    let runbook = workbench.send("POST", "/api/Spaces-1/runbooks", runbook);
    let path = runbook["Links"]["RunbookProcesses"].as_str().unwrap().to_owned();
    workbench.edit(&path, |process| {
        process["Steps"] = json!([{ "Name": "Sweep", "Actions": [{
            "Name": "Sweep", "ActionType": "Octopus.Script",
            "Properties": { "Octopus.Action.RunOnServer": "true" },
        }] }]);
    });
    let some = workbench.run(&["explain", "Lost and found", "--format", "csv"]).expect(1);
    assert!(some.stdout.contains("runbooks[\"\"Clean up\"\"]"), "{}", some.stdout);
    workbench.run(&["explain", "Lost and found", "Sweep"]).expect(0);
    insta::assert_snapshot!([nothing.stderr, step.stderr, some.stderr].join("\n"));
    // What uses a pool is told with what was not seen.
    workbench.run(&["explain", "--pool", "Default Worker Pool"]).expect(0);
}

/// Scripts get a word for each health; people get words.
#[test]
fn the_health_of_a_worker_is_a_word_that_the_documentation_lists() {
    let workbench = Workbench::new(Seed::Acme);
    let docs = include_str!("../../docs/explain.md");
    let mut seen = std::collections::BTreeSet::new();
    let (mut csv, mut text) = (String::new(), String::new());
    for pool in workbench.get("/api/Spaces-1/workerpools/all").as_array().unwrap() {
        let args = ["explain", "--pool", pool["Id"].as_str().unwrap(), "--format"];
        let told = |format| workbench.run(&[args.as_slice(), &[format]].concat()).expect(0).stdout;
        let json: Value = serde_json::from_str(&told("json")).unwrap();
        for worker in json["pool"]["workers"].as_array().unwrap() {
            seen.insert(worker["health"].as_str().unwrap().to_owned());
        }
        csv += &told("csv");
        text += &told("text");
    }
    for health in ["has_warnings", "unavailable"] {
        assert!(seen.contains(health), "{seen:?}");
        assert!(csv.contains(&format!("({health})")), "{csv}");
    }
    for health in &seen {
        assert!(docs.contains(&format!("`{health}`")), "{health}");
    }
    assert!(text.contains("(healthy, with warnings)") && !text.contains("has_warnings"), "{text}");
}
