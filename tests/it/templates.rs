//! Process templates, from outside: their steps are told where they run, counted where they use a pool, and
//! never written.

use crate::{
    sandbox::{Bench, pool, worker},
    sandbox_tasks::{deploy, log, made, over},
    workbench::Workbench,
};
use octopus_sandbox::Seed;
use serde_json::{Value, json};

const SPACE: &str = "/api/Spaces-1";
const SLUG: &str = "Octopus.Action.ProcessTemplate.Reference.Slug";

/// A company, and the path of the process that uses its template.
fn company() -> (Workbench, String) {
    let bench = Workbench::new(Seed::Acme);
    let search = bench.id("projects", "Search");
    (bench, format!("{SPACE}/projects/{search}/deploymentprocesses"))
}

/// The steps that `explain` tells, each with where it runs and by what.
fn told(json: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(json).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let one = |value: &Value| {
        let case = &value["effective"][0];
        format!(
            "{}: {} {} by {}",
            text(&value["address"]),
            text(&case["place"]),
            text(&case["pool"]),
            text(&case["by"])
        )
    };
    json["steps"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn steps_inside_a_template_are_listed_under_their_usage() {
    let (bench, _) = company();
    insta::assert_snapshot!(bench.run(&["explain", "Search"]).expect(0).stdout);
    bench.write("workers.toml", "version = 1\n[pools.k]\n[[placements]]\npool = \"k\"\n");
    let json = bench.run(&["explain", "Search", "Roll out", "--format", "json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    insta::assert_snapshot!(format!("{:#}", json["steps"]));
    let csv = bench.run(&["explain", "Search", "Deploy by template", "--format", "csv"]).expect(0);
    insta::assert_snapshot!(csv.stdout);
    assert_eq!(bench.writes(), [""; 0]);
}

#[test]
fn only_a_process_that_uses_a_template_costs_an_extra_request() {
    let (bench, _) = company();
    let resolved = || {
        let requests = bench.bench.sandbox.recent_requests();
        requests.iter().filter(|it| it.contains("/resolved")).count()
    };
    bench.run(&["explain", "Web Store"]).expect(0);
    bench.write(
        "workers.toml",
        "version = 1\n[[placements]]\nstep = \"Notify*\"\npool = \"Linux\"\n",
    );
    bench.run(&["plan"]).expect(0);
    assert_eq!(resolved(), 0);
    bench.run(&["explain", "Search"]).expect(0);
    assert_eq!(resolved(), 1);
    bench.run(&["explain", "--pool", "Linux"]).expect(0);
    assert_eq!(resolved(), 2);
}

#[test]
fn no_rule_or_write_reaches_the_steps_inside_a_template() {
    let (bench, process) = company();
    bench.write(
        "workers.toml",
        "version = 1\n[pools.k]\n[[placements]]\nproject = \"Search\"\naction_type = \"*\"\npool = \"k\"\n\
         [[placements]]\nproject = \"Search\"\nstep = \"* / Roll out\"\npool = \"k\"\n\
         [gates]\nempty-pool = \"allow\"\n",
    );
    let before = bench.get(&process);
    let plan = bench.run(&["plan"]);
    assert!(plan.stdout.contains("Notify the team"), "{}{}", plan.stdout, plan.stderr);
    assert!(!plan.stdout.contains("/ Roll out"), "{}", plan.stdout);
    bench.apply();
    let after = bench.get(&process);
    assert_eq!(after["Steps"][0], before["Steps"][0]);
    assert_eq!(after["Steps"].as_array().unwrap().len(), 2);
    bench.settled();
    assert!(!bench.writes().iter().any(|it| it.contains("/resolved")));
}

#[test]
fn a_project_in_git_is_read_on_its_branch() {
    let (bench, process) = company();
    let mut usage = bench.get(&process)["Steps"][0].clone();
    usage["Id"] = Value::Null;
    usage["Actions"][0]["Id"] = Value::Null;
    usage["Actions"][0]["Properties"]["Worker pool"] = json!("windows");
    let checkout = bench.id("projects", "Checkout");
    let add = |branch: &str| {
        let path =
            format!("{SPACE}/projects/{checkout}/refs%2Fheads%2F{branch}/deploymentprocesses");
        bench.edit(&path, |process| {
            process["Steps"].as_array_mut().unwrap().insert(1, usage.clone())
        });
    };
    add("main");
    add("develop");
    let json = bench.run(&["explain", "Checkout", "--format", "json"]).expect(0).stdout;
    insta::assert_snapshot!(told(&json).join("\n"));
    let uses = bench.run(&["explain", "--pool", "Windows"]).expect(0).stdout;
    let uses: Vec<_> = uses.lines().filter(|it| it.contains("Deploy by template")).collect();
    insta::assert_snapshot!(uses.join("\n"));
}

#[test]
fn an_unresolved_template_leaves_only_its_usage_unknown() {
    let (bench, process) = company();
    let whole = told(&bench.run(&["explain", "Search", "--format", "json"]).expect(0).stdout);
    let mut seen = String::new();
    for fault in ["404", "405", "500", "403", "html 404", "redirect https://elsewhere.invalid/"] {
        bench.try_send("PUT", "/sandbox/faults", json!([format!("{fault} on GET */resolved")]));
        let json = bench.run(&["explain", "Search", "--format", "json"]).expect(0).stdout;
        let told = told(&json);
        assert_eq!(told.len(), 2, "{fault}: {told:?}");
        assert!(told[0].ends_with(": unknown - by type"), "{told:?}");
        assert_eq!(told[1], whole[4]);
        let json: Value = serde_json::from_str(&json).unwrap();
        seen += &format!("{fault}: {}\n", json["unseen"][0].as_str().unwrap());
        // The parameter is a use all the same.
        let uses = bench.run(&["explain", "--pool", "Linux"]).expect(0).stdout;
        assert!(uses.contains("parameter \"Worker pool\" of projects[\"Search\"]"), "{uses}");
    }
    bench.try_send("DELETE", "/sandbox/faults", json!(null));
    bench.edit(&process, |value| {
        value["Steps"][0]["Actions"][0]["Properties"][SLUG] = json!("lost")
    });
    let lost = bench.run(&["explain", "Search", "Deploy by template"]).expect(0).stdout;
    insta::assert_snapshot!(format!("{seen}\n{lost}"));
}

#[test]
fn deleting_or_emptying_a_pool_names_steps_inside_templates_once() {
    let (bench, process) = company();
    let id = bench.send("POST", &format!("{SPACE}/workerpools"), pool("Rollout"))["Id"].clone();
    bench.send("POST", &format!("{SPACE}/workers"), worker("rollout-01", &[id.as_str().unwrap()]));
    bench.edit(&process, |value| {
        value["Steps"][0]["Actions"][0]["Properties"]["Worker pool"] = json!("rollout");
    });
    let findings = |file: &str| {
        bench.write("workers.toml", &format!("version = 1\n{file}"));
        let plan = bench.run(&["plan", "--format", "json"]).stdout;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let notes = |value: &Value| value["notes"].as_array().cloned().unwrap_or_default();
        let about = |value: &&Value| format!("{value}").contains("Deploy by template");
        let one = |value: &Value| {
            let notes =
                notes(value).into_iter().map(|note| format!("\n  {}", note.as_str().unwrap()));
            let notes = notes.filter(|it| it.contains("template")).collect::<String>();
            let [level, code] = ["level", "code"].map(|key| value[key].as_str().unwrap());
            format!("{level}[{code}]: {}{notes}\n", value["message"].as_str().unwrap())
        };
        plan["findings"].as_array().unwrap().iter().filter(about).map(one).collect::<String>()
    };
    let removed = "[[removed]]\nworker = \"rollout-01\"\n";
    let emptied = findings(removed);
    let deleted = findings(&format!("{removed}[[removed]]\npool = \"Rollout\"\n"));
    insta::assert_snapshot!(format!("{emptied}{deleted}"));
    // Of a usage that the server leaves out, only the parameter tells.
    bench.edit(&process, |value| {
        value["Steps"][0]["Actions"][0]["Properties"][SLUG] = json!("nobody-knows");
    });
    let doubtful = findings(removed);
    assert!(doubtful.starts_with("warn[empty-pool]"), "{doubtful}");
}

#[test]
fn a_resolved_process_is_used_only_where_it_is_unambiguous() {
    let (bench, process) = company();
    let plain = bench.get(&process);
    let (linux, notify) = (bench.id("workerpools", "Linux"), plain["Steps"][1].clone());
    let action = |name: &str, own: Value| {
        let mut action = json!({
            "Name": name, "ActionType": "Octopus.Script",
            "Properties": { "Octopus.Action.RunOnServer": "true" },
        });
        own.as_object().unwrap().iter().for_each(|(key, value)| action[key] = value.clone());
        json!({ "Name": name, "Actions": [action] })
    };
    let of_pool = action("Deploy by template - Pool", json!({ "WorkerPoolId": linux }));
    let bare = action("Bare", json!({ "WorkerPoolVariable": "worker POOL", "Notes": 7 }));
    let odd = action("Odd", json!({ "Slug": 7 }));
    let none = action("None", json!({ "WorkerPoolId": null, "Id": null, "Channels": null }));
    let gone = action("Gone", json!({ "WorkerPoolId": "WorkerPools-99" }));
    let mut all = String::new();
    for answer in [
        json!({ "Steps": [notify, of_pool, none, gone] }),
        json!({ "Steps": [bare] }),
        json!({ "Steps": [odd] }),
        json!({ "Steps": [] }),
        json!({ "Steps": [{}, null] }),
        json!({ "Steps": [{}, { "Actions": [{}] }] }),
        json!({ "Steps": "none" }),
        json!({}),
        json!([]),
        json!(null),
    ] {
        let body = answer.to_string();
        let own = move |asked: &str| asked.contains("/resolved").then(|| body.clone());
        let url = bench.in_front(own);
        let args = ["explain", "Search", "--format", "json", "--url", &url];
        let output = bench.run(&args);
        assert_eq!(output.code, 0, "{answer}: {}", output.stderr);
        all += &format!("{}\n\n", told(&output.stdout).join("\n"));
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn the_sandbox_has_a_template_and_resolves_its_usages() {
    let bench = Bench::new(Seed::Acme).await;
    let hub = "/api/platformhub";
    let all = bench.get(&format!("{hub}/main/processtemplates")).await;
    assert_eq!(
        (&all["TotalResults"], &all["ProcessTemplates"][0]["Slug"]),
        (&json!(1), &json!("deploy-service"))
    );
    let one =
        bench.get(&format!("{hub}/refs%2Fheads%2Fmain/processtemplates/deploy-service")).await;
    assert_eq!(one, all["ProcessTemplates"][0]);
    let versions = bench.get(&format!("{hub}/processtemplates/deploy-service/versions")).await;
    assert_eq!(versions[0]["Version"], "1.2.0");
    let version = bench.get(&format!("{hub}/processtemplates/deploy-service/1.X")).await;
    assert_eq!(version, json!({ "ProcessTemplate": one, "ProcessTemplateVersion": "1.2.0" }));
    let shared = bench.get(&format!("{hub}/processtemplates/deploy-service/share")).await;
    assert_eq!(shared["SharedToAllSpaces"], true);
    for path in
        ["processtemplates/deploy-service/2.X", "trial/processtemplates", "main/processtemplates/x"]
    {
        assert_eq!(bench.text("GET", &format!("{hub}/{path}"), "").await.0, 404, "{path}");
    }
    assert_eq!(bench.send("POST", &format!("{hub}/main/processtemplates"), json!({})).await.0, 405);

    let projects = bench.get(&format!("{SPACE}/projects/all")).await;
    let search =
        projects.as_array().unwrap().iter().find(|value| value["Name"] == "Search").unwrap();
    let path = format!("{SPACE}/projects/{}/deploymentprocesses", search["Id"].as_str().unwrap());
    let told = async || {
        let process = bench.get(&format!("{path}/resolved")).await;
        let one = |value: &Value| {
            let action = &value["Actions"][0];
            let text = |key: &str| action[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", text("Name"), text("Slug"), text("WorkerPoolVariable"))
        };
        process["Steps"].as_array().unwrap().iter().map(one).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told().await, @"
    Render the manifests deploy-by-template-render-the-manifests #{Worker pool}
    Approve deploy-by-template-approve -
    Roll out deploy-by-template-roll-out #{Worker pool}
    Notify the team notify-the-team -
    ");
    let mut process = bench.get(&path).await;
    process["Steps"][0]["Actions"][0]["Properties"][SLUG] = json!("lost");
    assert_eq!(bench.send("PUT", &path, process).await.0, 200);
    insta::assert_snapshot!(told().await, @"Notify the team notify-the-team -");
}

#[tokio::test]
async fn a_deployment_runs_the_steps_inside_a_template_where_its_parameters_say() {
    let bench = Bench::new(Seed::Acme).await;
    let projects = bench.get(&format!("{SPACE}/projects/all")).await;
    let search =
        projects.as_array().unwrap().iter().find(|value| value["Name"] == "Search").unwrap();
    let release = json!({ "ProjectId": search["Id"], "Version": "1.0.0" });
    let release = made(&bench, "/api/releases", release).await;
    let task = deploy(&bench, &release, 1).await;
    over(&bench, &task).await;
    insta::assert_snapshot!(log(&bench, &task).await, @"
    Success: Deploy Search release 1.0.0 to Development
      > The task completed successfully
      Success: Step 1: Render the manifests
        Success: Worker k8s-agent
          > Leased worker k8s-agent from pool Linux (lease WorkerTaskLeases-1)
      Success: Step 2: Approve
        Success: Octopus Server
      Success: Step 3: Roll out
        Success: Worker k8s-agent
          > Leased worker k8s-agent from pool Linux (lease WorkerTaskLeases-1)
      Success: Step 4: Notify the team
        Success: Octopus Server
          > The default worker pool has no workers; using the built-in worker
    ");
}

#[test]
fn a_rule_for_a_template_usage_is_told_what_to_change() {
    let (bench, _) = company();
    let rule = "[[placements]]\nproject = \"Search\"\nstep = \"Deploy by template\"\n";
    bench.write("workers.toml", &format!("version = 1\n{rule}default_pool = true\n"));
    insta::assert_snapshot!(bench.run(&["plan"]).expect(1).stderr);
}
