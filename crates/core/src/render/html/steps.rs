//! Steps as rows that can be searched, and the fold that they stand in.

use super::{
    code,
    filters::{Filters, GroupKeys},
};
use crate::{
    model::{Address, ProcessName},
    text::escape::Escaped,
};

use maud::{Markup, html};

/// Returns a text as an attribute's value, unless it is empty.
pub(super) fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Draws steps as rows that can be searched.
pub(super) fn draw_steps<'a>(
    addresses: impl Iterator<Item = &'a Address>,
    filters: &mut Filters,
) -> Markup {
    html! {
        table class="steps" {
            caption class="unseen" { "Steps" }
            thead {
                tr { th scope="col" { "Project" } th scope="col" { "Process" } th scope="col" { "Step" } }
            }
            tbody { @for address in addresses { (draw_step(address, filters)) } }
        }
    }
}

fn draw_step(address: &Address, filters: &mut Filters) -> Markup {
    let number = filters.project(address);
    let Address::Step { project, branch, process, step } = address else { return html! {} };
    let process = match process {
        ProcessName::Deployment => "deployment",
        ProcessName::Runbook(runbook) => runbook,
    };
    html! {
        tr data-project=[number] {
            td { (Escaped(project)) }
            td { (Escaped(process)) @if let Some(branch) = branch { " on " (code(branch)) } }
            th scope="row" { (Escaped(step)) }
        }
    }
}

/// Returns what a group's details need to be found.
pub(super) fn keyed_group(keys: &GroupKeys, summary: Markup, content: Markup) -> Markup {
    html! {
        details class="group" data-pools=[filled(&keys.pools)] data-rule=[filled(&keys.rule)] {
            summary { (summary) }
            (content)
        }
    }
}
