//! Ids that the server assigned: opaque, and typed by what they identify.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};

/// The id of a `T`, as the server wrote it: `WorkerPools-21`.
///
/// Ids are opaque: nothing may be inferred from their text. Like the server, they are compared ignoring case, apart
/// from what follows an `@`: the name of a Git branch, in an id that this tool makes. Ids of different types cannot be
/// mixed up:
///
/// ```compile_fail
/// use poolwright_core::model::{Id, Pool, Worker};
/// let pool: Id<Pool> = Id::<Worker>::new("Workers-3");
/// ```
pub struct Id<T>(String, PhantomData<fn() -> T>);

/// Marks an [`Id`] as a worker pool's.
#[derive(Debug)]
pub enum Pool {}

/// Marks an [`Id`] as a worker's.
#[derive(Debug)]
pub enum Worker {}

/// Marks an [`Id`] as a process's.
#[derive(Debug)]
pub enum Process {}

/// Marks an [`Id`] as an action's, inside a step.
#[derive(Debug)]
pub enum StepAction {}

/// Marks an [`Id`] as a project's.
#[derive(Debug)]
pub enum Project {}

/// Marks an [`Id`] as a variable set's, of a project or a library.
#[derive(Debug)]
pub enum VariableSet {}

/// Marks an [`Id`] as a variable value's.
#[derive(Debug)]
pub enum VariableValue {}

/// Marks an [`Id`] as a deployment target's.
#[derive(Debug)]
pub enum DeploymentTarget {}

/// Marks an [`Id`] as an environment's.
#[derive(Debug)]
pub enum Environment {}

/// Marks an [`Id`] as a channel's.
#[derive(Debug)]
pub enum Channel {}

/// Marks an [`Id`] as a space's.
#[derive(Debug)]
pub enum Space {}

impl<T> Id<T> {
    /// Creates an id from the server's text.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into(), PhantomData)
    }

    /// The id, as the server wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes that are compared.
    fn folded_bytes(&self) -> impl Iterator<Item = u8> {
        let branch = self.0.find('@').unwrap_or(self.0.len());
        let bytes = self.0.bytes().enumerate();
        bytes.map(move |(at, byte)| if at < branch { byte.to_ascii_lowercase() } else { byte })
    }
}

/// A reference to an object: compared by its id, displayed by its name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Linked<T> {
    /// The object's id.
    pub id: Id<T>,
    /// The object's name.
    pub name: String,
}

impl<T> Linked<T> {
    /// Creates a reference from an id and a name.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: Id::new(id), name: name.into() }
    }
}

impl<T> Clone for Linked<T> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), name: self.name.clone() }
    }
}

impl<T> PartialEq for Linked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T> Eq for Linked<T> {}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.folded_bytes().eq(other.folded_bytes())
    }
}

impl<T> Eq for Id<T> {}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded_bytes().for_each(|byte| state.write_u8(byte));
        state.write_u8(0xff);
    }
}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded_bytes().cmp(other.folded_bytes())
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_compared_ignoring_case_and_branches_are_not() {
        let id = Id::<Pool>::new;
        assert_eq!(id("WorkerPools-2"), id("workerpools-2"));
        assert!(HashSet::from([id("WorkerPools-2")]).contains(&id("WORKERPOOLS-2")));
        assert_ne!(id("WorkerPools-2"), id("WorkerPools-21"));
        assert_eq!(id("Projects-1/Process@main"), id("projects-1/process@main"));
        assert_ne!(id("Projects-1/process@main"), id("Projects-1/process@Main"));
    }
}
