//! A version-controlled project at one of its refs.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::{RequestContext, check_same_id},
    document::{commit_tree::RUNBOOK, links, template},
    git::{CommitSignature, CommitTree, GitRef, GitRepository, GitSettings, StoredCommit},
    kind::{self, DocumentKind, KindName, POOLS, PROCESSES, RUNBOOK_PROCESSES, VARIABLES},
    raw_json::{self, JsonFieldAccess as _, JsonFields},
    request::HttpVerb,
    resource::{lookups, normalize, processes, variables},
    text::contains_id,
    time::current_time,
    url,
};
use serde_json::json;

fn not_branch_error(name: &str) -> ErrorResponse {
    ErrorResponse::bad_request(format!(
        "'{name}' is not a branch. Changes can only be committed to a branch."
    ))
}

/// The first of these segments as it was sent, since refs are case-sensitive.
pub(crate) fn original_segment<'a>(call: &RequestContext<'a>, path: &[&str]) -> &'a str {
    let all = &call.request.path;
    let at = all.len().checked_sub(path.len());
    at.and_then(|at| all.get(at)).map(String::as_str).unwrap_or_default()
}

/// The first of these names that is not blank, or the default branch.
pub(crate) fn requested_ref(names: [&str; 2], settings: &GitSettings) -> String {
    let named = names.into_iter().find(|name| !name.trim().is_empty());
    named.map_or_else(|| settings.default_branch().to_owned(), str::to_owned)
}

/// A version-controlled project at a ref.
pub(crate) struct ProjectAtRef<'a> {
    pub(crate) call: &'a RequestContext<'a>,
    pub(crate) repository: GitRepository<'a>,
    pub(crate) settings: GitSettings,
    pub(crate) git_ref: (GitRef, StoredCommit),
}

