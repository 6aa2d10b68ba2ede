//! A rollback leads all the way back, or says what it leaves.

use crate::{sandbox, workbench::Workbench};
use octopus_sandbox::Seed;
use serde_json::{Value, json};

const HEAD: &str = "version = 1\n[gates]\nempty-pool = \"allow\"\nunhealthy-pool = \"allow\"\n";

impl Workbench {
    fn apply_text(&self, text: &str) {
        self.write("workers.toml", &format!("{HEAD}{text}"));
        self.run(&["apply", "--auto-approve", "--receipt", "receipt.json"]).expect(0);
    }

    fn undo(&self) -> crate::workbench::Output {
        self.run(&["rollback", "receipt.json", "--auto-approve"])
    }

    fn document(&self, kind: &str, name: &str) -> Value {
        self.get(&format!("/api/Spaces-1/{kind}/{}", self.id(kind, name)))
    }

    /// Edits the receipt as a stranger might.
    fn forge(&self, edit: impl FnOnce(&mut Value)) {
        let mut receipt: Value = serde_json::from_str(&self.read("receipt.json")).unwrap();
        edit(&mut receipt);
        self.write("receipt.json", &receipt.to_string());
    }

    /// Rolls back by a receipt that is refused, with what is said of it.
    fn refused(&self) -> String {
        let writes = self.writes();
        let output = self.undo();
        assert!([1, 3, 5].contains(&output.code), "{}{}", output.stdout, output.stderr);
        assert_eq!(self.writes(), writes, "{}", output.stdout);
        format!("{}{}", output.stdout, output.stderr)
    }
}

#[test]
fn an_unreadable_step_in_git_is_reported_and_the_rest_rolls_back() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.apply_text(
        "[pools.linux]\nname = \"Linux\"\ndescription = \"new\"\n[[placements]]\nprocess = \"any\"\n\
         project = \"Checkout\"\nstep = \"Build*\"\npool = \"Windows\"\n[version_control]\n\
         on_unreachable = \"skip\"\n",
    );
    let id = workbench.id("projects", "Checkout");
    workbench.edit(&format!("/api/Spaces-1/projects/{id}"), |project| {
        project["PersistenceSettings"]["Url"] = json!("https://git.acme.invalid/checkout.git");
    });
    let output = workbench.undo().expect(5);
    assert!(output.stdout.contains("warning[unread-entry]"), "{}", output.stdout);
    assert!(output.stdout.contains("could not be read"), "{}", output.stdout);
    assert!(output.stderr.contains("the rollback is not complete"), "{}", output.stderr);
    assert_ne!(workbench.document("workerpools", "Linux")["Description"], "new");
    // Nothing is left to undo but what cannot be read.
    workbench.undo().expect(5);
}

#[test]
fn a_rollback_warns_if_the_files_still_ask_for_the_change() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.apply_text("[pools.trial]\n");
    let output = workbench.undo().expect(0);
    assert!(output.stdout.contains("warning[files-still-ask]"), "{}", output.stdout);
    assert!(output.stderr.contains("the files still ask"), "{}", output.stderr);
    let redo = workbench.run(&["rollback", &workbench.receipt(), "--auto-approve"]).expect(0);
    assert!(!redo.stdout.contains("files-still-ask"), "{}", redo.stdout);
    assert!(workbench.names("workerpools").contains(&"trial".to_owned()));
}

#[test]
fn a_recreated_pool_gets_its_slug_or_the_loss_is_reported() {
    let workbench = Workbench::new(Seed::Acme);
    let pool = json!({
        "Name": "Old Pool", "Slug": "quite-another", "WorkerPoolType": "StaticWorkerPool",
        "IsDefault": false,
    });
    workbench.send("POST", "/api/Spaces-1/workerpools", pool);
    workbench.apply_text("[[removed]]\npool = \"Old Pool\"\n");
    let output = workbench.undo().expect(0);
    assert!(output.stdout.contains("warning[new-identity]"), "{}", output.stdout);
    assert_eq!(workbench.document("workerpools", "Old Pool")["Slug"], "quite-another");

    workbench.apply_text("[[removed]]\npool = \"Old Pool\"\n");
    let other = json!({
        "Name": "Heir", "Slug": "quite-another", "WorkerPoolType": "StaticWorkerPool",
        "IsDefault": false,
    });
    workbench.send("POST", "/api/Spaces-1/workerpools", other);
    let output = workbench.undo().expect(0);
    let told = "does not get back its slug `quite-another`, which pool \"Heir\" has";
    assert!(output.stdout.contains(told), "{}", output.stdout);
}

