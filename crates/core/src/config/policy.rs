//! Lowers `[octopus]`, `[server]`, `[manage]`, `[gates]`, `[[accept]]` and `[[removed]]`.

use super::{
    language::{
        AcceptTable, ManageTable, OctopusTable, PruneKind, RemovalChoice, RemovedTable, ServerTable,
    },
    levels::GatesTable,
    lower::DesiredDraft,
    table::Optional,
    values::Tables,
};
use crate::{
    desired::{AcceptRule, Declared, Desired, DesiredRemoval},
    finding::{Code, Finding, FindingLocation, Level, Span},
    model::Name,
    text::secret::has_secret_parameter,
};

impl DesiredDraft {
    /// Adds the server and the space that a file names.
    pub(super) fn read_octopus(&mut self, octopus: Optional<OctopusTable>) {
        let Some(Declared { value: OctopusTable { url, space }, .. }) = octopus else { return };
        let url = url.and_then(|url| self.check_server_url(url));
        self.set_once("url", url, |desired| &mut desired.url);
        self.set_once("space", space, |desired| &mut desired.space);
    }

    /// Adds the settings of the server.
    pub(super) fn read_server(&mut self, server: Optional<ServerTable>) {
        let Some(Declared { value: ServerTable { built_in_worker }, .. }) = server else { return };
        self.set_once("built_in_worker", built_in_worker, |desired| &mut desired.built_in_worker);
    }

    /// Adds the limits on what may be deleted.
    pub(super) fn read_manage(&mut self, manage: Optional<ManageTable>) {
        let Some(Declared { value: ManageTable { prune, max_deletes, protect }, .. }) = manage
        else {
            return;
        };
        for Declared { value: kind, span } in prune {
            let pruned = match kind {
                PruneKind::Pools => &mut self.desired.policy.prune_pools,
                PruneKind::Workers => &mut self.desired.policy.prune_workers,
            };
            pruned.get_or_insert(span);
        }
        self.set_once("max_deletes", max_deletes, |desired| &mut desired.policy.max_deletes);
        self.set_once("protect", protect, |desired| &mut desired.policy.protect);
    }

    /// Adds the levels of findings.
    pub(super) fn read_gates(&mut self, gates: Optional<GatesTable>) {
        let Some(Declared { value: GatesTable(levels), .. }) = gates else { return };
        for (code, level) in levels {
            let span = level.span.clone();
            match self.desired.policy.levels.get(&code) {
                Some(before) if before.value != level.value => {
                    let first = before.span.clone();
                    let conflict = conflict_error(code.as_str(), span);
                    self.report(conflict.with_other_place(first, "the other value"));
                }
                Some(_) => {}
                None => _ = self.desired.policy.levels.insert(code, level),
            }
        }
    }

    /// Adds the findings that a file accepts.
    pub(super) fn read_accepts(&mut self, accepts: Tables<AcceptTable>) {
        for Declared { value, span } in accepts {
            let AcceptTable { gate, project, step, pool, worker, space, branch, reason, until } =
                value;
            let rule = AcceptRule {
                gate: gate.value.0,
                project: project.map(|it| it.value),
                step: step.map(|it| it.value),
                pool: pool.map(|it| it.value),
                worker: worker.map(|it| it.value),
                space: space.map(|it| it.value),
                branch: branch.map(|it| it.value),
                reason: reason.value,
                until: until.map(|it| it.value),
            };
            self.desired.policy.accepts.push(Declared { value: rule, span });
        }
    }

