//! `[workers]`: ranges spread, endpoints parsed.

use super::{
    language::KINDS,
    lint::{odd_fingerprint, odd_range},
    lower::DesiredDraft,
    part::CheckedTable,
    spread::spread,
};
use crate::{
    desired::{Declared, DesiredEndpoint, DesiredKubernetesLink, DesiredPoolRef, DesiredWorker},
    finding::Finding,
    model::{Name, Subscription, TentacleUrl, Thumbprint},
};

use std::{collections::HashSet, fmt::Display, str::FromStr};

/// The port of SSH.
const SSH_PORT: u32 = 22;

impl DesiredDraft {
    /// Adds the workers of a file.
    pub(super) fn workers(&mut self, file: &CheckedTable) {
        for (key, part) in file.map("workers") {
            self.report_all(odd_range(&key));
            let names = match spread(&key.value) {
                Ok(names) => names,
                Err(error) => {
                    self.report(
                        Finding::error("bad-range", key.span.clone(), error.to_string())
                            .help("a range is `[01..06]`, a list is `[a,b,c]`"),
                    );
                    continue;
                }
            };
            for it in names {
                // The server trims names; one that is not trimmed would never settle.
                let name = Declared { value: it.name.trim().to_owned(), span: key.span.clone() };
                self.check_name("worker", &name);
                self.worker(name, &part.with_n(it.n.as_deref()));
            }
        }
    }

    fn worker(&mut self, name: Declared<String>, part: &CheckedTable) {
        let folded = Name::new(&name.value).folded().to_owned();
        if !self.worker_names.insert(folded) {
            let message = format!("two workers are named `{}`", name.value);
            self.report(
                Finding::error("duplicate-worker", name.span, message)
                    .label("already the name of another worker; case does not count")
                    .help("give each worker a name of its own, or remove one of the two"),
            );
            return;
        }
        self.stray_n(part);
        let Some(endpoint) = self.endpoint(part) else { return };
        let pools = self.worker_pools(part);
        let policy = part.text("policy");
        let renamed_from = part.texts("renamed_from").unwrap_or_default();
        let worker = DesiredWorker {
            name: Name::new(&name.value),
            renamed_from,
            endpoint,
            pools,
            policy,
            disabled: part.flag("disabled").map(|it| it.value),
            protect: part.flag("protect").is_some_and(|it| it.value),
        };
        self.desired.workers.insert(name.value, Declared { value: worker, span: name.span });
    }

    fn worker_pools(&mut self, part: &CheckedTable) -> Vec<Declared<DesiredPoolRef>> {
        let mut seen = HashSet::new();
        let mut pools = Vec::new();
        for text in part.texts("pools").unwrap_or_default() {
            let pool = self.pool_ref(text);
            let dynamic = match &pool.value {
                DesiredPoolRef::Declared(key) => {
                    self.desired.pools.get(key).is_some_and(|it| it.image.is_some())
                }
                DesiredPoolRef::Live(_) => false,
            };
            if dynamic {
                let message = "a dynamic pool makes its own workers";
                self.report(
                    Finding::error("dynamic-pool-member", pool.span.clone(), message)
                        .label("this pool has an `image`")
                        .help("name static pools alone"),
                );
            }
            if !seen.insert(pool.value.clone()) {
                let message = "the pool is named twice";
                self.report(
                    Finding::error("duplicate-pool", pool.span.clone(), message)
                        .help("name it once"),
                );
                continue;
            }
            pools.push(pool);
        }
        pools
    }

    /// How the worker is reached; what is wrong or missing is told.
    fn endpoint(&mut self, part: &CheckedTable) -> Option<Declared<DesiredEndpoint>> {
        let kind = KINDS.into_iter().find(|kind| part.has(kind))?;
        let inner = part.part(kind)?;
        let endpoint = match kind {
            "listening" => self.listening(&inner),
            "polling" => self.polling(&inner),
            "ssh" => self.ssh(&inner),
            _ => self.kubernetes(&inner),
        };
        endpoint.map(|value| Declared { value, span: inner.at() })
    }

