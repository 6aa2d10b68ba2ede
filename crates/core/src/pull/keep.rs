//! Updates an existing file to match the server, in rounds of edits.
//!
//! Each change that a plan of the file would make, and each reference that cannot be resolved, is edited away
//! in place; live objects missing from the file are added. Lines that are still correct stay unchanged, and so
//! do all comments. Never: deciding whether a file is finished; a plan of it does.

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
    text::pluralize,
};

use document::{EditedText, TomlDocument, TomlTable};
pub use error::{KeepError, KeepReason};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The maximum number of rounds. Removing a rule lets the next one decide, so a file may need about as many
/// rounds as it has rules; most need two.
const MAX_ROUNDS: usize = 100;

/// The first round in which exceptions use only `leave`, so that the rounds come to an end.
const PLAIN_FROM_ROUND: usize = 10;

/// The desired state in a file, and a plan of it.
#[derive(Debug)]
pub struct FilePlan {
    /// The desired state.
    pub desired: Desired,
    /// What a plan would change.
    pub changes: Vec<Change>,
    /// The plan's findings.
    pub findings: Vec<Finding>,
    /// The byte offset of the rule that decides each step.
    pub decided: Vec<(Address, usize)>,
    /// The byte offsets of rules that may match steps that could not be read.
    pub unread: Vec<usize>,
}

/// The input of a round.
struct KeepRound<'a> {
    live: &'a Live,
    text: &'a str,
    file_plan: &'a FilePlan,
    plainly: bool,
    /// Whether the file has had rules about variable values in any round.
    has_values: bool,
    /// Whether the file has had rules about targets in any round.
    has_targets: bool,
}

/// The edited text, and descriptions of the edits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeepResult {
    /// The text.
    pub text: String,
    /// Descriptions of the edits.
    pub edit_notes: Vec<String>,
    /// Findings that refuse a plan of the text although it has no changes, such as an unreadable repository.
    pub refusals: Vec<Finding>,
}

/// What is wrong with a table.
#[derive(Default)]
struct TableIssues<'a> {
    /// The planned edits of a worker; empty to check all of the worker.
    edits: Vec<WorkerEdit>,
    /// The errors in the table.
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

