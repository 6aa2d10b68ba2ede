//! The page of what an apply did: what was not made first, then every change with what was written.

use super::{
    changes::draw_action,
    code,
    fields::draw_fields,
    filters::Filters,
    page::{Page, PageSection},
    picture, section,
    steps::draw_steps,
    words,
};
use crate::{
    model::Address,
    plan::{ChangeAction, FieldDiff, ObjectKind, Plan, PlanOrigin},
    receipt::{ApplyStatus, ChangeOutcome, Receipt, ReceiptEntry, WrittenField},
    text::{escape::Escaped, pluralize},
};

use indexmap::IndexMap;
use maud::{Markup, html};
use serde_json::Value;

/// Renders the page of an apply; `plan` is what was applied, for its picture.
pub fn receipt_as_html(receipt: &Receipt, plan: Option<&Plan>) -> String {
    let what = match receipt.origin {
        PlanOrigin::Files => "Apply",
        PlanOrigin::Rollback => "Rollback",
    };
    let mut filters = Filters::default();
    let groups = group_entries(receipt);
    let sections = [
        draw_open(receipt),
        draw_changes(receipt, &groups, &mut filters),
        plan.and_then(picture::draw_picture),
    ];
    let page = Page {
        title: format!("{what} to space {}", receipt.server.space),
        verdict: draw_verdict(receipt),
        facts: draw_facts(receipt),
        sections: sections.into_iter().flatten().collect(),
        searches: true,
    };
    page.render()
}

fn draw_verdict(receipt: &Receipt) -> Markup {
    let all = receipt.entries.len();
    let done = receipt.entries.iter().filter(|it| it.outcome == ChangeOutcome::Done).count();
    let (class, text) = match receipt.status {
        ApplyStatus::Done if all == 0 => ("verdict none", "No changes".to_owned()),
        ApplyStatus::Done => ("verdict ready", format!("Done: {} made", pluralize(all, "change"))),
        ApplyStatus::Partial => {
            ("verdict refused", format!("Partly done: {done} of {} made", pluralize(all, "change")))
        }
        ApplyStatus::Running => {
            let text = format!("Not ended: {done} of {} made so far", pluralize(all, "change"));
            ("verdict refused", text)
        }
    };
    html! { p class=(class) { (text) } }
}

fn draw_facts(receipt: &Receipt) -> Markup {
    let (server, run) = (&receipt.server, &receipt.run);
    let known = [
        ("By", &run.user),
        ("CI job", &run.job),
        ("Commit", &run.commit.id),
        ("Wave", &run.wave),
        ("Plan", &run.plan),
    ];
    html! {
        dl class="facts" {
            div { dt { "Server" } dd { (Escaped(server.url.trim_end_matches(':'))) " (Octopus " (Escaped(&server.version)) ")" } }
            div { dt { "Space" } dd { (Escaped(&server.space)) } }
            div { dt { "Started" } dd { (Escaped(&receipt.started)) } }
            @if let Some(ended) = &receipt.ended { div { dt { "Ended" } dd { (Escaped(ended)) } } }
            @for (title, text) in known {
                @if let Some(text) = text { div { dt { (title) } dd { (Escaped(text)) } } }
            }
            div { dt { "Written by" } dd { (Escaped(&receipt.tool)) } }
            div { dt { "Digest of the files" } dd { (code(&receipt.config)) } }
        }
    }
}

/// Draws the changes that were not made, with the reason for each.
fn draw_open(receipt: &Receipt) -> Option<PageSection> {
    let open = receipt.entries.iter().filter(|entry| entry.outcome != ChangeOutcome::Done);
    let open: Vec<&ReceiptEntry> = open.collect();
    let content = html! {
        div class="wide" tabindex="0" role="region" aria-label="Changes that were not made" {
            table {
                caption class="unseen" { "Changes that were not made" }
                thead {
                    tr { th scope="col" { "Change" } th scope="col" { "Outcome" } th scope="col" { "Why" } }
                }
                tbody {
                    @for entry in &open {
                        tr {
                            th scope="row" { (code(&entry.address.to_string())) }
                            td { (entry.outcome.as_str()) }
                            td { (words(entry.error.as_deref().unwrap_or_default())) }
                        }
                    }
                }
            }
        }
    };
    (!open.is_empty()).then(|| section("open", "Not made", Some(open.len()), content))
}

/// Entries that are shown together: one, or steps to which the same was written.
struct EntryGroup<'a> {
    action: ChangeAction,
    outcome: ChangeOutcome,
    fields: Vec<FieldDiff>,
    entries: Vec<&'a ReceiptEntry>,
}

fn group_entries(receipt: &Receipt) -> Vec<EntryGroup<'_>> {
    let mut groups: Vec<EntryGroup> = Vec::new();
    let mut folds = IndexMap::new();
    for entry in &receipt.entries {
        let fields: Vec<FieldDiff> =
            entry.written.iter().map(|written| written_diff(written, receipt)).collect();
        if entry.kind == ObjectKind::Placement {
            let key = (format!("{:?}", entry.outcome), fields.clone());
            let at = *folds.entry(key).or_insert(groups.len());
            if let Some(group) = groups.get_mut(at) {
                group.entries.push(entry);
                continue;
            }
        }
        let (action, outcome) = (entry.action, entry.outcome);
        groups.push(EntryGroup { action, outcome, fields, entries: vec![entry] });
    }
    groups
}

/// Returns what was written to a field, with the names of pools in place of their ids.
fn written_diff(written: &WrittenField, receipt: &Receipt) -> FieldDiff {
    let name = |value: &Option<Value>| {
        value.clone().map(|value| match value.as_str().and_then(|id| receipt.pools.get(id)) {
            Some(name) => Value::from(name.as_str()),
            None => value,
        })
    };
    FieldDiff {
        path: written.field.to_string(),
        before: name(&written.before),
        after: name(&written.after),
    }
}

fn draw_changes(
    receipt: &Receipt,
    groups: &[EntryGroup],
    filters: &mut Filters,
) -> Option<PageSection> {
    let drawn: Vec<Markup> = groups.iter().map(|group| draw_group(group, filters)).collect();
    let content = html! {
        (filters.draw())
        div id="list" { @for group in &drawn { (group) } }
    };
    let count = receipt.entries.len();
    (count > 0).then(|| section("changes", "Changes", Some(count), content))
}

fn draw_group(group: &EntryGroup, filters: &mut Filters) -> Markup {
    let address = group.entries.first().map(|entry| entry.address.to_string());
    let is_fold = group.entries.len() > 1;
    let addresses = || group.entries.iter().map(|entry| &entry.address);
    let own = addresses().filter(|it| !is_fold || !matches!(it, Address::Step { .. }));
    let keys = filters.pool_keys(own);
    let project =
        if is_fold { None } else { addresses().next().and_then(|it| filters.project(it)) };
    html! {
        details class="group" data-pools=[keys] data-project=[project] {
            summary {
                (draw_action(group.action)) " "
                @if is_fold { (pluralize(group.entries.len(), "step")) }
                @else if let Some(address) = address { (code(&address)) }
                " " span class={ "outcome " (group.outcome.as_str()) } { (group.outcome.as_str()) }
            }
            (draw_fields(&group.fields))
            @if is_fold { (draw_steps(addresses(), filters)) }
        }
    }
}
