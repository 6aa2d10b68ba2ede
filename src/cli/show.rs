//! `poolwright show`: a saved plan again.

use super::{exit, plan::Shown, screen::Screen};
use crate::{
    finding::Sources,
    plan::{Plan, file},
    render,
};
use anyhow::Context as _;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Show a saved plan again, in any format. No server is asked.
///
/// Example:
///
///   poolwright show plan.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The saved plan.
    plan: PathBuf,
    /// How the plan is shown.
    #[arg(long, value_enum, default_value_t = Shown::Text, value_name = "FORMAT")]
    format: Shown,
}

/// Shows the plan.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let plan = read(&args.plan)?;
    print!("{}", render::plan(&plan, &Sources::default(), args.format.into(), screen.out));
    Ok(exit::DONE)
}

/// A plan that `plan -o` has saved.
pub(super) fn read(path: &Path) -> anyhow::Result<Plan> {
    let context = || format!("cannot read the plan `{}`", path.display());
    let text = fs::read_to_string(path).with_context(context)?;
    file::read(&text).with_context(context)
}
