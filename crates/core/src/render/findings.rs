//! Renders findings for people: the message, the underlined source and the help.
//!
//! Uses annotate-snippets, as rustc and cargo do. Never: deciding the consequence of a finding.

use super::{RenderOptions, report::sort_key};
use crate::{
    finding::{Finding, FindingLocation, Level, OtherPlace, Source, SourceLine, Sources, Span},
    text::{
        escape::{Escaped, mask_unsafe},
        floor_char_boundary, pluralize,
        secret::SecretRegions,
    },
};

use annotate_snippets::{
    AnnotationKind, Element, Level as Mark, Origin, Renderer, Snippet, renderer::DecorStyle,
};
use std::ops::Range;

/// Why a line is not shown.
const NOT_SHOWN: &str = "the line is not shown, because it may contain a secret";

/// How many notes are shown without `-v`.
const MAX_NOTES: usize = 3;

/// Renders findings sorted by file and position, each followed by an empty line.
pub fn render_all(findings: &[Finding], sources: &Sources, options: RenderOptions) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| sort_key(finding));
    let renderer = if options.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let has_excerpt = |it: &&Finding| matches!(it.location, FindingLocation::Source(_));
    let has_excerpts = sorted.iter().any(has_excerpt);
    let secrets = if has_excerpts { find_secrets(sources) } else { Vec::new() };
    let page = FindingsPage { sources, secrets, options, renderer };
    sorted.into_iter().map(|finding| page.render_finding(finding)).collect()
}

/// Counts findings by level: `2 errors, 1 denied, 3 warnings`; `None` if there are none.
pub fn count_levels(findings: &[Finding]) -> Option<String> {
    let count_level = |level| findings.iter().filter(|finding| finding.level == level).count();
    let parts = [
        (count_level(Level::Error), pluralize(count_level(Level::Error), "error")),
        (count_level(Level::Deny), format!("{} denied", count_level(Level::Deny))),
        (count_level(Level::Warn), pluralize(count_level(Level::Warn), "warning")),
    ];
    let parts: Vec<_> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Findings and what they point into.
struct FindingsPage<'a> {
    sources: &'a Sources,
    /// The parts of each source that are not shown.
    secrets: Vec<SecretRegions>,
    options: RenderOptions,
    renderer: Renderer,
}

fn find_secrets(sources: &Sources) -> Vec<SecretRegions> {
    let find = |source: &Source| {
        if source.path.to_lowercase().ends_with(".ocl") {
            SecretRegions::in_ocl(&source.text)
        } else {
            SecretRegions::in_toml(&source.text)
        }
    };
    sources.0.iter().map(find).collect()
}

