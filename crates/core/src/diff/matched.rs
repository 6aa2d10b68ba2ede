//! Matches each declared object with the live one.
//!
//! An object is identified by its name, ignoring case, or else by an earlier name. An ambiguous match is an error,
//! never a guess. What changes is decided elsewhere.

use super::{
    misspelling::misspelt_name,
    reference::{ReferentKind, ambiguous_name_error, unresolved_error},
};
use crate::{
    desired::{Declared, Desired, DesiredPool, DesiredPoolRef},
    finding::{Code, Finding, Span},
    live::{Live, LivePool, LiveWorker},
    model::{
        Address, Id, Name, Pool, PoolHandle, PoolKind, UnresolvedReference, Worker,
        find_by_reference,
    },
    plan::interim_worker_name,
};

use indexmap::IndexMap;
use std::collections::HashMap;

/// The file and the server, with their objects matched.
pub(super) struct Matched<'a> {
    /// The declared state.
    pub(super) desired: &'a Desired,
    /// The state of the server.
    pub(super) live: &'a Live,
    pools: HashMap<&'a str, &'a LivePool>,
    workers: HashMap<&'a str, &'a LiveWorker>,
    pool_keys: HashMap<&'a Id<Pool>, &'a str>,
    worker_keys: HashMap<&'a Id<Worker>, &'a str>,
}

