//! The workers of a file, brought to what is live.
//!
//! Never: whether one should be there.

use super::{FileUpdater, KeepRound, TomlTable, pool::are_now, table_key, workers};
use crate::{
    desired::DesiredPoolRef,
    live::{DirectoryEntry, LiveWorker},
    model::{Endpoint, KubernetesLink, Name, TentacleUrl, Thumbprint},
    plan::WorkerEdit,
};

use std::{collections::HashMap, str::FromStr};

/// The kinds of endpoint, as the file says them.
const KINDS: [&str; 4] = ["listening", "polling", "ssh", "kubernetes"];

/// What the file may say of an endpoint and need not.
const OF_ENDPOINTS: [&str; 6] = ["subscription", "url", "port", "platform", "proxy", "namespace"];

/// What is left as it is where the file leaves it out.
const OPTIONAL: [&str; 3] = ["platform", "proxy", "namespace"];

/// The live worker that each declared one is, by their keys.
pub(super) fn workers<'a>(round: &'a KeepRound<'a>) -> HashMap<&'a str, &'a LiveWorker> {
    let declared = &round.file_plan.desired.workers;
    let names = declared.values().map(|it| (&it.name, it.renamed_from.as_slice()));
    let named = |name: &Name| round.live.workers.iter().find(|it| it.name == *name);
    let now = are_now(names, named, |it| it.id.as_str());
    declared.keys().zip(now).filter_map(|(key, it)| Some((key.as_str(), it?))).collect()
}

