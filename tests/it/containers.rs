//! The containers in which steps run: an image takes the place of what one is built from, or of none, and back.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;
use serde_json::{Value, json};

const PATH: &str = "/api/Spaces-1/projects/Projects-1/deploymentprocesses";

fn container(workbench: &Workbench) -> Value {
    workbench.get(PATH)["Steps"][0]["Actions"][0]["Container"].clone()
}

/// A company whose first step has this container, and a rule that gives it another.
fn company(built: Value, wanted: &str) -> Workbench {
    let workbench = Workbench::new(Seed::Chapter);
    let mut step = String::new();
    workbench.edit(PATH, |process| {
        let action = &mut process["Steps"][0]["Actions"][0];
        action["Container"] = built;
        action["ActionType"] = json!("Octopus.AzurePowerShell");
        step = process["Steps"][0]["Name"].as_str().unwrap().to_owned();
    });
    let project = workbench.get("/api/Spaces-1/projects/Projects-1")["Name"].clone();
    let gates = "[gates]\nempty-pool = \"allow\"\n";
    let rule = format!(
        "[[placements]]\nproject = {project}\nstep = {step:?}\npool = \"new\"\ncontainer = {wanted}\n"
    );
    workbench.write("workers.toml", &format!("version = 1\n{gates}[pools.new]\n{rule}"));
    workbench
}

#[test]
fn an_image_replaces_a_dockerfile_and_a_rollback_restores_it() {
    let built = json!({ "Image": null, "FeedId": null, "GitUrl": "https://git.acme/t", "Dockerfile": "FROM alpine" });
    let workbench = company(built.clone(), "false");
    let feed = workbench.get("/api/Spaces-1/feeds/all")[0]["Name"].clone();
    let file = workbench.read("workers.toml");
    let wanted = format!("{{ image = \"tools:1\", feed = {feed} }}");
    workbench.write(
        "workers.toml",
        &file.replace("container = false", &format!("container = {wanted}")),
    );
    let plan = workbench.run(&["plan"]).expect(0).stdout;
    assert!(plan.contains("container.dockerfile") && plan.contains("container.git_url"), "{plan}");
    workbench.apply();
    let after = container(&workbench);
    assert_eq!(after["Image"], "tools:1");
    assert!(after["Dockerfile"].is_null() && after["GitUrl"].is_null(), "{after}");
    workbench.settled();
    let receipt = workbench.receipt_files().pop().unwrap();
    workbench.run(&["rollback", receipt.to_str().unwrap(), "--auto-approve"]).expect(0);
    assert_eq!(container(&workbench), built);
}

#[test]
fn a_container_is_cleared_and_a_rollback_restores_it() {
    let image =
        json!({ "Image": "tools:1", "FeedId": "Feeds-1", "GitUrl": null, "Dockerfile": null });
    let workbench = company(image.clone(), "false");
    workbench.apply();
    let after = container(&workbench);
    assert!(after["Image"].is_null() && after["FeedId"].is_null(), "{after}");
    workbench.settled();
    let receipt = workbench.receipt_files().pop().unwrap();
    workbench.run(&["rollback", receipt.to_str().unwrap(), "--auto-approve"]).expect(0);
    assert_eq!(container(&workbench), image);
}
