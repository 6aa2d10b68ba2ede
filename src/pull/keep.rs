//! A file that is there already, brought to what is live: one round of edits.
//!
//! Each change that a plan of the file would make, and each thing that it refers to and does not find, is
//! edited away where it stands; what is live and not in the file is added. Lines that are still true stay as
//! they are, and so do all comments. Never: the judgement that a file is done; that is a plan of it.

mod document;
mod steps;
mod worker;

use super::{
    Pools, comments, is_free,
    keys::Keys,
    placements, pool_table,
    toml::{table_key, value},
    unsayable, workers,
};
use crate::{
    desired::{Desired, DesiredPool},
    finding::{At, Finding, Level},
    live::{Live, LivePool, LiveWorker},
    model::{Address, Id, Name, Pool, PoolKind},
    plan::{Change, ChangeKind, WorkerEdit},
};
use document::{Document, Table};
use std::collections::{BTreeMap, HashMap, HashSet};

/// After how many rounds a file is given up. A rule that goes lets the next one decide, so there may be
/// about as many as there are rules; most files need two.
const ROUNDS: usize = 100;

/// From which round on steps are left out of rules by plain exceptions.
const PLAINLY: usize = 10;

/// What a file asks for, and a plan of it.
#[derive(Debug)]
pub struct Judged {
    /// What it asks for.
    pub desired: Desired,
    /// What a plan of it would change.
    pub changes: Vec<Change>,
    /// What is told about it.
    pub findings: Vec<Finding>,
    /// Where the rule begins that decides about each step: a byte of the text.
    pub decided: Vec<(Address, usize)>,
}

/// A text, and what is known of it.
struct Round<'a> {
    live: &'a Live,
    text: &'a str,
    judged: &'a Judged,
    plainly: bool,
}

/// The text that a round leads to, and what it did, in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The text.
    pub text: String,
    /// What was edited.
    pub told: Vec<String>,
}

/// Why a file cannot be kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeepError {
    /// A thing that is not a table with a header of its own.
    #[error("`{0}` is not written as a table of its own, with `[…]` above its lines")]
    NotATable(String),
    /// Something that no edit settles.
    #[error("the file cannot be brought to what is live, beginning with {0}")]
    Unsettled(String),
}

/// Why a table is looked at.
#[derive(Default)]
struct Concern {
    /// The edits of a worker; all of it where there are none.
    edits: Vec<WorkerEdit>,
    /// Where errors are.
    errors: Vec<usize>,
}

struct Keeper<'a> {
    round: &'a Round<'a>,
    document: Document<'a>,
    pools: Pools<'a>,
    /// The live pool of each key.
    live: HashMap<&'a str, &'a LivePool>,
    told: Vec<String>,
}

/// The text, edited until a plan of it is empty; `judge` makes one.
///
/// # Errors
///
/// [`KeepError`], where that is not to be had by edits: nothing is given away that would change a server.
pub fn keep(
    text: &str,
    live: &Live,
    judge: impl Fn(&str) -> Result<Judged, Finding>,
) -> Result<Kept, KeepError> {
    let mut kept = Kept { text: text.to_owned(), told: Vec::new() };
    for number in 0..ROUNDS {
        let judged = judge(&kept.text).map_err(|it| KeepError::Unsettled(it.message))?;
        let plainly = number >= PLAINLY;
        let next = once(&Round { live, text: &kept.text, judged: &judged, plainly })?;
        if next.text == kept.text {
            let error = judged.findings.into_iter().find(|it| it.level == Level::Error);
            let change = judged.changes.first().map(|it| it.address.to_string());
            return match error.map(|it| it.message).or(change) {
                None => Ok(kept),
                Some(first) => Err(KeepError::Unsettled(first)),
            };
        }
        kept.text = next.text;
        kept.told.extend(next.told);
    }
    Err(KeepError::Unsettled("rules that give way to each other".to_owned()))
}

/// One round of edits; the text as it is where there is nothing to edit.
fn once(round: &Round) -> Result<Kept, KeepError> {
    let (pools, live) = pools(round);
    let document =
        Document::new(round.text).map_err(|it| KeepError::Unsettled(it.message().to_owned()))?;
    let mut keeper = Keeper { round, document, pools, live, told: Vec::new() };
    for (at, concern) in keeper.concerns() {
        keeper.mend(at, &concern)?;
    }
    keeper.add();
    if keeper.told.is_empty() {
        // Where steps shall be is only certain once pools and rules are whole.
        keeper.steps()?;
    }
    if keeper.told.is_empty() {
        keeper.new_steps();
    }
    Ok(Kept { text: keeper.document.edited(), told: keeper.told })
}

