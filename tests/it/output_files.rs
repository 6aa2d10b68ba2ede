//! What a run writes, and what it never writes over.

use crate::workbench::{Output, Workbench};
use std::fs;

const FILE: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n";

#[track_caller]
fn refused(workbench: &Workbench, args: &[&str]) -> String {
    let requests = workbench.bench.sandbox.recent_requests().len();
    let Output { stderr, .. } = workbench.run(args).expect(1);
    // It is refused before the server is asked for anything.
    assert_eq!(workbench.bench.sandbox.recent_requests().len(), requests, "{args:?}");
    stderr
}

#[test]
fn a_plan_replaces_only_an_earlier_plan_of_its_own() {
    let workbench = Workbench::chapter(FILE);
    workbench.run(&["apply", "--auto-approve", "--receipt", "receipt.json"]).expect(0);
    let more = format!("{FILE}[pools.web]\n");
    workbench.write("workers.toml", &more);
    workbench.write("other.toml", &more);
    workbench.write("notes.txt", "Call Alice");
    let url = workbench.bench.sandbox.url();
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let mut told = String::new();
    for args in [
        &["plan", "-o", "receipt.json"][..],
        &["plan", "-o", "notes.txt"],
        &["plan", "-o", "./workers.toml"],
        &["plan", "-o", "plan.json", "-f", "other.toml"],
        &["plan", "-o", "plan.json", "--space", "Operations"],
        &["rollback", "receipt.json", "-o", "plan.json"],
        &["rollback", "receipt.json", "-o", "./receipt.json"],
        &["apply", "plan.json", "--receipt", "./plan.json"],
        &["apply", "plan.json", "--receipt", "workers.toml"],
        &["apply", "--auto-approve", "--receipt", "./workers.toml"],
        &["apply", "--auto-approve", "--receipt", "plan.json"],
        &["rollback", "receipt.json", "--auto-approve", "--receipt", "receipt.json"],
    ] {
        let stderr = refused(&workbench, args);
        told.push_str(stderr.lines().next().unwrap());
        told.push('\n');
        assert!(stderr.contains("\nhelp: save the "), "{stderr}");
    }
    insta::assert_snapshot!(told, @"
    error: cannot save the plan to `receipt.json`: it is the receipt of an apply
    error: cannot save the plan to `notes.txt`: it is a file that poolwright did not write
    error: cannot save the plan to `./workers.toml`: it is a configuration file
    error: cannot save the plan to `plan.json`: it is a plan made from `workers.toml`
    error: cannot save the plan to `plan.json`: it is a plan for space `Default`
    error: cannot save the plan to `plan.json`: it is a plan made from `workers.toml`
    error: cannot save the plan to `./receipt.json`: it is the receipt
    error: cannot save the receipt to `./plan.json`: it is the saved plan
    error: cannot save the receipt to `workers.toml`: it is a file that poolwright did not write
    error: cannot save the receipt to `./workers.toml`: it is a configuration file
    error: cannot save the receipt to `plan.json`: it is a saved plan
    error: cannot save the receipt to `receipt.json`: it is the receipt
    ");
    assert_eq!(workbench.read("notes.txt"), "Call Alice");
    // The same plan again, and one of a file that was added.
    let earlier = workbench.read("plan.json");
    workbench.run(&["plan", "-o", "plan.json", "--url", &format!("{url}/")]).expect(0);
    workbench.write("third.toml", "version = 1\n[pools.third]\n");
    workbench.run(&["plan", "-f", "workers.toml", "-f", "third.toml", "-o", "plan.json"]).expect(0);
    assert_ne!(workbench.read("plan.json"), earlier);
}

#[test]
fn a_receipt_gets_a_numbered_name_beside_an_earlier_one() {
    let workbench = Workbench::chapter(FILE);
    let args = ["apply", "--auto-approve", "--receipt", "receipts/last.json"];
    workbench.run(&args).expect(0);
    let first = workbench.read("receipts/last.json");
    for (n, pool) in ["web", "mail"].iter().enumerate() {
        workbench.write("workers.toml", &format!("{FILE}[pools.{pool}]\n"));
        let Output { stderr, .. } = workbench.run(&args).expect(0);
        let beside = format!("receipts/last-{}.json", n + 1);
        let expected = format!(
            "note: `receipts/last.json` is the receipt of another run; this one is `{beside}`\n"
        );
        assert!(stderr.contains(&expected), "{stderr}");
        let saved = format!("saved to {beside}; undo it with `poolwright rollback {beside}`\n");
        assert!(stderr.contains(&saved), "{stderr}");
        assert!(workbench.read(&beside).contains(pool));
    }
    assert_eq!(workbench.read("receipts/last.json"), first);
    // An empty file, such as one of `mktemp`, holds nothing that could be lost.
    workbench.write("empty.json", "");
    workbench.write("workers.toml", &format!("{FILE}[pools.last]\n"));
    workbench.run(&["apply", "--auto-approve", "--receipt", "empty.json"]).expect(0);
    assert!(workbench.read("empty.json").contains("pools.last"));
}

#[test]
fn every_command_that_writes_a_file_says_where_and_what_comes_next() {
    let workbench = Workbench::chapter(FILE);
    let mut told = String::new();
    for args in [
        &["init", "new.toml"][..],
        &["plan", "-o", "plan.json"],
        &["apply", "plan.json", "--receipt", "receipt.json"],
        &["rollback", "receipt.json", "-o", "back.json"],
        &["plan", "-o", "nothing.json"],
        &["pull", "-o", "live.toml"],
        &["pull", "--keep", "workers.toml"],
        &["sandbox", "--export", "state.json", "--db", "x.db"],
        &["man", "--to", "."],
    ] {
        if args[0] == "sandbox" {
            workbench.run(&["plan", "--url", "sandbox:x.db"]).expect(0);
        }
        if args.contains(&"--keep") {
            workbench.send("POST", "/api/Spaces-1/workerpools", crate::sandbox::pool("More"));
        }
        let Output { stderr, .. } = workbench.run(args).expect(0);
        let saved = stderr.lines().find(|line| line.starts_with("saved to "));
        told.push_str(saved.unwrap_or_else(|| panic!("{args:?}: {stderr}")));
        told.push('\n');
    }
    insta::assert_snapshot!(told, @"
    saved to new.toml; edit it, then run `poolwright plan -f new.toml`
    saved to plan.json; apply it with `poolwright apply plan.json`
    saved to receipt.json; undo it with `poolwright rollback receipt.json`
    saved to back.json; apply it with `poolwright apply back.json`
    saved to nothing.json; show it with `poolwright show nothing.json`
    saved to live.toml; check it with `poolwright plan -f live.toml`
    saved to workers.toml; check it with `poolwright plan`
    saved to state.json; start from it with `poolwright sandbox --import state.json`
    saved to .; read the first page with `man -l ./poolwright.1`
    ");
    let refused = refused(&workbench, &["sandbox", "--export", "plan.json", "--db", "x.db"]);
    insta::assert_snapshot!(refused, @"
    error: cannot save the state to `plan.json`: it is a saved plan
    help: save the state to another file
    ");
    assert!(fs::read_to_string(workbench.folder.path().join("state.json")).unwrap().len() > 100);
}
