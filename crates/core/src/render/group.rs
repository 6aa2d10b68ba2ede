//! The structure of a rendered plan: sections, and groups of changes that fold.
//!
//! Every format for people builds on it. Never: layout, colour, escaping.

use crate::{
    finding::{SourceLine, Sources},
    plan::{
        Cause, Change, ChangeAction, ChangeKind, Consequences, DEFAULT_WORD, DefaultPool,
        FieldDiff, ObjectKind, Plan,
    },
};

use serde_json::{Value, json};
use std::collections::HashMap;

/// All changes to one kind of object.
pub(super) struct PlanSection<'a> {
    /// The heading.
    pub(super) title: &'static str,
    /// The changes, in plan order.
    pub(super) blocks: Vec<ChangeGroup<'a>>,
}

/// Changes that are shown together: a single one, or the steps that one rule moves in the same way.
pub(super) struct ChangeGroup<'a> {
    /// The action that all of them share.
    pub(super) action: ChangeAction,
    /// The changes; at least one.
    pub(super) changes: Vec<&'a Change>,
    /// The fields that change, equal in all of them.
    pub(super) fields: Vec<FieldDiff>,
    /// The line in the file that causes them.
    pub(super) line: Option<SourceLine>,
}

/// Returns the non-empty sections of a plan in the order in which changes are applied: the built-in worker
/// is switched on first and off last.
pub(super) fn plan_sections<'a>(plan: &'a Plan, sources: &Sources) -> Vec<PlanSection<'a>> {
    let titles = [
        (ObjectKind::Server, "Server"),
        (ObjectKind::Pool, "Pools"),
        (ObjectKind::Worker, "Workers"),
        (ObjectKind::Variable, "Variables"),
        (ObjectKind::Target, "Targets"),
        (ObjectKind::Placement, "Placements"),
    ];
    let build_section = |(object, title)| {
        let changes = plan.changes.iter().filter(|change| change.kind.object_kind() == object);
        PlanSection { title, blocks: collect_blocks(changes, &plan.consequences, sources) }
    };
    let sections = titles.into_iter().map(build_section).filter(|it| !it.blocks.is_empty());
    let mut sections: Vec<_> = sections.collect();
    sections.sort_by_key(PlanSection::switches_off);
    sections
}

impl PlanSection<'_> {
    fn switches_off(&self) -> bool {
        let mut changes = self.blocks.iter().flat_map(|block| &block.changes);
        changes.any(|change| matches!(change.kind, ChangeKind::SetBuiltInWorker { enabled: false }))
    }
}

fn collect_blocks<'a>(
    changes: impl Iterator<Item = &'a Change>,
    consequences: &Consequences,
    sources: &Sources,
) -> Vec<ChangeGroup<'a>> {
    let mut blocks: Vec<ChangeGroup> = Vec::new();
    let mut folds = HashMap::new();
    for change in changes {
        let fields = shown_fields(change, consequences);
        let line = sources.line_of(&change.cause.location);
        let action = change.kind.action();
        if let ChangeKind::PlaceStep { .. } = change.kind {
            let Cause { location: _, rule, why } = &change.cause;
            let commit = change.kind.git_commit().map(|commit| (&commit.base, &commit.message));
            let key = (line.clone(), rule, why, commit, fields.clone());
            let at = *folds.entry(key).or_insert(blocks.len());
            if let Some(block) = blocks.get_mut(at) {
                block.changes.push(change);
                continue;
            }
        }
        blocks.push(ChangeGroup { action, changes: vec![change], fields, line });
    }
    blocks
}

/// Returns the fields of a change, with what `default` means for a step that names no pool.
fn shown_fields(change: &Change, consequences: &Consequences) -> Vec<FieldDiff> {
    let mut fields = change.kind.field_diffs();
    let Consequences { default_before, default_after, .. } = consequences;
    if let ChangeKind::PlaceStep { .. } | ChangeKind::SetTargetPool { .. } = change.kind {
        let sides = fields.iter_mut().filter(|field| field.path == "pool").flat_map(|field| {
            [(&mut field.before, default_before), (&mut field.after, default_after)]
        });
        for (side, default) in sides {
            if side.as_ref().and_then(Value::as_str) == Some(DEFAULT_WORD)
                && let Some(default) = default
            {
                *side = Some(json!(describe_default(default)));
            }
        }
    }
    fields
}

/// Describes what `default` leads to: `default (pools.sql)`, `default (the Octopus Server)`.
pub(super) fn describe_default(default: &DefaultPool) -> String {
    if default.on_server {
        format!("{DEFAULT_WORD} (the Octopus Server)")
    } else {
        format!("{DEFAULT_WORD} ({})", default.pool)
    }
}
