//! The runbooks of a ref: read from its commit, and created, changed and deleted by the next one.
//!
//! A runbook is identified by the slug of its name, and its process comes and goes with it.
//!
//! # Source
//!
//! `api.md` 2.9; the official TypeScript client, `features/projects/runbooks/runbookRepository`.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    document::commit_tree::{RUNBOOK, process_documents},
    json::{json_field, text_field},
    kind::{RUNBOOK_PROCESSES, RUNBOOKS},
    page, permission,
    raw_json::{JsonFieldAccess as _, JsonFields},
    request::HttpVerb,
    resource::versioned::at_ref::{ProjectAtRef, original_segment, take_message},
    text::{contains_id, fold_case, slugify},
};
use serde_json::{Value, json};

impl ProjectAtRef<'_> {
    /// Routes of the runbooks of this ref.
    pub(super) fn route_runbooks(&self, path: &[&str]) -> HandlerResult {
        match (self.call.verb(), path) {
            (HttpVerb::Get, []) => {
                let may = self.call.person.has_permission(RUNBOOKS.view);
                let ids = self.git_ref.1.tree.keys().filter(|id| may && id.starts_with(RUNBOOK));
                let all = ids.map(|id| Ok(serde_json::from_str(&self.linked_document(id)?)?));
                let all: Vec<Value> = all.collect::<HandlerResult<_>>()?;
                Ok(page::paginate_values(
                    self.call.request,
                    &RUNBOOKS,
                    &self.ref_path("runbooks"),
                    all,
                ))
            }
            (HttpVerb::Get, [_]) => {
                self.call.person.require_permission(RUNBOOKS.view)?;
                self.linked_document(&format!("{RUNBOOK}{}", original_segment(self.call, path)))
                    .map(SandboxResponse::from_json)
            }
            (HttpVerb::Post, ["v2"]) => self.create_runbook(),
            (HttpVerb::Put, [_]) => self.update_runbook(original_segment(self.call, path)),
            (HttpVerb::Delete, [_]) => self.delete_runbook(original_segment(self.call, path)),
            (_, [] | [_]) => Err(ErrorResponse::method_not_allowed()),
            _ => Err(ErrorResponse::not_found()),
        }
    }

    /// The name of a body, unused by runbooks of the ref other than `own`.
    fn check_name(&self, body: &JsonFields, own: &str) -> HandlerResult<String> {
        let name = body.text_value("Name").trim().to_owned();
        if name.is_empty() {
            return Err(ErrorResponse::bad_request("Please provide a name."));
        }
        for (id, text) in self.git_ref.1.tree.iter().filter(|(id, _)| id.starts_with(RUNBOOK)) {
            let taken: JsonFields = serde_json::from_str(text)?;
            let is_taken = fold_case(&taken.text_value("Name")) == fold_case(&name);
            if is_taken && !id.eq_ignore_ascii_case(own) {
                return Err(ErrorResponse::bad_request(format!(
                    "A runbook with the name '{name}' already exists. Please choose a different name."
                )));
            }
        }
        Ok(name)
    }

    fn create_runbook(&self) -> HandlerResult {
        self.call.person.require_permission(permission::for_action("Create", RUNBOOKS.edit))?;
        let mut body: JsonFields = serde_json::from_str(&self.call.request.body)?;
        let message = body.text_value("ChangeDescription");
        take_message(&mut body, RUNBOOKS.noun);
        let name = self.check_name(&body, "")?;
        let message = if message.trim().is_empty() { format!("Created {name}") } else { message };
        let project = self.repository.project;
        let made = process_documents(&self.call.space, project, Some(&name), &json!([]));
        let mut tree = self.git_ref.1.tree.clone();
        let id = format!("{RUNBOOK}{}", slugify(&name));
        if made.keys().any(|id| tree.contains_key(id)) {
            return Err(ErrorResponse::bad_request("A runbook with this slug already exists."));
        }
        tree.extend(made);
        let mut runbook: Value =
            serde_json::from_str(tree.get(&id).map(String::as_str).unwrap_or_default())?;
        let own = ["Id", "Slug", "Name", "SpaceId", "ProjectId", "RunbookProcessId", "Links"];
        for (name, value) in self.call.request.body_object()?.as_object().into_iter().flatten() {
            let is_known = !json_field(&runbook, name).is_null() || runbook.get(name).is_some();
            if is_known && !contains_id(&own, name) {
                runbook[name.as_str()] = value.clone();
            }
        }
        let written = runbook.to_string();
        tree.insert(id, written.clone());
        self.commit_tree(tree, &message)?;
        let at = self.ref_path(&format!("runbooks/{}", text_field(&runbook, "Id")));
        runbook["Links"] = json!({
            "Self": at,
            "Project": self.call.space_path(&format!("projects/{project}")),
            "RunbookProcesses":
                self.ref_path(&format!("runbookProcesses/{}", text_field(&runbook, "RunbookProcessId"))),
        });
        Ok(SandboxResponse::created(&runbook))
    }

    /// Changes a runbook. Its slug stays, whatever its name.
    fn update_runbook(&self, id: &str) -> HandlerResult {
        self.call.person.require_permission(RUNBOOKS.edit)?;
        let id = format!("{RUNBOOK}{id}");
        self.commit_document(&RUNBOOKS, &id, |mut new, old| {
            self.check_name(&new, &id)?;
            let own = ["Slug", "RunbookProcessId", "PublishedRunbookSnapshotId"];
            for (name, value) in own.iter().filter_map(|text| Some((text, old.raw_field(text)?))) {
                new.set_field(name, value.to_owned());
            }
            Ok(new)
        })
    }

    fn delete_runbook(&self, id: &str) -> HandlerResult {
        self.call.person.require_permission(permission::for_action("Delete", RUNBOOKS.edit))?;
        let runbook = self.stored_id(&format!("{RUNBOOK}{id}"))?;
        let process = RUNBOOK_PROCESSES.id_for(id);
        let mut tree = self.git_ref.1.tree.clone();
        tree.retain(|id, _| id != runbook && !id.eq_ignore_ascii_case(&process));
        self.commit_tree(tree, "Deleted runbook")?;
        Ok(SandboxResponse::empty_object())
    }
}
