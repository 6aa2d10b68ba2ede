//! Worker pool variables as they are stored: values with their scopes, and the sets that contain them.

use super::{DirectoryEntry, LiveBranch, ReferenceHolder};
use crate::model::{Id, Name, Pool, VariableSet, VariableSetOwner, VariableValue};
use crate::text::fold_case;

/// A value of a worker pool variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolVariable {
    /// The set that contains the value; empty for the value of a tenant or a template, which is in no set.
    pub set: Id<VariableSet>,
    /// The value's id in its set. In Git, this is the value's index among those of its name.
    pub id: Id<VariableValue>,
    /// The variable's name.
    pub name: Name,
    /// The variable's owner.
    pub owner: VariableOwner,
    /// The projects in whose steps the variable can be used.
    pub projects: Vec<Name>,
    /// The scope in which the value applies.
    pub scope: LiveVariableScope,
    /// The pool; `None` if the value is empty.
    pub pool: Option<Id<Pool>>,
    /// Where the value comes from.
    pub source: ValueSource,
    /// The branch with the value; `None` for one in the server's database.
    pub branch: Option<ValueBranch>,
}

/// The branch with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueBranch {
    /// The branch's short name: `main`.
    pub name: String,
    /// Whether this is the project's default branch.
    pub is_default: bool,
}

/// Where the value of a variable comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueSource {
    /// A variable set, or a tenant.
    #[default]
    Set,
    /// A variable set, but users are prompted for another value each time.
    Prompted,
    /// A template's default, for tenants that give no value.
    TemplateDefault,
}

/// A variable set of a project or a library, as far as it affects which values can be written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVariableSet {
    /// The server's id; for a set in Git, whose id all branches share, followed by the branch.
    pub id: Id<VariableSet>,
    /// The set's owner.
    pub owner: VariableOwner,
    /// The projects in whose steps the set's variables can be used.
    pub projects: Vec<Name>,
    /// Where the set is stored.
    pub store: VariableStore,
    /// Whether it is stored on the project's default branch.
    pub on_default_branch: bool,
    /// The names of its variables of other types.
    pub other_variables: Vec<Name>,
    /// The environments that a value can be scoped to.
    pub environments: Vec<DirectoryEntry>,
    /// The channels that a value can be scoped to.
    pub channels: Vec<DirectoryEntry>,
    /// The tenant tags that a value can be scoped to: `Region/Europe`.
    pub tenant_tags: Vec<String>,
}

/// Where a variable set is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableStore {
    /// In the server's database.
    Database,
    /// In the database, but superseded by variables in Git.
    SupersededByGit {
        /// Why the branches that the file names cannot be read; `None` if they were, or are not needed.
        unread: Option<String>,
    },
    /// On a branch that the file names.
    Branch(LiveBranch),
    /// On another branch: its values take effect, but no plan writes them.
    OtherBranch(String),
}

impl VariableStore {
    /// Returns the branch with the set.
    pub fn branch_name(&self) -> Option<&str> {
        match self {
            Self::Branch(branch) => Some(&branch.at.name),
            Self::OtherBranch(name) => Some(name),
            Self::Database | Self::SupersededByGit { .. } => None,
        }
    }
}

/// The owner of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableOwner {
    /// A project's.
    Project(Name),
    /// A library variable set's.
    Library(Name),
}

/// The scope in which a value applies; an empty list means no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveVariableScope {
    /// Names of environments.
    pub environments: Vec<String>,
    /// Names of channels.
    pub channels: Vec<String>,
    /// Tenant tags: `Region/Europe`.
    pub tenant_tags: Vec<String>,
    /// Names of tenants, for values that tenants give.
    pub tenants: Vec<String>,
    /// Ids of actions.
    pub actions: Vec<String>,
    /// Ids of projects, for their deployment processes, and of runbooks.
    pub processes: Vec<String>,
    /// Whether the scope has targets or target tags, so that it never applies.
    pub on_targets: bool,
}

impl PoolVariable {
    /// Returns the value as the holder of the reference to its pool.
    pub fn reference_holder(&self) -> ReferenceHolder {
        ReferenceHolder::Value(self.set.clone(), self.id.clone())
    }
}

impl LiveVariableSet {
    /// Returns the branch with the set's values.
    pub fn value_branch(&self) -> Option<ValueBranch> {
        let name = self.store.branch_name()?.to_owned();
        Some(ValueBranch { name, is_default: self.on_default_branch })
    }

    /// Returns the owner as it appears in a variable's address.
    pub fn address_owner(&self) -> VariableSetOwner {
        let branch = self.store.branch_name().map(str::to_owned);
        match &self.owner {
            VariableOwner::Project(name) => {
                VariableSetOwner::Project { name: name.to_string(), branch }
            }
            VariableOwner::Library(name) => VariableSetOwner::Library(name.to_string()),
        }
    }
}

impl VariableOwner {
    /// The owner's name.
    pub fn name(&self) -> &Name {
        let (Self::Project(name) | Self::Library(name)) = self;
        name
    }
}

impl LiveVariableScope {
    /// Describes the scope; empty for everywhere.
    pub fn describe(&self) -> String {
        let Self { environments, channels, tenant_tags, tenants, actions, processes, on_targets } =
            self;
        let lists = [
            ("environment", environments),
            ("channel", channels),
            ("tenant tag", tenant_tags),
            ("tenant", tenants),
            ("step", actions),
            ("process", processes),
        ];
        let parts = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let mut parts: Vec<_> =
            parts.map(|(noun, names)| format!("{noun} {}", names.join(", "))).collect();
        if *on_targets {
            parts.push("targets".to_owned());
        }
        parts.join("; ")
    }

    /// Returns the environments, channels and tenant tags without regard to order and case: a file cannot
    /// distinguish two values of a variable for which they are equal.
    pub fn normalized_names(&self) -> [Vec<String>; 3] {
        [&self.environments, &self.channels, &self.tenant_tags]
            .map(|names| normalize_names(names.iter()))
    }

    /// Whether a file can declare a value with this scope.
    pub fn is_declarable(&self) -> bool {
        self.tenants.is_empty()
            && self.actions.is_empty()
            && self.processes.is_empty()
            && !self.on_targets
    }
}

/// Returns names without regard to order and case, without duplicates.
pub fn normalize_names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<_> = names.map(|it| fold_case(it)).collect();
    names.sort();
    names.dedup();
    names
}
