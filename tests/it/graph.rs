//! Guards over the whole graph of references: whoever takes something away from a pool is told of everybody
//! who comes to it, by whatever way.

use crate::{
    gates::POLLING,
    sandbox::{PROCESS, pool, worker},
    workbench::Workbench,
};
use octopus_sandbox::Seed;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SPACE: &str = "/api/Spaces-1";

/// A pool of one healthy worker, to which steps come by a target's pool, by a variable in one scope and by
/// one of a library set, by name, on a branch in Git, and where nobody can tell.
fn company() -> (Workbench, String) {
    let bench = Workbench::new(Seed::Acme);
    bench.send("POST", &format!("{SPACE}/workerpools"), pool("Graph"));
    let id = bench.id("workerpools", "Graph");
    bench.send("POST", &format!("{SPACE}/workers"), worker("graph-01", &[&id]));
    let check = json!({
        "Name": "Health", "Description": "Check", "SpaceId": "Spaces-1",
        "Arguments": { "RestrictedTo": "Workers", "WorkerpoolId": id },
    });
    bench.send("POST", &format!("{SPACE}/tasks"), check);
    let target = json!({
        "Name": "graph-app", "Roles": ["web-app"], "EnvironmentIds": ["Environments-1"],
        "Endpoint": { "CommunicationStyle": "None", "DefaultWorkerPoolId": id },
    });
    bench.send("POST", &format!("{SPACE}/machines"), target);
    let named = |kind: &str, name: &str| -> Value {
        let list = bench.get(&format!("{SPACE}/{kind}/all"));
        list.as_array().unwrap().iter().find(|value| value["Name"] == name).unwrap().clone()
    };
    let add = |set: &Value, name: &str, scope: Value| {
        let set = set["VariableSetId"].as_str().unwrap();
        bench.edit(&format!("{SPACE}/variables/{set}"), |set| {
            set["Variables"].as_array_mut().unwrap().push(json!({
                "Id": name, "Name": name, "Type": "WorkerPool", "Value": id, "Scope": scope,
                "IsEditable": true, "IsSensitive": false,
            }));
        });
    };
    let production = json!({ "Environment": ["Environments-3"] });
    add(&named("projects", "Billing"), "Graph.Scoped", production);
    add(&named("libraryvariablesets", "Worker pools"), "Graph.Library", json!({}));
    let place = |path: &str, field: &str, value: &str| {
        bench.edit(path, |process| process["Steps"][0]["Actions"][0][field] = json!(value));
    };
    let deployment = |project: &str| {
        let id = named("projects", project)["Id"].as_str().unwrap().to_owned();
        format!("{SPACE}/deploymentprocesses/deploymentprocess-{id}")
    };
    place(&deployment("Billing"), "WorkerPoolVariable", "Graph.Scoped");
    place(&deployment("Landing zone"), "WorkerPoolVariable", "Graph.Library");
    place(&deployment("Catalogue"), "WorkerPoolId", &id);
    place(&deployment("Search"), "WorkerPoolId", &id);
    // Nobody knows the steps of a template that is not there.
    bench.edit(&deployment("Search"), |process| {
        let usage = &mut process["Steps"][0]["Actions"][0]["Properties"];
        usage["Octopus.Action.ProcessTemplate.Reference.Slug"] = json!("lost");
    });
    let checkout = named("projects", "Checkout")["Id"].as_str().unwrap().to_owned();
    let branch = "refs%2Fheads%2Fdevelop/deploymentprocesses";
    place(&format!("{SPACE}/projects/{checkout}/{branch}"), "WorkerPoolId", &id);
    (bench, id)
}

/// The findings of a plan, each as its level, code and message, with what it names.
type Findings = BTreeMap<String, Vec<String>>;

fn told(bench: &Workbench, file: &str) -> Findings {
    bench.write("workers.toml", &format!("version = 1\n{file}"));
    let plan = bench.run(&["plan", "--format", "json"]);
    let json: Value = serde_json::from_str(&plan.stdout).unwrap_or_default();
    assert!(json.is_object(), "{}\n{}", plan.stdout, plan.stderr);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |value: &Value| {
        let [level, code, message] = ["level", "code", "message"].map(|key| text(&value[key]));
        let notes = value["notes"].as_array().into_iter().flatten().map(text).collect();
        (format!("{level}[{code}]: {message}"), notes)
    };
    json["findings"].as_array().unwrap().iter().map(one).collect()
}

/// Findings with how much each names, and the first step of it.
fn shown(findings: Findings) -> Vec<String> {
    let one = |(head, notes): (String, Vec<String>)| {
        let step = notes.iter().find(|it| it.starts_with("projects["));
        format!("{head} | {} such as {}", notes.len(), step.unwrap_or(&String::new()))
    };
    findings.into_iter().map(one).collect()
}

