//! `poolwright show`: shows a saved plan.

use super::{exit, output_file::path_argument, plan::PlanFormat, screen::Screen};
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
    /// Output format.
    #[arg(long, value_enum, default_value_t = PlanFormat::Text, value_name = "FORMAT")]
    format: PlanFormat,
}

/// Shows the plan.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let plan = read_plan(&args.plan)?;
    args.format.print_plan(&plan, &Sources::default(), screen);
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
