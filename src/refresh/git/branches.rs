//! Which branches of a repository a file asks for, and which of them take a commit.
//!
//! # Source
//!
//! `api.md` 2.10: a protected branch takes none; the settings of a project name them, and so does the list of
//! its branches.

use super::Reading;
use crate::{
    live::{Branch, GitScope},
    model::Id,
    octopus::{self, wire},
    text::pattern::Patterns,
};

/// The word for each project's default branch.
const DEFAULT: &str = "default";

/// The branches of a project's repository.
pub(in crate::refresh) struct Branches<'a> {
    pub(in crate::refresh) reading: &'a Reading<'a>,
    pub(in crate::refresh) git: &'a GitScope,
    pub(in crate::refresh) project: &'a wire::Project,
}

impl Branches<'_> {
    /// The branches that are asked for, each protected one followed by the branch that stands for it.
    pub(in crate::refresh) async fn asked(&self) -> Result<Vec<Branch>, octopus::Error> {
        let mut branches = Vec::new();
        for branch in self.listed().await? {
            let stand_in = self.stand_in(&branch, &branches).await?;
            branches.push(branch);
            branches.extend(stand_in);
        }
        Ok(branches)
    }

    /// The branches that are asked for. The list of all is read only where more than the default branch is.
    pub(super) async fn listed(&self) -> Result<Vec<Branch>, octopus::Error> {
        let settings = &self.project.persistence_settings;
        let default = short(&settings.default_branch);
        let protects =
            Patterns::new(settings.protected_branch_name_patterns.iter().map(String::as_str));
        let is_protected = |name: &str| {
            name == default && settings.protected_default_branch
                || !settings.protected_branch_name_patterns.is_empty() && protects.matches(name)
        };
        let asked = self.git.branches.iter().map(String::as_str);
        let others: Vec<&str> = asked.filter(|it| *it != DEFAULT).collect();
        let with_default = others.len() < self.git.branches.len();
        let mut branches = Vec::new();
        if with_default {
            branches.push(self.branch(default.to_owned(), is_protected(default)));
        }
        if !others.is_empty() {
            let wanted = Patterns::new(others.iter().copied());
            let listed = self.reading.reader.branches(&self.project.id).await?;
            // The list knows of protection that the project's settings do not say.
            let default_is = |it: &wire::GitBranch| it.name == default && it.is_protected;
            if with_default && listed.iter().any(default_is) {
                branches.iter_mut().for_each(|it| it.protected = true);
            }
            let asked = listed.into_iter().filter(|it| {
                wanted.matches(&it.name)
                    && !(with_default && it.name == default)
                    && self.git.instead_of_protected.as_ref() != Some(&it.name)
            });
            branches.extend(asked.map(|it| {
                let protected = it.is_protected || is_protected(&it.name);
                self.branch(it.name, protected)
            }));
        }
        Ok(branches)
    }

    /// The branch that takes what a protected one may not, where it is there already. It can stand for
    /// one branch alone.
    async fn stand_in(
        &self,
        branch: &Branch,
        before: &[Branch],
    ) -> Result<Option<Branch>, octopus::Error> {
        let instead = self.git.instead_of_protected.as_ref().filter(|_| branch.protected);
        let Some(instead) = instead else { return Ok(None) };
        if before.iter().any(|it| it.stands_for.is_some()) {
            return Ok(None);
        }
        let stands_for = Some(branch.name.clone());
        let stand_in = Branch { stands_for, ..self.branch(instead.clone(), false) };
        let there = self.reading.reader.branch(&address(&stand_in)).await?;
        Ok(there.map(|_| stand_in))
    }

    /// A branch, as far as it is known before anything on it is read.
    fn branch(&self, name: String, protected: bool) -> Branch {
        Branch {
            document: String::new(),
            project: Id::new(&self.project.id),
            repository: without_secrets(&self.project.persistence_settings.url),
            name,
            protected,
            stands_for: None,
        }
    }
}

/// A branch, as the client addresses it.
pub(in crate::refresh) fn address(branch: &Branch) -> octopus::Branch {
    octopus::Branch { project: branch.project.as_str().to_owned(), name: branch.name.clone() }
}

/// `refs/heads/main` → `main`.
pub(in crate::refresh) fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// A repository's URL without user and password, which some people put there.
fn without_secrets(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_repository_keeps_no_secret() {
        let shown = [
            "https://x:ghp_1@git.example/a/b@c.git",
            "https://git.example",
            "git@git.example:a/b.git",
        ]
        .map(without_secrets);
        assert_eq!(
            shown,
            ["https://git.example/a/b@c.git", "https://git.example", "git@git.example:a/b.git"]
        );
    }

    #[test]
    fn a_branch_has_one_short_name() {
        assert_eq!(["main", "refs/heads/release/1"].map(short), ["main", "release/1"]);
    }
}
