//! What every format shows of a plan: the verdict, what is dangerous, the changes in groups, and what they lead to.
//!
//! Each format draws this and nothing else, so that no two can tell different stories. Its texts hold names as the
//! server and the files have them: escaping them is each format's own task. Never: layout, colour, escaping.

use super::{
    danger::{Danger, find_dangers},
    group::{PlanSection, describe_default, plan_sections},
    notes,
    undone::{UndoneRow, undone_rows},
};
use crate::{
    finding::{Finding, FindingLocation, Level, SourceLine, Sources},
    model::{Address, Place, PoolHandle},
    plan::{
        Change, ChangeKind, DEFAULT_WORD, DefaultPool, ObjectKind, Plan, PlanOrigin, PlanSummary,
        StepEdit,
    },
    text::pluralize,
};

use indexmap::IndexMap;
use std::collections::{BTreeSet, HashSet};

/// What is shown of a plan.
pub(super) struct Report<'a> {
    /// The plan.
    pub(super) plan: &'a Plan,
    /// What the plan comes to.
    pub(super) verdict: Verdict,
    /// What a reviewer must not miss, the gravest first.
    pub(super) dangers: Vec<Danger<'a>>,
    /// The changes, in groups that fold.
    pub(super) sections: Vec<PlanSection<'a>>,
    /// The projects whose steps move, those with the most steps first.
    pub(super) projects: Vec<ProjectRow<'a>>,
    /// The findings, by file and position.
    pub(super) findings: Vec<&'a Finding>,
    /// What a reader needs to know of the plan as a whole.
    pub(super) notes: Vec<String>,
    /// What the plan's base asks for and the plan does not, if it is compared with one: a list of its own in every
    /// format, since it is not applied. The sections, dangers and notes tell what is brought from what was pending.
    pub(super) undone: Vec<UndoneRow<'a>>,
}

/// What a plan comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Gates or mistakes forbid it.
    Refused {
        /// The number of different gates and mistakes.
        gates: usize,
    },
    /// It changes nothing.
    NoChanges,
    /// It may be applied.
    Ready,
}

/// A project whose steps move.
#[derive(Debug)]
pub(super) struct ProjectRow<'a> {
    /// The project's name.
    pub(super) project: &'a str,
    /// The number of its steps that changes name.
    pub(super) named: usize,
    /// The number of its steps that move although no change names them.
    pub(super) affected: usize,
    /// The number of its steps that come to run on the Octopus Server.
    pub(super) onto_server: usize,
    /// Where its steps will run, as addresses and words.
    pub(super) destinations: BTreeSet<String>,
}

impl<'a> Report<'a> {
    /// Returns what is shown of a plan; `sources` are the files that its locations point into.
    pub(super) fn new(plan: &'a Plan, sources: &Sources) -> Self {
        let sections = plan_sections(plan, sources);
        let mut findings: Vec<&Finding> = plan.findings.iter().collect();
        findings.sort_by_key(|finding| sort_key(finding));
        Self {
            plan,
            verdict: Verdict::of_plan(plan),
            dangers: find_dangers(plan, &findings, sources),
            sections,
            projects: project_rows(plan),
            findings,
            notes: notes::plan_notes(plan),
            undone: undone_rows(plan),
        }
    }

    /// Returns the verdict in words and numbers: `Refused by 2 gates: 3 to create, 42 steps move`.
    pub(super) fn headline(&self) -> String {
        headline(self.plan)
    }
}

impl Verdict {
    /// Returns what a plan comes to.
    pub fn of_plan(plan: &Plan) -> Self {
        let refuse = plan.findings.iter().filter(|finding| finding.level != Level::Warn);
        // A gate may have several findings.
        let gates = refuse.map(|it| it.code).collect::<HashSet<_>>().len();
        if gates > 0 {
            Self::Refused { gates }
        } else if plan.changes.is_empty() {
            Self::NoChanges
        } else {
            Self::Ready
        }
    }
}

