//! Placements in version-controlled projects, by the program against the sandbox.

use crate::{sandbox::Bench, workbench::Workbench};
use octopus_sandbox::{Fault, FaultKind, Seed};
use serde_json::Value;

/// A rule for the projects in Git that can be reached, and what the file says of version control.
fn file(version_control: &str) -> String {
    format!(
        "version = 1\n[[placements]]\nprocess = \"any\"\nproject = [\"Checkout\", \"Payments\"]\n\
         step = [\"*database*\", \"Build*\"]\npool = \"windows\"\n{version_control}"
    )
}

fn workbench(version_control: &str) -> Workbench {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write("workers.toml", &file(version_control));
    workbench
}

/// The lines of a plan that say what moves.
fn steps(workbench: &Workbench) -> String {
    let output = workbench.run(&["plan", "--format", "json"]);
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    let changes = plan["changes"].as_array().unwrap().iter();
    let lines = changes.map(|change| change["address"].as_str().unwrap().to_owned());
    let findings = plan["findings"].as_array().unwrap().iter();
    let findings = findings.map(|finding| {
        format!(
            "{} {}: {}",
            finding["level"].as_str().unwrap(),
            finding["code"].as_str().unwrap(),
            finding["message"].as_str().unwrap()
        )
    });
    let code = format!("exit code {}", output.code);
    lines.chain(findings).chain([code]).collect::<Vec<_>>().join("\n")
}

