//! From a live server to the state of a sandbox.
//!
//! Reads, and nothing else. Never: a secret, or the value of a variable that chooses no pool.

use poolwright_client::octopus::{Reader, Resource, SpaceReader, wire::RawDocument};
use poolwright_core::model::Id;
use poolwright_refresh::find_space;

use anyhow::Context as _;
use octopus_sandbox::StateBuilder;
use serde_json::{Value, json};

/// What is listed in each space, by its segment, in the order in which one refers to another.
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

/// A server's state, copied.
#[derive(Debug, Default)]
pub(crate) struct ServerCopy {
    /// The documents.
    pub(crate) state: StateBuilder,
    /// What could not be read, and why.
    pub(crate) left: Vec<String>,
}

/// Copies a server; or of it one space, where that is named.
///
/// # Errors
///
/// Where the spaces or their worker pools cannot be read.
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
    /// Everything of a space; what the key may not see, or an old server does not have, is left.
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
        segment: &str,
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

    /// The instance's switches, once; a server with dynamic pools is one in the cloud.
    async fn copy_features(&mut self, reader: &Reader, space: &SpaceReader) -> anyhow::Result<()> {
        if self.state.has_features() {
            return Ok(());
        }
        let images = space.dynamic_worker_types().await;
        let is_cloud = images.is_ok_and(|images| images.is_some_and(|images| !images.is_empty()));
        let body = match space.read_document(&Resource::Features).await {
            Ok(text) => text,
            Err(error) => {
                self.left.push(format!("the switches of {}: {error}", reader.url()));
                json!({ "Id": "features", "IsBuiltInWorkerEnabled": !is_cloud }).to_string()
            }
        };
        Ok(self.state.set_features(&body, is_cloud)?)
    }
}

/// The ids of what projects, runbooks and library sets own.
#[derive(Default)]
struct OwnedIds {
    processes: Vec<String>,
    runbook_processes: Vec<String>,
    sets: Vec<String>,
}

impl OwnedIds {
    /// Notes what a document of this segment owns.
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

/// A variable set of which only the variables that choose a pool have a value: the others may be secrets
/// that nobody has marked as such.
fn strip_values(text: &str) -> String {
    let mut set: Value = serde_json::from_str(text).unwrap_or_default();
    for variable in set["Variables"].as_array_mut().into_iter().flatten() {
        let chooses =
            variable["Type"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("WorkerPool"));
        if !chooses {
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
    async fn a_copy_begins_another_sandbox_and_has_no_value_that_may_be_a_secret() {
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