impl<'a> Matched<'a> {
    /// Matches the objects in `desired` with those in `live`.
    pub(super) fn new(
        desired: &'a Desired,
        live: &'a Live,
        findings: &mut Vec<Finding>,
    ) -> Matched<'a> {
        let pools = Declarations::new("pool", &desired.pools, Address::Pool, |pool| {
            (&pool.name, &pool.renamed_from)
        });
        let mut workers =
            Declarations::new("worker", &desired.workers, Address::Worker, |worker| {
                (&worker.name, &worker.renamed_from)
            });
        workers.interim_name = Some(interim_worker_name);
        let live_pools = live.pools.iter().map(|pool| (&pool.name, pool));
        let live_workers = live.workers.iter().map(|worker| (&worker.name, worker));
        let pools = pools.match_live(live_pools, findings);
        let workers = workers.match_live(live_workers, findings);
        Self {
            desired,
            live,
            pool_keys: pools.iter().map(|(key, pool)| (&pool.id, *key)).collect(),
            worker_keys: workers.iter().map(|(key, worker)| (&worker.id, *key)).collect(),
            pools,
            workers,
        }
    }

    /// Returns the live pool that the file declares under `key`; `None` if it has to be created.
    pub(super) fn live_pool(&self, key: &str) -> Option<&'a LivePool> {
        self.pools.get(key).copied()
    }

    /// Returns the live worker that the file declares under `key`; `None` if it has to be created.
    pub(super) fn live_worker(&self, key: &str) -> Option<&'a LiveWorker> {
        self.workers.get(key).copied()
    }

    /// Returns the key under which the file declares the live pool with this id.
    pub(super) fn pool_key(&self, id: &Id<Pool>) -> Option<&'a str> {
        self.pool_keys.get(id).copied()
    }

    /// Returns the key under which the file declares the live worker with this id.
    pub(super) fn worker_key(&self, id: &Id<Worker>) -> Option<&'a str> {
        self.worker_keys.get(id).copied()
    }

    /// Returns a live pool's address: its key in the file, or its name if the file does not declare it.
    pub(super) fn pool_address(&self, pool: &LivePool) -> Address {
        let key = self.pool_key(&pool.id).map(str::to_owned);
        // A name that is also another pool's key would be the address of both.
        let is_key = |key: &String| Name::new(key.as_str()) == pool.name;
        let name = if self.desired.pools.keys().any(is_key) {
            pool.id.as_str().to_owned()
        } else {
            pool.name.to_string()
        };
        Address::Pool(key.unwrap_or(name))
    }

    /// Returns the address of a pool in the state after a plan, where new pools have placeholder ids.
    pub(super) fn planned_pool_address(&self, pool: &LivePool) -> Address {
        let new = |key: &&String| {
            self.desired.pools.get(*key).is_some_and(|desired_pool| desired_pool.name == pool.name)
        };
        match self.desired.pools.keys().find(new) {
            Some(key) => Address::Pool(key.clone()),
            None => self.pool_address(pool),
        }
    }

    /// Returns a reference to a live pool.
    pub(super) fn pool_handle(&self, pool: &LivePool) -> PoolHandle {
        PoolHandle::Existing { id: pool.id.clone(), address: self.pool_address(pool) }
    }

    /// Returns a reference to the pool with this id, whether it is visible or not.
    pub(super) fn pool_handle_by_id(&self, id: &Id<Pool>) -> PoolHandle {
        match self.live.find_pool(id) {
            Some(pool) => self.pool_handle(pool),
            None => PoolHandle::Existing {
                id: id.clone(),
                address: Address::Pool(id.as_str().to_owned()),
            },
        }
    }

    /// Returns a reference to the pool that the file declares under `key`.
    pub(super) fn declared_pool(&self, key: &str) -> PoolHandle {
        match self.live_pool(key) {
            Some(pool) => self.pool_handle(pool),
            None => PoolHandle::New(Address::Pool(key.to_owned())),
        }
    }

    /// Resolves a reference in the file to a pool.
    ///
    /// # Errors
    ///
    /// Returns a finding if no pool or more than one matches.
    pub(super) fn resolve_pool(
        &self,
        wanted: &Declared<DesiredPoolRef>,
    ) -> Result<PoolHandle, Finding> {
        let text = match &wanted.value {
            DesiredPoolRef::Declared(key) => return Ok(self.declared_pool(key)),
            DesiredPoolRef::Live(text) => text,
        };
        let pools = &self.live.pools;
        let parts = |pool: &'a LivePool| (pool.id.as_str(), &pool.name, pool.slug.as_str());
        let why = match find_by_reference(pools.iter(), text, parts) {
            Ok(pool) => return Ok(self.pool_handle(pool)),
            Err(why) => why,
        };
        // Once a pool is renamed, its old name still stands for it.
        if why == UnresolvedReference::Missing
            && let Some(key) = self.renamed_pool(text)
        {
            return Ok(self.declared_pool(key));
        }
        let live = pools.iter().map(|pool| pool.name.as_str());
        let known = self.desired.pools.keys().map(String::as_str).chain(live);
        let wanted = Declared { value: text.clone(), span: wanted.span.clone() };
        Err(unresolved_error(ReferentKind::Pool, &why, &wanted, known))
    }

    /// Returns the key of the pool that the file renames from this name.
    fn renamed_pool(&self, old_name: &str) -> Option<&'a str> {
        let old_name = Name::new(old_name);
        let has_name = |pool: &DesiredPool| {
            pool.renamed_from.iter().any(|name| Name::new(name.as_str()) == old_name)
        };
        // A pool that the file creates under the old name is meant instead.
        if self.desired.pools.values().any(|pool| pool.name == old_name) {
            return None;
        }
        let mut pools = self.desired.pools.iter();
        pools.find(|(_, pool)| has_name(pool)).map(|(key, _)| key.as_str())
    }

    /// Whether `[[removed]]` names this pool.
    pub(super) fn is_pool_removed(&self, pool: &DesiredPoolRef) -> bool {
        let DesiredPoolRef::Live(text) = pool else { return false };
        let name = Name::new(text);
        self.desired.removed.iter().any(|removal| removal.value.pool_name() == Some(&name))
    }

    /// Whether a pool is dynamic, with an image and no members.
    pub(super) fn is_dynamic_pool(&self, pool: &PoolHandle) -> bool {
        match (pool, pool.address()) {
            (PoolHandle::Existing { id, .. }, _) => {
                self.live.find_pool(id).is_some_and(|pool| pool.kind != PoolKind::Static)
            }
            (PoolHandle::New(_), Address::Pool(key)) => {
                self.desired.pools.get(key).is_some_and(|pool| pool.image().is_some())
            }
            (PoolHandle::New(_), _) => false,
        }
    }
}

