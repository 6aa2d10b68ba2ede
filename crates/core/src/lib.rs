//! The core of poolwright: data, and the functions between them.
//!
//! ```text
//! workers.toml ── config ──► Desired ─┐
//!                                     ├─ diff ──► Plan ── render ──► people, pipelines
//!               Octopus API ──► Live ─┘
//! ```
//!
//! Nouns are data ([`desired`], [`live`], [`plan`], [`receipt`]); verbs are the arrows between them.
//! Never: a file, a clock, the environment or the network.

pub mod config;
pub mod desired;
pub mod diff;
pub mod explain;
pub mod finding;
pub mod graph;
pub mod live;
pub mod model;
pub mod ocl;
pub mod plan;
pub mod pull;
pub mod receipt;
pub mod render;
pub mod rollback;
pub mod scope;
pub mod text;