    /// Adds the pools and workers that a file removes.
    pub(super) fn read_removals(&mut self, removed: Tables<RemovedTable>) {
        for Declared { value: RemovedTable { what }, .. } in removed {
            let desired = &self.desired;
            let (noun, text, removal, declared) = match what {
                RemovalChoice::Pool(text) => {
                    let name = Name::new(&text.value);
                    let declared = desired.pools.values().find(|pool| pool.value.name == name);
                    let declared = declared.map(|pool| pool.span.clone());
                    ("pool", text, DesiredRemoval::Pool(name), declared)
                }
                RemovalChoice::Worker(text) => {
                    let name = Name::new(&text.value);
                    let mut workers = desired.workers.values();
                    let declared = workers.find(|worker| worker.value.name == name);
                    let declared = declared.map(|worker| worker.span.clone());
                    ("worker", text, DesiredRemoval::Worker(name), declared)
                }
            };
            if let Some(declared) = declared {
                let message = format!("{noun} `{}` is both declared and removed", text.value);
                self.report(
                    Finding::error(Code::DeclaredAndRemoved, text.span, message)
                        .with_other_place(declared, "declared here")
                        .with_help("keep one of the two"),
                );
            } else if let Some(first) = desired.removed.iter().find(|it| it.value == removal) {
                let message = format!("{noun} `{}` is removed twice", text.value);
                let first = first.span.clone();
                self.report(
                    Finding::error(Code::RemovedTwice, text.span, message)
                        .with_other_place(first, "the first time")
                        .with_help("remove one of the two"),
                );
            } else {
                self.desired.removed.push(Declared { value: removal, span: text.span });
            }
        }
    }

    /// Sets a value that one file may set, or several files to the same value.
    pub(super) fn set_once<T: PartialEq>(
        &mut self,
        key: &str,
        value: Option<Declared<T>>,
        slot: impl Fn(&mut Desired) -> &mut Option<Declared<T>>,
    ) {
        let Some(value) = value else { return };
        let slot = slot(&mut self.desired);
        match slot {
            Some(before) if before.value != value.value => {
                let first = before.span.clone();
                self.report(
                    conflict_error(key, value.span).with_other_place(first, "the other value"),
                );
            }
            Some(_) => {}
            None => *slot = Some(value),
        }
    }

    /// Returns the server's URL; if it contains a secret or is not a URL, reports that and returns `None`.
    fn check_server_url(&mut self, url: Declared<String>) -> Option<Declared<String>> {
        let (message, help) = match flawed_url(&url.value) {
            None => return Some(url),
            Some(UrlFlaw::Secret { message, help }) => {
                // The line is not shown.
                let at = self.source_line(&url.span);
                let at = at.map_or(FindingLocation::Nowhere, FindingLocation::Line);
                let finding = Finding::new(Code::SecretInFile, Level::Error, at, message);
                self.report(finding.with_help(help));
                return None;
            }
            Some(UrlFlaw::Form { message, help }) => (message, help),
        };
        self.report_error(Code::BadUrl, url.span, message, help);
        None
    }
}

/// What is wrong with a server's URL in a file.
enum UrlFlaw {
    /// It contains a secret.
    Secret { message: &'static str, help: &'static str },
    /// It is not the URL of a server.
    Form { message: &'static str, help: &'static str },
}

fn flawed_url(url: &str) -> Option<UrlFlaw> {
    if let Some(path) = url.strip_prefix("sandbox:") {
        return (!is_inside_folder(path)).then_some(UrlFlaw::Form {
            message: "a file cannot name a sandbox outside the working folder",
            help: "pass `--url sandbox:PATH` or set OCTOPUS_URL, or name a file below this folder",
        });
    }
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Some(UrlFlaw::Form {
            message: "the server's URL does not start with `https://`",
            help: "write it with `https://`, or use `sandbox:` for an in-process sandbox",
        });
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Some(UrlFlaw::Secret {
            message: "the URL contains a user name or a password, which must not be in a file",
            help: "remove the user name and password; Octopus takes neither in a URL",
        });
    }
    if has_secret_parameter(rest) {
        return Some(UrlFlaw::Secret {
            message: "the URL contains a key, which must not be in a file",
            help: "remove it, and pass a new API key in OCTOPUS_API_KEY or `--api-key-file FILE`",
        });
    }
    let before_fragment = rest.split('#').next().unwrap_or_default();
    before_fragment.contains('?').then_some(UrlFlaw::Form {
        message: "the server's URL has a query",
        help: "remove everything from `?` on",
    })
}

/// Whether a path, by its name, is that of a file below the working folder; also `:memory:` and the default, which is
/// empty.
fn is_inside_folder(path: &str) -> bool {
    let is_absolute = path.starts_with(['/', '\\', '~']) || path.get(1..2) == Some(":");
    !is_absolute && !path.split(['/', '\\']).any(|part| part == "..")
}

fn conflict_error(key: &str, at: Span) -> Finding {
    let message = format!("another file sets `{key}` to a different value");
    Finding::error(Code::ConflictingFiles, at, message).with_help("set it in one file only")
}
