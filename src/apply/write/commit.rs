//! What a commit needs before it: its branch, and a repository that nobody else writes to.

use super::{Failure, Result, Writes};
use crate::{octopus, plan::Commit};
use std::sync::{Arc, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Nobody else writes to the repository as long as this is held.
pub(super) type Alone = OwnedMutexGuard<()>;

impl Writes<'_> {
    /// Waits until nobody else writes to the repository, and makes the branch where it is not there yet.
    pub(super) async fn before(&self, commit: &Commit) -> Result<Alone> {
        let alone = self.repository(&commit.repository).lock_owned().await;
        self.make_branch(commit).await?;
        Ok(alone)
    }

    /// What is held while a repository is written to.
    fn repository(&self, url: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(url.to_lowercase()).or_default())
    }

    async fn make_branch(&self, commit: &Commit) -> Result<()> {
        let Some(base) = &commit.base else { return Ok(()) };
        let base = octopus::Branch { name: base.clone(), ..branch(commit) };
        let made = self.writer.create_branch(&branch(commit), &base).await;
        made.map_err(|error| {
            let failure = Failure::of_write(&error);
            Failure {
                error: format!("cannot make branch {:?}: {}", commit.branch, failure.error),
                ..failure
            }
        })
    }
}

/// The branch of a commit, as the client addresses it.
pub(super) fn branch(commit: &Commit) -> octopus::Branch {
    octopus::Branch { project: commit.project.as_str().to_owned(), name: commit.branch.clone() }
}
