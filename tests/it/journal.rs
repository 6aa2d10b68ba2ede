//! The receipt while it is written: killed, stopped, or without a place to write to.

#![cfg(unix)]

use crate::{
    rollback::unversioned,
    workbench::{Output, Workbench, output},
};
use octopus_sandbox::{Fault, FaultKind, Seed};
use poolwright_core::receipt::{ApplyStatus, ChangeOutcome, Receipt, ReceiptEntry};

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Moves every step of the company.
const FILE: &str = "version = 1\n[[placements]]\npool = \"General\"\n";

/// Hundreds of steps, and the file that moves them.
fn workbench(faults: Vec<Fault>) -> Workbench {
    let workbench = Workbench::failing(Seed::Large { projects: 60, steps: 10, workers: 4 }, faults);
    workbench.write("workers.toml", FILE);
    workbench
}

/// The nth write of a process takes so long that no test waits for it.
fn stuck(nth: usize) -> Vec<Fault> {
    let fault = FaultKind::Delay(Duration::from_secs(3600));
    vec![Fault { nth, requests: Some("PUT".to_owned()), fault }]
}

fn signal(child: &Child, name: &str) {
    let process = child.id().to_string();
    assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
}

fn read(path: &Path) -> Receipt {
    Receipt::read(fs::read(path).unwrap()).unwrap()
}

fn count(receipt: &Receipt, outcome: ChangeOutcome) -> usize {
    receipt.entries.iter().filter(|entry| entry.outcome == outcome).count()
}

impl Workbench {
    /// Rolls back, and expects that every byte is as it was.
    fn leads_back(&self, receipt: &str, before: &BTreeMap<String, String>) {
        self.run(&["rollback", receipt, "--auto-approve"]).expect(0);
        assert_eq!(unversioned(&self.processes()), unversioned(before));
    }

    /// The program under a limit of the shell.
    fn run_in_shell(&self, script: &str, args: &[&str]) -> Output {
        let program = self.command(args);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{script} \"$0\" \"$@\"")).arg(program.get_program());
        shell.args(program.get_args()).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        output(&mut shell)
    }
}

/// The receipt at the end of standard error.
fn printed(stderr: &str) -> Receipt {
    let start = stderr.find("\n{\n").unwrap_or_else(|| panic!("no receipt in {stderr}"));
    Receipt::read(&stderr[start + 1..]).unwrap()
}

