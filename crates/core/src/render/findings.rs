//! Findings for people: what, where underlined, and what to do.
//!
//! Drawn by annotate-snippets, which draws rustc's and cargo's own. Never: deciding what a finding costs.

use super::RenderOptions;
use crate::{
    finding::{Finding, FindingLocation, Level, Source, SourceLine, Sources, Span},
    text::{
        escape::{Escaped, mask_unsafe},
        pluralize,
    },
};

use annotate_snippets::{
    AnnotationKind, Element, Level as Mark, Origin, Renderer, Snippet, renderer::DecorStyle,
};
use std::ops::Range;

/// How many notes are shown where not all are asked for.
const MAX_NOTES: usize = 3;

/// Findings one below the other, each with an empty line behind it; by file and place.
pub fn render_all(findings: &[Finding], sources: &Sources, look: RenderOptions) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| sort_key(finding));
    let renderer = match look.colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    sorted.into_iter().map(|it| render_finding(it, sources, look, &renderer)).collect()
}

/// `2 errors, 1 denied, 3 warnings`; none where there is nothing to count.
pub fn count_levels(findings: &[Finding]) -> Option<String> {
    let count_level = |level| findings.iter().filter(|finding| finding.level == level).count();
    let parts = [
        (count_level(Level::Error), pluralize(count_level(Level::Error), "error")),
        (count_level(Level::Deny), format!("{} denied", count_level(Level::Deny))),
        (count_level(Level::Warn), pluralize(count_level(Level::Warn), "warning")),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|(n, _)| 0 < *n).map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// By file, then by place; what has no place comes last.
fn sort_key(finding: &Finding) -> (usize, &str, usize) {
    match &finding.location {
        FindingLocation::Source(span) => (span.source.0, "", span.bytes.start),
        FindingLocation::Line(SourceLine { file, line }) => (usize::MAX - 1, file, *line),
        FindingLocation::Nowhere => (usize::MAX, "", 0),
    }
}

fn render_finding(
    finding: &Finding,
    sources: &Sources,
    look: RenderOptions,
    renderer: &Renderer,
) -> String {
    let mark = match finding.level {
        Level::Error => Mark::ERROR,
        Level::Deny => Mark::ERROR.with_name("denied"),
        Level::Warn => Mark::WARNING,
    };
    let mut elements: Vec<Element> = Vec::new();
    match &finding.location {
        FindingLocation::Source(span) => {
            let source = sources.get(span.source);
            elements.extend(source.map(|source| build_snippet(finding, source, span).into()));
        }
        FindingLocation::Line(SourceLine { file, line }) => {
            elements.push(Origin::path(escape_text(file)).line(*line).into());
            // There is no text at hand beside which it could stand.
            let label = finding.label.as_ref();
            elements.extend(label.map(|label| Mark::NOTE.message(escape_text(label)).into()));
        }
        FindingLocation::Nowhere => {}
    }
    if let Some(address) = &finding.address
        && matches!(finding.location, FindingLocation::Nowhere)
    {
        elements.push(Origin::path(escape_text(&address.to_string())).into());
    }
    elements.extend(join_notes(finding, look).map(|note| Mark::NOTE.message(note).into()));
    elements.extend(finding.help.iter().map(|help| Mark::HELP.message(escape_text(help)).into()));
    let title = mark.primary_title(escape_text(&finding.message)).id(finding.code.as_str());
    format!("{}\n\n", renderer.render(&[title.elements(elements)]))
}

/// The list of what is concerned, as one note: a few of it, or all.
fn join_notes(finding: &Finding, look: RenderOptions) -> impl Iterator<Item = String> {
    let all = &finding.notes;
    let shown = if 0 < look.verbosity { all.len() } else { MAX_NOTES.min(all.len()) };
    let mut lines: Vec<_> = all.iter().take(shown).map(|it| escape_text(it)).collect();
    if shown < all.len() {
        lines.push(format!("and {} more; -v shows all", all.len() - shown));
    }
    (!lines.is_empty()).then(|| lines.join("\n")).into_iter()
}

/// The line of the file on which the finding starts, with its part underlined.
fn build_snippet<'a>(
    finding: &'a Finding,
    source: &'a Source,
    span: &Span,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = source.text.as_str();
    let start = floor_char_boundary(text, span.bytes.start);
    let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let last = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let last = last - usize::from(text[first..last].ends_with('\r'));
    let end = floor_char_boundary(text, span.bytes.end).clamp(start.min(last), last);
    let masked_len = |at: usize| mask_unsafe(&text[first..at]).len();
    let under: Range<usize> = masked_len(start.min(last))..masked_len(end);
    let annotation = AnnotationKind::Primary.span(under);
    let annotation = match &finding.label {
        None => annotation,
        Some(label) => annotation.label(escape_text(label)),
    };
    Snippet::source(mask_unsafe(&text[first..last]))
        .path(escape_text(&source.path))
        .line_start(text[..first].matches('\n').count() + 1)
        .annotation(annotation)
}