impl ProjectAtRef<'_> {
    pub(crate) fn deployment_process(&self, path: &[&str]) -> HandlerResult {
        let id = PROCESSES.id_for(self.repository.project);
        match (self.call.verb(), path) {
            (HttpVerb::Get, []) => self.get_process(&PROCESSES, &id),
            (HttpVerb::Get, ["resolved"]) => {
                self.call.person.require_permission(PROCESSES.view)?;
                self.check_pools_exist(&serde_json::from_str(&self.document_text(&id)?)?)?;
                let process = serde_json::from_str(&self.linked_document(&id)?)?;
                Ok(SandboxResponse::from_document(&template::resolve_usages(
                    self.call.db,
                    process,
                )?))
            }
            (HttpVerb::Put, []) => self.commit_process(&PROCESSES, &id),
            (_, below) => {
                self.call.person.require_permission(PROCESSES.view)?;
                let process = serde_json::from_str(&self.document_text(&id)?)?;
                processes::route_subresources(self.call, &process, below)
            }
        }
    }

    pub(crate) fn runbook_process(&self, path: &[&str]) -> HandlerResult {
        match (self.call.verb(), path) {
            (HttpVerb::Get, [_]) => {
                self.get_process(&RUNBOOK_PROCESSES, original_segment(self.call, path))
            }
            (HttpVerb::Put, [_]) => {
                self.commit_process(&RUNBOOK_PROCESSES, original_segment(self.call, path))
            }
            (_, [_]) => Err(ErrorResponse::method_not_allowed()),
            _ => Err(ErrorResponse::not_found()),
        }
    }

    pub(crate) fn git_variables(&self, path: &[&str]) -> HandlerResult {
        let id = VARIABLES.id_for(self.repository.project);
        match (self.call.verb(), path) {
            (HttpVerb::Get, []) if self.settings.has_variables() => {
                self.call.person.require_permission(VARIABLES.view)?;
                let set =
                    variables::number_values(serde_json::from_str(&self.linked_document(&id)?)?)?;
                let set = serde_json::to_string(&set)?;
                lookups::add_scope_values(self.call, &set).map(SandboxResponse::from_json)
            }
            (HttpVerb::Put, []) if self.settings.has_variables() => {
                self.call.person.require_permission(VARIABLES.edit)?;
                self.commit_document(&VARIABLES, &id, |mut new, old| {
                    new.retain(|name, _| !name.eq_ignore_ascii_case("ProjectId"));
                    variables::number_values(serde_json::from_str(&variables::normalize_set(
                        new, old,
                    )?)?)
                })
                .map(|_| SandboxResponse::empty_object())
            }
            (HttpVerb::Get | HttpVerb::Put, _) => Err(ErrorResponse::not_found()),
            _ => Err(ErrorResponse::method_not_allowed()),
        }
    }

    fn get_process(&self, kind: &'static DocumentKind, id: &str) -> HandlerResult {
        self.call.person.require_permission(kind.view)?;
        self.check_pools_exist(&serde_json::from_str(&self.document_text(id)?)?)?;
        self.linked_document(id).map(SandboxResponse::from_json)
    }

    /// Refuses a process that names a deleted pool: its OCL refers to a missing slug, and cannot be loaded.
    pub(crate) fn check_pools_exist(&self, process: &JsonFields) -> HandlerResult<()> {
        let steps = process.object_list("Steps")?;
        let actions = steps
            .iter()
            .map(|step| step.object_list("Actions"))
            .collect::<HandlerResult<Vec<_>>>()?;
        for action in actions.iter().flatten() {
            let pool = action.text_value("WorkerPoolId");
            if !pool.is_empty() && !self.call.has_document(&POOLS, &pool)? {
                let name = action.text_value("Name");
                return Err(ErrorResponse::bad_request(format!(
                    "The worker pool of the step '{name}' could not be found. Its reference has to be \
                     corrected in the Git repository."
                )));
            }
        }
        Ok(())
    }

    fn commit_process(&self, kind: &'static DocumentKind, id: &str) -> HandlerResult {
        self.call.person.require_permission(kind.edit)?;
        self.commit_document(kind, id, |new, old| normalize::normalize_process(self.call, new, old))
    }

    /// Commits the document of the request, changed by `kept`. `Version` is ignored: the branch keeps commits apart.
    pub(crate) fn commit_document(
        &self,
        kind: &'static DocumentKind,
        id: &str,
        kept: impl FnOnce(JsonFields, &JsonFields) -> HandlerResult<JsonFields>,
    ) -> HandlerResult {
        self.writable_branch()?;
        let old: JsonFields = serde_json::from_str(&self.document_text(id)?)?;
        let mut new: JsonFields = serde_json::from_str(&self.call.request.body)?;
        check_same_id(&new.text_value("Id"), &old.text_value("Id"))?;
        let message = take_message(&mut new, kind.noun);
        let mut kept = kept(new, &old)?;
        let own = ["Id", "SpaceId", "OwnerId", "ProjectId", "RunbookId", "LastSnapshotId"];
        for name in own.into_iter().chain(["Version", "Links"]) {
            if let Some(value) = old.get(name) {
                kept.set_field(name, value.clone());
            }
        }
        let text = serde_json::to_string(&kept)?;
        let mut tree = self.git_ref.1.tree.clone();
        tree.insert(self.stored_id(id)?.to_owned(), text.clone());
        self.commit_tree(tree, &message)?;
        self.add_links(id, &text).map(SandboxResponse::from_json)
    }

    /// Makes the next commit of the branch.
    pub(crate) fn commit_tree(&self, tree: CommitTree, message: &str) -> HandlerResult<()> {
        let signature =
            CommitSignature { message, author: &self.call.person.username, time: &current_time() };
        self.repository.write_commit(self.writable_branch()?, tree, signature)?;
        Ok(())
    }

    /// The branch to commit to.
    fn writable_branch(&self) -> HandlerResult<&str> {
        match &self.git_ref.0 {
            GitRef::Branch(name) if self.settings.is_protected(name) => {
                Err(ErrorResponse::bad_request(format!(
                    "refs/heads/{name} is a protected branch. Cannot commit to protected branches. Please \
                 create a new branch before committing."
                )))
            }
            GitRef::Branch(name) => Ok(name),
            GitRef::Tag(name) => Err(not_branch_error(name)),
            GitRef::Commit => Err(not_branch_error(&self.git_ref.1.hash)),
        }
    }

    /// The id of a document as its tree spells it.
    pub(crate) fn stored_id(&self, id: &str) -> HandlerResult<&str> {
        let found = self.git_ref.1.tree.keys().find(|it| it.eq_ignore_ascii_case(id));
        found.map(String::as_str).ok_or_else(ErrorResponse::not_found)
    }

    pub(crate) fn document_text(&self, id: &str) -> HandlerResult<String> {
        self.git_ref.1.tree.get(self.stored_id(id)?).cloned().ok_or_else(ErrorResponse::not_found)
    }

    pub(crate) fn linked_document(&self, id: &str) -> HandlerResult<String> {
        self.add_links(id, &self.document_text(id)?)
    }

    /// Adds links that contain the ref: a client saves to the `Self` that it has read.
    fn add_links(&self, id: &str, text: &str) -> HandlerResult<String> {
        let mut fields: JsonFields = serde_json::from_str(text)?;
        let project = self.call.space_path(&format!("projects/{}", self.repository.project));
        let id = self.stored_id(id)?;
        let (prefix, _) = id.split_once('-').unwrap_or((id, ""));
        let kind = kind::kind_by_prefix(prefix).map(|kind| kind.name);
        let mut links = if kind == Some(KindName::Processes) {
            links::process_links(&self.call.space, self.repository.project)
        } else {
            json!({})
        };
        let own = match (id.strip_prefix(RUNBOOK), kind) {
            (Some(runbook), _) => {
                let process = fields.text_value("RunbookProcessId");
                links["RunbookProcesses"] =
                    json!(self.ref_path(&format!("runbookProcesses/{process}")));
                format!("runbooks/{runbook}")
            }
            (None, Some(KindName::Processes)) => {
                for (name, below) in
                    [("Template", "template{?channel,releaseId}"), ("Validation", "validate")]
                {
                    links[name] = json!(self.ref_path(&format!("deploymentprocesses/{below}")));
                }
                "deploymentprocesses".to_owned()
            }
            (None, Some(KindName::Variables)) => "variables".to_owned(),
            _ => format!("runbookProcesses/{id}"),
        };
        links["Self"] = json!(self.ref_path(&own));
        links["Project"] = json!(project);
        fields.set_field("Links", raw_json::to_raw_json(&links)?);
        Ok(serde_json::to_string(&fields)?)
    }

    pub(crate) fn ref_path(&self, below: &str) -> String {
        let at = format!(
            "projects/{}/{}",
            self.repository.project,
            url::percent_encode(&self.canonical_name())
        );
        self.call.space_path(&format!("{at}/{below}"))
    }

    /// The canonical name of the ref.
    pub(crate) fn canonical_name(&self) -> String {
        match &self.git_ref.0 {
            GitRef::Branch(name) => format!("refs/heads/{name}"),
            GitRef::Tag(name) => format!("refs/tags/{name}"),
            GitRef::Commit => self.git_ref.1.hash.clone(),
        }
    }
}

/// Takes the commit message from a body; without one, the server writes its own.
pub(crate) fn take_message(body: &mut JsonFields, noun: &str) -> String {
    let message = body.text_value("ChangeDescription");
    let own = ["ChangeDescription", "GitRef"];
    body.retain(|name, _| !contains_id(&own, name));
    if message.trim().is_empty() { format!("Updated {noun}") } else { message }
}
