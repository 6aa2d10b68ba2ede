//! Rules and waves that name what is not there, or what no rule can name.
//!
//! Never: a rule or a wave that comes to stand for more than before.

use super::{FileUpdater, KeepError, TomlTable, escape_value};
use crate::finding::{Code, Finding};
use std::collections::HashSet;

/// A selector that nothing fits, and which a rule may have: who reads it sees that it is meant.
const MATCHES_NOTHING: &str = "!*";

impl<'a> FileUpdater<'a> {
    /// Edits a rule of `[[placements]]` until all that it names is there.
    pub(super) fn mend_placement(
        &mut self,
        at: usize,
        table: &TomlTable,
        errors: &[&'a Finding],
    ) -> Result<(), KeepError> {
        self.ensure_known(at, errors)?;
        // What moves now is said by exceptions, and then nothing moves again.
        for finding in errors.iter().filter(|error| error.code != Code::UnsettledRules) {
            if finding.code == Code::ImpossibleExecution && self.except_impossible(at, finding) {
                return Ok(());
            }
            if !self.remove_invalid(table, finding) {
                self.edit_notes.push(format!("a rule is removed: {}", finding.message));
                self.document.remove_table(at, "");
                return Ok(());
            }
            let taken = format!("a rule no longer says this: {}", finding.message);
            if !self.edit_notes.contains(&taken) {
                self.edit_notes.push(taken);
            }
        }
        Ok(())
    }

    /// Has rules before a rule for steps that cannot run as it says; false where it is about none.
    fn except_impossible(&mut self, at: usize, finding: &Finding) -> bool {
        let all = self.round.live.processes.iter();
        let all = all.flat_map(|process| process.steps.iter().map(move |step| (process, step)));
        let steps = all
            .filter(|(other, step)| finding.notes.contains(&other.step_address(step).to_string()));
        let steps: HashSet<_> =
            steps.map(|(it, step)| (it.id.as_str(), step.id.as_str())).collect();
        self.insert_exceptions(at, &steps);
        !steps.is_empty()
    }

    /// Takes what is wrong at a place out of a rule; false where nothing would be left of it.
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
        match document.key_at_place(table, place).or(inner).as_deref() {
            // Which place it is then is what the next round looks at.
            Some("pool") => document.replace_key(table, "pool", "default_pool", "true"),
            Some("container") => document.remove_key(table, "container"),
            _ => false,
        }
    }

    /// Edits a wave until all that it names is there.
    ///
    /// `--wave` takes numbers, so that a wave that others stand behind stays, without any project: a run for wave 2
    /// must not come to be about what wave 3 was.
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
                self.edit_notes.push(format!("wave {number} no longer names what is gone: {why}"));
            } else if number < waves.len() {
                self.edit_notes.push(format!(
                    "wave {number} is of no project, and stays, so that later waves keep their numbers: {why}"
                ));
                self.document.set_value(table, "project", &escape_value(MATCHES_NOTHING));
            } else {
                self.edit_notes.push(format!("wave {number} is removed, the last one: {why}"));
                self.document.remove_table(at, "");
                return;
            }
        }
    }
}
