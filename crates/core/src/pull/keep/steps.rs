//! The rules of a file, brought to where steps are.
//!
//! Never: a rule that moves a step.

use super::{FileUpdater, KeepError, TomlTable, indirect_pools::is_exact_name, placements};
use crate::{
    finding::{Code, Finding, FindingLocation},
    live::{HiddenData, Live},
    model::{Id, Name, Place, Pool, Process, StepAction},
    plan::{Change, ChangeKind, PlannedCommit, StepEdit},
};

use std::collections::{BTreeMap, HashSet};

impl FileUpdater<'_> {
    /// Has the rules say where steps are.
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

    /// Makes sure that what a rule names and a plan does not find was looked for everywhere.
    ///
    /// # Errors
    ///
    /// [`KeepReason::UnreadDocument`], where some of it could not be read.
    pub(super) fn ensure_known(&self, at: usize, errors: &[&Finding]) -> Result<(), KeepError> {
        let is_unread =
            self.round.file_plan.unread.iter().any(|index| self.owning_table(*index) == at);
        let Some(table) = self.document.tables.get(at) else { return Ok(()) };
        let names_pool = self.errors_mention_key(table, "pool", errors);
        let is_lost = |finding: &&Finding| finding.code.may_be_in_unread_process();
        // Where the steps are of a rule whose pool is gone, these alone can tell.
        match is_unread && (names_pool || errors.iter().any(is_lost)) {
            true => self.ensure_all_read(
                at,
                "placements",
                &[HiddenData::Steps, HiddenData::StepsInGit, HiddenData::Rules],
            ),
            false => Ok(()),
        }
    }

    /// Takes names out of a selector of a rule that nothing has any more, or that several projects have, as a
    /// finding says; false where there are none, or nothing would be left.
    pub(super) fn remove_unknown(&mut self, table: &TomlTable, finding: &Finding) -> bool {
        let Some(place) = super::start_offset(&finding.location) else { return false };
        let Some(key) = self.document.key_at_place(table, place) else { return false };
        let Live { projects, processes, .. } = self.round.live;
        if finding.code == Code::AmbiguousName && key == "project" {
            let is_twin =
                |name: &Name| 1 < projects.iter().filter(|project| project.name == *name).count();
            return self.document.remove_names(table, &key, is_twin);
        }
        let steps = || processes.iter().flat_map(|it| &it.steps);
        let known: HashSet<&Name> = match key.as_str() {
            "project" => projects.iter().map(|it| &it.name).collect(),
            "project_group" => projects.iter().map(|it| &it.group).collect(),
            "runbook" => processes.iter().filter_map(|it| it.owner.runbook.as_ref()).collect(),
            "step" => steps().flat_map(|step| [&step.step, &step.action]).collect(),
            _ => return false,
        };
        self.document.remove_names(table, &key, |other| {
            is_exact_name(other.as_str()) && !known.contains(other)
        })
    }

    /// Where all steps are that the rule at a place decides about, where they are all alike and it is the
    /// pool alone that differs; none where it may be about others, which could not be read.
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
        let of_rule = self.round.file_plan.decided.iter().filter(|(_, at)| *at == start);
        let addresses: HashSet<String> = of_rule.map(|(it, _)| it.to_string()).collect();
        let steps = self.round.live.processes.iter().flat_map(|process| {
            process
                .steps
                .iter()
                .map(move |step| (process.step_address(step).to_string(), &step.place))
        });
        let mut places = steps.filter(|(it, _)| addresses.contains(it)).map(|(_, place)| place);
        let first = places.next()?;
        places.all(|other| other == first).then(|| first.clone())
    }

    fn set_verdict(&mut self, table: &TomlTable, place: &Place<Id<Pool>>) {
        let (said, value) = placements::verdict_for_place(place, &self.pools);
        let mut others =
            ["pool", "pool_variable", "default_pool"].into_iter().filter(|text| *text != said);
        if !others.any(|key| self.document.replace_key(table, key, said, &value)) {
            self.document.set_value(table, said, &value);
        }
        self.edit_notes.push(format!("a rule says {said} = {value}"));
    }

    /// Rules for steps that are not where a rule says, before that rule.
    fn add_exceptions(&mut self, before: usize, changes: &[&Change]) {
        let moved: Vec<(Id<Process>, &Id<StepAction>)> = changes
            .iter()
            .filter_map(|change| match &change.kind {
                ChangeKind::PlaceStep { process, action, git, .. } => {
                    // A branch that is to be made has what the protected one has.
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

    /// Rules for some steps, by their processes' ids and their own, before another rule.
    pub(super) fn insert_exceptions(&mut self, before: usize, steps: &HashSet<(&str, &str)>) {
        if steps.is_empty() {
            return;
        }
        let rules =
            placements::exception_rules(self.round.live, &self.pools, steps, self.round.plainly);
        self.edit_notes
            .push(format!("{} before a rule", crate::text::pluralize(steps.len(), "exception")));
        self.document.insert_before(before, &rules);
    }

    /// Adds rules for steps that no rule is about, where the file has rules.
    pub(super) fn add_step_rules(&mut self) {
        let judged = &self.round.file_plan;
        if judged.desired.rules.is_empty() {
            return;
        }
        let decided: HashSet<String> =
            judged.decided.iter().map(|(it, _)| it.to_string()).collect();
        let processes = self.round.live.processes.iter();
        let steps = processes.flat_map(|process| process.steps.iter().map(move |it| (process, it)));
        let new = steps
            .filter(|(process, step)| !decided.contains(&process.step_address(step).to_string()));
        let new = new.map(|(process, it)| (process.id.as_str(), it.id.as_str())).collect();
        let rules = placements::additional_rules(self.round.live, &self.pools, &new);
        if !rules.is_empty() {
            self.edit_notes.push("rules for steps that no rule was about".to_owned());
        }
        self.document.append_tables(
            &["placements", "workers", "pools", "manage", "server", "octopus"],
            &rules,
        );
    }
}
