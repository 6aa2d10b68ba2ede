//! What a release of a version-controlled project freezes: the documents of one commit.

use super::{Project, sent_ref};
use crate::{
    answer::{Refusal, Result},
    git::{Repository, Settings},
    kind::{Kind, PROCESSES, VARIABLES},
    resource::{Call, field, text},
    store::Document,
};
use serde_json::{Value, json};

/// The documents of a commit, and which that is.
pub(in crate::resource) struct Frozen {
    /// The deployment process.
    pub(in crate::resource) process: Document,
    /// The variables, where they are in Git.
    pub(in crate::resource) variables: Option<Document>,
    /// The ref and its commit, as a release tells them.
    pub(in crate::resource) reference: Value,
}

/// What `asked`, a `VersionControlReference`, stands for: the default branch, where it says nothing.
/// Nothing for a project in the database.
pub(in crate::resource) fn at(
    call: &Call<'_>,
    document: &Document,
    asked: &Value,
) -> Result<Option<Frozen>> {
    let Some(settings) = Settings::of(&document.value()?) else { return Ok(None) };
    settings.reach()?;
    let repository = Repository { db: call.db, space: &call.space, project: &document.id };
    let named = sent_ref([text(asked, "GitCommit"), text(asked, "GitRef")], &settings);
    let unknown = || Refusal::rule(format!("The Git reference '{named}' could not be found."));
    let at = repository.find(&named)?.ok_or_else(unknown)?;
    let has_variables = settings.has_variables();
    let project = Project { call, repository, settings, at };
    let process = project.kept(&PROCESSES)?;
    project.loads(&serde_json::from_str(&process.body)?)?;
    let variables = has_variables.then(|| project.kept(&VARIABLES)).transpose()?;
    let named = field(asked, "GitRef").as_str().filter(|it| !it.is_empty());
    let reference = json!({
        "GitRef": named.map_or_else(|| project.name(), str::to_owned),
        "GitCommit": project.at.1.hash,
    });
    Ok(Some(Frozen { process, variables, reference }))
}

impl Project<'_> {
    /// The project's one document of a kind, as the commit has it.
    fn kept(&self, kind: &'static Kind) -> Result<Document> {
        let body = self.document(&format!("{}-{}", kind.prefix, self.repository.project))?;
        Ok(Document { body: body.clone(), ..Document::new(kind, &serde_json::from_str(&body)?) })
    }
}
