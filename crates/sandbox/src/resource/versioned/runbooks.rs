//! The runbooks of a ref: read from its commit, and made, changed and deleted by the next one.
//!
//! A runbook is known by the slug of its name, and its process comes and goes with it. Never: a step.
//!
//! # Source
//!
//! `api.md` 2.9; the official TypeScript client, `features/projects/runbooks/runbookRepository`.

use super::{ProjectAtRef, RUNBOOK, documents, message, sent};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{RUNBOOK_PROCESSES, RUNBOOKS},
    page, permission,
    request::HttpVerb,
    resource::{
        field,
        normal::{JsonFieldAccess as _, JsonFields},
        slug, text,
    },
};
use serde_json::{Value, json};

impl ProjectAtRef<'_> {
    /// Answers what is asked of the runbooks of this ref.
    pub(super) fn runbooks(&self, path: &[&str]) -> HandlerResult {
        match (self.call.verb(), path) {
            (HttpVerb::Get, []) => {
                let may = self.call.person.may(RUNBOOKS.view);
                let ids = self.git_ref.1.tree.keys().filter(|id| may && id.starts_with(RUNBOOK));
                let all = ids.map(|id| Ok(serde_json::from_str(&self.shown(id)?)?));
                let all: Vec<Value> = all.collect::<HandlerResult<_>>()?;
                Ok(page::of_values(self.call.request, &RUNBOOKS, &self.path("runbooks"), all))
            }
            (HttpVerb::Get, [_]) => {
                self.call.person.needs(RUNBOOKS.view)?;
                self.shown(&format!("{RUNBOOK}{}", sent(self.call, path)))
                    .map(SandboxResponse::text)
            }
            (HttpVerb::Post, ["v2"]) => self.make_runbook(),
            (HttpVerb::Put, [_]) => self.change_runbook(sent(self.call, path)),
            (HttpVerb::Delete, [_]) => self.delete_runbook(sent(self.call, path)),
            (_, [] | [_]) => Err(ErrorResponse::method()),
            _ => Err(ErrorResponse::missing()),
        }
    }

    /// The name that a body gives, which no runbook of the ref has but the one of this id.
    fn named(&self, body: &JsonFields, own: &str) -> HandlerResult<String> {
        let name = body.text("Name").trim().to_owned();
        if name.is_empty() {
            return Err(ErrorResponse::rule("Please provide a name."));
        }
        for (id, text) in self.git_ref.1.tree.iter().filter(|(id, _)| id.starts_with(RUNBOOK)) {
            let taken: JsonFields = serde_json::from_str(text)?;
            let is_taken = taken.text("Name").to_lowercase() == name.to_lowercase();
            if is_taken && !id.eq_ignore_ascii_case(own) {
                return Err(ErrorResponse::rule(format!(
                    "A runbook with the name '{name}' already exists. Please choose a different name."
                )));
            }
        }
        Ok(name)
    }

    fn make_runbook(&self) -> HandlerResult {
        self.call.person.needs(permission::to("Create", RUNBOOKS.edit))?;
        let mut body: JsonFields = serde_json::from_str(&self.call.request.body)?;
        let said = body.text("ChangeDescription");
        message(&mut body, RUNBOOKS.noun);
        let name = self.named(&body, "")?;
        let message = if said.trim().is_empty() { format!("Created {name}") } else { said };
        let project = self.repository.project;
        let made = documents(&self.call.space, project, Some(&name), &json!([]));
        let mut tree = self.git_ref.1.tree.clone();
        let id = format!("{RUNBOOK}{}", slug(&name));
        if made.keys().any(|id| tree.contains_key(id)) {
            return Err(ErrorResponse::rule("A runbook with this slug already exists."));
        }
        tree.extend(made);
        let mut runbook: Value =
            serde_json::from_str(tree.get(&id).map(String::as_str).unwrap_or_default())?;
        let own = ["Id", "Slug", "Name", "SpaceId", "ProjectId", "RunbookProcessId", "Links"];
        for (name, value) in self.call.request.document()?.as_object().into_iter().flatten() {
            let is_known = !field(&runbook, name).is_null() || runbook.get(name).is_some();
            if is_known && !own.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                runbook[name.as_str()] = value.clone();
            }
        }
        let written = runbook.to_string();
        tree.insert(id, written.clone());
        self.write(tree, &message)?;
        let at = self.path(&format!("runbooks/{}", text(&runbook, "Id")));
        runbook["Links"] = json!({
            "Self": at,
            "Project": self.call.at(&format!("projects/{project}")),
            "RunbookProcesses":
                self.path(&format!("runbookProcesses/{}", text(&runbook, "RunbookProcessId"))),
        });
        Ok(SandboxResponse::created(&runbook))
    }

    /// Changes a runbook. What it is known by stays, whatever its name.
    fn change_runbook(&self, id: &str) -> HandlerResult {
        self.call.person.needs(RUNBOOKS.edit)?;
        let id = format!("{RUNBOOK}{id}");
        self.commit(&RUNBOOKS, &id, |mut new, old| {
            self.named(&new, &id)?;
            let own = ["Slug", "RunbookProcessId", "PublishedRunbookSnapshotId"];
            for (name, value) in own.iter().filter_map(|it| Some((it, old.raw(it)?))) {
                new.put(name, value.to_owned());
            }
            Ok(new)
        })
    }

    fn delete_runbook(&self, id: &str) -> HandlerResult {
        self.call.person.needs(permission::to("Delete", RUNBOOKS.edit))?;
        let runbook = self.spelled(&format!("{RUNBOOK}{id}"))?;
        let process = format!("{}-{id}", RUNBOOK_PROCESSES.prefix);
        let mut tree = self.git_ref.1.tree.clone();
        tree.retain(|id, _| id != runbook && !id.eq_ignore_ascii_case(&process));
        self.write(tree, "Deleted runbook")?;
        Ok(SandboxResponse::done())
    }
}
