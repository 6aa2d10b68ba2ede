//! The list of applies, and the rollback of the last.

use crate::workbench::{Output, Workbench};
use serde_json::Value;

const FILE: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n";

/// A company with two applies and a rollback.
fn applied() -> Workbench {
    let workbench = Workbench::chapter(FILE);
    workbench.apply();
    workbench.write("workers.toml", &format!("{FILE}[pools.web]\n[pools.mail]\n"));
    workbench.apply();
    workbench.run(&["rollback", "2", "--auto-approve"]).expect(0);
    workbench
}

/// Replaces what differs from run to run.
fn hide(workbench: &Workbench, text: &str) -> String {
    let mut text = text.replace(workbench.bench.sandbox.url(), "URL");
    for file in workbench.receipt_files() {
        let receipt = std::fs::read_to_string(&file).unwrap_or_default();
        let Ok(receipt) = serde_json::from_str::<Value>(&receipt) else { continue };
        let name = file.file_name().unwrap().to_str().unwrap();
        text = text.replace(name, "FILE.json");
        for (key, word) in [("/started", "TIME"), ("/ended", "TIME"), ("/run/plan", "DIGEST")] {
            let value = receipt.pointer(key).and_then(Value::as_str);
            text = value.map_or(text.clone(), |value| text.replace(value, word));
        }
    }
    text
}

#[test]
fn the_history_lists_every_receipt_and_is_not_stopped_by_other_files() {
    let workbench = applied();
    workbench.write(".poolwright/receipts/broken.json", "{\"::error::\u{1b}[2J\": 1");
    workbench.write(".poolwright/receipts/notes.txt", "not a receipt");
    std::fs::create_dir(workbench.folder.path().join(".poolwright/receipts/folder.json")).unwrap();
    let Output { stdout, stderr, .. } = workbench.run(&["history"]).expect(0);
    insta::assert_snapshot!(hide(&workbench, &stdout), @"
    #  started               by     commit  wave  result
    1  TIME  admin  -       -     1 change made
    2  TIME  admin  -       -     2 changes made
    3  TIME  admin  -       -     rollback: 2 changes made
    ");
    insta::assert_snapshot!(stderr, @"
    warning: `.poolwright/receipts/broken.json` is left out: this is not a receipt: there is a syntax error at line 1, column 12
    warning: `.poolwright/receipts/folder.json` is left out: it is not a file, or too large
    ");
    let json = workbench.run(&["history", "--format", "json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let receipts = json["receipts"].as_array().unwrap();
    assert_eq!(receipts.len(), 3);
    assert_eq!(json["unreadable"].as_array().unwrap().len(), 2);
    assert_eq!(receipts[1]["changes"]["done"], 2);
    assert_eq!(receipts[2]["origin"], "rollback");
    assert_eq!(receipts[0]["run"]["user"], "admin");
}

#[test]
fn a_receipt_from_the_history_is_shown_as_text() {
    let workbench = applied();
    let shown = workbench.run(&["history", "show", "2"]).expect(0).stdout;
    insta::assert_snapshot!(hide(&workbench, &shown), @"
    receipt  .poolwright/receipts/FILE.json
    server   URL, space Default
    tool     poolwright 0.1.0
    by       admin
    plan     DIGEST
    started  TIME
    ended    TIME

      done      + pools.web
      done      + pools.mail

    2 changes made
    ");
    let json = workbench.run(&["history", "show", "2", "--format", "json"]).expect(0).stdout;
    let file = &workbench.receipt_files()[1];
    assert_eq!(json, std::fs::read_to_string(file).unwrap());
    let by_file = workbench.run(&["history", "show", file.to_str().unwrap()]).expect(0).stdout;
    assert_eq!(by_file.lines().last(), shown.lines().last());
    let Output { stderr, .. } = workbench.run(&["history", "show", "7"]).expect(1);
    insta::assert_snapshot!(stderr, @"
    error: there is no receipt 7: they are numbered from 1 to 3
    help: list them with `poolwright history`, or name a file
    ");
}

#[test]
fn a_folder_without_receipts_has_no_history() {
    let workbench = Workbench::chapter(FILE);
    let Output { stdout, stderr, .. } = workbench.run(&["history"]).expect(0);
    assert_eq!(
        (stdout.as_str(), stderr.as_str()),
        ("", "there are no receipts in .poolwright/receipts\n")
    );
    let Output { stderr, .. } = workbench.run(&["rollback"]).expect(1);
    insta::assert_snapshot!(stderr, @"
    error: no receipt is named, and .poolwright/receipts has none of an apply that wrote something
    help: name the receipt of an apply: `poolwright rollback RECEIPT`
    ");
}

#[test]
fn without_a_terminal_a_rollback_names_the_last_receipt() {
    let workbench = Workbench::chapter(FILE);
    workbench.apply();
    let writes = workbench.writes();
    for args in [&["rollback"][..], &["rollback", "--auto-approve"], &["rollback", "-o", "b.json"]]
    {
        let Output { stderr, .. } = workbench.run(args).expect(1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(hide(&workbench, &stderr), @"
            error: no receipt is named
            help: `poolwright rollback .poolwright/receipts/FILE.json` undoes the last apply (TIME by admin: 1 change made)
            ");
        }
    }
    assert_eq!(workbench.writes(), writes);
    // Of another server or space there is none.
    for other in [["--url", "https://other.example"], ["--space", "Operations"]] {
        let Output { stderr, .. } = workbench.run(&["rollback", other[0], other[1]]).expect(1);
        assert!(stderr.contains("has none of an apply"), "{stderr}");
    }
}

/// A person at a terminal is asked, twice: which apply, and whether the plan is right.
#[cfg(target_os = "linux")]
#[test]
fn a_rollback_without_a_receipt_offers_the_last_one_at_a_terminal() {
    let workbench = Workbench::chapter(FILE);
    workbench.apply();
    let program = env!("CARGO_BIN_EXE_poolwright");
    let answer = |answers: &str| {
        let script = format!("printf '{answers}' | script -qec '{program} rollback' /dev/null; :");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).current_dir(workbench.folder.path());
        command
            .env("OCTOPUS_URL", workbench.bench.sandbox.url())
            .env("OCTOPUS_API_KEY", workbench.key);
        command.env_remove("CI");
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    let told = answer("no\\n");
    assert!(told.contains("The last apply is .poolwright/receipts/"), "{told}");
    assert!(told.contains("1 change made") && told.contains("nothing was written"), "{told}");
    assert!(workbench.names("workerpools").contains(&"SQL".to_owned()));
    let told = answer("yes\\nyes\\n");
    assert!(told.contains("Applied: 1 change"), "{told}");
    assert!(!workbench.names("workerpools").contains(&"SQL".to_owned()));
}
