//! The preconditions of a commit: its branch, and exclusive access to the repository.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess, doubt::WriteAttempts, turn::CommitTurn,
};
use crate::apply::writer::{WriteAnswer, WriteDoubt};
use poolwright_core::plan::PlannedCommit;

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::OwnedMutexGuard;

/// Exclusive access to a repository, within this apply and on this machine, while it is held.
pub(super) struct RepositoryGuard {
    usage: OwnedMutexGuard<RepositoryUse>,
    _turn: Option<CommitTurn>,
}

impl RepositoryGuard {
    /// Notes the results of a commit.
    pub(super) fn note_results(&mut self, results: &[(usize, WriteResult<WriteSuccess>)]) {
        self.usage.note_results(results);
    }
}

/// What this apply knows about the use of a repository.
///
/// The API cannot lock a branch, nor refuse a commit because another came first. Applies on one machine take turns
/// ([`CommitTurn`]); others are only kept apart by looking right before each commit, and by not running in step.
#[derive(Debug, Default)]
pub(super) struct RepositoryUse {
    /// Whether this apply has committed to it.
    has_commits: bool,
    /// Whether somebody else is making the same changes.
    is_shared: bool,
}

impl RepositoryUse {
    /// Notes the results of a commit. A change that needed none was made by somebody else after it was planned.
    fn note_results(&mut self, results: &[(usize, WriteResult<WriteSuccess>)]) {
        self.has_commits = true;
        self.is_shared |= results
            .iter()
            .any(|(_, result)| result.as_ref().is_ok_and(|success| success.written.is_empty()));
    }

    /// Returns how long to wait before the next commit, so that applies that began together do not commit together,
    /// and one that finds itself behind another stays behind.
    fn pause(&self) -> Duration {
        let (least, span) = match (self.is_shared, self.has_commits) {
            (true, _) => (200, 800),
            (false, true) => (0, 50),
            (false, false) => (0, 800),
        };
        Duration::from_millis(least + fastrand::u64(..=span))
    }
}

impl ChangeWriter<'_> {
    /// Waits for exclusive access to the repository, and creates the branch if it does not exist.
    pub(super) async fn prepare_commit(
        &self,
        commit: &PlannedCommit,
    ) -> WriteResult<RepositoryGuard> {
        let repository = repository_key(&commit.at.repository);
        let usage = self.repository_lock(&repository).lock_owned().await;
        tokio::time::sleep(usage.pause()).await;
        let _turn = match self.turns {
            Some(folder) => CommitTurn::wait(folder, &repository).await,
            None => None,
        };
        self.ensure_branch(commit).await?;
        Ok(RepositoryGuard { usage, _turn })
    }

    /// Returns the lock that is held while a repository is written to.
    fn repository_lock(&self, key: &str) -> Arc<tokio::sync::Mutex<RepositoryUse>> {
        let mut all = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key.to_owned()).or_default())
    }

    /// Creates the branch, unless it exists. It exists once the server says so, or its list has it.
    async fn ensure_branch(&self, commit: &PlannedCommit) -> WriteResult<()> {
        let Some(base) = commit.base_document() else { return Ok(()) };
        let (branch, base) = ((&commit.at).into(), (&base).into());
        let mut attempts = WriteAttempts::new(self.writer.retry_timer());
        // A branch is not yet the change, which was not sent.
        let explain = |failure: WriteFailure| {
            WriteFailure::new(format!(
                "cannot create branch {:?}: {}",
                commit.at.name, failure.error
            ))
        };
        loop {
            let found = self.space_reader().find_branch(&branch).await;
            let found = found.map_err(|error| explain(attempts.unseen(error.with_help())))?;
            if found.is_some() {
                return Ok(());
            }
            if attempts.are_over() {
                return Err(explain(attempts.last_failure()));
            }
            let doubt = match self.writer.create_branch(&branch, &base).await {
                WriteAnswer::Accepted(_) => match self.space_reader().find_branch(&branch).await {
                    Ok(Some(_)) => return Ok(()),
                    _ => WriteDoubt::unconfirmed(
                        "the server accepted the branch, but it does not exist".to_owned(),
                    ),
                },
                WriteAnswer::InDoubt(doubt) => doubt,
                // Somebody else may have created it meanwhile.
                WriteAnswer::Refused(error) => match self.space_reader().find_branch(&branch).await
                {
                    Ok(Some(_)) => return Ok(()),
                    _ => return Err(explain(attempts.refused(&error))),
                },
            };
            attempts.wait_to_look(doubt).await;
        }
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
    fn equivalent_repository_urls_share_one_key() {
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
