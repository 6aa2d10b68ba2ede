//! `poolwright ocl`: places steps in a Git working tree, without a server.

mod hunks;
mod tree;

use super::{
    exit, files, levels,
    print::{Stream, errln},
    replace_file::replace_file,
    screen::Screen,
};
use crate::ops::{self, CheckoutChange, CheckoutEdits, CheckoutPlan, CheckoutRequest};
use poolwright_core::{
    finding::Level,
    text::{
        escape::{Escaped, Syntax},
        pluralize,
    },
};

use anyhow::Context as _;
use serde_json::json;
use std::{fmt::Write as _, path::PathBuf};

/// Place steps in the `.octopus/**/*.ocl` files of a Git working tree, without a server.
///
/// Only the line that sets a step's pool changes; every other byte is kept. Example:
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
    /// Show what `ocl apply` would change, without writing anything. Example:
    ///
    ///   poolwright ocl plan --project "Web Store" --exit-code .
    #[command(verbatim_doc_comment)]
    Plan {
        #[command(flatten)]
        input: OclInput,
        /// Exit with 2 if there are changes.
        #[arg(long)]
        exit_code: bool,
        /// Output format.
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

/// The output format of the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OclFormat {
    /// Human-readable text.
    Text,
    /// JSON, for scripts: `changes` (each with `file`, `address`, `before`, `after` and `because`), `files` and
    /// `notes`.
    Json,
}

/// The files to place steps in, and the rules to place them by.
#[derive(Debug, clap::Args)]
struct OclInput {
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    levels: levels::Args,
    /// The project that the OCL files belong to, as the rules name it.
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// OCL files, or folders to search for them.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
}

/// Plans the edits or makes them.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    match &args.command {
        OclCommand::Plan { input, exit_code, format } => {
            let outcome = match plan_checkout(input, screen)? {
                Ok(outcome) => outcome,
                Err(code) => return Ok(code),
            };
            match format {
                OclFormat::Text => Stream::Out.print_text(&render_text(&outcome)),
                OclFormat::Json => Stream::Out.print(&render_json(&outcome), Syntax::Json),
            }
            let changes = *exit_code && !outcome.changes.is_empty();
            Ok(if changes { exit::CHANGES } else { exit::DONE })
        }
        OclCommand::Apply { input } => {
            let outcome = match plan_checkout(input, screen)? {
                Ok(outcome) => outcome,
                Err(code) => return Ok(code),
            };
            outcome.changed_files().try_for_each(|file| tree::check_writable(&file.path))?;
            for file in outcome.changed_files() {
                replace_file(&file.path, &file.encoding.encode_text(&file.after))?;
                errln!("edited {}", Escaped(&file.path.to_string_lossy()));
            }
            if outcome.changed_files().next().is_some() {
                errln!("review the edits with `git diff`, and commit them");
            }
            Stream::Out.print_text(&render_summary(&outcome));
            Ok(exit::DONE)
        }
    }
}

/// Plans the edits of the files. Returns the exit code after printing what is wrong.
fn plan_checkout(input: &OclInput, screen: &Screen) -> anyhow::Result<Result<CheckoutEdits, u8>> {
    let Some(rules) = input.files.load_files(screen)? else { return Ok(Err(exit::ERROR)) };
    let tree::TreeFiles { files: found, skipped, outside, unlisted } = tree::read(&input.paths)?;
    for folder in unlisted {
        let folder = Escaped(&folder.to_string_lossy()).to_string();
        errln!(
            "warning: Git cannot list the files of `{folder}`, so ignored files are read too; `git -C {folder} status` says why"
        );
    }
    for link in skipped {
        let link = link.to_string_lossy();
        let link = link.trim_start_matches("./");
        errln!(
            "warning: `{}` is a link, and does not lead to an OCL file of this tree",
            Escaped(link)
        );
    }
    for file in outside {
        let file = file.to_string_lossy();
        let file = Escaped(file.trim_start_matches("./")).to_string();
        errln!(
            "warning: `{file}` is outside `.octopus` and left alone; name it to place its steps"
        );
    }
    let here = std::env::current_dir().context("cannot read the working folder")?;
    let project = input.project.as_deref();
    let request = CheckoutRequest { project, paths: &input.paths, here: &here };
    let desired = rules.desired.clone();
    let CheckoutPlan { edits, findings, sources } = ops::plan_checkout(rules, found, request);
    let settled = input.levels.request().settle_files(&desired, findings);
    if !settled.findings.is_empty() {
        files::print_findings(&settled.findings, &sources, screen);
    }
    files::print_accepted(&settled.accepted, &sources, screen);
    Ok(match settled.findings.iter().map(|finding| finding.level).max() {
        Some(Level::Error) => Err(exit::ERROR),
        Some(Level::Deny) => Err(exit::REFUSED),
        Some(Level::Warn) | None => Ok(edits),
    })
}

