//! Variables of type worker pool: which value is in scope, case by case.
//!
//! # Source
//!
//! `api.md` 2.12: such a variable is resolved while a deployment is planned, so that a scope of targets or
//! target tags never holds.

use super::{
    Case, Condition, Decider, Dimension, Effective, Unclear, Why, in_pool, variables_unread,
};
use crate::{
    live::{Entry, Live, LiveProcess, LiveStep},
    model::{Id, Name, Pool, SetOwner, VariableSet, VariableValue},
};

/// A value of a variable of type worker pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolVariable {
    /// The set that it is kept in.
    pub set: Id<VariableSet>,
    /// The id of this value.
    pub id: Id<VariableValue>,
    /// The variable's name.
    pub name: Name,
    /// Whose it is.
    pub owner: VariableOwner,
    /// The projects for whose steps it may choose.
    pub projects: Vec<Name>,
    /// Where the value holds.
    pub scope: VariableScope,
    /// The pool; none where the value is empty.
    pub pool: Option<Id<Pool>>,
}

/// A set of variables of a project or a library, as far as it matters which values can be written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVariableSet {
    /// The server's id.
    pub id: Id<VariableSet>,
    /// Whose it is.
    pub owner: VariableOwner,
    /// The projects for whose steps its variables may choose.
    pub projects: Vec<Name>,
    /// Whether what counts is in Git, and this set has but what is left beside it.
    pub in_git: bool,
    /// The names of its variables that are of another type.
    pub others: Vec<Name>,
    /// The environments that a value can be scoped to.
    pub environments: Vec<Entry>,
    /// The channels that a value can be scoped to.
    pub channels: Vec<Entry>,
    /// The tenant tags that a value can be scoped to: `Region/Europe`.
    pub tenant_tags: Vec<String>,
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
pub struct VariableScope {
    /// Names of environments.
    pub environments: Vec<String>,
    /// Names of channels.
    pub channels: Vec<String>,
    /// Tenant tags: `Region/Europe`.
    pub tenant_tags: Vec<String>,
    /// Ids of actions.
    pub actions: Vec<String>,
    /// Ids of projects, for their deployment processes, and of runbooks.
    pub processes: Vec<String>,
    /// Whether it is for some targets or target tags alone, which never holds.
    pub on_targets: bool,
}

impl PoolVariable {
    /// What no other value has: ids of values are copied with their projects.
    pub fn key(set: &Id<VariableSet>, value: &Id<VariableValue>) -> String {
        format!("{}/{}", set.as_str(), value.as_str())
    }
}

