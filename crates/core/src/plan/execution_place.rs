//! Where a step runs, in the words of a plan.

use crate::{
    live::EffectivePlace,
    model::{Address, Id, ParseAddressError, Pool},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where a step runs, in the words of a plan.
///
/// In JSON a pool is its address, such as `pools.sql`, and any other place is a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExecutionPlace {
    /// On a worker of this pool.
    Pool(Address),
    /// On the Octopus Server.
    Server,
    /// On its deployment targets.
    Targets,
    /// Wherever the steps of its process template run.
    Template,
    /// Nowhere: it fails.
    Nowhere,
    /// Not known.
    Unknown,
}

impl ExecutionPlace {
    /// Returns a place in the words of a plan; `pool` returns the address of a pool, if it is known.
    pub fn from_effective(
        place: &EffectivePlace,
        pool: impl Fn(&Id<Pool>) -> Option<Address>,
    ) -> Self {
        match place {
            EffectivePlace::Nowhere(..) => Self::Nowhere,
            EffectivePlace::Pool(id) => pool(id).map_or(Self::Unknown, Self::Pool),
            EffectivePlace::BuiltInWorker(_) | EffectivePlace::InServer => Self::Server,
            EffectivePlace::OnTargets => Self::Targets,
            EffectivePlace::InTemplate => Self::Template,
            EffectivePlace::Unknown(_) => Self::Unknown,
        }
    }

    /// Like [`Self::from_effective`], but a step that fails for want of a worker stands in the pool that it needs.
    pub fn from_required(
        place: &EffectivePlace,
        pool: impl Fn(&Id<Pool>) -> Option<Address>,
    ) -> Self {
        match place {
            EffectivePlace::Nowhere(Some(id), _) => pool(id).map_or(Self::Nowhere, Self::Pool),
            other => Self::from_effective(other, pool),
        }
    }
}

impl fmt::Display for ExecutionPlace {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Pool(address) => address.fmt(f),
            Self::Server => f.write_str("the Octopus Server"),
            Self::Targets => f.write_str("its targets"),
            Self::Template => f.write_str("its template's steps"),
            Self::Nowhere => f.write_str("nowhere"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl FromStr for ExecutionPlace {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "server" => Self::Server,
            "targets" => Self::Targets,
            "template" => Self::Template,
            "nowhere" => Self::Nowhere,
            "unknown" => Self::Unknown,
            address => Self::Pool(address.parse()?),
        })
    }
}

impl TryFrom<String> for ExecutionPlace {
    type Error = ParseAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ExecutionPlace> for String {
    fn from(place: ExecutionPlace) -> Self {
        match place {
            ExecutionPlace::Pool(address) => address.to_string(),
            ExecutionPlace::Server => "server".to_owned(),
            ExecutionPlace::Targets => "targets".to_owned(),
            ExecutionPlace::Template => "template".to_owned(),
            ExecutionPlace::Nowhere => "nowhere".to_owned(),
            ExecutionPlace::Unknown => "unknown".to_owned(),
        }
    }
}
