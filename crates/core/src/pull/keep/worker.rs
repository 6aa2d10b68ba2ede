//! The workers of a file, brought to what is live.
//!
//! Never: whether one should be there.

use super::{FileUpdater, KeepRound, TomlTable, pool::match_declared, table_key, workers};
use crate::{
    desired::DesiredPoolRef,
    live::{DirectoryEntry, LiveWorker},
    model::{KubernetesLink, LiveEndpoint, Name, SSH_PORT, TentacleUrl, Thumbprint},
    plan::WorkerEdit,
};

use std::{collections::HashMap, str::FromStr};

/// The kinds of endpoint, as the file says them.
const ENDPOINT_KINDS: [&str; 4] = ["listening", "polling", "ssh", "kubernetes"];

/// What the file may say of an endpoint and need not.
const ENDPOINT_KEYS: [&str; 6] = ["subscription", "url", "port", "platform", "proxy", "namespace"];

/// What is left as it is where the file leaves it out.
const OPTIONAL_KEYS: [&str; 3] = ["platform", "proxy", "namespace"];

/// The live worker that each declared one is, by their keys.
pub(super) fn match_workers<'a>(round: &'a KeepRound<'a>) -> HashMap<&'a str, &'a LiveWorker> {
    let declared = &round.file_plan.desired.workers;
    let names = declared.values().map(|worker| (&worker.name, worker.renamed_from.as_slice()));
    let find_by_name = |name: &Name| round.live.workers.iter().find(|worker| worker.name == *name);
    let now = match_declared(names, find_by_name, |it| it.id.as_str());
    declared.keys().zip(now).filter_map(|(key, worker)| Some((key.as_str(), worker?))).collect()
}