impl FindingsPage<'_> {
    fn render_finding(&self, finding: &Finding) -> String {
        let Self { sources, options, renderer, .. } = self;
        let mark = match finding.level {
            Level::Error => Mark::ERROR,
            Level::Deny => Mark::ERROR.with_name("denied"),
            Level::Warn => Mark::WARNING,
        };
        let mut elements: Vec<Element> = Vec::new();
        match &finding.location {
            FindingLocation::Source(span) => {
                let source = sources.get(span.source);
                match self.secret_line(span) {
                    Some(SourceLine { file, line }) => {
                        elements.push(Origin::path(escape_text(&file)).line(line).into());
                        let label = finding.label.as_ref();
                        elements.extend(
                            label.map(|label| Mark::NOTE.message(escape_text(label)).into()),
                        );
                        elements.push(Mark::NOTE.message(NOT_SHOWN).into());
                    }
                    None => {
                        let excerpt = Excerpt { span, kind: AnnotationKind::Primary };
                        let label = finding.label.as_deref();
                        elements.extend(source.map(|it| excerpt.build_snippet(it, label).into()));
                    }
                }
            }
            FindingLocation::Line(SourceLine { file, line }) => {
                elements.push(Origin::path(escape_text(file)).line(*line).into());
                // Without the source text there is nothing to attach the label to.
                let label = finding.label.as_ref();
                elements.extend(label.map(|label| Mark::NOTE.message(escape_text(label)).into()));
            }
            FindingLocation::Nowhere => {}
        }
        if let Some(OtherPlace { span, label }) = finding.other.as_deref()
            && let Some(source) = sources.get(span.source)
            && self.secret_line(span).is_none()
        {
            let excerpt = Excerpt { span, kind: AnnotationKind::Context };
            elements.push(excerpt.build_snippet(source, Some(label)).into());
        }
        if let Some(address) = &finding.address
            && matches!(finding.location, FindingLocation::Nowhere)
        {
            elements.push(Origin::path(escape_text(&address.to_string())).into());
        }
        elements.extend(join_notes(finding, *options).map(|note| Mark::NOTE.message(note).into()));
        elements
            .extend(finding.help.iter().map(|help| Mark::HELP.message(escape_text(help)).into()));
        let title = mark.primary_title(escape_text(&finding.message)).id(finding.code.as_str());
        let rendered = renderer.render(&[title.elements(elements)]);
        format!("{}\n\n", replace_arrows(&rendered))
    }

    /// Returns the line of a location that is not shown; `None` if it may be shown.
    fn secret_line(&self, span: &Span) -> Option<SourceLine> {
        let text = &self.sources.get(span.source)?.text;
        let secrets = self.secrets.get(span.source.0)?;
        let start = floor_char_boundary(text, span.bytes.start);
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let is_secret = secrets.contains(line) || secrets.contains(start);
        is_secret.then(|| self.sources.start_line(span)).flatten()
    }
}

/// Replaces the `:::` before a second place by `-->`: a line that begins with two colons is a command to some CI systems,
/// and would be shown escaped.
fn replace_arrows(rendered: &str) -> String {
    let replace = |line: &str| {
        let is_style =
            |c: char| matches!(c, ' ' | '\u{1b}' | '[' | ';' | 'm') || c.is_ascii_digit();
        let at = line.find("::: ").filter(|at| line[..*at].chars().all(is_style));
        at.map_or(line.to_owned(), |at| format!("{}-->{}", &line[..at], &line[at + 3..]))
    };
    rendered.lines().map(replace).collect::<Vec<_>>().join("\n")
}

/// Joins the notes of a finding into one: the first few, or all with `-v`.
fn join_notes(finding: &Finding, options: RenderOptions) -> impl Iterator<Item = String> {
    let notes = &finding.notes;
    let shown = if options.verbosity > 0 { notes.len() } else { MAX_NOTES.min(notes.len()) };
    let mut lines: Vec<_> = notes.iter().take(shown).map(|note| escape_text(note)).collect();
    if shown < notes.len() {
        lines.push(format!("and {} more; -v shows all", notes.len() - shown));
    }
    (!lines.is_empty()).then(|| lines.join("\n")).into_iter()
}

/// A place that is shown with its line.
struct Excerpt<'a> {
    span: &'a Span,
    kind: AnnotationKind,
}

impl Excerpt<'_> {
    /// Returns the source line on which the place starts, with the place underlined.
    fn build_snippet<'a>(
        &self,
        source: &'a Source,
        label: Option<&str>,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let Self { span, kind } = self;
        let text = source.text.as_str();
        let start = floor_char_boundary(text, span.bytes.start);
        let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let last = last - usize::from(text[first..last].ends_with('\r'));
        let end = floor_char_boundary(text, span.bytes.end).clamp(start.min(last), last);
        let masked_len = |at: usize| mask_unsafe(&text[first..at]).len();
        let under: Range<usize> = masked_len(start.min(last))..masked_len(end);
        let annotation = kind.span(under);
        let annotation = match label {
            None => annotation,
            Some(label) => annotation.label(escape_text(label)),
        };
        Snippet::source(mask_unsafe(&text[first..last]))
            .path(escape_text(&source.path))
            .line_start(source.line_number(first))
            .annotation(annotation)
    }
}