    fn listening(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        let url =
            self.parse::<TentacleUrl>(part, "url", "such as `https://k8s-01.acme.example:10933`");
        let thumbprint = self.thumbprint(part);
        Some(DesiredEndpoint::Listening {
            url: url?,
            thumbprint: thumbprint?,
            proxy: part.text("proxy"),
        })
    }

    fn polling(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        if !part.has("subscription") && !part.has("thumbprint") {
            return Some(DesiredEndpoint::Polling(None));
        }
        let subscription = self.subscription(part);
        let thumbprint = self.thumbprint(part);
        self.both(part, "subscription", "thumbprint");
        Some(DesiredEndpoint::Polling(Some((subscription?, thumbprint?))))
    }

    fn ssh(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        let port = part.number("port").map_or(SSH_PORT, |it| it.value);
        let host = part.text("host")?;
        if host.value.contains(|c: char| c.is_whitespace() || c == '/') {
            let message = "a host is a name or an address";
            self.report(
                Finding::error("bad-host", host.span, message).help("`port` is a key of its own"),
            );
            return None;
        }
        let fingerprint = part.text("fingerprint")?;
        self.report_all(odd_fingerprint(&fingerprint));
        Some(DesiredEndpoint::Ssh {
            host: host.value,
            port: u16::try_from(port).ok()?,
            account: part.text("account")?,
            fingerprint: fingerprint.value,
            platform: part.text("platform").map(|it| it.value),
            proxy: part.text("proxy"),
        })
    }

    fn kubernetes(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        let namespace = part.text("namespace").map(|it| it.value);
        let link = match (part.has("subscription"), part.has("url")) {
            (true, true) => {
                let message = "`subscription` and `url` exclude each other";
                self.report(Finding::error("conflicting-keys", part.at(), message).help(
                    "say `subscription` for an agent that polls, `url` for one that listens",
                ));
                return None;
            }
            (false, false) if !part.has("thumbprint") => None,
            (_, false) => {
                self.both(part, "subscription", "thumbprint");
                self.subscription(part).map(DesiredKubernetesLink::Polling)
            }
            (false, true) => {
                self.both(part, "url", "thumbprint");
                let example = "such as `https://agent.acme.example:10933`";
                self.parse(part, "url", example).map(DesiredKubernetesLink::Listening)
            }
        };
        let registers_itself = !["subscription", "url", "thumbprint"].iter().any(|it| part.has(it));
        let thumbprint = self.thumbprint(part);
        match (registers_itself, link, thumbprint) {
            (true, ..) => Some(DesiredEndpoint::Kubernetes { link: None, namespace }),
            (false, Some(link), Some(thumbprint)) => {
                Some(DesiredEndpoint::Kubernetes { link: Some((link, thumbprint)), namespace })
            }
            _ => None,
        }
    }

    fn subscription(&mut self, part: &CheckedTable) -> Option<Subscription> {
        self.parse(part, "subscription", "such as `poll://ih8pbyo8vxqjv0kbwwzc/`")
    }

    fn thumbprint(&mut self, part: &CheckedTable) -> Option<Thumbprint> {
        self.parse(part, "thumbprint", "`Tentacle show-thumbprint` prints it on the machine")
    }

    /// A text that has to be a `T`; what is wrong with it is told.
    fn parse<T: FromStr<Err: Display>>(
        &mut self,
        part: &CheckedTable,
        key: &str,
        help: &str,
    ) -> Option<T> {
        let text = part.text(key)?;
        match text.value.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let code = format!("bad-{key}");
                self.report(Finding::error(&code, text.span, error.to_string()).help(help));
                None
            }
        }
    }

    /// Tells where one of two keys is there without the other.
    fn both(&mut self, part: &CheckedTable, one: &str, other: &str) {
        let missing = match (part.has(one), part.has(other)) {
            (false, true) => one,
            (true, false) => other,
            _ => return,
        };
        let message = format!("`{missing}` is missing");
        self.report(Finding::error("missing-key", part.at(), message).help(format!(
            "say both `{one}` and `{other}`, or neither for a worker that registers itself"
        )));
    }
}
