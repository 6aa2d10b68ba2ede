//! The resources of the API: a file for each kind that has rules of its own, and `plain` for the others.
//!
//! Paths are in `route`; what the server's own documents look like is in `document`.

pub(crate) mod built_in_steps;
pub(crate) mod channels;
pub(crate) mod concurrent_edit;
pub(crate) mod dashboard;
pub(crate) mod defects;
pub(crate) mod deployment_settings;
pub(crate) mod deployments;
pub(crate) mod endpoint;
pub(crate) mod events;
pub(crate) mod executions;
pub(crate) mod features;
pub(crate) mod find;
pub(crate) mod instance;
pub(crate) mod leases;
pub(crate) mod lookups;
pub(crate) mod machines;
pub(crate) mod nodes;
pub(crate) mod normalize;
pub(crate) mod one_default;
pub(crate) mod plain;
pub(crate) mod policies;
pub(crate) mod pools;
pub(crate) mod preview;
pub(crate) mod process_templates;
pub(crate) mod processes;
pub(crate) mod progression;
pub(crate) mod projects;
pub(crate) mod related;
pub(crate) mod releases;
pub(crate) mod roots;
pub(crate) mod runs;
pub(crate) mod server_status;
pub(crate) mod snapshot;
pub(crate) mod sort_order;
pub(crate) mod summary;
pub(crate) mod targets;
pub(crate) mod tasks;
pub(crate) mod templates;
pub(crate) mod tenants;
pub(crate) mod variables;
pub(crate) mod versioned;
pub(crate) mod workers;
