//! The structure of a rendered plan: sections, and groups of changes that fold.
//!
//! Every format for people builds on it. Never: layout, colour, escaping.

use crate::{
    finding::{ChangeOrigin, SourceLine, Sources},
    plan::{
        Cause, Change, ChangeAction, ChangeKind, Consequences, DEFAULT_WORD, DefaultPool,
        FieldDiff, ObjectKind, PendingChange, Plan,
    },
};

use serde_json::{Value, json};
use std::collections::HashMap;

/// All changes to one kind of object.
pub(super) struct PlanSection<'a> {
    /// The heading.
    pub(super) title: &'static str,
    /// Whether the plan's base asks for these changes too, if the plan is compared with one.
    pub(super) origin: Option<ChangeOrigin>,
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
    /// What the plan's base asks for instead, equal in all of them but for the address.
    pub(super) instead_of: Option<&'a PendingChange>,
}

/// Returns the non-empty sections of a plan in the order in which changes are applied: the built-in worker
/// is switched on first and off last. What was pending before comes after what the files bring.
pub(super) fn plan_sections<'a>(plan: &'a Plan, sources: &Sources) -> Vec<PlanSection<'a>> {
    let build_section = |origin: Option<ChangeOrigin>, object| {
        let is_own = |it: &&Change| it.kind.object_kind() == object && it.cause.origin == origin;
        let changes = plan.changes.iter().filter(is_own);
        let blocks = collect_blocks(changes, &plan.consequences, sources);
        PlanSection { title: section_title(object, origin), origin, blocks }
    };
    let origins = [None, Some(ChangeOrigin::Brought), Some(ChangeOrigin::Pending)];
    let sections = origins
        .into_iter()
        .flat_map(|origin| SECTIONS.into_iter().map(move |object| build_section(origin, object)));
    let mut sections: Vec<_> = sections.filter(|it| !it.blocks.is_empty()).collect();
    sections.sort_by_key(|section| (section.origin, section.switches_off()));
    sections
}

/// The kinds of objects, in the order of their sections.
const SECTIONS: [ObjectKind; 6] = [
    ObjectKind::Server,
    ObjectKind::Pool,
    ObjectKind::Worker,
    ObjectKind::Variable,
    ObjectKind::Target,
    ObjectKind::Placement,
];

/// Returns the heading of the changes to one kind of object, which says in every format what was already pending.
fn section_title(object: ObjectKind, origin: Option<ChangeOrigin>) -> &'static str {
    let is_pending = origin == Some(ChangeOrigin::Pending);
    let (title, pending) = match object {
        ObjectKind::Server => ("Server", "Server, already pending"),
        ObjectKind::Pool => ("Pools", "Pools, already pending"),
        ObjectKind::Worker => ("Workers", "Workers, already pending"),
        ObjectKind::Variable => ("Variables", "Variables, already pending"),
        ObjectKind::Target => ("Targets", "Targets, already pending"),
        ObjectKind::Placement => ("Placements", "Placements, already pending"),
    };
    if is_pending { pending } else { title }
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
            let Cause { location: _, rule, why, origin: _, instead_of, event: _ } = &change.cause;
            let commit = change.kind.git_commit().map(|commit| (&commit.base, &commit.message));
            let instead = instead_of.as_ref().map(|it| (it.action, &it.fields));
            let key = (line.clone(), rule, why, instead, commit, fields.clone());
            let at = *folds.entry(key).or_insert(blocks.len());
            if let Some(block) = blocks.get_mut(at) {
                block.changes.push(change);
                continue;
            }
        }
        let instead_of = change.cause.instead_of.as_deref();
        blocks.push(ChangeGroup { action, changes: vec![change], fields, line, instead_of });
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
