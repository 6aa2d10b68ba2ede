//! The pools of deployment targets in a file, brought to those that are live.
//!
//! Never: a guess about what could not be read.

use super::{FileUpdater, KeepError, TomlTable, escape_value, indirect_pools, placements};
use crate::{
    desired::TargetPoolRule,
    finding::Finding,
    live::{HiddenData, LiveTarget, TargetReach},
    model::{Name, Place},
    plan::{Change, ChangeKind},
};

use std::fmt::Write as _;

/// Words for a rule.
const RULE: &str = "target_pools";

impl<'a> FileUpdater<'a> {
    /// Has the rules about targets say what pools these name.
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

    /// A rule that leads nowhere: to a pool that is gone, or to targets that are, or do their own work.
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
                        &format!(
                            "a rule about targets is removed: {why}, and no target that it is about"
                        ),
                    );
                }
            }
            return Ok(());
        }
        let names = rule.target.iter().flat_map(|it| it.value.exact_names()).map(Name::new);
        let is_lost = |name: &Name| !self.cloud_targets().any(|target| target.name == *name);
        let lost: Vec<Name> = names.filter(is_lost).collect();
        self.remove_targets(at, table, &lost.iter().collect::<Vec<_>>());
        Ok(())
    }

    /// A rule about targets that name another pool.
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
            others.retain(|other| other.pool != first.pool);
        }
        let is_named = |target: &&LiveTarget| {
            let mut names = rule.target.iter().flat_map(|it| it.value.exact_names());
            names.any(|name| Name::new(name) == target.name)
        };
        let (named, wild): (Vec<_>, Vec<_>) = others.into_iter().partition(is_named);
        if !named.is_empty() {
            let names: Vec<&Name> = named.iter().map(|it| &it.name).collect();
            return self.remove_targets(at, table, &names);
        }
        if !wild.is_empty() {
            let (count, tables) = (wild.len(), self.target_exceptions(&wild));
            self.edit_notes
                .push(format!("{} before a rule", crate::text::pluralize(count, "exception")));
            self.document.insert_before(at, &tables);
        }
    }

    /// Rules that say what these targets name, or leave those of which that cannot be said.
    fn target_exceptions(&self, targets: &[&LiveTarget]) -> String {
        let live = self.round.live;
        let is_same = |one: &LiveTarget, it: &LiveTarget| std::ptr::eq(one, it);
        let (mut text, _) = indirect_pools::target_tables(live, &self.pools, |target| {
            targets.iter().any(|one| is_same(one, target))
        });
        for target in targets {
            let (table, _) =
                indirect_pools::target_tables(live, &self.pools, |it| is_same(target, it));
            if !table.is_empty() {
                continue;
            }
            let alone = live.indirect.targets.iter().filter(|other| other.name == target.name);
            let exact = indirect_pools::is_exact_name(target.name.as_str()) && alone.count() == 1;
            let said = if target.pool.is_none() && exact { "default_pool" } else { "leave" };
            let name = escape_value(&placements::pattern_for_name(target.name.as_str()));
            _ = writeln!(text, "\n[[target_pools]]\ntarget = {name}\n{said} = true");
        }
        text
    }

    /// Has a rule say what a target names.
    fn set_target_pool(&mut self, table: &TomlTable, target: &LiveTarget) {
        let place = target.pool.clone().map_or(Place::DefaultPool, Place::Pool);
        let (said, value) = placements::verdict_for_place(&place, &self.pools);
        if !["pool", "default_pool"]
            .iter()
            .any(|text| self.document.replace_key(table, text, said, &value))
        {
            self.document.set_value(table, said, &value);
        }
        self.edit_notes.push(format!("a rule about targets says {said} = {value}"));
    }

    /// Takes targets out of a rule, or the rule out of the file where nothing would be left of it.
    fn remove_targets(&mut self, at: usize, table: &TomlTable, names: &[&Name]) {
        match self.document.remove_names(table, "target", |it| names.contains(&it)) {
            true => self
                .edit_notes
                .push("a rule no longer names targets of which it is not so".to_owned()),
            false => self
                .remove_rule(at, "a rule about targets is removed: it is so of none that it names"),
        }
    }

    fn remove_rule(&mut self, at: usize, why: &str) {
        self.edit_notes.push(why.to_owned());
        self.document.remove_table(at, "");
    }

    /// Adds the targets that no rule is about, where the file has had rules about targets.
    pub(super) fn add_target_rules(&mut self) {
        if !self.round.has_targets {
            return;
        }
        let rules = &self.round.file_plan.desired.target_rules;
        let is_new =
            |target: &LiveTarget| !rules.iter().any(|rule| rule_covers_target(rule, target));
        let (tables, _) = indirect_pools::target_tables(self.round.live, &self.pools, is_new);
        if !tables.is_empty() {
            self.edit_notes.push("targets that no rule was about".to_owned());
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

    /// The targets that a rule decides about.
    fn decided_targets(&self, rule: &TargetPoolRule) -> Vec<&'a LiveTarget> {
        let rules = &self.round.file_plan.desired.target_rules;
        let decides = |target: &&LiveTarget| {
            let first = rules.iter().find(|rule| rule_covers_target(rule, target));
            first.is_some_and(|it| std::ptr::eq(&it.value, rule))
        };
        self.cloud_targets().filter(decides).collect()
    }
}

/// Whether a rule is about a target, were it the only one.
fn rule_covers_target(rule: &TargetPoolRule, target: &LiveTarget) -> bool {
    let (named, tagged) = (rule.target.as_ref(), rule.target_tag.as_ref());
    named.is_none_or(|it| it.matches_folded(target.name.as_folded()))
        && tagged.is_none_or(|tagged| tagged.matches_any(target.roles.iter().map(String::as_str)))
}
