//! The process template that a project of the company uses.
//!
//! # Source
//!
//! The fields are those of `OctopusDeploy/docs`, `src/pages/docs/api/_generated/process-templates.md`. A step
//! of a template chooses its pool by a parameter, which its file in Git names as `#{…}`.

use crate::{
    kind::PROCESS_TEMPLATES,
    seed::steps::{EmptyPoolSpelling, script_properties, single_action_step},
    store::{self, StoredDocument},
};
use rusqlite::{Connection, Result};
use serde_json::{Value, json};

/// Plants the template.
pub(super) fn seed_template(db: &Connection) -> Result<()> {
    let with_pool_parameter = |mut step: Value| {
        step["Actions"][0]["WorkerPoolVariable"] = json!("#{Worker pool}");
        step
    };
    let render = script_properties("Bash", "kustomize build . > manifests.yaml", "true");
    let render = single_action_step(
        "Render the manifests",
        "Octopus.Script",
        EmptyPoolSpelling::Null,
        render,
    );
    let approve = json!({
        "Octopus.Action.RunOnServer": "true",
        "Octopus.Action.Manual.Instructions": "Look at what is about to be rolled out.",
    });
    let approve = single_action_step("Approve", "Octopus.Manual", EmptyPoolSpelling::Null, approve);
    let body = "aws eks update-kubeconfig --name services\n\
                kubectl apply --filename manifests.yaml\n\
                kubectl scale deployment --all --replicas #{Replicas}\n";
    let roll_out = script_properties("Bash", body, "true");
    let roll_out =
        single_action_step("Roll out", "Octopus.AwsRunScript", EmptyPoolSpelling::Null, roll_out);
    let mut steps = vec![with_pool_parameter(render), approve, with_pool_parameter(roll_out)];
    for (index, step) in steps.iter_mut().enumerate() {
        step["Id"] = json!(format!("{index:08x}-0000-4000-8000-00000000face"));
        step["Actions"][0]["Id"] = json!(format!("{index:08x}-0000-4000-8000-0000000facea"));
    }
    let parameter = |name: &str, control: &str, values: Value| {
        json!({
            "Name": name,
            "Label": name,
            "HelpText": "",
            "DisplaySettings": { "Octopus.ControlType": control },
            "IsOptional": false,
            "Values": values,
        })
    };
    let id = store::next_id(db, &PROCESS_TEMPLATES)?;
    let template = json!({
        "Id": id,
        "Name": "Deploy service",
        "Slug": "deploy-service",
        "Description": "How every service of the company is rolled out",
        "GitRef": "refs/heads/main",
        "Icon": { "Id": "rocket", "Color": "#20639B" },
        "Parameters": [
            // A pool has no default: each project has to set it.
            parameter("Worker pool", "WorkerPool", json!([])),
            parameter("Replicas", "SingleLineText", json!([{ "Value": "2", "Scope": {} }])),
        ],
        "Steps": steps,
        "Version": "1.2.0",
        "IsPreRelease": false,
        "PublishedDate": "2026-01-05T09:00:00.000+00:00",
        "GitCommit": null,
    });
    store::save_document(db, &StoredDocument::new(&PROCESS_TEMPLATES, &template))
}
