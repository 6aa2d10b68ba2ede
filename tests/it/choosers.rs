//! `[[pool_variables]]` and `[[target_pools]]`, from outside: planned, applied, settled, undone, refused.

use crate::workbench::{Output, Workbench};
use octopus_sandbox::{Fault, FaultKind, Seed};
use serde_json::{Value, json};

/// A new pool with a worker, so that nothing is refused for its being empty.
const POOL: &str = r#"version = 1
[pools.new]
[workers.new-01]
pools = ["new"]
listening = { url = "https://new-01:10933", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }
"#;

/// Values in a project and in a library, there and new, and pools of targets.
const ALL: &str = r#"
[[pool_variables]]
project = "Infrastructure"
variable = "terraform.workerpool"
pool = "new"

[[pool_variables]]
library_set = "*"
variable = "Deploy.WorkerPool"
environment = ["test", "Development"]
pool = "new"

[[pool_variables]]
project = ["Billing", "Catalogue"]
variable = "Fresh.Pool"
environment = "Production"
pool = "new"

[[target_pools]]
label = "web apps"
target_tag = ["web-*", "search"]
pool = "new"
"#;

fn acme(rules: &str) -> Workbench {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write("workers.toml", &format!("{POOL}{rules}"));
    workbench
}

impl Workbench {
    /// A variable set of the space, as the server sends it.
    fn set(&self, owner: &str) -> Value {
        self.get(&path(owner))
    }

    /// Values of a variable in a set, each with its scope.
    fn values(&self, owner: &str, name: &str) -> Vec<(Value, Value)> {
        let set = self.set(owner);
        let all = set["Variables"].as_array().unwrap().iter();
        let named = all.filter(|value| value["Name"] == name);
        named.map(|named| (named["Value"].clone(), named["Scope"].clone())).collect()
    }

    fn target(&self, name: &str) -> Value {
        let id = self.id("machines", name);
        self.get(&format!("/api/Spaces-1/machines/{id}"))
    }
}

fn path(owner: &str) -> String {
    format!("/api/Spaces-1/variables/variableset-{owner}")
}

/// A document without what every write of it changes.
fn unversioned(mut set: Value) -> Value {
    set["Version"] = json!(0);
    set
}

