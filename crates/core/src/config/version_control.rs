//! `[version_control]`.

use super::{checked_table::CheckedTable, lower::DesiredDraft};
use crate::{
    desired::{Declared, ProtectedBranchAction, VersionControl},
    finding::{Code, Finding},
};

impl DesiredDraft {
    /// Adds what a file says of processes that are stored in Git.
    pub(super) fn read_version_control(&mut self, file: &CheckedTable) {
        let Some(part) = file.get_table("version_control") else { return };
        let or = VersionControl::default();
        let branches =
            part.get_texts("branch").map(|all| all.into_iter().map(|it| it.value).collect());
        let settings = VersionControl {
            branches: branches.unwrap_or(or.branches),
            message: part.get_text("message").map_or(or.message, |it| it.value),
            on_protected: part
                .get_text("on_protected")
                .and_then(|word| self.read_on_protected(word))
                .unwrap_or(or.on_protected),
            skip_unreachable: part
                .get_text("on_unreachable")
                .is_some_and(|text| text.value == "skip"),
        };
        self.set_once("version_control", Some(part.declare(settings)), |desired| {
            &mut desired.version_control
        });
    }

    fn read_on_protected(&mut self, word: Declared<String>) -> Option<ProtectedBranchAction> {
        match (word.value.as_str(), word.value.strip_prefix("branch:").map(str::trim)) {
            ("error", _) => Some(ProtectedBranchAction::Refuse),
            ("skip", _) => Some(ProtectedBranchAction::Skip),
            (_, Some(name)) if is_branch_name(name) => {
                Some(ProtectedBranchAction::Branch(name.to_owned()))
            }
            (_, Some(name)) => {
                let message = format!("`{name}` is no name of a branch");
                self.report(
                    Finding::error(Code::BadBranch, word.span, message)
                        .with_help("such as `branch:poolwright/move-steps`"),
                );
                None
            }
            (text, None) => {
                let message = format!("`{text}` is none of `error`, `skip`, `branch:NAME`");
                self.report(
                    Finding::error(Code::UnknownWord, word.span, message)
                        .with_help("such as `on_protected = \"branch:poolwright/move-steps\"`"),
                );
                None
            }
        }
    }
}

/// Whether Git takes it for the name of a branch.
///
/// # Source
///
/// `git help check-ref-format`.
fn is_branch_name(name: &str) -> bool {
    let is_forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_valid_part =
        |text: &str| !text.is_empty() && !text.starts_with('.') && !text.ends_with(".lock");
    name.split('/').all(is_valid_part)
        && !name.contains(is_forbidden)
        && !["..", "@{"].iter().any(|it| name.contains(it))
        && !name.ends_with('.')
        && !name.starts_with('-')
        && name != "@"
}

#[cfg(test)]
mod tests {
    use super::is_branch_name;

    #[test]
    fn a_branch_is_named_as_git_takes_it() {
        for good in ["main", "release/1.2", "poolwright/move-steps", "é", "a@b"] {
            assert!(is_branch_name(good), "{good}");
        }
        for bad in
            ["", "@", "-x", "a b", "a..b", "a/", "/a", "a//b", ".a", "a.lock", "a:b", "a.", "*"]
        {
            assert!(!is_branch_name(bad), "{bad}");
        }
    }
}