/// Renders each step that moves and each value that changes, the rule that asks for it, and a diff of the files.
fn render_text(outcome: &CheckoutEdits) -> String {
    let mut text = String::new();
    for change in &outcome.changes {
        let CheckoutChange { address, before, after, because, .. } = change;
        let [address, before, after, because] =
            [address, before, after, because].map(|text| Escaped(text));
        _ = writeln!(text, "  ~ {address}  # {because}\n      pool  {before} → {after}");
        if change.run_on_worker {
            let why = "only the pool implied it";
            _ = writeln!(text, "      Octopus.Action.RunOnServer  unset → true  # {why}");
        }
    }
    for file in outcome.changed_files() {
        // Indented, because some CI systems fold the log at a line that begins with `---` or `+++`.
        let hunks = hunks::render_hunks(file);
        let hunks: String = hunks.lines().map(|line| format!("  {line}\n")).collect();
        _ = write!(text, "\n{hunks}");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&render_summary(outcome));
    text
}

/// Renders the counts, and what the files cannot tell.
fn render_summary(outcome: &CheckoutEdits) -> String {
    let notes = outcome.notes.iter().map(|note| format!("note: {note}\n"));
    format!("{}\n{}", render_tally(outcome), notes.collect::<String>())
}

fn render_tally(outcome: &CheckoutEdits) -> String {
    let files = outcome.changed_files().count();
    let all = pluralize(outcome.files.len(), "file");
    let count = |is_value| outcome.changes.iter().filter(|it| it.is_value == is_value).count();
    let (steps, values) = (count(false), count(true));
    let tally = match (steps, values) {
        (0, 0) => format!("No changes: {all} checked"),
        (_, 0) => format!("{} in {files} of {all}", pluralize(steps, "step")),
        (0, _) => format!("{} in {files} of {all}", pluralize(values, "value")),
        (_, _) => format!(
            "{} and {} in {files} of {all}",
            pluralize(steps, "step"),
            pluralize(values, "value")
        ),
    };
    let left =
        if outcome.leaves_some { "; not all is as the rules say, see the warnings" } else { "" };
    format!("{tally}{left}")
}

fn render_json(outcome: &CheckoutEdits) -> String {
    let changes: Vec<_> = outcome.changes.iter().map(render_change).collect();
    let files: Vec<_> =
        outcome.changed_files().map(|it| it.path.to_string_lossy().into_owned()).collect();
    let mut all = json!({ "format_version": "1.0", "changes": changes, "files": files });
    if !outcome.notes.is_empty() {
        all["notes"] = json!(outcome.notes);
    }
    format!("{all:#}\n")
}

fn render_change(change: &CheckoutChange) -> serde_json::Value {
    let CheckoutChange { file, address, before, after, because, .. } = change;
    let mut rendered = json!({ "file": file.to_string_lossy(), "address": address, "before": before, "after": after, "because": because });
    if change.run_on_worker {
        rendered["run_on_server"] = json!(true);
    }
    rendered
}
