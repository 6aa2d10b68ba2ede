//! The names that rules can select, and findings about names that do not exist.

use super::super::{
    matched::Matched,
    names::NameCatalog,
    reference::{ReferentKind, ambiguous_name_error},
};
use crate::{
    desired::{PlacementRule, PlacementVerdict},
    finding::{Code, Finding, Level, Span},
    live::{KNOWN_ACTION_TYPES, Live, UnreadSubject},
    model::Name,
    text::fold_case,
};

use std::collections::{BTreeSet, HashMap, HashSet};

/// Names that a rule can select.
pub(super) struct KnownNames<'a> {
    matched: &'a Matched<'a>,
    projects: NameCatalog<'a>,
    /// Names that several projects share, ignoring case and surrounding white space.
    alike: HashMap<&'a str, Vec<String>>,
    /// Projects whose processes are stored in Git, if the file has no `[version_control]`.
    left_in_git: HashSet<&'a str>,
    groups: NameCatalog<'a>,
    tags: NameCatalog<'a>,
    channels: NameCatalog<'a>,
    action_types: NameCatalog<'a>,
    /// Runbooks, each after its project's name in lower case.
    runbooks: Vec<(&'a str, &'a str)>,
}

impl<'a> KnownNames<'a> {
    /// Collects the names on a server.
    pub(super) fn new(matched: &'a Matched<'a>) -> Self {
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
        let catalog =
            |kind, names: Vec<&'a str>, subject| NameCatalog::new(matched, kind, names, subject);
        let channels = &matched.live.directory.channels;
        Self {
            matched,
            projects: catalog(
                ReferentKind::Project,
                projects.iter().map(|it| it.name.as_str()).collect(),
                UnreadSubject::Projects,
            ),
            alike,
            left_in_git: projects
                .iter()
                .filter(|project| project.git && matched.desired.version_control.is_none())
                .map(|it| it.name.as_folded())
                .collect(),
            groups: catalog(
                ReferentKind::ProjectGroup,
                groups.into_iter().map(Name::as_str).collect(),
                UnreadSubject::Groups,
            ),
            tags: catalog(
                ReferentKind::ProjectTag,
                tags.into_iter().collect(),
                UnreadSubject::Projects,
            ),
            channels: catalog(
                ReferentKind::Channel,
                channels.iter().map(Name::as_str).collect(),
                UnreadSubject::Channels,
            ),
            action_types: catalog(
                ReferentKind::ActionType,
                action_types(matched.live).into_iter().collect(),
                UnreadSubject::RuleSteps,
            ),
            runbooks: runbooks.collect(),
        }
    }

    /// Returns findings for the words of a rule's selectors that match nothing, apart from steps and places.
    pub(super) fn unknown_selectors(&self, rule: &PlacementRule) -> Vec<Finding> {
        let select = &rule.select;
        let mut findings = self.missing_projects(rule);
        let selectors = [
            (&self.groups, &select.project_group),
            (&self.tags, &select.project_tag),
            (&self.channels, &select.channel),
        ];
        for (catalog, patterns) in selectors {
            findings.extend(patterns.iter().flat_map(|patterns| catalog.check_words(patterns)));
        }
        if let Some(patterns) = &select.runbook
            && findings.iter().all(|finding| finding.level != Level::Error)
            && select.processes.has_runbooks()
        {
            let is_owner = |name: &str| {
                select.project.as_ref().is_none_or(|patterns| patterns.matches_folded(name))
            };
            let names = self.runbooks.iter().filter(|(owner, _)| is_owner(owner));
            let names = names.map(|(_, name)| *name);
            let (kind, subject) = (ReferentKind::Runbook, UnreadSubject::RuleSteps);
            let runbooks = NameCatalog::new(self.matched, kind, names, subject);
            findings.extend(runbooks.check_words(patterns));
        }
        // A file may be ahead of the server, and name a type that no step has yet.
        let types = select.action_type.iter();
        let types = types.flat_map(|patterns| self.action_types.check_words(patterns));
        findings.extend(types.map(|finding| Finding { level: Level::Warn, ..finding }));
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
            let left = self.left_in_git.contains(folded.as_str());
            (left && rule.select.processes.has_deployments() && !leaves)
                .then(|| in_git_finding(name, at, rule.select.processes.has_runbooks()))
        };
        let mut findings: Vec<Finding> = patterns.value.exact_names().filter_map(finding).collect();
        findings.extend(self.projects.check_words(patterns));
        findings
    }
}

/// Returns the action types of the steps that were read, and those that are known to exist.
fn action_types(live: &Live) -> BTreeSet<&str> {
    let steps = live.processes.iter().flat_map(|process| &process.steps);
    let types = steps.map(|step| step.action_type.as_str()).filter(|kind| !kind.is_empty());
    types.chain(KNOWN_ACTION_TYPES).collect()
}

/// Returns the finding for a rule that names a project whose deployment process is stored in Git.
fn in_git_finding(name: &str, at: Span, has_runbooks: bool) -> Finding {
    let message = format!("the deployment process of project `{name}` is stored in Git");
    let new = if has_runbooks { Finding::warning } else { Finding::error };
    new(Code::VersionControlled, at, message)
        .with_help("add `[version_control]` and name the branch to move steps on")
}
