//! The empty process of a new project or runbook.

use crate::{
    document::links,
    kind::{PROCESSES, RUNBOOK_PROCESSES},
    store::StoredDocument,
};
use serde_json::{Value, json};

/// An empty process of a project, or of one of its runbooks.
pub(crate) fn empty_process(space: &str, project: &str, runbook: Option<&str>) -> StoredDocument {
    let (kind, id, links) = match runbook {
        None => {
            let id = PROCESSES.id_for(project);
            (&PROCESSES, id, links::process_links(space, project))
        }
        Some(runbook) => {
            let id = RUNBOOK_PROCESSES.id_for(runbook);
            let links = links::runbook_process_links(space, &id, project);
            (&RUNBOOK_PROCESSES, id, links)
        }
    };
    let mut process = json!({ "Id": id, "SpaceId": space, "ProjectId": project });
    if let Some(runbook) = runbook {
        process["RunbookId"] = json!(runbook);
    }
    process["Version"] = json!(0);
    process["LastSnapshotId"] = Value::Null;
    process["Steps"] = json!([]);
    process["Links"] = links;
    StoredDocument::new(kind, &process)
}
