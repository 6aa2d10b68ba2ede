//! Paths as the repository has them, in which scanners and merge requests look files up.

use poolwright_core::{
    finding::{FindingLocation, Source, Sources},
    plan::Plan,
};

use std::path::{Component, Path, PathBuf};

/// Returns files with their paths in the repository.
pub(super) fn sources_in_repository(sources: &Sources) -> Sources {
    let source = |it: &Source| Source::new(repository_path(&it.path), it.text.as_str());
    Sources(sources.0.iter().map(source).collect())
}

/// Returns a plan whose findings have their paths in the repository.
pub(super) fn plan_in_repository(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.header.files.iter_mut().for_each(|path| *path = repository_path(path));
    for finding in &mut plan.findings {
        if let FindingLocation::Line(line) = &mut finding.location {
            line.file = repository_path(&line.file);
        }
    }
    plan
}

/// Returns a file's path from the root of the Git repository that the current folder is in; outside of one, from the
/// current folder. A path that leads elsewhere stays as it is.
fn repository_path(path: &str) -> String {
    // Standard input has no path.
    if path == "<stdin>" {
        return path.to_owned();
    }
    let folder = std::env::current_dir().ok();
    folder.and_then(|folder| path_in_repository(&folder, path)).unwrap_or_else(|| path.to_owned())
}

fn path_in_repository(folder: &Path, path: &str) -> Option<String> {
    // The folder of a work tree, or the file of a linked one or of a submodule.
    let root = folder.ancestors().find(|it| it.join(".git").exists()).unwrap_or(folder);
    let absolute = without_dots(&folder.join(path));
    let relative = absolute.strip_prefix(root).ok()?;
    let parts = relative.components().map(|part| part.as_os_str().to_str());
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

/// Returns a path without `.` and `..`, without asking where links lead.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_the_root_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("infra/octopus");
        std::fs::create_dir_all(&folder).unwrap();
        let find = |path: &str| path_in_repository(&folder, path);
        assert_eq!(find("./workers.toml").as_deref(), Some("workers.toml"));
        assert_eq!(find("../pools.toml"), None);
        std::fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(find("workers.toml").as_deref(), Some("infra/octopus/workers.toml"));
        assert_eq!(find("../pools.toml").as_deref(), Some("infra/pools.toml"));
        let absolute = folder.join("a.toml");
        assert_eq!(find(absolute.to_str().unwrap()).as_deref(), Some("infra/octopus/a.toml"));
        assert_eq!(find("/etc/a.toml"), None);
        assert_eq!(repository_path("<stdin>"), "<stdin>");
    }
}
