//! The names that rules can ask for, and those that they ask for in vain.

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

/// Names that a rule can ask for.
pub(super) struct KnownNames<'a> {
    projects: HashSet<&'a str>,
    /// Names of several projects, which differ in case or in space around them alone.
    alike: HashMap<&'a str, Vec<String>>,
    /// Projects whose processes are in Git, where the file does not say how these are treated.
    left_in_git: HashSet<&'a str>,
    project_names: Vec<&'a str>,
    groups: Vec<&'a str>,
    tags: Vec<&'a str>,
    /// Runbooks, each with its project's name in lower case.
    runbooks: Vec<(&'a str, &'a str)>,
}

impl<'a> KnownNames<'a> {
    /// The names of a server.
    pub(super) fn new(matched: &Matched<'a>) -> Self {
        let projects = &matched.live.projects;
        let runbooks = matched.live.processes.iter().filter_map(|process| {
            process
                .owner
                .runbook
                .as_ref()
                .map(|name| (process.owner.project.as_folded(), name.as_str()))
        });
        // A group is there where no project is in it, and one that the key may not see is its projects'.
        let groups = &matched.live.directory.groups;
        let groups: BTreeSet<_> = projects.iter().map(|it| &it.group).chain(groups).collect();
        let tags: BTreeSet<_> =
            projects.iter().flat_map(|it| &it.tags).map(String::as_str).collect();
        let mut alike: HashMap<&str, Vec<String>> = HashMap::new();
        for project in projects {
            alike.entry(project.name.as_folded()).or_default().push(project.name.to_string());
        }
        alike.retain(|_, names| 1 < names.len());
        Self {
            projects: projects.iter().map(|it| it.name.as_folded()).collect(),
            alike,
            left_in_git: projects
                .iter()
                .filter(|other| other.git && matched.desired.version_control.is_none())
                .map(|it| it.name.as_folded())
                .collect(),
            project_names: projects.iter().map(|it| it.name.as_str()).collect(),
            groups: groups.into_iter().map(Name::as_str).collect(),
            tags: tags.into_iter().collect(),
            runbooks: runbooks.collect(),
        }
    }

    /// Projects, groups, tags and runbooks that a rule names exactly and that are not there.
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
            // To leave the steps of both is no harm.
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

/// A rule for deployments names a project whose deployment process is not in the server's database.
fn in_git_finding(name: &str, at: Span, has_runbooks: bool) -> Finding {
    let message = format!("the deployment process of project `{name}` is stored in Git");
    let new = if has_runbooks { Finding::warning } else { Finding::error };
    new(Code::VersionControlled, at, message)
        .with_help("say `[version_control]`, and on which branch steps are to move")
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