#[test]
fn a_recreated_worker_keeps_its_slug_and_upgrade_lock() {
    let workbench = Workbench::new(Seed::Acme);
    let pool = workbench.id("workerpools", "Linux");
    let mut worker = sandbox::worker("trial-01", &[&pool]);
    worker["Slug"] = json!("quite-another");
    worker["MachinePolicyId"] = json!("MachinePolicies-1");
    worker["Endpoint"]["TentacleVersionDetails"] = json!({ "UpgradeLocked": true });
    workbench.send("POST", "/api/Spaces-1/workers", worker);
    let locked = "/Endpoint/TentacleVersionDetails/UpgradeLocked";
    assert_eq!(workbench.document("workers", "trial-01").pointer(locked), Some(&json!(true)));
    workbench.apply_text("[[removed]]\nworker = \"trial-01\"\n");
    workbench.undo().expect(0);
    let worker = workbench.document("workers", "trial-01");
    assert_eq!(worker["Slug"], "quite-another");
    assert_eq!(worker.pointer(locked), Some(&json!(true)));
}

#[test]
fn a_case_only_rename_is_rolled_back() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.apply_text("[pools.linux]\nname = \"LINUX\"\n");
    assert!(workbench.names("workerpools").contains(&"LINUX".to_owned()));
    workbench.undo().expect(0);
    assert!(workbench.names("workerpools").contains(&"Linux".to_owned()));
}

/// How many actions of a process say whether the tools of the worker's package are used.
fn with_tooling(process: &Value) -> usize {
    process.to_string().matches("OctopusUseBundledTooling").count()
}

#[test]
fn fields_the_server_adds_with_a_container_are_removed_too() {
    let workbench = Workbench::new(Seed::Acme);
    let project = workbench.id("projects", "Landing zone");
    let path = format!("/api/Spaces-1/projects/{project}/deploymentprocesses");
    let before = workbench.get(&path);
    let feed = workbench.get("/api/Spaces-1/feeds/all")[0]["Name"].clone();
    workbench.apply_text(&format!(
        "[[placements]]\nproject = \"Landing zone\"\npool = \"Linux\"\n\
         container = {{ image = \"img:1\", feed = {feed} }}\n"
    ));
    let after = with_tooling(&workbench.get(&path));
    assert!(after > with_tooling(&before), "{before}");
    workbench.undo().expect(0);
    assert_eq!(workbench.get(&path)["Steps"], before["Steps"]);
}