/// Applies, and makes sure that the next plan has no change.
fn settle(workbench: &Workbench) {
    workbench.run(&["apply", "--auto-approve"]).expect(0);
    let again = workbench.run(&["plan", "--exit-code"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
}

#[test]
fn a_file_without_version_control_settings_leaves_git_alone() {
    let workbench = workbench("");
    workbench.write("workers.toml", &file("").replace("process = \"any\"\n", ""));
    let output = workbench.run(&["plan"]).expect(1);
    insta::assert_snapshot!(output.stderr);
    workbench.write("workers.toml", &file("").replace("[\"Checkout\", \"Payments\"]", "\"*\""));
    let output = workbench.run(&["plan", "-q"]).expect(0);
    assert!(
        output.stdout.contains("it is stored in Git, and the file has no `[version_control]`"),
        "{}",
        output.stdout
    );
}

#[test]
fn a_protected_branch_refuses_the_plan_unless_the_file_says_otherwise() {
    let skip = "on_unreachable = \"skip\"\n";
    let all = [
        "[version_control]\n".to_owned(),
        format!("[version_control]\n{skip}"),
        format!("[version_control]\n{skip}on_protected = \"skip\""),
        format!("[version_control]\n{skip}on_protected = \"branch:poolwright/move\""),
        format!(
            "[version_control]\n{skip}on_protected = \"skip\"\nbranch = [\"default\", \"d*\", \"!develop\", \"trial\"]"
        ),
    ];
    let told: Vec<_> =
        all.iter().map(|text| format!("{text}\n{}\n", steps(&workbench(text)))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_unreachable_repository_blocks_only_its_own_changes() {
    let rule = |projects: &str| {
        file("[version_control]\nbranch = \"trial\"\n")
            .replace("[\"Checkout\", \"Payments\"]", projects)
    };
    let waves = "[[waves]]\nproject = \"Payments\"\n[[waves]]\nproject = \"*\"\n";
    let leave =
        "version = 1\n[[placements]]\nprocess = \"any\"\nproject = \"lost*\"\nleave = true\n";
    let all = rule("\"*\"");
    let workbench = Workbench::new(Seed::Acme);
    let target = |of: &str| ["--target".to_owned(), of.to_owned()].to_vec();
    for (text, arguments, code) in [
        (all.clone(), Vec::new(), 3),
        (all.clone(), target("projects[\"Payments\"]*"), 0),
        (all.clone(), target("*steps[\"Build*"), 3),
        (all.clone(), target("projects[\"Lost and found\"]@main.deployment.steps[\"Any\"]"), 3),
        (all.clone(), target("pools.*"), 0),
        (format!("{all}{waves}"), vec!["--wave".to_owned(), "1".to_owned()], 0),
        (format!("{all}{waves}"), vec!["--wave".to_owned(), "2".to_owned()], 3),
        // A rule that is not about it asks nothing of it.
        (rule("[\"Checkout\", \"Payments\"]"), Vec::new(), 0),
        (all.replace("version = 1\n", leave), Vec::new(), 0),
        (all.replace("version = 1\n", &leave.replace("process = \"any\"\n", "")), Vec::new(), 3),
    ] {
        workbench.write("workers.toml", &text);
        let mut line = vec!["plan"];
        line.extend(arguments.iter().map(String::as_str));
        let output = workbench.run(&line);
        let told = output.stdout.contains("unreachable-repository");
        assert_eq!(
            (output.code, told),
            (code, code == 3),
            "{line:?}\n{text}\n{}{}",
            output.stdout,
            output.stderr
        );
    }
}

#[test]
fn a_saved_plan_is_refused_if_its_repository_became_unreachable() {
    let workbench = workbench("[version_control]\nbranch = \"trial\"\n");
    settle(&workbench);
    // Nothing is left to move in Git.
    let more = file("[version_control]\nbranch = \"trial\"\n") + "[pools.more]\n";
    workbench.write("workers.toml", &more);
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let id = workbench.id("projects", "Payments");
    let path = format!("/api/Spaces-1/projects/{id}");
    let url = workbench.get(&path)["PersistenceSettings"]["Url"].clone();
    let move_to = |url: Value| workbench.edit(&path, |it| it["PersistenceSettings"]["Url"] = url);
    move_to("https://git.invalid/payments.git".into());
    for with_files in [true, false] {
        if !with_files {
            std::fs::remove_file(workbench.folder.path().join("workers.toml")).unwrap();
        }
        let run = workbench.run(&["apply", "plan.json", "--auto-approve"]).expect(3);
        let told = run.stdout + &run.stderr;
        assert!(told.contains("[unreachable-repository]"), "{told}");
        assert!(told.contains("Payments"), "{told}");
    }
    move_to(url);
    workbench.run(&["apply", "plan.json", "--auto-approve"]).expect(0);
}

#[test]
fn changes_to_a_protected_branch_go_to_a_stand_in_until_merged() {
    let workbench = workbench(
        "[version_control]\non_unreachable = \"skip\"\non_protected = \"branch:poolwright/move\"\nmessage = \"To Windows\"",
    );
    settle(&workbench);
    let mut writes = workbench.writes();
    writes.sort();
    insta::assert_snapshot!(writes.join("\n"));
    let plan = workbench.run(&["plan"]).expect(0);
    assert!(
        plan.stdout.contains("poolwright/move in project \"Payments\", to be merged into main"),
        "{}",
        plan.stdout
    );
    for (target, told) in [("projects[\"Payments\"]*", true), ("projects[\"Checkout\"]*", false)] {
        let plan = workbench.run(&["plan", "--target", target]).expect(0);
        assert_eq!(plan.stdout.contains("unmerged-branch"), told, "{target}: {}", plan.stdout);
    }
    // Somebody else edits the branch: the next apply brings back what is missing, on the same branch.
    let path = path(&workbench, "Payments", "poolwright%2Fmove");
    workbench
        .edit(&path, |process| process["Steps"][0]["Actions"][0]["WorkerPoolId"] = Value::Null);
    settle(&workbench);
    assert_ne!(workbench.get(&path)["Steps"][0]["Actions"][0]["WorkerPoolId"], Value::Null);
}

#[test]
fn a_gateway_that_has_lost_a_repository_does_not_hold_up_the_rest() {
    let on = "GET /api/Spaces-1/projects/Projects-12/refs%2Fheads%2Fmain/deploymentprocesses";
    let away = |nth| Fault {
        nth,
        requests: Some(on.to_owned()),
        fault: FaultKind::Status { code: 504, retry_after: None },
    };
    let workbench = Workbench::failing(Seed::Acme, (1..=20).map(away).collect());
    workbench.write(
        "workers.toml",
        &file("[version_control]\non_unreachable = \"skip\"\non_protected = \"skip\"\n"),
    );
    let told = steps(&workbench);
    assert!(told.contains("projects[\"Checkout\"]@main.deployment"), "{told}");
    assert!(!told.contains("Payments"), "{told}");
    assert_eq!(workbench.count(on), 4);
}

#[test]
fn one_branch_cannot_stand_in_for_two_protected_branches() {
    let workbench = workbench(
        "[version_control]\non_unreachable = \"skip\"\nbranch = [\"default\", \"trial\"]\non_protected = \"branch:move\"",
    );
    let id = workbench.id("projects", "Payments");
    workbench.edit(&format!("/api/Spaces-1/projects/{id}"), |project| {
        project["PersistenceSettings"]["ProtectedBranchNamePatterns"] =
            serde_json::json!(["trial"]);
    });
    let told = steps(&workbench);
    let why = "deny protected-branch: one branch cannot stand in for several protected branches";
    assert!(told.contains(why) && told.ends_with("exit code 3"), "{told}");
    assert!(!told.contains("unsettled-rules"), "{told}");
}

#[test]
fn a_commit_changes_where_steps_run_and_nothing_else() {
    let workbench = workbench(
        "[version_control]\non_unreachable = \"skip\"\non_protected = \"skip\"\nbranch = \"*\"",
    );
    let (main, trial) =
        (path(&workbench, "Checkout", "main"), path(&workbench, "Payments", "trial"));
    let before = [workbench.get(&main), workbench.get(&trial)];
    settle(&workbench);
    for (path, mut wanted) in [main, trial].iter().zip(before) {
        for step in wanted["Steps"].as_array_mut().unwrap().iter_mut().take(2) {
            if step["Properties"]["Octopus.Action.TargetRoles"].is_null() {
                step["Actions"][0]["WorkerPoolId"] =
                    workbench.get(path)["Steps"][0]["Actions"][0]["WorkerPoolId"].clone();
            }
        }
        assert_eq!(workbench.get(path), wanted);
    }
}

#[test]
fn a_saved_plan_is_refused_where_its_branch_has_changed() {
    let workbench =
        workbench("[version_control]\non_unreachable = \"skip\"\non_protected = \"skip\"");
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let path = path(&workbench, "Checkout", "main");
    workbench
        .edit(&path, |process| process["Steps"][0]["Actions"][0]["WorkerPoolId"] = Value::Null);
    let output = workbench.run(&["apply", "plan.json"]).expect(4);
    assert!(
        output.stderr.contains("projects[\"Checkout\"]@main.deployment.steps[\"Build the image\"]"),
        "{}",
        output.stderr
    );
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    workbench.run(&["apply", "plan.json"]).expect(0);
    workbench.run(&["plan", "--exit-code"]).expect(0);
}

/// Where a process is on a branch.
fn path(workbench: &Workbench, project: &str, branch: &str) -> String {
    let all = workbench.get("/api/Spaces-1/projects/all");
    let project = all.as_array().unwrap().iter().find(|value| value["Name"] == project).unwrap();
    let id = project["Id"].as_str().unwrap();
    format!("/api/Spaces-1/projects/{id}/{branch}/deploymentprocesses")
}

#[tokio::test]
async fn the_seed_is_the_same_at_each_start() {
    let processes = async || {
        let bench = Bench::new(Seed::Acme).await;
        bench.get("/api/Spaces-1/deploymentprocesses?take=1000").await
    };
    assert_eq!(processes().await, processes().await);
}

/// The server makes their ids of their names; the steps of a repository that was copied have their ids too.
#[test]
fn runbooks_with_one_id_in_two_repositories_are_distinct() {
    let workbench = Workbench::new(Seed::Acme);
    let [payments, invoices] = ["Payments", "Invoices"].map(|it| workbench.id("projects", it));
    workbench.edit(&format!("/api/Spaces-1/projects/{payments}"), |project| {
        project["PersistenceSettings"]["ProtectedDefaultBranch"] = false.into();
    });
    let at = |project: &str, rest: &str| {
        format!("/api/Spaces-1/projects/{project}/refs%2Fheads%2Fmain/{rest}")
    };
    let process = |project: &str| at(project, "runbookProcesses/RunbookProcess-restart");
    let steps = workbench.get(&process(&payments))["Steps"].clone();
    workbench.edit(&process(&invoices), |value| value["Steps"] = steps);
    let steps =
        || [&payments, &invoices].map(|text| workbench.get(&process(text))["Steps"].clone());
    let before = steps();
    let rule = |projects: &str| {
        format!(
            "version = 1\n[version_control]\n[[placements]]\nprocess = \"runbook\"\nproject = {projects}\nstep = \"*\"\npool = \"windows\"\n"
        )
    };
    for (projects, moves) in [
        ("\"Payments\"", [true, false]),
        ("\"Invoices\"", [false, true]),
        ("[\"Pay*\", \"Inv*\"]", [true, true]),
    ] {
        workbench.write("workers.toml", &rule(projects));
        workbench.apply();
        workbench.run(&["plan", "--exit-code"]).expect(0);
        let moved = [0, 1].map(|at| steps()[at] != before[at]);
        assert_eq!(moved, moves, "{projects}");
        workbench.write("last.json", &workbench.receipts().pop().unwrap().to_string());
        workbench.run(&["rollback", "last.json", "--auto-approve"]).expect(0);
        assert_eq!(steps(), before, "{projects}");
    }
}

/// A list of branches, each with whether it is protected, and the same branches one by one.
fn branches(all: &'static [(&str, bool)]) -> impl Fn(&str) -> Option<String> + Send + Sync {
    move |asked| {
        let (_, below) = asked.split_once("/projects/Projects-11/git/branches")?;
        let shown = |(name, protected): &(&str, bool)| serde_json::json!({ "Name": name, "IsProtected": protected });
        let one = below
            .strip_prefix("/refs%2Fheads%2F")
            .map(|prefix| prefix.split([' ', '?']).next().unwrap());
        match one {
            Some(one) => all.iter().find(|(name, _)| *name == one).map(|it| shown(it).to_string()),
            None => Some(serde_json::json!({ "TotalResults": all.len(), "Items": all.iter().map(shown).collect::<Vec<_>>() }).to_string()),
        }
    }
}

#[test]
fn branch_protection_and_spelling_come_from_the_server() {
    let rule = |said: &str| {
        file(&format!("[version_control]\n{said}"))
            .replace("[\"Checkout\", \"Payments\"]", "\"Checkout\"")
    };
    let protected: &[_] = &[("main", true), ("develop", false), ("release/1.0", true)];
    let cased: &[_] = &[("Main", false), ("main", false)];
    let beside: &[_] = &[("main", true), ("develop", true)];
    for (all, said, code, told) in [
        (protected, "", 3, "which accepts no commits"),
        (protected, "branch = [\"default\", \"develop\"]", 3, "which accepts no commits"),
        (protected, "on_protected = \"skip\"", 0, "on a protected branch stay"),
        (protected, "on_protected = \"branch:develop\"", 0, ""),
        (beside, "on_protected = \"branch:develop\"", 3, "is protected too"),
        // The settings protect it, though it is not there yet.
        (protected, "on_protected = \"branch:release/2\"", 3, "is protected too"),
        (cased, "branch = \"main\"", 0, "@main"),
        (cased, "branch = \"nobodys\"", 0, "no project that could be read has a branch `nobodys`"),
    ] {
        let workbench = Workbench::new(Seed::Acme);
        workbench.write("workers.toml", &rule(said));
        let url = workbench.in_front(branches(all));
        let output = workbench.run(&["plan", "--url", &url]);
        let text = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(output.code, code, "{said}\n{text}");
        assert!(text.contains(told) && !text.contains("@Main"), "{said}\n{text}");
    }
}

#[test]
fn steps_missing_from_a_stand_in_branch_are_reported() {
    let workbench = workbench(
        "[version_control]\non_unreachable = \"skip\"\non_protected = \"branch:trial\"\n",
    );
    let path = path(&workbench, "Payments", "trial");
    workbench.edit(&path, |process| process["Steps"] = Vec::<Value>::new().into());
    let plan = workbench.run(&["plan"]).expect(0).stdout;
    assert!(plan.contains("lacks what would change"), "{plan}");
    assert!(plan.contains("projects[\"Payments\"]@main.deployment.steps[\"Build"), "{plan}");
}

#[test]
fn a_commit_that_is_refused_is_tried_once_more() {
    let said = "[version_control]\non_protected = \"skip\"\n";
    let text = file(said).replace("[\"Checkout\", \"Payments\"]", "\"Checkout\"");
    let on = "PUT /api/Spaces-1/projects/Projects-11/refs%2Fheads%2Fmain/deploymentprocesses";
    for (refusals, code) in [(1, 0), (2, 5)] {
        let refused = |nth| Fault {
            nth,
            requests: Some(on.to_owned()),
            fault: FaultKind::Status { code: 400, retry_after: None },
        };
        let workbench = Workbench::failing(Seed::Acme, (1..=refusals).map(refused).collect());
        workbench.write("workers.toml", &text);
        workbench.run(&["apply", "--auto-approve"]).expect(code);
        assert_eq!(workbench.count(on), 2);
    }
}

#[test]
fn the_unreadable_branch_among_several_is_named() {
    let on = "GET /api/Spaces-1/projects/Projects-12/refs%2Fheads%2Ftrial/deploymentprocesses";
    let what = FaultKind::Status { code: 400, retry_after: None };
    let workbench = Workbench::failing(
        Seed::Acme,
        vec![Fault { nth: 1, requests: Some(on.to_owned()), fault: what }],
    );
    let said = "[version_control]\nbranch = [\"default\", \"trial\"]\n";
    let text = file(said).replace("[\"Checkout\", \"Payments\"]", "\"Payments\"");
    workbench.write("workers.toml", &text);
    let plan = workbench.run(&["plan"]).expect(3).stdout;
    assert!(plan.contains("project \"Payments\": on branch \"trial\": "), "{plan}");
}

const BESIDE: &str =
    "[version_control]\non_unreachable = \"skip\"\non_protected = \"branch:poolwright/move\"\n";

/// Without turns, both look at a branch before the commit of the other is there.
#[test]
fn two_applies_at_once_commit_each_change_once() {
    let commits = |workbench: &Workbench| {
        ["Checkout", "Payments"].map(|project| {
            let id = workbench.id("projects", project);
            let path = format!("/api/Spaces-1/projects/{id}/git/commits?take=100");
            workbench.get(&path)["Items"].as_array().unwrap().len()
        })
    };
    let alone = workbench(BESIDE);
    let before = commits(&alone);
    alone.run(&["apply", "--auto-approve"]).expect(0);
    let once = commits(&alone);
    assert!(once[0] > before[0] && once[1] > before[1], "{before:?} {once:?}");
    let workbench = Workbench::with_rules(Seed::Acme, &["delay 2s on PUT */projects/*"]);
    workbench.write("workers.toml", &file(BESIDE));
    let mut applies = [(); 2].map(|()| workbench.begin(&["apply", "--auto-approve"]));
    for apply in &mut applies {
        let code = apply.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 4)), "{code:?}");
    }
    assert_eq!(commits(&workbench), once);
    workbench.settled();
}
