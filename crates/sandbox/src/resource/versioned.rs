//! What version-controlled projects have: branches, and processes, runbooks and variables of a ref.
//!
//! A read takes a document of the commit that a ref stands for; a write makes the next commit. Never: a
//! commit to a protected branch, a tag or a commit; and no OCL, since pools are ids on the wire.
//!
//! # Source
//!
//! `api.md` 2.10; where that is silent, its section 7.

mod conversion;
mod frozen;
mod refs;
mod runbooks;

pub(super) use frozen::freeze_commit as frozen_at;

use super::{
    RequestContext, current_time, links, lookups,
    normalize::{self, JsonFieldAccess as _, JsonFields},
    process_templates, processes, projects, slugify, variables,
};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    git::{CommitSignature, CommitTree, GitRef, GitRepository, GitSettings, StoredCommit},
    kind::{DocumentKind, POOLS, PROCESSES, RUNBOOK_PROCESSES, VARIABLES},
    page,
    request::HttpVerb,
    store::StoredDocument,
};
use serde_json::{Value, json};

/// What runbooks have in a tree, before their ids.
const RUNBOOK: &str = "runbook:";

/// `…/projects/{id}/git/…` and `…/projects/{id}/{ref}/…`; nothing where the request is not about Git.
pub(crate) fn route_git(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> Option<HandlerResult> {
    let value = match project.parse_body() {
        Ok(value) => value,
        Err(error) => return Some(Err(error.into())),
    };
    if let (["git", "convert"], HttpVerb::Post) = (path, call.verb()) {
        return Some(conversion::convert_to_git(call, project, value));
    }
    let settings = GitSettings::from_project(&value)?;
    let repository = GitRepository { db: call.db, space: &call.space, project: &project.id };
    Some(match path {
        ["git", below @ ..] => settings
            .check_reachable()
            .and_then(|()| refs::route_refs(call, &repository, &settings, below)),
        ["deploymentprocesses", ..] => Err(missing_ref_error()),
        ["runbookprocesses" | "runbooks", ..] if settings.has_runbooks() => {
            Err(missing_ref_error())
        }
        [
            _,
            below @ ("deploymentprocesses" | "runbooks" | "runbookprocesses" | "variables"),
            ..,
        ] => {
            let commit = settings.check_reachable().and_then(|()| {
                repository
                    .find_ref(original_segment(call, path))?
                    .ok_or_else(ErrorResponse::not_found)
            });
            commit.and_then(|at| {
                let project = ProjectAtRef { call, repository, settings, git_ref: at };
                match *below {
                    "deploymentprocesses" => project.deployment_process(&path[2..]),
                    "runbookprocesses" => project.runbook_process(&path[2..]),
                    "runbooks" => project.route_runbooks(&path[2..]),
                    _ => project.git_variables(&path[2..]),
                }
            })
        }
        _ => return None,
    })
}

fn missing_ref_error() -> ErrorResponse {
    ErrorResponse::bad_request(
        "This project is version controlled: a Git reference is needed in the path.",
    )
}

fn not_branch_error(name: &str) -> ErrorResponse {
    ErrorResponse::bad_request(format!(
        "'{name}' is not a branch. Changes can only be committed to a branch."
    ))
}

/// The first of these segments as it was sent: refs know upper from lower case.
fn original_segment<'a>(call: &RequestContext<'a>, path: &[&str]) -> &'a str {
    let all = &call.request.path;
    let at = all.len().checked_sub(path.len());
    at.and_then(|at| all.get(at)).map(String::as_str).unwrap_or_default()
}

/// The first of these names that says something, else the default branch.
fn requested_ref(names: [&str; 2], settings: &GitSettings) -> String {
    let named = names.into_iter().find(|it| !it.trim().is_empty());
    named.map_or_else(|| settings.default_branch().to_owned(), str::to_owned)
}

/// A version-controlled project at a ref.
struct ProjectAtRef<'a> {
    call: &'a RequestContext<'a>,
    repository: GitRepository<'a>,
    settings: GitSettings,
    git_ref: (GitRef, StoredCommit),
}

