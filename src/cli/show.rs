//! `poolwright show`: shows a saved plan.

use super::{
    exit,
    output_args::{self, ShowsPlan},
    output_file::{InputFile, PlanSubject, path_argument},
    plan_output::PlanOutput,
    screen::Screen,
};
use crate::ops::error_with_help;
use poolwright_core::{
    finding::Sources,
    plan::{Plan, file},
};

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
};

/// Show a saved plan, without contacting a server.
///
/// Example:
///
///   poolwright show plan.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The saved plan.
    plan: PathBuf,
    #[command(flatten)]
    outputs: output_args::Args<ShowsPlan>,
}

/// Shows the plan.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let plan = read_plan(&args.plan)?;
    let output =
        PlanOutput { saved: None, read_from: Some(&args.plan), args: &args.outputs, screen };
    let subject = PlanSubject {
        url: Some(&plan.header.url),
        space: Some(plan.header.space.id.as_str()),
        files: &plan.header.files,
    };
    let input = InputFile { path: &args.plan, what: "the plan that is shown" };
    output.check_files(subject, &[input], &[])?;
    output.print(&plan, &Sources::default());
    output.save(&plan, &Sources::default())?;
    Ok(exit::DONE)
}

/// Reads a plan saved by `plan -o` or `rollback -o`.
pub(super) fn read_plan(path: &Path) -> anyhow::Result<Plan> {
    let shown = path.display();
    let unreadable_plan = |why: &dyn Display| {
        let message = format!("cannot read the plan `{shown}`: {why}");
        // Another file, such as the configuration, was named by mistake and must not be replaced.
        let is_plan = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
        let file = if is_plan { path_argument(path) } else { "plan.json".to_owned() };
        let again =
            format!("`poolwright plan -o {file}` or `poolwright rollback RECEIPT -o {file}`");
        error_with_help(message, format!("save one with {again}"))
    };
    let text = fs::read_to_string(path).map_err(|why| unreadable_plan(&why))?;
    file::read(&text).map_err(|why| unreadable_plan(&why))
}
