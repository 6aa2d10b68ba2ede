//! The preconditions of a commit: its branch, and exclusive access to the repository.

use super::{ChangeWriter, WriteFailure, WriteResult};
use poolwright_core::plan::PlannedCommit;

use std::sync::{Arc, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Exclusive access to a repository while it is held.
pub(super) type RepositoryGuard = OwnedMutexGuard<()>;

impl ChangeWriter<'_> {
    /// Waits for exclusive access to the repository, and creates the branch if it does not exist.
    pub(super) async fn prepare_commit(
        &self,
        commit: &PlannedCommit,
    ) -> WriteResult<RepositoryGuard> {
        let guard = self.repository_lock(&commit.at.repository).lock_owned().await;
        self.ensure_branch(commit).await?;
        Ok(guard)
    }

    /// Returns the lock that is held while a repository is written to.
    fn repository_lock(&self, url: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(repository_key(url)).or_default())
    }

    async fn ensure_branch(&self, commit: &PlannedCommit) -> WriteResult<()> {
        let Some(base) = commit.base_document() else { return Ok(()) };
        let made = self.writer.create_branch(&(&commit.at).into(), &(&base).into()).await;
        made.map_err(|error| {
            let failure = WriteFailure::from_write_error(&error);
            WriteFailure {
                error: format!("cannot create branch {:?}: {}", commit.at.name, failure.error),
                ..failure
            }
        })
    }
}

/// Returns a key for a repository that does not depend on the scheme, user, port and `.git` suffix of its URL.
/// Two repositories with the same key merely wait for each other.
fn repository_key(url: &str) -> String {
    let url = url.trim().to_lowercase();
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        // In `git@host:team/project` the colon ends the host.
        None => url.split_once(':').or(url.split_once('/')).unwrap_or((&url, "")),
    };
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host);
    let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    let path = parts.join("/");
    format!("{host}/{}", path.strip_suffix(".git").unwrap_or(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_urls_of_a_repository_have_one_key() {
        for url in [
            "https://git.example/Team/Shared.git",
            "https://git.example/team/shared",
            "https://somebody@git.example:443/team/shared.git/",
            "http://git.example//team/shared/",
            "ssh://git@git.example:7999/team/shared.git",
            "git@git.example:team/shared.git",
            " git.example/team/shared ",
        ] {
            assert_eq!(repository_key(url), "git.example/team/shared", "{url}");
        }
        assert_ne!(
            repository_key("https://git.example/a/b"),
            repository_key("https://git.example/a/c")
        );
        assert_eq!(["", "https://git.example"].map(repository_key), ["/", "git.example/"]);
    }
}