impl ProjectAtRef<'_> {
    fn deployment_process(&self, path: &[&str]) -> HandlerResult {
        let id = format!("{}-{}", PROCESSES.prefix, self.repository.project);
        match (self.call.verb(), path) {
            (HttpVerb::Get, []) => self.get_process(&PROCESSES, &id),
            (HttpVerb::Get, ["resolved"]) => {
                self.call.person.require_permission(PROCESSES.view)?;
                self.check_pools_exist(&serde_json::from_str(&self.document_text(&id)?)?)?;
                let process = serde_json::from_str(&self.linked_document(&id)?)?;
                Ok(SandboxResponse::from_document(&process_templates::resolve_usages(
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

    fn runbook_process(&self, path: &[&str]) -> HandlerResult {
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

    fn git_variables(&self, path: &[&str]) -> HandlerResult {
        let id = format!("{}-{}", VARIABLES.prefix, self.repository.project);
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

    /// A process that names a pool which is gone cannot be loaded: its OCL has the slug of nothing.
    fn check_pools_exist(&self, process: &JsonFields) -> HandlerResult<()> {
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

    /// Commits a document that is sent, as `kept` has it. `Version` is not looked at: what keeps two
    /// commits apart is the branch.
    fn commit_document(
        &self,
        kind: &'static DocumentKind,
        id: &str,
        kept: impl FnOnce(JsonFields, &JsonFields) -> HandlerResult<JsonFields>,
    ) -> HandlerResult {
        self.writable_branch()?;
        let old: JsonFields = serde_json::from_str(&self.document_text(id)?)?;
        let mut new: JsonFields = serde_json::from_str(&self.call.request.body)?;
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
    fn commit_tree(&self, tree: CommitTree, message: &str) -> HandlerResult<()> {
        let says =
            CommitSignature { message, author: &self.call.person.username, time: &current_time() };
        self.repository.write_commit(self.writable_branch()?, tree, says)?;
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
    fn stored_id(&self, id: &str) -> HandlerResult<&str> {
        let found = self.git_ref.1.tree.keys().find(|it| it.eq_ignore_ascii_case(id));
        found.map(String::as_str).ok_or_else(ErrorResponse::not_found)
    }

    fn document_text(&self, id: &str) -> HandlerResult<String> {
        self.git_ref.1.tree.get(self.stored_id(id)?).cloned().ok_or_else(ErrorResponse::not_found)
    }

    fn linked_document(&self, id: &str) -> HandlerResult<String> {
        self.add_links(id, &self.document_text(id)?)
    }

    /// A document with its links, which say the ref: a client saves to `Self` what it has read.
    fn add_links(&self, id: &str, text: &str) -> HandlerResult<String> {
        let mut fields: JsonFields = serde_json::from_str(text)?;
        let project = self.call.space_path(&format!("projects/{}", self.repository.project));
        let id = self.stored_id(id)?;
        let (owner, _) = id.split_once('-').unwrap_or((id, ""));
        let mut links = match owner {
            "deploymentprocess" => links::process_links(&self.call.space, self.repository.project),
            _ => json!({}),
        };
        let own = match (id.strip_prefix(RUNBOOK), owner) {
            (Some(runbook), _) => {
                let process = fields.text_value("RunbookProcessId");
                links["RunbookProcesses"] =
                    json!(self.ref_path(&format!("runbookProcesses/{process}")));
                format!("runbooks/{runbook}")
            }
            (None, "deploymentprocess") => {
                for (name, below) in
                    [("Template", "template{?channel,releaseId}"), ("Validation", "validate")]
                {
                    links[name] = json!(self.ref_path(&format!("deploymentprocesses/{below}")));
                }
                "deploymentprocesses".to_owned()
            }
            (None, "variableset") => "variables".to_owned(),
            _ => format!("runbookProcesses/{id}"),
        };
        links["Self"] = json!(self.ref_path(&own));
        links["Project"] = json!(project);
        fields.set_field("Links", processes::to_raw_json(&links)?);
        Ok(serde_json::to_string(&fields)?)
    }

    fn ref_path(&self, below: &str) -> String {
        let at = format!(
            "projects/{}/{}",
            self.repository.project,
            page::percent_encode(&self.canonical_name())
        );
        self.call.space_path(&format!("{at}/{below}"))
    }

    /// The canonical name of the ref.
    fn canonical_name(&self) -> String {
        match &self.git_ref.0 {
            GitRef::Branch(name) => format!("refs/heads/{name}"),
            GitRef::Tag(name) => format!("refs/tags/{name}"),
            GitRef::Commit => self.git_ref.1.hash.clone(),
        }
    }
}

/// What a commit says; a server has words of its own for who says nothing.
fn take_message(body: &mut JsonFields, noun: &str) -> String {
    let said = body.text_value("ChangeDescription");
    let own = ["ChangeDescription", "GitRef"];
    body.retain(|name, _| !own.iter().any(|it| it.eq_ignore_ascii_case(name)));
    if said.trim().is_empty() { format!("Updated {noun}") } else { said }
}

/// What a tree has of the deployment process, or of a runbook: the runbook, known by the slug of its
/// name, and its process.
pub(crate) fn process_documents(
    space: &str,
    project: &str,
    runbook: Option<&str>,
    steps: &Value,
) -> CommitTree {
    let slug = runbook.map(slugify);
    let empty = processes::empty_process(space, project, slug.as_deref());
    let body = empty.body.replacen("\"Steps\":[]", &format!("\"Steps\":{steps}"), 1);
    let mut tree = CommitTree::from([(empty.id, body)]);
    if let (Some(name), Some(slug)) = (runbook, slug) {
        let mut document = projects::runbook_defaults(&slug);
        let own = [("Id", &*slug), ("Slug", &*slug), ("Name", name), ("SpaceId", space)];
        for (key, value) in own.into_iter().chain([("ProjectId", project)]) {
            document[key] = json!(value);
        }
        tree.insert(format!("{RUNBOOK}{slug}"), document.to_string());
    }
    tree
}
