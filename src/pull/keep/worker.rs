//! The workers of a file, brought to what is live.
//!
//! Never: whether one should be there.

use super::{Keeper, table_key, workers};
use crate::{live::LiveWorker, model::Name, plan::WorkerEdit};

impl<'a> Keeper<'a> {
    /// The live worker that a declared one is.
    pub(super) fn live_worker(&self, key: &str) -> Option<&'a LiveWorker> {
        let declared = self.round.judged.desired.workers.get(key)?;
        let named = |name: &Name| self.round.live.workers.iter().find(|it| it.name == *name);
        let before = || declared.renamed_from.iter().find_map(|it| named(&Name::new(&it.value)));
        named(&declared.name).or_else(before)
    }

    /// Edits a worker's table, or those of a range.
    pub(super) fn worker(&mut self, at: usize, key: &str, edits: &[WorkerEdit]) {
        let Some(table) = self.document.tables.get(at).cloned() else { return };
        let desired = &self.round.judged.desired.workers;
        let here = desired.iter().filter(|(_, it)| self.document.at(it.at.bytes.start) == at);
        let names: Vec<&str> = here.map(|(name, _)| name.as_str()).collect();
        let live: Vec<&LiveWorker> = names.iter().filter_map(|it| self.live_worker(it)).collect();
        let lines = match live.as_slice() {
            [one] if names == [key] => workers::lines(self.round.live, &self.pools, one).ok(),
            _ => None,
        };
        let (Some(lines), [worker]) = (lines, live.as_slice()) else {
            let protect = self.document.says(&table, "protect").then_some("protect = true\n");
            let (tables, left) = workers::tables_of(self.round.live, &self.pools, &live);
            let tables = tables.replace("\n\n[", &format!("\n{}\n[", protect.unwrap_or_default()));
            let tables =
                format!("{tables}{}", protect.filter(|_| !tables.is_empty()).unwrap_or_default());
            self.document.remove(at, &format!("{tables}{}", self.unsaid(&left)));
            self.told.push(match tables.is_empty() {
                true => format!("worker `{key}` is gone"),
                false => {
                    format!("worker `{key}` is written anew: not all of it is live as it said")
                }
            });
            return;
        };
        let concerns = |key: &str| {
            let of = |edit: &WorkerEdit| match edit {
                WorkerEdit::Name(_) => false,
                WorkerEdit::Endpoint(_) => !["pools", "policy", "disabled"].contains(&key),
                WorkerEdit::Pools(_) => key == "pools",
                WorkerEdit::Policy(_) => key == "policy",
                WorkerEdit::Disabled(_) => key == "disabled",
            };
            edits.is_empty() || edits.iter().any(of)
        };
        let kinds = ["listening", "polling", "ssh", "kubernetes", "policy", "disabled"];
        let said = |key: &str| lines.iter().any(|(it, _)| *it == key);
        for kind in kinds.into_iter().filter(|it| !said(it) && concerns(it)) {
            self.document.unset(&table, kind);
        }
        for (key, value) in lines.iter().filter(|(key, _)| concerns(key)) {
            if !["policy", "disabled"].contains(key) || self.document.says(&table, key) {
                self.document.set(&table, key, value);
            }
        }
        if worker.name.as_str() != key {
            self.document.rename(&table, table_key(worker.name.as_str()));
            self.document.unset(&table, "renamed_from");
        }
        self.told.push(format!("worker `{key}` is as it is live"));
    }
}
