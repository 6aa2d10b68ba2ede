//! The formats of output, and which command has which.

use super::{print::Stream, repository::sources_in_repository};
use poolwright_core::{
    finding::{Finding, Sources},
    plan::Plan,
    render::{
        FindingsFormat, FindingsReport, MarkdownOptions, ReceiptFormat, RenderOptions,
        format_findings,
    },
    text::escape::Syntax,
};

use clap::{
    ValueEnum as _,
    builder::{PossibleValuesParser, TypedValueParser},
};
use std::fmt;

/// A format of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// Human-readable text.
    Text,
    /// JSON, for scripts; `poolwright schema` prints its schemas.
    Json,
    /// Markdown, for a comment on a pull request.
    Markdown,
    /// A page for people, in one file.
    Html,
    /// SARIF 2.1.0: the findings, for code scanning.
    Sarif,
    /// JUnit XML, for the test tab of a CI system.
    Junit,
    /// A GitLab Code Quality report: the findings, for merge requests.
    CodeQuality,
    /// CSV, for spreadsheets.
    Csv,
}

/// What is shown, which decides the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputSubject {
    /// A plan.
    Plan,
    /// What an apply has done.
    Apply,
    /// The findings of files.
    Check,
    /// Where steps run.
    Explain,
}

impl OutputSubject {
    /// Returns the formats, the default first. The one table of what exists.
    pub(super) fn formats(self) -> &'static [OutputFormat] {
        use OutputFormat::{CodeQuality, Csv, Html, Json, Junit, Markdown, Sarif, Text};
        match self {
            Self::Plan => &[Text, Json, Markdown, Html, Sarif, Junit, CodeQuality],
            Self::Apply => &[Text, Json, Markdown, Html, Junit],
            Self::Check => &[Text, Json, Markdown, Sarif, Junit, CodeQuality],
            Self::Explain => &[Text, Json, Markdown, Csv],
        }
    }

    pub(super) fn format_parser(self) -> impl TypedValueParser<Value = OutputFormat> {
        let values = self.formats().iter().filter_map(|format| format.to_possible_value());
        // The words are those of the formats, so each of them is one.
        PossibleValuesParser::new(values.collect::<Vec<_>>())
            .map(|word| OutputFormat::from_word(&word).unwrap_or(OutputFormat::Text))
    }
}

impl OutputFormat {
    /// Returns the format of this word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::from_str(word, false).ok()
    }

    /// The word for the format.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::CodeQuality => "code-quality",
            Self::Csv => "csv",
        }
    }

    /// The language of a text in this format.
    pub(super) fn syntax(self) -> Syntax {
        match self {
            Self::Text | Self::Markdown => Syntax::Text,
            Self::Json | Self::Sarif | Self::CodeQuality => Syntax::Json,
            Self::Html => Syntax::Html,
            Self::Junit => Syntax::Xml,
            Self::Csv => Syntax::Csv,
        }
    }

    /// Whether the programs that read it look files up in a repository.
    pub(super) fn is_about_repository(self) -> bool {
        match self {
            Self::Sarif | Self::Junit | Self::CodeQuality => true,
            Self::Text | Self::Json | Self::Markdown | Self::Html | Self::Csv => false,
        }
    }

    /// The format for findings without a plan; `None` if these have no such format.
    fn for_findings(self, max_bytes: usize) -> Option<FindingsFormat> {
        match self {
            Self::Text => Some(FindingsFormat::Text),
            Self::Json => Some(FindingsFormat::Json),
            Self::Markdown => Some(FindingsFormat::Markdown(max_bytes)),
            Self::Sarif => Some(FindingsFormat::Sarif),
            Self::Junit => Some(FindingsFormat::Junit),
            Self::CodeQuality => Some(FindingsFormat::CodeQuality),
            Self::Html | Self::Csv => None,
        }
    }

    /// Returns findings without a plan in this format; `None` if these have no such format.
    pub(super) fn render_findings(
        self,
        found: &[Finding],
        sources: &Sources,
        max_bytes: usize,
        options: RenderOptions,
    ) -> Option<String> {
        let format = self.for_findings(max_bytes)?;
        Some(if self.is_about_repository() {
            let sources = sources_in_repository(sources);
            format_findings(&FindingsReport::for_files(found, &sources), format, options)
        } else {
            format_findings(&FindingsReport::for_files(found, sources), format, options)
        })
    }

    /// The format for what an apply has done.
    pub(super) fn for_receipt<'a>(
        self,
        options: MarkdownOptions<'a>,
        plan: Option<&'a Plan>,
    ) -> Option<ReceiptFormat<'a>> {
        match self {
            Self::Text => Some(ReceiptFormat::Text),
            Self::Json => Some(ReceiptFormat::Json),
            Self::Markdown => Some(ReceiptFormat::Markdown(options)),
            Self::Html => Some(ReceiptFormat::Html(plan)),
            Self::Junit => Some(ReceiptFormat::Junit),
            Self::Sarif | Self::CodeQuality | Self::Csv => None,
        }
    }
}

/// Prints a text in a format to standard output.
pub(super) fn print_formatted(format: OutputFormat, text: &str) {
    match format {
        OutputFormat::Text => Stream::Out.print_text(text),
        format => Stream::Out.print(text, format.syntax()),
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::render::DEFAULT_MAX_BYTES;

    #[test]
    fn each_format_is_named_by_its_command_line_word() {
        for format in OutputFormat::value_variants() {
            assert_eq!(OutputFormat::from_word(format.word()), Some(*format));
        }
    }

    #[test]
    fn each_format_of_a_command_can_be_written() {
        let written = |subject: OutputSubject, is_written: fn(OutputFormat) -> bool| {
            subject.formats().iter().all(|format| is_written(*format))
        };
        assert!(written(OutputSubject::Check, |it| it.for_findings(DEFAULT_MAX_BYTES).is_some()));
        let is_written =
            |it: OutputFormat| it.for_receipt(MarkdownOptions::default(), None).is_some();
        assert!(written(OutputSubject::Apply, is_written));
    }
}
