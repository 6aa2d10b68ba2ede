//! Rolls back several applies in turn, with a pool deleted between them.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;
use serde_json::Value;

const RULE: &str = "[[placements]]\nproject = \"Web Store\"\nstep = \"*\"\npool = ";

impl Workbench {
    fn steps(&self) -> Value {
        let project = self.id("projects", "Web Store");
        self.get(&format!("/api/Spaces-1/projects/{project}/deploymentprocesses"))["Steps"].clone()
    }

    fn apply_as(&self, text: &str, receipt: &str) {
        let head = "version = 1\n[gates]\nempty-pool = \"allow\"\nunhealthy-pool = \"allow\"\n";
        self.write("workers.toml", &format!("{head}{text}"));
        self.run(&["apply", "--auto-approve", "--receipt", receipt]).expect(0);
    }
}

/// A project whose steps were in a pool, moved from there (`moved.json`), and the pool deleted (`deleted.json`);
/// and where its steps were, and the id that the pool had.
fn moved_and_deleted() -> (Workbench, String, String) {
    let workbench = Workbench::new(Seed::Acme);
    workbench.apply_as(&format!("[pools.old]\n{RULE}\"old\"\n"), "first.json");
    let (before, id) = (workbench.steps().to_string(), workbench.id("workerpools", "old"));
    assert!(before.contains(&id), "{before}");
    workbench.apply_as(&format!("{RULE}\"Linux\"\n"), "moved.json");
    workbench.apply_as("[[removed]]\npool = \"old\"\n", "deleted.json");
    (workbench, before, id)
}

#[test]
fn earlier_rollbacks_find_a_recreated_pool_by_name() {
    let (workbench, before, old) = moved_and_deleted();
    workbench.run(&["rollback", "deleted.json", "--auto-approve"]).expect(0);
    let now = workbench.id("workerpools", "old");
    assert_ne!(now, old);
    workbench.run(&["rollback", "moved.json", "--auto-approve"]).expect(0);
    assert_eq!(workbench.steps().to_string(), before.replace(&old, &now));
}

#[test]
fn a_step_is_not_rolled_back_to_a_deleted_pool() {
    let (workbench, _, gone) = moved_and_deleted();
    let now = workbench.steps();
    let output = workbench.run(&["rollback", "moved.json", "--auto-approve"]).expect(0);
    assert!(
        output.stdout.contains("its former pool \"old\" no longer exists"),
        "{}{}",
        output.stdout,
        output.stderr
    );
    // Nor by a receipt that does not say which pools were there.
    let mut old: Value = serde_json::from_str(&workbench.read("moved.json")).unwrap();
    assert!(old.as_object_mut().unwrap().remove("pools").is_some());
    workbench.write("old.json", &old.to_string());
    let output = workbench.run(&["rollback", "old.json", "--auto-approve"]).expect(0);
    assert!(output.stdout.contains("its former pool"), "{}", output.stdout);
    assert_eq!(workbench.steps(), now);
    assert!(!now.to_string().contains(&gone));
}

#[test]
fn receipt_names_sort_by_time() {
    let workbench = Workbench::new(Seed::Acme);
    for name in ["a", "b", "c"] {
        workbench.write("workers.toml", &format!("version = 1\n[pools.{name}]\n"));
        workbench.apply();
        let folder = workbench.folder.path().join(".poolwright/receipts");
        let names = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let receipt: Value =
            serde_json::from_str(&std::fs::read_to_string(names.max().unwrap()).unwrap()).unwrap();
        assert_eq!(receipt["changes"][0]["address"], format!("pools.{name}"));
    }
}
