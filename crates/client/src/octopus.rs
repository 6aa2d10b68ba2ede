//! The client of an Octopus Server: what is asked, how often, and what the answers look like.
//!
//! [`Reader`] and [`SpaceReader`] can only read. What writes is private to [`crate::apply`]. Never: a
//! decision about what the answers mean, or a key in a message.

pub(crate) mod base;
mod connection;
pub mod document;
mod error;
pub(crate) mod exchange;
mod list;
mod options;
mod reader;
mod refusal;
mod resource;
mod retry;
mod space_reader;
pub mod token;
pub mod wire;

pub use connection::Connection;
pub use error::ClientError;
pub use options::{ConnectionOptions, Credentials, Secret};
pub use reader::Reader;
pub use refusal::Refusal;
pub use resource::{ProjectBranch, Resource};
pub use space_reader::{SpaceReader, UnreadDocument};
