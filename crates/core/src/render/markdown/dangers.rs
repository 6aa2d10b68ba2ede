//! The dangers of a plan: all named, or folded by project where there are too many for the room.

use super::place;
use crate::{
    render::danger::{Danger, DangerKind},
    text::{
        markdown::{code_span, prose},
        pluralize,
    },
};

use indexmap::IndexMap;
use std::fmt::Write as _;

/// How many steps of a project are named where they are folded by project.
const NAMED: usize = 3;
/// How many projects are named where there are too many.
const PROJECTS: usize = 20;

/// Returns the forms of the dangers of one kind, from whole to short.
pub(super) fn danger_forms(kind: DangerKind, dangers: &[&Danger]) -> Vec<String> {
    let mut forms = vec![list_all(kind, dangers)];
    if matches!(kind, DangerKind::OntoServer | DangerKind::Nowhere | DangerKind::Unnamed) {
        forms.push(by_project(kind, dangers, NAMED, usize::MAX));
        forms.push(by_project(kind, dangers, 0, usize::MAX));
        forms.push(by_project(kind, dangers, 0, PROJECTS));
    } else {
        forms.push(list_some(kind, dangers, 100));
        forms.push(list_some(kind, dangers, 20));
        forms.push(list_some(kind, dangers, 3));
    }
    forms.push(format!("{}\n", title(kind, dangers)));
    forms
}

fn title(kind: DangerKind, dangers: &[&Danger]) -> String {
    format!("**{}: {}**\n", kind.title(), dangers.len())
}

fn list_all(kind: DangerKind, dangers: &[&Danger]) -> String {
    list_some(kind, dangers, usize::MAX)
}

fn list_some(kind: DangerKind, dangers: &[&Danger], most: usize) -> String {
    let mut text = format!("{}\n", title(kind, dangers));
    for danger in dangers.iter().take(most) {
        let Danger { subject, what, line, .. } = danger;
        let at = line.as_ref().map(|line| format!(" ({})", place(line))).unwrap_or_default();
        _ = writeln!(text, "- {}: {}{at}", code_span(subject), what.describe(code_span, prose));
    }
    push_rest(&mut text, dangers.len(), most);
    text.push('\n');
    text
}

/// Folds steps by their project and by where they go: `` `Web Store`: 12 steps `pools.a` → the Octopus Server ``.
fn by_project(kind: DangerKind, dangers: &[&Danger], named: usize, most: usize) -> String {
    let mut groups: IndexMap<(&str, String), Vec<&str>> = IndexMap::new();
    for danger in dangers {
        let (project, step) =
            danger.subject.split_once(" / ").unwrap_or((danger.subject.as_str(), ""));
        groups.entry((project, danger.what.describe(code_span, prose))).or_default().push(step);
    }
    let count = groups.len();
    let mut text = format!("{}\n", title(kind, dangers));
    for ((project, what), steps) in groups.into_iter().take(most) {
        let steps_shown: Vec<String> =
            steps.iter().take(named).map(|step| code_span(step)).collect();
        let more = steps.len().saturating_sub(named);
        let names = match (steps_shown.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(" ({})", steps_shown.join(", ")),
            (false, more) => format!(" ({} and {more} more)", steps_shown.join(", ")),
        };
        let steps = pluralize(steps.len(), "step");
        _ = writeln!(text, "- {}: {steps} {what}{names}", code_span(project));
    }
    push_rest(&mut text, count, most);
    text.push('\n');
    text
}

fn push_rest(text: &mut String, count: usize, most: usize) {
    if count > most {
        _ = writeln!(text, "- and {} more", count - most);
    }
}