#[test]
fn a_kill_amid_many_changes_leaves_a_receipt_that_rolls_back() {
    let workbench = workbench(Vec::new());
    let before = workbench.processes();
    for writes in [1, 7, 19, 40] {
        let writes = workbench.count("PUT") + writes;
        let mut child = workbench.begin(&["apply", "--auto-approve"]);
        workbench.wait_for(writes, "PUT", &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        let path = workbench.receipt();
        let receipt = read(Path::new(&path));
        assert_eq!(receipt.status, ApplyStatus::Running);
        for entry in &receipt.entries {
            let was_sent = entry.outcome != ChangeOutcome::Skipped;
            assert_eq!(was_sent, !entry.written.is_empty(), "{entry:?}");
        }
        workbench.leads_back(&path, &before);
    }
    workbench.apply();
    workbench.settled();
}

/// Whatever a crash has left of the last line, the lines before it hold.
#[test]
fn a_truncated_journal_is_rolled_back_as_far_as_it_goes() {
    let workbench = workbench(stuck(9));
    let before = workbench.processes();
    let mut child = workbench.begin(&["apply", "--auto-approve", "--parallelism", "1"]);
    workbench.wait_for(9, "PUT", &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let path = workbench.receipt();
    let journal = fs::read(&path).unwrap();
    let start = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let cut = |end: usize| {
        fs::write(&path, &journal[..end]).unwrap();
        workbench.run(&["rollback", &path, "-o", "back.json"])
    };
    let Output { stderr, .. } = cut(start / 2).expect(1);
    assert!(stderr.contains("ends within its first line"), "{stderr}");
    for end in [start, start + 1, journal.len() - 1] {
        cut(end).expect(0);
    }
    let mut garbled = journal.clone();
    garbled[start + 3..start + 6].fill(0);
    fs::write(&path, garbled).unwrap();
    let Output { stderr, .. } = workbench.run(&["rollback", &path, "-o", "back.json"]).expect(1);
    assert!(stderr.contains("its line 2 is not an event of a journal"), "{stderr}");
    fs::write(&path, &journal).unwrap();
    workbench.leads_back(&path, &before);
}

#[test]
fn a_second_signal_of_any_kind_leaves_an_accurate_receipt() {
    for [first, second] in [["-INT", "-TERM"], ["-TERM", "-INT"], ["-INT", "-INT"]] {
        let workbench = workbench(stuck(3));
        let before = workbench.processes();
        let mut child = workbench.begin(&["apply", "--auto-approve", "--parallelism", "1"]);
        workbench.wait_for(3, "PUT", &mut child);
        signal(&child, first);
        // Two signals of one kind that arrive together are one, so another one follows until it is heard.
        let mut patience = 6_000;
        signal(&child, second);
        while first == second && child.try_wait().unwrap().is_none() && patience > 0 {
            signal(&child, second);
            std::thread::sleep(Duration::from_millis(10));
            patience -= 1;
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let path = workbench.receipt();
        // It is the final receipt.
        let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(document["status"], "partial");
        let receipt = read(Path::new(&path));
        assert!(count(&receipt, ChangeOutcome::Done) > 0);
        assert!(count(&receipt, ChangeOutcome::Unknown) > 0);
        let why = |entry: &&ReceiptEntry| entry.is_unknown();
        let unknown = receipt.entries.iter().find(why).unwrap();
        assert_eq!(unknown.error.as_deref(), Some("stopped before the server answered"));
        assert!(!unknown.written.is_empty());
        workbench.leads_back(&path, &before);
    }
}

/// The length of the first line of a journal, from a run that is killed at its first write.
fn start_length() -> usize {
    let workbench = workbench(stuck(1));
    let mut child = workbench.begin(&["apply", "--auto-approve", "--parallelism", "1"]);
    workbench.wait_for(1, "PUT", &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let journal = fs::read(workbench.receipt()).unwrap();
    journal.iter().position(|byte| *byte == b'\n').unwrap()
}

#[test]
fn a_receipt_that_cannot_grow_ends_the_apply_and_is_printed() {
    let workbench = workbench(Vec::new());
    let before = workbench.processes();
    let args = ["apply", "--auto-approve", "--parallelism", "4"];
    // A shell counts in blocks of 512 bytes.
    let Output { stderr, .. } = workbench.run_in_shell("ulimit -f 1; exec", &args).expect(1);
    assert!(stderr.contains("nothing was written"), "{stderr}");
    assert_eq!(workbench.count("PUT"), 0);

    let limit = format!("ulimit -f {}; exec", start_length() / 512 + 24);
    let Output { stderr, .. } = workbench.run_in_shell(&limit, &args).expect(5);
    let sent = workbench.count("PUT");
    let receipt = printed(&stderr);
    assert_eq!(receipt.status, ApplyStatus::Partial);
    let done = count(&receipt, ChangeOutcome::Done);
    assert!(done > 0 && count(&receipt, ChangeOutcome::Skipped) > 0, "{stderr}");
    assert_eq!(count(&receipt, ChangeOutcome::Unknown), 0, "{stderr}");
    // Of changes that share a request, some may have been recorded; the request was not sent.
    let failed = |entry: &&ReceiptEntry| entry.outcome == ChangeOutcome::Failed;
    for entry in receipt.entries.iter().filter(failed) {
        assert!(entry.error.as_ref().unwrap().starts_with("nothing was sent"), "{entry:?}");
    }
    assert!(sent < 60, "{sent}");
    assert!(stderr.contains("the receipt cannot be written"), "{stderr}");
    // So does what was left on disk.
    let left = read(Path::new(&workbench.receipt()));
    let is_started = |entry: &&ReceiptEntry| !entry.written.is_empty();
    assert!(left.entries.iter().filter(is_started).count() >= done);
    workbench.write("printed.json", &receipt.to_json_text());
    workbench.leads_back("printed.json", &before);
}

#[test]
fn a_receipt_whose_folder_vanishes_ends_the_apply_and_is_printed() {
    let fault = FaultKind::Delay(Duration::from_secs(3));
    let fault = Fault { nth: 5, requests: Some("PUT".to_owned()), fault };
    let workbench = workbench(vec![fault]);
    let before = workbench.processes();
    let mut command = workbench.command(&["apply", "--auto-approve", "--parallelism", "1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    workbench.wait_for(5, "PUT", &mut child);
    fs::remove_dir_all(workbench.folder.path().join(".poolwright")).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(5));
    let receipt = printed(&String::from_utf8(ended.stderr).unwrap());
    assert_eq!(workbench.count("PUT"), 5);
    assert_eq!(count(&receipt, ChangeOutcome::Unknown), 0);
    workbench.write("printed.json", &receipt.to_json_text());
    workbench.leads_back("printed.json", &before);
}

#[test]
fn a_device_accepts_a_journal_and_a_full_one_prevents_writes() {
    let workbench = workbench(Vec::new());
    let full = ["apply", "--auto-approve", "--receipt", "/dev/full"];
    let Output { stderr, .. } = workbench.run(&full).expect(1);
    assert!(stderr.contains("cannot write `/dev/full`"), "{stderr}");
    assert_eq!(workbench.count("PUT"), 0);
    workbench.run(&["apply", "--auto-approve", "--receipt", "/dev/null"]).expect(0);
    workbench.settled();
}

#[test]
fn a_journal_in_a_pipe_says_how_the_apply_ended() {
    let workbench = workbench(Vec::new());
    let before = workbench.processes();
    let script = "mkfifo pipe; cat pipe > piped.jsonl & exec";
    let args = ["apply", "--auto-approve", "--receipt", "pipe"];
    workbench.run_in_shell(script, &args).expect(0);
    let path = workbench.folder.path().join("piped.jsonl");
    // The other end of the pipe may be a moment behind.
    let mut patience = 6_000;
    while read(&path).status == ApplyStatus::Running && patience > 0 {
        std::thread::sleep(Duration::from_millis(10));
        patience -= 1;
    }
    let receipt = read(&path);
    assert_eq!(receipt.status, ApplyStatus::Done);
    assert!(fs::read_to_string(&path).unwrap().lines().count() > receipt.entries.len());
    workbench.leads_back("piped.jsonl", &before);
}

#[test]
fn the_receipt_of_a_killed_apply_is_not_overwritten() {
    let workbench = workbench(stuck(2));
    let before = workbench.processes();
    let args = ["apply", "--auto-approve", "--parallelism", "1", "--receipt", "receipt.json"];
    let mut child = workbench.begin(&args);
    workbench.wait_for(2, "PUT", &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = workbench.read("receipt.json");
    let Output { stderr, .. } = workbench.run(&args).expect(0);
    assert!(stderr.contains("this one is `receipt-1.json`"), "{stderr}");
    assert_eq!(workbench.read("receipt.json"), killed);
    // The last one first.
    workbench.run(&["rollback", "receipt-1.json", "--auto-approve"]).expect(0);
    workbench.leads_back("receipt.json", &before);
}

/// Every line of a journal is as the schema says.
#[test]
fn a_journal_conforms_to_its_schema() {
    let workbench = workbench(stuck(4));
    let mut child = workbench.begin(&["apply", "--auto-approve", "--parallelism", "2"]);
    workbench.wait_for(4, "PUT", &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let schema: Value =
        serde_json::from_str(include_str!("../../schema/receipt.schema.json")).unwrap();
    let mut event = schema.clone();
    event.as_object_mut().unwrap().retain(|key, _| key.starts_with('$'));
    event["$ref"] = "#/$defs/event".into();
    let [receipt, event] = [schema, event].map(|it| jsonschema::validator_for(&it).unwrap());
    let journal = fs::read_to_string(PathBuf::from(workbench.receipt())).unwrap();
    let mut lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    receipt.validate(&lines.next().unwrap()).unwrap();
    assert!(lines.clone().count() > 2);
    lines.for_each(|line| event.validate(&line).unwrap_or_else(|error| panic!("{line}: {error}")));
}

/// A pool, and a worker in it.
const POOL_AND_WORKER: &str = r#"
version = 1

[pools.sql]
name = "SQL"

[workers.db-01]
pools     = ["sql"]
listening = { url = "https://db-01:10933", thumbprint = "0E80575D3BD8D30854802A4E8340A2E23AE961FD" }
"#;

/// The nth creation of a pool or worker takes long.
fn slow_creation(nth: usize, seconds: u64) -> Vec<Fault> {
    let fault = FaultKind::Delay(Duration::from_secs(seconds));
    vec![Fault { nth, requests: Some("POST".to_owned()), fault }]
}

fn db_worker(workbench: &Workbench, url: &str) -> Value {
    let mut worker = crate::sandbox::worker("db-01", &[&workbench.id("workerpools", "Other")]);
    worker["Endpoint"]["Uri"] = url.into();
    worker
}

/// Between the plan and the creation of the worker, somebody else registers one of its name.
#[test]
fn a_worker_registered_just_before_is_not_undone() {
    for (url, code) in [("https://db-01:10933", 5), ("https://db-09:10933", 5)] {
        let workbench = Workbench::failing(Seed::Chapter, slow_creation(2, 5));
        workbench.write("workers.toml", POOL_AND_WORKER);
        workbench.send("POST", "/api/Spaces-1/workerpools", crate::sandbox::pool("Other"));
        let mut child = workbench.begin(&["apply", "--auto-approve"]);
        workbench.wait_for(2, "POST /api/Spaces-1/workerpools", &mut child);
        let worker = db_worker(&workbench, url);
        let worker = workbench.send("POST", "/api/Spaces-1/workers", worker);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let receipt = read(Path::new(&workbench.receipt()));
        assert!(receipt.entries[1].written.is_empty(), "{:?}", receipt.entries[1]);
        workbench.run(&["rollback", &workbench.receipt(), "--auto-approve"]).expect(0);
        assert_eq!(workbench.id("workers", "db-01"), worker["Id"]);
        assert_eq!(workbench.names("workerpools"), ["Default Worker Pool", "Other"]);
    }
}

/// The apply is killed while it creates the worker, and does not know whether it did.
#[test]
fn an_unconfirmed_creation_is_undone_only_if_it_matches_the_plan() {
    for is_own in [true, false] {
        let workbench = Workbench::failing(Seed::Chapter, slow_creation(3, 3600));
        workbench.write("workers.toml", POOL_AND_WORKER);
        workbench.send("POST", "/api/Spaces-1/workerpools", crate::sandbox::pool("Other"));
        let mut child = workbench.begin(&["apply", "--auto-approve"]);
        workbench.wait_for(1, "POST /api/Spaces-1/workers", &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut worker = db_worker(&workbench, "https://db-01:10933");
        if is_own {
            worker["WorkerPoolIds"] = vec![workbench.id("workerpools", "SQL")].into();
        }
        workbench.send("POST", "/api/Spaces-1/workers", worker);
        let back = workbench.run(&["rollback", &workbench.receipt(), "-o", "back.json"]).expect(0);
        assert_eq!(back.stdout.contains("is not as this apply would have made it"), !is_own);
        workbench.run(&["rollback", &workbench.receipt(), "--auto-approve"]);
        assert_eq!(workbench.names("workers").is_empty(), is_own);
    }
}

/// While a process is written, somebody else saves it with the same changes: the write is refused as stale, and the
/// changes are there.
#[test]
fn a_concurrent_change_by_someone_else_is_not_undone() {
    let fault = FaultKind::Delay(Duration::from_secs(5));
    let fault = Fault { nth: 1, requests: Some("PUT".to_owned()), fault };
    let workbench = workbench(vec![fault]);
    let mut child = workbench.begin(&["apply", "--auto-approve", "--parallelism", "1"]);
    workbench.wait_for(1, "PUT", &mut child);
    let requests = workbench.bench.sandbox.recent_requests();
    let path = requests.iter().find_map(|request| request.strip_prefix("PUT ")).unwrap();
    let pool = workbench.id("workerpools", "General");
    workbench.edit(path, |process| {
        for step in process["Steps"].as_array_mut().unwrap() {
            step["Actions"][0]["WorkerPoolId"] = pool.clone().into();
        }
    });
    let theirs = workbench.text(path);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(workbench.text(path), theirs);
    workbench.run(&["rollback", &workbench.receipt(), "--auto-approve"]).expect(0);
    assert_eq!(workbench.text(path), theirs);
}

/// A disabled worker with a policy of its own, which become those of a worker of another kind.
fn replacing(faults: Vec<Fault>) -> (Workbench, Value) {
    let workbench = Workbench::failing(Seed::Chapter, faults);
    workbench.write("workers.toml", r#"
version = 1

[workers.db-01]
pools   = ["Default Worker Pool"]
polling = { subscription = "poll://ih8pbyo8vxqjv0kbwwzc/", thumbprint = "0E80575D3BD8D30854802A4E8340A2E23AE961FD" }
"#);
    let policy = serde_json::json!({ "Name": "Careful" });
    let policy = workbench.send("POST", "/api/Spaces-1/machinepolicies", policy);
    let pool = workbench.id("workerpools", "Default Worker Pool");
    let mut worker = crate::sandbox::worker("db-01", &[&pool]);
    worker["IsDisabled"] = true.into();
    worker["Slug"] = "the-database".into();
    worker["MachinePolicyId"] = policy["Id"].clone();
    let worker = workbench.send("POST", "/api/Spaces-1/workers", worker);
    (workbench, worker)
}

/// What is left of a worker if its ids and health do not count.
fn settings(worker: &Value) -> Value {
    let endpoint = ["CommunicationStyle", "Uri", "Thumbprint", "ProxyId"];
    let endpoint = endpoint.map(|field| worker["Endpoint"][field].clone());
    let fields = ["Name", "Slug", "IsDisabled", "MachinePolicyId", "WorkerPoolIds"];
    let fields = fields.map(|field| (field.to_owned(), worker[field].clone()));
    let mut kept: serde_json::Map<String, Value> = fields.into_iter().collect();
    kept.insert("Endpoint".to_owned(), endpoint.into_iter().collect());
    Value::Object(kept)
}

#[test]
fn a_replacement_and_its_rollback_keep_the_slug() {
    let (workbench, old) = replacing(Vec::new());
    workbench.apply();
    let slug = || workbench.get("/api/Spaces-1/workers/all")[0]["Slug"].clone();
    assert_eq!(slug(), old["Slug"]);
    workbench.run(&["rollback", &workbench.receipt(), "--auto-approve"]);
    assert_eq!(slug(), old["Slug"]);
    assert_eq!(settings(&workbench.get("/api/Spaces-1/workers/all")[0]), settings(&old));
}

#[test]
fn a_replacement_that_stops_anywhere_loses_nothing() {
    let stops = [FaultKind::Delay(Duration::from_secs(3600)), FaultKind::DropAfter];
    for (method, set_up) in [("POST", 2), ("DELETE", 0), ("PUT", 0)] {
        for (stop, goes_back) in stops.iter().flat_map(|stop| [(stop, true), (stop, false)]) {
            let about = format!("{method} {stop:?} {goes_back}");
            let fault =
                Fault { nth: set_up + 1, requests: Some(method.to_owned()), fault: stop.clone() };
            let (workbench, old) = replacing(vec![fault]);
            let mut child = workbench.begin(&["apply", "--auto-approve"]);
            workbench.wait_for(set_up + 1, method, &mut child);
            child.kill().unwrap();
            child.wait().unwrap();
            if goes_back {
                let receipt = workbench.receipt();
                workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
                let workers = workbench.get("/api/Spaces-1/workers/all");
                assert_eq!(workers.as_array().unwrap().len(), 1, "{about}: {workers:#}");
                assert_eq!(settings(&workers[0]), settings(&old), "{about}");
            }
            workbench.apply();
            workbench.settled();
            let workers = workbench.get("/api/Spaces-1/workers/all");
            assert_eq!(workers.as_array().unwrap().len(), 1, "{about}: {workers:#}");
            for field in ["Name", "Slug", "IsDisabled", "MachinePolicyId", "WorkerPoolIds"] {
                assert_eq!(workers[0][field], old[field], "{about}");
            }
            assert_eq!(workers[0]["Endpoint"]["CommunicationStyle"], "TentacleActive", "{about}");
        }
    }
}
