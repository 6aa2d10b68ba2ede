//! Parts of the server that could not be read, and the consequences.

use super::Live;
use crate::model::Name;
use indexmap::IndexMap;

/// A part of the server that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadPart {
    /// The part, in words: `the processes of space "Operations"`.
    pub what: String,
    /// The reason, as the server gave it.
    pub why: String,
    /// What cannot be known without it.
    pub hidden: HiddenData,
    /// The project to which the part belongs, if it belongs to a single one.
    pub project: Option<Name>,
    /// Whether the part was left out because the file does not ask for it, although the key may see it.
    pub is_left_out: bool,
}

impl UnreadPart {
    /// Creates a part that belongs to the whole space.
    pub fn new(what: impl Into<String>, why: impl Into<String>, hidden: HiddenData) -> Self {
        Self { what: what.into(), why: why.into(), hidden, project: None, is_left_out: false }
    }

    /// Marks the part as one that the file does not ask for.
    #[must_use]
    pub fn left_out(self) -> Self {
        Self { is_left_out: true, ..self }
    }

    /// Limits the part to one project.
    #[must_use]
    pub fn in_project(self, project: &str) -> Self {
        Self { project: Some(Name::new(project)), ..self }
    }
}

/// The kind of data that an [`UnreadPart`] hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenData {
    /// Projects of this space, with their groups, tags and steps.
    Projects,
    /// Steps of this space: placements, and uses of pools and of the built-in worker.
    Steps,
    /// Steps in a Git repository, without which a plan may be wrong.
    StepsInGit,
    /// Steps of another space: uses of the built-in worker.
    OtherSpaceSteps,
    /// Steps inside process templates: uses of pools and of the built-in worker.
    Templates,
    /// Steps that rules cannot place, although the uses of pools are known.
    Rules,
    /// Variables and other references to pools: uses of pools.
    PoolReferences,
    /// Deployment targets: uses of pools.
    Targets,
    /// Releases, published snapshots and other branches: uses of pools.
    Snapshots,
    /// The names of project groups, by which rules select.
    Groups,
    /// The names of channels, by which rules select.
    Channels,
    /// Machine policies, by which workers are declared.
    Policies,
    /// Proxies, by which workers are declared.
    Proxies,
    /// Accounts, by which SSH workers are declared.
    Accounts,
}

impl HiddenData {
    /// Whether it is only looked up by name where the file has a name.
    pub fn is_directory(self) -> bool {
        matches!(self, Self::Policies | Self::Proxies | Self::Accounts)
    }
}

/// What is counted, or reported as missing, and may be incomplete because of an [`UnreadPart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadSubject<'a> {
    /// The uses of a pool.
    PoolUses,
    /// The uses of the built-in worker, in all spaces.
    BuiltInUses,
    /// The steps that rules place.
    RuleSteps,
    /// The steps that a plan affects without a change of their own.
    AffectedSteps,
    /// The projects.
    Projects,
    /// The variables of a project.
    Variables(&'a Name),
    /// The variables of any project.
    EveryVariable,
    /// The deployment targets.
    Targets,
    /// Variables and targets, which choose pools for steps.
    IndirectPools,
    /// The names of project groups.
    Groups,
    /// The names of channels.
    Channels,
    /// The machine policies.
    Policies,
    /// The proxies.
    Proxies,
    /// The accounts.
    Accounts,
    /// Pools and their workers, which are read as a whole or not at all.
    PoolMembers,
}

impl UnreadPart {
    /// Whether the answer about a subject may be incomplete because of this part.
    pub fn may_hide(&self, subject: UnreadSubject) -> bool {
        use HiddenData::{
            Accounts, Channels, Groups, OtherSpaceSteps, Policies, PoolReferences, Projects,
            Proxies, Rules, Steps, StepsInGit, Targets,
        };
        match subject {
            UnreadSubject::PoolUses | UnreadSubject::AffectedSteps => {
                !matches!(self.hidden, OtherSpaceSteps | Rules | Groups | Channels)
                    && !self.hidden.is_directory()
            }
            UnreadSubject::BuiltInUses => {
                !matches!(self.hidden, Rules | Groups | Channels) && !self.hidden.is_directory()
            }
            UnreadSubject::RuleSteps => {
                matches!(self.hidden, Projects | Steps | StepsInGit | Rules)
            }
            UnreadSubject::Projects => self.hidden == Projects,
            UnreadSubject::Variables(project) => {
                self.hidden == PoolReferences
                    && self.project.as_ref().is_none_or(|name| name == project)
            }
            UnreadSubject::EveryVariable => self.hidden == PoolReferences,
            UnreadSubject::Targets => self.hidden == Targets,
            UnreadSubject::IndirectPools => matches!(self.hidden, PoolReferences | Targets),
            UnreadSubject::Groups => matches!(self.hidden, Groups | Projects),
            UnreadSubject::Channels => self.hidden == Channels,
            UnreadSubject::Policies => self.hidden == Policies,
            UnreadSubject::Proxies => self.hidden == Proxies,
            UnreadSubject::Accounts => self.hidden == Accounts,
            UnreadSubject::PoolMembers => false,
        }
    }
}

impl Live {
    /// Returns the parts because of which the answer about a subject may be incomplete.
    pub fn unread_by<'a>(
        &'a self,
        subject: UnreadSubject<'a>,
    ) -> impl Iterator<Item = &'a UnreadPart> {
        self.unread.iter().filter(move |part| part.may_hide(subject))
    }

    /// Whether the answer about a subject may be incomplete.
    pub fn is_unread(&self, subject: UnreadSubject) -> bool {
        self.unread.iter().any(|part| part.may_hide(subject))
    }
}

/// Describes unread parts, grouped by cause.
pub fn describe_parts<'a>(parts: impl IntoIterator<Item = &'a UnreadPart>) -> Vec<String> {
    group_by_cause(parts).into_iter().map(|(what, why)| format!("{what}: {why}")).collect()
}

/// Groups unread parts by cause, such as an unreachable repository: returns the parts and their reason.
pub fn group_by_cause<'a>(
    parts: impl IntoIterator<Item = &'a UnreadPart>,
) -> Vec<(String, &'a str)> {
    let mut by_cause: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for part in parts {
        // A missing permission is one cause, whether a list or a document was refused because of it.
        let cause = part.why.find("Missing permission").map_or(&*part.why, |at| &part.why[at..]);
        let group = by_cause.entry(cause).or_default();
        if !group.contains(&part.what.as_str()) {
            group.push(&part.what);
        }
    }
    by_cause.into_iter().map(|(why, what)| (what.join(", and "), why)).collect()
}