/// The declarations of one kind of object.
struct Declarations<'a> {
    noun: &'static str,
    all: Vec<Declaration<'a>>,
    /// The name of an object that replaces another one and has not got its name yet.
    interim_name: Option<fn(&str) -> String>,
}

struct Declaration<'a> {
    key: &'a str,
    name: &'a Name,
    renamed_from: &'a [Declared<String>],
    span: &'a Span,
    address: Address,
}

/// Live objects of one kind by name, each with its name as spelled on the server.
type LiveByName<'a, L> = HashMap<&'a Name, Vec<(&'a Name, &'a L)>>;

impl<'a> Declarations<'a> {
    fn new<T>(
        noun: &'static str,
        declared: &'a IndexMap<String, Declared<T>>,
        address: impl Fn(String) -> Address,
        names: impl Fn(&'a T) -> (&'a Name, &'a Vec<Declared<String>>),
    ) -> Self {
        let all = declared.iter().map(|(key, declared)| {
            let (name, renamed_from) = names(&declared.value);
            let address = address(key.clone());
            Declaration { key, name, renamed_from, span: &declared.span, address }
        });
        Self { noun, all: all.collect(), interim_name: None }
    }

    /// Returns the live object of each declaration: by its name, or else by an earlier name that no other declaration
    /// claims.
    fn match_live<L>(
        &self,
        live: impl Iterator<Item = (&'a Name, &'a L)>,
        findings: &mut Vec<Finding>,
    ) -> HashMap<&'a str, &'a L> {
        let mut by_name = LiveByName::new();
        live.for_each(|(name, thing)| by_name.entry(name).or_default().push((name, thing)));
        let mut claims: HashMap<&'a Name, &'a str> =
            self.all.iter().map(|it| (it.name, it.key)).collect();
        let mut found = HashMap::new();
        for declaration in &self.all {
            let Some(things) = by_name.get(declaration.name) else { continue };
            match self.only_thing(declaration, declaration.span, things) {
                Ok((_, thing)) => _ = found.insert(declaration.key, thing),
                Err(finding) => findings.push(finding),
            }
        }
        let (present, absent): (Vec<_>, Vec<_>) =
            self.all.iter().partition(|it| by_name.contains_key(it.name));
        let idle = present.iter().filter_map(|it| self.idle_rename_warning(it, &by_name, &claims));
        findings.extend(idle);
        for declaration in absent {
            if let Some((name, thing)) = self.interim_thing(declaration, &by_name, &claims) {
                found.insert(declaration.key, thing);
                claims.insert(name, declaration.key);
                continue;
            }
            match self.renamed_thing(declaration, &by_name, &claims) {
                Ok(None) => {
                    findings.extend(self.misspelt_rename_warning(declaration, &by_name, &claims));
                }
                Ok(Some((old_name, thing))) => {
                    found.insert(declaration.key, thing);
                    claims.insert(old_name, declaration.key);
                }
                Err(finding) => findings.push(finding),
            }
        }
        found
    }

    /// Returns the only object that matches a declaration.
    ///
    /// # Errors
    ///
    /// Returns a finding at `span` if there are several.
    fn only_thing<L>(
        &self,
        declaration: &Declaration,
        span: &Span,
        things: &[(&'a Name, &'a L)],
    ) -> Result<(&'a Name, &'a L), Finding> {
        if let [one] = things {
            return Ok(*one);
        }
        let names: Vec<_> = things.iter().map(|(name, _)| name.to_string()).collect();
        let text = declaration.name.as_str();
        Err(ambiguous_name_error(self.noun, text, &names, span.clone())
            .with_address(declaration.address.clone()))
    }

    /// Returns the object that an apply created to replace another one, if the apply stopped before it got the
    /// declaration's name.
    fn interim_thing<L>(
        &self,
        declaration: &Declaration,
        by_name: &LiveByName<'a, L>,
        claims: &HashMap<&Name, &str>,
    ) -> Option<(&'a Name, &'a L)> {
        let name = Name::new(self.interim_name?(declaration.name.as_str()));
        match by_name.get(&name)?.as_slice() {
            [one] if !claims.contains_key(&name) => Some(*one),
            _ => None,
        }
    }

    /// Returns the object with an earlier name of the declaration.
    ///
    /// # Errors
    ///
    /// Returns a finding if there are several, or if another declaration claims that name.
    fn renamed_thing<L>(
        &self,
        declaration: &Declaration,
        by_name: &LiveByName<'a, L>,
        claims: &HashMap<&Name, &str>,
    ) -> Result<Option<(&'a Name, &'a L)>, Finding> {
        let Some(first) = declaration.renamed_from.first() else { return Ok(None) };
        let old: Vec<Name> = declaration.renamed_from.iter().map(|it| Name::new(&**it)).collect();
        let mut in_use = old.iter().filter(|name| by_name.contains_key(name));
        if let Some((name, by)) = in_use.find_map(|it| Some((it, claims.get(it)?))) {
            return Err(self.claimed_name_error(declaration, name, by));
        }
        let things: Vec<_> =
            old.iter().filter_map(|it| by_name.get(it)).flatten().copied().collect();
        if things.is_empty() {
            return Ok(None);
        }
        self.only_thing(declaration, &first.span, &things).map(Some)
    }

    /// Returns a warning about a rename that cannot happen, since objects exist under both the old and the new name.
    fn idle_rename_warning<L>(
        &self,
        declaration: &Declaration,
        by_name: &LiveByName<'a, L>,
        claims: &HashMap<&Name, &str>,
    ) -> Option<Finding> {
        let (noun, name) = (self.noun, declaration.name);
        let old = declaration.renamed_from.iter().find(|old| {
            let old = Name::new(&***old);
            old != *name && by_name.contains_key(&old) && !claims.contains_key(&old)
        })?;
        let message = format!("{noun} `{name}` already exists, so `{}` is not renamed", **old);
        Some(
            Finding::warning(Code::IdleRename, old.span.clone(), message)
                .with_help(format!(
                    "remove `renamed_from`, or delete the old {noun} with `[[removed]]`"
                ))
                .with_address(declaration.address.clone()),
        )
    }

    /// Returns a warning about a former name that nothing has, although something undeclared has a similar one: the
    /// declaration would create another object instead of renaming that one.
    fn misspelt_rename_warning<L>(
        &self,
        declaration: &Declaration,
        by_name: &LiveByName<'a, L>,
        claims: &HashMap<&Name, &str>,
    ) -> Option<Finding> {
        let live = by_name.keys().filter(|name| !claims.contains_key(**name));
        let mut live: Vec<&str> = live.map(|name| name.as_str()).collect();
        live.sort_unstable();
        let mut old = declaration.renamed_from.iter();
        let (old, near) = old.find_map(|old| Some((old, misspelt_name(&old.value, &live)?)))?;
        let noun = self.noun;
        let message = format!("there is no {noun} `{}` to rename", old.value);
        let finding = Finding::warning(Code::IdleRename, old.span.clone(), message);
        let help = format!("a {noun} with a similar name exists: `{near}`");
        Some(finding.with_help(help).with_address(declaration.address.clone()))
    }

    fn claimed_name_error(&self, declaration: &Declaration, old: &Name, by: &str) -> Finding {
        let at = declaration.renamed_from.first().map_or(declaration.span, |it| &it.span);
        Finding::error(
            Code::AmbiguousName,
            at.clone(),
            format!(
                "{} `{old}` cannot be renamed to `{}`: `{by}` already claims it",
                self.noun, declaration.name
            ),
        )
        .with_help("remove `renamed_from`, or rename the other one")
        .with_address(declaration.address.clone())
    }
}
