//! Branches, tags and commits of a repository, served at `…/projects/{id}/git/…`.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    git::{GitRef, GitRepository, GitSettings, StoredCommit, short_branch_name},
    json::text_field,
    kind::{BRANCHES, COMMITS, DocumentKind, PROJECTS, TAGS},
    page,
    request::HttpVerb,
    resource::versioned::at_ref::original_segment,
    text::{contains_id, fold_case},
    url,
};
use serde_json::{Value, json};

/// Routes below `git`.
pub(super) fn route_refs(
    call: &RequestContext<'_>,
    repository: &GitRepository<'_>,
    settings: &GitSettings,
    path: &[&str],
) -> HandlerResult {
    call.person.require_permission(PROJECTS.view)?;
    let here = RefContext { call, repository, settings };
    match (call.verb(), path) {
        (HttpVerb::Get, ["branches"]) => {
            here.list(&BRANCHES, "branches", |name| Ok(here.branch_item(name)))
        }
        (HttpVerb::Get, ["tags"]) => here.list(&TAGS, "tags", |name| Ok(here.tag_item(name))),
        (HttpVerb::Get, ["commits"]) => {
            here.list(&COMMITS, "commits", |hash| here.commit_item(hash))
        }
        (HttpVerb::Post, ["branches"] | ["branches", "v2"]) => here.create_branch(),
        (HttpVerb::Get, [kind @ ("branches" | "tags" | "commits" | "refs"), _]) => {
            here.get_ref(kind, original_segment(call, &path[1..]))
        }
        (_, [_] | [_, _]) => Err(ErrorResponse::method_not_allowed()),
        _ => Err(ErrorResponse::not_found()),
    }
}

struct RefContext<'a> {
    call: &'a RequestContext<'a>,
    repository: &'a GitRepository<'a>,
    settings: &'a GitSettings,
}

impl RefContext<'_> {
    fn project_path(&self, below: &str) -> String {
        self.call.space_path(&format!("projects/{}/{below}", self.repository.project))
    }

    fn list(
        &self,
        kind: &'static DocumentKind,
        below: &str,
        item: impl Fn(&str) -> HandlerResult<Value>,
    ) -> HandlerResult {
        let part = fold_case(self.call.request.parameter("searchbyname").unwrap_or_default());
        let all = self.repository.ref_names(kind)?;
        let found = all.iter().filter(|name| fold_case(name).contains(&part));
        let found = found.map(|it| item(it)).collect::<HandlerResult<_>>()?;
        Ok(page::paginate_values(
            self.call.request,
            kind,
            &self.project_path(&format!("git/{below}")),
            found,
        ))
    }

    /// The ref of a name, if it is of the requested kind.
    fn get_ref(&self, kind: &str, name: &str) -> HandlerResult {
        let (found, commit) =
            self.repository.find_ref(name)?.ok_or_else(ErrorResponse::not_found)?;
        Ok(SandboxResponse::from_document(&match found {
            GitRef::Branch(name) if matches!(kind, "branches" | "refs") => self.branch_item(&name),
            GitRef::Tag(name) if matches!(kind, "tags" | "refs") => self.tag_item(&name),
            GitRef::Commit if matches!(kind, "commits" | "refs") => {
                self.commit_item(&commit.hash)?
            }
            _ => return Err(ErrorResponse::not_found()),
        }))
    }

    fn branch_item(&self, name: &str) -> Value {
        let mut branch = self.ref_item("branches", name, &format!("refs/heads/{name}"));
        branch["IsProtected"] = json!(self.settings.is_protected(name));
        branch
    }

    fn tag_item(&self, name: &str) -> Value {
        self.ref_item("tags", name, &format!("refs/tags/{name}"))
    }

    fn commit_item(&self, hash: &str) -> HandlerResult<Value> {
        let commit = self.repository.find_commit(hash)?.ok_or_else(ErrorResponse::not_found)?;
        let StoredCommit { hash, parent, message, author, time: at, tree: _ } = commit;
        let mut shown = self.ref_item("commits", &hash, &hash);
        shown["Parent"] = if parent.is_empty() { Value::Null } else { json!(parent) };
        shown["Message"] = json!(message);
        shown["Author"] = json!(author);
        shown["CommittedAt"] = json!(at);
        Ok(shown)
    }

    fn ref_item(&self, kind: &str, name: &str, canonical: &str) -> Value {
        let encoded = url::percent_encode(canonical);
        let here = self.project_path(&encoded);
        json!({
            "Name": name,
            "CanonicalName": canonical,
            "Links": {
                "Self": self.project_path(&format!("git/{kind}/{encoded}")),
                "DeploymentProcess": format!("{here}/deploymentprocesses"),
                "Runbook": format!("{here}/runbooks{{/id}}{{?skip,take,partialName}}"),
                "Variables": format!("{here}/variables"),
            },
        })
    }

    fn create_branch(&self) -> HandlerResult {
        self.call.person.require_permission(BRANCHES.edit)?;
        let body = self.call.request.body_object()?;
        let name = short_branch_name(text_field(&body, "NewBranchName").trim());
        let base = text_field(&body, "BaseGitRef");
        let is_invalid_char =
            |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
        if name.is_empty() || name.contains(is_invalid_char) {
            return Err(ErrorResponse::bad_request(format!(
                "'{name}' is not a valid branch name."
            )));
        }
        if contains_id(&self.repository.ref_names(&BRANCHES)?, name) {
            return Err(ErrorResponse::bad_request(format!(
                "A branch named '{name}' already exists."
            )));
        }
        let missing_ref = || {
            ErrorResponse::bad_request(format!("The Git reference '{base}' could not be found."))
        };
        let (_, commit) = self.repository.find_ref(base)?.ok_or_else(missing_ref)?;
        self.repository.set_branch(name, &commit.hash)?;
        // 200 and not 201, as in the reference of 2026.
        Ok(SandboxResponse::from_document(&self.branch_item(name)))
    }
}
