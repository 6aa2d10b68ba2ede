//! The slug of a pool: declared in the file, set on the server, and put back by a rollback.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;

fn slug(workbench: &Workbench, name: &str) -> String {
    let id = workbench.id("workerpools", name);
    let pool = workbench.get(&format!("/api/workerpools/{id}"));
    pool["Slug"].as_str().unwrap().to_owned()
}

#[test]
fn a_declared_slug_is_created_changed_with_a_warning_and_restored() {
    let workbench = Workbench::new(Seed::Chapter);
    workbench.write("workers.toml", "version = 1\n[pools.k]\nname = \"東京\"\nslug = \"tokyo\"\n");
    let applied = workbench.apply();
    assert!(!applied.stderr.contains("changed-slug"), "{}", applied.stderr);
    assert_eq!(slug(&workbench, "東京"), "tokyo");
    workbench.settled();

    workbench
        .write("workers.toml", "version = 1\n[pools.k]\nname = \"東京\"\nslug = \"tokyo-2\"\n");
    let planned = workbench.run(&["plan"]).expect(0);
    let told = format!("{}{}", planned.stdout, planned.stderr);
    assert!(told.contains("changed-slug") && told.contains("`tokyo`"), "{told}");
    workbench.apply();
    assert_eq!(slug(&workbench, "東京"), "tokyo-2");

    let receipt = workbench.receipt();
    workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    assert_eq!(slug(&workbench, "東京"), "tokyo");
}

#[test]
fn a_recreated_pool_gets_its_slug_back() {
    let workbench = Workbench::new(Seed::Chapter);
    workbench.write("workers.toml", "version = 1\n[pools.a]\nname = \"A\"\nslug = \"chosen\"\n");
    workbench.apply();
    workbench.write("workers.toml", "version = 1\n[[removed]]\npool = \"A\"\n");
    workbench.apply();
    let receipt = workbench.receipt();
    workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    assert_eq!(slug(&workbench, "A"), "chosen");
}

#[test]
fn a_slug_that_octopus_would_refuse_is_an_error() {
    let workbench = Workbench::new(Seed::Chapter);
    for slug in ["All", "all", "a b", "a_b", "é", "-a"] {
        let file = format!("version = 1\n[pools.a]\nslug = \"{slug}\"\n");
        workbench.write("workers.toml", &file);
        let checked = workbench.run(&["check"]).expect(1);
        let told = format!("{}{}", checked.stdout, checked.stderr);
        assert!(told.contains("error[bad-slug]"), "{slug}: {told}");
    }
    let two = "version = 1\n[pools.a]\nslug = \"x\"\n[pools.b]\nslug = \"x\"\n";
    workbench.write("workers.toml", two);
    workbench.run(&["check"]).expect(1);
}
