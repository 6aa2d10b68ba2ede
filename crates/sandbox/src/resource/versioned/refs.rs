//! Branches, tags and commits of a repository, as `…/projects/{id}/git/…` serves them.
//!
//! Never: a document of a commit.

use super::sent;
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    git::{GitRef, GitRepository, GitSettings, StoredCommit, short},
    kind::{BRANCHES, COMMITS, DocumentKind, PROJECTS, TAGS},
    page,
    request::HttpVerb,
    resource::{RequestContext, text},
};
use serde_json::{Value, json};

/// Answers what is below `git`.
pub(super) fn route(
    call: &RequestContext<'_>,
    repository: &GitRepository<'_>,
    settings: &GitSettings,
    path: &[&str],
) -> HandlerResult {
    call.person.needs(PROJECTS.view)?;
    let here = RefContext { call, repository, settings };
    match (call.verb(), path) {
        (HttpVerb::Get, ["branches"]) => {
            here.list(&BRANCHES, "branches", |name| Ok(here.branch(name)))
        }
        (HttpVerb::Get, ["tags"]) => here.list(&TAGS, "tags", |name| Ok(here.tag(name))),
        (HttpVerb::Get, ["commits"]) => here.list(&COMMITS, "commits", |hash| here.commit(hash)),
        (HttpVerb::Post, ["branches"] | ["branches", "v2"]) => here.make_branch(),
        (HttpVerb::Get, [kind @ ("branches" | "tags" | "commits" | "refs"), _]) => {
            here.one(kind, sent(call, &path[1..]))
        }
        (_, [_] | [_, _]) => Err(ErrorResponse::method()),
        _ => Err(ErrorResponse::missing()),
    }
}

struct RefContext<'a> {
    call: &'a RequestContext<'a>,
    repository: &'a GitRepository<'a>,
    settings: &'a GitSettings,
}

impl RefContext<'_> {
    fn path(&self, below: &str) -> String {
        self.call.at(&format!("projects/{}/{below}", self.repository.project))
    }

    fn list(
        &self,
        kind: &'static DocumentKind,
        below: &str,
        item: impl Fn(&str) -> HandlerResult<Value>,
    ) -> HandlerResult {
        let part = self.call.request.parameter("searchbyname").unwrap_or_default().to_lowercase();
        let all = self.repository.names(kind)?;
        let found = all.iter().filter(|it| it.to_lowercase().contains(&part));
        let found = found.map(|it| item(it)).collect::<HandlerResult<_>>()?;
        Ok(page::of_values(self.call.request, kind, &self.path(&format!("git/{below}")), found))
    }

    /// What a ref stands for, if that is of the kind that is asked for.
    fn one(&self, kind: &str, name: &str) -> HandlerResult {
        let (found, commit) = self.repository.find(name)?.ok_or_else(ErrorResponse::missing)?;
        Ok(SandboxResponse::of(&match found {
            GitRef::Branch(name) if matches!(kind, "branches" | "refs") => self.branch(&name),
            GitRef::Tag(name) if matches!(kind, "tags" | "refs") => self.tag(&name),
            GitRef::Commit if matches!(kind, "commits" | "refs") => self.commit(&commit.hash)?,
            _ => return Err(ErrorResponse::missing()),
        }))
    }

    fn branch(&self, name: &str) -> Value {
        let mut branch = self.reference("branches", name, &format!("refs/heads/{name}"));
        branch["IsProtected"] = json!(self.settings.protects(name));
        branch
    }

    fn tag(&self, name: &str) -> Value {
        self.reference("tags", name, &format!("refs/tags/{name}"))
    }

    fn commit(&self, hash: &str) -> HandlerResult<Value> {
        let commit = self.repository.commit(hash)?.ok_or_else(ErrorResponse::missing)?;
        let StoredCommit { hash, parent, message, author, time: at, tree: _ } = commit;
        let mut shown = self.reference("commits", &hash, &hash);
        shown["Parent"] = if parent.is_empty() { Value::Null } else { json!(parent) };
        shown["Message"] = json!(message);
        shown["Author"] = json!(author);
        shown["CommittedAt"] = json!(at);
        Ok(shown)
    }

    fn reference(&self, kind: &str, name: &str, canonical: &str) -> Value {
        let encoded = page::encode(canonical);
        let here = self.path(&encoded);
        json!({
            "Name": name,
            "CanonicalName": canonical,
            "Links": {
                "Self": self.path(&format!("git/{kind}/{encoded}")),
                "DeploymentProcess": format!("{here}/deploymentprocesses"),
                "Runbook": format!("{here}/runbooks{{/id}}{{?skip,take,partialName}}"),
                "Variables": format!("{here}/variables"),
            },
        })
    }

    fn make_branch(&self) -> HandlerResult {
        self.call.person.needs(BRANCHES.edit)?;
        let body = self.call.request.document()?;
        let name = short(text(&body, "NewBranchName").trim());
        let base = text(&body, "BaseGitRef");
        let stray = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
        if name.is_empty() || name.contains(stray) {
            return Err(ErrorResponse::rule(format!("'{name}' is not a valid branch name.")));
        }
        if self.repository.names(&BRANCHES)?.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            return Err(ErrorResponse::rule(format!("A branch named '{name}' already exists.")));
        }
        let missing =
            || ErrorResponse::rule(format!("The Git reference '{base}' could not be found."));
        let (_, commit) = self.repository.find(base)?.ok_or_else(missing)?;
        self.repository.point(name, &commit.hash)?;
        // 200 and not 201, as the reference of 2026 has it.
        Ok(SandboxResponse::of(&self.branch(name)))
    }
}
