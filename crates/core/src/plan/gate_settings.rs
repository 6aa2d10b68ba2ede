//! What the gates of a plan depend on besides its changes and the server.
//!
//! A plan keeps it, so that `apply` can run the gates again without the files. Not here: the gates themselves
//! (`diff`), and whether these settings are those of the files, which only the files can tell.

use crate::{
    desired::{Declared, Desired, DesiredPool, DesiredPoolKind, Gate, MaxDeletes, PlanPolicy},
    finding::{Code, Level, Span},
    model::{Address, Name},
    text::pattern::Patterns,
};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the gates of a plan depend on besides its changes and the server.
///
/// A member that this version does not know is refused: a limit must not be ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSettings {
    /// The gates whose level is not [`GateLevel::Deny`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<Gate, GateLevel>,
    /// How many pools and workers may be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_deletes: Option<MaxDeletes>,
    /// Whether the file prunes, which limits deletes by itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prunes: bool,
    /// The names of pools and workers that must not be deleted or replaced, as the words of a pattern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<String>,
    /// The declared pools, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<DeclaredPool>,
    /// The workers that must not be deleted or replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protected_workers: Vec<String>,
    /// The projects whose repositories have to be readable: those in Git that the plan covers, changed or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// What the program that makes or applies the plan runs on, which the plan must not take away.
    #[serde(skip_serializing_if = "OwnPlace::is_empty")]
    pub own: OwnPlace,
}

/// What the program itself runs on, by names or ids of the server. No file sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnPlace {
    /// Workers: of the run that made the plan, and of the one that applies it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
    /// Their pools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<String>,
}

impl OwnPlace {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty() && self.pools.is_empty()
    }

    /// Adds what another run runs on.
    pub fn extend(&mut self, other: &Self) {
        for (own, added) in [(&mut self.workers, &other.workers), (&mut self.pools, &other.pools)] {
            let new = added.iter().filter(|name| !own.contains(name)).cloned();
            let new: Vec<String> = new.collect();
            own.extend(new);
        }
    }
}

/// What a gate does with a plan that it objects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateLevel {
    /// It refuses the plan.
    Deny,
    /// It warns.
    Warn,
    /// It says nothing.
    Allow,
}

/// A pool as the file declares it, as far as it affects gates and addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredPool {
    /// The pool's key, which is its address.
    pub key: String,
    /// The pool's name on the server.
    pub name: String,
    /// Former names, under which the server may still have the pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed_from: Vec<String>,
    /// How many healthy workers the pool needs while steps are placed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_healthy: Option<u32>,
    /// Whether the pool must not be deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
}

impl GateLevel {
    /// Returns the word for the level in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Allow => "allow",
        }
    }
}

impl From<Option<Level>> for GateLevel {
    fn from(level: Option<Level>) -> Self {
        match level {
            Some(Level::Deny | Level::Error) => Self::Deny,
            Some(Level::Warn) => Self::Warn,
            None => Self::Allow,
        }
    }
}

impl From<GateLevel> for Option<Level> {
    fn from(level: GateLevel) -> Self {
        match level {
            GateLevel::Deny => Some(Level::Deny),
            GateLevel::Warn => Some(Level::Warn),
            GateLevel::Allow => None,
        }
    }
}

impl GateSettings {
    /// Takes the settings from what a file declares; the repositories depend on the server too.
    pub fn from_desired(desired: &Desired) -> Self {
        // Destructured, so that a new setting of the gates cannot be forgotten here.
        let PlanPolicy { prune_pools, prune_workers, protect, max_deletes, gates } =
            &desired.policy;
        let levels = gates.iter().map(|(gate, level)| (*gate, GateLevel::from(*level)));
        let pools = desired.pools.iter().map(|(key, pool)| DeclaredPool {
            key: key.clone(),
            name: pool.name.to_string(),
            renamed_from: pool.renamed_from.iter().map(|it| it.value.clone()).collect(),
            min_healthy: pool.min_healthy().map(|it| it.value),
            protect: pool.protect,
        });
        let protected = desired.workers.iter().filter(|(_, worker)| worker.protect);
        Self {
            levels: levels.filter(|(_, level)| *level != GateLevel::Deny).collect(),
            max_deletes: max_deletes.as_ref().map(|it| it.value),
            prunes: prune_pools.is_some() || prune_workers.is_some(),
            protect: protect.as_ref().map(|it| it.value.to_words()).unwrap_or_default(),
            pools: pools.collect(),
            protected_workers: protected.map(|(name, _)| name.clone()).collect(),
            repositories: Vec::new(),
            own: OwnPlace::default(),
        }
    }

    /// Returns the level of `gate`; `None` if it says nothing.
    pub fn gate_level(&self, gate: Gate) -> Option<Level> {
        self.levels.get(&gate).copied().unwrap_or(GateLevel::Deny).into()
    }

    /// Returns the code and the level of every gate.
    pub fn gate_levels(&self) -> impl Iterator<Item = (Code, GateLevel)> {
        Gate::ALL.into_iter().map(|gate| (gate.code(), self.gate_level(gate).into()))
    }

    /// Returns the pool that is declared under `key`.
    pub fn declared_pool(&self, key: &str) -> Option<&DeclaredPool> {
        self.pools.iter().find(|pool| pool.key == key)
    }

    /// Whether the object at an address must not be deleted or replaced.
    pub fn is_protected(&self, address: &Address) -> bool {
        match address {
            Address::Pool(key) => self.declared_pool(key).is_some_and(|pool| pool.protect),
            Address::Worker(name) => self.protected_workers.contains(name),
            Address::BuiltInWorker
            | Address::PoolOrder
            | Address::Variable { .. }
            | Address::Target(_)
            | Address::Step { .. } => false,
        }
    }

    /// Whether a pool or worker with this name must not be deleted or replaced.
    pub fn protects_name(&self, name: &str) -> bool {
        let words = self.protect.iter().map(String::as_str);
        !self.protect.is_empty() && Patterns::new(words).matches(name)
    }

    /// Returns the declared pools as a file that declares nothing else.
    pub fn pools_as_desired(&self) -> Desired {
        let pools = self.pools.iter().map(|pool| {
            let former = pool.renamed_from.iter().cloned().map(declared_nowhere);
            let value = DesiredPool {
                name: Name::new(&pool.name),
                renamed_from: former.collect(),
                slug: None,
                kind: DesiredPoolKind::default(),
                description: None,
                default: None,
                sort_order: None,
                protect: pool.protect,
            };
            (pool.key.clone(), declared_nowhere(value))
        });
        Desired { pools: pools.collect(), ..Desired::default() }
    }

    /// Describes the settings with which a plan is refused less often, as a file has them.
    pub fn describe_lowered(&self) -> Vec<String> {
        let levels = self.levels.iter();
        levels.map(|(gate, level)| format!("{} = {:?}", gate.code(), level.as_str())).collect()
    }
}

/// Returns a value whose place in the file is not known.
fn declared_nowhere<T>(value: T) -> Declared<T> {
    Declared { value, span: Span::default() }
}
