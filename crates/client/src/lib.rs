//! The wire: anything may read an Octopus Server; only [`apply`] can write to it.
//!
//! [`octopus`] has the connection and the readers. What writes is private to [`apply`], whose one entry
//! takes an approved plan. The two share a crate because privacy inside a crate is what seals the writer:
//! no other crate can name it, whatever connection that crate holds.
//!
//! # The seal
//!
//! A connection reads:
//!
//! ```
//! use poolwright_client::octopus::{Connection, Error, Resource, SpaceReader};
//! use poolwright_core::model::{Id, Space};
//!
//! async fn read(connection: &Connection, space: &Id<Space>, pool: &Resource) -> Result<String, Error> {
//!     let reader: SpaceReader = connection.reader().in_space(space);
//!     reader.document(pool).await
//! }
//! ```
//!
//! The same function with a write in it does not compile, because the writer is private to `apply`:
//!
//! ```compile_fail,E0603
//! use poolwright_client::{apply::writer::Writer, octopus::{Connection, Error, Resource}};
//! use poolwright_core::model::{Id, Space};
//!
//! async fn delete(connection: &Connection, space: &Id<Space>, pool: &Resource) -> Result<(), Error> {
//!     Writer::new(connection, space).delete(pool).await
//! }
//! ```
//!
//! because a connection does not lead to a writer:
//!
//! ```compile_fail,E0599
//! use poolwright_client::octopus::{Connection, Error, Resource};
//! use poolwright_core::model::{Id, Space};
//!
//! async fn delete(connection: &Connection, space: &Id<Space>, pool: &Resource) -> Result<(), Error> {
//!     connection.writer(space).delete(pool).await
//! }
//! ```
//!
//! and because the request that a writer sends is private to this crate:
//!
//! ```compile_fail,E0624
//! use poolwright_client::octopus::{Connection, Error};
//!
//! async fn delete(connection: &Connection) -> Result<(), Error> {
//!     connection.exchange(todo!(), |_| Ok(())).await
//! }
//! ```
//!
//! Nor can anything but an approved plan be applied:
//!
//! ```compile_fail,E0308
//! use poolwright_client::{apply::{Options, apply}, octopus::Connection};
//! use poolwright_core::plan::Plan;
//!
//! async fn unapproved(plan: &Plan, connection: &Connection, options: &Options) {
//!     apply(plan, connection, options, todo!(), &mut |_| ()).await;
//! }
//! ```

pub mod apply;
pub mod octopus;