impl VariableOwner {
    /// The owner as the address of a variable has it.
    pub fn address(&self) -> SetOwner {
        match self {
            Self::Project(name) => SetOwner::Project(name.to_string()),
            Self::Library(name) => SetOwner::Library(name.to_string()),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        let (Self::Project(name) | Self::Library(name)) = self;
        name
    }
}

impl VariableScope {
    /// Where the value holds, in words; empty for everywhere.
    pub fn shown(&self) -> String {
        let Self { environments, channels, tenant_tags, actions, processes, on_targets } = self;
        let lists = [
            ("environment", environments),
            ("channel", channels),
            ("tenant tag", tenant_tags),
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

    /// Whether a file can say it.
    pub fn is_plain(&self) -> bool {
        self.actions.is_empty() && self.processes.is_empty() && !self.on_targets
    }

    fn list(&self, dimension: Dimension) -> &[String] {
        match dimension {
            Dimension::Environment => &self.environments,
            Dimension::Channel => &self.channels,
            Dimension::TenantTag => &self.tenant_tags,
            Dimension::Target => &[],
        }
    }

    /// How narrow it is.
    ///
    /// # Source
    ///
    /// Octopus' published list, narrowest first: step, target, target tag, tenant, tenant tag,
    /// environment, channel, process, project, none (its blog, "Variable specificity and complexity").
    fn rank(&self) -> u8 {
        let bits =
            [&self.processes, &self.channels, &self.environments, &self.tenant_tags, &self.actions];
        bits.iter().enumerate().map(|(at, list)| u8::from(!list.is_empty()) << at).sum()
    }
}

/// The dimensions by which the values of a variable differ.
const SCOPED: [Dimension; 3] = [Dimension::Environment, Dimension::Channel, Dimension::TenantTag];

/// The most cases that are told one by one; beyond that a step's variable is told by its values.
const MOST: usize = 1000;

/// The cases of a step whose pool the variable `name` chooses.
pub(super) fn cases(process: &LiveProcess, step: &LiveStep, live: &Live, name: &str) -> Vec<Case> {
    let wanted = Name::new(name);
    let values = live.choosers.variables.iter();
    let values =
        values.filter(|it| it.name == wanted && it.projects.contains(&process.owner.project));
    let values: Vec<&PoolVariable> = values.filter(|it| may_hold(it, process, step)).collect();
    let mut scopes: Vec<Vec<Condition>> = vec![Vec::new()];
    for dimension in SCOPED {
        let known = names(&values, dimension);
        if known.is_empty() || MOST < scopes.len().saturating_mul(known.len() + 1) {
            continue;
        }
        let one = known.into_iter().map(|name| vec![name]);
        let each: Vec<Vec<String>> = one.chain([Vec::new()]).collect();
        let with = |scope: &Vec<Condition>, names: &Vec<String>| {
            let condition = Condition { dimension, names: names.clone() };
            scope.iter().cloned().chain([condition]).collect::<Vec<_>>()
        };
        scopes = scopes.iter().flat_map(|it| each.iter().map(|names| with(it, names))).collect();
    }
    let case = |when: Vec<Condition>| {
        let (owner, place) = value(&values, &when, live);
        Case { when, by: Decider::Variable(name.to_owned(), owner.cloned()), place }
    };
    scopes.into_iter().map(case).collect()
}

/// Whether a value can hold for this step at all.
fn may_hold(value: &PoolVariable, process: &LiveProcess, step: &LiveStep) -> bool {
    let scope = &value.scope;
    let of_process = |owner: &String| {
        let id = process.git.as_ref().map_or(process.id.as_str(), |it| &it.process);
        id.to_lowercase().ends_with(&format!("-{}", owner.to_lowercase()))
    };
    let is_step = |id: &String| id.eq_ignore_ascii_case(step.id.as_str());
    !scope.on_targets
        && (scope.actions.is_empty() || scope.actions.iter().any(is_step))
        && (scope.processes.is_empty() || scope.processes.iter().any(of_process))
}

/// The names by which values differ in a dimension, each once, in the order of the values.
fn names(values: &[&PoolVariable], dimension: Dimension) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in values.iter().flat_map(|it| it.scope.list(dimension)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The value that holds in a case: the narrowest one; of two that are alike a project's before a library's.
fn value<'a>(
    values: &[&'a PoolVariable],
    when: &[Condition],
    live: &Live,
) -> (Option<&'a VariableOwner>, Effective) {
    let holds = |value: &&&PoolVariable| {
        SCOPED.iter().all(|dimension| {
            let list = value.scope.list(*dimension);
            let case = when.iter().find(|it| it.dimension == *dimension);
            list.is_empty() || case.is_some_and(|it| it.names.iter().any(|it| list.contains(it)))
        })
    };
    let weight = |value: &PoolVariable| {
        let own = matches!(value.owner, VariableOwner::Project(_));
        (value.scope.rank(), own)
    };
    let holding: Vec<&&PoolVariable> =
        values.iter().filter(holds).filter(|it| it.pool.is_some()).collect();
    let best = holding.iter().map(|it| weight(it)).max();
    let mut best = holding.iter().filter(|it| Some(weight(it)) == best);
    match (best.next(), best.next()) {
        (Some(one), Some(other)) if one.pool != other.pool => {
            (None, Effective::Unknown(Unclear::Ambiguous))
        }
        (Some(one), _) => {
            let place = one.pool.as_ref().map(|pool| in_pool(pool, live));
            (Some(&one.owner), place.unwrap_or(Effective::Nowhere(None, Why::NoValue)))
        }
        (None, _) if variables_unread(live) => (None, Effective::Unknown(Unclear::Unread)),
        (None, _) => (None, Effective::Nowhere(None, Why::NoValue)),
    }
}
