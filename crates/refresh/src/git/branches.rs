//! The branches of a repository that a file selects, and which of them accept commits.
//!
//! # Source
//!
//! `api.md` 2.10: a protected branch accepts no commits. A project's settings name its protected branches, and
//! so does the list of its branches.

use crate::{SpaceReading, item_errors::is_repository_error};
use poolwright_client::octopus::{self, wire};
use poolwright_core::{
    live::{BranchRole, LiveBranch},
    model::{BranchRef, Id},
    scope::GitScope,
    text::{eq_ignoring_case, pattern::Patterns},
};

/// The keyword for each project's default branch.
const DEFAULT: &str = "default";

/// The branches of a project's repository.
pub(crate) struct RepositoryBranches<'a> {
    pub(crate) reading: &'a SpaceReading<'a>,
    pub(crate) git: &'a GitScope,
    pub(crate) project: &'a wire::ProjectResource,
}

impl RepositoryBranches<'_> {
    /// Returns the selected branches, each protected one followed by its stand-in.
    pub(crate) async fn with_stand_ins(&self) -> Result<Vec<LiveBranch>, octopus::ClientError> {
        let mut branches = Vec::new();
        for mut branch in self.selected_branches().await? {
            let stand_in = self.find_stand_in(&branch, &branches).await?;
            if matches!(stand_in, StandInBranch::Protected) {
                branch.role = BranchRole::ProtectedWithoutStandIn;
            }
            branches.push(branch);
            if let StandInBranch::Found(stand_in) = stand_in {
                branches.push(stand_in);
            }
        }
        Ok(branches)
    }

    /// Returns the selected branches. The list of all branches is read only if more than the default is selected.
    pub(super) async fn selected_branches(&self) -> Result<Vec<LiveBranch>, octopus::ClientError> {
        let default = short_branch_name(&self.project.persistence_settings.default_branch);
        let requested = self.git.branches.iter().map(String::as_str);
        let others: Vec<&str> = requested.filter(|name| *name != DEFAULT).collect();
        let with_default = others.len() < self.git.branches.len();
        if others.is_empty() {
            let protected = with_default && self.is_branch_protected(default).await?;
            let branch = with_default.then(|| self.new_branch(default, protected));
            return Ok(branch.into_iter().collect());
        }
        let wanted = Patterns::new(others.iter().copied());
        let mut listed = self.reading.reader.list_branches(&self.project.id).await?;
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        let is_selected = |name: &str| {
            wanted.matches(name)
                && !others.iter().any(|other| {
                    // Git distinguishes `move` and `Move`: an exact match wins if it exists.
                    eq_ignoring_case(name, other)
                        && name != *other
                        && listed.iter().any(|listed| listed.name == *other)
                })
        };
        let (mut branches, mut further) = (Vec::new(), Vec::new());
        if with_default {
            branches.push(self.new_branch(default, self.is_protected(default)));
        }
        for branch in &listed {
            // The list may report protection that is not in the project's settings.
            let protected = branch.is_protected || self.is_protected(&branch.name);
            if with_default && branch.name == default {
                branches
                    .iter_mut()
                    .for_each(|known| known.role = BranchRole::from_protection(protected));
            } else if is_selected(&branch.name)
                && self.git.instead_of_protected.as_ref() != Some(&branch.name)
            {
                further.push(self.new_branch(&branch.name, protected));
            }
        }
        branches.extend(further);
        Ok(branches)
    }

    /// Whether the project's settings protect a branch of this name.
    fn is_protected(&self, name: &str) -> bool {
        let settings = &self.project.persistence_settings;
        let patterns = &settings.protected_branch_name_patterns;
        name == short_branch_name(&settings.default_branch) && settings.protected_default_branch
            || !patterns.is_empty()
                && Patterns::new(patterns.iter().map(String::as_str)).matches(name)
    }

    /// Whether a branch is protected, according to the project's settings or the branch itself.
    async fn is_branch_protected(&self, name: &str) -> Result<bool, octopus::ClientError> {
        if self.is_protected(name) {
            return Ok(true);
        }
        let at = branch_ref(self.project, "", name);
        match self.reading.reader.find_branch(&(&at).into()).await {
            Ok(found) => Ok(found.is_some_and(|it| it.is_protected)),
            // Reading from the branch will report the error.
            Err(why) if is_repository_error(&why) => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// Finds the branch that accepts the commits for a protected one. It can stand in for only one branch.
    async fn find_stand_in(
        &self,
        branch: &LiveBranch,
        before: &[LiveBranch],
    ) -> Result<StandInBranch, octopus::ClientError> {
        let instead =
            self.git.instead_of_protected.as_ref().filter(|_| branch.role == BranchRole::Protected);
        let Some(instead) = instead else { return Ok(StandInBranch::Missing) };
        if self.is_protected(instead) {
            return Ok(StandInBranch::Protected);
        }
        if before.iter().any(|it| it.protected_branch().is_some()) {
            return Ok(StandInBranch::Missing);
        }
        let at = branch.at.on_branch(instead);
        let found = self.reading.reader.find_branch(&(&at).into()).await?;
        Ok(match found {
            None => StandInBranch::Missing,
            Some(there) if there.is_protected => StandInBranch::Protected,
            Some(_) => {
                let role = BranchRole::StandIn { protected_branch: branch.at.name.clone() };
                StandInBranch::Found(LiveBranch { at, role })
            }
        })
    }

    /// Returns a branch with the parts that are known before anything on it is read.
    fn new_branch(&self, name: &str, protected: bool) -> LiveBranch {
        LiveBranch {
            at: branch_ref(self.project, "", name),
            role: BranchRole::from_protection(protected),
        }
    }
}

/// The branch that accepts the commits for a protected one.
enum StandInBranch {
    /// The stand-in exists.
    Found(LiveBranch),
    /// The stand-in is protected as well.
    Protected,
    /// The stand-in does not exist, or is not needed.
    Missing,
}

/// Returns the address of a document on a branch; without an id until something on the branch is read.
pub(crate) fn branch_ref(project: &wire::ProjectResource, document: &str, name: &str) -> BranchRef {
    BranchRef {
        document: document.to_owned(),
        project: Id::new(&project.id),
        repository: strip_credentials(&project.persistence_settings.url),
        name: name.to_owned(),
    }
}

/// `refs/heads/main` → `main`.
pub(crate) fn short_branch_name(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// Returns a repository's URL without user and password, which it may contain.
fn strip_credentials(url: &str) -> String {
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
    fn a_repository_url_is_kept_without_secrets() {
        let shown = [
            "https://x:ghp_1@git.example/a/b@c.git",
            "https://git.example",
            "git@git.example:a/b.git",
        ]
        .map(strip_credentials);
        assert_eq!(
            shown,
            ["https://git.example/a/b@c.git", "https://git.example", "git@git.example:a/b.git"]
        );
    }

    #[test]
    fn a_branch_has_one_short_name() {
        assert_eq!(["main", "refs/heads/release/1"].map(short_branch_name), ["main", "release/1"]);
    }
}
