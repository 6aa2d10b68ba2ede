//! What a change refers to by id and by name besides pools: accounts, feeds, policies and proxies.

use crate::{
    live::Live,
    model::{Endpoint, EndpointForm, Linked},
    plan::{ChangeKind, NewWorker, StepEdit, WorkerEdit},
};

use std::collections::HashMap;

/// The kind of object that a change refers to by id and by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum LinkKind {
    Account,
    Feed,
    Policy,
    Proxy,
}

impl LinkKind {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Feed => "feed",
            Self::Policy => "policy",
            Self::Proxy => "proxy",
        }
    }
}

/// A reference to an object, by id and by name.
pub(super) struct NamedLink<'a> {
    pub(super) kind: LinkKind,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
}

impl<'a> NamedLink<'a> {
    fn new<T>(kind: LinkKind, link: &'a Linked<T>) -> Self {
        let (id, name) = link_parts(link);
        Self { kind, id, name }
    }
}

pub(super) fn link_parts<T>(link: &Linked<T>) -> (&str, &str) {
    (link.id.as_str(), &link.name)
}

/// The names that the server has for the ids of accounts, feeds, policies and proxies.
pub(super) struct LinkNames<'a>(HashMap<(LinkKind, &'a str), &'a str>);

impl<'a> LinkNames<'a> {
    pub(super) fn new(live: &'a Live) -> Self {
        let mut names = HashMap::new();
        // What the key may not list is still known by the name that a worker shows.
        for worker in &live.workers {
            let policy = NamedLink::new(LinkKind::Policy, &worker.policy);
            for link in endpoint_links(&worker.endpoint).chain([policy]) {
                names.insert((link.kind, link.id), link.name);
            }
        }
        let directory = &live.directory;
        for (kind, entries) in [
            (LinkKind::Account, &directory.accounts),
            (LinkKind::Feed, &directory.feeds),
            (LinkKind::Policy, &directory.policies),
            (LinkKind::Proxy, &directory.proxies),
        ] {
            names.extend(entries.iter().map(|it| ((kind, it.id.as_str()), it.name.as_str())));
        }
        Self(names)
    }

    /// Returns the name of what a link refers to, or its id if the server shows no name.
    pub(super) fn find_name<'b>(&self, link: &NamedLink<'b>) -> &'b str
    where
        'a: 'b,
    {
        self.0.get(&(link.kind, link.id)).copied().unwrap_or(link.id)
    }
}

/// Returns what a change refers to by id and by name after it, apart from pools. What was there before is compared as
/// a field of the change.
pub(super) fn change_links(kind: &ChangeKind) -> Vec<NamedLink<'_>> {
    fn worker_links(new: &NewWorker) -> impl Iterator<Item = NamedLink<'_>> {
        let policy = new.policy.iter().map(|it| NamedLink::new(LinkKind::Policy, it));
        endpoint_links(&new.endpoint).chain(policy)
    }
    match kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            worker_links(new).collect()
        }
        ChangeKind::UpdateWorker { edits, .. } => edits
            .iter()
            .flat_map(|edit| match edit {
                WorkerEdit::Endpoint(delta) => endpoint_links(delta.after()).collect(),
                WorkerEdit::Policy(delta) => vec![NamedLink::new(LinkKind::Policy, delta.after())],
                WorkerEdit::Name(_)
                | WorkerEdit::Slug(_)
                | WorkerEdit::Pools(_)
                | WorkerEdit::Disabled(_) => Vec::new(),
            })
            .collect(),
        ChangeKind::PlaceStep { edits, .. } => edits
            .iter()
            .filter_map(|edit| match edit {
                StepEdit::Container(delta) => Some([delta.before(), delta.after()]),
                StepEdit::Place(_) | StepEdit::Execution { .. } => None,
            })
            .flatten()
            .flatten()
            .map(|container| NamedLink::new(LinkKind::Feed, &container.feed))
            .collect(),
        _ => Vec::new(),
    }
}

fn endpoint_links<F: EndpointForm>(endpoint: &Endpoint<F>) -> impl Iterator<Item = NamedLink<'_>> {
    let (account, proxy) = match endpoint {
        Endpoint::Listening { proxy, .. } => (None, proxy.as_ref()),
        Endpoint::Ssh { account, proxy, .. } => (Some(account), proxy.as_ref()),
        Endpoint::Polling { .. } | Endpoint::Kubernetes { .. } | Endpoint::Other(_) => (None, None),
    };
    let account = account.map(|it| NamedLink::new(LinkKind::Account, it));
    account.into_iter().chain(proxy.map(|it| NamedLink::new(LinkKind::Proxy, it)))
}