/// Returns a plan's verdict in words and numbers, without any name.
pub fn headline(plan: &Plan) -> String {
    let PlanSummary { create, update, replace, delete, .. } = plan.summarize();
    let is_step = |change: &&Change| change.kind.object_kind() == ObjectKind::Placement;
    let steps = plan.changes.iter().filter(is_step).count();
    let others = update.saturating_sub(steps);
    let counts = [
        (create, format!("{create} to create")),
        (others, format!("{others} to update")),
        (replace, format!("{replace} to replace")),
        (delete, format!("{delete} to delete")),
        (steps, if steps == 1 { "1 step moves".to_owned() } else { format!("{steps} steps move") }),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text);
    let mut counts: Vec<String> = counts.collect();
    if counts.is_empty() {
        counts.push("no changes".to_owned());
    }
    let affected = plan.consequences.affected.len();
    if affected > 0 {
        let verb = if affected == 1 { "moves" } else { "move" };
        counts
            .push(format!("{} {verb} although no change names them", pluralize(affected, "step")));
    }
    let counts = counts.join(", ");
    let headline = match Verdict::of_plan(plan) {
        Verdict::Refused { gates } => format!("Refused by {}: {counts}", pluralize(gates, "gate")),
        Verdict::NoChanges => no_changes(plan).to_owned(),
        Verdict::Ready if plan.drift.is_some() => format!("Drift: {counts}"),
        Verdict::Ready => counts,
    };
    let split = plan.comparison.as_ref().map(|it| format!(" ({})", it.describe_split()));
    format!("{headline}{}", split.unwrap_or_default())
}

/// Says why a plan has no changes.
pub(super) fn no_changes(plan: &Plan) -> &'static str {
    match plan.header.origin {
        PlanOrigin::Rollback => "No changes: nothing will be undone",
        PlanOrigin::Files if plan.drift.as_ref().is_some_and(|it| it.left_out > 0) => {
            "No changes in that time; the server differs from the files by older ones"
        }
        PlanOrigin::Files => "No changes: the server matches the files",
    }
}

/// Sorts by file, then by position; findings without a location come last.
pub(super) fn sort_key(finding: &Finding) -> (usize, &str, usize) {
    match &finding.location {
        FindingLocation::Source(span) => (span.source.0, "", span.bytes.start),
        FindingLocation::Line(SourceLine { file, line }) => (usize::MAX - 1, file, *line),
        FindingLocation::Nowhere => (usize::MAX, "", 0),
    }
}

fn project_rows(plan: &Plan) -> Vec<ProjectRow<'_>> {
    let mut rows: IndexMap<&str, ProjectRow> = IndexMap::new();
    for change in &plan.changes {
        let (ChangeKind::PlaceStep { edits, .. }, Some(project)) =
            (&change.kind, step_project(&change.address))
        else {
            continue;
        };
        let row = rows.entry(project).or_insert_with(|| ProjectRow::new(project));
        row.named += 1;
        let places = edits.iter().filter_map(|edit| match edit {
            StepEdit::Place(place) => Some(place.after()),
            _ => None,
        });
        let default = plan.consequences.default_after.as_ref();
        row.destinations.extend(places.map(|place| describe_place(place, default)));
    }
    let consequences = &plan.consequences;
    let affected = consequences.affected.iter().map(|step| (step, true));
    let placed = consequences.onto_server.iter().map(|step| (step, false));
    for (step, is_affected) in affected.chain(placed) {
        let Some(project) = step_project(&step.address) else { continue };
        let row = rows.entry(project).or_insert_with(|| ProjectRow::new(project));
        row.onto_server += usize::from(step.comes_to_server());
        if is_affected {
            row.affected += 1;
            row.destinations.extend(step.after.iter().map(ToString::to_string));
        }
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_by(|one, other| {
        (other.named + other.affected, one.project).cmp(&(one.named + one.affected, other.project))
    });
    rows
}

/// Describes what chooses a step's pool.
fn describe_place(place: &Place<PoolHandle>, default: Option<&DefaultPool>) -> String {
    match place {
        Place::Pool(pool) => pool.address().to_string(),
        Place::Variable(name) => format!("variable {name:?}"),
        Place::DefaultPool => default.map_or(DEFAULT_WORD.to_owned(), describe_default),
    }
}

impl<'a> ProjectRow<'a> {
    fn new(project: &'a str) -> Self {
        Self { project, named: 0, affected: 0, onto_server: 0, destinations: BTreeSet::new() }
    }
}

/// Returns the project of a step's address.
pub(super) fn step_project(address: &Address) -> Option<&str> {
    match address {
        Address::Step { project, .. } => Some(project),
        _ => None,
    }
}
