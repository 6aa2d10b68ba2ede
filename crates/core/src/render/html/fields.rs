//! The fields of a change, with their values before and after.

use crate::{
    plan::FieldDiff,
    render::{
        danger::trusted_identity,
        values::{self, DiffLine},
    },
    text::escape::Escaped,
};

use maud::{Markup, html};
use similar::ChangeTag;

/// Draws the fields of a change as a table.
pub(super) fn draw_fields(fields: &[FieldDiff]) -> Markup {
    if fields.is_empty() {
        return html! {};
    }
    html! {
        table class="fields" role="table" {
            caption class="unseen" { "Fields that change" }
            thead role="rowgroup" {
                tr role="row" { th role="columnheader" scope="col" { "Field" } th role="columnheader" scope="col" { "Before" } th role="columnheader" scope="col" { "After" } }
            }
            tbody role="rowgroup" { @for field in fields { (draw_field(field)) } }
        }
    }
}

fn draw_field(field: &FieldDiff) -> Markup {
    let side = |value: &Option<serde_json::Value>| {
        let shown = value.as_ref().map(|value| values::render_value(&field.path, value));
        html! { @if let Some(shown) = shown { code { (shown) } } @else { span class="absent" { "–" } } }
    };
    html! {
        // On a narrow screen its cells are blocks, which only roles keep a table.
        tr role="row" {
            th role="rowheader" scope="row" {
                (Escaped(&field.path))
                @if let Some(trusted) = trusted_identity(field) {
                    p class="security" { "security: " (trusted) " will be trusted for this worker" }
                }
            }
            @if let Some((before, after)) = values::long_text_sides(field) {
                td role="cell" colspan="2" { (draw_text_diff(&values::diff_lines(before, after))) }
            } @else {
                td role="cell" class="before" { (side(&field.before)) }
                td role="cell" class="after" { (side(&field.after)) }
            }
        }
    }
}

/// Draws two texts as a line diff.
fn draw_text_diff(lines: &[DiffLine]) -> Markup {
    html! {
        pre {
            @for line in lines {
                @match line.tag {
                    Some(ChangeTag::Delete) => del { "- " (line.text) },
                    Some(ChangeTag::Insert) => ins { "+ " (line.text) },
                    Some(ChangeTag::Equal) => span { "  " (line.text) },
                    None => span { "…" },
                }
                "\n"
            }
        }
    }
}