#[test]
fn variable_values_and_target_pools_are_set_and_the_plan_settles() {
    let workbench = acme(ALL);
    let planned = workbench.run(&["plan"]).expect(0);
    assert!(planned.stdout.contains("Touches 4 pools, 1 worker, 4 variable values, 2 targets"));
    insta::assert_snapshot!(
        planned.stdout.split_once("Variables\n").unwrap().1.split_once("warning[").unwrap().0
    );
    workbench.apply();
    let new = workbench.id("workerpools", "new");
    assert_eq!(workbench.values("Projects-7", "Terraform.WorkerPool"), [(json!(new), json!({}))]);
    assert_eq!(
        workbench.values("Projects-5", "Fresh.Pool"),
        [(json!(new), json!({ "Environment": ["Environments-3"] }))]
    );
    let shared = workbench.values("LibraryVariableSets-2", "Deploy.WorkerPool");
    assert_eq!(
        shared.iter().map(|(pool, _)| pool == &json!(new)).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(workbench.target("web-store-app")["Endpoint"]["DefaultWorkerPoolId"], json!(new));
    workbench.settled();
}

#[test]
fn variable_sets_and_targets_are_otherwise_unchanged_and_roll_back() {
    let workbench = acme(ALL);
    let owners = ["Projects-7", "Projects-5", "Projects-3", "LibraryVariableSets-2"];
    let sets = || owners.map(|owner| unversioned(workbench.set(owner)));
    let targets = || ["web-store-app", "search-app"].map(|name| workbench.target(name));
    let before = (sets(), targets());
    workbench.apply();
    // Of the set that had the variable, one field differs.
    let mut infrastructure = unversioned(workbench.set("Projects-7"));
    let values = infrastructure["Variables"].as_array_mut().unwrap();
    let value = values.iter_mut().find(|value| value["Name"] == "Terraform.WorkerPool").unwrap();
    value["Value"] = json!("WorkerPools-1");
    assert_eq!(infrastructure, before.0[0]);
    // Of the one that lacked it, a value more.
    let mut billing = unversioned(workbench.set("Projects-5"));
    billing["Variables"].as_array_mut().unwrap().retain(|other| other["Name"] != "Fresh.Pool");
    assert_eq!(billing, before.0[1]);

    let receipt = workbench.receipt();
    workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    assert_eq!((sets(), targets()), before);
    assert_eq!(workbench.names("workerpools").iter().filter(|other| *other == "new").count(), 0);
}

#[test]
fn a_removed_value_is_restored_with_all_its_fields() {
    let workbench = acme(
        "[[pool_variables]]\nproject = \"*\"\nvariable = \"Terraform.WorkerPool\"\nremove = true\n",
    );
    workbench.edit(&path("Projects-7"), |set| {
        let values = set["Variables"].as_array_mut().unwrap();
        let value =
            values.iter_mut().find(|value| value["Name"] == "Terraform.WorkerPool").unwrap();
        value["Description"] = json!("where Terraform runs");
    });
    let before = unversioned(workbench.set("Projects-7"));
    let planned = workbench.run(&["plan"]).expect(0);
    assert!(planned.stdout.contains("warning[unset-variable]"), "{}", planned.stdout);
    workbench.apply();
    assert_eq!(workbench.values("Projects-7", "Terraform.WorkerPool"), []);
    workbench.settled();
    let receipt = workbench.receipt();
    workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    let sorted = |mut set: Value| {
        let values = set["Variables"].as_array_mut().unwrap();
        values.sort_by_key(|other| other["Id"].to_string());
        set
    };
    assert_eq!(sorted(unversioned(workbench.set("Projects-7"))), sorted(before));
}

#[test]
fn a_pool_is_deleted_once_its_variable_and_target_name_another() {
    let workbench = acme(
        "[[removed]]\npool = \"Windows\"\n[manage]\nmax_deletes = 50\n[gates]\npool-in-use = \"warn\"\n",
    );
    let told = |workbench: &Workbench| {
        let Output { stdout, stderr, .. } = workbench.run(&["plan", "-v"]);
        format!("{stdout}{stderr}")
    };
    let in_use = |told: &str| told.contains("deployment target \"search-app\"");
    assert!(in_use(&told(&workbench)));
    let rules = "[[target_pools]]\ntarget = \"search-app\"\npool = \"new\"\n";
    workbench.write("workers.toml", &(workbench.read("workers.toml") + rules));
    assert!(!in_use(&told(&workbench)), "{}", told(&workbench));
}

#[test]
fn steps_led_to_an_empty_pool_by_a_variable_or_target_are_named() {
    let workbench = Workbench::new(Seed::Acme);
    let refused = |rule: &str, step: &str| {
        workbench.write("workers.toml", &format!("version = 1\n[pools.empty]\n{rule}"));
        let output = workbench.run(&["plan"]).expect(3);
        assert!(output.stdout.contains("denied[empty-pool]"), "{}", output.stdout);
        assert!(output.stdout.contains(step), "{}", output.stdout);
    };
    let variable =
        "[[pool_variables]]\nproject = \"Infrastructure\"\nvariable = \"Terraform.WorkerPool\"\n";
    refused(
        &format!("{variable}pool = \"empty\"\n"),
        "projects[\"Infrastructure\"].deployment.steps[\"Plan Terraform\"]",
    );
    refused(
        "[[target_pools]]\ntarget = \"*\"\npool = \"empty\"\n",
        "projects[\"Billing\"].deployment.steps[\"Deploy web app\"]",
    );
    // A value that nobody runs by harms nobody.
    workbench.write(
        "workers.toml",
        "version = 1\n[pools.empty]\n[[pool_variables]]\nproject = \"Billing\"\nvariable = \"Unused\"\npool = \"empty\"\n",
    );
    workbench.run(&["plan"]).expect(0);
}

#[test]
fn an_unknown_or_unsuitable_name_is_an_error_with_a_reason() {
    let workbench = Workbench::new(Seed::Acme);
    let value = "[[pool_variables]]\nvariable = \"P\"\npool = \"Linux\"\n";
    let rules = [
        format!("{value}project = \"Billin\"\n"),
        format!("{value}library_set = \"Nope\"\n"),
        format!("{value}project = \"Billing\"\nenvironment = \"Prod\"\n"),
        format!("{value}project = \"Billing\"\nchannel = \"Hotfix\"\n"),
        format!("{value}project = \"Billing\"\ntenant_tag = \"Region/Europe\"\n"),
        format!("{value}project = \"Payments\"\n"),
        "[[pool_variables]]\nproject = \"Infrastructure\"\nvariable = \"Database.Name\"\npool = \"Linux\"\n".to_owned(),
        "[[target_pools]]\ntarget = \"intranet-01\"\npool = \"Linux\"\n".to_owned(),
        "[[target_pools]]\ntarget = \"web-store-ap\"\npool = \"Linux\"\n".to_owned(),
        format!("{value}project = \"Billing\"\nlibrary_set = \"Worker pools\"\n"),
        format!("{value}project = \"Billing\"\n{value}project = \"Billing\"\n"),
    ];
    workbench.write("workers.toml", &format!("version = 1\n{}", rules.concat()));
    let checked = workbench.run(&["check"]).expect(1);
    let files: String = rules[..9].concat();
    workbench.write("workers.toml", &format!("version = 1\n{files}"));
    let planned = workbench.run(&["plan"]).expect(1);
    insta::assert_snapshot!(format!("{}\n---\n{}", checked.stderr, planned.stderr));
    assert_eq!(workbench.writes(), [""; 0]);
}

#[test]
fn a_wildcard_reports_what_it_skips() {
    let workbench = Workbench::new(Seed::Acme);
    let rule = "version = 1\n[[pool_variables]]\nproject = \"*\"\npool = \"Linux\"\n";
    workbench.write("workers.toml", &format!("{rule}variable = \"Build.WorkerPool\"\n"));
    let output = workbench.run(&["plan"]).expect(0);
    assert!(output.stdout.contains("warning[variables-in-git]"), "{}", output.stdout);
    assert!(output.stdout.contains("project \"Payments\""), "{}", output.stdout);
    // A name that no owner knows is a mistake, wildcard or not.
    let scoped = "variable = \"Build.WorkerPool\"\nenvironment = \"Prodction\"\n";
    workbench.write("workers.toml", &format!("{rule}{scoped}"));
    let output = workbench.run(&["plan"]).expect(1);
    assert!(output.stderr.contains("unknown-environment"), "{}", output.stderr);
    assert!(output.stderr.contains("`Production`"), "{}", output.stderr);
}

#[test]
fn a_concurrent_edit_by_someone_else_is_kept() {
    let on = Some(format!("PUT {}", path("Projects-7")));
    let fault = Fault { nth: 1, requests: on, fault: FaultKind::Edit };
    let workbench = Workbench::failing(Seed::Acme, vec![fault]);
    workbench.write("workers.toml", &format!("{POOL}{ALL}"));
    workbench.apply();
    workbench.settled();
}

#[test]
fn a_saved_plan_is_refused_after_its_variable_value_changed() {
    let workbench = acme(ALL);
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let linux = workbench.id("workerpools", "Linux");
    workbench.edit(&path("Projects-7"), |set| {
        let values = set["Variables"].as_array_mut().unwrap();
        let value =
            values.iter_mut().find(|value| value["Name"] == "Terraform.WorkerPool").unwrap();
        value["Value"] = json!(linux);
    });
    let stale = workbench.run(&["apply", "plan.json"]).expect(4);
    assert!(stale.stderr.contains("Terraform.WorkerPool"), "{}", stale.stderr);
    workbench.run(&["show", "plan.json"]).expect(0);
}
