//! What clients ask before they make a release, a snapshot or a run: packages, next names, environments.
//!
//! Never: anything made.

use super::{Call, field, releases, text};
use crate::{
    answer::{Answer, Result},
    kind::{ENVIRONMENTS, Kind, PROCESSES, RELEASES, RUNBOOK_PROCESSES, RUNBOOKS, RUNS, SNAPSHOTS},
    request::Verb,
    store::{self, Document},
};
use serde_json::{Value, json};

/// Answers templates that hang off a runbook, a release or a process.
pub(crate) fn route(call: &Call<'_>, first: &str, path: &[&str]) -> Option<Result> {
    let [id, below @ ..] = path else { return None };
    if call.verb() != Verb::Get {
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

fn process(call: &Call<'_>, kind: &'static Kind, id: &str) -> Result<Value> {
    call.who.needs(kind.view)?;
    Ok(call.find(kind, id)?.value()?)
}

/// What a release of a process needs to say.
pub(super) fn of_release(call: &Call<'_>, process: &Value) -> Result {
    let project = text(process, "ProjectId");
    let releases = store::select(
        call.db,
        &RELEASES,
        "space = ?2 and owner = ?3",
        [RELEASES.prefix, &call.space, project],
    )?;
    let last = releases.first().map(Document::value).transpose()?;
    Ok(Answer::of(&json!({
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

fn of_snapshot(call: &Call<'_>, id: &str) -> Result {
    call.who.needs(RUNBOOKS.view)?;
    let runbook = call.find(&RUNBOOKS, id)?;
    let process = format!("{}-{}", RUNBOOK_PROCESSES.prefix, runbook.id);
    let process = call.find(&RUNBOOK_PROCESSES, &process)?.value()?;
    let snapshots =
        store::select(call.db, &SNAPSHOTS, "owner = ?2", [SNAPSHOTS.prefix, &runbook.id])?;
    Ok(Answer::of(&json!({
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

fn of_run(call: &Call<'_>, id: &str) -> Result {
    call.who.needs(RUNS.view)?;
    let runbook = call.find(&RUNBOOKS, id)?;
    let here = call.at(&format!("runbooks/{}/runbookRuns/preview", runbook.id));
    promotions(call, &here, "IsRunbookProcessModified")
}

fn of_deployment(call: &Call<'_>, id: &str) -> Result {
    call.who.needs(RELEASES.view)?;
    let release = call.find(&RELEASES, id)?;
    let here = call.at(&format!("releases/{}/deployments/preview", release.id));
    promotions(call, &here, "IsDeploymentProcessModified")
}

/// The environments that something can be sent to: all of them, since no lifecycle is looked into.
fn promotions(call: &Call<'_>, preview: &str, modified: &str) -> Result {
    let environments = store::all(call.db, &ENVIRONMENTS, &call.space)?;
    let target = |it: &Document| {
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
    Ok(Answer::of(&template))
}

/// The environments that a runbook may run on.
fn environments(call: &Call<'_>, id: &str) -> Result {
    call.who.needs(RUNBOOKS.view)?;
    let runbook = call.find(&RUNBOOKS, id)?.value()?;
    let named = super::list(&runbook, "Environments");
    let only = text(&runbook, "EnvironmentScope") == "Specified";
    let environments = store::all(call.db, &ENVIRONMENTS, &call.space)?;
    let bodies = environments.iter().filter(|it| !only || named.contains(&it.id));
    let bodies: Vec<&str> = bodies.map(|it| it.body.as_str()).collect();
    Ok(Answer::text(format!("[{}]", bodies.join(","))))
}
