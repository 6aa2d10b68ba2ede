//! Saves a plan, for `show` and `apply`.

use super::{
    output_file::{OutputFile, OutputKind, PlanSubject, path_argument, print_saved},
    print::warn_secret_in_file,
    replace_file::replace_file,
};
use poolwright_core::{
    finding::{Level, Sources},
    plan::{Plan, file},
};

use std::path::Path;

/// Saves a plan, and says where. Checks again that no other plan is lost, now that the space is known.
pub(super) fn save_plan(plan: &Plan, sources: &Sources, path: &Path) -> anyhow::Result<()> {
    let header = &plan.header;
    let subject = PlanSubject {
        url: Some(&header.url),
        space: Some(header.space.id.as_str()),
        files: &header.files,
    };
    OutputFile { path, kind: OutputKind::Plan(subject) }.check_previous()?;
    let text = file::write(plan, sources);
    replace_file(path, text.as_bytes())?;
    warn_secret_in_file(path, &text);
    let argument = path_argument(path);
    let is_refused = plan.highest_level() > Some(Level::Warn);
    if is_refused || plan.changes.is_empty() {
        print_saved(path, &format!("show it with `poolwright show {argument}`"));
    } else {
        print_saved(path, &format!("apply it with `poolwright apply {argument}`"));
    }
    Ok(())
}
