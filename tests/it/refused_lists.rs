//! Lists that a server refuses or cuts short: what only a warning needs stops nothing, and what a key cannot see is not
//! absent.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;
use serde_json::json;

const FILE: &str = "version = 1\n[gates]\nempty-pool = \"allow\"\n[pools.new]\n[[placements]]\nproject = \"Web Store\"\npool = \"new\"\n";

/// A company whose server breaks these rules, and a file.
fn company(rules: &[&str], file: &str) -> Workbench {
    let workbench = Workbench::with_rules(Seed::Chapter, rules);
    workbench.write("workers.toml", file);
    workbench
}

#[test]
fn a_list_that_only_a_warning_needs_does_not_stop_a_plan() {
    for list in ["projectgroups", "channels", "releases", "runbooks"] {
        for code in [400, 500] {
            let rule = format!("{code} on GET */{list}*");
            company(&[&rule], FILE).run(&["plan", "--exit-code"]).expect(2);
        }
    }
    let rules = ["400 on GET */tenantvariables*", "404 on GET */actiontemplates*"];
    let emptied = FILE.replace("[pools.new]", "[pools.new]\ndefault = true");
    company(&rules, &emptied).run(&["plan", "--exit-code"]).expect(2);
}

#[test]
fn a_selector_over_an_unreadable_list_is_reported() {
    let by_group = FILE.replace("project =", "project_group = \"Applications\"\nproject =");
    let told = company(&["400 on GET */projectgroups*"], &by_group).run(&["plan"]).expect(0);
    assert!(told.stdout.contains("the project groups of space `Default`"), "{}", told.stdout);
    assert!(!told.stdout.contains("error["), "{}", told.stdout);
}

#[test]
fn hidden_runbooks_are_not_absent_and_are_reported_once() {
    let any = FILE.replace("project = \"Web Store\"", "process = \"any\"");
    let mut workbench = company(&[], &any);
    workbench.key = "API-SANDBOXWITHOUTRUNBOOKVIEW";
    let told = workbench.run(&["plan", "--exit-code"]).expect(2);
    assert_eq!(
        told.stdout.matches("Missing permission: RunbookView").count(),
        1,
        "{}",
        told.stdout
    );
    let runbook = any.replace("process = \"any\"", "runbook = \"Rotate*\"");
    workbench.write("workers.toml", &runbook);
    let told = workbench.run(&["plan"]).expect(0);
    assert!(told.stdout.contains("warning[unseen-steps]"), "{}", told.stdout);
    assert!(!told.stdout.contains("idle-rule"), "{}", told.stdout);
    workbench.write("workers.toml", &runbook.replace("Rotate*", "Rotate"));
    workbench.run(&["plan"]).expect(0);
}

#[test]
fn steps_of_hidden_projects_are_not_counted_as_none() {
    let mut workbench = Workbench::chapter(
        "version = 1\n[gates]\nempty-pool = \"warn\"\n[pools.new]\ndefault = true\n",
    );
    workbench.key = "API-SANDBOXWITHOUTPROJECTVIEW";
    let told = workbench.run(&["plan"]).expect(0);
    assert!(told.stdout.contains("Missing permission: ProjectView"), "{}", told.stdout);
}

#[test]
fn explain_continues_where_plan_does() {
    let rules = ["403 on GET */featuresconfiguration*", "400 on GET */projectgroups*"];
    let workbench = company(&rules, FILE);
    workbench.run(&["explain", "Web Store"]).expect(0);
    workbench.run(&["plan"]).expect(0);
}

#[test]
fn a_space_named_like_the_id_of_another_is_an_error_that_names_both() {
    let workbench = company(&[], FILE);
    workbench.send(
        "POST",
        "/api/spaces",
        json!({ "Name": "Spaces-1", "SpaceManagersTeams": ["teams-administrators"] }),
    );
    let told = workbench.run(&["plan", "--space", "Spaces-1"]).expect(1);
    assert!(told.stderr.contains("`Default (Spaces-1)`"), "{}", told.stderr);
    assert!(told.stderr.contains("`Spaces-1 (Spaces-"), "{}", told.stderr);
}

#[test]
fn a_space_page_url_is_refused_with_the_space_to_use() {
    let workbench = company(&[], FILE);
    let page = format!("{}/app#/Spaces-2/projects", workbench.bench.sandbox.url());
    let told = workbench.run(&["plan", "--url", &page]).expect(1);
    assert!(told.stderr.contains("`--space Spaces-2`"), "{}", told.stderr);
}

