//! Which live thing each declared one is.
//!
//! Identity is the name, without regard to case; then a name that it had before. What is ambiguous is
//! an error, and never a guess. Never: deciding what changes.

use super::reference::{self, UnresolvedReference};
use crate::{
    desired::{Declared, Desired, DesiredPoolRef},
    finding::{Finding, Span},
    live::{Live, LivePool, LiveWorker},
    model::{Address, Id, Name, Pool, PoolHandle, PoolKind, Worker},
};

use std::collections::HashMap;

/// The file and the server, and which thing of the one is which of the other.
pub(super) struct Matched<'a> {
    /// What the file asks for.
    pub(super) desired: &'a Desired,
    /// What the server has.
    pub(super) live: &'a Live,
    pools: HashMap<&'a str, &'a LivePool>,
    workers: HashMap<&'a str, &'a LiveWorker>,
    pool_keys: HashMap<&'a Id<Pool>, &'a str>,
    worker_keys: HashMap<&'a Id<Worker>, &'a str>,
}

impl<'a> Matched<'a> {
    /// Matches what `desired` declares with what is live.
    pub(super) fn new(
        desired: &'a Desired,
        live: &'a Live,
        findings: &mut Vec<Finding>,
    ) -> Matched<'a> {
        let pools = Declarations {
            noun: "pool",
            all: desired
                .pools
                .iter()
                .map(|(key, pool)| Declaration {
                    key,
                    name: &pool.name,
                    renamed_from: &pool.renamed_from,
                    span: &pool.span,
                    address: Address::Pool(key.clone()),
                })
                .collect(),
        };
        let workers = Declarations {
            noun: "worker",
            all: desired
                .workers
                .iter()
                .map(|(key, worker)| Declaration {
                    key,
                    name: &worker.name,
                    renamed_from: &worker.renamed_from,
                    span: &worker.span,
                    address: Address::Worker(key.clone()),
                })
                .collect(),
        };
        let pools = pools.match_live(&live.pools, |pool| &pool.name, findings);
        let workers = workers.match_live(&live.workers, |worker| &worker.name, findings);
        Self {
            desired,
            live,
            pool_keys: pools.iter().map(|(key, pool)| (&pool.id, *key)).collect(),
            worker_keys: workers.iter().map(|(key, worker)| (&worker.id, *key)).collect(),
            pools,
            workers,
        }
    }

    /// The live pool that the file declares under `key`; none where it has to be created.
    pub(super) fn live_pool(&self, key: &str) -> Option<&'a LivePool> {
        self.pools.get(key).copied()
    }

    /// The live worker that the file declares under `key`; none where it has to be created.
    pub(super) fn live_worker(&self, key: &str) -> Option<&'a LiveWorker> {
        self.workers.get(key).copied()
    }

    /// Under which key the file declares the live pool of this id.
    pub(super) fn pool_key(&self, id: &Id<Pool>) -> Option<&'a str> {
        self.pool_keys.get(id).copied()
    }

    /// Under which key the file declares the live worker of this id.
    pub(super) fn worker_key(&self, id: &Id<Worker>) -> Option<&'a str> {
        self.worker_keys.get(id).copied()
    }

    /// A live pool's address: its key in the file, or its name where the file does not declare it.
    pub(super) fn pool_address(&self, pool: &LivePool) -> Address {
        let key = self.pool_key(&pool.id).map(str::to_owned);
        // A key that is another pool's name would be an address of two.
        let is_key = |key: &String| Name::new(key.as_str()) == pool.name;
        let name = match self.desired.pools.keys().any(is_key) {
            true => pool.id.as_str().to_owned(),
            false => pool.name.to_string(),
        };
        Address::Pool(key.unwrap_or(name))
    }

    /// The address of a pool of the state after a plan, whose id may be made up.
    pub(super) fn planned_pool_address(&self, pool: &LivePool) -> Address {
        let new = |key: &&String| {
            self.desired.pools.get(*key).is_some_and(|desired_pool| desired_pool.name == pool.name)
        };
        match self.desired.pools.keys().find(new) {
            Some(key) => Address::Pool(key.clone()),
            None => self.pool_address(pool),
        }
    }

    /// A live pool, to be pointed at.
    pub(super) fn pool_handle(&self, pool: &LivePool) -> PoolHandle {
        PoolHandle::Existing { id: pool.id.clone(), address: self.pool_address(pool) }
    }

    /// The pool of this id, to be pointed at, whether it can be seen or not.
    pub(super) fn pool_handle_by_id(&self, id: &Id<Pool>) -> PoolHandle {
        match self.live.find_pool(id) {
            Some(pool) => self.pool_handle(pool),
            None => PoolHandle::Existing {
                id: id.clone(),
                address: Address::Pool(id.as_str().to_owned()),
            },
        }
    }

    /// The pool that the file declares under `key`, to be pointed at.
    pub(super) fn declared_pool(&self, key: &str) -> PoolHandle {
        match self.live_pool(key) {
            Some(pool) => self.pool_handle(pool),
            None => PoolHandle::New(Address::Pool(key.to_owned())),
        }
    }

    /// The pool that the file points at.
    ///
    /// # Errors
    ///
    /// A finding, where there is none or more than one.
    pub(super) fn resolve_pool(
        &self,
        wanted: &Declared<DesiredPoolRef>,
    ) -> Result<PoolHandle, Finding> {
        let text = match &wanted.value {
            DesiredPoolRef::Declared(key) => return Ok(self.declared_pool(key)),
            DesiredPoolRef::Live(text) => text,
        };
        let pools = self.live.pools.iter();
        match reference::find_by_reference(pools, text, |pool| {
            (pool.id.as_str(), &pool.name, &pool.slug)
        }) {
            Ok(pool) => Ok(self.pool_handle(pool)),
            Err(UnresolvedReference::Ambiguous(ids)) => {
                Err(ambiguous_name_error("pool", text, &ids, wanted.span.clone()))
            }
            Err(UnresolvedReference::Missing) => {
                let live = self.live.pools.iter().map(|pool| pool.name.as_str());
                let known = self.desired.pools.keys().map(String::as_str).chain(live);
                Err(reference::unknown_name_error("pool", text, known, wanted.span.clone()))
            }
        }
    }

    /// Whether `[[removed]]` names this pool.
    pub(super) fn is_pool_removed(&self, pool: &DesiredPoolRef) -> bool {
        let DesiredPoolRef::Live(text) = pool else { return false };
        let name = Name::new(text);
        self.desired.removed.iter().any(|removal| removal.value.pool_name() == Some(&name))
    }

    /// Whether a pool has an image and no members.
    pub(super) fn is_dynamic_pool(&self, pool: &PoolHandle) -> bool {
        match (pool, pool.address()) {
            (PoolHandle::Existing { id, .. }, _) => {
                self.live.find_pool(id).is_some_and(|pool| pool.kind != PoolKind::Static)
            }
            (PoolHandle::New(_), Address::Pool(key)) => {
                self.desired.pools.get(key).is_some_and(|pool| pool.image.is_some())
            }
            (PoolHandle::New(_), _) => false,
        }
    }
}

