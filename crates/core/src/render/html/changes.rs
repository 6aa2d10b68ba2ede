//! The changes, in groups that fold, and the steps that move without a change of their own; all of it searchable.

use super::{
    code,
    fields::draw_fields,
    filters::Filters,
    moved,
    page::PageSection,
    section,
    steps::{draw_steps, filled},
    summary::draw_line,
    undone::draw_instead,
    words,
};
use crate::{
    plan::{Change, ChangeAction, ChangeKind},
    render::{
        danger::newly_trusted,
        group::{ChangeGroup, PlanSection},
        notes,
        report::{Report, step_project},
    },
    text::{escape::Escaped, pluralize},
};

use maud::{Markup, html};
use std::collections::HashSet;

/// Groups with at most so many steps are open from the start.
const FEW_STEPS: usize = 20;

/// Pages with at most so many groups have them open from the start.
const FEW_GROUPS: usize = 30;

/// The list of changes, drawn.
pub(super) struct ChangeList {
    filters: Filters,
    sections: Vec<Markup>,
    count: usize,
}

impl ChangeList {
    /// Draws the changes of a plan.
    pub(super) fn new(report: &Report) -> Self {
        let mut filters = Filters::default();
        let groups: usize = report.sections.iter().map(|section| section.blocks.len()).sum();
        let opens = groups <= FEW_GROUPS;
        let mut sections: Vec<Markup> =
            report.sections.iter().map(|it| draw_section(it, &mut filters, opens)).collect();
        let consequences = &report.plan.consequences;
        sections.extend(moved::draw_moved(&consequences.affected, &mut filters));
        let count = report.plan.changes.len();
        Self { filters, sections, count }
    }

    /// Returns the section of the page, if there is anything in it.
    pub(super) fn draw(&self) -> Option<PageSection> {
        let content = html! {
            (self.filters.draw())
            div id="list" { @for section in &self.sections { (section) } }
        };
        (!self.sections.is_empty())
            .then(|| section("changes", "Changes", Some(self.count), content))
    }
}

fn draw_section(section: &PlanSection, filters: &mut Filters, opens: bool) -> Markup {
    let count: usize = section.blocks.iter().map(|block| block.changes.len()).sum();
    html! {
        div class="kind" {
            h3 { (section.title) " " span class="count" { "(" (count) ")" } }
            @for block in &section.blocks { (draw_group(block, filters, opens)) }
        }
    }
}

fn draw_group(group: &ChangeGroup, filters: &mut Filters, opens: bool) -> Markup {
    let keys = filters.group_keys(group);
    let Some(first) = group.changes.first() else { return html! {} };
    let only = group.changes.len() == 1;
    let project = if only { filters.project(&first.address) } else { None };
    let is_open = opens && group.changes.len() <= FEW_STEPS;
    html! {
        details class="group" open[is_open] data-pools=[filled(&keys.pools)] data-rule=[filled(&keys.rule)]
            data-project=[project] {
            summary {
                (draw_action(group.action)) " "
                @if only { (code(&first.address.to_string())) } @else { (describe_fold(group)) (by_rule(first)) }
                @if let Some(line) = &group.line { " " (draw_line(line)) }
            }
            @if only && first.cause.rule.is_some() { p class="cause" { (by_rule(first)) } }
            @if let Some(why) = &first.cause.why { p class="cause" { "because " (words(why)) } }
            (draw_fields(&group.fields))
            (draw_extras(first))
            (draw_instead(group.instead_of))
            @if !only { (draw_steps(group.changes.iter().map(|it| &it.address), filters)) }
        }
    }
}

/// Draws what a change does, as a sign and as a word.
pub(super) fn draw_action(action: ChangeAction) -> Markup {
    let word = match action {
        ChangeAction::Create => "create",
        ChangeAction::Update => "update",
        ChangeAction::Replace => "replace",
        ChangeAction::Delete => "delete",
    };
    html! { span class={ "action " (word) } { span aria-hidden="true" { (action.symbol()) } " " (word) } }
}

fn describe_fold(group: &ChangeGroup) -> String {
    let projects: HashSet<_> =
        group.changes.iter().filter_map(|it| step_project(&it.address)).collect();
    let steps = pluralize(group.changes.len(), "step");
    format!("{steps} in {}", pluralize(projects.len(), "project"))
}

fn by_rule(change: &Change) -> Markup {
    html! { @if let Some(rule) = &change.cause.rule { " by rule " q { (Escaped(rule)) } } }
}

/// Draws what a change means besides its fields.
fn draw_extras(change: &Change) -> Markup {
    let replaced = match &change.kind {
        ChangeKind::SetDefaultPool { from: Some(from), .. } => Some(from.address().to_string()),
        _ => None,
    };
    html! {
        @if let Some(commit) = change.kind.git_commit() { p class="cause" { (words(&notes::describe_commit(commit))) } }
        @if change.kind.action() == ChangeAction::Replace {
            @for what in newly_trusted(change) { p class="security" { "security: " (what) } }
        }
        @if let Some(replaced) = replaced { p class="cause" { "in place of " (code(&replaced)) } }
    }
}
