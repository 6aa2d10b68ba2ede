//! The names that rules can select, and findings about names that do not exist.

use super::super::{
    matched::Matched,
    reference::{self, ReferentKind, ambiguous_name_error},
};
use crate::{
    desired::{Declared, PlacementRule, PlacementVerdict},
    finding::{Code, Finding, Span},
    model::Name,
    text::{fold_case, pattern::Patterns},
};

use std::collections::{BTreeSet, HashMap, HashSet};

/// Names that a rule can select.
pub(super) struct KnownNames<'a> {
    projects: HashSet<&'a str>,
    /// Names that several projects share, ignoring case and surrounding white space.
    alike: HashMap<&'a str, Vec<String>>,
    /// Projects whose processes are stored in Git, if the file has no `[version_control]`.
    left_in_git: HashSet<&'a str>,
    project_names: Vec<&'a str>,
    groups: Vec<&'a str>,
    tags: Vec<&'a str>,
    /// Runbooks, each after its project's name in lower case.
    runbooks: Vec<(&'a str, &'a str)>,
}

impl<'a> KnownNames<'a> {
    /// Collects the names on a server.
    pub(super) fn new(matched: &Matched<'a>) -> Self {
        let projects = &matched.live.projects;
        let runbooks = matched.live.processes.iter().filter_map(|process| {
            process
                .owner
                .runbook
                .as_ref()
                .map(|name| (process.owner.project.as_folded(), name.as_str()))
        });
        // A group may have no project, and a group that the key cannot see is known from its projects.
        let groups = &matched.live.directory.groups;
        let groups: BTreeSet<_> = projects.iter().map(|it| &it.group).chain(groups).collect();
        let tags: BTreeSet<_> =
            projects.iter().flat_map(|it| &it.tags).map(String::as_str).collect();
        let mut alike: HashMap<&str, Vec<String>> = HashMap::new();
        for project in projects {
            alike.entry(project.name.as_folded()).or_default().push(project.name.to_string());
        }
        alike.retain(|_, names| names.len() > 1);
        Self {
            projects: projects.iter().map(|it| it.name.as_folded()).collect(),
            alike,
            left_in_git: projects
                .iter()
                .filter(|project| project.git && matched.desired.version_control.is_none())
                .map(|it| it.name.as_folded())
                .collect(),
            project_names: projects.iter().map(|it| it.name.as_str()).collect(),
            groups: groups.into_iter().map(Name::as_str).collect(),
            tags: tags.into_iter().collect(),
            runbooks: runbooks.collect(),
        }
    }

    /// Returns findings for projects, groups, tags and runbooks that a rule names exactly and that do not exist.
    pub(super) fn unknown_selectors(&self, rule: &PlacementRule) -> Vec<Finding> {
        let select = &rule.select;
        let mut findings = self.missing_projects(rule);
        findings.extend(unknown_names(
            ReferentKind::ProjectGroup,
            select.project_group.as_ref(),
            &self.groups,
        ));
        findings.extend(unknown_names(
            ReferentKind::ProjectTag,
            select.project_tag.as_ref(),
            &self.tags,
        ));
        if findings.is_empty() && select.processes.has_runbooks() {
            let project = |name: &str| {
                select.project.as_ref().is_none_or(|patterns| patterns.matches_folded(name))
            };
            let runbooks = self.runbooks.iter().filter(|(owner, _)| project(owner));
            let runbooks: Vec<_> = runbooks.map(|(_, name)| *name).collect();
            findings.extend(unknown_names(
                ReferentKind::Runbook,
                select.runbook.as_ref(),
                &runbooks,
            ));
        }
        findings
    }

    fn missing_projects(&self, rule: &PlacementRule) -> Vec<Finding> {
        let Some(patterns) = &rule.select.project else { return Vec::new() };
        let leaves = rule.verdict == PlacementVerdict::Leave;
        let finding = |name: &str| {
            let folded = fold_case(name);
            let at = patterns.span.clone();
            // Leaving the steps of all of them alone does no harm.
            if let Some(alike) = self.alike.get(folded.as_str()).filter(|_| !leaves) {
                let ambiguous = ambiguous_name_error("project", name, alike, at);
                return Some(ambiguous.with_help("rename all but one of them on the server"));
            }
            if !self.projects.contains(folded.as_str()) {
                return Some(reference::unknown_name_error(
                    ReferentKind::Project,
                    name,
                    self.project_names.iter().copied(),
                    at,
                ));
            }
            let left = self.left_in_git.contains(folded.as_str());
            (left && rule.select.processes.has_deployments() && !leaves)
                .then(|| in_git_finding(name, at, rule.select.processes.has_runbooks()))
        };
        patterns.value.exact_names().filter_map(finding).collect()
    }
}

/// Returns the finding for a rule that names a project whose deployment process is stored in Git.
fn in_git_finding(name: &str, at: Span, has_runbooks: bool) -> Finding {
    let message = format!("the deployment process of project `{name}` is stored in Git");
    let new = if has_runbooks { Finding::warning } else { Finding::error };
    new(Code::VersionControlled, at, message)
        .with_help("add `[version_control]` and name the branch to move steps on")
}

fn unknown_names(
    kind: ReferentKind,
    patterns: Option<&Declared<Patterns>>,
    known: &[&str],
) -> Vec<Finding> {
    let Some(patterns) = patterns else { return Vec::new() };
    let folded: HashSet<String> = known.iter().map(|it| fold_case(it)).collect();
    let unknown = patterns.value.exact_names().filter(|name| !folded.contains(&fold_case(name)));
    unknown
        .map(|name| {
            reference::unknown_name_error(kind, name, known.iter().copied(), patterns.span.clone())
        })
        .collect()
}