/// How the file calls live pools, and the keys of those that it does not declare.
fn pools<'a>(round: &'a Round<'a>) -> (Pools<'a>, HashMap<&'a str, &'a LivePool>) {
    let all = &round.live.pools;
    let mut live: HashMap<&str, &LivePool> = HashMap::new();
    for (key, pool) in &round.judged.desired.pools {
        let sayable = is_now(pool, all).filter(|it| unsayable(it, all).is_none());
        live.extend(sayable.map(|it| (key.as_str(), it)));
    }
    let mut by_id: HashMap<&Id<Pool>, String> =
        live.iter().map(|(key, pool)| (&pool.id, (*key).to_owned())).collect();
    let mut keys = Keys::new(all.iter().map(|pool| pool.name.as_str()));
    keys.take(round.judged.desired.pools.keys());
    let (mut declared, mut left) = (Vec::new(), Vec::new());
    for pool in all {
        if by_id.contains_key(&pool.id) {
            continue;
        }
        let name = match unsayable(pool, all) {
            Some(why) => {
                left.push(format!("Pool {:?} ({}): {why}.", pool.name, pool.id.as_str()));
                if !is_free(pool.id.as_str(), all) {
                    continue;
                }
                pool.id.as_str().to_owned()
            }
            None => {
                let key = keys.of(pool.name.as_str());
                declared.push((key.clone(), pool));
                key
            }
        };
        by_id.insert(&pool.id, name);
    }
    (Pools { declared, by_id, left }, live)
}

/// The live pool that a declared one is.
fn is_now<'a>(pool: &DesiredPool, all: &'a [LivePool]) -> Option<&'a LivePool> {
    let named = |name: &Name| {
        let mut named = all.iter().filter(|it| it.name == *name);
        named.next().filter(|_| named.next().is_none())
    };
    let before = || pool.renamed_from.iter().find_map(|it| named(&Name::new(&it.value)));
    named(&pool.name).or_else(before)
}

impl<'a> Keeper<'a> {
    /// The tables that are not as it is live.
    fn concerns(&self) -> BTreeMap<usize, Concern> {
        let mut concerns: BTreeMap<usize, Concern> = BTreeMap::new();
        let place = |at: &At| match at {
            At::Source(span) => Some(span.bytes.start),
            At::Line(_) | At::Nowhere => None,
        };
        for change in &self.round.judged.changes {
            let Some(at) = place(&change.cause.at) else { continue };
            let edits = match &change.kind {
                ChangeKind::PlaceStep { .. } => continue,
                ChangeKind::UpdateWorker { edits, .. } => edits.clone(),
                _ => Vec::new(),
            };
            concerns.entry(self.document.at(at)).or_default().edits.extend(edits);
            concerns.extend(self.pools_with(&change.kind).map(|it| (it, Concern::default())));
        }
        for finding in self.round.judged.findings.iter().filter(|it| it.level == Level::Error) {
            let Some(at) = place(&finding.at) else { continue };
            concerns.entry(self.document.at(at)).or_default().errors.push(at);
        }
        concerns
    }

    /// The pools that are in a change of several: of the default, or of the order.
    fn pools_with(&self, kind: &ChangeKind) -> impl Iterator<Item = usize> {
        let key = match kind {
            ChangeKind::SetDefaultPool { .. } => Some("default"),
            ChangeKind::SortPools { .. } => Some("sort_order"),
            _ => None,
        };
        let is_default = |path: &[String]| {
            let live = path.get(1).and_then(|it| self.live.get(it.as_str()));
            key == Some("default") && live.is_some_and(|it| it.default)
        };
        let tables = self.document.tables.iter().enumerate();
        let tables = tables.filter(|(_, it)| it.path.first().is_some_and(|it| it == "pools"));
        let with = tables.filter(|(_, it)| {
            is_default(&it.path) || key.is_some_and(|key| self.document.says(it, key))
        });
        with.map(|(at, _)| at).collect::<Vec<_>>().into_iter()
    }

