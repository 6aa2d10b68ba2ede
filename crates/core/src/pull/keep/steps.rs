//! Updates the rules of a file to match where steps are.
//!
//! Never: a rule that moves a step.

use super::{FileUpdater, KeepError, TomlTable, indirect_pools::is_exact_name, placements};
use crate::{
    finding::{Finding, FindingLocation},
    live::{HiddenData, Live},
    model::{Id, Name, Place, Pool, Process, StepAction},
    plan::{Change, ChangeKind, PlannedCommit, StepEdit},
    text::pluralize,
};

use std::collections::{BTreeMap, HashSet};

impl FileUpdater<'_> {
    /// Edits the rules until they match where steps are.
    pub(super) fn mend_step_rules(&mut self) {
        let mut by_rule: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        for change in &self.round.file_plan.changes {
            if let (ChangeKind::PlaceStep { .. }, FindingLocation::Source(span)) =
                (&change.kind, &change.cause.location)
            {
                by_rule.entry(span.bytes.start).or_default().push(change);
            }
        }
        for (start, changes) in by_rule {
            let at = self.owning_table(start);
            let Some(table) = self.document.tables.get(at).cloned() else { continue };
            match self.shared_place(start, &changes) {
                Some(place) => self.set_verdict(&table, &place),
                None => self.add_exceptions(at, &changes),
            }
        }
    }

    /// Checks that what a rule names and a plan cannot find does not merely lie in an unread part.
    ///
    /// # Errors
    ///
    /// Returns [`KeepReason::Unread`](super::KeepReason::Unread) if it may.
    pub(super) fn ensure_known(&self, at: usize, errors: &[&Finding]) -> Result<(), KeepError> {
        let is_unread =
            self.round.file_plan.unread.iter().any(|index| self.owning_table(*index) == at);
        let Some(table) = self.document.tables.get(at) else { return Ok(()) };
        let names_pool = self.errors_mention_key(table, "pool", errors);
        let is_lost = |finding: &&Finding| finding.code.may_be_in_unread_process();
        // If a rule's pool is gone, only its steps show which pool to set.
        if !is_unread || !names_pool && !errors.iter().any(is_lost) {
            return Ok(());
        }
        let required =
            [HiddenData::Projects, HiddenData::Steps, HiddenData::StepsInGit, HiddenData::Rules];
        self.ensure_all_read(at, "placements", &required)
    }

    /// Removes names from a rule's selector that no longer exist or that several projects share, according
    /// to a finding; returns false if there are none or nothing would be left.
    pub(super) fn remove_unknown(&mut self, table: &TomlTable, finding: &Finding) -> bool {
        let Some(place) = super::start_offset(&finding.location) else { return false };
        let Some(key) = self.document.key_at(table, place) else { return false };
        let Live { projects, processes, .. } = self.round.live;
        let steps = || processes.iter().flat_map(|it| &it.steps);
        let known: HashSet<&Name> = match key.as_str() {
            "project" => projects.iter().map(|it| &it.name).collect(),
            "project_group" => projects.iter().map(|it| &it.group).collect(),
            "runbook" => processes.iter().filter_map(|it| it.owner.runbook.as_ref()).collect(),
            "step" => steps().flat_map(|step| [&step.step, &step.action]).collect(),
            _ => return false,
        };
        // Both at once, so that a list of which nothing would be left is not emptied in two steps.
        let is_shared = |name: &Name| {
            key == "project" && projects.iter().filter(|project| project.name == *name).count() > 1
        };
        self.document.remove_names(table, &key, |name| {
            let bare = name.as_str().strip_prefix('!').unwrap_or(name.as_str());
            is_exact_name(bare) && !known.contains(&Name::new(bare)) || is_shared(name)
        })
    }

    /// Returns the place that all steps decided by the rule at `start` share, if only their pool changes.
    ///
    /// Returns `None` if the rule may also match steps that could not be read.
    fn shared_place(&self, start: usize, changes: &[&Change]) -> Option<Place<Id<Pool>>> {
        let pool_alone = |change: &&Change| match &change.kind {
            ChangeKind::PlaceStep { edits, .. } => {
                edits.iter().all(|edit| matches!(edit, StepEdit::Place(_)))
            }
            _ => false,
        };
        if self.round.file_plan.unread.contains(&start) || !changes.iter().all(pool_alone) {
            return None;
        }
        let decided = self.round.file_plan.decided.iter().filter(|(_, at)| *at == start);
        let addresses: HashSet<String> = decided.map(|(address, _)| address.to_string()).collect();
        let steps = self.round.live.processes.iter().flat_map(|process| {
            process
                .steps
                .iter()
                .map(move |step| (process.step_address(step).to_string(), &step.place))
        });
        let mut places =
            steps.filter(|(address, _)| addresses.contains(address)).map(|(_, place)| place);
        let first = places.next()?;
        places.all(|place| place == first).then(|| first.clone())
    }

    fn set_verdict(&mut self, table: &TomlTable, place: &Place<Id<Pool>>) {
        let (key, value) = placements::verdict_for_place(place, &self.pools);
        let mut others =
            ["pool", "pool_variable", "default_pool"].into_iter().filter(|other| *other != key);
        if !others.any(|other| self.document.replace_key(table, other, key, &value)) {
            self.document.set_value(table, key, &value);
        }
        self.edit_notes.push(format!("set {key} = {value} in a rule"));
    }

    /// Inserts exceptions before a rule for the steps that it would move.
    fn add_exceptions(&mut self, before: usize, changes: &[&Change]) {
        let moved: Vec<(Id<Process>, &Id<StepAction>)> = changes
            .iter()
            .filter_map(|change| match &change.kind {
                ChangeKind::PlaceStep { process, action, git, .. } => {
                    // A branch that does not exist yet starts as a copy of the protected one.
                    let base = git.as_ref().and_then(PlannedCommit::base_document);
                    let process = base.map_or(process.clone(), |base| base.process_id());
                    Some((process, action))
                }
                _ => None,
            })
            .collect();
        let moved: HashSet<(&str, &str)> =
            moved.iter().map(|(process, action)| (process.as_str(), action.as_str())).collect();
        self.insert_exceptions(before, &moved);
    }

    /// Inserts exceptions before a rule for steps, given by process id and step id.
    pub(super) fn insert_exceptions(&mut self, before: usize, steps: &HashSet<(&str, &str)>) {
        if steps.is_empty() {
            return;
        }
        let rules =
            placements::exception_rules(self.round.live, &self.pools, steps, self.round.plainly);
        self.edit_notes
            .push(format!("added {} before a rule", pluralize(steps.len(), "exception")));
        self.document.insert_before(before, &rules);
    }

    /// Adds rules for steps that no rule matches, if the file has rules.
    pub(super) fn add_step_rules(&mut self) {
        let judged = &self.round.file_plan;
        if judged.desired.rules.is_empty() {
            return;
        }
        let decided: HashSet<String> =
            judged.decided.iter().map(|(address, _)| address.to_string()).collect();
        let processes = self.round.live.processes.iter();
        let steps = processes.flat_map(|process| process.steps.iter().map(move |it| (process, it)));
        let new = steps
            .filter(|(process, step)| !decided.contains(&process.step_address(step).to_string()));
        let new = new.map(|(process, it)| (process.id.as_str(), it.id.as_str())).collect();
        let rules = placements::additional_rules(self.round.live, &self.pools, &new);
        if !rules.is_empty() {
            self.edit_notes.push("added rules for steps that no rule matched".to_owned());
        }
        self.document.append_tables(
            &["placements", "workers", "pools", "manage", "server", "octopus"],
            &rules,
        );
    }
}
