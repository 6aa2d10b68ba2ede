//! Renders a plan, or the receipt of an apply, as a page: one file that refers to nothing outside itself.
//!
//! Whole without its script, which only searches and filters. The page's own content security policy lets through its
//! style and its script by their digests, and nothing else; templates escape every text by its type, and [`Escaped`]
//! shows what would hide or reorder a name.

mod changes;
mod fields;
mod filters;
mod findings;
mod moved;
mod page;
mod picture;
mod receipt;
mod steps;
mod summary;
mod undone;

pub use receipt::receipt_as_html;

use super::report::Report;
use crate::{
    finding::Sources,
    plan::{Plan, PlanOrigin},
    text::escape::Escaped,
};

use changes::ChangeList;
use maud::{Markup, html};
use page::{Page, PageSection};

/// Renders the page of a plan.
pub(super) fn render_plan(plan: &Plan, sources: &Sources) -> String {
    let report = Report::new(plan, sources);
    let what = match plan.header.origin {
        PlanOrigin::Files => "Plan",
        PlanOrigin::Rollback => "Rollback plan",
    };
    let title = format!("{what} for space {}", plan.header.space.name);
    let list = ChangeList::new(&report);
    let sections = [
        summary::draw_dangers(&report),
        findings::draw_findings(&report, sources),
        picture::draw_picture(plan),
        list.draw(),
        undone::draw_undone(&report),
        summary::draw_projects(&report),
        summary::draw_notes(&report),
    ];
    let page = Page {
        title,
        verdict: summary::draw_verdict(&report),
        facts: summary::draw_plan_facts(plan),
        sections: sections.into_iter().flatten().collect(),
        searches: true,
    };
    page.render()
}

/// Returns a section with its heading and what is in it.
fn section(id: &'static str, title: &str, count: Option<usize>, content: Markup) -> PageSection {
    PageSection { id, title: title.to_owned(), count, content }
}

/// Draws a name or another text that the program did not write.
fn code(text: &str) -> Markup {
    html! { code { (Escaped(text)) } }
}

/// Draws a message: what stands between backticks is a name. An odd backtick is part of one.
fn words(message: &str) -> Markup {
    let parts: Vec<&str> = message.split('`').collect();
    let is_balanced = parts.len() % 2 == 1;
    html! {
        @if is_balanced {
            @for (at, part) in parts.iter().enumerate() {
                @if at % 2 == 1 { (code(part)) } @else { (Escaped(part)) }
            }
        } @else { (Escaped(message)) }
    }
}

#[cfg(test)]
mod tests;
