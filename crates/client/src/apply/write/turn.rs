//! The turns of applies that commit to one repository from one machine.
//!
//! The API cannot lock a branch. Applies of one user on one machine, such as two runs of a CI agent, can lock a file.
//! Never: a failure. Without a folder, or on a file system without locks, an apply commits without its turn.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long to wait for a turn: another apply has it for one commit, and a server that does not answer ends that.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait before asking again.
const INTERVAL: Duration = Duration::from_millis(20);

/// The longest name of a file.
const NAME_LENGTH: usize = 120;

/// The turn of this apply, until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct CommitTurn {
    /// It is locked while it is open.
    _file: File,
}

impl CommitTurn {
    /// Waits until no other apply has the turn. Returns `None` if there cannot be turns, or another apply keeps its own.
    pub(super) async fn wait(folder: &Path, repository: &str) -> Option<Self> {
        fs::create_dir_all(folder).ok()?;
        let path = folder.join(file_name(repository));
        let file = File::options().create(true).truncate(false).write(true).open(path).ok()?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Some(Self { _file: file }),
                Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                    sleep(INTERVAL).await
                }
                Err(_) => return None,
            }
        }
    }
}

/// Returns a file name for a repository. Two repositories with the same name merely wait for each other.
fn file_name(repository: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    repository
        .chars()
        .rev()
        .take(NAME_LENGTH)
        .map(plain)
        .collect::<String>()
        .chars()
        .rev()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_begins_when_the_one_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let turns = folder.path().join("new");
        let first = CommitTurn::wait(&turns, "git.example/team/../x").await.unwrap();
        let _other = CommitTurn::wait(&turns, "git.example/team/y").await.unwrap();
        let mut second = std::pin::pin!(CommitTurn::wait(&turns, "git.example/team/../x"));
        let waits = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
        assert!(waits.is_err());
        drop(first);
        assert!(second.await.is_some());
        assert_eq!(fs::read_dir(&turns).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn commit_turns_need_a_usable_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(CommitTurn::wait(&file, "git.example/team/x").await.is_none());
    }
}
