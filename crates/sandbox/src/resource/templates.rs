//! What clients ask before they make a release, a snapshot or a run: packages, next names, environments.
//!
//! Never: anything made.

use super::{RequestContext, field, releases, text};
use crate::{
    answer::{HandlerResult, SandboxResponse},
    kind::{
        DocumentKind, ENVIRONMENTS, PROCESSES, RELEASES, RUNBOOK_PROCESSES, RUNBOOKS, RUNS,
        SNAPSHOTS,
    },
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Answers templates that hang off a runbook, a release or a process.
pub(crate) fn route(
    call: &RequestContext<'_>,
    first: &str,
    path: &[&str],
) -> Option<HandlerResult> {
    let [id, below @ ..] = path else { return None };
    if call.verb() != HttpVerb::Get {
        return None;
    }
    Some(match (first, below) {
        ("runbooks", ["runbooksnapshottemplate"]) => of_snapshot(call, id),
        ("runbooks", ["runbookruntemplate"]) => of_run(call, id),
        ("runbooks", ["environments"]) => environments(call, id),
        ("runbookprocesses", ["runbooksnapshottemplate"]) => process(call, &RUNBOOK_PROCESSES, id)
            .and_then(|process| of_snapshot(call, text(&process, "RunbookId"))),
        ("deploymentprocesses", ["template"]) => {
            process(call, &PROCESSES, id).and_then(|process| of_release(call, &process))
        }
        ("releases", ["deployments", "template"]) => of_deployment(call, id),
        _ => return None,
    })
}

fn process(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    id: &str,
) -> HandlerResult<Value> {
    call.person.needs(kind.view)?;
    Ok(call.find(kind, id)?.value()?)
}

/// What a release of a process needs to say.
pub(super) fn of_release(call: &RequestContext<'_>, process: &Value) -> HandlerResult {
    let project = text(process, "ProjectId");
    let releases = store::select(
        call.db,
        &RELEASES,
        "space = ?2 and owner = ?3",
        [RELEASES.prefix, &call.space, project],
    )?;
    let last = releases.first().map(StoredDocument::value).transpose()?;
    Ok(SandboxResponse::of(&json!({
        "Id": null,
        "DeploymentProcessId": text(process, "Id"),
        "LastReleaseVersion": last.map(|it| it["Version"].clone()),
        "NextVersionIncrement": releases::next_version(call, project)?,
        "Packages": packages(process),
        "GitResources": [],
        "VersioningPackageStepName": null,
        "VersioningPackageReferenceName": null,
        "Links": {},
    })))
}

fn of_snapshot(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(RUNBOOKS.view)?;
    let runbook = call.find(&RUNBOOKS, id)?;
    let process = format!("{}-{}", RUNBOOK_PROCESSES.prefix, runbook.id);
    let process = call.find(&RUNBOOK_PROCESSES, &process)?.value()?;
    let snapshots =
        store::select(call.db, &SNAPSHOTS, "owner = ?2", [SNAPSHOTS.prefix, &runbook.id])?;
    Ok(SandboxResponse::of(&json!({
        "Id": null,
        "RunbookId": runbook.id,
        "RunbookProcessId": text(&process, "Id"),
        "NextNameIncrement": format!("Snapshot {}", snapshots.len() + 1),
        "Packages": packages(&process),
        "GitResources": [],
        "Links": {},
    })))
}

/// The packages of a process's actions.
fn packages(process: &Value) -> Vec<Value> {
    let items =
        |part: &Value, name: &str| field(part, name).as_array().cloned().unwrap_or_default();
    let mut packages = Vec::new();
    for step in items(process, "Steps") {
        for action in items(&step, "Actions") {
            packages.extend(items(&action, "Packages").iter().map(|package| {
                let id = text(package, "PackageId");
                json!({
                    "StepName": text(&step, "Name"),
                    "ActionName": text(&action, "Name"),
                    "PackageReferenceName": text(package, "Name"),
                    "PackageId": id,
                    "FeedId": text(package, "FeedId"),
                    "FeedName": "",
                    "ProjectName": null,
                    "VersionSelectedLastRelease": null,
                    // An expression is known when the step runs, and not before.
                    "IsResolvable": !id.contains("#{"),
                })
            }));
        }
    }
    packages
}

fn of_run(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(RUNS.view)?;
    let runbook = call.find(&RUNBOOKS, id)?;
    let here = call.at(&format!("runbooks/{}/runbookRuns/preview", runbook.id));
    promotions(call, &here, "IsRunbookProcessModified")
}

fn of_deployment(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(RELEASES.view)?;
    let release = call.find(&RELEASES, id)?;
    let here = call.at(&format!("releases/{}/deployments/preview", release.id));
    promotions(call, &here, "IsDeploymentProcessModified")
}

/// The environments that something can be sent to: all of them, since no lifecycle is looked into.
fn promotions(call: &RequestContext<'_>, preview: &str, modified: &str) -> HandlerResult {
    let environments = store::all(call.db, &ENVIRONMENTS, &call.space)?;
    let target = |it: &StoredDocument| {
        json!({
            "Id": it.id,
            "Name": it.name,
            "Links": { "Preview": format!("{preview}/{}", it.id) },
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
    Ok(SandboxResponse::of(&template))
}

/// The environments that a runbook may run on.
fn environments(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(RUNBOOKS.view)?;
    let runbook = call.find(&RUNBOOKS, id)?.value()?;
    let named = super::list(&runbook, "Environments");
    let only = text(&runbook, "EnvironmentScope") == "Specified";
    let environments = store::all(call.db, &ENVIRONMENTS, &call.space)?;
    let bodies = environments.iter().filter(|it| !only || named.contains(&it.id));
    let bodies: Vec<&str> = bodies.map(|it| it.body.as_str()).collect();
    Ok(SandboxResponse::text(format!("[{}]", bodies.join(","))))
}
