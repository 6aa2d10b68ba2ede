//! Reads and edits deployment processes in Octopus' configuration language (OCL) in a Git working tree.
//!
//! Reading records the position of everything, and an edit replaces only the bytes that say where a step
//! runs: comments, line endings and layout stay. Never: reformatting, file access, or rules.
//!
//! # Source
//!
//! The grammar of `OctopusDeploy/Ocl`, read leniently: comments, trailing commas and function calls are accepted.

mod block;
mod edit;
mod process;
mod scan;
mod variables;
mod worker;

pub use edit::{TextEdit, apply_edits, place_edits, value_edit};
pub use process::{OclAction, OclProcess, OclProcessKind, read};
pub use variables::{OclVariable, OclVariableValue};
pub use worker::run_on_worker_edits;
