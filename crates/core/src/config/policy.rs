//! `[octopus]`, `[server]`, `[manage]`, `[gates]` and `[[removed]]`.

use super::{lower::DesiredDraft, part::CheckedTable};
use crate::{
    desired::{Declared, DesiredRemoval, Gate, MaxDeletes},
    finding::{Finding, FindingLocation, Level},
    model::Name,
};

impl DesiredDraft {
    /// Adds what a file says of the server, and of what may be deleted.
    pub(super) fn policy(&mut self, file: &CheckedTable) {
        if let Some(octopus) = file.part("octopus") {
            let url = octopus.text("url").and_then(|url| self.url(url));
            self.once("url", url, |desired| &mut desired.url);
            self.once("space", octopus.text("space"), |desired| &mut desired.space);
        }
        if let Some(server) = file.part("server") {
            let switch = server.flag("built_in_worker");
            self.once("built_in_worker", switch, |desired| &mut desired.built_in_worker);
        }
        if let Some(manage) = file.part("manage") {
            let prune = manage.texts("prune").unwrap_or_default();
            for Declared { value, span: at } in prune {
                let pruned = match value.as_str() {
                    "pools" => &mut self.desired.policy.prune_pools,
                    _ => &mut self.desired.policy.prune_workers,
                };
                pruned.get_or_insert(at);
            }
            let max = max_deletes(&manage);
            self.once("max_deletes", max, |desired| &mut desired.policy.max_deletes);
        }
        if let Some(gates) = file.part("gates") {
            self.gates(&gates);
        }
    }

    fn gates(&mut self, part: &CheckedTable) {
        for gate in Gate::ALL {
            let Some(word) = part.text(gate.code()) else { continue };
            let level = match word.value.as_str() {
                "deny" => Some(Level::Deny),
                "warn" => Some(Level::Warn),
                _ => None,
            };
            match self.desired.policy.gates.insert(gate, level) {
                Some(before) if before != level => {
                    self.report(twice(gate.code(), word.span));
                }
                _ => {}
            }
        }
    }

    /// Adds what a file removes.
    pub(super) fn removed(&mut self, file: &CheckedTable) {
        for part in file.parts("removed") {
            let (noun, name) = match (part.text("pool"), part.text("worker")) {
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
                    self.desired.pools.values().any(|it| it.name == *name)
                }
                DesiredRemoval::Worker(name) => {
                    self.desired.workers.values().any(|it| it.name == *name)
                }
            };
            if declared {
                let message = format!("{noun} `{}` is declared and removed", name.value);
                self.report(
                    Finding::error("declared-and-removed", name.span, message)
                        .help("keep one of the two"),
                );
            } else if self.desired.removed.iter().any(|it| it.value == removal) {
                let message = format!("{noun} `{}` is removed twice", name.value);
                self.report(
                    Finding::error("removed-twice", name.span, message)
                        .help("remove one of the two"),
                );
            } else {
                self.desired.removed.push(Declared { value: removal, span: name.span });
            }
        }
    }

    /// Sets what one file may say, or several alike.
    pub(super) fn once<T: PartialEq>(
        &mut self,
        key: &str,
        said: Option<Declared<T>>,
        slot: impl Fn(&mut crate::desired::Desired) -> &mut Option<Declared<T>>,
    ) {
        let Some(said) = said else { return };
        let slot = slot(&mut self.desired);
        match slot {
            Some(before) if before.value != said.value => {
                self.report(twice(key, said.span));
            }
            Some(_) => {}
            None => *slot = Some(said),
        }
    }

    /// The server's URL, unless it carries a secret or is none.
    fn url(&mut self, url: Declared<String>) -> Option<Declared<String>> {
        let text = url.value.as_str();
        if text.starts_with("sandbox:") {
            return Some(url);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let Some(rest) = rest else {
            let message = "the server's URL starts with `https://`";
            self.report(
                Finding::error("bad-url", url.span, message)
                    .help("`sandbox:` is a server inside the process, to try things"),
            );
            return None;
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('@') {
            let message = "the URL has a user or a password, which do not belong into a file";
            let at = self.line(&url.span).map_or(FindingLocation::Nowhere, FindingLocation::Line);
            self.report(
                Finding::new("secret-in-file", Level::Error, at, message)
                    .help("remove it here, and give the tool an API key: OCTOPUS_API_KEY or `--api-key-file FILE`"),
            );
            return None;
        }
        Some(url)
    }
}

fn max_deletes(part: &CheckedTable) -> Option<Declared<MaxDeletes>> {
    if let Some(count) = part.number("max_deletes") {
        let value = MaxDeletes::Count(usize::try_from(count.value).ok()?);
        return Some(Declared { value, span: count.span });
    }
    let text = part.text("max_deletes")?;
    let percent = text.value.strip_suffix('%')?.trim().parse().ok()?;
    Some(Declared { value: MaxDeletes::Percent(percent), span: text.span })
}

fn twice(key: &str, at: crate::finding::Span) -> Finding {
    let message = format!("another file says another `{key}`");
    Finding::error("conflicting-files", at, message).help("say it in one file")
}
