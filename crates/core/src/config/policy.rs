//! `[octopus]`, `[server]`, `[manage]`, `[gates]` and `[[removed]]`.

use super::{checked_table::CheckedTable, lower::DesiredDraft};
use crate::{
    desired::{Declared, DesiredRemoval, Gate, MaxDeletes},
    finding::{Code, Finding, FindingLocation, Level},
    model::Name,
};

impl DesiredDraft {
    /// Adds what a file says of the server, and of what may be deleted.
    pub(super) fn read_settings(&mut self, file: &CheckedTable) {
        if let Some(octopus) = file.get_table("octopus") {
            let url = octopus.get_text("url").and_then(|url| self.check_server_url(url));
            self.set_once("url", url, |desired| &mut desired.url);
            self.set_once("space", octopus.get_text("space"), |desired| &mut desired.space);
        }
        if let Some(server) = file.get_table("server") {
            let switch = server.get_flag("built_in_worker");
            self.set_once("built_in_worker", switch, |desired| &mut desired.built_in_worker);
        }
        if let Some(manage) = file.get_table("manage") {
            let prune = manage.get_texts("prune").unwrap_or_default();
            for Declared { value, span: at } in prune {
                let pruned = match value.as_str() {
                    "pools" => &mut self.desired.policy.prune_pools,
                    _ => &mut self.desired.policy.prune_workers,
                };
                pruned.get_or_insert(at);
            }
            let max = read_max_deletes(&manage);
            self.set_once("max_deletes", max, |desired| &mut desired.policy.max_deletes);
        }
        if let Some(gates) = file.get_table("gates") {
            self.read_gates(&gates);
        }
    }

    fn read_gates(&mut self, part: &CheckedTable) {
        for gate in Gate::ALL {
            let Some(word) = part.get_text(gate.code().as_str()) else { continue };
            let level = match word.value.as_str() {
                "deny" => Some(Level::Deny),
                "warn" => Some(Level::Warn),
                _ => None,
            };
            match self.desired.policy.gates.insert(gate, level) {
                Some(before) if before != level => {
                    self.report(conflict_error(gate.code().as_str(), word.span));
                }
                _ => {}
            }
        }
    }

    /// Adds what a file removes.
    pub(super) fn read_removals(&mut self, file: &CheckedTable) {
        for part in file.get_tables("removed") {
            let (noun, name) = match (part.get_text("pool"), part.get_text("worker")) {
                (Some(name), None) => ("pool", name),
                (None, Some(name)) => ("worker", name),
                _ => continue,
            };
            let removal = match noun {
                "pool" => DesiredRemoval::Pool(Name::new(&name.value)),
                _ => DesiredRemoval::Worker(Name::new(&name.value)),
            };
            let declared = match &removal {
                DesiredRemoval::Pool(name) => {
                    self.desired.pools.values().any(|pool| pool.name == *name)
                }
                DesiredRemoval::Worker(name) => {
                    self.desired.workers.values().any(|worker| worker.name == *name)
                }
            };
            if declared {
                let message = format!("{noun} `{}` is declared and removed", name.value);
                self.report(
                    Finding::error(Code::DeclaredAndRemoved, name.span, message)
                        .with_help("keep one of the two"),
                );
            } else if self
                .desired
                .removed
                .iter()
                .any(|desired_removal| desired_removal.value == removal)
            {
                let message = format!("{noun} `{}` is removed twice", name.value);
                self.report(
                    Finding::error(Code::RemovedTwice, name.span, message)
                        .with_help("remove one of the two"),
                );
            } else {
                self.desired.removed.push(Declared { value: removal, span: name.span });
            }
        }
    }

    /// Sets what one file may say, or several alike.
    pub(super) fn set_once<T: PartialEq>(
        &mut self,
        key: &str,
        said: Option<Declared<T>>,
        slot: impl Fn(&mut crate::desired::Desired) -> &mut Option<Declared<T>>,
    ) {
        let Some(said) = said else { return };
        let slot = slot(&mut self.desired);
        match slot {
            Some(before) if before.value != said.value => {
                self.report(conflict_error(key, said.span));
            }
            Some(_) => {}
            None => *slot = Some(said),
        }
    }

    /// The server's URL, unless it carries a secret or is none.
    fn check_server_url(&mut self, url: Declared<String>) -> Option<Declared<String>> {
        let text = url.value.as_str();
        if text.starts_with("sandbox:") {
            return Some(url);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let Some(rest) = rest else {
            let message = "the server's URL starts with `https://`";
            self.report(
                Finding::error(Code::BadUrl, url.span, message)
                    .with_help("`sandbox:` is a server inside the process, to try things"),
            );
            return None;
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('@') {
            let message = "the URL has a user or a password, which do not belong into a file";
            let at =
                self.source_line(&url.span).map_or(FindingLocation::Nowhere, FindingLocation::Line);
            self.report(
                Finding::new(Code::SecretInFile, Level::Error, at, message)
                    .with_help("remove it here, and give the tool an API key: OCTOPUS_API_KEY or `--api-key-file FILE`"),
            );
            return None;
        }
        Some(url)
    }
}

fn read_max_deletes(part: &CheckedTable) -> Option<Declared<MaxDeletes>> {
    if let Some(count) = part.get_number("max_deletes") {
        let value = MaxDeletes::Count(usize::try_from(count.value).ok()?);
        return Some(Declared { value, span: count.span });
    }
    let text = part.get_text("max_deletes")?;
    let percent = text.value.strip_suffix('%')?.trim().parse().ok()?;
    Some(Declared { value: MaxDeletes::Percent(percent), span: text.span })
}

fn conflict_error(key: &str, at: crate::finding::Span) -> Finding {
    let message = format!("another file says another `{key}`");
    Finding::error(Code::ConflictingFiles, at, message).with_help("say it in one file")
}
