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

pub(super) use frozen::at as frozen_at;

use super::{
    RequestContext, links, lookups,
    normal::{self, JsonFieldAccess as _, JsonFields},
    now, process_templates, processes, projects, slug, variables,
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
pub(crate) fn route(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> Option<HandlerResult> {
    let value = match project.value() {
        Ok(value) => value,
        Err(error) => return Some(Err(error.into())),
    };
    if let (["git", "convert"], HttpVerb::Post) = (path, call.verb()) {
        return Some(conversion::convert(call, project, value));
    }
    let settings = GitSettings::of(&value)?;
    let repository = GitRepository { db: call.db, space: &call.space, project: &project.id };
    Some(match path {
        ["git", below @ ..] => {
            settings.reach().and_then(|()| refs::route(call, &repository, &settings, below))
        }
        ["deploymentprocesses", ..] => Err(without_ref()),
        ["runbookprocesses" | "runbooks", ..] if settings.has_runbooks() => Err(without_ref()),
        [
            _,
            below @ ("deploymentprocesses" | "runbooks" | "runbookprocesses" | "variables"),
            ..,
        ] => {
            let commit = settings.reach().and_then(|()| {
                repository.find(sent(call, path))?.ok_or_else(ErrorResponse::missing)
            });
            commit.and_then(|at| {
                let project = ProjectAtRef { call, repository, settings, git_ref: at };
                match *below {
                    "deploymentprocesses" => project.deployment_process(&path[2..]),
                    "runbookprocesses" => project.runbook_process(&path[2..]),
                    "runbooks" => project.runbooks(&path[2..]),
                    _ => project.variables(&path[2..]),
                }
            })
        }
        _ => return None,
    })
}

fn without_ref() -> ErrorResponse {
    ErrorResponse::rule(
        "This project is version controlled: a Git reference is needed in the path.",
    )
}

fn no_branch(name: &str) -> ErrorResponse {
    ErrorResponse::rule(format!(
        "'{name}' is not a branch. Changes can only be committed to a branch."
    ))
}

/// The first of these segments as it was sent: refs know upper from lower case.
fn sent<'a>(call: &RequestContext<'a>, path: &[&str]) -> &'a str {
    let all = &call.request.path;
    let at = all.len().checked_sub(path.len());
    at.and_then(|at| all.get(at)).map(String::as_str).unwrap_or_default()
}

