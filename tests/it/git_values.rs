//! `[[pool_variables]]` of projects whose variables are in Git: planned, committed, settled, undone, refused.

use crate::workbench::Workbench;
use octopus_sandbox::{Fault, FaultKind, Seed};
use serde_json::{Value, json};

/// Values that are there and new, of the one project of the seed whose variables are in Git. Its default
/// branch is protected, and `trial` is not.
const VALUES: &str = r#"version = 1
[[pool_variables]]
project = "Payments"
variable = "build.workerpool"
pool = "linux"

[[pool_variables]]
project = "Payments"
variable = "Build.WorkerPool"
environment = ["Production", "Test"]
pool = "linux"
"#;

const SKIP: &str = "on_unreachable = \"skip\"\n";

fn acme(rules: &str, version_control: &str) -> Workbench {
    let workbench = Workbench::new(Seed::Acme);
    write(&workbench, rules, version_control);
    workbench
}

fn write(workbench: &Workbench, rules: &str, version_control: &str) {
    workbench.write("workers.toml", &format!("{rules}{version_control}"));
}

impl Workbench {
    /// Where the variables of Payments are on a branch.
    fn payments(&self, branch: &str) -> String {
        let id = self.id("projects", "Payments");
        format!("/api/Spaces-1/projects/{id}/{branch}/variables")
    }

    /// The values of the pool variable on a branch, each with its scope.
    fn values_on(&self, branch: &str) -> Vec<(Value, Value)> {
        let set = self.get(&self.payments(branch));
        let all = set["Variables"].as_array().unwrap().iter();
        let named = all.filter(|value| value["Name"] == "Build.WorkerPool");
        named.map(|named| (named["Value"].clone(), named["Scope"].clone())).collect()
    }

    fn pool(&self, name: &str) -> Value {
        json!(self.id("workerpools", name))
    }

    fn add(&self, branch: &str, value: Value) {
        self.edit(&self.payments(branch), |set| {
            set["Variables"].as_array_mut().unwrap().push(value);
        });
    }
}

/// A value of the pool variable for one environment.
fn scoped(environment: &str, pool: &Value) -> Value {
    json!({
        "Id": environment, "Name": "Build.WorkerPool", "Type": "WorkerPool", "Value": pool,
        "Description": "of old", "Scope": { "Environment": [environment] },
    })
}

/// A plan's addresses, findings and exit code.
fn told(workbench: &Workbench) -> String {
    let output = workbench.run(&["plan", "--format", "json"]);
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let changes = plan["changes"].as_array().unwrap().iter().map(|value| text(&value["address"]));
    let findings = plan["findings"].as_array().unwrap().iter().map(|value| {
        let notes =
            value["notes"].as_array().map(|array| array.iter().map(text).collect::<Vec<_>>());
        let notes = notes.unwrap_or_default().join("; ");
        format!(
            "{} {}: {} ({notes})",
            text(&value["level"]),
            text(&value["code"]),
            text(&value["message"])
        )
    });
    let lines: Vec<_> = changes.chain(findings).collect();
    format!("{}\nexit code {}", lines.join("\n"), output.code)
}

