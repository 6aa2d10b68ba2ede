//! What a plan leads to besides its changes: for people, who would not see it in the changes.
//!
//! It follows from the changes and the server, so no decision depends on it, and a saved plan's is not believed.

use super::Affected;
use crate::{
    finding::ChangeOrigin,
    model::{Address, ParseAddressError, ProcessName},
};

use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt, str::FromStr};

/// What a plan leads to besides its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// Steps that will run elsewhere, or nowhere, although no change names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<MovedStep>,
    /// Steps that a change names and that come to run on the Octopus Server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onto_server: Vec<MovedStep>,
    /// The space's default pool before the changes; `None` if the space has none, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_before: Option<DefaultPool>,
    /// The space's default pool after the changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_after: Option<DefaultPool>,
}

/// A step that will run in another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedStep {
    /// The step.
    pub address: Address,
    /// Where it runs now: each place once, in the order of its cases.
    pub before: Vec<ExecutionPlace>,
    /// Where it will run.
    pub after: Vec<ExecutionPlace>,
    /// Whether it moves by the plan's base too; `None` if the plan is not compared with a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ChangeOrigin>,
}

/// The pool whose workers run the steps that name none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultPool {
    /// The pool.
    pub pool: Address,
    /// Whether the pool has no workers, so that its steps run on the Octopus Server's built-in worker.
    pub on_server: bool,
}

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

impl Consequences {
    /// Counts the steps that no change names.
    pub fn count_affected(&self) -> Affected {
        let (mut projects, mut runbooks) = (HashSet::new(), HashSet::new());
        for step in &self.affected {
            if let Address::Step { project, process, .. } = &step.address {
                projects.insert(project);
                if let ProcessName::Runbook(name) = process {
                    runbooks.insert((project, name));
                }
            }
        }
        let (projects, runbooks) = (projects.len(), runbooks.len());
        Affected { steps: self.affected.len(), projects, runbooks }
    }
}

impl MovedStep {
    /// Whether it comes to run on the Octopus Server.
    pub fn comes_to_server(&self) -> bool {
        self.after.contains(&ExecutionPlace::Server)
            && !self.before.contains(&ExecutionPlace::Server)
    }

    /// Whether it comes to run nowhere.
    pub fn comes_to_nowhere(&self) -> bool {
        self.after.contains(&ExecutionPlace::Nowhere)
            && !self.before.contains(&ExecutionPlace::Nowhere)
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
