//! Whether two addresses are of one object on a server.

use super::{Address, ProcessName, VariableSetOwner};
use crate::text::eq_ignoring_case;

impl Address {
    /// Whether two addresses are of one object on a server, which compares names ignoring case. Branches, and keys of
    /// the file, are the same only if they are spelled so.
    pub fn is_same_object(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Worker(one), Self::Worker(two)) | (Self::Target(one), Self::Target(two)) => {
                eq_ignoring_case(one, two)
            }
            (
                Self::Variable { owner, name, scope },
                Self::Variable { owner: other_owner, name: other_name, scope: other_scope },
            ) => {
                owner.is_same_owner(other_owner)
                    && eq_ignoring_case(name, other_name)
                    && eq_ignoring_case(scope, other_scope)
            }
            (
                Self::Step { project, branch, process, step },
                Self::Step {
                    project: other_project,
                    branch: other_branch,
                    process: other_process,
                    step: other_step,
                },
            ) => {
                branch == other_branch
                    && eq_ignoring_case(project, other_project)
                    && process.is_same_process(other_process)
                    && eq_ignoring_case(step, other_step)
            }
            (one, other) => one == other,
        }
    }
}

impl VariableSetOwner {
    /// Whether this is the same owner on a server, and the same branch.
    pub fn is_same_owner(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Project { name, branch },
                Self::Project { name: other_name, branch: other_branch },
            ) => branch == other_branch && eq_ignoring_case(name, other_name),
            (Self::Library(one), Self::Library(two)) => eq_ignoring_case(one, two),
            (Self::Project { .. }, Self::Library(_)) | (Self::Library(_), Self::Project { .. }) => {
                false
            }
        }
    }
}

impl ProcessName {
    /// Whether this is the same process of a project.
    fn is_same_process(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Runbook(one), Self::Runbook(two)) => eq_ignoring_case(one, two),
            (one, other) => one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_ignore_the_case_of_names_but_not_of_branches() {
        let is_same = |one: &str, other: &str| {
            one.parse::<Address>().unwrap().is_same_object(&other.parse().unwrap())
        };
        let step = r#"projects["Web"]@move.runbooks["Night"].steps["Deploy to AKS"]"#;
        assert!(is_same(step, r#"projects["web"]@move.runbooks["night"].steps["deploy to aks"]"#));
        for other in [
            r#"projects["Web"]@Move.runbooks["Night"].steps["Deploy to AKS"]"#,
            r#"projects["Web"].runbooks["Night"].steps["Deploy to AKS"]"#,
            r#"projects["Web"]@move.deployment.steps["Deploy to AKS"]"#,
            r#"projects["Web"]@move.runbooks["Night"].steps["Deploy to ASK"]"#,
        ] {
            assert!(!is_same(step, other), "{other}");
        }
        assert!(is_same("workers.DB-01", "workers.db-01") && is_same("targets.A", "targets.a"));
        assert!(!is_same("workers.a", "targets.a"));
        assert!(!is_same("pools.SQL", "pools.sql"));
        let variable = |owner: VariableSetOwner, name: &str| Address::Variable {
            owner,
            name: name.to_owned(),
            scope: "environment Test".to_owned(),
        };
        let library = |name: &str| VariableSetOwner::Library(name.to_owned());
        let project = |branch: &str| VariableSetOwner::Project {
            name: "Web".to_owned(),
            branch: Some(branch.to_owned()),
        };
        assert!(variable(library("Pools"), "P").is_same_object(&variable(library("pools"), "p")));
        assert!(!variable(library("Web"), "P").is_same_object(&variable(project("a"), "P")));
        assert!(!variable(project("a"), "P").is_same_object(&variable(project("A"), "P")));
    }
}
