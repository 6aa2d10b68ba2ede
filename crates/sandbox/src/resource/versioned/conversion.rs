//! Moves a project from the database into Git. As on a real server, there is no way back.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::links,
    git::{CommitSignature, CommitTree, GitRepository, GitSettings, short_branch_name},
    json::{self, json_field, text_field},
    kind::{PROCESSES, PROJECTS, VARIABLES},
    store::{self, StoredDocument},
    time::current_time,
};
use serde_json::{Value, json};

/// `POST …/projects/{id}/git/convert`: the process and the variables become the first commit.
///
/// # Source
///
/// `ConvertToVcs` of the Go client: `VersionControlSettings`, `CommitMessage`, `InitialCommitBranchName`.
pub(super) fn convert_to_git(
    call: &RequestContext<'_>,
    document: &StoredDocument,
    mut project: Value,
) -> HandlerResult {
    call.person.require_permission(PROJECTS.edit)?;
    if GitSettings::from_project(&project).is_some() {
        return Err(ErrorResponse::bad_request("This project is version controlled already."));
    }
    let body = call.request.body_object()?;
    let mut wanted = json_field(&body, "VersionControlSettings").clone();
    if !wanted.is_object() {
        return Err(ErrorResponse::bad_request("Please provide the version control settings."));
    }
    wanted["Type"] = json!("VersionControlled");
    wanted["ConversionState"] = json!({ "VariablesAreInGit": true, "RunbooksAreInGit": false });
    json::forget_secrets(&mut wanted);
    project["PersistenceSettings"] = wanted;
    project["IsVersionControlled"] = json!(true);
    project["Links"] = links::document_links(&PROJECTS, &call.space, &document.id, &project);
    let settings = GitSettings::from_project(&project)
        .ok_or_else(|| ErrorResponse::bad_request("These are no version control settings."))?;
    settings.check_reachable()?;
    let message = Some(text_field(&body, "CommitMessage")).filter(|it| !it.is_empty());
    let signature = CommitSignature {
        message: message.unwrap_or("Initial commit of deployment process"),
        author: &call.person.username,
        time: &current_time(),
    };
    let tree = move_to_tree(call, &document.id)?;
    let repository = GitRepository { db: call.db, space: &call.space, project: &document.id };
    repository.write_commit(initial_branch(&settings, &body), tree, signature)?;
    store::save_document(call.db, &StoredDocument::new(&PROJECTS, &project))?;
    Ok(SandboxResponse::from_document(&json!({ "Messages": [] })))
}

/// The branch of the first commit, since a protected default branch refuses it.
fn initial_branch<'a>(settings: &'a GitSettings, body: &'a Value) -> &'a str {
    if !settings.is_protected(settings.default_branch()) {
        return settings.default_branch();
    }
    let asked = short_branch_name(text_field(body, "InitialCommitBranchName"));
    if asked.is_empty() { "octopus-vcs-conversion" } else { asked }
}

/// The first tree of a project. The process leaves the database; the variables also stay there, because secrets
/// are not stored in Git.
fn move_to_tree(call: &RequestContext<'_>, project: &str) -> HandlerResult<CommitTree> {
    let process = call.find_document(&PROCESSES, &PROCESSES.id_for(project))?;
    let variables = call.find_document(&VARIABLES, &VARIABLES.id_for(project))?;
    store::delete_document(call.db, &process.id)?;
    Ok([process, variables].into_iter().map(|document| (document.id, document.body)).collect())
}
