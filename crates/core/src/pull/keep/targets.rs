//! Updates the pools of deployment targets in a file to match the server.
//!
//! Never: guessing at what could not be read.

use super::{FileUpdater, KeepError, TomlTable, escape_value, indirect_pools, placements};
use crate::{
    desired::TargetPoolRule,
    finding::Finding,
    live::{HiddenData, LiveTarget, TargetReach},
    model::{Name, Place},
    plan::{Change, ChangeKind},
    text::pluralize,
};

use std::fmt::Write as _;

/// The table of these rules.
const RULE: &str = "target_pools";

impl<'a> FileUpdater<'a> {
    /// Edits the rules about targets until they match the server.
    pub(super) fn mend_target_rules(&mut self) -> Result<(), KeepError> {
        let judged = self.round.file_plan;
        for rule in &judged.desired.target_rules {
            let at = self.owning_table(rule.span.bytes.start);
            let errors = self.errors_in_table(at);
            let changes = self.changes_by_rule(rule.span.bytes.start);
            if errors.is_empty() && changes.is_empty() {
                continue;
            }
            let Some(table) = self.document.tables.get(at).cloned() else { continue };
            match errors.as_slice() {
                [] => self.mend_moved_targets(at, &table, &rule.value, &changes),
                _ => self.mend_lost_targets(at, &table, &rule.value, &errors)?,
            }
        }
        Ok(())
    }

    /// Mends a rule whose pool or targets no longer exist, or whose targets do not use workers.
    fn mend_lost_targets(
        &mut self,
        at: usize,
        table: &TomlTable,
        rule: &TargetPoolRule,
        errors: &[&Finding],
    ) -> Result<(), KeepError> {
        self.ensure_all_read(at, RULE, &[HiddenData::Targets])?;
        if self.errors_mention_key(table, "pool", errors) {
            match self.decided_targets(rule).first() {
                Some(target) => self.set_target_pool(table, target),
                None => {
                    let why = errors.first().map(|it| it.message.as_str()).unwrap_or_default();
                    self.remove_rule(
                        at,
                        &format!("removed a rule about targets: {why}, and it matches no target"),
                    );
                }
            }
            return Ok(());
        }
        let names = rule.target.iter().flat_map(|names| names.value.exact_names()).map(Name::new);
        let is_lost = |name: &Name| !self.cloud_targets().any(|target| target.name == *name);
        let lost: Vec<Name> = names.filter(is_lost).collect();
        self.remove_targets(at, table, &lost.iter().collect::<Vec<_>>());
        Ok(())
    }