impl FileUpdater<'_> {
    /// Edits a worker's table, or those of a range.
    pub(super) fn mend_worker(&mut self, at: usize, key: &str, edits: &[WorkerEdit]) {
        let Some(table) = self.document.tables.get(at).cloned() else { return };
        let desired = &self.round.file_plan.desired.workers;
        let here =
            desired.iter().filter(|(_, worker)| self.owning_table(worker.span.bytes.start) == at);
        let names: Vec<&str> = here.map(|(name, _)| name.as_str()).collect();
        let live: Vec<&LiveWorker> =
            names.iter().filter_map(|text| self.workers.get(*text).copied()).collect();
        let one = match live.as_slice() {
            [one] if names == [key] => workers::table_lines(self.round.live, &self.pools, one).ok(),
            _ => None,
        };
        let (Some(lines), [worker]) = (one, live.as_slice()) else {
            return self.rewrite_tables(at, &table, &live);
        };
        let is_concerned = |is: fn(&WorkerEdit) -> bool| edits.is_empty() || edits.iter().any(is);
        if is_concerned(|edit| matches!(edit, WorkerEdit::Pools(_)))
            && !self.has_same_pools(worker, key)
        {
            let pools = lines.iter().find(|(key, _)| *key == "pools");
            pools
                .into_iter()
                .for_each(|(key, text)| _ = self.document.set_value(&table, key, text));
        }
        if is_concerned(|edit| matches!(edit, WorkerEdit::Endpoint(_))) {
            self.mend_endpoint(&table, worker);
        }
        if is_concerned(|edit| matches!(edit, WorkerEdit::Policy(_)))
            && self.document.contains_key(&table, "policy")
            && let Ok(policy) = workers::policy_reference(self.round.live, worker)
        {
            self.document.set_value(&table, "policy", &policy);
        }
        if is_concerned(|edit| matches!(edit, WorkerEdit::Disabled(_)))
            && self.document.contains_key(&table, "disabled")
        {
            self.document.set_value(&table, "disabled", &worker.disabled.to_string());
        }
        if worker.name.as_str() != key {
            self.document.rename_table(&table, &table_key(worker.name.as_str()));
            self.document.remove_key(&table, "renamed_from");
        }
        self.edit_notes.push(format!("worker `{key}` is as it is live"));
    }

    /// Whether a worker is in just the pools that the file says.
    fn has_same_pools(&self, worker: &LiveWorker, key: &str) -> bool {
        let all = &self.round.live.pools;
        let resolve_id = |said: &DesiredPoolRef| match said {
            DesiredPoolRef::Declared(key) => self.live.get(key.as_str()).map(|it| &it.id),
            DesiredPoolRef::Live(said) => {
                let said = Name::new(said);
                let by_id = all.iter().find(|pool| Name::new(pool.id.as_str()) == said);
                by_id.or_else(|| all.iter().find(|pool| pool.name == said)).map(|it| &it.id)
            }
        };
        let said = self.round.file_plan.desired.workers.get(key);
        let said: Vec<_> = said.iter().flat_map(|it| &it.pools).map(|it| resolve_id(it)).collect();
        said.len() == worker.pools.len() && worker.pools.iter().all(|it| said.contains(&Some(it)))
    }

    /// Has tables of what is live where one is of which not all is so: a range, or a worker that is gone.
    fn rewrite_tables(&mut self, at: usize, table: &TomlTable, live: &[&LiveWorker]) {
        let key = table.path.last().map(String::as_str).unwrap_or_default();
        let protect = self.document.contains_key(table, "protect").then_some("protect = true\n");
        let (tables, left) = workers::render_tables(self.round.live, &self.pools, live);
        let tables = tables.replace("\n\n[", &format!("\n{}\n[", protect.unwrap_or_default()));
        let tables =
            format!("{tables}{}", protect.filter(|_| !tables.is_empty()).unwrap_or_default());
        self.edit_notes.push(match tables.is_empty() {
            true => format!("worker `{key}` is gone"),
            false => format!("worker `{key}` is written anew: not all of it is live as it said"),
        });
        let left = self.missing_comments(&left);
        self.document.remove_table(at, &format!("{tables}{left}"));
    }

    /// Edits how a worker is reached, key by key: what the file leaves unsaid stays so where a plan allows it.
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
        // One that registers itself says nothing of its link.
        let links = ["subscription", "url", "thumbprint", "host"];
        let is_linked = links.iter().any(|it| self.document.contains_key(&inner, it));
        for (key, value) in &fields {
            let optional = OPTIONAL_KEYS.contains(key) || !is_linked;
            let says = self.document.contains_key(&inner, key);
            let is_current = |said: &str| self.is_same_value(worker, key, said);
            if !optional && !says || says && !self.document.value_satisfies(&inner, key, is_current)
            {
                self.document.set_value(&inner, key, value);
            }
        }
        let unsaid =
            ENDPOINT_KEYS.into_iter().filter(|text| !fields.iter().any(|(key, _)| key == text));
        let unsaid: Vec<_> = unsaid.filter(|it| self.document.contains_key(&inner, it)).collect();
        for key in unsaid {
            match key {
                "port" => self.document.set_value(&inner, key, &SSH_PORT.to_string()),
                "namespace" => self.document.set_value(&inner, key, "\"\""),
                _ => self.document.remove_key(&inner, key),
            };
        }
    }

    /// Whether a text of an endpoint means what is live, though it is spelled in another way.
    fn is_same_value(&self, worker: &LiveWorker, key: &str, said: &str) -> bool {
        fn parse_equal<T: FromStr + PartialEq>(one: &str, other: &str) -> bool {
            one.parse::<T>().ok().zip(other.parse().ok()).is_some_and(|(one, other)| one == other)
        }
        let directory = &self.round.live.directory;
        let refers = |among: &[DirectoryEntry], id: &str| {
            let entry = among.iter().find(|entry| entry.id == id);
            let names =
                entry.map(|entry| [entry.id.as_str(), entry.name.as_str(), entry.slug.as_str()]);
            names.is_some_and(|texts| texts.iter().any(|text| Name::new(*text) == Name::new(said)))
        };
        match (key, &worker.endpoint) {
            (
                "thumbprint",
                LiveEndpoint::Listening { thumbprint, .. }
                | LiveEndpoint::Polling { thumbprint, .. }
                | LiveEndpoint::Kubernetes { thumbprint, .. },
            ) => parse_equal::<Thumbprint>(said, thumbprint),
            ("url", LiveEndpoint::Listening { url, .. })
            | ("url", LiveEndpoint::Kubernetes { link: KubernetesLink::Listening(url), .. }) => {
                parse_equal::<TentacleUrl>(said, url)
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
