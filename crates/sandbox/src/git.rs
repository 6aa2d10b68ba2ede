//! Repositories of version-controlled projects: branches and tags that point at commits.
//!
//! A commit holds all documents of its project by id, so creating a branch costs one row. Git itself is not involved.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    kind::{BRANCHES, COMMITS, DocumentKind, TAGS},
    store::{self, StoredDocument},
};
use indexmap::IndexMap;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The documents of a commit, as JSON texts by their ids.
pub(crate) type CommitTree = IndexMap<String, String>;

/// A commit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StoredCommit {
    /// Its hash.
    pub(crate) hash: String,
    /// The commit before it; empty for the first.
    pub(crate) parent: String,
    /// Its message.
    pub(crate) message: String,
    /// Its author.
    pub(crate) author: String,
    /// Its time.
    #[serde(rename = "At")]
    pub(crate) time: String,
    /// All of its documents.
    pub(crate) tree: CommitTree,
}

/// The description of a new commit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitSignature<'a> {
    /// Its message.
    pub(crate) message: &'a str,
    /// Its author.
    pub(crate) author: &'a str,
    /// Its time.
    pub(crate) time: &'a str,
}

/// The kinds of refs.
#[derive(Clone, Debug)]
pub(crate) enum GitRef {
    /// The branch of this short name.
    Branch(String),
    /// The tag of this short name, which is not writable.
    Tag(String),
    /// The commit itself, which is not writable either.
    Commit,
}

/// The repository of a project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GitRepository<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) space: &'a str,
    /// The id of its project.
    pub(crate) project: &'a str,
}

const HEADS: &str = "refs/heads/";

const TAG: &str = "refs/tags/";

/// `refs/heads/main` → `main`.
pub(crate) fn short_branch_name(name: &str) -> &str {
    name.strip_prefix(HEADS).unwrap_or(name)
}

impl GitRepository<'_> {
    /// The ref of a name (canonical, a branch, a tag, or the hash of a commit), and its commit.
    pub(crate) fn find_ref(&self, name: &str) -> rusqlite::Result<Option<(GitRef, StoredCommit)>> {
        let find_document = |kind, id: &str| store::find_document(self.db, kind, self.space, id);
        let (named, hash) = if let Some(branch) =
            find_document(&BRANCHES, &self.branch_id(short_branch_name(name)))?
        {
            (GitRef::Branch(branch.name), branch.slug)
        } else if let Some(tag) =
            find_document(&TAGS, &self.tag_id(name.strip_prefix(TAG).unwrap_or(name)))?
        {
            (GitRef::Tag(tag.name), tag.slug)
        } else {
            (GitRef::Commit, name.to_owned())
        };
        Ok(self.find_commit(&hash)?.map(|commit| (named, commit)))
    }

    /// The commit of this hash.
    pub(crate) fn find_commit(&self, hash: &str) -> rusqlite::Result<Option<StoredCommit>> {
        let id = format!("{}@{hash}", self.project);
        let found = store::find_document(self.db, &COMMITS, self.space, &id)?;
        found.map(|it| parse_commit(&it.body)).transpose()
    }

    /// Commits a tree to a branch, which is created if it is missing.
    pub(crate) fn write_commit(
        &self,
        branch: &str,
        tree: CommitTree,
        signature: CommitSignature<'_>,
    ) -> rusqlite::Result<StoredCommit> {
        let parent = store::find_document(self.db, &BRANCHES, self.space, &self.branch_id(branch))?;
        let mut commit = StoredCommit {
            hash: String::new(),
            parent: parent.map(|it| it.slug).unwrap_or_default(),
            message: signature.message.to_owned(),
            author: signature.author.to_owned(),
            time: signature.time.to_owned(),
            tree,
        };
        let digest = Sha256::digest(serialize_commit(&commit)?.as_bytes());
        commit.hash = digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        let last = self.list_documents(&COMMITS)?.first().map_or(0, |it| it.rank);
        let document = StoredDocument {
            id: format!("{}@{}", self.project, commit.hash),
            kind: &COMMITS,
            space: self.space.to_owned(),
            owner: self.project.to_owned(),
            name: commit.hash.clone(),
            slug: commit.parent.clone(),
            rank: last + 1,
            body: serialize_commit(&commit)?,
        };
        store::save_document(self.db, &document)?;
        self.set_branch(branch, &commit.hash)?;
        Ok(commit)
    }

    /// Points a branch at a commit.
    pub(crate) fn set_branch(&self, branch: &str, hash: &str) -> rusqlite::Result<()> {
        let id = self.branch_id(branch);
        store::save_document(self.db, &self.ref_document(&BRANCHES, id, branch, hash))
    }

    /// Creates a tag.
    pub(crate) fn create_tag(&self, name: &str, hash: &str) -> rusqlite::Result<()> {
        store::save_document(self.db, &self.ref_document(&TAGS, self.tag_id(name), name, hash))
    }

    fn ref_document(
        &self,
        kind: &'static DocumentKind,
        id: String,
        name: &str,
        hash: &str,
    ) -> StoredDocument {
        let body =
            json!({ "Id": id, "SpaceId": self.space, "ProjectId": self.project, "Name": name });
        StoredDocument {
            id,
            kind,
            space: self.space.to_owned(),
            owner: self.project.to_owned(),
            name: name.to_owned(),
            slug: hash.to_owned(),
            rank: 0,
            body: body.to_string(),
        }
    }

    /// The names of all branches, tags or commits: commits newest first, the others by name.
    pub(crate) fn ref_names(&self, kind: &'static DocumentKind) -> rusqlite::Result<Vec<String>> {
        Ok(self.list_documents(kind)?.into_iter().map(|it| it.name).collect())
    }

    fn list_documents(&self, kind: &'static DocumentKind) -> rusqlite::Result<Vec<StoredDocument>> {
        let values = params![kind.prefix, self.space, self.project];
        store::select_documents(self.db, kind, "space = ?2 and owner = ?3", values)
    }

    fn branch_id(&self, name: &str) -> String {
        format!("{}@{HEADS}{name}", self.project)
    }

    fn tag_id(&self, name: &str) -> String {
        format!("{}@{TAG}{name}", self.project)
    }
}

