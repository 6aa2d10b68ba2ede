//! Updates the workers of a file to match the server.
//!
//! Never: deciding whether a worker should exist.

use super::{FileUpdater, KeepRound, TomlTable, pool::match_declared, table_key, workers};
use crate::{
    desired::DesiredPoolRef,
    live::{DirectoryEntry, LiveWorker},
    model::{KubernetesLink, LiveEndpoint, Name, SSH_PORT, TentacleUrl, Thumbprint},
    plan::WorkerEdit,
};

use std::{collections::HashMap, str::FromStr};

/// The keys for the kinds of endpoint.
const ENDPOINT_KINDS: [&str; 4] = ["listening", "polling", "ssh", "kubernetes"];

/// The optional keys of an endpoint, of any kind.
const ENDPOINT_KEYS: [&str; 6] = ["subscription", "url", "port", "platform", "proxy", "namespace"];

/// The keys that stay unmanaged if the file leaves them out.
const OPTIONAL_KEYS: [&str; 3] = ["platform", "proxy", "namespace"];

/// Matches declared workers to live ones, by key.
pub(super) fn match_workers<'a>(round: &'a KeepRound<'a>) -> HashMap<&'a str, &'a LiveWorker> {
    let declared = &round.file_plan.desired.workers;
    let names = declared.values().map(|worker| (&worker.name, worker.renamed_from.as_slice()));
    let find_by_name = |name: &Name| round.live.workers.iter().find(|worker| worker.name == *name);
    let now = match_declared(names, find_by_name, |it| it.id.as_str());
    declared.keys().zip(now).filter_map(|(key, worker)| Some((key.as_str(), worker?))).collect()
}

