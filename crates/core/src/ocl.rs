//! Processes as text: Octopus' configuration language in a Git working tree.
//!
//! A text is read for where things are in it, and an edit replaces the few bytes that say where a step
//! runs: comments, line ends and layout stay. Never: printing a document anew, a file, or a rule.
//!
//! # Source
//!
//! The grammar of `OctopusDeploy/Ocl`, read leniently: comments, trailing commas and function calls too.

mod block;
mod edit;
mod process;
mod scan;

pub use edit::{TextEdit, apply_edits, place_edits};
pub use process::{OclAction, OclProcess, OclProcessKind, read};
