//! `[[pool_variables]]` and `[[target_pools]]`: what chooses a pool where a step does not.

use super::{Declared, DesiredPoolRef};
use crate::{model::Name, text::pattern::Patterns};

/// A rule of `[[pool_variables]]`: a value that a variable of type worker pool shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolVariableRule {
    /// Whose variable it is.
    pub owner: DesiredValueOwner,
    /// The variable's name.
    pub variable: Declared<Name>,
    /// Where the value holds.
    pub scope: DesiredValueScope,
    /// What becomes of it.
    pub verdict: ValueVerdict,
}

/// Whose variables a rule is about. What is named exactly gets the variable where it lacks it; a wildcard
/// finds those that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredValueOwner {
    /// Projects by name.
    Projects(Declared<Patterns>),
    /// Library variable sets by name.
    Libraries(Declared<Patterns>),
}

/// Where a value holds: all of these. An empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredValueScope {
    /// Environments, each by its name or id.
    pub environments: Vec<Declared<String>>,
    /// Channels, each by its name or id.
    pub channels: Vec<Declared<String>>,
    /// Tenant tags: `Region/Europe`.
    pub tenant_tags: Vec<Declared<String>>,
}

impl DesiredValueScope {
    /// Whether the value holds everywhere.
    pub fn is_unscoped(&self) -> bool {
        let Self { environments, channels, tenant_tags } = self;
        environments.is_empty() && channels.is_empty() && tenant_tags.is_empty()
    }
}

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueVerdict {
    /// It is this pool.
    Pool(Declared<DesiredPoolRef>),
    /// It goes.
    Remove,
}

/// A rule of `[[target_pools]]`: the pool whose workers act for deployment targets in a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPoolRule {
    /// What the file calls it.
    pub label: Option<String>,
    /// Names of targets; `None` matches every target.
    pub target: Option<Declared<Patterns>>,
    /// Target tags, of which one is enough; `None` matches every target.
    pub target_tag: Option<Declared<Patterns>>,
    /// What becomes of them.
    pub verdict: TargetPoolVerdict,
}

/// What becomes of a target's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPoolVerdict {
    /// It is this one.
    Pool(Declared<DesiredPoolRef>),
    /// It names none: the space's default pool, whichever that is.
    DefaultPool,
    /// It is not managed, and no later rule is asked.
    Leave,
}
