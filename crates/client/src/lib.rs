//! The wire: any code may read an Octopus Server, but only [`apply`] can write to it.
//!
//! [`octopus`] has the connection and the readers. The writer is private to [`apply`], whose only entry point
//! takes an approved plan. The two share a crate because privacy inside a crate is what seals the writer:
//! no other crate can name it, whatever connection it holds.
//!
//! # The seal
//!
//! A connection reads:
//!
//! ```
//! use poolwright_client::octopus::{ClientError, Connection, Resource, SpaceReader};
//! use poolwright_core::model::{Id, Space};
//!
//! async fn read(connection: &Connection, space: &Id<Space>, pool: &Resource) -> Result<String, ClientError> {
//!     let reader: SpaceReader = connection.reader().in_space(space);
//!     reader.read_document(pool).await
//! }
//! ```
//!
//! The same function with a write does not compile, because the writer is private to `apply`:
//!
//! ```compile_fail,E0603
//! use poolwright_client::{apply::writer::Writer, octopus::{ClientError, Connection, Resource}};
//! use poolwright_core::model::{Id, Space};
//!
//! async fn delete(connection: &Connection, space: &Id<Space>, pool: &Resource) -> Result<(), ClientError> {
//!     Writer::new(connection, space).delete_resource(pool).await
//! }
//! ```
//!
//! because a connection does not give access to a writer:
//!
//! ```compile_fail,E0599
//! use poolwright_client::octopus::{ClientError, Connection, Resource};
//! use poolwright_core::model::{Id, Space};
//!
//! async fn delete(connection: &Connection, space: &Id<Space>, pool: &Resource) -> Result<(), ClientError> {
//!     connection.writer(space).delete_resource(pool).await
//! }
//! ```
//!
//! and because the request that a writer sends is private to this crate:
//!
//! ```compile_fail,E0624
//! use poolwright_client::octopus::{ClientError, Connection};
//!
//! async fn delete(connection: &Connection) -> Result<(), ClientError> {
//!     connection.send_with_retry(todo!(), |_| Ok(())).await
//! }
//! ```
//!
//! Only an approved plan can be applied:
//!
//! ```compile_fail,E0308
//! use poolwright_client::{apply::{ApplyOptions, apply_plan}, octopus::Connection};
//! use poolwright_core::plan::Plan;
//!
//! async fn unapproved(plan: &Plan, connection: &Connection, options: &ApplyOptions) {
//!     apply_plan(plan, connection, options, todo!(), todo!(), todo!()).await;
//! }
//! ```

pub mod apply;
pub mod octopus;