/// The nearest place at or before `at` that parts no character.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// A text of which nothing moves a cursor.
fn escape_text(text: &str) -> String {
    Escaped(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::{Code, SourceId},
        model::Address,
    };

    use proptest::prelude::*;

    const LOOK: RenderOptions = RenderOptions { colour: false, verbosity: 0 };

    fn sources(text: &str) -> Sources {
        Sources(vec![Source { path: "workers.toml".into(), text: text.into() }])
    }

    fn span(bytes: Range<usize>) -> Span {
        Span { source: SourceId(0), bytes }
    }

    #[test]
    fn an_error_is_underlined_and_helps() {
        let text = "[[placements]]\nstep    = \"Deploy to ASK\"\n";
        let finding =
            Finding::error(Code::UnknownStep, span(25..40), "there is no step `Deploy to ASK`")
                .with_label("its process has 7 steps")
                .with_help("a step of a similar name exists: `Deploy to AKS`");
        insta::assert_snapshot!(render_all(&[finding], &sources(text), LOOK), @r#"
        error[unknown-step]: there is no step `Deploy to ASK`
         --> workers.toml:2:11
          |
        2 | step    = "Deploy to ASK"
          |           ^^^^^^^^^^^^^^^ its process has 7 steps
          |
          = help: a step of a similar name exists: `Deploy to AKS`
        "#);
    }

    #[test]
    fn a_gate_names_a_few_and_says_how_many_more() {
        let steps =
            ["one", "two", "three", "four", "five"].map(|text| format!("step \u{1b}[2J{text}"));
        let finding = Finding::new(
            Code::EmptyPool,
            Level::Deny,
            FindingLocation::Line(SourceLine { file: "w.toml".into(), line: 24 }),
            "5 steps would run nowhere",
        )
        .with_address(Address::Pool("sql".into()))
        .with_notes(steps.to_vec())
        .with_help("declare a worker");
        insta::assert_snapshot!(render_all(std::slice::from_ref(&finding), &Sources::default(), LOOK), @r"
        denied[empty-pool]: 5 steps would run nowhere
        --> w.toml:24
         = note: step \u{1b}[2Jone
                 step \u{1b}[2Jtwo
                 step \u{1b}[2Jthree
                 and 2 more; -v shows all
         = help: declare a worker
        ");
        let all =
            render_all(&[finding], &Sources::default(), RenderOptions { verbosity: 1, ..LOOK });
        assert!(all.contains("five") && !all.contains("more"));
    }

    #[test]
    fn findings_are_told_in_the_order_of_the_file() {
        let text = "a = 1\nb = 2\n";
        let at = |bytes| Finding::warning(Code::Syntax, span(bytes), "here");
        let told = render_all(&[at(6..7), at(0..1)], &sources(text), LOOK);
        assert!(told.find(":1:1") < told.find(":2:1"), "{told}");
        assert_eq!(count_levels(&[at(0..1), at(0..1)]).as_deref(), Some("2 warnings"));
        assert_eq!(count_levels(&[]), None);
    }

    proptest! {
        #[test]
        fn no_place_of_a_text_is_too_odd(text in any::<String>(), start in 0..40_usize, len in 0..40_usize) {
            let finding = Finding::error(Code::Syntax, span(start..start + len), "here").with_label("there");
            let shown = render_all(&[finding], &sources(&text), LOOK);
            prop_assert!(!shown.chars().any(|c| c == '\u{1b}'), "an escape went through");
        }
    }

    #[test]
    fn findings_of_a_saved_plan_keep_their_label_and_stand_by_file() {
        let at = |file: &str, line| FindingLocation::Line(SourceLine { file: file.into(), line });
        let all = [("b.toml", 1), ("a.toml", 9), ("b.toml", 2)].map(|(file, line)| {
            Finding::new(Code::Syntax, Level::Warn, at(file, line), "here").with_label("no worker")
        });
        insta::assert_snapshot!(render_all(&all, &Sources::default(), LOOK), @"
        warning[syntax]: here
        --> a.toml:9
         = note: no worker

        warning[syntax]: here
        --> b.toml:1
         = note: no worker

        warning[syntax]: here
        --> b.toml:2
         = note: no worker
        ");
    }

    #[test]
    fn a_column_is_counted_in_characters_whatever_they_are() {
        let text = "a = \"\u{200d}\u{feff}\" # x";
        let finding = Finding::error(Code::Syntax, span(text.len() - 1..text.len()), "here");
        insta::assert_snapshot!(render_all(&[finding], &sources(text), LOOK), @r#"
        error[syntax]: here
         --> workers.toml:1:12
          |
        1 | a = "��" # x
          |            ^
        "#);
    }
}
