//! Rules that select by a project's tags and by the channels to which a step is limited.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;
use serde_json::json;

const PROJECTS: &str = "/api/Spaces-1/projects";

/// Two projects with tags, and two steps of another that are limited to channels.
fn company() -> Workbench {
    let workbench = Workbench::new(Seed::Chapter);
    for (name, tags) in
        [("Web Store", json!(["Team/Shop", "Tier/1"])), ("Billing", json!(["Team/Money"]))]
    {
        let id = workbench.id("projects", name);
        workbench.edit(&format!("{PROJECTS}/{id}"), |project| project["ProjectTags"] = tags);
    }
    let project = workbench.id("projects", "Infrastructure");
    let channel = |name: &str| {
        let channel = json!({ "Name": name, "ProjectId": project, "Rules": [], "TenantTags": [] });
        workbench.send("POST", "/api/Spaces-1/channels", channel)["Id"].clone()
    };
    let (hotfix, preview) = (channel("Hotfix"), channel("Preview"));
    workbench.edit(&format!("{PROJECTS}/{project}/deploymentprocesses"), |process| {
        process["Steps"][0]["Actions"][0]["Channels"] = json!([hotfix]);
        process["Steps"][1]["Actions"][0]["Channels"] = json!([preview, hotfix]);
    });
    workbench
}

/// The steps that a rule moves, of those that run on the built-in worker.
fn moved(workbench: &Workbench, selectors: &str) -> Vec<String> {
    let gates = "[gates]\nempty-pool = \"allow\"\n";
    let rule = format!("[[placements]]\npool = \"new\"\n{selectors}\n");
    workbench.write("workers.toml", &format!("version = 1\n[pools.new]\n{gates}{rule}"));
    let output = workbench.run(&["plan", "--format", "json"]).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let changes = plan["changes"].as_array().unwrap().iter();
    let steps = changes.filter(|change| change["kind"] == "placement");
    steps.map(|step| step["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_project_is_found_by_any_of_its_tags() {
    let workbench = company();
    let of = |selectors: &str, project: &str| {
        let steps = moved(&workbench, selectors);
        let prefix = format!("projects[{project:?}]");
        assert!(!steps.is_empty() && steps.iter().all(|it| it.starts_with(&prefix)), "{steps:?}");
    };
    of("project_tag = \"team/shop\"", "Web Store");
    of("project_tag = [\"Team/*\", \"!Tier/1\"]", "Billing");
    let all = moved(&workbench, "project_tag = \"Team/*\"");
    let untagged = moved(&workbench, "project_tag = \"!Team/*\"");
    assert!(all.iter().all(|it| !untagged.contains(it)) && !untagged.is_empty());
}

#[test]
fn a_step_is_found_by_the_channels_to_which_it_is_limited() {
    let workbench = company();
    let hotfix = moved(&workbench, "channel = \"hotfix\"");
    let preview = moved(&workbench, "channel = \"Prev*\"");
    assert!(hotfix.iter().all(|it| it.starts_with("projects[\"Infrastructure\"]")), "{hotfix:?}");
    assert!(preview.len() < hotfix.len() && preview.iter().all(|it| hotfix.contains(it)));
    // A step that is limited to no channel runs in all of them, and is not meant.
    assert!(moved(&workbench, "channel = \"*\"").len() == hotfix.len());
    let others = moved(&workbench, "channel = \"!Prev*\"");
    assert!(
        others.iter().all(|other| hotfix.contains(other) && !preview.contains(other)),
        "{others:?}"
    );
}

#[test]
fn a_tag_that_no_project_has_is_an_error_with_the_nearest_one() {
    let workbench = company();
    workbench.write(
        "workers.toml",
        "version = 1\n[[placements]]\nproject_tag = \"Team/Shpo\"\ndefault_pool = true\n",
    );
    let output = workbench.run(&["plan"]).expect(1);
    assert!(output.stderr.contains("error[unknown-project-tag]"), "{}", output.stderr);
    assert!(output.stderr.contains("`Team/Shop`"), "{}", output.stderr);
}

/// A group that is there, and that no project is in yet.
#[test]
fn a_group_without_a_project_is_idle_and_not_unknown() {
    let workbench = Workbench::new(Seed::Chapter);
    workbench.send("POST", "/api/Spaces-1/projectgroups", json!({ "Name": "Empty Group" }));
    let told = |group: &str, code| {
        let rule = format!("[[placements]]\nproject_group = {group:?}\ndefault_pool = true\n");
        workbench.write("workers.toml", &format!("version = 1\n{rule}"));
        let output = workbench.run(&["plan"]).expect(code);
        output.stdout + &output.stderr
    };
    let idle = told("empty group", 0);
    assert!(idle.contains("warning[idle-rule]"), "{idle}");
    let unknown = told("Empty Grup", 1);
    assert!(unknown.contains("error[unknown-project-group]"), "{unknown}");
    assert!(unknown.contains("`Empty Group`"), "{unknown}");
}

/// `Plan Terraform` runs where a variable says, and that is the default pool, which has no worker.
#[test]
fn a_step_whose_variable_always_leads_to_the_built_in_worker_runs_on_the_server() {
    let workbench = Workbench::new(Seed::Chapter);
    let terraform = |steps: &[String]| steps.iter().any(|it| it.contains("Plan Terraform"));
    assert!(terraform(&moved(&workbench, "currently = \"server\"")));
    assert!(terraform(&moved(&workbench, "currently = \"variable\"")));
    assert!(!terraform(&moved(&workbench, "currently = \"default\"")));
    assert!(!terraform(&moved(&workbench, "currently = \"!server\"")));
    // What has moved stays, though a value of the variable is changed with it.
    let file = "version = 1
        [pools.new]
        [gates]
        empty-pool = \"allow\"
        [[pool_variables]]
        project = \"Infrastructure\"
        variable = \"Terraform.WorkerPool\"
        environment = \"Production\"
        pool = \"new\"
        [[placements]]
        currently = \"server\"
        pool = \"new\"\n";
    workbench.write("workers.toml", file);
    workbench.apply();
    workbench.settled();
    // One value that leads elsewhere is enough for a step to be left where it is.
    let workbench = Workbench::new(Seed::Chapter);
    let pool = json!({ "Name": "Other", "WorkerPoolType": "StaticWorkerPool" });
    let pool = workbench.send("POST", "/api/Spaces-1/workerpools", pool)["Id"].clone();
    let project = workbench.id("projects", "Infrastructure");
    let set = workbench.get(&format!("{PROJECTS}/{project}"))["VariableSetId"].clone();
    workbench.edit(&format!("/api/Spaces-1/variables/{}", set.as_str().unwrap()), |set| {
        let values = set["Variables"].as_array_mut().unwrap();
        let is_it = |value: &&serde_json::Value| value["Name"] == "Terraform.WorkerPool";
        let mut value = values.iter().find(is_it).unwrap().clone();
        value["Id"] = json!("other");
        value["Value"] = pool;
        value["Scope"] = json!({ "Environment": ["Environments-1"] });
        values.push(value);
    });
    assert!(!terraform(&moved(&workbench, "currently = \"server\"")));
    assert!(terraform(&moved(&workbench, "currently = \"!server\"")));
}
