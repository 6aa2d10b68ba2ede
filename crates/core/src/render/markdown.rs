//! Renders a plan as Markdown for a comment on a pull request or a job's summary: what is dangerous first.
//!
//! A comment has a limit, so each part has forms from whole to short. As long as the text is too long, the least
//! important part that can be shorter gets shorter; a danger is the last to, and is never left out.

mod dangers;
mod findings;
mod parts;
mod plan;
mod receipt;

pub use findings::findings_as_markdown;
pub use receipt::receipt_as_markdown;

use super::report::{Report, Verdict};
use crate::{
    finding::{SourceLine, Sources},
    plan::{Plan, PlanOrigin},
    receipt::ReceiptServer,
    text::{markdown::code_span, shell_word},
};

use std::fmt::Write as _;

/// The size limit of a comment on GitHub, in bytes, less room for a few lines of a workflow's own.
pub const DEFAULT_MAX_BYTES: usize = 65_000;

/// The fewest bytes that hold the verdict and each kind of danger.
pub const MIN_MAX_BYTES: usize = 4_000;

/// How a plan is shown as Markdown.
#[derive(Clone, Copy, Debug)]
pub struct MarkdownOptions<'a> {
    /// The most bytes; at least [`MIN_MAX_BYTES`].
    pub max_bytes: usize,
    /// The file that the plan is saved in, if it is.
    pub saved_as: Option<&'a str>,
}

impl Default for MarkdownOptions<'_> {
    fn default() -> Self {
        Self { max_bytes: DEFAULT_MAX_BYTES, saved_as: None }
    }
}

/// Returns the plan as Markdown, ending with a newline.
///
/// `sources` are the files that the plan's locations point into.
pub fn render_markdown(plan: &Plan, sources: &Sources, options: MarkdownOptions) -> String {
    let report = Report::new(plan, sources);
    let whole = match options.saved_as {
        Some(file) => format!("poolwright show -v {}", shell_word(file)),
        None => "poolwright plan -v".to_owned(),
    };
    let (head, tail) = (head(&report), tail(&report, options));
    plan::plan_parts(&report, sources).fit(&head, &tail, options.max_bytes, &whole)
}

/// Returns the headline and what the plan is for.
fn head(report: &Report) -> String {
    let header = &report.plan.header;
    let symbol = match report.verdict {
        Verdict::Refused { .. } => "⛔ ",
        Verdict::Ready if !report.dangers.is_empty() => "⚠ ",
        Verdict::Ready | Verdict::NoChanges => "",
    };
    let mut text = format!("## {symbol}{}\n\n", report.headline());
    let files: Vec<_> = header.files.iter().map(|file| code_span(file)).collect();
    // A long list of files would leave no room for the plan.
    let more = files.len().saturating_sub(MAX_FILES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    _ = writeln!(
        text,
        "{}{more} on {} (Octopus {}), space {}; plan `{}`\n",
        files.iter().take(MAX_FILES).cloned().collect::<Vec<_>>().join(", "),
        // The sandbox's name ends with a colon.
        code_span(header.url.trim_end_matches(':')),
        version(&header.server_version),
        code_span(&header.space.name),
        report.plan.digest().short(),
    );
    if let Some(comparison) = &report.plan.comparison {
        let base: String = comparison.base.chars().take(MAX_BASE).collect();
        let split = comparison.describe_split();
        _ = writeln!(text, "**Compared with** {}: {split}\n", code_span(&base));
    }
    text
}

const MAX_FILES: usize = 5;
/// The most characters of a base's name.
const MAX_BASE: usize = 200;

/// Returns a version, as code if it does not look like one.
fn version(text: &str) -> String {
    let is_version = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_version { text.to_owned() } else { code_span(text) }
}

/// Returns how to apply the plan, and the marker by which a later comment replaces this one.
fn tail(report: &Report, options: MarkdownOptions) -> String {
    let mut text = String::new();
    match (report.verdict, options.saved_as) {
        (Verdict::NoChanges, _) => {}
        (Verdict::Refused { .. }, _) => {
            text.push_str("**This plan cannot be applied** as long as something refuses it.\n\n");
        }
        (Verdict::Ready, Some(file)) => {
            let command = format!("poolwright apply {}", shell_word(file));
            _ = writeln!(text, "**To apply this plan:** {}\n", code_span(&command));
        }
        (Verdict::Ready, None) => {
            let command = match report.plan.header.origin {
                PlanOrigin::Files => "poolwright apply",
                PlanOrigin::Rollback => "poolwright rollback",
            };
            _ = writeln!(text, "**To apply:** `{command}`\n");
        }
    }
    text.push_str(&marker(report.plan));
    text
}

/// Returns the hidden marker of a plan's server and space, by which a later comment finds this one.
pub fn marker(plan: &Plan) -> String {
    // A comment on drift does not replace one on a plan.
    let what = if plan.drift.is_some() { "drift" } else { "plan" };
    hidden_marker(what, &plan.header.url, plan.header.space.id.as_str())
}

fn marker_of(server: &ReceiptServer) -> String {
    hidden_marker("apply", &server.url, &server.space_id)
}

fn hidden_marker(what: &str, url: &str, space: &str) -> String {
    let mut marker = format!("<!-- poolwright {what}");
    for part in [url, space] {
        marker.push(' ');
        // Two hyphens would end the comment.
        for byte in part.trim_end_matches(['/', ':']).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'/' | b'.' => {
                    marker.push(char::from(byte));
                }
                _ => _ = write!(marker, "%{byte:02X}"),
            }
        }
    }
    marker.push_str(" -->\n");
    marker
}

/// Returns the place in a file as code.
fn place(line: &SourceLine) -> String {
    code_span(&format!("{}:{}", line.file, line.line))
}

#[cfg(test)]
mod tests;
