//! A file that is there already, brought to what is live: one round of edits.
//!
//! Each change that a plan of the file would make, and each thing that it refers to and does not find, is
//! edited away where it stands; what is live and not in the file is added. Lines that are still true stay as
//! they are, and so do all comments. Never: the judgement that a file is done; that is a plan of it.

mod document;
mod error;
mod pool;
mod rules;
mod steps;
mod targets;
mod values;
mod worker;

use super::{
    PulledPools, indirect_pools, is_unambiguous_id,
    keys::KeyAllocator,
    placements, push_comments, render_pool_table,
    toml::{escape_value, table_key},
    undeclarable_reason, workers,
};
use crate::{
    desired::Desired,
    finding::{Code, Finding, FindingLocation, Level},
    live::{HiddenData, Live, LivePool, LiveWorker, UnreadPart},
    model::Address,
    plan::{Change, ChangeKind, WorkerEdit},
};

use document::{EditedText, TomlDocument, TomlTable};
pub use error::{KeepError, KeepReason};
use std::collections::{BTreeMap, HashMap, HashSet};

/// After how many rounds a file is given up. A rule that goes lets the next one decide, so there may be
/// about as many as there are rules; most files need two.
const MAX_ROUNDS: usize = 100;

/// From which round on steps are left out of rules by plain exceptions.
const PLAIN_FROM_ROUND: usize = 10;

/// What a file asks for, and a plan of it.
#[derive(Debug)]
pub struct FilePlan {
    /// What it asks for.
    pub desired: Desired,
    /// What a plan of it would change.
    pub changes: Vec<Change>,
    /// What is told about it.
    pub findings: Vec<Finding>,
    /// Where the rule begins that decides about each step: a byte of the text.
    pub decided: Vec<(Address, usize)>,
    /// Where rules begin that may be about steps that could not be read.
    pub unread: Vec<usize>,
}

/// A text, and what is known of it.
struct KeepRound<'a> {
    live: &'a Live,
    text: &'a str,
    file_plan: &'a FilePlan,
    plainly: bool,
    /// Whether the file has had rules about values of variables.
    has_values: bool,
    /// Whether it has had rules about targets.
    has_targets: bool,
}

/// The text that a round leads to, and what it did, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeepResult {
    /// The text.
    pub text: String,
    /// What was edited.
    pub edit_notes: Vec<String>,
    /// Why a plan of it is refused, though it changes nothing: a repository that nobody can read.
    pub refusals: Vec<Finding>,
}

/// Why a table is looked at.
#[derive(Default)]
struct TableIssues<'a> {
    /// The edits of a worker; all of it where there are none.
    edits: Vec<WorkerEdit>,
    /// What is wrong in it.
    errors: Vec<&'a Finding>,
}

struct FileUpdater<'a> {
    round: &'a KeepRound<'a>,
    document: TomlDocument<'a>,
    pools: PulledPools<'a>,
    /// The live pool of each key.
    live: HashMap<&'a str, &'a LivePool>,
    /// The live worker of each key.
    workers: HashMap<&'a str, &'a LiveWorker>,
    edit_notes: Vec<String>,
}

/// The text, edited until a plan of it is empty; `judge` makes one.
///
/// # Errors
///
/// [`KeepError`], where that is not to be had by edits: nothing is given away that would change a server.
pub fn keep_text(
    text: &str,
    live: &Live,
    judge: impl Fn(&str) -> Result<FilePlan, Finding>,
) -> Result<KeepResult, KeepError> {
    let mut kept = KeepResult { text: text.to_owned(), ..KeepResult::default() };
    let (mut trail, mut good) = (Vec::new(), None);
    match (run_rounds(&mut kept, &mut trail, live, judge, &mut good), good) {
        (Ok(()), _) => Ok(kept),
        // A file of which a plan was empty is never worse than it was for what could be added to it.
        (Err(error), Some(mut good)) => {
            good.edit_notes.push(format!("what no rule is about stays unsaid: {}", error.reason));
            Ok(good)
        }
        (Err(error), None) => Err(KeepError {
            offset: error.offset.map(|at| {
                trail.iter().rev().fold(at, |at, it: &EditedText| it.original_position(at))
            }),
            ..error
        }),
    }
}

