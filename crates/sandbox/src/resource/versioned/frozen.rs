//! What a release of a version-controlled project freezes: the documents of one commit.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    context::RequestContext,
    git::{GitRepository, GitSettings},
    json::{json_field, text_field},
    kind::{DocumentKind, PROCESSES, VARIABLES},
    resource::versioned::at_ref::{ProjectAtRef, requested_ref},
    store::StoredDocument,
};
use serde_json::{Value, json};

/// The documents of a commit, and a reference to it.
pub(crate) struct FrozenDocuments {
    /// The deployment process.
    pub(crate) process: StoredDocument,
    /// The variables, where they are in Git.
    pub(crate) variables: Option<StoredDocument>,
    /// The ref and its commit, as a release shows them.
    pub(crate) reference: Value,
}

/// The commit of a `VersionControlReference`, or of the default branch if that is empty. `None` for a project in
/// the database.
pub(crate) fn freeze_commit(
    call: &RequestContext<'_>,
    document: &StoredDocument,
    asked: &Value,
) -> HandlerResult<Option<FrozenDocuments>> {
    let Some(settings) = GitSettings::from_project(&document.parse_body()?) else {
        return Ok(None);
    };
    settings.check_reachable()?;
    let repository = GitRepository { db: call.db, space: &call.space, project: &document.id };
    let named =
        requested_ref([text_field(asked, "GitCommit"), text_field(asked, "GitRef")], &settings);
    let unknown_ref =
        || ErrorResponse::bad_request(format!("The Git reference '{named}' could not be found."));
    let at = repository.find_ref(&named)?.ok_or_else(unknown_ref)?;
    let has_variables = settings.has_variables();
    let project = ProjectAtRef { call, repository, settings, git_ref: at };
    let process = project.committed_document(&PROCESSES)?;
    project.check_pools_exist(&serde_json::from_str(&process.body)?)?;
    let variables = has_variables.then(|| project.committed_document(&VARIABLES)).transpose()?;
    let named = json_field(asked, "GitRef").as_str().filter(|it| !it.is_empty());
    let reference = json!({
        "GitRef": named.map_or_else(|| project.canonical_name(), str::to_owned),
        "GitCommit": project.git_ref.1.hash,
    });
    Ok(Some(FrozenDocuments { process, variables, reference }))
}

impl ProjectAtRef<'_> {
    /// The project's document of a kind in the commit.
    fn committed_document(&self, kind: &'static DocumentKind) -> HandlerResult<StoredDocument> {
        let body = self.document_text(&kind.id_for(self.repository.project))?;
        Ok(StoredDocument {
            body: body.clone(),
            ..StoredDocument::new(kind, &serde_json::from_str(&body)?)
        })
    }
}
