//! What the changes can be narrowed to: projects, pools and rules, each with a number that rows refer to.

use super::super::group::ChangeGroup;
use crate::{
    model::Address,
    plan::{Change, ExecutionPlace, MovedStep},
    render::report::step_project,
    text::escape::Escaped,
};

use indexmap::IndexSet;
use maud::{Markup, html};

/// The choices, in the order in which they are met.
#[derive(Default)]
pub(super) struct Filters {
    projects: IndexSet<String>,
    pools: IndexSet<String>,
    rules: IndexSet<String>,
}

/// What a group of changes is found by.
#[derive(Default)]
pub(super) struct GroupKeys {
    /// The numbers of its pools, with spaces between them.
    pub(super) pools: String,
    /// The number of its rule; empty if no rule asks for it.
    pub(super) rule: String,
}

impl Filters {
    /// Returns the number of a project.
    pub(super) fn project(&mut self, address: &Address) -> Option<usize> {
        step_project(address).map(|name| self.projects.insert_full(name.to_owned()).0)
    }

    /// Returns what a group of changes is found by.
    pub(super) fn group_keys(&mut self, group: &ChangeGroup) -> GroupKeys {
        let Some(first) = group.changes.first() else { return GroupKeys::default() };
        let rule = describe_rule(first, group);
        let rule = rule.map(|rule| self.rules.insert_full(rule).0.to_string());
        let handles = group.changes.iter().flat_map(|change| change.kind.pool_handles());
        let own = group.changes.iter().map(|change| &change.address);
        let own = own.filter(|address| matches!(address, Address::Pool(_)));
        let pools = handles.map(|pool| pool.address()).chain(own);
        let pools = self.pool_numbers(pools.map(ToString::to_string));
        GroupKeys { pools, rule: rule.unwrap_or_default() }
    }

    /// Returns the numbers of the pools among some addresses; `None` if there is none.
    pub(super) fn pool_keys<'a>(
        &mut self,
        addresses: impl Iterator<Item = &'a Address>,
    ) -> Option<String> {
        let pools = addresses.filter(|address| matches!(address, Address::Pool(_)));
        Some(self.pool_numbers(pools.map(ToString::to_string))).filter(|keys| !keys.is_empty())
    }

    /// Returns what steps are found by that move although no change names them.
    pub(super) fn moved_keys(&mut self, step: &MovedStep) -> GroupKeys {
        let places = step.before.iter().chain(&step.after);
        let pools = places.filter_map(|place| match place {
            ExecutionPlace::Pool(address) => Some(address.to_string()),
            _ => None,
        });
        let pools = self.pool_numbers(pools);
        GroupKeys { pools, rule: String::new() }
    }

    fn pool_numbers(&mut self, pools: impl Iterator<Item = String>) -> String {
        let numbers: IndexSet<usize> = pools.map(|pool| self.pools.insert_full(pool).0).collect();
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        numbers.join(" ")
    }

    /// Draws the form. It is hidden until the script that answers it runs.
    pub(super) fn draw(&self) -> Markup {
        html! {
            form id="filters" role="search" aria-label="Search the changes" hidden {
                label { "Search " input type="search" id="query" autocomplete="off" spellcheck="false"; }
                (choice("project", "Project", "every project", &self.projects))
                (choice("pool", "Pool", "every pool", &self.pools))
                (choice("rule", "Rule", "every rule", &self.rules))
                button type="reset" { "Show everything" }
            }
            p id="found" role="status" aria-live="polite" hidden {}
        }
    }
}

fn choice(id: &str, label: &str, all: &str, names: &IndexSet<String>) -> Markup {
    let mut sorted: Vec<(usize, &String)> = names.iter().enumerate().collect();
    sorted.sort_by_key(|(_, name)| name.to_lowercase());
    html! {
        @if !names.is_empty() {
            label {
                (label) " "
                select id=(id) {
                    option value="" { (all) }
                    @for (number, name) in sorted { option value=(number) { (Escaped(name)) } }
                }
            }
        }
    }
}

/// Returns the rule that asks for a group of changes: its label, and where it is.
fn describe_rule(change: &Change, group: &ChangeGroup) -> Option<String> {
    let place = group.line.as_ref().map(|line| format!("{}:{}", line.file, line.line));
    let is_step = step_project(&change.address).is_some();
    match (&change.cause.rule, place) {
        (Some(rule), Some(place)) => Some(format!("{rule} ({place})")),
        (Some(rule), None) => Some(rule.clone()),
        (None, Some(place)) if is_step => Some(format!("the rule at {place}")),
        (None, _) => None,
    }
}
