//! The reference graph: one fixture for each kind of use of a pool, and every one is found, by `explain` and
//! by the gate that guards a pool that would be deleted.

use crate::{sandbox::pool, workbench::Workbench};
use octopus_sandbox::Seed;
use serde_json::{Value, json};

const SPACE: &str = "/api/Spaces-1";

/// A company with a pool that nobody uses yet.
struct Company {
    bench: Workbench,
    pool: String,
}

impl Company {
    fn new() -> Self {
        let bench = Workbench::new(Seed::Acme);
        let made = bench.send("POST", &format!("{SPACE}/workerpools"), pool("Wanted"));
        Self { bench, pool: made["Id"].as_str().unwrap().to_owned() }
    }

    /// A document of a list, by its name.
    fn named(&self, kind: &str, name: &str) -> Value {
        let list = self.bench.get(&format!("{SPACE}/{kind}/all"));
        list.as_array().unwrap().iter().find(|value| value["Name"] == name).unwrap().clone()
    }

    fn id(&self, kind: &str, name: &str) -> String {
        self.named(kind, name)["Id"].as_str().unwrap().to_owned()
    }

    fn deployment(&self, project: &str) -> String {
        let id = self.id("projects", project);
        format!("{SPACE}/deploymentprocesses/deploymentprocess-{id}")
    }

    /// Puts the first step of a process into a pool; what was there before.
    fn place(&self, process: &str, pool: &Value) -> Value {
        let mut before = Value::Null;
        self.bench.edit(process, |process| {
            let place = &mut process["Steps"][0]["Actions"][0]["WorkerPoolId"];
            before = place.clone();
            *place = pool.clone();
        });
        before
    }

    fn add_variable(&self, set: &str) {
        self.bench.edit(&format!("{SPACE}/variables/{set}"), |set| {
            let values = set["Variables"].as_array_mut().unwrap();
            values.push(json!({
                "Id": "wanted", "Name": "Wanted.Pool", "Type": "WorkerPool", "Value": self.pool,
                "Scope": {}, "IsEditable": true, "IsSensitive": false,
            }));
        });
    }

    /// A template of type worker pool, with this pool as its default.
    fn template(&self, default: &str) -> Value {
        json!([{
            "Id": "wanted-template", "Name": "Wanted.Template", "DefaultValue": default,
            "DisplaySettings": { "Octopus.ControlType": "WorkerPool" },
        }])
    }
}

/// Makes one use of the pool, by its name.
fn make(company: &Company, kind: &str) {
    let (bench, pool) = (&company.bench, json!(company.pool));
    match kind {
        "member" => {
            let worker = crate::sandbox::worker("wanted-01", &[&company.pool]);
            bench.send("POST", &format!("{SPACE}/workers"), worker);
        }
        "step" => _ = company.place(&company.deployment("Web Store"), &pool),
        "runbook" => {
            let runbooks = bench.get(&format!("{SPACE}/runbooks/all"));
            let path = runbooks[0]["Links"]["RunbookProcesses"].as_str().unwrap().to_owned();
            company.place(&path, &pool);
        }
        "release" => {
            let process = company.deployment("Web Store");
            let before = company.place(&process, &pool);
            let project = company.id("projects", "Web Store");
            let release = json!({ "ProjectId": project, "Version": "1.0.0" });
            bench.send("POST", &format!("{SPACE}/releases"), release);
            company.place(&process, &before);
        }
        "snapshot" => {
            let runbook = bench.get(&format!("{SPACE}/runbooks/all"))[0].clone();
            let path = runbook["Links"]["RunbookProcesses"].as_str().unwrap().to_owned();
            let before = company.place(&path, &pool);
            let snapshot = json!({
                "ProjectId": runbook["ProjectId"], "RunbookId": runbook["Id"], "Name": "First",
            });
            bench.send("POST", &format!("{SPACE}/runbookSnapshots?publish=true"), snapshot);
            company.place(&path, &before);
        }
        "branch" => {
            let id = company.id("projects", "Checkout");
            let path = format!("{SPACE}/projects/{id}/refs%2Fheads%2Fdevelop/deploymentprocesses");
            company.place(&path, &pool);
        }
        other => point(company, other),
    }
}

/// Makes one use of the pool that is no worker and no step in it.
fn point(company: &Company, kind: &str) {
    let (bench, pool) = (&company.bench, json!(company.pool));
    match kind {
        "variable" => {
            company.add_variable(&format!("variableset-{}", company.id("projects", "Web Store")))
        }
        "library" => {
            let library = company.named("libraryvariablesets", "Worker pools");
            company.add_variable(library["VariableSetId"].as_str().unwrap());
        }
        "git-variable" => {
            let id = company.id("projects", "Payments");
            bench.edit(&format!("{SPACE}/projects/{id}/trial/variables"), |set| {
                for variable in set["Variables"].as_array_mut().unwrap() {
                    variable["Value"] = pool.clone();
                }
            });
        }
        "tenant" => {
            let tenant = company.id("tenants", "Contoso");
            bench.edit(&format!("{SPACE}/tenants/{tenant}/variables"), |said| {
                let project = said["ProjectVariables"].as_object_mut().unwrap();
                let values =
                    project.values_mut().next().unwrap()["Variables"].as_object_mut().unwrap();
                let values = values.values_mut().next().unwrap().as_object_mut().unwrap();
                *values.values_mut().next().unwrap() = pool.clone();
            });
        }
        "tenant-default" => {
            let id = company.id("projects", "Web Store");
            bench.edit(&format!("{SPACE}/projects/{id}"), |project| {
                project["Templates"] = company.template(&company.pool);
            });
        }
        "target" => {
            let target = json!({
                "Name": "wanted-app", "Roles": ["wanted"], "EnvironmentIds": ["Environments-1"],
                "Endpoint": { "CommunicationStyle": "None", "DefaultWorkerPoolId": pool },
            });
            bench.send("POST", &format!("{SPACE}/machines"), target);
        }
        "parameter" | "inside" => {
            let slug = company.named("workerpools", "Wanted")["Slug"].clone();
            bench.edit(&company.deployment("Search"), |process| {
                let said = &mut process["Steps"][0]["Actions"][0]["Properties"];
                said["Worker pool"] = slug;
                // Of a template that is not there the parameter is all that is known.
                if kind == "parameter" {
                    said["Octopus.Action.ProcessTemplate.Reference.Slug"] = json!("lost");
                }
            });
        }
        "step-template" => {
            let template = json!({
                "Name": "Wanted template", "ActionType": "Octopus.Script", "Properties": {},
                "Parameters": company.template("Wanted"),
            });
            bench.send("POST", &format!("{SPACE}/actiontemplates"), template);
        }
        other => panic!("{other}"),
    }
}

