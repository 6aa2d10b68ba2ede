//! The kinds of pools, and a plan's references to pools.

use super::{Address, Id, Pool};
use serde::{Deserialize, Serialize};

/// The kind of a pool: static (workers are its members) or dynamic (Octopus Cloud provides workers).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// A pool that has workers as members.
    Static,
    /// A pool that has an image and no members.
    Dynamic {
        /// The worker type, such as `UbuntuDefault`; the server lists those that exist.
        image: String,
    },
}

/// A plan's reference to a pool that exists or that the plan creates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolHandle {
    /// A live pool.
    Existing {
        /// The pool's id, by which handles are compared.
        id: Id<Pool>,
        /// The pool's address, for display.
        address: Address,
    },
    /// The pool that the change at this address creates.
    New(Address),
}

impl PoolHandle {
    /// The pool's address.
    pub fn address(&self) -> &Address {
        match self {
            Self::Existing { address, .. } | Self::New(address) => address,
        }
    }

    /// The pool's id, if it exists.
    pub fn id(&self) -> Option<&Id<Pool>> {
        match self {
            Self::Existing { id, .. } => Some(id),
            Self::New(_) => None,
        }
    }
}

impl PartialEq for PoolHandle {
    /// Two handles are equal if they refer to the same pool, whatever its displayed address.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Existing { id: a, .. }, Self::Existing { id: b, .. }) => a == b,
            (Self::New(a), Self::New(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for PoolHandle {}
