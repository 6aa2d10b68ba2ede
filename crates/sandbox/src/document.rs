//! The documents that the server itself makes: their first form, their links, and what it observes.
//!
//! `resource` answers requests with them, `work` does tasks on them, and `seed` fills a new store with them.

pub(crate) mod channel;
pub(crate) mod commit_tree;
pub(crate) mod defaults;
pub(crate) mod endpoint;
pub(crate) mod features;
pub(crate) mod links;
pub(crate) mod machine;
pub(crate) mod node;
pub(crate) mod policy;
pub(crate) mod process;
pub(crate) mod project;
pub(crate) mod space;
pub(crate) mod template;
pub(crate) mod variable_set;
