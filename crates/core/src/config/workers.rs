//! Lowers `[workers]`, with ranges expanded, and assembles their endpoints.

use super::{
    expand::Expanded,
    language::{KubernetesTable, ListeningTable, PollingTable, SshTable, WorkerKind, WorkerTable},
    lint::lint_fingerprint,
    lower::{DesiredDraft, EndpointOwner},
    table::OrReported,
    values::{Clearable, FromText},
};
use crate::{
    desired::{Declared, DesiredEndpoint, DesiredPoolRef, DesiredWorker, NameOrId},
    finding::{Code, Finding, Span},
    model::{KubernetesLink, Name, SSH_PORT, Thumbprint},
};

use std::collections::{HashMap, hash_map::Entry};

impl DesiredDraft {
    /// Adds a file's workers.
    pub(super) fn read_workers(&mut self, workers: Vec<Expanded<WorkerTable>>) {
        for Expanded { name, table } in workers {
            self.check_name("worker", &name);
            let folded = Name::new(&name.value).as_folded().to_owned();
            let first = self.worker_names.get(&folded).cloned();
            if let Some(first) = first {
                let message = format!("two workers are named `{}`", name.value);
                self.report(
                    Finding::error(Code::DuplicateWorker, name.span, message)
                        .with_label("already the name of another worker; case does not count")
                        .with_other_place(first, "the other worker")
                        .with_help("give each worker a name of its own, or remove one of the two"),
                );
                continue;
            }
            self.worker_names.insert(folded, name.span.clone());
            if let Some(table) = table {
                self.read_worker(name, table);
            }
        }
    }

    fn read_worker(&mut self, name: Declared<String>, table: WorkerTable) {
        let WorkerTable { pools: OrReported(pools), kind, policy, disabled, renamed_from, protect } =
            table;
        let Some(endpoint) = self.read_endpoint(kind) else { return };
        self.check_endpoint_unique(&name.value, &endpoint);
        let worker = DesiredWorker {
            name: Name::new(&name.value),
            renamed_from,
            endpoint,
            pools: self.read_worker_pools(pools.map(|list| list.value.0).unwrap_or_default()),
            policy,
            disabled: disabled.map(|flag| flag.value),
            protect: protect.is_some_and(|flag| flag.value),
        };
        self.desired.workers.insert(name.value, Declared { value: worker, span: name.span });
    }

    /// Reports an endpoint that an earlier worker has, once for all workers of a range.
    fn check_endpoint_unique(&mut self, name: &str, endpoint: &Declared<DesiredEndpoint>) {
        let Some(address) = endpoint.address() else { return };
        let first = EndpointOwner { worker: name.to_owned(), span: endpoint.span.clone() };
        let Some(earlier) = self.endpoints.get(&address).cloned() else {
            self.endpoints.insert(address, first);
            return;
        };
        let is_range = earlier.span == endpoint.span;
        if is_range && !self.repeated_endpoints.insert(address.clone()) {
            return;
        }
        let message = format!(
            "workers `{}` and `{name}` have the same endpoint, `{address}`",
            earlier.worker
        );
        let finding = Finding::error(Code::SameEndpoint, endpoint.span.clone(), message);
        self.report(if is_range {
            finding.with_help("put `{n}` into the endpoint, which stands for the part that differs")
        } else {
            finding
                .with_other_place(earlier.span, "the other worker")
                .with_help("remove one of the two, or correct its endpoint")
        });
    }