const KINDS: [&str; 15] = [
    "member",
    "step",
    "runbook",
    "release",
    "snapshot",
    "branch",
    "variable",
    "library",
    "git-variable",
    "tenant",
    "tenant-default",
    "target",
    "parameter",
    "inside",
    "step-template",
];

#[test]
fn every_kind_of_use_is_found_by_explain_and_by_the_gate() {
    let mut told = String::new();
    for kind in KINDS {
        let company = Company::new();
        make(&company, kind);
        let explain = |format: &str| {
            company.bench.run(&["explain", "--pool", "Wanted", "--format", format]).expect(0).stdout
        };
        let json: Value = serde_json::from_str(&explain("json")).unwrap();
        let uses = json["uses"].as_array().unwrap();
        assert!(!uses.is_empty(), "{kind}: {json}");
        let (text, csv) = (explain("text"), explain("csv"));
        for value in uses {
            let what = value["what"].as_str().unwrap();
            assert!(text.contains(what), "{what}: {text}");
            assert!(csv.contains(&what.replace('"', "\"\"")), "{what}: {csv}");
            told += &format!(
                "{kind}: {} {what}: {}\n",
                value["kind"].as_str().unwrap(),
                value["how"].as_str().unwrap()
            );
        }
        company.bench.write("workers.toml", "version = 1\n[[removed]]\npool = \"Wanted\"\n");
        let plan = company.bench.run(&["plan", "--format", "json"]).expect(3).stdout;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let denied =
            plan["findings"].as_array().unwrap().iter().find(|value| value["level"] == "deny");
        let denied = denied.unwrap();
        assert_eq!(denied["code"], "pool-in-use", "{kind}");
        assert_eq!(denied["notes"].as_array().unwrap().len(), uses.len(), "{kind}: {denied}");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_unused_pool_has_no_uses() {
    let company = Company::new();
    let output = company.bench.run(&["explain", "--pool", "Wanted"]).expect(0);
    insta::assert_snapshot!(output.stdout);
}

#[test]
fn frozen_processes_keep_the_old_pools_and_the_plan_says_so() {
    let company = Company::new();
    make(&company, "release");
    make(&company, "snapshot");
    company.bench.write(
        "workers.toml",
        "version = 1\n[gates]\nempty-pool = \"allow\"\n[pools.new]\n[[placements]]\nprocess = \"any\"\npool = \"new\"\n",
    );
    let output = company.bench.run(&["plan"]).expect(0);
    let lines = output.stdout.lines();
    let told: Vec<_> = lines
        .filter(|line| line.contains("frozen-process") || line.starts_with("Touches"))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    // Steps that were made anew since are still known by their names.
    let list =
        |kind: &str| company.bench.get(&format!("{SPACE}/{kind}?take=1000"))["Items"].clone();
    let all = ["deploymentprocesses", "runbookProcesses"].map(|kind| {
        let path = |value: &Value| format!("{SPACE}/{kind}/{}", value["Id"].as_str().unwrap());
        list(kind).as_array().unwrap().iter().map(path).collect::<Vec<_>>()
    });
    for process in all.concat().iter().filter(|it| !it.contains("-s-")) {
        company.bench.edit(process, |process| {
            let steps = process["Steps"].as_array_mut().unwrap().iter_mut();
            let actions = steps.flat_map(|step| step["Actions"].as_array_mut().unwrap());
            actions.for_each(|action| {
                action["Id"] = format!("new-{}", action["Id"].as_str().unwrap()).into()
            });
        });
    }
    let again = company.bench.run(&["plan"]).expect(0);
    assert!(told.iter().all(|it| again.stdout.contains(it)), "{}", again.stdout);
}

#[test]
fn a_renamed_pool_keeps_the_slug_that_templates_refer_to() {
    let company = Company::new();
    make(&company, "parameter");
    let slug = || company.named("workerpools", "Wanted")["Slug"].clone();
    let before = slug();
    company.bench.write(
        "workers.toml",
        "version = 1\n[pools.new]\nname = \"Renamed\"\nrenamed_from = \"Wanted\"\n",
    );
    company.bench.apply();
    assert_eq!(company.named("workerpools", "Renamed")["Slug"], before);
    let uses = company.bench.run(&["explain", "--pool", "Renamed"]).expect(0).stdout;
    assert!(uses.contains("parameter"), "{uses}");
}
