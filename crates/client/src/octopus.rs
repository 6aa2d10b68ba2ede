//! A client for Octopus Server: requests, retries, and the shape of responses.
//!
//! [`Reader`] and [`SpaceReader`] can only read. The writer is private to [`crate::apply`]. Never: a
//! decision about what responses mean, or a key in a message.

mod answer;
mod auth;
mod base;
mod connection;
pub mod document;
mod effect;
mod error;
pub(crate) mod exchange;
mod list;
mod options;
mod outage;
pub(crate) mod path;
mod reader;
mod refusal;
mod resource;
pub(crate) mod retry;
mod space_reader;
pub mod token;
mod trust;
pub mod wire;

pub use connection::Connection;
pub(crate) use effect::WriteEffect;
pub use error::ClientError;
pub use options::{AccessToken, ConnectionOptions, Credentials, Secret, TokenSource};
pub use reader::Reader;
pub use refusal::Refusal;
pub use resource::{ProjectBranch, Resource};
pub use space_reader::{SpaceReader, UnreadDocument};
pub use trust::{ParseHostError, ServerHost, TrustedServer};
