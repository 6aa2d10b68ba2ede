//! What clients ask before they create a release, a snapshot or a run: packages, next names, environments.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{self, json_field, text_field},
    kind::{
        DocumentKind, ENVIRONMENTS, PROCESSES, RELEASES, RUNBOOK_PROCESSES, RUNBOOKS, RUNS,
        SNAPSHOTS,
    },
    request::HttpVerb,
    resource::find,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Routes of templates below a runbook, a release or a process.
pub(crate) fn route_templates(
    call: &RequestContext<'_>,
    first: &str,
    path: &[&str],
) -> Option<HandlerResult> {
    let [id, below @ ..] = path else { return None };
    if call.verb() != HttpVerb::Get {
        return None;
    }
    Some(match (first, below) {
        ("runbooks", ["runbooksnapshottemplate"]) => snapshot_template(call, id),
        ("runbooks", ["runbookruntemplate"]) => run_template(call, id),
        ("runbooks", ["environments"]) => runbook_environments(call, id),
        ("runbookprocesses", ["runbooksnapshottemplate"]) => {
            find_process(call, &RUNBOOK_PROCESSES, id)
                .and_then(|process| snapshot_template(call, text_field(&process, "RunbookId")))
        }
        ("deploymentprocesses", ["template"]) => {
            find_process(call, &PROCESSES, id).and_then(|process| release_template(call, &process))
        }
        ("releases", ["deployments", "template"]) => deployment_template(call, id),
        _ => return None,
    })
}

fn find_process(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    id: &str,
) -> HandlerResult<Value> {
    call.person.require_permission(kind.view)?;
    Ok(call.find_document(kind, id)?.parse_body()?)
}

/// What the next release of a process needs.
pub(super) fn release_template(call: &RequestContext<'_>, process: &Value) -> HandlerResult {
    let project = text_field(process, "ProjectId");
    let releases = store::select_documents(
        call.db,
        &RELEASES,
        "space = ?2 and owner = ?3",
        [RELEASES.prefix, &call.space, project],
    )?;
    let last = releases.first().map(StoredDocument::parse_body).transpose()?;
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "DeploymentProcessId": text_field(process, "Id"),
        "LastReleaseVersion": last.map(|last| last["Version"].clone()),
        "NextVersionIncrement": find::next_version(call, project)?,
        "Packages": process_packages(process),
        "GitResources": [],
        "VersioningPackageStepName": null,
        "VersioningPackageReferenceName": null,
        "Links": {},
    })))
}

fn snapshot_template(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(RUNBOOKS.view)?;
    let runbook = call.find_document(&RUNBOOKS, id)?;
    let process = RUNBOOK_PROCESSES.id_for(&runbook.id);
    let process = call.find_document(&RUNBOOK_PROCESSES, &process)?.parse_body()?;
    let snapshots = store::select_documents(
        call.db,
        &SNAPSHOTS,
        "owner = ?2",
        [SNAPSHOTS.prefix, &runbook.id],
    )?;
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "RunbookId": runbook.id,
        "RunbookProcessId": text_field(&process, "Id"),
        "NextNameIncrement": format!("Snapshot {}", snapshots.len() + 1),
        "Packages": process_packages(&process),
        "GitResources": [],
        "Links": {},
    })))
}

/// The packages of a process's actions.
fn process_packages(process: &Value) -> Vec<Value> {
    let items =
        |part: &Value, name: &str| json_field(part, name).as_array().cloned().unwrap_or_default();
    let mut packages = Vec::new();
    for step in items(process, "Steps") {
        for action in items(&step, "Actions") {
            packages.extend(items(&action, "Packages").iter().map(|package| {
                let id = text_field(package, "PackageId");
                json!({
                    "StepName": text_field(&step, "Name"),
                    "ActionName": text_field(&action, "Name"),
                    "PackageReferenceName": text_field(package, "Name"),
                    "PackageId": id,
                    "FeedId": text_field(package, "FeedId"),
                    "FeedName": "",
                    "ProjectName": null,
                    "VersionSelectedLastRelease": null,
                    // An expression is only evaluated when the step runs.
                    "IsResolvable": !id.contains("#{"),
                })
            }));
        }
    }
    packages
}

pub(super) fn run_template(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(RUNS.view)?;
    let runbook = call.find_document(&RUNBOOKS, id)?;
    let here = call.space_path(&format!("runbooks/{}/runbookRuns/preview", runbook.id));
    promotion_template(call, &here, "IsRunbookProcessModified")
}

fn deployment_template(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(RELEASES.view)?;
    let release = call.find_document(&RELEASES, id)?;
    let here = call.space_path(&format!("releases/{}/deployments/preview", release.id));
    promotion_template(call, &here, "IsDeploymentProcessModified")
}

/// The environments of a deployment or a run: all of them, since lifecycles are ignored.
fn promotion_template(call: &RequestContext<'_>, preview: &str, modified: &str) -> HandlerResult {
    let environments = store::list_documents(call.db, &ENVIRONMENTS, &call.space)?;
    let target = |document: &StoredDocument| {
        json!({
            "Id": document.id,
            "Name": document.name,
            "Links": { "Preview": format!("{preview}/{}", document.id) },
        })
    };
    let mut template = json!({
        "Id": null,
        "PromoteTo": environments.iter().map(target).collect::<Vec<_>>(),
        "TenantPromotions": [],
        "IsVariableSetModified": false,
        "IsLibraryVariableSetModified": false,
        "Links": {},
    });
    template[modified] = json!(false);
    Ok(SandboxResponse::from_document(&template))
}

/// The environments that a runbook may run on.
fn runbook_environments(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(RUNBOOKS.view)?;
    let runbook = call.find_document(&RUNBOOKS, id)?.parse_body()?;
    let named = json::text_list(&runbook, "Environments");
    let only = text_field(&runbook, "EnvironmentScope") == "Specified";
    let environments = store::list_documents(call.db, &ENVIRONMENTS, &call.space)?;
    let bodies = environments.iter().filter(|environment| !only || named.contains(&environment.id));
    let bodies: Vec<&str> = bodies.map(|it| it.body.as_str()).collect();
    Ok(SandboxResponse::from_json(format!("[{}]", bodies.join(","))))
}
