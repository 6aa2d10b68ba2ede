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
/// How many projects are named where there are too many: as many as fit.
const PROJECTS: [usize; 9] = [usize::MAX, 800, 600, 400, 300, 200, 100, 50, 20];
/// How many places that the steps of a project go to are named.
const PLACES: usize = 2;

/// Returns the forms of the dangers of one kind, from whole to short.
pub(super) fn danger_forms(kind: DangerKind, dangers: &[&Danger]) -> Vec<String> {
    let mut forms = vec![list_all(kind, dangers)];
    if matches!(kind, DangerKind::OntoServer | DangerKind::Nowhere | DangerKind::Unnamed) {
        forms.push(by_project(kind, dangers, NAMED, usize::MAX));
        forms.extend(PROJECTS.map(|most| by_project(kind, dangers, 0, most)));
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

/// Folds steps by their project: `` `Web Store`: 12 steps, `pools.a` → the Octopus Server ``.
fn by_project(kind: DangerKind, dangers: &[&Danger], named: usize, most: usize) -> String {
    let mut projects: IndexMap<&str, Vec<&Danger>> = IndexMap::new();
    for danger in dangers {
        let project = danger.subject.split_once(" / ").map_or(&*danger.subject, |it| it.0);
        projects.entry(project).or_default().push(danger);
    }
    let count = projects.len();
    let mut text = format!("{}\n", title(kind, dangers));
    for (project, steps) in projects.into_iter().take(most) {
        let name = |danger: &&Danger| {
            let step = danger.subject.strip_prefix(project).unwrap_or_default();
            code_span(step.strip_prefix(" / ").unwrap_or(step))
        };
        let names: Vec<String> = steps.iter().take(named).map(name).collect();
        let names = match (names.is_empty(), steps.len().saturating_sub(named)) {
            (true, _) => String::new(),
            (false, 0) => format!(" ({})", names.join(", ")),
            (false, more) => format!(" ({} and {more} more)", names.join(", ")),
        };
        let mut places: Vec<String> =
            steps.iter().map(|danger| danger.what.describe(code_span, prose)).collect();
        places.sort_unstable();
        places.dedup();
        let others = if places.len() > PLACES { ", and elsewhere" } else { "" };
        places.truncate(PLACES);
        let (steps, places) = (pluralize(steps.len(), "step"), places.join(", "));
        _ = writeln!(text, "- {}: {steps}, {places}{others}{names}", code_span(project));
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
