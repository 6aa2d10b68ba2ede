//! What the plan's base asks for and the plan does not. It is not part of the plan, since it is not applied.

use super::{code, page::PageSection, section, words};
use crate::{
    plan::{PendingChange, UndoneFinding},
    render::{
        report::Report,
        undone::{UNDONE_TITLE, UndoneRow, level_word},
        values::render_fields,
    },
};

use maud::{Markup, html};

/// Draws what is undone, if the plan is compared with a base that asks for more.
pub(super) fn draw_undone(report: &Report) -> Option<PageSection> {
    let rows = &report.undone;
    let content = html! { ul { @for row in rows { li { (draw_row(row)) } } } };
    (!rows.is_empty()).then(|| section("undone", UNDONE_TITLE, Some(rows.len()), content))
}

fn draw_row(row: &UndoneRow) -> Markup {
    html! {
        @match row {
            UndoneRow::Change { subject, change } => {
                (change.action.as_str()) " " (code(subject)) ": " (render_fields(&change.fields))
            }
            UndoneRow::Finding(UndoneFinding { code, level, message, .. }) => {
                (level_word(*level)) "[" (super::code(code)) "] " (words(message))
            }
        }
    }
}

/// Draws what a group of changes is in place of, if the plan's base asks for another.
pub(super) fn draw_instead(instead: Option<&PendingChange>) -> Markup {
    html! {
        @if let Some(instead) = instead {
            p class="cause" { "pending until now: " (instead.action.as_str()) " " (render_fields(&instead.fields)) }
        }
    }
}
