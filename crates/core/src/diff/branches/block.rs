//! Reasons why changes to a protected branch are not made.

use crate::{
    desired::{ProtectedBranchAction, VersionControl},
    finding::Level,
    model::Address,
    text::{pluralize, stays_as_it_is},
};

/// Why a change to a protected branch is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BranchBlock {
    /// The branch accepts no commits, and the file names no branch to stand in for it.
    Protected,
    /// The branch that would stand in for it already stands in for another one.
    NameTaken,
    /// The branch that would stand in for it is protected too.
    NoStandIn,
    /// The branch that stands in for it lacks the objects that would change.
    StandInUnchanged,
}

impl BranchBlock {
    /// Returns the level, message and help of the finding.
    pub(super) fn describe(
        self,
        addresses: &[Address],
        settings: &VersionControl,
    ) -> (Level, String, &'static str) {
        let (level, message, help) = match self {
            Self::Protected => {
                let what = describe_counts(addresses);
                let help =
                    "set `on_protected = \"branch:NAME\"` to change them on a branch of their own";
                return if settings.on_protected == ProtectedBranchAction::Refuse {
                    let message = "would change on a protected branch, which accepts no commits";
                    (Level::Deny, format!("{what} {message}"), help)
                } else {
                    let stay = stays_as_it_is(addresses.len());
                    (Level::Warn, format!("{what} on a protected branch {stay}"), help)
                };
            }
            Self::NameTaken => (
                Level::Deny,
                "one branch cannot stand in for several protected branches of a project",
                "name only one protected branch in `branch`",
            ),
            Self::NoStandIn => (
                Level::Deny,
                "the branch that would stand in for a protected one is protected too",
                "name a branch in `on_protected` that accepts commits",
            ),
            Self::StandInUnchanged => (
                Level::Warn,
                "the branch that stands in for a protected one lacks what would change",
                "merge it first, or bring it up to date with the protected one",
            ),
        };
        (level, message.to_owned(), help)
    }
}

/// Returns how many steps and values there are, such as `2 steps and 1 value`.
fn describe_counts(all: &[Address]) -> String {
    let is_step = |address: &&Address| matches!(address, Address::Step { .. });
    let steps = all.iter().filter(is_step).count();
    let parts = [(steps, "step"), (all.len() - steps, "value")].into_iter();
    let parts =
        parts.filter(|(number, _)| *number > 0).map(|(number, noun)| pluralize(number, noun));
    parts.collect::<Vec<_>>().join(" and ")
}