/// Escapes everything that could move the cursor.
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

    const OPTIONS: RenderOptions = RenderOptions { colour: false, verbosity: 0 };

    fn sources(text: &str) -> Sources {
        Sources(vec![Source::new("workers.toml", text)])
    }

    fn span(bytes: Range<usize>) -> Span {
        Span { source: SourceId(0), bytes }
    }

    #[test]
    fn an_error_has_an_underline_and_help() {
        let text = "[[placements]]\nstep    = \"Deploy to ASK\"\n";
        let finding =
            Finding::error(Code::UnknownStep, span(25..40), "there is no step `Deploy to ASK`")
                .with_label("its process has 7 steps")
                .with_help("a step with a similar name exists: `Deploy to AKS`");
        insta::assert_snapshot!(render_all(&[finding], &sources(text), OPTIONS), @r#"
        error[unknown-step]: there is no step `Deploy to ASK`
         --> workers.toml:2:11
          |
        2 | step    = "Deploy to ASK"
          |           ^^^^^^^^^^^^^^^ its process has 7 steps
          |
          = help: a step with a similar name exists: `Deploy to AKS`
        "#);
    }

    #[test]
    fn long_notes_are_cut_with_a_count() {
        let steps =
            ["one", "two", "three", "four", "five"].map(|text| format!("step \u{1b}[2J{text}"));
        let finding = Finding::new(
            Code::EmptyPool,
            Level::Deny,
            FindingLocation::Line(SourceLine { file: "w.toml".into(), line: 24 }),
            "5 steps would run nowhere",
        )
        .with_address(Address::Pool("sql".into()))
        .with_notes(steps)
        .with_help("declare a worker");
        insta::assert_snapshot!(render_all(std::slice::from_ref(&finding), &Sources::default(), OPTIONS), @r"
        denied[empty-pool]: 5 steps would run nowhere
        --> w.toml:24
         = note: step \u{1b}[2Jone
                 step \u{1b}[2Jtwo
                 step \u{1b}[2Jthree
                 and 2 more; -v shows all
         = help: declare a worker
        ");
        let all =
            render_all(&[finding], &Sources::default(), RenderOptions { verbosity: 1, ..OPTIONS });
        assert!(all.contains("five") && !all.contains("more"));
    }

    #[test]
    fn findings_are_sorted_by_position() {
        let text = "a = 1\nb = 2\n";
        let at = |bytes| Finding::warning(Code::Syntax, span(bytes), "here");
        let rendered = render_all(&[at(6..7), at(0..1)], &sources(text), OPTIONS);
        assert!(rendered.find(":1:1") < rendered.find(":2:1"), "{rendered}");
        assert_eq!(count_levels(&[at(0..1), at(0..1)]).as_deref(), Some("2 warnings"));
        assert_eq!(count_levels(&[]), None);
    }

    proptest! {
        #[test]
        fn any_span_in_any_text_renders(text in any::<String>(), start in 0..40_usize, len in 0..40_usize) {
            let finding = Finding::error(Code::Syntax, span(start..start + len), "here").with_label("there");
            let rendered = render_all(&[finding], &sources(&text), OPTIONS);
            prop_assert!(!rendered.chars().any(|c| c == '\u{1b}'), "an escape went through");
        }
    }

    #[test]
    fn findings_of_a_saved_plan_keep_labels_and_are_sorted_by_file() {
        let at = |file: &str, line| FindingLocation::Line(SourceLine { file: file.into(), line });
        let all = [("b.toml", 1), ("a.toml", 9), ("b.toml", 2)].map(|(file, line)| {
            Finding::new(Code::Syntax, Level::Warn, at(file, line), "here").with_label("no worker")
        });
        insta::assert_snapshot!(render_all(&all, &Sources::default(), OPTIONS), @"
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
    fn columns_count_characters_including_invisible_ones() {
        let text = "a = \"\u{200d}\u{feff}\" # x";
        let finding = Finding::error(Code::Syntax, span(text.len() - 1..text.len()), "here");
        insta::assert_snapshot!(render_all(&[finding], &sources(text), OPTIONS), @r#"
        error[syntax]: here
         --> workers.toml:1:12
          |
        1 | a = "��" # x
          |            ^
        "#);
    }
}
