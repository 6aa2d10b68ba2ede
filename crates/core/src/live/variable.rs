//! Variables of type worker pool, as they are kept: values with their scopes, and the sets that have them.

use super::{DirectoryEntry, LiveBranch, ReferenceHolder};
use crate::model::{Id, Name, Pool, VariableSet, VariableSetOwner, VariableValue};
use crate::text::fold_case;

/// A value of a variable of type worker pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolVariable {
    /// The set that it is kept in; empty for one that a tenant or a template gives, which is in none.
    pub set: Id<VariableSet>,
    /// The id of this value in its set. In Git it is but the value's place among those of its name.
    pub id: Id<VariableValue>,
    /// The variable's name.
    pub name: Name,
    /// Whose it is.
    pub owner: VariableOwner,
    /// The projects for whose steps it may choose.
    pub projects: Vec<Name>,
    /// Where the value holds.
    pub scope: LiveVariableScope,
    /// The pool; none where the value is empty.
    pub pool: Option<Id<Pool>>,
    /// How it is given.
    pub source: ValueSource,
    /// The branch that it is on; none for one in the server's database.
    pub branch: Option<ValueBranch>,
}

/// The branch that a value is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueBranch {
    /// Its short name: `main`.
    pub name: String,
    /// Whether it is the one that counts where none is said.
    pub is_default: bool,
}

/// How the value of a variable is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueSource {
    /// It is in a set of variables, or a tenant has given it.
    #[default]
    Set,
    /// It is in a set, and somebody may give another one each time.
    Prompted,
    /// By a template, where a tenant gives nothing.
    TemplateDefault,
}

/// A set of variables of a project or a library, as far as it matters which values can be written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVariableSet {
    /// The server's id; of a set in Git, whose id all branches share, with its branch behind it.
    pub id: Id<VariableSet>,
    /// Whose it is.
    pub owner: VariableOwner,
    /// The projects for whose steps its variables may choose.
    pub projects: Vec<Name>,
    /// Where it is kept.
    pub store: VariableStore,
    /// Whether that is the branch that counts where none is said.
    pub on_default_branch: bool,
    /// The names of its variables that are of another type.
    pub other_variables: Vec<Name>,
    /// The environments that a value can be scoped to.
    pub environments: Vec<DirectoryEntry>,
    /// The channels that a value can be scoped to.
    pub channels: Vec<DirectoryEntry>,
    /// The tenant tags that a value can be scoped to: `Region/Europe`.
    pub tenant_tags: Vec<String>,
}

/// Where a set of variables is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableStore {
    /// In the server's database.
    Database,
    /// In the database too, while what counts is in Git: what is left beside it.
    SupersededByGit {
        /// Why the branches that the file names cannot be read; none where they are, or nobody asks.
        unread: Option<String>,
    },
    /// On a branch that the file names.
    Branch(LiveBranch),
    /// On another branch: it chooses, and nothing of a plan ever writes it.
    OtherBranch(String),
}

impl VariableStore {
    /// The branch that has the set.
    pub fn branch_name(&self) -> Option<&str> {
        match self {
            Self::Branch(branch) => Some(&branch.at.name),
            Self::OtherBranch(name) => Some(name),
            Self::Database | Self::SupersededByGit { .. } => None,
        }
    }
}

/// Whose variable it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableOwner {
    /// A project's.
    Project(Name),
    /// A library variable set's.
    Library(Name),
}

/// Where a value holds: an empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveVariableScope {
    /// Names of environments.
    pub environments: Vec<String>,
    /// Names of channels.
    pub channels: Vec<String>,
    /// Tenant tags: `Region/Europe`.
    pub tenant_tags: Vec<String>,
    /// Names of tenants, for what these give.
    pub tenants: Vec<String>,
    /// Ids of actions.
    pub actions: Vec<String>,
    /// Ids of projects, for their deployment processes, and of runbooks.
    pub processes: Vec<String>,
    /// Whether it is for some targets or target tags alone, which never holds.
    pub on_targets: bool,
}

impl PoolVariable {
    /// The value as what holds a reference to its pool.
    pub fn reference_holder(&self) -> ReferenceHolder {
        ReferenceHolder::Value(self.set.clone(), self.id.clone())
    }
}

impl LiveVariableSet {
    /// The branch that its values are on.
    pub fn value_branch(&self) -> Option<ValueBranch> {
        let name = self.store.branch_name()?.to_owned();
        Some(ValueBranch { name, is_default: self.on_default_branch })
    }

    /// The owner as the address of a variable has it.
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
    /// Its name.
    pub fn name(&self) -> &Name {
        let (Self::Project(name) | Self::Library(name)) = self;
        name
    }
}

impl LiveVariableScope {
    /// Where the value holds, in words; empty for everywhere.
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

    /// Its environments, channels and tenant tags without regard to order and case: two values of a variable
    /// for which these are the same cannot be told apart by a file.
    pub fn normalized_names(&self) -> [Vec<String>; 3] {
        [&self.environments, &self.channels, &self.tenant_tags]
            .map(|names| normalize_names(names.iter()))
    }

    /// Whether a file can say it.
    pub fn is_declarable(&self) -> bool {
        self.tenants.is_empty()
            && self.actions.is_empty()
            && self.processes.is_empty()
            && !self.on_targets
    }
}

/// Names without regard to order and case, each once.
pub fn normalize_names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<_> = names.map(|it| fold_case(it)).collect();
    names.sort();
    names.dedup();
    names
}