/// What the file declares of one kind.
struct Declarations<'a> {
    noun: &'static str,
    all: Vec<Declaration<'a>>,
}

struct Declaration<'a> {
    key: &'a str,
    name: &'a Name,
    renamed_from: &'a [Declared<String>],
    span: &'a Span,
    address: Address,
}

impl<'a> Declarations<'a> {
    /// The live thing of each: by its name, else by a name that it had and that nobody else claims.
    fn match_live<L>(
        &self,
        live: &'a [L],
        name: impl Fn(&L) -> &Name,
        findings: &mut Vec<Finding>,
    ) -> HashMap<&'a str, &'a L> {
        let mut by_name: HashMap<&Name, Vec<&'a L>> = HashMap::new();
        live.iter().for_each(|item| by_name.entry(name(item)).or_default().push(item));
        let mut found: HashMap<&'a str, &'a L> = HashMap::new();
        let mut owner: HashMap<&Name, &'a str> = HashMap::new();
        for declaration in &self.all {
            owner.insert(declaration.name, declaration.key);
            match by_name.get(declaration.name).map(Vec::as_slice) {
                Some([one]) => _ = found.insert(declaration.key, one),
                Some(many) => {
                    let names: Vec<_> = many.iter().map(|it| name(it).to_string()).collect();
                    findings.push(
                        ambiguous_name_error(
                            self.noun,
                            declaration.name.as_str(),
                            &names,
                            declaration.span.clone(),
                        )
                        .with_address(declaration.address.clone()),
                    );
                }
                None => {}
            }
        }
        for declaration in self.all.iter().filter(|it| by_name.contains_key(it.name)) {
            let idle = declaration.renamed_from.iter().find(|old| {
                let old = Name::new(&***old);
                old != *declaration.name && by_name.contains_key(&old) && !owner.contains_key(&old)
            });
            findings.extend(idle.map(|old| self.idle_rename_warning(declaration, old)));
        }
        for declaration in self.all.iter().filter(|it| !by_name.contains_key(it.name)) {
            let old: Vec<Name> =
                declaration.renamed_from.iter().map(|it| Name::new(&**it)).collect();
            let candidates: Vec<&'a L> =
                old.iter().flat_map(|it| by_name.get(it)).flatten().copied().collect();
            let claimed = old.iter().find_map(|other| {
                owner.get(other).filter(|_| by_name.contains_key(other)).map(|by| (other, by))
            });
            match (candidates.as_slice(), claimed) {
                (_, Some((old, by))) => {
                    findings.push(self.claimed_name_error(declaration, old, by))
                }
                ([one], None) => {
                    _ = found.insert(declaration.key, one);
                    owner.extend(
                        by_name.get_key_value(name(one)).map(|(old, _)| (*old, declaration.key)),
                    );
                }
                ([], None) => {}
                (many, None) => {
                    let names: Vec<_> = many.iter().map(|it| name(it).to_string()).collect();
                    let at =
                        declaration.renamed_from.first().map_or(declaration.span, |it| &it.span);
                    findings.push(
                        ambiguous_name_error(
                            self.noun,
                            declaration.name.as_str(),
                            &names,
                            at.clone(),
                        )
                        .with_address(declaration.address.clone()),
                    );
                }
            }
        }
        found
    }