    /// Edits a table until it says what is live.
    fn mend(&mut self, at: usize, concern: &Concern) -> Result<(), KeepError> {
        let Some(table) = self.document.tables.get(at).cloned() else { return Ok(()) };
        let path: Vec<&str> = table.path.iter().map(String::as_str).collect();
        if !self.document.is_plain(&table) {
            return Err(KeepError::NotATable(path.join(".")));
        }
        match path.as_slice() {
            ["pools", key] => self.pool(at, &table, key),
            ["workers", key, ..] => {
                let is_head =
                    |it: &Table| it.path.len() == 2 && it.path.starts_with(&table.path[..2]);
                let Some(at) = self.document.tables.iter().position(is_head) else {
                    return Err(KeepError::NotATable(path.join(".")));
                };
                self.worker(at, key, &concern.edits);
            }
            ["placements", ..] => {
                let mut mended = |it: &&usize| {
                    let (pool, default) = ("pool", "default_pool");
                    self.document.take_item(&table, **it)
                        || self.document.is_in(&table, pool, **it)
                            // Which place it is then is what the next round looks at.
                            && self.document.swap(&table, pool, default, "true")
                };
                if concern.errors.iter().all(|it| mended(&it)) {
                    self.told.push("a rule no longer names what is gone".to_owned());
                } else {
                    self.told.push("a rule is removed: what it names is gone".to_owned());
                    self.document.remove(at, "");
                }
            }
            ["removed"] => {
                self.told.push("`[[removed]]` goes: what it names is there".to_owned());
                self.document.remove(at, "");
            }
            ["server"] => {
                let on = self.round.live.server.built_in_worker.unwrap_or_default();
                self.told.push(format!("server: built_in_worker = {on}"));
                self.document.set(&table, "built_in_worker", &on.to_string());
            }
            ["manage"] => {}
            _ => {
                let shown = if path.is_empty() { "the head of the file" } else { "a table" };
                return Err(KeepError::NotATable(shown.to_owned()));
            }
        }
        Ok(())
    }

    fn pool(&mut self, at: usize, table: &Table, key: &str) {
        let Some(pool) = self.live.get(key).copied() else {
            self.told.push(format!("pool `{key}` is gone"));
            return self.document.remove(at, "");
        };
        let name =
            (Name::new(key).as_str() != pool.name.as_str()).then(|| value(pool.name.as_str()));
        let image = match &pool.kind {
            PoolKind::Static => None,
            PoolKind::Dynamic { image } => Some(value(image)),
        };
        let has = |key: &str| self.document.says(table, key);
        let order = self.round.live.pools.iter().position(|it| it.id == pool.id);
        let said = [
            ("name", name),
            ("description", has("description").then(|| value(&pool.description))),
            ("image", image),
            ("default", pool.default.then(|| true.to_string())),
            ("sort_order", order.filter(|_| has("sort_order")).map(|it| it.to_string())),
        ];
        let mut changed = false;
        for (key, value) in said {
            changed |= match value {
                Some(value) => self.document.set(table, key, &value),
                None => self.document.unset(table, key),
            };
        }
        changed |= self.document.unset(table, "renamed_from");
        if !changed {
            // Its members are all that is left.
            self.document.unset(table, "members");
        }
        self.told.push(format!("pool `{key}` is as it is live"));
    }

    /// What cannot be said, as comments that are not in the file yet.
    fn unsaid(&self, left: &[String]) -> String {
        let mut text = String::new();
        comments(&mut text, left);
        let has =
            |line: &&str| !self.round.text.lines().any(|it| it.trim_start().starts_with(line));
        text.lines().filter(|it| !it.is_empty()).filter(has).map(|it| format!("{it}\n")).collect()
    }

    /// Adds what is live and not in the file.
    fn add(&mut self) {
        let mut tables: String =
            self.pools.declared.iter().map(|(key, pool)| pool_table(key, pool)).collect();
        self.told.extend(self.pools.declared.iter().map(|(key, _)| format!("pool `{key}` is new")));
        let left = self.unsaid(&self.pools.left);
        if !left.is_empty() {
            tables.push_str(&format!("\n{left}"));
        }
        let heads = ["pools", "manage", "server", "octopus"];
        self.document.append(&heads, &tables);
        let known = self.round.judged.desired.workers.keys().filter_map(|it| self.live_worker(it));
        let known: HashSet<&str> = known.map(|it| it.id.as_str()).collect();
        let all = self.round.live.workers.iter();
        let new: Vec<&LiveWorker> = all.filter(|it| !known.contains(it.id.as_str())).collect();
        let (mut tables, left) = workers::tables_of(self.round.live, &self.pools, &new);
        if !tables.is_empty() {
            self.told
                .push(format!("{} added", crate::text::count(new.len() - left.len(), "worker")));
        }
        let left = self.unsaid(&left);
        if !left.is_empty() {
            tables.push_str(&format!("\n{left}"));
        }
        self.document.append(&["workers", "pools", "manage", "server", "octopus"], &tables);
    }
}
