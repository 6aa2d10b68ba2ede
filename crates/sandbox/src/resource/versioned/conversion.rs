//! A project's way from the database into Git.
//!
//! Never: the way back, which no server has.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    git::{CommitSignature, CommitTree, GitRepository, GitSettings, short},
    kind::{PROCESSES, PROJECTS, VARIABLES},
    resource::{RequestContext, field, links, now, plain, text},
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// `POST …/projects/{id}/git/convert`: the process and the variables become the first commit.
///
/// # Source
///
/// `ConvertToVcs` of the Go client: `VersionControlSettings`, `CommitMessage`, `InitialCommitBranchName`.
pub(super) fn convert(
    call: &RequestContext<'_>,
    document: &StoredDocument,
    mut project: Value,
) -> HandlerResult {
    call.person.needs(PROJECTS.edit)?;
    if GitSettings::of(&project).is_some() {
        return Err(ErrorResponse::rule("This project is version controlled already."));
    }
    let body = call.request.document()?;
    let mut wanted = field(&body, "VersionControlSettings").clone();
    if !wanted.is_object() {
        return Err(ErrorResponse::rule("Please provide the version control settings."));
    }
    wanted["Type"] = json!("VersionControlled");
    wanted["ConversionState"] = json!({ "VariablesAreInGit": true, "RunbooksAreInGit": false });
    plain::forget_secrets(&mut wanted);
    project["PersistenceSettings"] = wanted;
    project["IsVersionControlled"] = json!(true);
    project["Links"] = links::of(&PROJECTS, &call.space, &document.id, &project);
    let settings = GitSettings::of(&project)
        .ok_or_else(|| ErrorResponse::rule("These are no version control settings."))?;
    settings.reach()?;
    let message = Some(text(&body, "CommitMessage")).filter(|it| !it.is_empty());
    let says = CommitSignature {
        message: message.unwrap_or("Initial commit of deployment process"),
        author: &call.person.username,
        time: &now(),
    };
    let tree = moved(call, &document.id)?;
    let repository = GitRepository { db: call.db, space: &call.space, project: &document.id };
    repository.write(first_branch(&settings, &body), tree, says)?;
    store::save(call.db, &StoredDocument::new(&PROJECTS, &project))?;
    Ok(SandboxResponse::of(&json!({ "Messages": [] })))
}

/// Where the first commit goes: a protected default branch takes none.
fn first_branch<'a>(settings: &'a GitSettings, body: &'a Value) -> &'a str {
    if !settings.protects(settings.default_branch()) {
        return settings.default_branch();
    }
    let asked = short(text(body, "InitialCommitBranchName"));
    if asked.is_empty() { "octopus-vcs-conversion" } else { asked }
}

/// The first tree of a project. Its process leaves the database; its variables stay there too, because
/// secrets never go to Git.
fn moved(call: &RequestContext<'_>, project: &str) -> HandlerResult<CommitTree> {
    let process = call.find(&PROCESSES, &format!("{}-{project}", PROCESSES.prefix))?;
    let variables = call.find(&VARIABLES, &format!("{}-{project}", VARIABLES.prefix))?;
    store::delete(call.db, &process.id)?;
    Ok([process, variables].into_iter().map(|it| (it.id, it.body)).collect())
}
