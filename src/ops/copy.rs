//! Copies a live server into the state of a sandbox.
//!
//! Only reads. Never copies a secret, or the value of a variable that does not choose a pool.

use poolwright_client::octopus::{Reader, Resource, SpaceReader, wire::RawDocument};
use poolwright_core::model::Id;
use poolwright_refresh::find_space;

use anyhow::Context as _;
use octopus_sandbox::StateBuilder;
use serde_json::{Value, json};

/// The URL segments of the resources listed in each space, ordered so that references point backwards.
const LISTED: [&str; 17] = [
    "workerpools",
    "machinepolicies",
    "proxies",
    "accounts",
    "workers",
    "feeds",
    "lifecycles",
    "environments",
    "machines",
    "tenants",
    "tagsets",
    "actiontemplates",
    "projectgroups",
    "projects",
    "channels",
    "runbooks",
    "libraryvariablesets",
];

/// A copy of a server's state.
#[derive(Debug, Default)]
pub(crate) struct ServerCopy {
    /// The documents.
    pub(crate) state: StateBuilder,
    /// What could not be read, and why.
    pub(crate) left: Vec<String>,
}

/// Copies a server, or only one of its spaces.
///
/// # Errors
///
/// Fails if the spaces or their worker pools cannot be read.
pub(crate) async fn copy_server(
    reader: &Reader,
    space: Option<&str>,
) -> anyhow::Result<ServerCopy> {
    let mut spaces = reader.list_raw_spaces().await.context("cannot read the spaces")?;
    if let Some(name) = space {
        let wanted = find_space(reader, Some(name)).await?;
        spaces.retain(|document| document.id == wanted.id.as_str());
    }
    let mut copy = ServerCopy::default();
    for space in spaces {
        let inside = reader.in_space(&Id::new(&space.id));
        copy.state.add_document("spaces", &space.text)?;
        copy.copy_space(&inside).await?;
        copy.copy_features(reader, &inside).await?;
    }
    Ok(copy)
}

impl ServerCopy {
    /// Copies a space, except what the key may not see or an old server does not have.
    async fn copy_space(&mut self, space: &SpaceReader) -> anyhow::Result<()> {
        let mut owned = OwnedIds::default();
        for segment in LISTED {
            let documents = match space.list_raw(segment).await {
                Ok(documents) => documents,
                Err(error) if segment != "workerpools" => {
                    self.left.push(format!("{segment}: {error}"));
                    continue;
                }
                Err(error) => return Err(error).context("cannot read the worker pools"),
            };
            for RawDocument { text, .. } in &documents {
                owned.note_owned_ids(segment, &serde_json::from_str(text)?);
                self.state.add_document(segment, text)?;
            }
        }
        self.copy_by_ids(space, "deploymentprocesses", &owned.processes).await?;
        self.copy_by_ids(space, "runbookprocesses", &owned.runbook_processes).await?;
        self.copy_by_ids(space, "variables", &owned.sets).await
    }

    async fn copy_by_ids(
        &mut self,
        space: &SpaceReader,
        segment: &'static str,
        ids: &[String],
    ) -> anyhow::Result<()> {
        let (found, unread) = space.raw_by_ids(segment, ids).await;
        for RawDocument { text, .. } in found {
            match segment {
                "variables" => self.state.add_document(segment, &strip_values(&text))?,
                _ => self.state.add_document(segment, &text)?,
            }
        }
        self.left.extend(unread.iter().map(|unread| format!("{}: {}", unread.id, unread.error)));
        Ok(())
    }

    /// Copies the instance's feature settings, once. A server with dynamic pools is taken for Octopus Cloud.
    async fn copy_features(&mut self, reader: &Reader, space: &SpaceReader) -> anyhow::Result<()> {
        if self.state.has_features() {
            return Ok(());
        }
        let images = space.dynamic_worker_types().await;
        let is_cloud = images.is_ok_and(|images| images.is_some_and(|images| !images.is_empty()));
        let body = match space.read_document(&Resource::Features).await {
            Ok(text) => text,
            Err(error) => {
                self.left.push(format!("the feature settings of {}: {error}", reader.url()));
                json!({ "Id": "features", "IsBuiltInWorkerEnabled": !is_cloud }).to_string()
            }
        };
        Ok(self.state.set_features(&body, is_cloud)?)
    }
}

/// The ids of the processes and variable sets that projects, runbooks and library sets own.
#[derive(Default)]
struct OwnedIds {
    processes: Vec<String>,
    runbook_processes: Vec<String>,
    sets: Vec<String>,
}

impl OwnedIds {
    /// Notes the ids that a document in this segment owns.
    fn note_owned_ids(&mut self, segment: &str, body: &Value) {
        let id = |field: &str| body[field].as_str().map(str::to_owned);
        match segment {
            "projects" => {
                self.processes.extend(id("DeploymentProcessId"));
                self.sets.extend(id("VariableSetId"));
            }
            "runbooks" => self.runbook_processes.extend(id("RunbookProcessId")),
            "libraryvariablesets" => self.sets.extend(id("VariableSetId")),
            _ => {}
        }
    }
}

/// Removes all values from a variable set except those that choose a pool: others may be secrets that are not
/// marked as such.
fn strip_values(text: &str) -> String {
    let mut set: Value = serde_json::from_str(text).unwrap_or_default();
    for variable in set["Variables"].as_array_mut().into_iter().flatten() {
        let chooses_pool =
            variable["Type"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("WorkerPool"));
        if !chooses_pool {
            variable["Value"] = Value::Null;
        }
    }
    set.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::Server;

    #[tokio::test]
    async fn a_copy_seeds_a_new_sandbox_without_possible_secrets() {
        let server = Server::start().await;
        let copy = copy_server(&server.reader(), Some("Default")).await.unwrap();
        assert_eq!(copy.left, [""; 0]);
        let documents = copy.state.len();
        let again = Server::with_state(copy.state.into_text()).await;
        let copied = copy_server(&again.reader(), Some("Default")).await.unwrap();
        assert_eq!(copied.state.len(), documents);
    }

    #[test]
    fn only_variables_that_choose_a_pool_keep_their_values() {
        let set = json!({ "Variables": [
            { "Name": "Pool", "Type": "WorkerPool", "Value": "WorkerPools-1" },
            { "Name": "Password", "Type": "String", "Value": "hunter2" },
        ] });
        let stripped: Value = serde_json::from_str(&strip_values(&set.to_string())).unwrap();
        assert_eq!(stripped["Variables"][0]["Value"], "WorkerPools-1");
        assert_eq!(stripped["Variables"][1]["Value"], Value::Null);
    }
}
