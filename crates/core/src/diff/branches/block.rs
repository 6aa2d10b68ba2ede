//! Changes of a protected branch that are not made where they are wanted, and why.

use crate::{
    desired::{ProtectedBranchAction, VersionControl},
    finding::Level,
    model::Address,
    text::{pluralize, stays_unchanged},
};

/// Why a change of a protected branch is not made where it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BranchBlock {
    /// The branch takes no commit, and the file names none to stand for it.
    Protected,
    /// The branch that would stand for it stands for another one.
    NameTaken,
    /// The branch that would stand for it is protected as well.
    NoStandIn,
    /// The branch that stands for it does not have what would change.
    StandInUnchanged,
}

impl BranchBlock {
    /// How bad it is, what it is and what helps.
    pub(super) fn describe(
        self,
        addresses: &[Address],
        settings: &VersionControl,
    ) -> (Level, String, &'static str) {
        let (level, message, help) = match self {
            Self::Protected => {
                let what = describe_counts(addresses);
                let help = "`on_protected = \"branch:NAME\"` changes them on a branch of their own, to be merged";
                return if settings.on_protected == ProtectedBranchAction::Refuse {
                    let message = "would change on a protected branch, which takes no commit";
                    (Level::Deny, format!("{what} {message}"), help)
                } else {
                    let stay = stays_unchanged(addresses.len());
                    (Level::Warn, format!("{what} on a protected branch {stay}"), help)
                };
            }
            Self::NameTaken => (
                Level::Deny,
                "one branch cannot stand for several protected branches of a project",
                "name one protected branch in `branch`",
            ),
            Self::NoStandIn => (
                Level::Deny,
                "the branch that would stand for a protected one is protected as well",
                "name one in `on_protected` that takes commits",
            ),
            Self::StandInUnchanged => (
                Level::Warn,
                "the branch that stands for a protected one does not have what would change",
                "merge it first, or bring it up to date with the protected one",
            ),
        };
        (level, message.to_owned(), help)
    }
}

/// How many steps and values these are: `2 steps and 1 value`.
fn describe_counts(all: &[Address]) -> String {
    let is_step = |address: &&Address| matches!(address, Address::Step { .. });
    let steps = all.iter().filter(is_step).count();
    let parts = [(steps, "step"), (all.len() - steps, "value")].into_iter();
    let parts =
        parts.filter(|(number, _)| *number > 0).map(|(number, noun)| pluralize(number, noun));
    parts.collect::<Vec<_>>().join(" and ")
}
