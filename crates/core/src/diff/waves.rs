//! `--wave`: moves the steps of some projects now and the others later.
//!
//! A wave includes all earlier ones, so that a later run undoes nothing. Whatever the steps of later waves may
//! still need is kept until the last of them has moved: the default pool, the built-in worker, deleted objects.

use super::{matched::Matched, names::NameCatalog, reference::ReferentKind};
use crate::{
    desired::{Declared, Desired, DesiredWave},
    finding::{Code, Finding, FindingLocation, Level, Note, Subject},
    live::{Live, LiveProject, UnreadSubject},
    model::{Address, Name, VariableSetOwner},
    plan::{Change, ChangeKind, ValueEdit},
    text::{eq_ignoring_case, pattern::Patterns, pluralize},
};

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Keeps the changes of the waves up to `wanted`, a number counted from 1 or a label. Returns a finding if there
/// is no such wave, or if changes are held back.
pub(super) fn hold_back_waves(
    matched: &Matched,
    wanted: &str,
    changes: &mut Vec<Change>,
) -> Option<Finding> {
    let waves = &matched.desired.waves;
    let Some(last) = wave_index(waves, wanted) else {
        return Some(unknown_wave_error(waves, wanted));
    };
    let waves_by_project = project_waves(matched.desired, matched.live);
    let wave_of =
        |project: &str| waves_by_project.get(&Name::new(project)).copied().unwrap_or(waves.len());
    let mut later: BTreeMap<String, usize> = BTreeMap::new();
    for change in changes.iter() {
        if let Address::Step { project, .. } = &change.address
            && last < wave_of(project)
        {
            *later.entry(project.clone()).or_default() += 1;
        }
    }
    if later.is_empty() {
        return None;
    }
    let before = changes.len();
    let mut kept: HashSet<Address> = HashSet::new();
    changes.retain(|change| {
        let now = match &change.address {
            Address::Step { project, .. }
            | Address::Variable {
                owner: VariableSetOwner::Project { name: project, .. }, ..
            } => wave_of(project) <= last,
            _ => !waits_for_all(&change.kind),
        };
        // Changes that depend on a held-back change are held back too.
        let keep = now && change.after.iter().all(|it| kept.contains(it));
        if keep {
            kept.insert(change.address.clone());
        }
        keep
    });
    let steps: usize = later.values().sum();
    let others = before - changes.len() - steps;
    Some(later_waves_warning(waves, last, &later, others))
}

/// Returns whether a project is in the waves up to `wanted`; every project is if no wave is requested.
pub(super) fn due_projects(
    desired: &Desired,
    live: &Live,
    wanted: Option<&str>,
) -> impl Fn(&Name) -> bool {
    let last = wanted.and_then(|it| wave_index(&desired.waves, it));
    let waves_by_project =
        if last.is_some() { project_waves(desired, live) } else { HashMap::new() };
    move |project| {
        last.is_none_or(|last| waves_by_project.get(project).is_some_and(|wave| *wave <= last))
    }
}

/// Whether a change has to wait until every step has moved: a library set's variable or a target may choose the
/// pool of a step in any project.
fn waits_for_all(kind: &ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::SetValue { edit: ValueEdit::Change { .. } | ValueEdit::Remove { .. }, .. }
            | ChangeKind::SetTargetPool { .. }
            | ChangeKind::SetDefaultPool { .. }
            | ChangeKind::DeleteWorker { .. }
            | ChangeKind::DeletePool { .. }
            | ChangeKind::SetBuiltInWorker { enabled: false }
    )
}

