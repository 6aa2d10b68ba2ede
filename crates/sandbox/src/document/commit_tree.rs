//! The processes and runbooks in a project's commit.

use crate::{
    document::{process, project},
    git::CommitTree,
    text::slugify,
};
use serde_json::{Value, json};

/// The prefix of a runbook's id in a tree.
pub(crate) const RUNBOOK: &str = "runbook:";

/// The documents of the deployment process, or of a runbook and its process. The runbook's id is the slug of its
/// name.
pub(crate) fn process_documents(
    space: &str,
    project: &str,
    runbook: Option<&str>,
    steps: &Value,
) -> CommitTree {
    let slug = runbook.map(slugify);
    let empty = process::empty_process(space, project, slug.as_deref());
    let body = empty.body.replacen("\"Steps\":[]", &format!("\"Steps\":{steps}"), 1);
    let mut tree = CommitTree::from([(empty.id, body)]);
    if let (Some(name), Some(slug)) = (runbook, slug) {
        let mut document = project::runbook_defaults(&slug);
        let own = [("Id", &*slug), ("Slug", &*slug), ("Name", name), ("SpaceId", space)];
        for (key, value) in own.into_iter().chain([("ProjectId", project)]) {
            document[key] = json!(value);
        }
        tree.insert(format!("{RUNBOOK}{slug}"), document.to_string());
    }
    tree
}