#[test]
fn removing_the_last_worker_names_every_step_that_uses_the_pool() {
    let worker = |rest: &str, pool: &str| {
        format!("[workers.graph-01]\npools = [\"{pool}\"]\n{POLLING}\n{rest}")
    };
    let removed = "[[removed]]\nworker = \"graph-01\"\n".to_owned();
    let guarded = format!("[pools.g]\nname = \"Graph\"\nmin_healthy = 1\n{removed}");
    let (bench, _) = company();
    let findings = told(&bench, &removed);
    insta::assert_debug_snapshot!(findings);
    let steps = |findings: Findings| -> Vec<Vec<String>> {
        findings.into_iter().filter(|(head, _)| head.contains("-pool]")).map(|it| it.1).collect()
    };
    let wanted = steps(findings);
    for file in [worker("disabled = true\n", "Graph"), worker("", "Linux"), guarded] {
        assert_eq!(steps(told(&bench, &file)), wanted, "{file}");
    }
}

#[test]
fn deleting_a_pool_names_everything_that_uses_it() {
    let (bench, _) = company();
    let file = "[[removed]]\nworker = \"graph-01\"\n[[removed]]\npool = \"Graph\"\n";
    insta::assert_debug_snapshot!(told(&bench, file));
}

#[test]
fn changing_the_default_pool_names_the_steps_without_a_pool() {
    let (bench, _) = company();
    let off = "[server]\nbuilt_in_worker = false\n";
    let empty = told(&bench, &format!("[pools.new]\ndefault = true\n{off}"));
    let full = told(&bench, "[pools.g]\nname = \"Graph\"\ndefault = true\n");
    let on_a_branch =
        r#"projects["Checkout"]@develop.deployment.steps["Deploy to AKS"]"#.to_owned();
    for findings in [&empty, &full] {
        let steps = findings.values().find(|finding| finding.len() > 40).unwrap();
        assert!(steps.contains(&on_a_branch), "{findings:#?}");
    }
    insta::assert_debug_snapshot!([empty, full].map(shown));
}

#[test]
fn the_default_pools_first_and_last_workers_are_reported_with_steps() {
    let (bench, _) = company();
    let switch = |on: bool| {
        bench.edit("/api/featuresconfiguration", |value| {
            value["IsBuiltInWorkerEnabled"] = json!(on)
        });
    };
    let joins = format!("[workers.new]\npools = [\"Default Worker Pool\"]\n{POLLING}\n");
    let first = told(&bench, &joins);
    switch(false);
    let welcome = told(&bench, &joins);
    let id = bench.id("workerpools", "Default Worker Pool");
    bench.send("POST", &format!("{SPACE}/workers"), worker("only", &[&id]));
    let leaves = "[[removed]]\nworker = \"only\"\n";
    let nobody = told(&bench, leaves);
    switch(true);
    let last = told(&bench, leaves);
    insta::assert_debug_snapshot!([first, welcome, nobody, last].map(shown));
}

/// A rule may move a step without a word about its pool: `execution` is enough.
#[test]
fn a_step_that_leaves_its_targets_for_its_own_pool_is_noticed() {
    let bench = Workbench::chapter("");
    bench.send("POST", &format!("{SPACE}/workerpools"), pool("Empty"));
    let id = bench.id("workerpools", "Empty");
    bench.edit(PROCESS, |process| {
        process["Steps"][1]["Actions"][0]["WorkerPoolId"] = json!(id);
    });
    let rule = "[[placements]]\nproject = \"Web Store\"\nstep = \"Migrate database\"\n\
                pool = \"Empty\"\nexecution = \"once\"\n";
    insta::assert_debug_snapshot!(told(&bench, rule));
}

/// A variable may lead to a pool whose workers are there, and ill.
#[test]
fn a_variable_that_leads_to_no_healthy_worker_is_refused() {
    let (bench, id) = company();
    let ill = bench.id("workers", "linux-02");
    bench.edit(&format!("{SPACE}/workers/{ill}"), |value| value["WorkerPoolIds"] = json!([id]));
    let well = bench.id("workers", "graph-01");
    bench.send("DELETE", &format!("{SPACE}/workers/{well}"), json!(null));
    let rule = "[[placements]]\nproject = \"Landing zone\"\nstep = \"Cleanse for tenant\"\n\
                pool_variable = \"Graph.Library\"\n";
    let findings = told(&bench, rule).into_iter().filter(|(head, _)| head.starts_with("deny"));
    insta::assert_debug_snapshot!(findings.collect::<Findings>());
}
