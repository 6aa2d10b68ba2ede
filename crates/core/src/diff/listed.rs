//! What workers refer to in lists that a key may not be able to read: machine policies, proxies, accounts.

use super::{
    matched::Matched,
    reference::{ReferentKind, resolve_entry},
};
use crate::{
    desired::Declared,
    finding::{Code, Finding, Span},
    live::{UnreadSubject, describe_parts},
    model::Linked,
};

impl Matched<'_> {
    /// Returns the machine policy, proxy or account that the file refers to.
    ///
    /// # Errors
    ///
    /// Returns a warning if the list could not be read, and otherwise an error if no entry or more than one matches.
    pub(super) fn resolve_listed<T>(
        &self,
        list: WorkerList,
        wanted: &Declared<String>,
    ) -> Result<Linked<T>, Finding> {
        let directory = &self.live.directory;
        let (kind, entries) = match list {
            WorkerList::Policies => (ReferentKind::MachinePolicy, &directory.policies),
            WorkerList::Proxies => (ReferentKind::Proxy, &directory.proxies),
            WorkerList::Accounts => (ReferentKind::Account, &directory.accounts),
        };
        let what = format!("{} `{}`", kind.noun(), wanted.value);
        self.check_listed(list, &what, &wanted.span)?;
        resolve_entry(kind, entries, wanted)
    }

    /// Returns a warning if what a worker needs of a list cannot be looked up.
    pub(super) fn check_listed(
        &self,
        list: WorkerList,
        what: &str,
        at: &Span,
    ) -> Result<(), Finding> {
        let subject = match list {
            WorkerList::Policies => UnreadSubject::Policies,
            WorkerList::Proxies => UnreadSubject::Proxies,
            WorkerList::Accounts => UnreadSubject::Accounts,
        };
        let unread = describe_parts(self.live.unread_by(subject));
        if unread.is_empty() {
            return Ok(());
        }
        let message = format!("{what} cannot be looked up, so the worker is left unchanged");
        let finding = Finding::warning(Code::UnreadReference, at.clone(), message);
        Err(finding.with_notes(unread).with_help("give the key's user the permission to view it"))
    }
}

/// A list that some workers refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkerList {
    /// The machine policies.
    Policies,
    /// The proxies.
    Proxies,
    /// The accounts.
    Accounts,
}
