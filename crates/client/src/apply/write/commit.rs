//! What a commit needs before it: its branch, and a repository that nobody else writes to.

use super::{ChangeWriter, WriteFailure, WriteResult};
use poolwright_core::plan::PlannedCommit;

use std::sync::{Arc, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Nobody else writes to the repository as long as this is held.
pub(super) type RepositoryGuard = OwnedMutexGuard<()>;

impl ChangeWriter<'_> {
    /// Waits until nobody else writes to the repository, and makes the branch where it is not there yet.
    pub(super) async fn prepare_commit(
        &self,
        commit: &PlannedCommit,
    ) -> WriteResult<RepositoryGuard> {
        let alone = self.repository_lock(&commit.at.repository).lock_owned().await;
        self.ensure_branch(commit).await?;
        Ok(alone)
    }

    /// What is held while a repository is written to.
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
                error: format!("cannot make branch {:?}: {}", commit.at.name, failure.error),
                ..failure
            }
        })
    }
}

/// Where a repository is, in whatever way its URL says so: with any scheme, user and port, and with `.git` or
/// without. Two that are taken for one merely wait for each other.
fn repository_key(url: &str) -> String {
    let url = url.trim().to_lowercase();
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        // `git@host:team/project`, of which the colon ends the host.
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
    fn a_repository_is_one_however_its_url_is_written() {
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