const WORKER: &str = "listening = { url = \"https://w.acme.example:10933\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\"";

#[test]
fn a_refused_list_of_policies_or_proxies_stops_only_the_workers_that_need_it() {
    let gates = "default-pool-member = \"allow\"\n[pools.new]";
    let file = FILE.replace("[pools.new]", gates);
    let free = format!(
        "{file}[workers.w1]\npools = [\"Default Worker Pool\"]\npolicy = \"Careful\"\n{WORKER} }}\n"
    );
    let workbench = Workbench::with_rules(Seed::Chapter, &[]);
    let policy =
        workbench.send("POST", "/api/Spaces-1/machinepolicies", json!({ "Name": "Careful" }));
    workbench.send(
        "POST",
        "/api/Spaces-1/proxies",
        json!({ "Name": "Branch", "Host": "proxy.example", "Port": 80, "ProxyType": "HTTP" }),
    );
    workbench.write("workers.toml", &free);
    workbench.apply();
    let workers = workbench.get("/api/Spaces-1/workers/all");
    assert_eq!(workers[0]["MachinePolicyId"], policy["Id"]);
    for (list, needs, free) in [
        ("machinepolicies", "policy = \"Default Machine Policy\"", ""),
        ("proxies", "", ", proxy = \"Branch\""),
    ] {
        workbench.send(
            "PUT",
            "/sandbox/faults",
            json!({ "faults": [format!("403 on GET */{list}*")] }),
        );
        let text = format!(
            "{file}[workers.w1]\npools = [\"Default Worker Pool\"]\n{needs}\n{WORKER}{free} }}\n[workers.w2]\npools = [\"Default Worker Pool\"]\npolling = {{}}\n[pools.more]\n"
        );
        workbench.write("workers.toml", &text);
        let plan = workbench.run(&["plan", "--exit-code"]).expect(2).stdout;
        assert!(plan.contains("pools.more"), "{list}: {plan}");
        assert!(plan.contains("warning[unread-reference]"), "{list}: {plan}");
        assert!(!plan.contains("workers.w1"), "{list}: {plan}");
    }
}

#[test]
fn a_worker_without_a_policy_needs_no_list_of_policies() {
    let workbench = company(
        &["403 on GET */machinepolicies*", "403 on GET */proxies*"],
        &format!(
            "{FILE}[workers.db-01]\npools = [\"Default Worker Pool\"]\nlistening = {{ url = \"https://db-worker-01:10933\", thumbprint = \"0E80575D3BD8D30854802A4E8340A2E23AE961FD\" }}\ndisabled = true\n"
        ),
    );
    workbench.send(
        "POST",
        "/api/Spaces-1/workers",
        crate::sandbox::worker("db-01", &["WorkerPools-1"]),
    );
    let plan = workbench.run(&["plan", "--exit-code"]).expect(2).stdout;
    assert!(plan.contains("workers.db-01") && !plan.contains("unread-reference"), "{plan}");
    workbench.apply();
    assert_eq!(workbench.get("/api/Spaces-1/workers/all")[0]["IsDisabled"], true);
}

#[test]
fn a_project_or_pool_named_like_the_id_of_another_is_an_error_that_names_both() {
    let workbench = company(&[], FILE);
    let id = workbench.id("projects", "Web Store");
    let other = workbench.get("/api/Spaces-1/projects/all")[0].clone();
    let project = json!({ "Name": id, "ProjectGroupId": other["ProjectGroupId"], "LifecycleId": other["LifecycleId"] });
    workbench.send("POST", "/api/Spaces-1/projects", project);
    let told = workbench.run(&["explain", &id]).expect(1).stderr;
    assert!(told.contains(&format!("`Web Store ({id})`")), "{told}");
    assert!(told.contains(&format!("`{id} (Projects-")), "{told}");
    workbench.run(&["explain", "Web Store"]).expect(0);
    let pools = "/api/Spaces-1/workerpools";
    let pool = workbench.id("workerpools", "Default Worker Pool");
    workbench.send("POST", pools, crate::sandbox::pool(&pool));
    let told = workbench.run(&["explain", "--pool", &pool]).expect(1).stderr;
    assert!(told.contains(&format!("`Default Worker Pool ({pool})`")), "{told}");
}
