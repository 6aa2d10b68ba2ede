//! `--wait-healthy`: steps move once the workers that they come to are healthy, and no earlier.

use crate::{
    rollback::unversioned,
    sandbox::{pool, worker},
    workbench::{Output, Workbench, text_at},
};
use octopus_sandbox::{Fault, FaultKind, Seed};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const TASKS: &str = "POST /api/Spaces-1/tasks";
const THUMBPRINT: &str = "8A7E6157A34158EDA1B5127CB027B2A267760A4F";

/// A pool with one worker at this host, and the steps of a project that come to it.
fn section(key: &str, host: &str, project: &str) -> String {
    format!(
        "[pools.{key}]\n[workers.{key}-01]\npools = [\"{key}\"]\n\
         listening = {{ url = \"https://{host}:10933\", thumbprint = \"{THUMBPRINT}\" }}\n\
         [[placements]]\nproject = \"{project}\"\nprocess = \"any\"\npool = \"{key}\"\n"
    )
}

fn file(sections: &[String]) -> String {
    format!("version = 1\n{}", sections.concat())
}

/// Two new pools: one whose worker answers, one whose worker cannot be reached.
fn good_and_bad() -> String {
    file(&[section("good", "good.example", "Billing"), section("bad", "bad.invalid", "Web Store")])
}