#[test]
fn a_receipt_that_names_one_object_and_means_another_is_refused() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.apply_text(
        "[pools.linux]\nname = \"Linux\"\ndescription = \"new\"\n[[placements]]\n\
         project = \"Billing\"\nstep = \"Back up database\"\npool = \"linux\"\n",
    );
    let receipt = workbench.read("receipt.json");
    let forge = |edit: &dyn Fn(&mut Value)| {
        workbench.write("receipt.json", &receipt);
        workbench.forge(|it| it["changes"].as_array_mut().unwrap().iter_mut().for_each(edit));
        workbench.refused()
    };
    let is_step = |change: &Value| change["kind"] == "placement";
    for (step, level, why) in [
        ("Deploy web app", "error", "its id is that of `projects[\"Billing\"]"),
        ("Gone by now", "warning", "it is `projects[\"Billing\"]"),
    ] {
        let address = json!(format!("projects[\"Billing\"].deployment.steps[{step:?}]"));
        let told = forge(&|change| {
            if is_step(change) {
                change["address"] = address.clone();
            } else {
                change["outcome"] = json!("skipped");
            }
        });
        assert!(told.contains(&format!("{level}[receipt-mismatch]")), "{told}");
        assert!(told.contains(why), "{told}");
    }
    let windows = workbench.id("workerpools", "Windows");
    let told = forge(&|change| {
        if is_step(change) {
            change["outcome"] = json!("skipped");
        } else {
            change["address"] = json!("pools.Windows");
        }
    });
    assert!(told.contains("its label names pool \"Windows\""), "{told}");
    let told = forge(&|change| {
        if is_step(change) {
            change["outcome"] = json!("skipped");
        } else {
            change["id"] = json!(windows);
        }
    });
    assert!(told.contains("receipt-mismatch") || told.contains("edited-since"), "{told}");
    let told = forge(&|change| {
        if is_step(change) {
            let written = change["written"].as_array_mut().unwrap();
            written.iter_mut().for_each(|field| field["before"] = json!("WorkerPools-999"));
        } else {
            change["outcome"] = json!("skipped");
        }
    });
    assert!(told.contains("its former pool \"WorkerPools-999\""), "{told}");
    let told = forge(&|change| {
        change["kind"] = json!("server");
        change["address"] = json!("pools.linux");
        change["written"] = json!([]);
    });
    assert!(told.contains("its address is not that of an object of its kind"), "{told}");
}

#[test]
fn a_worker_is_restored_with_a_valid_endpoint_or_not_at_all() {
    let workbench = Workbench::new(Seed::Acme);
    let pool = workbench.id("workerpools", "Linux");
    let mut worker = sandbox::worker("trial-01", &[&pool]);
    worker["MachinePolicyId"] = json!("MachinePolicies-1");
    workbench.send("POST", "/api/Spaces-1/workers", worker);
    workbench.apply_text("[[removed]]\nworker = \"trial-01\"\n");
    let receipt = workbench.read("receipt.json");
    for (path, value) in [
        ("Endpoint.Thumbprint", json!("not a thumbprint at all")),
        ("Endpoint.Uri", json!("ftp://elsewhere")),
        ("WorkerPoolIds", json!(["WorkerPools-999"])),
        ("WorkerPoolIds", json!("WorkerPools-1")),
        ("MachinePolicyId", json!("MachinePolicies-999")),
        ("Name", json!("another")),
    ] {
        workbench.write("receipt.json", &receipt);
        workbench.forge(|receipt| {
            let written = receipt["changes"][0]["written"].as_array_mut().unwrap();
            let field = written.iter_mut().find(|field| field["path"] == path).unwrap();
            field["before"] = value.clone();
        });
        let writes = workbench.writes();
        let output = workbench.undo();
        let told = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(workbench.writes(), writes, "{path}: {told}");
        assert!(told.contains("not-undone") || told.contains("receipt-mismatch"), "{told}");
    }
}

#[test]
fn a_receipt_of_another_space_or_server_is_refused() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.apply_text("[pools.trial]\n");
    let receipt = workbench.read("receipt.json");
    let writes = workbench.writes();
    let other = workbench.get("/api/spaces/all").as_array().unwrap().iter().find_map(|space| {
        (space["Id"] != "Spaces-1").then(|| space["Name"].as_str().unwrap().to_owned())
    });
    let other = other.unwrap();
    let output =
        workbench.run(&["rollback", "receipt.json", "--auto-approve", "--space", &other]).expect(1);
    assert!(output.stderr.contains("the receipt is for space `Default`"), "{}", output.stderr);
    workbench.forge(|receipt| receipt["server"]["space"] = json!("Elsewhere"));
    let output = workbench.undo().expect(1);
    assert!(output.stderr.contains("the receipt calls space Spaces-1"), "{}", output.stderr);
    workbench.write("receipt.json", &receipt);
    workbench.forge(|receipt| receipt["pools"] = json!({ "WorkerPools-7001": "Windows" }));
    let output = workbench.undo().expect(3);
    assert!(output.stdout.contains("none of its pools is there"), "{}", output.stdout);
    assert_eq!(workbench.writes(), writes);
}
