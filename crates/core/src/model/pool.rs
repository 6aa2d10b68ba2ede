//! What kinds of pool there are, and how a plan points at one.

use super::{Address, Id, Pool};
use serde::{Deserialize, Serialize};

/// Static (machines are its members) or dynamic (Octopus Cloud makes machines of an image).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// Has workers as members.
    Static,
    /// Has an image and no members.
    Dynamic {
        /// The worker type, such as `UbuntuDefault`. The server's list says which there are.
        image: String,
    },
}

/// A pool that a plan points at: one that is there, or the one that a change of the plan will make.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolHandle {
    /// A live pool.
    Existing {
        /// Its id: what counts.
        id: Id<Pool>,
        /// Its address, to be shown.
        address: Address,
    },
    /// The pool that the change at this address creates.
    New(Address),
}

impl PoolHandle {
    /// The pool's address, by which it is shown.
    pub fn address(&self) -> &Address {
        match self {
            Self::Existing { address, .. } | Self::New(address) => address,
        }
    }

    /// The id, where the pool is live already.
    pub fn id(&self) -> Option<&Id<Pool>> {
        match self {
            Self::Existing { id, .. } => Some(id),
            Self::New(_) => None,
        }
    }
}

impl PartialEq for PoolHandle {
    /// Two handles are equal if they point at one pool; how it is shown does not count.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Existing { id: a, .. }, Self::Existing { id: b, .. }) => a == b,
            (Self::New(a), Self::New(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for PoolHandle {}
