//! `--format`, `--out` and `--max-bytes`: what a command shows, and what it writes to files.

use super::{
    format::{OutputFormat, OutputSubject},
    output_request::OutputRequest,
};
use poolwright_core::render::{DEFAULT_MAX_BYTES, MIN_MAX_BYTES};

use std::{fmt, marker::PhantomData};

/// What a command shows, as a type, so that its arguments list its formats alone.
pub(super) trait ShownSubject: fmt::Debug + Send + Sync + 'static {
    /// What is shown.
    const SUBJECT: OutputSubject;
}

/// A command that shows a plan.
#[derive(Debug)]
pub(super) struct ShowsPlan;

/// A command that shows what an apply has done.
#[derive(Debug)]
pub(super) struct ShowsApply;

/// A command that shows the findings of files.
#[derive(Debug)]
pub(super) struct ShowsFindings;

/// A command that explains where steps run.
#[derive(Debug)]
pub(super) struct ShowsExplanation;

impl ShownSubject for ShowsPlan {
    const SUBJECT: OutputSubject = OutputSubject::Plan;
}

impl ShownSubject for ShowsApply {
    const SUBJECT: OutputSubject = OutputSubject::Apply;
}

impl ShownSubject for ShowsFindings {
    const SUBJECT: OutputSubject = OutputSubject::Check;
}

impl ShownSubject for ShowsExplanation {
    const SUBJECT: OutputSubject = OutputSubject::Explain;
}

/// What is printed, and what is written to files in the same run.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args<S: ShownSubject> {
    /// Format of standard output.
    #[arg(long, value_parser = S::SUBJECT.format_parser(), default_value = "text", value_name = "FORMAT")]
    pub(super) format: OutputFormat,
    /// Also write a format to a file, such as `junit=report.xml`. May be repeated.
    #[arg(long = "out", value_name = "FORMAT=FILE", value_parser = |text: &str| OutputRequest::parse(text, S::SUBJECT))]
    pub(super) requests: Vec<OutputRequest>,
    /// Limit Markdown to this many bytes; a comment fits 65000 on GitHub, 1000000 on GitLab, 150000 on Azure DevOps.
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MAX_BYTES, value_parser = parse_max_bytes)]
    pub(super) max_bytes: usize,
    #[arg(skip)]
    subject: PhantomData<S>,
}

fn parse_max_bytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes) if bytes >= MIN_MAX_BYTES => Ok(bytes),
        Ok(_) => Err(format!("Markdown needs at least {MIN_MAX_BYTES} bytes")),
        Err(_) => Err("it is not a number of bytes".to_owned()),
    }
}
