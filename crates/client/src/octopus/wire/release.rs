//! Releases and snapshots, which freeze processes and variables, and the channels of releases.

use super::tolerant::or_default;
use serde::Deserialize;

/// A channel of a project's releases.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChannelResource {
    /// `Channels-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its project.
    #[serde(default, deserialize_with = "or_default")]
    pub project_id: String,
}

/// A release, and its frozen parts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReleaseResource {
    /// `Releases-1`.
    pub id: String,
    /// Its version: `1.2.3`.
    #[serde(default, deserialize_with = "or_default")]
    pub version: String,
    /// Its project.
    #[serde(default, deserialize_with = "or_default")]
    pub project_id: String,
    /// Its channel.
    #[serde(default, deserialize_with = "or_default")]
    pub channel_id: String,
    /// When it was created, as an RFC 3339 time; empty if unknown.
    #[serde(default, deserialize_with = "or_default")]
    pub assembled: String,
    /// The frozen deployment process.
    #[serde(default, deserialize_with = "or_default")]
    pub project_deployment_process_snapshot_id: String,
    /// The frozen variables of the project.
    #[serde(default, deserialize_with = "or_default")]
    pub project_variable_set_snapshot_id: String,
    /// The frozen variables of the libraries.
    #[serde(default, deserialize_with = "or_default")]
    pub library_variable_set_snapshot_ids: Vec<String>,
}

/// A snapshot of a runbook, and its frozen parts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunbookSnapshotResource {
    /// `RunbookSnapshots-1`.
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its runbook.
    #[serde(default, deserialize_with = "or_default")]
    pub runbook_id: String,
    /// The frozen process.
    #[serde(default, deserialize_with = "or_default")]
    pub frozen_runbook_process_id: String,
    /// The frozen variables of the project.
    #[serde(default, deserialize_with = "or_default")]
    pub frozen_project_variable_set_id: String,
    /// The frozen variables of the libraries.
    #[serde(default, deserialize_with = "or_default")]
    pub library_variable_set_snapshot_ids: Vec<String>,
}