/// Edits the text until a plan of it, made by `judge`, is empty.
///
/// # Errors
///
/// Returns [`KeepError`] if no edit achieves that: a returned text never changes a server.
pub fn keep_text(
    text: &str,
    live: &Live,
    judge: impl Fn(&str) -> Result<FilePlan, Finding>,
) -> Result<KeepResult, KeepError> {
    let mut kept = KeepResult { text: text.to_owned(), ..KeepResult::default() };
    let (mut trail, mut good) = (Vec::new(), None);
    match (run_rounds(&mut kept, &mut trail, live, judge, &mut good), good) {
        (Ok(()), _) => Ok(kept),
        // If a plan was empty once, failing to add more does not make the file worse.
        (Err(error), Some(mut good)) => {
            good.edit_notes.push(format!("what no rule matches was not added: {}", error.reason));
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

/// Runs rounds of edits until nothing is left to edit; `good` is the last text whose plan was empty.
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
        let (next, notes) = run_one_round(&KeepRound {
            live,
            text,
            file_plan: judged,
            plainly,
            has_values,
            has_targets,
        })?;
        if next.text == kept.text {
            let refused = judged.findings.iter().filter(|finding| finding.level == Level::Deny);
            kept.refusals = refused.cloned().collect();
            return ensure_settled(judged);
        }
        kept.text.clone_from(&next.text);
        kept.edit_notes.extend(notes);
        trail.push(next);
    }
    let what = "its rules keep displacing each other".to_owned();
    let help = "put the rules with fewer wildcards first, and run `pull --keep` again".to_owned();
    Err(KeepError { offset: None, reason: KeepReason::Unsettled { what, help } })
}

/// Checks that nothing is left to do.
///
/// # Errors
///
/// Returns the first error or change that is left.
fn ensure_settled(judged: &FilePlan) -> Result<(), KeepError> {
    if let Some(error) = judged.findings.iter().find(|finding| finding.level == Level::Error) {
        return Err(KeepError::from_finding(error));
    }
    let Some(change) = judged.changes.first() else { return Ok(()) };
    let what = format!("a plan would still change {}", change.address);
    let reason = KeepReason::Unsettled { what, help: String::new() };
    Err(KeepError { offset: start_offset(&change.cause.location), reason })
}

/// Returns the byte offset of a location in the text.
fn start_offset(at: &FindingLocation) -> Option<usize> {
    match at {
        FindingLocation::Source(span) => Some(span.bytes.start),
        FindingLocation::Line(_) | FindingLocation::Nowhere => None,
    }
}

/// Removes a rule that an edit has made a duplicate of an earlier one.
fn remove_duplicate(text: &str, finding: &Finding) -> Option<EditedText> {
    let mut document = TomlDocument::new(text).ok()?;
    let at = document.root_table(document.innermost_table(start_offset(&finding.location)?));
    let is_duplicate = finding.code == Code::DeclaredTwice
        && document.tables.get(at).is_some_and(is_indirect_rule);
    document.remove_table(at, "");
    is_duplicate.then(|| document.apply_edits())
}

/// Runs one round of edits, and returns the text and descriptions of the edits.
fn run_one_round(round: &KeepRound) -> Result<(EditedText, Vec<String>), KeepError> {
    let (pools, live) = pool::match_pools(round);
    let document = TomlDocument::new(round.text).map_err(|error| {
        let (at, what) = (error.span().map(|it| it.start), error.message().to_owned());
        KeepError { offset: at, reason: KeepReason::Unsettled { what, help: String::new() } }
    })?;
    let workers = worker::match_workers(round);
    let mut keeper = FileUpdater { round, document, pools, live, workers, edit_notes: Vec::new() };
    for (at, issues) in keeper.find_issues() {
        keeper.mend_table(at, &issues)?;
    }
    keeper.add_missing();
    if keeper.edit_notes.is_empty() {
        // The place of steps is only certain once pools and rules are correct.
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
    /// Returns the tables that differ from the server.
    fn find_issues(&self) -> BTreeMap<usize, TableIssues<'a>> {
        let mut issues: BTreeMap<usize, TableIssues> = BTreeMap::new();
        for change in &self.round.file_plan.changes {
            let Some(at) = start_offset(&change.cause.location) else { continue };
            let edits = match &change.kind {
                ChangeKind::PlaceStep { .. }
                | ChangeKind::SetValue { .. }
                | ChangeKind::SetTargetPool { .. } => continue,
                ChangeKind::UpdateWorker { edits, .. } => edits.clone(),
                _ => Vec::new(),
            };
            issues.entry(self.owning_table(at)).or_default().edits.extend(edits);
            issues.extend(
                self.affected_pool_tables(&change.kind)
                    .map(|table| (table, TableIssues::default())),
            );
        }
        for finding in
            self.round.file_plan.findings.iter().filter(|finding| finding.level == Level::Error)
        {
            let Some(at) = start_offset(&finding.location) else { continue };
            issues.entry(self.owning_table(at)).or_default().errors.push(finding);
        }
        // Rules about variables and targets are handled once these tables are correct.
        issues.retain(|at, _| {
            self.document.tables.get(*at).is_none_or(|table| !is_indirect_rule(table))
        });
        issues
    }

    /// Returns the table of the pool, worker or rule that contains a position.
    fn owning_table(&self, position: usize) -> usize {
        self.document.root_table(self.document.innermost_table(position))
    }

    /// Returns the errors in a table.
    fn errors_in_table(&self, at: usize) -> Vec<&'a Finding> {
        let findings = self.round.file_plan.findings.iter();
        let is_in = |finding: &&Finding| {
            start_offset(&finding.location).is_some_and(|offset| self.owning_table(offset) == at)
        };
        findings.filter(|finding| finding.level == Level::Error).filter(is_in).collect()
    }

    /// Returns the changes that a rule causes.
    fn changes_by_rule(&self, rule: usize) -> Vec<&'a Change> {
        let is_cause = |change: &&Change| matches!(&change.cause.location, FindingLocation::Source(span) if span.bytes.start == rule);
        self.round.file_plan.changes.iter().filter(is_cause).collect()
    }

    /// Returns whether one of these errors is about a key of a table.
    fn errors_mention_key(&self, table: &TomlTable, key: &str, errors: &[&Finding]) -> bool {
        let is_in_value = |error: &&Finding| {
            start_offset(&error.location)
                .is_some_and(|at| self.document.is_in_value(table, key, at))
        };
        errors.iter().any(is_in_value)
    }

    /// Checks that everything that rules may match was read.
    ///
    /// # Errors
    ///
    /// Returns [`KeepReason::Unread`] if some of it was not.
    fn ensure_all_read(
        &self,
        rule: usize,
        rules: &str,
        required: &[HiddenData],
    ) -> Result<(), KeepError> {
        match self.round.live.unread.iter().find(|part| required.contains(&part.hidden)) {
            None => Ok(()),
            Some(UnreadPart { what, why, .. }) => {
                Err(self.unread_error(rule, rules, what.clone(), why.clone()))
            }
        }
    }

    /// Returns the error for a rule that may match something that could not be read.
    fn unread_error(&self, rule: usize, rules: &str, what: String, why: String) -> KeepError {
        let at = self.document.tables.get(rule).map(|it| self.document.table_start(it));
        KeepError { offset: at, reason: KeepReason::Unread { rules: rules.to_owned(), what, why } }
    }

    /// Edits a table until it matches the server.
    fn mend_table(&mut self, at: usize, issues: &TableIssues<'a>) -> Result<(), KeepError> {
        let Some(table) = self.document.tables.get(at).cloned() else { return Ok(()) };
        let path: Vec<&str> = table.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["pools", key] => self.mend_pool(at, &table, key),
            ["workers", key] => self.mend_worker(at, key, &issues.edits),
            ["placements"] => self.mend_placement(at, &table, &issues.errors)?,
            ["waves"] => self.mend_wave(at, &table, &issues.errors),
            ["removed"] => {
                self.edit_notes
                    .push("removed a `[[removed]]` table: what it names exists".to_owned());
                self.document.remove_table(at, "");
            }
            ["server"] => {
                let on = self.round.live.server.built_in_worker.unwrap_or_default();
                self.edit_notes.push(format!("set built_in_worker = {on} in [server]"));
                self.document.set_value(&table, "built_in_worker", &on.to_string());
            }
            _ => {
                // Objects to be deleted are added; any other error has no obvious correction.
                let error = issues.errors.first().map(|it| KeepError::from_finding(it));
                return error.map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    /// Returns the comments that are not in the file yet.
    fn missing_comments(&self, comments: &[String]) -> String {
        let mut text = String::new();
        push_comments(&mut text, comments);
        let is_in_file =
            |line: &str| self.round.text.lines().any(|it| it.trim_start().starts_with(line));
        let missing = text.lines().filter(|line| !line.is_empty() && !is_in_file(line));
        missing.map(|line| format!("{line}\n")).collect()
    }

    /// Adds pools and workers that are missing from the file.
    fn add_missing(&mut self) {
        let mut tables: String =
            self.pools.declared.iter().map(|(key, pool)| render_pool_table(key, pool)).collect();
        self.edit_notes
            .extend(self.pools.declared.iter().map(|(key, _)| format!("added pool `{key}`")));
        let comments = self.missing_comments(&self.pools.omitted);
        if !comments.is_empty() {
            tables.push_str(&format!("\n{comments}"));
        }
        let heads = ["pools", "manage", "server", "octopus"];
        self.document.append_tables(&heads, &tables);
        let known: HashSet<&str> = self.workers.values().map(|it| it.id.as_str()).collect();
        let workers = self.round.live.workers.iter();
        let new: Vec<&LiveWorker> =
            workers.filter(|worker| !known.contains(worker.id.as_str())).collect();
        let (mut tables, omitted) = workers::render_tables(self.round.live, &self.pools, &new);
        if !tables.is_empty() {
            let added = pluralize(new.len() - omitted.len(), "worker");
            self.edit_notes.push(format!("added {added}"));
        }
        let comments = self.missing_comments(&omitted);
        if !comments.is_empty() {
            tables.push_str(&format!("\n{comments}"));
        }
        self.document.append_tables(&["workers", "pools", "manage", "server", "octopus"], &tables);
    }
}

/// Returns whether a table is a rule about a pool variable or a target's pool.
fn is_indirect_rule(table: &TomlTable) -> bool {
    table.path.first().is_some_and(|path| path == "pool_variables" || path == "target_pools")
}
