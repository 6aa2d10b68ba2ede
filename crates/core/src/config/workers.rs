//! `[workers]`: ranges spread, endpoints parsed.

use super::{
    checked_table::CheckedTable,
    expand::expand_names,
    language::KINDS,
    lint::{lint_fingerprint, lint_range},
    lower::DesiredDraft,
};
use crate::{
    desired::{Declared, DesiredEndpoint, DesiredKubernetesLink, DesiredPoolRef, DesiredWorker},
    finding::{Code, Finding},
    model::{Name, Subscription, TentacleUrl, Thumbprint},
};

use std::{collections::HashSet, fmt::Display, str::FromStr};

/// The port of SSH.
const SSH_PORT: u32 = 22;

impl DesiredDraft {
    /// Adds the workers of a file.
    pub(super) fn read_workers(&mut self, file: &CheckedTable) {
        for (key, part) in file.get_table_map("workers") {
            self.report_all(lint_range(&key));
            let names = match expand_names(&key.value) {
                Ok(names) => names,
                Err(error) => {
                    self.report(
                        Finding::error(Code::BadRange, key.span.clone(), error.to_string())
                            .with_help("a range is `[01..06]`, a list is `[a,b,c]`"),
                    );
                    continue;
                }
            };
            for expanded_name in names {
                // The server trims names; one that is not trimmed would never settle.
                let name = Declared {
                    value: expanded_name.name.trim().to_owned(),
                    span: key.span.clone(),
                };
                self.check_name("worker", &name);
                self.read_worker(name, &part.bind_placeholder(expanded_name.n.as_deref()));
            }
        }
    }

    fn read_worker(&mut self, name: Declared<String>, part: &CheckedTable) {
        let folded = Name::new(&name.value).as_folded().to_owned();
        if !self.worker_names.insert(folded) {
            let message = format!("two workers are named `{}`", name.value);
            self.report(
                Finding::error(Code::DuplicateWorker, name.span, message)
                    .with_label("already the name of another worker; case does not count")
                    .with_help("give each worker a name of its own, or remove one of the two"),
            );
            return;
        }
        self.lint_placeholder(part);
        let Some(endpoint) = self.read_endpoint(part) else { return };
        let pools = self.read_worker_pools(part);
        let policy = part.get_text("policy");
        let renamed_from = part.get_texts("renamed_from").unwrap_or_default();
        let worker = DesiredWorker {
            name: Name::new(&name.value),
            renamed_from,
            endpoint,
            pools,
            policy,
            disabled: part.get_flag("disabled").map(|it| it.value),
            protect: part.get_flag("protect").is_some_and(|it| it.value),
        };
        self.desired.workers.insert(name.value, Declared { value: worker, span: name.span });
    }

    fn read_worker_pools(&mut self, part: &CheckedTable) -> Vec<Declared<DesiredPoolRef>> {
        let mut seen = HashSet::new();
        let mut pools = Vec::new();
        for text in part.get_texts("pools").unwrap_or_default() {
            let pool = self.resolve_pool_ref(text);
            let dynamic = match &pool.value {
                DesiredPoolRef::Declared(key) => {
                    self.desired.pools.get(key).is_some_and(|it| it.image.is_some())
                }
                DesiredPoolRef::Live(_) => false,
            };
            if dynamic {
                let message = "a dynamic pool makes its own workers";
                self.report(
                    Finding::error(Code::DynamicPoolMember, pool.span.clone(), message)
                        .with_label("this pool has an `image`")
                        .with_help("name static pools alone"),
                );
            }
            if !seen.insert(pool.value.clone()) {
                let message = "the pool is named twice";
                self.report(
                    Finding::error(Code::DuplicatePool, pool.span.clone(), message)
                        .with_help("name it once"),
                );
                continue;
            }
            pools.push(pool);
        }
        pools
    }

    /// How the worker is reached; what is wrong or missing is told.
    fn read_endpoint(&mut self, part: &CheckedTable) -> Option<Declared<DesiredEndpoint>> {
        let kind = KINDS.into_iter().find(|kind| part.has_key(kind))?;
        let inner = part.get_table(kind)?;
        let endpoint = match kind {
            "listening" => self.read_listening(&inner),
            "polling" => self.read_polling(&inner),
            "ssh" => self.read_ssh(&inner),
            _ => self.read_kubernetes(&inner),
        };
        endpoint.map(|value| Declared { value, span: inner.table_span() })
    }

