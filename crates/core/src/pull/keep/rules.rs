//! Mends rules and waves that name what does not exist or what no rule can name.
//!
//! Never: a rule or a wave that matches more than before.

use super::{FileUpdater, KeepError, TomlTable, escape_value};
use crate::{
    finding::{Code, Finding},
    live::{LiveProcess, LiveStep},
};

use std::collections::HashSet;

/// A valid selector that matches nothing, visibly on purpose.
const MATCHES_NOTHING: &str = "!*";

impl<'a> FileUpdater<'a> {
    /// Edits a rule of `[[placements]]` until everything that it names exists.
    pub(super) fn mend_placement(
        &mut self,
        at: usize,
        table: &TomlTable,
        errors: &[&'a Finding],
    ) -> Result<(), KeepError> {
        self.ensure_known(at, errors)?;
        // Exceptions handle the steps that would move, and settle the rules.
        for finding in errors.iter().filter(|error| error.code != Code::UnsettledRules) {
            if finding.code == Code::ImpossibleExecution && self.except_impossible(at, finding) {
                return Ok(());
            }
            if !self.remove_invalid(table, finding) {
                self.edit_notes.push(format!("removed a rule: {}", finding.message));
                self.document.remove_table(at, "");
                return Ok(());
            }
            let note = format!("removed part of a rule: {}", finding.message);
            if !self.edit_notes.contains(&note) {
                self.edit_notes.push(note);
            }
        }
        Ok(())
    }

    /// Inserts exceptions before a rule for steps that cannot run as it says; returns whether there are any.
    fn except_impossible(&mut self, at: usize, finding: &Finding) -> bool {
        let processes = self.round.live.processes.iter();
        let steps =
            processes.flat_map(|process| process.steps.iter().map(move |step| (process, step)));
        let is_noted = |process: &LiveProcess, step: &LiveStep| {
            let address = process.step_address(step).to_string();
            finding.notes.iter().any(|note| **note == *address)
        };
        let steps: HashSet<_> = steps
            .filter(|(process, step)| is_noted(process, step))
            .map(|(process, step)| (process.id.as_str(), step.id.as_str()))
            .collect();
        self.insert_exceptions(at, &steps);
        !steps.is_empty()
    }

    /// Removes the invalid part of a rule; returns false if nothing would be left.
    fn remove_invalid(&mut self, table: &TomlTable, finding: &Finding) -> bool {
        let Some(place) = super::start_offset(&finding.location) else { return false };
        if self.document.remove_list_item(table, place) || self.remove_unknown(table, finding) {
            return true;
        }
        let document = &mut self.document;
        let inner = document
            .tables
            .get(document.innermost_table(place))
            .and_then(|it| it.path.get(1).cloned());
        match document.key_at(table, place).or(inner).as_deref() {
            // The next round corrects the place.
            Some("pool") => document.replace_key(table, "pool", "default_pool", "true"),
            Some("container") => document.remove_key(table, "container"),
            _ => false,
        }
    }

    /// Edits a wave until everything that it names exists.
    ///
    /// `--wave` takes numbers, so a wave before others stays, without a project: a run for wave 2 must not
    /// become one for the former wave 3.
    pub(super) fn mend_wave(&mut self, at: usize, table: &TomlTable, errors: &[&'a Finding]) {
        let waves = self
            .document
            .tables
            .iter()
            .enumerate()
            .filter(|(_, toml_table)| toml_table.path == table.path);
        let waves: Vec<usize> = waves.map(|(at, _)| at).collect();
        let number = waves.iter().take_while(|wave| **wave < at).count() + 1;
        for finding in errors {
            let why = &finding.message;
            if self.remove_unknown(table, finding) {
                self.edit_notes.push(format!("removed from wave {number}: {why}"));
            } else if number < waves.len() {
                self.edit_notes.push(format!(
                    "emptied wave {number}, so that later waves keep their numbers: {why}"
                ));
                self.document.set_value(table, "project", &escape_value(MATCHES_NOTHING));
            } else {
                self.edit_notes.push(format!("removed wave {number}, the last one: {why}"));
                self.document.remove_table(at, "");
                return;
            }
        }
    }
}