/// Rounds of edits until nothing is left to edit; `good` is the last text of which a plan was empty.
fn run_rounds(
    kept: &mut KeepResult,
    trail: &mut Vec<EditedText>,
    live: &Live,
    judge: impl Fn(&str) -> Result<FilePlan, Finding>,
    good: &mut Option<KeepResult>,
) -> Result<(), KeepError> {
    let (mut has_values, mut has_targets) = (false, false);
    for number in 0..MAX_ROUNDS {
        let judged = match judge(&kept.text) {
            Ok(judged) => judged,
            Err(finding) => {
                let next = remove_duplicate(&kept.text, &finding);
                let next = next.ok_or_else(|| KeepError::from_finding(&finding))?;
                kept.text.clone_from(&next.text);
                trail.push(next);
                continue;
            }
        };
        has_values |= !judged.desired.values.is_empty();
        has_targets |= !judged.desired.target_rules.is_empty();
        let (text, judged, plainly) = (kept.text.as_str(), &judged, number >= PLAIN_FROM_ROUND);
        if ensure_settled(judged).is_ok() {
            *good = Some(kept.clone());
        }
        let (next, told) = run_one_round(&KeepRound {
            live,
            text,
            file_plan: judged,
            plainly,
            has_values,
            has_targets,
        })?;
        if next.text == kept.text {
            let refused = judged.findings.iter().filter(|other| other.level == Level::Deny);
            kept.refusals = refused.cloned().collect();
            return ensure_settled(judged);
        }
        kept.text.clone_from(&next.text);
        kept.edit_notes.extend(told);
        trail.push(next);
    }
    let what = "rules give way to each other without end".to_owned();
    let help = "put the rules with fewer wildcards first, and keep it again".to_owned();
    Err(KeepError { offset: None, reason: KeepReason::Unsettled { what, help } })
}

/// Makes sure that nothing is left to do.
///
/// # Errors
///
/// The first thing that is.
fn ensure_settled(judged: &FilePlan) -> Result<(), KeepError> {
    if let Some(error) = judged.findings.iter().find(|finding| finding.level == Level::Error) {
        return Err(KeepError::from_finding(error));
    }
    let Some(change) = judged.changes.first() else { return Ok(()) };
    let what = format!("a plan would still change {}", change.address);
    let reason = KeepReason::Unsettled { what, help: String::new() };
    Err(KeepError { offset: start_offset(&change.cause.location), reason })
}

/// The byte at which a place of the text begins.
fn start_offset(at: &FindingLocation) -> Option<usize> {
    match at {
        FindingLocation::Source(span) => Some(span.bytes.start),
        FindingLocation::Line(_) | FindingLocation::Nowhere => None,
    }
}

/// The text without a rule that an edit has made the same as an earlier one: it decides nothing.
fn remove_duplicate(text: &str, finding: &Finding) -> Option<EditedText> {
    let mut document = TomlDocument::new(text).ok()?;
    let at = document.root_table(document.innermost_table(start_offset(&finding.location)?));
    let is_twin = finding.code == Code::DeclaredTwice
        && document.tables.get(at).is_some_and(is_indirect_rule);
    document.remove_table(at, "");
    is_twin.then(|| document.apply_edits())
}

/// One round of edits, and what they are in words; the text as it is where there is nothing to edit.
fn run_one_round(round: &KeepRound) -> Result<(EditedText, Vec<String>), KeepError> {
    let (pools, live) = pool::match_pools(round);
    let document = TomlDocument::new(round.text).map_err(|error| {
        let (at, what) = (error.span().map(|it| it.start), error.message().to_owned());
        KeepError { offset: at, reason: KeepReason::Unsettled { what, help: String::new() } }
    })?;
    let workers = worker::match_workers(round);
    let mut keeper = FileUpdater { round, document, pools, live, workers, edit_notes: Vec::new() };
    for (at, concern) in keeper.find_concerns() {
        keeper.mend_table(at, &concern)?;
    }
    keeper.add_missing();
    if keeper.edit_notes.is_empty() {
        // Where steps shall be is only certain once pools and rules are whole.
        keeper.mend_step_rules();
        keeper.mend_value_rules()?;
        keeper.mend_target_rules()?;
    }
    if keeper.edit_notes.is_empty() {
        keeper.add_step_rules();
        keeper.add_value_rules();
        keeper.add_target_rules();
    }
    Ok((keeper.document.apply_edits(), keeper.edit_notes))
}

