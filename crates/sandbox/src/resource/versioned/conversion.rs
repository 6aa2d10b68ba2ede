//! A project's way from the database into Git.
//!
//! Never: the way back, which no server has.

use crate::{
    answer::{Answer, Refusal, Result},
    git::{Repository, Settings, Signature, Tree, short},
    kind::{PROCESSES, PROJECTS, VARIABLES},
    resource::{Call, field, links, now, plain, text},
    store::{self, Document},
};
use serde_json::{Value, json};

/// `POST …/projects/{id}/git/convert`: the process and the variables become the first commit.
///
/// # Source
///
/// `ConvertToVcs` of the Go client: `VersionControlSettings`, `CommitMessage`, `InitialCommitBranchName`.
pub(super) fn convert(call: &Call<'_>, document: &Document, mut project: Value) -> Result {
    call.who.needs(PROJECTS.edit)?;
    if Settings::of(&project).is_some() {
        return Err(Refusal::rule("This project is version controlled already."));
    }
    let body = call.request.document()?;
    let mut wanted = field(&body, "VersionControlSettings").clone();
    if !wanted.is_object() {
        return Err(Refusal::rule("Please provide the version control settings."));
    }
    wanted["Type"] = json!("VersionControlled");
    wanted["ConversionState"] = json!({ "VariablesAreInGit": true, "RunbooksAreInGit": false });
    plain::forget_secrets(&mut wanted);
    project["PersistenceSettings"] = wanted;
    project["IsVersionControlled"] = json!(true);
    project["Links"] = links::of(&PROJECTS, &call.space, &document.id, &project);
    let settings = Settings::of(&project)
        .ok_or_else(|| Refusal::rule("These are no version control settings."))?;
    settings.reach()?;
    let message = Some(text(&body, "CommitMessage")).filter(|it| !it.is_empty());
    let says = Signature {
        message: message.unwrap_or("Initial commit of deployment process"),
        author: &call.who.username,
        at: &now(),
    };
    let tree = moved(call, &document.id)?;
    let repository = Repository { db: call.db, space: &call.space, project: &document.id };
    repository.write(first_branch(&settings, &body), tree, says)?;
    store::save(call.db, &Document::new(&PROJECTS, &project))?;
    Ok(Answer::of(&json!({ "Messages": [] })))
}

/// Where the first commit goes: a protected default branch takes none.
fn first_branch<'a>(settings: &'a Settings, body: &'a Value) -> &'a str {
    if !settings.protects(settings.default_branch()) {
        return settings.default_branch();
    }
    let asked = short(text(body, "InitialCommitBranchName"));
    if asked.is_empty() { "octopus-vcs-conversion" } else { asked }
}

/// The first tree of a project. Its process leaves the database; its variables stay there too, because
/// secrets never go to Git.
fn moved(call: &Call<'_>, project: &str) -> Result<Tree> {
    let process = call.find(&PROCESSES, &format!("{}-{project}", PROCESSES.prefix))?;
    let variables = call.find(&VARIABLES, &format!("{}-{project}", VARIABLES.prefix))?;
    store::delete(call.db, &process.id)?;
    Ok([process, variables].into_iter().map(|it| (it.id, it.body)).collect())
}