impl FileUpdater<'_> {
    /// Edits a worker's table, or those of a range.
    pub(super) fn worker(&mut self, at: usize, key: &str, edits: &[WorkerEdit]) {
        let Some(table) = self.document.tables.get(at).cloned() else { return };
        let desired = &self.round.file_plan.desired.workers;
        let here = desired.iter().filter(|(_, it)| self.at(it.span.bytes.start) == at);
        let names: Vec<&str> = here.map(|(name, _)| name.as_str()).collect();
        let live: Vec<&LiveWorker> =
            names.iter().filter_map(|it| self.workers.get(*it).copied()).collect();
        let one = match live.as_slice() {
            [one] if names == [key] => workers::lines(self.round.live, &self.pools, one).ok(),
            _ => None,
        };
        let (Some(lines), [worker]) = (one, live.as_slice()) else {
            return self.anew(at, &table, &live);
        };
        let concerns = |is: fn(&WorkerEdit) -> bool| edits.is_empty() || edits.iter().any(is);
        if concerns(|it| matches!(it, WorkerEdit::Pools(_))) && !self.is_in_pools(worker, key) {
            let pools = lines.iter().find(|(key, _)| *key == "pools");
            pools.into_iter().for_each(|(key, it)| _ = self.document.set(&table, key, it));
        }
        if concerns(|it| matches!(it, WorkerEdit::Endpoint(_))) {
            self.endpoint(&table, worker);
        }
        if concerns(|it| matches!(it, WorkerEdit::Policy(_)))
            && self.document.says(&table, "policy")
            && let Ok(policy) = workers::policy(self.round.live, worker)
        {
            self.document.set(&table, "policy", &policy);
        }
        if concerns(|it| matches!(it, WorkerEdit::Disabled(_)))
            && self.document.says(&table, "disabled")
        {
            self.document.set(&table, "disabled", &worker.disabled.to_string());
        }
        if worker.name.as_str() != key {
            self.document.rename(&table, &table_key(worker.name.as_str()));
            self.document.unset(&table, "renamed_from");
        }
        self.edit_notes.push(format!("worker `{key}` is as it is live"));
    }

    /// Whether a worker is in just the pools that the file says.
    fn is_in_pools(&self, worker: &LiveWorker, key: &str) -> bool {
        let all = &self.round.live.pools;
        let pool = |said: &DesiredPoolRef| match said {
            DesiredPoolRef::Declared(key) => self.live.get(key.as_str()).map(|it| &it.id),
            DesiredPoolRef::Live(said) => {
                let said = Name::new(said);
                let by_id = all.iter().find(|it| Name::new(it.id.as_str()) == said);
                by_id.or_else(|| all.iter().find(|it| it.name == said)).map(|it| &it.id)
            }
        };
        let said = self.round.file_plan.desired.workers.get(key);
        let said: Vec<_> = said.iter().flat_map(|it| &it.pools).map(|it| pool(it)).collect();
        said.len() == worker.pools.len() && worker.pools.iter().all(|it| said.contains(&Some(it)))
    }

    /// Has tables of what is live where one is of which not all is so: a range, or a worker that is gone.
    fn anew(&mut self, at: usize, table: &TomlTable, live: &[&LiveWorker]) {
        let key = table.path.last().map(String::as_str).unwrap_or_default();
        let protect = self.document.says(table, "protect").then_some("protect = true\n");
        let (tables, left) = workers::tables_of(self.round.live, &self.pools, live);
        let tables = tables.replace("\n\n[", &format!("\n{}\n[", protect.unwrap_or_default()));
        let tables =
            format!("{tables}{}", protect.filter(|_| !tables.is_empty()).unwrap_or_default());
        self.edit_notes.push(match tables.is_empty() {
            true => format!("worker `{key}` is gone"),
            false => format!("worker `{key}` is written anew: not all of it is live as it said"),
        });
        let left = self.unsaid(&left);
        self.document.remove(at, &format!("{tables}{left}"));
    }

    /// Edits how a worker is reached, key by key: what the file leaves unsaid stays so where a plan allows it.
    fn endpoint(&mut self, table: &TomlTable, worker: &LiveWorker) {
        let Ok((kind, fields)) = workers::endpoint(self.round.live, &worker.endpoint) else {
            return;
        };
        for other in KINDS.into_iter().filter(|it| *it != kind) {
            self.document.unset(table, other);
        }
        let [workers, key] = table.path.as_slice() else { return };
        let Some(inner) = self.document.find(&[workers, key, kind]).cloned() else {
            self.document.set(table, kind, &workers::braces(&fields));
            return;
        };
        // One that registers itself says nothing of its link.
        let links = ["subscription", "url", "thumbprint", "host"];
        let is_linked = links.iter().any(|it| self.document.says(&inner, it));
        for (key, value) in &fields {
            let optional = OPTIONAL.contains(key) || !is_linked;
            let says = self.document.says(&inner, key);
            let is_so = |said: &str| self.is_same(worker, key, said);
            if !optional && !says || says && !self.document.says_so(&inner, key, is_so) {
                self.document.set(&inner, key, value);
            }
        }
        let unsaid = OF_ENDPOINTS.into_iter().filter(|it| !fields.iter().any(|(key, _)| key == it));
        let unsaid: Vec<_> = unsaid.filter(|it| self.document.says(&inner, it)).collect();
        for key in unsaid {
            match key {
                "port" => self.document.set(&inner, key, "22"),
                "namespace" => self.document.set(&inner, key, "\"\""),
                _ => self.document.unset(&inner, key),
            };
        }
    }

    /// Whether a text of an endpoint means what is live, though it is spelled in another way.
    fn is_same(&self, worker: &LiveWorker, key: &str, said: &str) -> bool {
        fn parsed<T: FromStr + PartialEq>(one: &str, other: &str) -> bool {
            one.parse::<T>().ok().zip(other.parse().ok()).is_some_and(|(one, other)| one == other)
        }
        let directory = &self.round.live.directory;
        let refers = |among: &[DirectoryEntry], id: &str| {
            let it = among.iter().find(|it| it.id == id);
            let names = it.map(|it| [it.id.as_str(), it.name.as_str(), it.slug.as_str()]);
            names.is_some_and(|it| it.iter().any(|it| Name::new(*it) == Name::new(said)))
        };
        match (key, &worker.endpoint) {
            (
                "thumbprint",
                Endpoint::Listening { thumbprint, .. }
                | Endpoint::Polling { thumbprint, .. }
                | Endpoint::Kubernetes { thumbprint, .. },
            ) => parsed::<Thumbprint>(said, thumbprint),
            ("url", Endpoint::Listening { url, .. })
            | ("url", Endpoint::Kubernetes { link: KubernetesLink::Listening(url), .. }) => {
                parsed::<TentacleUrl>(said, url)
            }
            ("account", Endpoint::Ssh { account, .. }) => {
                refers(&directory.accounts, account.id.as_str())
            }
            ("proxy", Endpoint::Ssh { proxy: Some(it), .. })
            | ("proxy", Endpoint::Listening { proxy: Some(it), .. }) => {
                refers(&directory.proxies, it.id.as_str())
            }
            _ => false,
        }
    }
}
