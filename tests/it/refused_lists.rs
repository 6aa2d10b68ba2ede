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
fn a_selector_by_something_that_could_not_be_listed_is_told() {
    let by_group = FILE.replace("project =", "project_group = \"Applications\"\nproject =");
    let told = company(&["400 on GET */projectgroups*"], &by_group).run(&["plan"]).expect(0);
    assert!(told.stdout.contains("the project groups of space `Default`"), "{}", told.stdout);
    assert!(!told.stdout.contains("error["), "{}", told.stdout);
}

#[test]
fn runbooks_that_a_key_cannot_see_are_not_absent_and_told_once() {
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
fn steps_of_projects_that_a_key_cannot_see_are_not_counted_as_none() {
    let mut workbench = Workbench::chapter(
        "version = 1\n[gates]\nempty-pool = \"warn\"\n[pools.new]\ndefault = true\n",
    );
    workbench.key = "API-SANDBOXWITHOUTPROJECTVIEW";
    let told = workbench.run(&["plan"]).expect(0);
    assert!(told.stdout.contains("Missing permission: ProjectView"), "{}", told.stdout);
}

#[test]
fn explain_goes_on_where_plan_does() {
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
fn the_address_of_a_page_of_a_space_is_refused_with_the_space_to_use() {
    let workbench = company(&[], FILE);
    let page = format!("{}/app#/Spaces-2/projects", workbench.bench.sandbox.url());
    let told = workbench.run(&["plan", "--url", &page]).expect(1);
    assert!(told.stderr.contains("`--space Spaces-2`"), "{}", told.stderr);
}
