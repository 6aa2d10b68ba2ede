//! Where a change or a finding belongs: `pools.kubernetes`, `projects["Web Store"].deployment.steps["Deploy to AKS"]`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The place of a thing in the file's and the space's common tree of names.
///
/// Printed as the user writes it; a name that is no bare key is quoted, with `"` and `\` escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// The switch of the built-in worker.
    BuiltInWorker,
    /// The order of all pools.
    PoolOrder,
    /// A worker pool, by its key in the file, or by its name where the file does not declare it.
    Pool(String),
    /// A worker, by its name.
    Worker(String),
    /// A step of a process.
    Step {
        /// The project's name.
        project: String,
        /// Which of its processes.
        process: ProcessName,
        /// The step's name; a child step's is its own.
        step: String,
    },
}

/// A process of a project.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessName {
    /// The deployment process.
    Deployment,
    /// The process of the runbook of this name.
    Runbook(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltInWorker => f.write_str("server.built_in_worker"),
            Self::PoolOrder => f.write_str("pools"),
            Self::Pool(key) => write!(f, "pools{}", Key(key)),
            Self::Worker(name) => write!(f, "workers{}", Key(name)),
            Self::Step { project, process, step } => {
                write!(f, "projects[{}].{process}.steps[{}]", Quoted(project), Quoted(step))
            }
        }
    }
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment => f.write_str("deployment"),
            Self::Runbook(name) => write!(f, "runbooks[{}]", Quoted(name)),
        }
    }
}

/// `.key`, or `["any name"]` where it is no bare key of TOML.
struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match !self.0.is_empty() && self.0.chars().all(bare) {
            true => write!(f, ".{}", self.0),
            false => write!(f, "[{}]", Quoted(self.0)),
        }
    }
}

/// `"name"`, with what would end it escaped.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_bare_key_is_quoted() {
        let pool = |key: &str| Address::Pool(key.to_owned()).to_string();
        assert_eq!(pool("kubernetes-2"), "pools.kubernetes-2");
        assert_eq!(pool("Old \"SQL\" Pool"), r#"pools["Old \"SQL\" Pool"]"#);
    }

    #[test]
    fn a_step_is_found_by_project_process_and_name() {
        let step =
            |process| Address::Step { project: "Web Store".into(), process, step: "Drain".into() };
        assert_eq!(
            step(ProcessName::Deployment).to_string(),
            r#"projects["Web Store"].deployment.steps["Drain"]"#
        );
        assert_eq!(
            step(ProcessName::Runbook("Restart".into())).to_string(),
            r#"projects["Web Store"].runbooks["Restart"].steps["Drain"]"#
        );
    }
}