#[test]
fn a_file_without_version_control_settings_leaves_git_variables_alone() {
    let workbench = acme(VALUES, "");
    let output = workbench.run(&["plan"]).expect(1);
    assert!(
        output.stderr.contains("the variables of project `Payments` are stored in Git"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("add `[version_control]`"), "{}", output.stderr);
}

#[test]
fn a_protected_branch_refuses_values_unless_the_file_says_otherwise() {
    let all = [
        String::new(),
        "on_protected = \"skip\"\n".to_owned(),
        "on_protected = \"branch:moves\"\n".to_owned(),
        "on_protected = \"skip\"\nbranch = [\"default\", \"trial\"]\n".to_owned(),
    ];
    let workbench = acme(VALUES, "");
    let told: Vec<_> = all
        .iter()
        .map(|text| {
            write(&workbench, VALUES, &format!("[version_control]\n{SKIP}{text}"));
            format!("{text}\n{}\n", told(&workbench))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_target_ignores_protected_branches_outside_it() {
    let settings = format!("[version_control]\n{SKIP}branch = [\"default\", \"trial\"]\n");
    let workbench = acme(VALUES, &settings);
    workbench.run(&["plan"]).expect(3);
    for (branch, code) in [("trial", 0), ("main", 3)] {
        let target = format!("projects[\"Payments\"]@{branch}.variables*");
        workbench.run(&["plan", "--target", &target]).expect(code);
    }
}

#[test]
fn values_and_steps_of_a_protected_branch_go_to_one_stand_in() {
    let step = "[[placements]]\nproject = \"Payments\"\nstep = \"Build*\"\npool = \"windows\"\n";
    let settings = format!(
        "[version_control]\n{SKIP}on_protected = \"branch:moves\"\nmessage = \"To Linux\"\n"
    );
    let workbench = acme(&format!("{VALUES}{step}"), &settings);
    let main = workbench.get(&workbench.payments("main"));
    workbench.apply();
    insta::assert_snapshot!(workbench.writes().join("\n"));
    assert_eq!(workbench.get(&workbench.payments("main")), main);
    let linux = workbench.pool("Linux");
    let environments: Vec<_> = workbench.values_on("moves").into_iter().collect();
    assert_eq!(environments.len(), 2);
    assert!(environments.iter().all(|(pool, _)| *pool == linux), "{environments:?}");
    let again = workbench.run(&["plan", "--exit-code"]).expect(0);
    assert!(
        again.stdout.contains("moves in project \"Payments\", to be merged into main"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_commit_changes_only_its_values_and_rolls_back() {
    let workbench = Workbench::new(Seed::Acme);
    let windows = workbench.pool("Windows");
    for environment in ["Environments-1", "Environments-2", "Environments-3"] {
        workbench.add("trial", scoped(environment, &windows));
    }
    // The first and the third go, which gives the others new ids; the second and the one for all change.
    let rule = |environment: &str, what: &str| {
        format!(
            "[[pool_variables]]\nproject = \"Pay*\"\nvariable = \"Build.WorkerPool\"\n{environment}{what}\n"
        )
    };
    let rules = [
        rule("environment = \"Development\"\n", "remove = true"),
        rule("environment = \"Test\"\n", "pool = \"linux\""),
        rule("environment = \"Production\"\n", "remove = true"),
        rule("", "pool = \"linux\""),
    ];
    let settings = format!("[version_control]\n{SKIP}branch = \"trial\"\n");
    write(&workbench, &format!("version = 1\n{}", rules.join("\n")), &settings);
    let before = workbench.get(&workbench.payments("trial"));
    workbench.apply();
    let (linux, on_trial) = (workbench.pool("Linux"), workbench.values_on("trial"));
    assert_eq!(
        on_trial,
        [(linux.clone(), json!({})), (linux, json!({ "Environment": ["Environments-2"] }))]
    );
    workbench.settled();

    let receipt = workbench.receipt();
    workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    // What comes back is behind what has stayed, and so is its number.
    let by_scope = |mut set: Value| {
        let values = set["Variables"].as_array_mut().unwrap();
        values.iter_mut().for_each(|value| value["Id"] = json!(""));
        values.sort_by_key(|value| value["Scope"].to_string());
        set
    };
    assert_eq!(by_scope(workbench.get(&workbench.payments("trial"))), by_scope(before));
}

#[test]
fn a_value_that_is_a_slug_stays_one() {
    let settings = format!("[version_control]\n{SKIP}branch = \"trial\"\n");
    let workbench = acme(VALUES, &settings);
    workbench.edit(&workbench.payments("trial"), |set| {
        let values = set["Variables"].as_array_mut().unwrap();
        let value = values.iter_mut().find(|value| value["Name"] == "Build.WorkerPool").unwrap();
        value["Value"] = json!("windows");
    });
    workbench.apply();
    let values: Vec<Value> =
        workbench.values_on("trial").into_iter().map(|(pool, _)| pool).collect();
    assert_eq!(values, [json!("linux"), json!("linux")]);
    workbench.settled();
    // And it goes back as one, though the server's pools are known by ids.
    workbench.run(&["rollback", &workbench.receipt(), "--auto-approve"]).expect(0);
    assert_eq!(workbench.values_on("trial"), [(json!("windows"), json!({}))]);
}

#[test]
fn a_commit_with_a_lost_response_is_verified_and_not_repeated() {
    let on = "PUT /api/Spaces-1/projects/Projects-12/refs%2Fheads%2Ftrial/variables";
    let fault = Fault { nth: 1, requests: Some(on.to_owned()), fault: FaultKind::DropAfter };
    let workbench = Workbench::failing(Seed::Acme, vec![fault]);
    write(&workbench, VALUES, &format!("[version_control]\n{SKIP}branch = \"trial\"\n"));
    workbench.apply();
    assert_eq!(workbench.count(on), 1);
    workbench.settled();
}

#[test]
fn a_saved_plan_is_refused_after_a_value_on_its_branch_changed() {
    let workbench = acme(VALUES, &format!("[version_control]\n{SKIP}branch = \"trial\"\n"));
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    workbench.edit(&workbench.payments("trial"), |set| {
        let values = set["Variables"].as_array_mut().unwrap();
        values.iter_mut().for_each(|it| it["Value"] = Value::Null);
    });
    let stale = workbench.run(&["apply", "plan.json"]).expect(4);
    let address = "projects[\"Payments\"]@trial.variables[\"Build.WorkerPool\"]";
    assert!(stale.stderr.contains(address), "{}", stale.stderr);
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    workbench.run(&["apply", "plan.json"]).expect(0);
    workbench.settled();
}

#[test]
fn an_unreachable_repository_is_an_error_for_its_own_rules_only() {
    let rules = format!(
        "{VALUES}\n[[pool_variables]]\nproject = \"Infrastructure\"\nvariable = \"Terraform.WorkerPool\"\npool = \"linux\"\n"
    );
    let workbench = acme(&rules, "[version_control]\nbranch = \"trial\"\n");
    let id = workbench.id("projects", "Payments");
    workbench.edit(&format!("/api/Spaces-1/projects/{id}"), |project| {
        project["PersistenceSettings"]["Url"] = json!("https://git.acme.invalid/payments.git");
    });
    let refused = told(&workbench);
    write(&workbench, &rules, &format!("[version_control]\n{SKIP}branch = \"trial\"\n"));
    let passed = told(&workbench);
    insta::assert_snapshot!(format!("{refused}\n\n{passed}"));
}

#[test]
fn a_step_takes_the_values_of_its_own_branch() {
    let rule = "version = 1\n[[placements]]\nproject = \"Payments\"\nstep = \"Build*\"\nvariable = \"Build.WorkerPool\"\n";
    let settings = format!("[version_control]\n{SKIP}branch = \"trial\"\n");
    let rule = rule.replace("variable =", "pool_variable =");
    let workbench = acme(&rule, &settings);
    let linux = workbench.pool("Linux");
    workbench.edit(&workbench.payments("trial"), |set| {
        let values = set["Variables"].as_array_mut().unwrap();
        values.iter_mut().for_each(|value| value["Value"] = linux.clone());
    });
    workbench.apply();
    let explained = workbench.run(&["explain", "Payments", "Build the image", "--format", "csv"]);
    insta::assert_snapshot!(explained.expect(0).stdout);
    write(&workbench, "version = 1\n", "");
    let other = workbench.run(&["explain", "--pool", "Linux", "--format", "csv"]).expect(0);
    assert!(other.stdout.contains("trial"), "{}", other.stdout);
}

#[test]
fn pull_writes_the_values_of_the_default_branch() {
    let workbench = Workbench::new(Seed::Acme);
    let text = workbench.run(&["pull"]).expect(0).stdout;
    let said = "[[pool_variables]]\nproject = \"Payments\"\nvariable = \"Build.WorkerPool\"\n";
    assert!(text.contains(said), "{text}");
    workbench.write("workers.toml", &text);
    workbench.run(&["plan", "--exit-code"]).expect(0);
}