impl<'a> FileUpdater<'a> {
    /// The tables that are not as it is live.
    fn find_concerns(&self) -> BTreeMap<usize, TableIssues<'a>> {
        let mut concerns: BTreeMap<usize, TableIssues> = BTreeMap::new();
        for change in &self.round.file_plan.changes {
            let Some(at) = start_offset(&change.cause.location) else { continue };
            let edits = match &change.kind {
                ChangeKind::PlaceStep { .. }
                | ChangeKind::SetValue { .. }
                | ChangeKind::SetTargetPool { .. } => continue,
                ChangeKind::UpdateWorker { edits, .. } => edits.clone(),
                _ => Vec::new(),
            };
            concerns.entry(self.owning_table(at)).or_default().edits.extend(edits);
            concerns.extend(
                self.affected_pool_tables(&change.kind).map(|it| (it, TableIssues::default())),
            );
        }
        for finding in
            self.round.file_plan.findings.iter().filter(|finding| finding.level == Level::Error)
        {
            let Some(at) = start_offset(&finding.location) else { continue };
            concerns.entry(self.owning_table(at)).or_default().errors.push(finding);
        }
        // What chooses pools is looked at once these are whole.
        concerns
            .retain(|at, _| self.document.tables.get(*at).is_none_or(|it| !is_indirect_rule(it)));
        concerns
    }

    /// The table of the thing that a place of the text is about: of a pool, a worker, a rule.
    fn owning_table(&self, place: usize) -> usize {
        self.document.root_table(self.document.innermost_table(place))
    }

    /// The errors in a table.
    fn errors_in_table(&self, at: usize) -> Vec<&'a Finding> {
        let findings = self.round.file_plan.findings.iter();
        let is_in = |finding: &&Finding| {
            start_offset(&finding.location).is_some_and(|offset| self.owning_table(offset) == at)
        };
        findings.filter(|finding| finding.level == Level::Error).filter(is_in).collect()
    }

    /// The changes of which a rule is the cause.
    fn changes_by_rule(&self, rule: usize) -> Vec<&'a Change> {
        let is_cause = |change: &&Change| matches!(&change.cause.location, FindingLocation::Source(span) if span.bytes.start == rule);
        self.round.file_plan.changes.iter().filter(is_cause).collect()
    }

    /// Whether one of these errors is about a key of a table.
    fn errors_mention_key(&self, table: &TomlTable, key: &str, errors: &[&Finding]) -> bool {
        let is_in = |at: &FindingLocation| matches!(at, FindingLocation::Source(item) if self.document.is_in_value(table, key, item.bytes.start));
        errors.iter().any(|it| is_in(&it.location))
    }

    /// Makes sure that nothing was hidden of what rules are about.
    ///
    /// # Errors
    ///
    /// [`KeepReason::UnreadDocument`], where something was.
    fn ensure_all_read(
        &self,
        rule: usize,
        rules: &str,
        hides: &[HiddenData],
    ) -> Result<(), KeepError> {
        match self.round.live.unread.iter().find(|it| hides.contains(&it.hidden)) {
            None => Ok(()),
            Some(UnreadPart { what, why, .. }) => {
                Err(self.unread_error(rule, rules, (what.clone(), why.clone())))
            }
        }
    }

    /// Why a rule cannot be kept: something, for some reason, could not be read.
    fn unread_error(&self, rule: usize, rules: &str, (what, why): (String, String)) -> KeepError {
        let at = self.document.tables.get(rule).map(|it| self.document.table_start(it));
        KeepError { offset: at, reason: KeepReason::Unread { rules: rules.to_owned(), what, why } }
    }

    /// Edits a table until it says what is live.
    fn mend_table(&mut self, at: usize, concern: &TableIssues<'a>) -> Result<(), KeepError> {
        let Some(table) = self.document.tables.get(at).cloned() else { return Ok(()) };
        let path: Vec<&str> = table.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["pools", key] => self.mend_pool(at, &table, key),
            ["workers", key] => self.mend_worker(at, key, &concern.edits),
            ["placements"] => self.mend_placement(at, &table, &concern.errors)?,
            ["waves"] => self.mend_wave(at, &table, &concern.errors),
            ["removed"] => {
                self.edit_notes.push("`[[removed]]` goes: what it names is there".to_owned());
                self.document.remove_table(at, "");
            }
            ["server"] => {
                let on = self.round.live.server.built_in_worker.unwrap_or_default();
                self.edit_notes.push(format!("server: built_in_worker = {on}"));
                self.document.set_value(&table, "built_in_worker", &on.to_string());
            }
            _ => {
                // What is to be deleted is added; of all else that is wrong nobody can tell what was meant.
                let error = concern.errors.first().map(|it| KeepError::from_finding(it));
                return error.map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    /// What cannot be said, as comments that are not in the file yet.
    fn missing_comments(&self, left: &[String]) -> String {
        let mut text = String::new();
        push_comments(&mut text, left);
        let has =
            |line: &&str| !self.round.text.lines().any(|it| it.trim_start().starts_with(line));
        text.lines()
            .filter(|it| !it.is_empty())
            .filter(has)
            .map(|name| format!("{name}\n"))
            .collect()
    }

    /// Adds what is live and not in the file.
    fn add_missing(&mut self) {
        let mut tables: String =
            self.pools.declared.iter().map(|(key, pool)| render_pool_table(key, pool)).collect();
        self.edit_notes
            .extend(self.pools.declared.iter().map(|(key, _)| format!("pool `{key}` is new")));
        let left = self.missing_comments(&self.pools.left);
        if !left.is_empty() {
            tables.push_str(&format!("\n{left}"));
        }
        let heads = ["pools", "manage", "server", "octopus"];
        self.document.append_tables(&heads, &tables);
        let known: HashSet<&str> = self.workers.values().map(|it| it.id.as_str()).collect();
        let all = self.round.live.workers.iter();
        let new: Vec<&LiveWorker> = all.filter(|it| !known.contains(it.id.as_str())).collect();
        let (mut tables, left) = workers::render_tables(self.round.live, &self.pools, &new);
        if !tables.is_empty() {
            self.edit_notes.push(format!(
                "{} added",
                crate::text::pluralize(new.len() - left.len(), "worker")
            ));
        }
        let left = self.missing_comments(&left);
        if !left.is_empty() {
            tables.push_str(&format!("\n{left}"));
        }
        self.document.append_tables(&["workers", "pools", "manage", "server", "octopus"], &tables);
    }
}

/// Whether a table is a rule about what chooses pools.
fn is_indirect_rule(table: &TomlTable) -> bool {
    table.path.first().is_some_and(|path| path == "pool_variables" || path == "target_pools")
}