/// Parses a stored commit.
fn parse_commit(text: &str) -> rusqlite::Result<StoredCommit> {
    serde_json::from_str(text).map_err(bad_commit_error)
}

fn serialize_commit(commit: &StoredCommit) -> rusqlite::Result<String> {
    serde_json::to_string(commit).map_err(bad_commit_error)
}

fn bad_commit_error(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
}

/// The Git settings of a project: its repository, and its protected branches.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GitSettings {
    r#type: String,
    url: String,
    default_branch: String,
    protected_default_branch: bool,
    protected_branch_name_patterns: Option<Vec<String>>,
    conversion_state: GitConversion,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GitConversion {
    variables_are_in_git: bool,
    runbooks_are_in_git: bool,
}

impl GitSettings {
    /// The settings of a project; `None` if it is in the database.
    pub(crate) fn from_project(project: &Value) -> Option<Self> {
        let settings: Self = serde_json::from_value(project["PersistenceSettings"].clone()).ok()?;
        settings.r#type.eq_ignore_ascii_case("VersionControlled").then_some(settings)
    }

    /// The short name of the default branch.
    pub(crate) fn default_branch(&self) -> &str {
        Some(short_branch_name(&self.default_branch)).filter(|it| !it.is_empty()).unwrap_or("main")
    }

    /// Whether the runbooks are in Git too.
    pub(crate) fn has_runbooks(&self) -> bool {
        self.conversion_state.runbooks_are_in_git
    }

    /// Whether the variables are in Git too.
    pub(crate) fn has_variables(&self) -> bool {
        self.conversion_state.variables_are_in_git
    }

    /// Whether a branch is protected from commits.
    pub(crate) fn is_protected(&self, branch: &str) -> bool {
        let patterns = self.protected_branch_name_patterns.iter().flatten();
        self.protected_default_branch && branch == self.default_branch()
            || patterns.into_iter().any(|pattern| matches_pattern(pattern, branch))
    }

    /// Refuses a request whose repository is unreachable: at a host of `.invalid`, a name that no host
    /// ever has.
    pub(crate) fn check_reachable(&self) -> HandlerResult<()> {
        let rest = self.url.split("://").nth(1).unwrap_or(&self.url);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        if !host.ends_with(".invalid") {
            return Ok(());
        }
        let text = "Failed to fetch from the Git repository";
        Err(ErrorResponse::bad_request(format!(
            "{text} '{}': could not resolve host '{host}'",
            self.url
        )))
    }
}

/// Whether a name matches a pattern, in which `*` stands for any text.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, rest)) => name.strip_prefix(head).is_some_and(|name| {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| matches_pattern(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_protects_branches() {
        let like = |pattern, name| matches_pattern(pattern, name);
        assert!(like("release/*", "release/1") && like("*", "x") && like("*/é*", "a/éb"));
        assert!(!like("release/*", "releases") && !like("main", "main2") && !like("", "x"));
    }

    #[test]
    fn hosts_in_the_invalid_domain_are_unreachable() {
        let reach = |url: &str| {
            GitSettings { url: url.to_owned(), ..GitSettings::default() }.check_reachable().is_ok()
        };
        assert!(
            reach("https://git.example/x.git") && reach("git@git.example:a/x.git") && reach("")
        );
        assert!(!reach("https://git.invalid/x.git") && !reach("https://a:b@git.invalid:8443/x"));
    }
}
