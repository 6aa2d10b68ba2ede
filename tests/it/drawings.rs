//! `graph`, from outside: a server, what files would make of it, and a saved plan, in each language.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;

const FILE: &str = r#"version = 1
[pools.kubernetes]
name = "Kubernetes \"Pool\" <1>"
[gates]
empty-pool = "warn"
[[placements]]
label = "clusters"
step = "*AKS"
pool = "kubernetes"
"#;

#[test]
fn a_server_is_drawn_without_a_file() {
    let workbench = Workbench::new(Seed::Chapter);
    let output = workbench.run(&["graph"]).expect(0);
    insta::assert_snapshot!(output.stdout);
    assert_eq!(workbench.writes(), [""; 0]);
}

#[test]
fn changes_by_the_files_are_drawn_from_pool_to_pool() {
    let workbench = Workbench::chapter(FILE);
    let output = workbench.run(&["graph", "--after", "--format", "dot"]).expect(0);
    insta::assert_snapshot!(output.stdout);
    assert_eq!(workbench.writes(), [""; 0]);
}

#[test]
fn a_project_is_drawn_step_by_step_and_a_pool_with_what_runs_in_it() {
    let workbench = Workbench::new(Seed::Chapter);
    let project = workbench.run(&["graph", "--project", "infrastructure"]).expect(0).stdout;
    assert!(project.contains("deployment / Plan Terraform"), "{project}");
    assert!(!project.contains("Web Store"), "{project}");
    let pool = workbench.run(&["graph", "--pool", "Default Worker Pool"]).expect(0).stdout;
    assert!(pool.contains("Default Worker Pool"), "{pool}");
    let error = workbench.run(&["graph", "--pool", "Default Worker Pol"]).expect(1).stderr;
    assert!(error.contains("a pool with a similar name exists: `Default Worker Pool`"), "{error}");
    let error = workbench.run(&["graph", "--project", "Web Stor"]).expect(1).stderr;
    assert!(error.contains("a project with a similar name exists: `Web Store`"), "{error}");
}

#[test]
fn a_saved_plan_is_drawn_without_its_server() {
    let workbench = Workbench::chapter(FILE);
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let before = workbench.count("GET ");
    let drawn = workbench.run(&["graph", "plan.json", "--format", "svg"]).expect(0).stdout;
    assert_eq!(workbench.count("GET "), before);
    assert!(
        drawn.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns="),
        "{drawn}"
    );
    assert!(drawn.contains("Kubernetes &quot;Pool&quot; &lt;1&gt;"), "{drawn}");
}

#[test]
fn a_thousand_projects_are_collapsed_to_fit_mermaid() {
    let workbench = Workbench::new(Seed::Large { projects: 1000, steps: 3, workers: 400 });
    let drawn = workbench.run(&["graph"]).expect(0).stdout;
    assert!(drawn.len() < 50_000, "{}", drawn.len());
    assert!(drawn.matches("-->").count() < 500);
    assert!(drawn.contains("and 9"), "{drawn}");
}