    fn read_worker_pools(&mut self, names: Vec<Declared<String>>) -> Vec<Declared<DesiredPoolRef>> {
        let mut seen = HashMap::new();
        let mut pools = Vec::new();
        for text in names {
            let pool = self.resolve_pool_ref(text);
            let is_dynamic = match &pool.value {
                DesiredPoolRef::Declared(key) => {
                    self.desired.pools.get(key).is_some_and(|pool| pool.image().is_some())
                }
                DesiredPoolRef::Live(_) => false,
            };
            if is_dynamic {
                let message = "a dynamic pool cannot have declared workers";
                self.report(
                    Finding::error(Code::DynamicPoolMember, pool.span.clone(), message)
                        .with_label("this pool has an `image`")
                        .with_help("list static pools only"),
                );
            }
            match seen.entry(pool.value.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(pool.span.clone());
                    pools.push(pool);
                }
                Entry::Occupied(first) => self.report(
                    Finding::error(Code::DuplicatePool, pool.span, "the pool is listed twice")
                        .with_other_place(first.get().clone(), "the first time")
                        .with_help("list it once"),
                ),
            }
        }
        pools
    }

    /// Returns how the server reaches the worker; reports mistakes and returns `None`.
    fn read_endpoint(&mut self, kind: WorkerKind) -> Option<Declared<DesiredEndpoint>> {
        let (endpoint, span) = match kind {
            WorkerKind::Listening(Declared { value, span }) => (read_listening(value), span),
            WorkerKind::Polling(Declared { value, span }) => {
                (self.read_polling(value, &span), span)
            }
            WorkerKind::Ssh(Declared { value, span }) => (self.read_ssh(value), span),
            WorkerKind::Kubernetes(Declared { value, span }) => {
                (self.read_kubernetes(value, &span), span)
            }
        };
        endpoint.map(|value| Declared { value, span })
    }

    fn read_polling(&mut self, table: PollingTable, at: &Span) -> Option<DesiredEndpoint> {
        let PollingTable { subscription, thumbprint } = table;
        let link = self.read_link("subscription", subscription, thumbprint, at)?;
        Some(DesiredEndpoint::Polling(link))
    }

    fn read_ssh(&mut self, table: SshTable) -> Option<DesiredEndpoint> {
        let SshTable { host, port, account, fingerprint, platform, proxy } = table;
        if host.value.contains(|c: char| c.is_whitespace() || c == '/') {
            let message = "this is not a host name or an address";
            self.report_error(
                Code::BadHost,
                host.span,
                message,
                "write the name or address alone; the port has its own key, `port`",
            );
            return None;
        }
        self.report_all(lint_fingerprint(&fingerprint));
        Some(DesiredEndpoint::Ssh {
            host: host.value,
            port: port.map_or(Some(SSH_PORT), |number| u16::try_from(number.value.0).ok())?,
            account,
            fingerprint: fingerprint.value,
            platform: platform.map(|platform| platform.value.0.to_owned()),
            proxy: proxy.map(clearable_reference),
        })
    }

    fn read_kubernetes(&mut self, table: KubernetesTable, at: &Span) -> Option<DesiredEndpoint> {
        let KubernetesTable { subscription, url, thumbprint, namespace } = table;
        let link = match (subscription, url) {
            (Some(subscription), Some(url)) => {
                let message = "`subscription` and `url` exclude each other";
                let help =
                    "set `subscription` for an agent that polls, or `url` for one that listens";
                self.report(
                    Finding::error(Code::ConflictingKeys, url.span, message)
                        .with_other_place(subscription.span, "the other key")
                        .with_help(help),
                );
                return None;
            }
            (None, Some(url)) => self
                .read_link("url", Some(url), thumbprint, at)?
                .map(|(url, thumbprint)| (KubernetesLink::Listening(url), thumbprint)),
            (subscription, None) => self
                .read_link("subscription", subscription, thumbprint, at)?
                .map(|(queue, thumbprint)| (KubernetesLink::Polling(queue), thumbprint)),
        };
        let namespace = namespace.map(|text| text.value.0);
        Some(DesiredEndpoint::Kubernetes { link, namespace })
    }

    /// Returns an address and a thumbprint, or neither if the worker registers itself; reports mistakes
    /// and returns `None`.
    fn read_link<T>(
        &mut self,
        key: &str,
        address: Option<Declared<FromText<T>>>,
        thumbprint: Option<Declared<FromText<Thumbprint>>>,
        at: &Span,
    ) -> Option<Option<(T, Thumbprint)>> {
        let missing = match (address, thumbprint) {
            (None, None) => return Some(None),
            (Some(address), Some(thumbprint)) => {
                return Some(Some((address.value.0?, thumbprint.value.0?)));
            }
            (None, Some(_)) => key,
            (Some(_), None) => "thumbprint",
        };
        let message = format!("`{missing}` is missing");
        self.report_error(
            Code::MissingKey,
            at.clone(),
            message,
            format!("set both `{key}` and `thumbprint`, or neither if the worker registers itself"),
        );
        None
    }
}

fn read_listening(table: ListeningTable) -> Option<DesiredEndpoint> {
    let ListeningTable { url, thumbprint, proxy } = table;
    let (url, thumbprint) = (url.value.0?, thumbprint.value.0?);
    let proxy = proxy.map(clearable_reference);
    Some(DesiredEndpoint::Listening { url, thumbprint, proxy })
}

fn clearable_reference(text: Declared<Clearable>) -> Declared<NameOrId> {
    Declared { value: text.value.0, span: text.span }
}