/// Returns findings about waves without a project and about projects that do not exist.
pub(super) fn lint_waves(matched: &Matched) -> Vec<Finding> {
    let Matched { desired, live, .. } = matched;
    let mut findings = Vec::new();
    if live.projects.is_empty() {
        return findings;
    }
    let projects = live.projects.iter().map(|it| it.name.as_str());
    let (kind, subject) = (ReferentKind::Project, UnreadSubject::Projects);
    let projects = NameCatalog::new(matched, kind, projects, subject);
    let groups = live.projects.iter().map(|it| &it.group).chain(&live.directory.groups);
    let (kind, subject) = (ReferentKind::ProjectGroup, UnreadSubject::Groups);
    let groups = NameCatalog::new(matched, kind, groups.map(Name::as_str), subject);
    let used: BTreeSet<usize> = project_waves(desired, live).into_values().collect();
    for (at, wave) in desired.waves.iter().enumerate() {
        let unknown = wave.project.iter().flat_map(|it| projects.check_words(it));
        let unknown =
            unknown.chain(wave.project_group.iter().flat_map(|it| groups.check_words(it)));
        let unknown: Vec<Finding> = unknown.collect();
        if unknown.is_empty() && !used.contains(&at) && !live.is_unread(UnreadSubject::Projects) {
            let message = "no project is in this wave";
            findings.push(
                Finding::warning(Code::IdleWave, wave.span.clone(), message)
                    .with_help("an earlier wave has its projects, or its selectors match none"),
            );
        }
        findings.extend(unknown);
    }
    findings
}

/// Returns the wave of each project that is in one, counted from 0.
fn project_waves(desired: &Desired, live: &Live) -> HashMap<Name, usize> {
    let in_wave = |wave: &DesiredWave, project: &LiveProject| {
        let fits = |patterns: &Option<Declared<Patterns>>, name: &Name| {
            patterns.as_ref().is_none_or(|it| it.matches_folded(name.as_folded()))
        };
        fits(&wave.project, &project.name) && fits(&wave.project_group, &project.group)
    };
    let wave = |project: &LiveProject| {
        let at = desired.waves.iter().position(|wave| in_wave(wave, project))?;
        Some((project.name.clone(), at))
    };
    live.projects.iter().filter_map(wave).collect()
}

fn wave_index(waves: &[Declared<DesiredWave>], wanted: &str) -> Option<usize> {
    let has_label = |wave: &Declared<DesiredWave>| {
        wave.label.as_ref().is_some_and(|label| eq_ignoring_case(&label.value, wanted))
    };
    let number = wanted.trim().parse::<usize>().ok().and_then(|it| it.checked_sub(1));
    let by_number = number.filter(|number| *number < waves.len());
    by_number.or_else(|| waves.iter().position(has_label))
}

fn unknown_wave_error(waves: &[Declared<DesiredWave>], wanted: &str) -> Finding {
    let message = format!("there is no wave `{wanted}`");
    let names = waves.iter().enumerate().map(|(at, wave)| match &wave.label {
        Some(label) => format!("{} (`{}`)", at + 1, label.value),
        None => (at + 1).to_string(),
    });
    let names: Vec<_> = names.collect();
    let help = match names.as_slice() {
        [] => "the file has no `[[waves]]`".to_owned(),
        names => format!("available: {}", names.join(", ")),
    };
    Finding::new(Code::UnknownWave, Level::Error, FindingLocation::Nowhere, message).with_help(help)
}

fn later_waves_warning(
    waves: &[Declared<DesiredWave>],
    last: usize,
    later: &BTreeMap<String, usize>,
    others: usize,
) -> Finding {
    let steps = pluralize(later.values().sum(), "step");
    let projects = pluralize(later.len(), "project");
    let others = match others {
        0 => String::new(),
        n => format!(", along with {}", pluralize(n, "other change")),
    };
    let wait =
        if last + 1 == waves.len() { "are in no wave and wait" } else { "wait for later waves" };
    let message =
        format!("wave {} of {}: {steps} in {projects} {wait}{others}", last + 1, waves.len());
    let at = waves
        .get(last)
        .map_or(FindingLocation::Nowhere, |it| FindingLocation::Source(it.span.clone()));
    let notes = later.iter().map(|(project, steps)| {
        let subject = Subject { project: Some(project.clone()), ..Subject::default() };
        Note::about(format!("{project}: {}", pluralize(*steps, "step")), subject)
    });
    Finding::new(Code::LaterWaves, Level::Warn, at, message)
        .with_notes(notes)
        .with_help("continue with a later `--wave`, or move all of them without `--wave`")
}
