//! `[[pool_variables]]` and `[[target_pools]]`: pools for steps that do not name one themselves.

use super::{Declared, DesiredPoolRef};
use crate::{model::Name, text::pattern::Patterns};

/// A rule of `[[pool_variables]]`: the value of a worker pool variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolVariableRule {
    /// The owner of the variable.
    pub owner: DesiredValueOwner,
    /// The variable's name.
    pub variable: Declared<Name>,
    /// The scope of the value.
    pub scope: DesiredValueScope,
    /// What happens to the value.
    pub verdict: ValueVerdict,
}

/// The owners whose variables a rule is about. An owner named exactly gets the variable if it lacks it; a
/// wildcard only finds owners that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredValueOwner {
    /// Projects by name.
    Projects(Declared<Patterns>),
    /// Library variable sets by name.
    Libraries(Declared<Patterns>),
}

/// The scope of a value: every condition must hold, and an empty list sets no condition.
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
    /// Whether the value has no scope and so applies everywhere.
    pub fn is_unscoped(&self) -> bool {
        let Self { environments, channels, tenant_tags } = self;
        environments.is_empty() && channels.is_empty() && tenant_tags.is_empty()
    }
}

/// What happens to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueVerdict {
    /// It is set to this pool.
    Pool(Declared<DesiredPoolRef>),
    /// It is removed.
    Remove,
}

/// A rule of `[[target_pools]]`: the pool whose workers act for deployment targets in a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPoolRule {
    /// The rule's name in the file.
    pub label: Option<String>,
    /// Names of targets; `None` matches every target.
    pub target: Option<Declared<Patterns>>,
    /// Target tags: one of them is enough; `None` matches every target.
    pub target_tag: Option<Declared<Patterns>>,
    /// What happens to the targets' pool.
    pub verdict: TargetPoolVerdict,
}

/// What happens to a target's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPoolVerdict {
    /// It is set to this pool.
    Pool(Declared<DesiredPoolRef>),
    /// It is cleared, so that the space's default pool is used, whichever that is.
    DefaultPool,
    /// It is left alone, and no later rule applies.
    Leave,
}
