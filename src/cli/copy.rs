//! `poolwright sandbox --from URL`: a live server's slice as the state of a sandbox.
//!
//! Reads, and nothing else. Never: a secret, or the value of a variable that chooses no pool.

use super::{print::errln, session};
use poolwright_client::octopus::{Reader, Resource, SpaceReader, wire::RawDocument};
use poolwright_core::model::Id;
use poolwright_refresh as refresh;

use anyhow::Context as _;
use serde_json::{Value, json};
use std::fmt::Write as _;

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

/// The state of a server, as [`octopus_sandbox::Seed::SavedState`] takes it; of one space, where it is named.
pub(super) async fn copy_server(url: &str, space: Option<&str>) -> anyhow::Result<String> {
    let session = session::Args::for_url(url).open_session(None).await?;
    let reader = session.connection.reader();
    let mut spaces = reader.list_raw_spaces().await.context("cannot read the spaces")?;
    if let Some(name) = space {
        let wanted = refresh::find_space(&reader, Some(name)).await?;
        spaces.retain(|document| document.id == wanted.id.as_str());
    }
    let mut copy = ServerCopy { documents: Vec::new(), left: Vec::new() };
    for space in spaces {
        let inside = reader.in_space(&Id::new(&space.id));
        copy.add_document("spaces", &space.text);
        copy.copy_space(&inside).await?;
        copy.copy_features(&reader, &inside).await;
    }
    for left in &copy.left {
        errln!("not copied: {left}");
    }
    errln!("copied {} documents of {url}", copy.documents.len());
    let mut text =
        String::from("{\"format\": \"poolwright-sandbox\", \"version\": 1, \"documents\": [\n");
    text.push_str(&copy.documents.join(",\n"));
    text.push_str("\n]}\n");
    Ok(text)
}

/// What has been copied so far.
struct ServerCopy {
    /// Lines of the state.
    documents: Vec<String>,
    /// What could not be read, and why.
    left: Vec<String>,
}

impl ServerCopy {
    fn add_document(&mut self, kind: &str, body: &str) {
        let mut line = String::new();
        _ = write!(line, "{{\"kind\":{},\"body\":{body}}}", json!(kind));
        self.documents.push(line);
    }

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
                self.add_document(segment, text);
            }
        }
        self.copy_by_ids(space, "deploymentprocesses", &owned.processes).await;
        self.copy_by_ids(space, "runbookprocesses", &owned.runbook_processes).await;
        self.copy_by_ids(space, "variables", &owned.sets).await;
        Ok(())
    }

    async fn copy_by_ids(&mut self, space: &SpaceReader, segment: &str, ids: &[String]) {
        let (found, unread) = space.raw_by_ids(segment, ids).await;
        for RawDocument { text, .. } in found {
            match segment {
                "variables" => self.add_document(segment, &strip_values(&text)),
                _ => self.add_document(segment, &text),
            }
        }
        self.left.extend(unread.iter().map(|unread| format!("{}: {}", unread.id, unread.error)));
    }

    /// The instance's switches, once; a server with dynamic pools is one in the cloud.
    async fn copy_features(&mut self, reader: &Reader, space: &SpaceReader) {
        if self.documents.iter().any(|it| it.starts_with("{\"kind\":\"features")) {
            return;
        }
        let cloud = space
            .dynamic_worker_types()
            .await
            .is_ok_and(|texts| texts.is_some_and(|it| !it.is_empty()));
        let slug = if cloud { "cloud" } else { "" };
        let body = match space.read_document(&Resource::Features).await {
            Ok(text) => text,
            Err(error) => {
                self.left.push(format!("the switches of {}: {error}", reader.url()));
                json!({ "Id": "features", "IsBuiltInWorkerEnabled": !cloud }).to_string()
            }
        };
        self.documents.push(format!(
            "{{\"kind\":\"features\",\"id\":\"features\",\"slug\":\"{slug}\",\"body\":{body}}}"
        ));
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
