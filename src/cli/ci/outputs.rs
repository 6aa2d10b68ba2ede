//! What a job's later steps read of a plan: counts, the saved plan and its digest.

use super::{system::CiSystem, text::clean_text};
use crate::{
    cli::{ci_command::CiCommand, replace_file::replace_shared_file},
    ops::error_with_help,
};
use poolwright_core::plan::{Plan, PlanSummary};

use anyhow::Context as _;
use std::{fmt::Write as _, fs, io::Write as _, path::Path};

/// The outputs of a plan, by name. No value has a line break.
pub(super) struct PlanOutputs(Vec<(&'static str, String)>);

impl PlanOutputs {
    /// Takes the outputs from a plan; `saved_as` is the file that it is saved in.
    pub(super) fn new(plan: &Plan, saved_as: Option<&Path>) -> Self {
        let PlanSummary { create, update, replace, delete, denied, .. } = plan.summarize();
        let counts = [
            ("changes", plan.changes.len()),
            ("create", create),
            ("update", update),
            ("replace", replace),
            ("delete", delete),
            ("denied", denied),
        ];
        let mut outputs: Vec<_> =
            counts.into_iter().map(|(name, count)| (name, count.to_string())).collect();
        let file = saved_as.map(|path| path.to_string_lossy().replace(['\r', '\n'], " "));
        outputs.push(("plan-file", clean_text(&file.unwrap_or_default())));
        outputs.push(("digest", plan.digest().to_string()));
        Self(outputs)
    }

    /// Returns the commands that set the outputs; none in a system that reads them from a file.
    pub(super) fn commands(&self, system: CiSystem) -> Vec<CiCommand> {
        let command = |(name, value): &(&'static str, String)| match system {
            CiSystem::Azure => {
                // Azure's variables have no hyphens.
                let name = name.replace('-', "_");
                let properties = [("variable", &*name), ("isOutput", "true")];
                Some(CiCommand::azure("task.setvariable", &properties, value))
            }
            CiSystem::TeamCity => {
                let name = format!("poolwright.{name}");
                Some(CiCommand::teamcity("setParameter", &[("name", &name), ("value", value)]))
            }
            CiSystem::Octopus => {
                Some(CiCommand::octopus("setVariable", &[("name", *name), ("value", value)]))
            }
            _ => None,
        };
        self.0.iter().filter_map(command).collect()
    }

    /// Returns the outputs as GitHub reads them from the file that `GITHUB_OUTPUT` names.
    pub(super) fn github_lines(&self) -> String {
        let lines = self.0.iter().map(|(name, value)| format!("{name}={value}\n"));
        lines.collect()
    }

    /// Returns the outputs as lines `POOLWRIGHT_CHANGES=3`, which GitLab, Bitbucket and shells read. A value that a
    /// shell would not take as one word is left out.
    pub(super) fn dotenv_lines(&self) -> String {
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
        let mut lines = String::new();
        for (name, value) in self.0.iter().filter(|(_, value)| value.chars().all(is_plain)) {
            _ = writeln!(lines, "{PREFIX}{}={value}", name.replace('-', "_").to_uppercase());
        }
        lines
    }
}

/// How the names of the outputs begin in a dotenv file.
const PREFIX: &str = "POOLWRIGHT_";

/// Writes the outputs into a dotenv file, in place of those of an earlier run; other lines stay.
///
/// # Errors
///
/// Fails if the file cannot be written, or is not one of variables: it may be anything that must not be lost.
pub(super) fn write_dotenv(path: &Path, lines: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let existing = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(why) => return Err(why).with_context(|| format!("cannot write `{shown}`")),
    };
    let is_variable = |line: &str| {
        let name = line.split_once('=').map(|(name, _)| name).unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !existing.lines().all(is_variable) {
        let message =
            format!("cannot write the outputs to `{shown}`: it holds more than variables");
        return Err(error_with_help(message, "name a file of its own, such as `poolwright.env`"));
    }
    let others = existing.lines().filter(|line| !line.starts_with(PREFIX));
    let mut text: String = others.map(|line| format!("{line}\n")).collect();
    text.push_str(lines);
    replace_shared_file(path, text.as_bytes())
}

/// Appends to a file that the CI system has named.
///
/// # Errors
///
/// Fails if it is not a file or cannot be written.
pub(super) fn append_to(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        anyhow::bail!("{}: it is not a file", context());
    }
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path);
    let file = file.as_mut().map_err(|why| anyhow::anyhow!("{}: {why}", context()))?;
    file.write_all(text.as_bytes()).with_context(context)
}
