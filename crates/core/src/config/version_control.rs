//! Lowers `[version_control]`.

use super::{
    language::{UnreachableAction, VersionControlTable},
    lower::DesiredDraft,
    reader::{FileReader, Found, ValueType},
    table::Optional,
};
use crate::{
    desired::{Declared, ProtectedBranchAction, VersionControl},
    finding::Code,
};

impl DesiredDraft {
    /// Adds a file's settings for processes that are stored in Git.
    pub(super) fn read_version_control(&mut self, table: Optional<VersionControlTable>) {
        let Some(Declared { value: table, span }) = table else { return };
        let VersionControlTable { branch, message, on_protected, on_unreachable } = table;
        let defaults = VersionControl::default();
        let branches = branch.map(|names| names.value.into_iter().map(|name| name.value).collect());
        let settings = VersionControl {
            branches: branches.unwrap_or(defaults.branches),
            message: message.map_or(defaults.message, |text| text.value),
            on_protected: on_protected.map_or(defaults.on_protected, |action| action.value),
            skip_unreachable: on_unreachable
                .is_some_and(|action| action.value == UnreachableAction::Skip),
        };
        let settings = Some(Declared { value: settings, span });
        self.set_once("version_control", settings, |desired| &mut desired.version_control);
    }
}

impl ValueType for ProtectedBranchAction {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let word = reader.read_text(found)?;
        let (code, message, help) = match (word.as_str(), word.strip_prefix("branch:")) {
            ("error", _) => return Some(Self::Refuse),
            ("skip", _) => return Some(Self::Skip),
            (_, Some(name)) if is_branch_name(name.trim()) => {
                return Some(Self::Branch(name.trim().to_owned()));
            }
            (_, Some(_)) => (
                Code::BadBranch,
                format!("`{word}` does not name a valid branch"),
                "use a name such as `branch:poolwright/move-steps`",
            ),
            (text, None) => (
                Code::UnknownWord,
                format!("`{text}` is not one of `error`, `skip`, `branch:NAME`"),
                "use a setting such as `on_protected = \"branch:poolwright/move-steps\"`",
            ),
        };
        reader.report_error(code, found.value.span(), message, help);
        None
    }
}

/// Whether Git accepts a text as the name of a branch.
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
        && !["..", "@{"].iter().any(|part| name.contains(part))
        && !name.ends_with('.')
        && !name.starts_with('-')
        && name != "@"
}

#[cfg(test)]
mod tests {
    use super::is_branch_name;

    #[test]
    fn a_branch_name_is_valid_if_git_accepts_it() {
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