    /// A rename that cannot happen any more, since somebody has made the new one beside the old one.
    fn idle_rename_warning(&self, declaration: &Declaration, old: &Declared<String>) -> Finding {
        let (noun, name) = (self.noun, declaration.name);
        let message =
            format!("{noun} `{name}` is there, and so is `{}`: nothing is renamed", **old);
        Finding::warning("idle-rename", old.span.clone(), message)
            .with_help(format!("remove `renamed_from`; `[[removed]]` deletes the old {noun}"))
            .with_address(declaration.address.clone())
    }

    fn claimed_name_error(&self, declaration: &Declaration, old: &Name, by: &str) -> Finding {
        let at = declaration.renamed_from.first().map_or(declaration.span, |it| &it.span);
        Finding::error(
            "ambiguous-name",
            at.clone(),
            format!(
                "{} `{old}` cannot become `{}`: `{by}` is it already",
                self.noun, declaration.name
            ),
        )
        .with_help("remove `renamed_from`, or give the other one another name")
        .with_address(declaration.address.clone())
    }
}

pub(super) fn ambiguous_name_error(noun: &str, text: &str, names: &[String], at: Span) -> Finding {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    Finding::error(
        "ambiguous-name",
        at,
        format!("{noun} `{text}` could be any of {}", names.join(", ")),
    )
    .with_help("rename or delete all but one of them on the server, or refer to one by its id")
}