impl FileUpdater<'_> {
    /// Edits the table of a worker or a range to match the server.
    pub(super) fn mend_worker(&mut self, at: usize, key: &str, edits: &[WorkerEdit]) {
        let Some(table) = self.document.tables.get(at).cloned() else { return };
        let desired = &self.round.file_plan.desired.workers;
        let here =
            desired.iter().filter(|(_, worker)| self.owning_table(worker.span.bytes.start) == at);
        let names: Vec<&str> = here.map(|(name, _)| name.as_str()).collect();
        let live: Vec<&LiveWorker> =
            names.iter().filter_map(|name| self.workers.get(*name).copied()).collect();
        let one = match live.as_slice() {
            [one] if names == [key] => workers::table_lines(self.round.live, &self.pools, one).ok(),
            _ => None,
        };
        let (Some(lines), [worker]) = (one, live.as_slice()) else {
            return self.rewrite_tables(at, &table, &live);
        };
        let is_edited = |is: fn(&WorkerEdit) -> bool| edits.is_empty() || edits.iter().any(is);
        if is_edited(|edit| matches!(edit, WorkerEdit::Pools(_)))
            && !self.has_same_pools(worker, key)
        {
            let pools = lines.iter().find(|(key, _)| *key == "pools");
            pools
                .into_iter()
                .for_each(|(key, text)| _ = self.document.set_value(&table, key, text));
        }
        if is_edited(|edit| matches!(edit, WorkerEdit::Endpoint(_))) {
            self.mend_endpoint(&table, worker);
        }
        if is_edited(|edit| matches!(edit, WorkerEdit::Policy(_)))
            && self.document.contains_key(&table, "policy")
            && let Ok(policy) = workers::policy_reference(self.round.live, worker)
        {
            self.document.set_value(&table, "policy", &policy);
        }
        if is_edited(|edit| matches!(edit, WorkerEdit::Disabled(_)))
            && self.document.contains_key(&table, "disabled")
        {
            self.document.set_value(&table, "disabled", &worker.disabled.to_string());
        }
        if worker.name.as_str() != key {
            self.document.rename_table(&table, &table_key(worker.name.as_str()));
            self.document.remove_key(&table, "renamed_from");
        }
        self.edit_notes.push(format!("updated worker `{key}`"));
    }

    /// Returns whether a worker is in exactly the pools that the file declares.
    fn has_same_pools(&self, worker: &LiveWorker, key: &str) -> bool {
        let pools = &self.round.live.pools;
        let resolve_id = |reference: &DesiredPoolRef| match reference {
            DesiredPoolRef::Declared(key) => self.live.get(key.as_str()).map(|it| &it.id),
            DesiredPoolRef::Live(name) => {
                let name = Name::new(name);
                let by_id = pools.iter().find(|pool| Name::new(pool.id.as_str()) == name);
                by_id.or_else(|| pools.iter().find(|pool| pool.name == name)).map(|pool| &pool.id)
            }
        };
        let declared = self.round.file_plan.desired.workers.get(key);
        let declared = declared.iter().flat_map(|worker| &worker.pools);
        let ids: Vec<_> = declared.map(|reference| resolve_id(reference)).collect();
        ids.len() == worker.pools.len() && worker.pools.iter().all(|id| ids.contains(&Some(id)))
    }

    /// Replaces a table with tables of the live workers; used for a range, and for a worker that is gone.
    fn rewrite_tables(&mut self, at: usize, table: &TomlTable, live: &[&LiveWorker]) {
        let key = table.path.last().map(String::as_str).unwrap_or_default();
        let protect = self.document.contains_key(table, "protect").then_some("protect = true\n");
        let (tables, omitted) = workers::render_tables(self.round.live, &self.pools, live);
        let tables = tables.replace("\n\n[", &format!("\n{}\n[", protect.unwrap_or_default()));
        let tables =
            format!("{tables}{}", protect.filter(|_| !tables.is_empty()).unwrap_or_default());
        self.edit_notes.push(if tables.is_empty() {
            format!("removed worker `{key}`")
        } else {
            format!("rewrote worker `{key}`: the server differs from the file")
        });
        let comments = self.missing_comments(&omitted);
        self.document.remove_table(at, &format!("{tables}{comments}"));
    }

    /// Edits a worker's endpoint key by key; keys that the file leaves out stay out if a plan allows it.
    fn mend_endpoint(&mut self, table: &TomlTable, worker: &LiveWorker) {
        let Ok((kind, fields)) = workers::endpoint_table(self.round.live, &worker.endpoint) else {
            return;
        };
        for other in ENDPOINT_KINDS.into_iter().filter(|text| *text != kind) {
            self.document.remove_key(table, other);
        }
        let [workers, key] = table.path.as_slice() else { return };
        let Some(inner) = self.document.find_table(&[workers, key, kind]).cloned() else {
            self.document.set_value(table, kind, &workers::inline_table(&fields));
            return;
        };
        // A worker that registers itself has no link in the file.
        let links = ["subscription", "url", "thumbprint", "host"];
        let is_linked = links.iter().any(|it| self.document.contains_key(&inner, it));
        for (key, value) in &fields {
            let optional = OPTIONAL_KEYS.contains(key) || !is_linked;
            let is_set = self.document.contains_key(&inner, key);
            let is_current = |written: &str| self.is_same_value(worker, key, written);
            if !optional && !is_set
                || is_set && !self.document.value_satisfies(&inner, key, is_current)
            {
                self.document.set_value(&inner, key, value);
            }
        }
        let obsolete =
            ENDPOINT_KEYS.into_iter().filter(|key| !fields.iter().any(|(field, _)| field == key));
        let obsolete: Vec<_> =
            obsolete.filter(|key| self.document.contains_key(&inner, key)).collect();
        for key in obsolete {
            match key {
                "port" => self.document.set_value(&inner, key, &SSH_PORT.to_string()),
                "namespace" => self.document.set_value(&inner, key, "\"\""),
                _ => self.document.remove_key(&inner, key),
            };
        }
    }

    /// Returns whether a text in an endpoint means the live value, even if spelled differently.
    fn is_same_value(&self, worker: &LiveWorker, key: &str, written: &str) -> bool {
        fn parse_equal<T: FromStr + PartialEq>(one: &str, other: &str) -> bool {
            one.parse::<T>().ok().zip(other.parse().ok()).is_some_and(|(one, other)| one == other)
        }
        let directory = &self.round.live.directory;
        let refers = |entries: &[DirectoryEntry], id: &str| {
            let entry = entries.iter().find(|entry| entry.id == id);
            let names =
                entry.map(|entry| [entry.id.as_str(), entry.name.as_str(), entry.slug.as_str()]);
            names.is_some_and(|texts| {
                texts.iter().any(|text| Name::new(*text) == Name::new(written))
            })
        };
        match (key, &worker.endpoint) {
            (
                "thumbprint",
                LiveEndpoint::Listening { thumbprint, .. }
                | LiveEndpoint::Polling { thumbprint, .. }
                | LiveEndpoint::Kubernetes { thumbprint, .. },
            ) => parse_equal::<Thumbprint>(written, thumbprint),
            ("url", LiveEndpoint::Listening { url, .. })
            | ("url", LiveEndpoint::Kubernetes { link: KubernetesLink::Listening(url), .. }) => {
                parse_equal::<TentacleUrl>(written, url)
            }
            ("account", LiveEndpoint::Ssh { account, .. }) => {
                refers(&directory.accounts, account.id.as_str())
            }
            ("proxy", LiveEndpoint::Ssh { proxy: Some(linked), .. })
            | ("proxy", LiveEndpoint::Listening { proxy: Some(linked), .. }) => {
                refers(&directory.proxies, linked.id.as_str())
            }
            _ => false,
        }
    }
}