/// The first of these names that says something, else the default branch.
fn sent_ref(names: [&str; 2], settings: &GitSettings) -> String {
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
            (HttpVerb::Get, []) => self.process(&PROCESSES, &id),
            (HttpVerb::Get, ["resolved"]) => {
                self.call.person.needs(PROCESSES.view)?;
                self.loads(&serde_json::from_str(&self.document(&id)?)?)?;
                let process = serde_json::from_str(&self.shown(&id)?)?;
                Ok(SandboxResponse::of(&process_templates::resolved(self.call.db, process)?))
            }
            (HttpVerb::Put, []) => self.commit_process(&PROCESSES, &id),
            (_, below) => {
                self.call.person.needs(PROCESSES.view)?;
                let process = serde_json::from_str(&self.document(&id)?)?;
                processes::beside(self.call, &process, below)
            }
        }
    }

    fn runbook_process(&self, path: &[&str]) -> HandlerResult {
        match (self.call.verb(), path) {
            (HttpVerb::Get, [_]) => self.process(&RUNBOOK_PROCESSES, sent(self.call, path)),
            (HttpVerb::Put, [_]) => self.commit_process(&RUNBOOK_PROCESSES, sent(self.call, path)),
            (_, [_]) => Err(ErrorResponse::method()),
            _ => Err(ErrorResponse::missing()),
        }
    }

    fn variables(&self, path: &[&str]) -> HandlerResult {
        let id = format!("{}-{}", VARIABLES.prefix, self.repository.project);
        match (self.call.verb(), path) {
            (HttpVerb::Get, []) if self.settings.has_variables() => {
                self.call.person.needs(VARIABLES.view)?;
                let set = variables::numbered(serde_json::from_str(&self.shown(&id)?)?)?;
                let set = serde_json::to_string(&set)?;
                lookups::with_scopes(self.call, &set).map(SandboxResponse::text)
            }
            (HttpVerb::Put, []) if self.settings.has_variables() => {
                self.call.person.needs(VARIABLES.edit)?;
                self.commit(&VARIABLES, &id, |mut new, old| {
                    new.retain(|name, _| !name.eq_ignore_ascii_case("ProjectId"));
                    variables::numbered(serde_json::from_str(&variables::kept(new, old)?)?)
                })
                .map(|_| SandboxResponse::done())
            }
            (HttpVerb::Get | HttpVerb::Put, _) => Err(ErrorResponse::missing()),
            _ => Err(ErrorResponse::method()),
        }
    }

    fn process(&self, kind: &'static DocumentKind, id: &str) -> HandlerResult {
        self.call.person.needs(kind.view)?;
        self.loads(&serde_json::from_str(&self.document(id)?)?)?;
        self.shown(id).map(SandboxResponse::text)
    }

    /// A process that names a pool which is gone cannot be loaded: its OCL has the slug of nothing.
    fn loads(&self, process: &JsonFields) -> HandlerResult<()> {
        let steps = process.objects("Steps")?;
        let actions =
            steps.iter().map(|step| step.objects("Actions")).collect::<HandlerResult<Vec<_>>>()?;
        for action in actions.iter().flatten() {
            let pool = action.text("WorkerPoolId");
            if !pool.is_empty() && !self.call.has(&POOLS, &pool)? {
                let name = action.text("Name");
                return Err(ErrorResponse::rule(format!(
                    "The worker pool of the step '{name}' could not be found. Its reference has to be \
                     corrected in the Git repository."
                )));
            }
        }
        Ok(())
    }

    fn commit_process(&self, kind: &'static DocumentKind, id: &str) -> HandlerResult {
        self.call.person.needs(kind.edit)?;
        self.commit(kind, id, |new, old| normal::process(self.call, new, old))
    }

    /// Commits a document that is sent, as `kept` has it. `Version` is not looked at: what keeps two
    /// commits apart is the branch.
    fn commit(
        &self,
        kind: &'static DocumentKind,
        id: &str,
        kept: impl FnOnce(JsonFields, &JsonFields) -> HandlerResult<JsonFields>,
    ) -> HandlerResult {
        self.branch()?;
        let old: JsonFields = serde_json::from_str(&self.document(id)?)?;
        let mut new: JsonFields = serde_json::from_str(&self.call.request.body)?;
        let message = message(&mut new, kind.noun);
        let mut kept = kept(new, &old)?;
        let own = ["Id", "SpaceId", "OwnerId", "ProjectId", "RunbookId", "LastSnapshotId"];
        for name in own.into_iter().chain(["Version", "Links"]) {
            if let Some(value) = old.get(name) {
                kept.put(name, value.clone());
            }
        }
        let text = serde_json::to_string(&kept)?;
        let mut tree = self.git_ref.1.tree.clone();
        tree.insert(self.spelled(id)?.to_owned(), text.clone());
        self.write(tree, &message)?;
        self.linked(id, &text).map(SandboxResponse::text)
    }

    /// Makes the next commit of the branch.
    fn write(&self, tree: CommitTree, message: &str) -> HandlerResult<()> {
        let says = CommitSignature { message, author: &self.call.person.username, time: &now() };
        self.repository.write(self.branch()?, tree, says)?;
        Ok(())
    }

    /// The branch to commit to.
    fn branch(&self) -> HandlerResult<&str> {
        match &self.git_ref.0 {
            GitRef::Branch(name) if self.settings.protects(name) => {
                Err(ErrorResponse::rule(format!(
                    "refs/heads/{name} is a protected branch. Cannot commit to protected branches. Please \
                 create a new branch before committing."
                )))
            }
            GitRef::Branch(name) => Ok(name),
            GitRef::Tag(name) => Err(no_branch(name)),
            GitRef::Commit => Err(no_branch(&self.git_ref.1.hash)),
        }
    }

    /// The id of a document as its tree spells it.
    fn spelled(&self, id: &str) -> HandlerResult<&str> {
        let found = self.git_ref.1.tree.keys().find(|it| it.eq_ignore_ascii_case(id));
        found.map(String::as_str).ok_or_else(ErrorResponse::missing)
    }

    fn document(&self, id: &str) -> HandlerResult<String> {
        self.git_ref.1.tree.get(self.spelled(id)?).cloned().ok_or_else(ErrorResponse::missing)
    }

    fn shown(&self, id: &str) -> HandlerResult<String> {
        self.linked(id, &self.document(id)?)
    }

    /// A document with its links, which say the ref: a client saves to `Self` what it has read.
    fn linked(&self, id: &str, text: &str) -> HandlerResult<String> {
        let mut fields: JsonFields = serde_json::from_str(text)?;
        let project = self.call.at(&format!("projects/{}", self.repository.project));
        let id = self.spelled(id)?;
        let (owner, _) = id.split_once('-').unwrap_or((id, ""));
        let mut links = match owner {
            "deploymentprocess" => links::of_process(&self.call.space, self.repository.project),
            _ => json!({}),
        };
        let own = match (id.strip_prefix(RUNBOOK), owner) {
            (Some(runbook), _) => {
                let process = fields.text("RunbookProcessId");
                links["RunbookProcesses"] =
                    json!(self.path(&format!("runbookProcesses/{process}")));
                format!("runbooks/{runbook}")
            }
            (None, "deploymentprocess") => {
                for (name, below) in
                    [("Template", "template{?channel,releaseId}"), ("Validation", "validate")]
                {
                    links[name] = json!(self.path(&format!("deploymentprocesses/{below}")));
                }
                "deploymentprocesses".to_owned()
            }
            (None, "variableset") => "variables".to_owned(),
            _ => format!("runbookProcesses/{id}"),
        };
        links["Self"] = json!(self.path(&own));
        links["Project"] = json!(project);
        fields.put("Links", processes::raw(&links)?);
        Ok(serde_json::to_string(&fields)?)
    }

    fn path(&self, below: &str) -> String {
        let at = format!("projects/{}/{}", self.repository.project, page::encode(&self.name()));
        self.call.at(&format!("{at}/{below}"))
    }

    /// The canonical name of the ref.
    fn name(&self) -> String {
        match &self.git_ref.0 {
            GitRef::Branch(name) => format!("refs/heads/{name}"),
            GitRef::Tag(name) => format!("refs/tags/{name}"),
            GitRef::Commit => self.git_ref.1.hash.clone(),
        }
    }
}

/// What a commit says; a server has words of its own for who says nothing.
fn message(body: &mut JsonFields, noun: &str) -> String {
    let said = body.text("ChangeDescription");
    let own = ["ChangeDescription", "GitRef"];
    body.retain(|name, _| !own.iter().any(|it| it.eq_ignore_ascii_case(name)));
    if said.trim().is_empty() { format!("Updated {noun}") } else { said }
}

/// What a tree has of the deployment process, or of a runbook: the runbook, known by the slug of its
/// name, and its process.
pub(crate) fn documents(
    space: &str,
    project: &str,
    runbook: Option<&str>,
    steps: &Value,
) -> CommitTree {
    let slug = runbook.map(slug);
    let empty = processes::empty(space, project, slug.as_deref());
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
