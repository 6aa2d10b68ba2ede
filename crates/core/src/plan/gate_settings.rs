//! What the gates of a plan depend on besides its changes and the server.
//!
//! A plan keeps it, so that `apply` can run the gates again without the files. Not here: the gates themselves
//! (`diff`), and whether these settings are those of the files, which only the files can tell.

use super::DeniedWarnings;
use crate::{
    desired::{
        AcceptRule, Declared, Desired, DesiredPool, DesiredPoolKind, Gate, MaxDeletes, PlanPolicy,
    },
    finding::{Code, Level, Span},
    model::{Address, Name},
    text::pattern::Patterns,
};

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the gates of a plan depend on besides its changes and the server.
///
/// A member that this version does not know is refused: a limit must not be ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSettings {
    /// The levels that the file sets, without gates at [`GateLevel::Deny`], their default.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<Code, GateLevel>,
    /// The warnings that the command line denies; they are not in any file.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub denied: BTreeSet<DeniedWarnings>,
    /// The findings that the file accepts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepts: Vec<AcceptRule>,
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

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateLevel {
    /// It refuses the plan.
    Deny,
    /// It is a warning.
    Warn,
    /// It is left out.
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

impl GateSettings {
    /// Takes the settings from what a file declares; the repositories depend on the server too.
    pub fn from_desired(desired: &Desired) -> Self {
        // Destructured, so that a new setting of the gates cannot be forgotten here.
        let PlanPolicy { prune_pools, prune_workers, protect, max_deletes, levels, accepts } =
            &desired.policy;
        let levels = levels.iter().map(|(code, level)| (*code, GateLevel::from(level.value)));
        let is_default = |code: Code, level: GateLevel| code.is_gate() && level == GateLevel::Deny;
        let pools = desired.pools.iter().map(|(key, pool)| DeclaredPool {
            key: key.clone(),
            name: pool.name.to_string(),
            renamed_from: pool.renamed_from.iter().map(|it| it.value.clone()).collect(),
            min_healthy: pool.min_healthy().map(|it| it.value),
            protect: pool.protect,
        });
        let protected = desired.workers.iter().filter(|(_, worker)| worker.protect);
        Self {
            levels: levels.filter(|(code, level)| !is_default(*code, *level)).collect(),
            denied: BTreeSet::new(),
            accepts: accepts.iter().map(|it| it.value.clone()).collect(),
            max_deletes: max_deletes.as_ref().map(|it| it.value),
            prunes: prune_pools.is_some() || prune_workers.is_some(),
            protect: protect.as_ref().map(|it| it.value.to_words()).unwrap_or_default(),
            pools: pools.collect(),
            protected_workers: protected.map(|(name, _)| name.clone()).collect(),
            repositories: Vec::new(),
            own: OwnPlace::default(),
        }
    }

    /// Whether warnings with this code refuse a plan.
    pub fn raises_warnings(&self, code: Code) -> bool {
        let by_files = !code.is_gate() && self.levels.get(&code) == Some(&GateLevel::Deny);
        by_files || self.denied.iter().any(|it| it.contains(code))
    }

    /// Whether the files of a plan may have these settings: what the command line adds is left out.
    pub fn has_settings_of(&self, files: &Self) -> bool {
        // The repositories depend on the server, and what a run runs on is not the files' to say.
        let (denied, repositories) = (BTreeSet::new(), files.repositories.clone());
        Self { denied, repositories, own: files.own.clone(), ..self.clone() } == *files
    }

    /// Returns the code and the level of every gate.
    pub fn gate_levels(&self) -> impl Iterator<Item = (Code, GateLevel)> {
        let level = |code: Code| self.levels.get(&code).copied().unwrap_or(GateLevel::Deny);
        Gate::ALL.into_iter().map(move |gate| (gate.code(), level(gate.code())))
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
        let levels = self.levels.iter().filter(|(code, level)| match level {
            GateLevel::Deny => false,
            // That of most codes that are not gates.
            GateLevel::Warn => code.is_gate(),
            GateLevel::Allow => true,
        });
        levels.map(|(code, level)| format!("{code} = {:?}", level.as_str())).collect()
    }
}

/// Returns a value whose place in the file is not known.
fn declared_nowhere<T>(value: T) -> Declared<T> {
    Declared { value, span: Span::default() }
}