/// Runs an apply, and what of it is about pools that are waited for.
fn told(output: &Output) -> String {
    let lines = output.stderr.lines().filter(|line| {
        ["waiting", "ready", "error", "warning", "help"].iter().any(|start| line.starts_with(start))
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Workbench {
    fn applies(&self, wait: &str, code: i32) -> Output {
        self.run(&["apply", "--auto-approve", "--wait-healthy", wait]).expect(code)
    }

    /// The health checks that were asked for, oldest first.
    fn checks(&self) -> Vec<Value> {
        let tasks = self.get("/api/Spaces-1/tasks?name=Health");
        tasks["Items"].as_array().unwrap().iter().rev().cloned().collect()
    }

    /// A pool with one worker, which nobody has checked.
    fn unchecked(&self, name: &str, host: &str) -> String {
        let pool = text_at(&self.send("POST", "/api/Spaces-1/workerpools", pool(name)), "/Id");
        let mut worker = worker(&format!("{name}-01"), &[&pool]);
        worker["Endpoint"]["Uri"] = json!(format!("https://{host}:10933"));
        worker["SkipInitialHealthCheck"] = json!(true);
        self.send("POST", "/api/Spaces-1/workers", worker);
        pool
    }

    /// The same, found to be unreachable, and repaired since.
    fn sick(&self, name: &str) -> String {
        let pool = self.unchecked(name, "sick.invalid");
        self.check(&pool);
        let path = format!("/api/Spaces-1/workers/{}", self.id("workers", &format!("{name}-01")));
        self.edit(&path, |worker| worker["Endpoint"]["Uri"] = json!("https://well.example:10933"));
        assert_eq!(self.get(&path)["HealthStatus"], "Unavailable");
        pool
    }

    fn check(&self, pool: &str) {
        let arguments = json!({ "WorkerPoolId": pool, "RestrictedTo": "Workers" });
        let task = json!({ "Name": "Health", "Description": "By hand", "Arguments": arguments });
        self.send("POST", "/api/Spaces-1/tasks", task);
    }
}

#[test]
fn a_newly_created_pool_is_checked_before_its_steps_move() {
    let workbench = Workbench::chapter(&file(&[section("good", "good.example", "Web Store")]));
    let output = workbench.applies("1m", 0);
    insta::assert_snapshot!(told(&output), @"
    waiting for pools.good: 1 worker, none healthy yet
    ready pools.good: 1 of 1 worker healthy
    ");
    let [check] = workbench.checks().try_into().unwrap();
    let (pool, worker) = (workbench.id("workerpools", "good"), workbench.id("workers", "good-01"));
    assert_eq!(
        check["Arguments"],
        json!({
            "Timeout": "00:05:00", "MachineTimeout": "00:05:00", "RestrictedTo": "Workers",
            "WorkerpoolId": pool, "MachineIds": [worker],
        })
    );
    let writes = workbench.writes();
    let first = |start: &str| writes.iter().position(|it| it.starts_with(start)).unwrap();
    assert!(first("POST /api/Spaces-1/workers") < first(TASKS), "{writes:#?}");
    assert!(first(TASKS) < first("PUT /api/Spaces-1/"), "{writes:#?}");
    workbench.settled();
}

#[test]
fn steps_stay_if_no_worker_is_healthy_in_time_and_others_finish() {
    let workbench = Workbench::chapter(&good_and_bad());
    let before = workbench.processes();
    let output = workbench.applies("10s", 5);
    assert!(output.stderr.contains("\nsaved to .poolwright/receipts/"), "{}", output.stderr);
    insta::assert_snapshot!(told(&output), @"
    waiting for pools.good: 1 worker, none healthy yet
    waiting for pools.bad: 1 worker, none healthy yet
    ready pools.good: 1 of 1 worker healthy
    error: 8 of 18 changes were not made
    help: run `poolwright apply` again to continue
    ");
    let receipt = workbench.receipts().pop().unwrap();
    assert_eq!(receipt["status"], "partial");
    for entry in receipt["changes"].as_array().unwrap() {
        let (address, outcome) = (text_at(entry, "/address"), text_at(entry, "/outcome"));
        let stays = address.starts_with("projects[\"Web Store\"]");
        assert_eq!(outcome, if stays { "skipped" } else { "done" }, "{address}");
        if stays {
            insta::allow_duplicates! {
                insta::assert_snapshot!(text_at(entry, "/error"), @"no worker in pools.bad is healthy after 10s: bad-01 is Unavailable");
            }
            assert_eq!(entry["written"], json!([]));
        }
    }
    // Not one byte of a process whose steps wait.
    let moved: Vec<_> = workbench
        .processes()
        .into_iter()
        .filter(|process| before[&process.0] != process.1)
        .collect();
    assert!(
        !moved.is_empty() && moved.iter().all(|(path, _)| !path.contains("Projects-1/")),
        "{moved:?}"
    );

    // Once the worker is repaired, the next apply goes on.
    workbench.write("workers.toml", &good_and_bad().replace("bad.invalid", "bad.example"));
    workbench.applies("1m", 0);
    workbench.settled();
}

#[test]
fn a_worker_repaired_during_the_wait_lets_the_steps_move() {
    let workbench = Workbench::chapter(&file(&[section("bad", "bad.invalid", "Web Store")]));
    let mut child = workbench.begin(&["apply", "--auto-approve", "--wait-healthy", "10m"]);
    workbench.wait_for(1, TASKS, &mut child);
    let path = format!("/api/Spaces-1/workers/{}", workbench.id("workers", "bad-01"));
    workbench.edit(&path, |value| value["Endpoint"]["Uri"] = json!("https://well.example:10933"));
    workbench.check(&workbench.id("workerpools", "bad"));
    assert!(child.wait().unwrap().success());
    assert_eq!(workbench.receipts().pop().unwrap()["status"], "done");
}

#[test]
fn an_unhealthy_pool_is_waited_for_and_an_empty_one_is_refused() {
    let workbench = Workbench::chapter("version = 1\n[[placements]]\npool = \"sick\"\n");
    let sick = workbench.sick("sick");
    workbench.run(&["apply", "--auto-approve"]).expect(3);
    workbench.run(&["plan", "-o", "plan.json"]).expect(3);
    workbench.run(&["apply", "plan.json"]).expect(3);
    let output = workbench.run(&["apply", "plan.json", "--wait-healthy", "1m"]).expect(0);
    let finding = output.stdout.split("\n\n").find(|it| it.contains("unhealthy-pool")).unwrap();
    let finding = finding.lines().filter(|it| !it.contains("projects["));
    insta::assert_snapshot!(finding.collect::<Vec<_>>().join("\n"), @"
    warning[unhealthy-pool]: 23 steps would run in `pools.sick`, which would have no healthy worker
    --> workers.toml:2
             and 20 more; -v shows all
     = help: the pool's workers are checked first, and the steps wait for them
    ");
    workbench.settled();
    assert_eq!(workbench.checks().last().unwrap()["Arguments"]["WorkerpoolId"], json!(sick));

    workbench.send("POST", "/api/Spaces-1/workerpools", pool("empty"));
    workbench.write("workers.toml", "version = 1\n[[placements]]\npool = \"empty\"\n");
    let output = workbench.applies("1s", 3);
    assert!(output.stdout.contains("denied[empty-pool]"), "{}", output.stdout);
}

/// Nothing comes to the pool, so that nothing can wait.
#[test]
fn a_pool_that_only_loses_workers_is_refused_without_waiting() {
    let workbench = Workbench::chapter("version = 1\n[[placements]]\npool = \"p\"\n");
    let id = workbench.unchecked("p", "well.example");
    workbench.check(&id);
    workbench.apply();
    let mut second = worker("second", &[&id]);
    second["SkipInitialHealthCheck"] = json!(true);
    workbench.send("POST", "/api/Spaces-1/workers", second);
    workbench.edit(
        &format!("/api/Spaces-1/workers/{}", workbench.id("workers", "second")),
        |value| {
            value["Endpoint"]["Uri"] = json!("https://gone.invalid:10933");
        },
    );
    workbench.check(&id);
    workbench.write("workers.toml", "version = 1\n[[removed]]\nworker = \"p-01\"\n");
    let output = workbench.applies("1s", 3);
    assert!(output.stdout.contains("denied[unhealthy-pool]"), "{}", output.stdout);
    assert!(!output.stdout.contains("--wait-healthy"), "{}", output.stdout);
}

#[test]
fn a_worker_that_the_plan_deletes_is_not_waited_for() {
    let workbench = Workbench::chapter("");
    let id = workbench.unchecked("p", "well.example");
    workbench.check(&id);
    let mut second = worker("second", &[&id]);
    second["Endpoint"]["Uri"] = json!("https://gone.invalid:10933");
    workbench.send("POST", "/api/Spaces-1/workers", second);
    workbench.write(
        "workers.toml",
        "version = 1\n[[removed]]\nworker = \"p-01\"\n[[placements]]\nproject = \"Web Store\"\npool = \"p\"\n",
    );
    let output = workbench.applies("10s", 5);
    assert!(
        output.stderr.contains("no worker in pools.p is healthy after 10s: second is Unavailable"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_file_sets_how_many_workers_are_waited_for() {
    let few = "version = 1\n[pools.few]\nmin_healthy = 2\n[workers.\"w-[1..2]\"]\npools = [\"few\"]\n\
         listening = { url = \"https://HOST:10933\", thumbprint = \"THUMBPRINT\" }\n\
         [[placements]]\nproject = \"Web Store\"\npool = \"few\"\n";
    let few = few.replace("THUMBPRINT", THUMBPRINT);
    let workbench = Workbench::chapter(&few.replace("HOST", "w-{n}.example"));
    workbench.run(&["apply", "--auto-approve"]).expect(3);
    workbench.applies("1m", 0);
    workbench.settled();

    let workbench = Workbench::chapter(&few.replace("HOST", "w-{n}.invalid"));
    workbench.run(&["plan", "-o", "plan.json"]).expect(3);
    let output = workbench.run(&["apply", "plan.json", "--wait-healthy", "1s"]).expect(5);
    assert!(
        output.stderr.contains("pools.few has 0 of the 2 required healthy workers after 1s"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_missing_check_permission_is_reported_before_and_after() {
    let mut workbench = Workbench::chapter(&file(&[section("good", "good.example", "Web Store")]));
    workbench.key = "API-SANDBOXWITHOUTTASKCREATE";
    let output = workbench.applies("1m", 5);
    let warned = told(&output).lines().next().unwrap_or_default().to_owned();
    insta::assert_snapshot!(warned, @"warning: the API key's user lacks TaskCreate; health checks cannot be started, and those of 8 steps that wait for one will not be moved");
    let receipt = workbench.receipts().pop().unwrap();
    let steps = receipt["changes"].as_array().unwrap().iter();
    let errors: BTreeSet<_> = steps.filter_map(|step| step["error"].as_str()).collect();
    insta::assert_snapshot!(Vec::from_iter(errors).join("\n"), @"cannot start a health check of pools.good: the server returned 403: Missing permission: TaskCreate");
    // The steps alone were not made.
    workbench.apply();
    workbench.settled();
}

#[test]
fn without_task_access_an_apply_waits_for_workers_only() {
    let mut workbench = Workbench::chapter(&file(&[section("good", "good.example", "Web Store")]));
    workbench.key = "API-SANDBOXWITHOUTTASKVIEW";
    workbench.applies("1m", 0);
    workbench.settled();
}

#[test]
fn a_health_check_with_a_lost_response_is_requested_again() {
    let lost = Fault { nth: 1, requests: Some(TASKS.into()), fault: FaultKind::DropAfter };
    let workbench = Workbench::failing(Seed::Chapter, vec![lost]);
    workbench.write("workers.toml", &file(&[section("good", "good.example", "Web Store")]));
    workbench.applies("1m", 0);
    assert_eq!(workbench.count(TASKS), 2);
}

#[test]
fn pools_that_have_no_workers_of_their_own_are_not_waited_for() {
    // Dynamic workers are somebody else's, and so is the built-in one.
    let workbench = Workbench::new(Seed::Cloud);
    workbench.write(
        "workers.toml",
        "version = 1\n[pools.d]\nimage = \"Ubuntu2204\"\n[[placements]]\npool = \"d\"\n",
    );
    workbench.applies("1s", 0);
    assert_eq!(workbench.count(TASKS), 0);
    let workbench = Workbench::chapter(&file(&[section("p", "p.example", "Web Store")]));
    workbench.apply();
    workbench.write("workers.toml", "version = 1\n[[placements]]\nproject = \"Web Store\"\nprocess = \"any\"\ndefault_pool = true\n");
    let output = workbench.applies("1s", 0);
    assert_eq!((workbench.count(TASKS), told(&output).as_str()), (0, ""));
}

#[test]
fn the_pools_that_a_variable_leads_to_are_waited_for() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write("workers.toml", "version = 1\n[[placements]]\nproject = \"Landing zone\"\nstep = \"*\"\npool_variable = \"Deploy.WorkerPool\"\n");
    let output = workbench.run(&["apply", "--auto-approve", "--wait-healthy", "1m"]);
    insta::assert_snapshot!(told(&output), @"
    waiting for pools.Linux: 3 workers, none healthy yet
    waiting for pools.Windows: 3 workers, none healthy yet
    ready pools.Linux: 3 of 3 workers healthy
    ready pools.Windows: 3 of 3 workers healthy
    ");
}

#[test]
fn a_default_pool_is_checked_before_all_steps_move_to_it() {
    let text = "version = 1\n[gates]\ndefault-pool-member = \"allow\"\nempty-pool = \"allow\"\n\
        [pools.sick]\ndefault = true\n";
    let workbench = Workbench::chapter(text);
    workbench.sick("sick");
    workbench.run(&["apply", "--auto-approve"]).expect(3);
    let output = workbench.applies("1m", 0);
    assert!(told(&output).contains("ready pools.sick: 1 of 1 worker healthy"), "{}", output.stderr);
    workbench.settled();
}

#[test]
fn a_rollback_waits_for_healthy_workers_too() {
    let workbench = Workbench::chapter(
        "version = 1\n[[placements]]\nproject = \"Web Store\"\npool = \"old\"\n",
    );
    let old = workbench.unchecked("old", "old.example");
    workbench.check(&old);
    workbench.apply();
    let before = workbench.processes();
    workbench.write("workers.toml", &file(&[section("new", "new.example", "Web Store")]));
    workbench.applies("1m", 0);
    let path = format!("/api/Spaces-1/workers/{}", workbench.id("workers", "old-01"));
    workbench.edit(&path, |value| value["Endpoint"]["Uri"] = json!("https://old.invalid:10933"));
    let receipt = workbench.receipt();
    let back = ["rollback", receipt.as_str(), "--auto-approve", "--wait-healthy"];
    let output = workbench.run(&[&back[..], &["1s"]].concat()).expect(5);
    assert!(
        output.stderr.contains("no worker in pools.old is healthy after 1s"),
        "{}",
        output.stderr
    );
    workbench.edit(&path, |value| value["Endpoint"]["Uri"] = json!("https://old.example:10933"));
    workbench.run(&[&back[..], &["1m"]].concat()).expect(0);
    assert_eq!(unversioned(&workbench.processes()), unversioned(&before));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_wait() {
    let workbench = Workbench::chapter(&file(&[section("bad", "bad.invalid", "Web Store")]));
    let before = workbench.processes();
    let mut child = workbench.begin(&["apply", "--auto-approve", "--wait-healthy", "10m"]);
    workbench.wait_for(1, TASKS, &mut child);
    let process = child.id().to_string();
    let kill = std::process::Command::new("kill").args(["-INT", &process]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(workbench.processes(), before);
    let receipt = workbench.receipts().pop().unwrap();
    let steps = receipt["changes"].as_array().unwrap().iter();
    let mut steps = steps.filter(|step| step["kind"] == "placement");
    assert!(
        steps.all(|step| step["outcome"] == "skipped" && step["error"] == "interrupted"),
        "{receipt:#}"
    );
}

/// A check that hangs does not let a worker pass that was healthy yesterday.
#[test]
fn a_formerly_healthy_worker_must_pass_a_new_check() {
    let slow = Fault {
        nth: 2,
        requests: Some(TASKS.into()),
        fault: FaultKind::Delay(Duration::from_secs(30)),
    };
    let workbench = Workbench::failing(Seed::Chapter, vec![slow]);
    workbench.write(
        "workers.toml",
        "version = 1\n[[placements]]\nproject = \"Web Store\"\npool = \"p\"\n",
    );
    let pool = workbench.unchecked("p", "p.example");
    workbench.check(&pool);
    let output = workbench.applies("1s", 1);
    assert!(
        output.stderr.contains("p-01 was Healthy, but its check has not ended"),
        "{}",
        output.stderr
    );
}

#[test]
fn an_invalid_wait_time_is_refused() {
    let workbench = Workbench::chapter("version = 1\n");
    let output = workbench.run(&["apply", "--wait-healthy", "soon"]).expect(1);
    assert!(output.stderr.contains("`90s`, `5m` or `1h30m`"), "{}", output.stderr);
}