    /// Mends a rule about targets that have another pool on the server.
    fn mend_moved_targets(
        &mut self,
        at: usize,
        table: &TomlTable,
        rule: &TargetPoolRule,
        changes: &[&'a Change],
    ) {
        let moves = |target: &LiveTarget| {
            let is_it = |change: &&'a Change| matches!(&change.kind, ChangeKind::SetTargetPool { id, .. } if *id == target.id);
            changes.iter().any(is_it)
        };
        let found = self.decided_targets(rule);
        let mut others: Vec<&LiveTarget> = found.iter().copied().filter(|it| moves(it)).collect();
        if let (Some(first), true) = (others.first().copied(), others.len() == found.len()) {
            self.set_target_pool(table, first);
            others.retain(|target| target.pool != first.pool);
        }
        let is_named = |target: &&LiveTarget| {
            let mut names = rule.target.iter().flat_map(|names| names.value.exact_names());
            names.any(|name| Name::new(name) == target.name)
        };
        let (named, wild): (Vec<_>, Vec<_>) = others.into_iter().partition(is_named);
        if !named.is_empty() {
            let names: Vec<&Name> = named.iter().map(|it| &it.name).collect();
            return self.remove_targets(at, table, &names);
        }
        if !wild.is_empty() {
            let (count, tables) = (wild.len(), self.target_exceptions(&wild));
            self.edit_notes.push(format!("added {} before a rule", pluralize(count, "exception")));
            self.document.insert_before(at, &tables);
        }
    }

    /// Renders rules that set the pools of these targets, or leave targets whose pool a rule cannot express.
    fn target_exceptions(&self, targets: &[&LiveTarget]) -> String {
        let live = self.round.live;
        let is_same = |a: &LiveTarget, b: &LiveTarget| std::ptr::eq(a, b);
        let (mut text, _) = indirect_pools::target_tables(live, &self.pools, |target| {
            targets.iter().any(|listed| is_same(listed, target))
        });
        for target in targets {
            let (table, _) =
                indirect_pools::target_tables(live, &self.pools, |other| is_same(target, other));
            if !table.is_empty() {
                continue;
            }
            let namesakes = live.indirect.targets.iter().filter(|other| other.name == target.name);
            let is_exact =
                indirect_pools::is_exact_name(target.name.as_str()) && namesakes.count() == 1;
            let verdict = if target.pool.is_none() && is_exact { "default_pool" } else { "leave" };
            let name = escape_value(&placements::pattern_for_name(target.name.as_str()));
            _ = writeln!(text, "\n[[target_pools]]\ntarget = {name}\n{verdict} = true");
        }
        text
    }

    /// Sets the pool of a rule to that of a target.
    fn set_target_pool(&mut self, table: &TomlTable, target: &LiveTarget) {
        let place = target.pool.clone().map_or(Place::DefaultPool, Place::Pool);
        let (key, value) = placements::verdict_for_place(&place, &self.pools);
        if !["pool", "default_pool"]
            .iter()
            .any(|old| self.document.replace_key(table, old, key, &value))
        {
            self.document.set_value(table, key, &value);
        }
        self.edit_notes.push(format!("set {key} = {value} in a rule about targets"));
    }

    /// Removes targets from a rule, or the whole rule if nothing would be left.
    fn remove_targets(&mut self, at: usize, table: &TomlTable, names: &[&Name]) {
        if self.document.remove_names(table, "target", |name| names.contains(&name)) {
            let note = "removed targets from a rule that no longer applies to them";
            self.edit_notes.push(note.to_owned());
        } else {
            let note = "removed a rule about targets: it no longer applies to any that it names";
            self.remove_rule(at, note);
        }
    }

    fn remove_rule(&mut self, at: usize, note: &str) {
        self.edit_notes.push(note.to_owned());
        self.document.remove_table(at, "");
    }

    /// Adds rules for targets that no rule matches, if the file has had rules about targets.
    pub(super) fn add_target_rules(&mut self) {
        if !self.round.has_targets {
            return;
        }
        let rules = &self.round.file_plan.desired.target_rules;
        let is_new =
            |target: &LiveTarget| !rules.iter().any(|rule| rule_covers_target(rule, target));
        let (tables, _) = indirect_pools::target_tables(self.round.live, &self.pools, is_new);
        if !tables.is_empty() {
            self.edit_notes.push("added rules for targets that no rule matched".to_owned());
        }
        let kinds = [
            RULE,
            "pool_variables",
            "placements",
            "workers",
            "pools",
            "manage",
            "server",
            "octopus",
            "removed",
        ];
        self.document.append_tables(&kinds, &tables);
    }

    fn cloud_targets(&self) -> impl Iterator<Item = &'a LiveTarget> + use<'a> {
        let targets = self.round.live.indirect.targets.iter();
        targets.filter(|target| target.reach == TargetReach::Worker)
    }

    /// Returns the targets that a rule decides.
    fn decided_targets(&self, rule: &TargetPoolRule) -> Vec<&'a LiveTarget> {
        let rules = &self.round.file_plan.desired.target_rules;
        let decides = |target: &&LiveTarget| {
            let first = rules.iter().find(|rule| rule_covers_target(rule, target));
            first.is_some_and(|it| std::ptr::eq(&it.value, rule))
        };
        self.cloud_targets().filter(decides).collect()
    }
}

/// Returns whether a rule matches a target, regardless of other rules.
fn rule_covers_target(rule: &TargetPoolRule, target: &LiveTarget) -> bool {
    let (named, tagged) = (rule.target.as_ref(), rule.target_tag.as_ref());
    named.is_none_or(|it| it.matches_folded(target.name.as_folded()))
        && tagged.is_none_or(|tagged| tagged.matches_any(target.roles.iter().map(String::as_str)))
}
