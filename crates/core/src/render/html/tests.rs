//! The page of a plan: whole, closed to the outside, and deaf to what names say.

use super::*;
use crate::{
    model::Place,
    plan::sample,
    receipt::{ApplyStatus, ChangeOutcome, Receipt},
    render::receipt_as_html,
    text::escape::{Syntax, escape_output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

const HOSTILE: &str =
    "</script><script>alert(1)</script>\"><img src=x onerror=alert(1)> {{7*7}} \u{202e}gnp";

fn page(plan: &Plan) -> String {
    super::render_plan(plan, &sample::sources())
}

fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    page.split_once(start).unwrap().1.split_once(end).unwrap().0
}

#[test]
fn every_part_of_a_plan_is_on_its_page() {
    let plan = sample::everything();
    let page = page(&plan);
    for change in &plan.changes {
        let address = html! { (change.address) }.into_string();
        let step = match &change.address {
            crate::model::Address::Step { step, .. } => html! { (Escaped(step)) }.into_string(),
            _ => address,
        };
        assert!(page.contains(&step), "{step}");
    }
    for finding in &plan.findings {
        assert!(page.contains(finding.code.as_str()), "{}", finding.code);
    }
    for heading in ["Look at this first", "Findings", "Where steps run", "Changes", "Projects"] {
        assert!(page.contains(heading), "{heading}");
    }
    assert!(page.contains(&crate::render::headline(&plan)));
}

#[test]
fn the_policy_allows_only_the_pages_own_style_and_script() {
    let page = page(&sample::everything());
    let digest = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    let (style, script) =
        (between(&page, "<style>", "</style>"), between(&page, "<script>", "</script>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'; script-src {}",
            digest(style),
            digest(script)
        )
    );
    for outside in [
        "http-equiv=\"refresh",
        "<link",
        "<iframe",
        "<img",
        " src=",
        "url(",
        "@import",
        " style=",
        " onclick=",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    let links: Vec<&str> = page.split(" href=\"").skip(1).collect();
    assert!(links.iter().all(|link| link.starts_with('#')));
}

#[test]
fn a_hostile_name_is_escaped_everywhere_on_a_page() {
    let mut plan = sample::everything();
    plan.header.url = HOSTILE.into();
    plan.header.space.name = HOSTILE.into();
    plan.header.files = vec![HOSTILE.into()];
    for change in &mut plan.changes {
        change.cause.rule = Some(HOSTILE.into());
        change.cause.why = Some(HOSTILE.into());
    }
    for finding in &mut plan.findings {
        finding.message = HOSTILE.into();
        finding.notes = vec![HOSTILE.into()];
        finding.help = Some(HOSTILE.into());
    }
    plan.changes.push(sample::placement(HOSTILE, HOSTILE, Place::Variable(HOSTILE.into())));
    let mut tally = plan.consequences.places.first().cloned().unwrap();
    tally.name = HOSTILE.into();
    tally.after.as_mut().unwrap().workers = vec![HOSTILE.into()];
    plan.consequences.places = vec![tally];
    let page = page(&plan);
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("<img") && !page.contains('\u{202e}'));
    assert!(page.matches("&lt;img src=x onerror=alert(1)&gt;").count() > 10);
}

#[test]
fn output_escaping_leaves_a_page_unchanged() {
    let page = page(&sample::everything());
    assert_eq!(escape_output(&page, Syntax::Html), page);
}

#[test]
fn a_page_of_a_plan_without_changes_has_no_drawing() {
    let page = page(&sample::plan(Vec::new(), Vec::new()));
    assert!(page.contains("No changes: the server matches the files"));
    assert!(!page.contains("<svg") && !page.contains("id=\"changes\""));
}

#[test]
fn a_page_with_ten_thousand_steps_stays_small() {
    let names: Vec<String> = (0..10_000).map(|n| format!("Deploy component {n}")).collect();
    let project = |n: usize| format!("Project {}", n % 1_000);
    let steps = names
        .iter()
        .enumerate()
        .map(|(n, name)| sample::placement(&project(n), name, Place::DefaultPool));
    let page = page(&sample::plan(steps.collect(), Vec::new()));
    assert!(page.len() < 1_800_000, "{}", page.len());
    assert_eq!(page.matches("<tr data-project=").count(), 10_000);
}

#[test]
fn a_receipt_page_shows_what_was_not_done_and_why() {
    let plan = sample::everything();
    let mut receipt =
        Receipt::start_recording(&plan.header, &plan.changes, "poolwright".into(), "now".into());
    receipt.entries.iter_mut().for_each(|entry| entry.outcome = ChangeOutcome::Done);
    let first = receipt.entries.first_mut().unwrap();
    (first.outcome, first.error) = (ChangeOutcome::Failed, Some(HOSTILE.into()));
    receipt.status = ApplyStatus::Partial;
    let page = receipt_as_html(&receipt, Some(&plan));
    assert!(page.contains("Partly done: "));
    assert!(page.contains("failed") && page.matches("<script").count() == 1);
    assert!(page.contains("<svg"));
}
