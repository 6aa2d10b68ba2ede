//! `poolwright ocl`: placements in a Git working tree, without a server.

mod tree;

use super::{
    exit, files,
    print::{errln, out, outln},
    replace_file::replace_file,
    screen::Screen,
};
use crate::ops::{self, CheckoutEdits, CheckoutPlan, MovedStep};
use poolwright_core::{
    finding::Level,
    text::{
        escape::{Escaped, escape_json},
        pluralize,
    },
};

use serde_json::json;
use similar::TextDiff;
use std::{fmt::Write as _, path::PathBuf};

/// Place steps in `.octopus/**/*.ocl` of a Git working tree. No server is asked.
///
/// Only the line that chooses a step's pool changes; every other byte stays. Example:
///
///   poolwright ocl plan --project "Web Store" .
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(subcommand)]
    command: OclCommand,
}

#[derive(Debug, clap::Subcommand)]
enum OclCommand {
    /// Show what `ocl apply` would change, and write nothing. Example:
    ///
    ///   poolwright ocl plan --project "Web Store" --exit-code .
    #[command(verbatim_doc_comment)]
    Plan {
        #[command(flatten)]
        input: OclInput,
        /// Exit with 2 where there are changes.
        #[arg(long)]
        exit_code: bool,
        /// How the changes are shown.
        #[arg(long, value_enum, default_value_t = OclFormat::Text, value_name = "FORMAT")]
        format: OclFormat,
    },
    /// Edit the files. Example:
    ///
    ///   poolwright ocl apply --project "Web Store" .
    #[command(verbatim_doc_comment)]
    Apply {
        #[command(flatten)]
        input: OclInput,
    },
}

/// How the changes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OclFormat {
    /// For people.
    Text,
    /// For scripts: `changes`, each with `file`, `address`, `before`, `after` and `because`, and `files`.
    Json,
}

/// Which files, and by which rules.
#[derive(Debug, clap::Args)]
struct OclInput {
    #[command(flatten)]
    files: files::Args,
    /// The project whose processes these are, as the rules name it.
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// OCL files, and folders to look for them in.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
}

/// Plans, or edits the files.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    match &args.command {
        OclCommand::Plan { input: what, exit_code, format } => {
            let Some(outcome) = plan_checkout(what, screen)? else { return Ok(exit::ERROR) };
            match format {
                OclFormat::Text => out!("{}", render_text(&outcome)),
                OclFormat::Json => outln!("{}", render_json(&outcome)),
            }
            let changes = *exit_code && !outcome.moved.is_empty();
            Ok(if changes { exit::CHANGES } else { exit::DONE })
        }
        OclCommand::Apply { input: what } => {
            let Some(outcome) = plan_checkout(what, screen)? else { return Ok(exit::ERROR) };
            outcome.changed_files().try_for_each(|file| tree::check_writable(&file.path))?;
            for file in outcome.changed_files() {
                replace_file(&file.path, &file.encoding.encode_text(&file.after))?;
                errln!("edited {}", Escaped(&file.path.to_string_lossy()));
            }
            outln!("{}", render_tally(&outcome));
            Ok(exit::DONE)
        }
    }
}

/// What comes of the files; `None` where something is wrong, which is printed.
fn plan_checkout(input: &OclInput, screen: &Screen) -> anyhow::Result<Option<CheckoutEdits>> {
    let Some(rules) = input.files.load_files(screen)? else { return Ok(None) };
    let found = tree::read(&input.paths)?;
    let CheckoutPlan { edits, findings, sources } =
        ops::plan_checkout(rules, found, input.project.as_deref());
    if !findings.is_empty() {
        files::print_findings(&findings, &sources, screen);
    }
    Ok(findings.iter().all(|finding| finding.level < Level::Error).then_some(edits))
}

/// For people: each step that moves and by which rule, and the lines that change.
fn render_text(outcome: &CheckoutEdits) -> String {
    let mut text = String::new();
    for MovedStep { address, before, after, because, .. } in &outcome.moved {
        let address = Escaped(address);
        _ = writeln!(text, "  ~ {address}  # {because}\n      pool  {before} → {after}");
    }
    for file in outcome.changed_files() {
        let path = file.path.to_string_lossy();
        let path = Escaped(path.trim_start_matches("./")).to_string();
        let diff = TextDiff::from_lines(&file.before, &file.after);
        let mut diff = diff.unified_diff();
        let diff = diff.context_radius(2).header(&format!("a/{path}"), &format!("b/{path}"));
        let lines = diff.to_string();
        let lines = lines.lines().map(|line| format!("{}\n", Escaped(line)));
        _ = write!(text, "\n{}", lines.collect::<String>());
    }
    if !text.is_empty() {
        text.push('\n');
    }
    _ = writeln!(text, "{}", render_tally(outcome));
    text
}

fn render_tally(outcome: &CheckoutEdits) -> String {
    let files = outcome.changed_files().count();
    let all = pluralize(outcome.files.len(), "file");
    match outcome.moved.len() {
        0 => format!("No changes: {all} as the rules say"),
        steps => format!("{} of {files} of {all}", pluralize(steps, "step")),
    }
}

fn render_json(outcome: &CheckoutEdits) -> String {
    let change = |step: &MovedStep| json!({ "file": step.file.to_string_lossy(), "address": step.address, "before": step.before, "after": step.after, "because": step.because });
    let changes: Vec<_> = outcome.moved.iter().map(change).collect();
    let files: Vec<_> =
        outcome.changed_files().map(|it| it.path.to_string_lossy().into_owned()).collect();
    let all = json!({ "format_version": "1.0", "changes": changes, "files": files });
    escape_json(&format!("{all:#}"))
}