    fn read_listening(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        let url = self.parse_value::<TentacleUrl>(
            part,
            "url",
            Code::BadUrl,
            "such as `https://k8s-01.acme.example:10933`",
        );
        let thumbprint = self.read_thumbprint(part);
        Some(DesiredEndpoint::Listening {
            url: url?,
            thumbprint: thumbprint?,
            proxy: part.get_text("proxy"),
        })
    }

    fn read_polling(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        if !part.has_key("subscription") && !part.has_key("thumbprint") {
            return Some(DesiredEndpoint::Polling(None));
        }
        let subscription = self.read_subscription(part);
        let thumbprint = self.read_thumbprint(part);
        self.require_both(part, "subscription", "thumbprint");
        Some(DesiredEndpoint::Polling(Some((subscription?, thumbprint?))))
    }

    fn read_ssh(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        let port = part.get_number("port").map_or(SSH_PORT, |it| it.value);
        let host = part.get_text("host")?;
        if host.value.contains(|c: char| c.is_whitespace() || c == '/') {
            let message = "a host is a name or an address";
            self.report(
                Finding::error(Code::BadHost, host.span, message)
                    .with_help("`port` is a key of its own"),
            );
            return None;
        }
        let fingerprint = part.get_text("fingerprint")?;
        self.report_all(lint_fingerprint(&fingerprint));
        Some(DesiredEndpoint::Ssh {
            host: host.value,
            port: u16::try_from(port).ok()?,
            account: part.get_text("account")?,
            fingerprint: fingerprint.value,
            platform: part.get_text("platform").map(|it| it.value),
            proxy: part.get_text("proxy"),
        })
    }

    fn read_kubernetes(&mut self, part: &CheckedTable) -> Option<DesiredEndpoint> {
        let namespace = part.get_text("namespace").map(|it| it.value);
        let link = match (part.has_key("subscription"), part.has_key("url")) {
            (true, true) => {
                let message = "`subscription` and `url` exclude each other";
                self.report(
                    Finding::error(Code::ConflictingKeys, part.table_span(), message).with_help(
                        "say `subscription` for an agent that polls, `url` for one that listens",
                    ),
                );
                return None;
            }
            (false, false) if !part.has_key("thumbprint") => None,
            (_, false) => {
                self.require_both(part, "subscription", "thumbprint");
                self.read_subscription(part).map(DesiredKubernetesLink::Polling)
            }
            (false, true) => {
                self.require_both(part, "url", "thumbprint");
                let example = "such as `https://agent.acme.example:10933`";
                self.parse_value(part, "url", Code::BadUrl, example)
                    .map(DesiredKubernetesLink::Listening)
            }
        };
        let registers_itself =
            !["subscription", "url", "thumbprint"].iter().any(|it| part.has_key(it));
        let thumbprint = self.read_thumbprint(part);
        match (registers_itself, link, thumbprint) {
            (true, ..) => Some(DesiredEndpoint::Kubernetes { link: None, namespace }),
            (false, Some(link), Some(thumbprint)) => {
                Some(DesiredEndpoint::Kubernetes { link: Some((link, thumbprint)), namespace })
            }
            _ => None,
        }
    }

    fn read_subscription(&mut self, part: &CheckedTable) -> Option<Subscription> {
        self.parse_value(
            part,
            "subscription",
            Code::BadSubscription,
            "such as `poll://ih8pbyo8vxqjv0kbwwzc/`",
        )
    }

    fn read_thumbprint(&mut self, part: &CheckedTable) -> Option<Thumbprint> {
        self.parse_value(
            part,
            "thumbprint",
            Code::BadThumbprint,
            "`Tentacle show-thumbprint` prints it on the machine",
        )
    }

    /// A text that has to be a `T`; what is wrong with it is told.
    fn parse_value<T: FromStr<Err: Display>>(
        &mut self,
        part: &CheckedTable,
        key: &str,
        code: Code,
        help: &str,
    ) -> Option<T> {
        let text = part.get_text(key)?;
        match text.value.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(Finding::error(code, text.span, error.to_string()).with_help(help));
                None
            }
        }
    }

    /// Tells where one of two keys is there without the other.
    fn require_both(&mut self, part: &CheckedTable, one: &str, other: &str) {
        let missing = match (part.has_key(one), part.has_key(other)) {
            (false, true) => one,
            (true, false) => other,
            _ => return,
        };
        let message = format!("`{missing}` is missing");
        self.report(Finding::error(Code::MissingKey, part.table_span(), message).with_help(
            format!(
                "say both `{one}` and `{other}`, or neither for a worker that registers itself"
            ),
        ));
    }
}
