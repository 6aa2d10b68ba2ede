//! A working tree as the left side of a plan: the same rules, matched by the same code.
//!
//! A checkout knows one project, and pools by their slugs. What a rule asks that no file can tell, such as
//! the group of a project, is a finding. Never: a file read or written.

use super::{
    encoding::Encoding,
    pools::{self, Pools, Style},
    tree::File,
};
use crate::{
    desired::{Declared, Desired, DesiredPool, Gate, Rule, Whereabouts},
    diff::diff,
    finding::{Finding, Level, Source, SourceId, Sources},
    live::{Directory, Live, LiveProcess, LiveProject, LiveStep, Owner, Scope, ServerFacts},
    model::{Address, Id, Linked, Name, Place, Pool, PoolHandle},
    ocl::{self, Action, Document, Kind},
    plan::{Change, ChangeKind, Header, StepEdit},
};
use std::{collections::HashMap, path::PathBuf};

/// Findings that are about the whole of a server, of which a checkout is a part.
const OF_A_SERVER: [&str; 7] = [
    "unknown-project",
    "unknown-project-group",
    "unknown-runbook",
    "unknown-step",
    "idle-rule",
    "shadowed-rule",
    "target-step",
];

/// Files of one project.
pub(super) struct Checkout<'a> {
    /// The project, as rules name it.
    pub(super) project: Option<&'a str>,
    /// What it has of OCL.
    pub(super) files: Vec<File>,
}

/// What comes of the files.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The steps that move.
    pub(super) moved: Vec<Moved>,
    /// All files.
    pub(super) files: Vec<Edited>,
}

/// A step that moves.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) file: PathBuf,
    pub(super) address: String,
    pub(super) before: String,
    pub(super) after: String,
    /// The rule that says so, and its place.
    pub(super) because: String,
}

/// A file before and after.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) path: PathBuf,
    pub(super) encoding: Encoding,
    pub(super) before: String,
    pub(super) after: String,
}

impl Checkout<'_> {
    /// Places the steps of the files as the rules say. The files are added to `sources`, for findings.
    pub(super) fn place(self, desired: &Desired, sources: &mut Sources) -> (Outcome, Vec<Finding>) {
        let mut findings = self.unanswerable(&desired.rules);
        let mut documents = Vec::new();
        for file in self.files {
            let source = SourceId(sources.0.len());
            let shown = file.path.to_string_lossy().trim_start_matches("./").to_owned();
            sources.0.push(Source { path: shown, text: file.text.clone() });
            match ocl::read(source, &file.text) {
                Ok(document) => documents.push((file, document)),
                Err(finding) if file.doubtful => findings.push(doubtful(finding)),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.iter().any(|it| it.level == Level::Error) {
            return (Outcome::default(), findings);
        }
        let texts: Vec<&Document> = documents.iter().map(|(_, it)| it).collect();
        let (pools, styles) = (Pools::of(desired, &texts), Style::of(&texts));
        let placing = placing(desired);
        let project = Name::new(self.project.unwrap_or_default());
        let processes = documents.iter().enumerate();
        let processes: Vec<LiveProcess> =
            processes.map(|(at, (file, it))| process(at, &file.path, it, &project)).collect();
        let plan = diff(&placing, &live(&pools, processes, project), header());
        let wanted = plan.changes.iter().flat_map(pools_of).collect();
        findings.extend(pools::unheard_of(desired, &texts, &wanted));
        let told = plan.findings.into_iter().filter(|it| !OF_A_SERVER.contains(&it.code.as_str()));
        findings.extend(told.filter(|it| it.level != Level::Warn));
        let planned: HashMap<&str, &Change> =
            plan.changes.iter().filter_map(|it| Some((id(it)?, it))).collect();
        let mut outcome = Outcome::default();
        for (at, ((file, document), style)) in documents.into_iter().zip(styles).enumerate() {
            let changes = document.actions.iter().enumerate().filter_map(|(index, action)| {
                Some((action, *planned.get(step_id(at, index).as_str())?))
            });
            let (changes, kept) = changes.partition(|it| !is_of_template(&document, it));
            findings.extend(of_template(kept));
            let spelled = |slug: &str| pools.spelled(slug, style);
            let made = edits(&file, &changes, &spelled, sources);
            findings.extend(made.as_ref().err().cloned());
            let (edits, moved) = made.unwrap_or_default();
            outcome.moved.extend(moved);
            let File { path, text, encoding, .. } = file;
            let after = ocl::apply(&text, &edits);
            outcome.files.push(Edited { path, encoding, before: text, after });
        }
        (outcome, findings)
    }

    /// What rules ask that no file can tell.
    fn unanswerable(&self, rules: &[Declared<Rule>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in rules {
            let select = &rule.select;
            if let Some(group) = &select.project_group {
                findings.push(unknown(group.at.clone(), "the group of a project"));
            }
            let asks = |it: &&Declared<Whereabouts>| it.value.asks_for_server();
            if let Some(currently) = select.currently.as_ref().filter(asks) {
                findings.push(unknown(currently.at.clone(), "whether a step runs on the server"));
            }
            if let (Some(project), None) = (&select.project, self.project) {
                findings.push(
                    Finding::error(
                        "unknown-project",
                        project.at.clone(),
                        "the rule asks for a project",
                    )
                    .help("say which project these files are of: `--project NAME`"),
                );
            }
        }
        findings
    }
}

/// What is told of a file that may be of another language.
fn doubtful(wrong: Finding) -> Finding {
    let wrong = Finding { level: Level::Warn, ..wrong };
    wrong.help("it is outside of `.octopus`, and left alone; name the file where it is Octopus' all the same")
}

/// Whether a change would break a process template, whose steps take their pools from its parameters.
///
/// # Source
///
/// Octopus reads no template with a step that has another pool: "A step must specify a worker pool
/// parameter".
fn is_of_template(document: &Document, (_, change): &Planned) -> bool {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return false };
    let by_parameter = |it: &StepEdit| matches!(it, StepEdit::Place(it) if matches!(it.after(), Place::Variable(_)));
    document.kind == Kind::Template && !edits.iter().all(by_parameter)
}

/// What is told of the steps of a template that stay where they are.
fn of_template(kept: Vec<Planned>) -> Option<Finding> {
    let (action, _) = kept.first()?;
    let message =
        "the steps of a process template run where its parameters say; they are left alone";
    let finding = Finding::warning("process-template", action.at.clone(), message);
    Some(finding.help(
        "place them by `pool_variable`, or give the parameter a value where the template is used",
    ))
}

fn unknown(at: crate::finding::Span, what: &str) -> Finding {
    Finding::error("not-in-a-checkout", at, format!("a working tree does not tell {what}")).help(
        "leave it out in a file for working trees, or let a server be asked: `poolwright plan`",
    )
}

/// The part of a file that places steps: its rules, and the names of its pools. No gate looks at
/// workers, of which no file tells.
fn placing(desired: &Desired) -> Desired {
    let named = |pool: &Declared<DesiredPool>| {
        let value = DesiredPool {
            name: pool.name.clone(),
            renamed_from: Vec::new(),
            image: None,
            description: None,
            default: None,
            sort_order: None,
            exact_members: false,
            protect: false,
            min_healthy: None,
        };
        Declared { value, at: pool.at.clone() }
    };
    let mut placing = Desired { rules: desired.rules.clone(), ..Desired::default() };
    placing.pools = desired.pools.iter().map(|(key, pool)| (key.clone(), named(pool))).collect();
    placing.policy.gates = Gate::ALL.into_iter().map(|gate| (gate, None)).collect();
    placing
}

fn header() -> Header {
    Header {
        url: String::new(),
        server_version: String::new(),
        space: Linked::new("", ""),
        files: Vec::new(),
        digest: String::new(),
        scope: Scope::default(),
    }
}

/// What a server would have: pools and processes.
fn live(pools: &Pools, processes: Vec<LiveProcess>, project: Name) -> Live {
    Live {
        server: ServerFacts {
            url: String::new(),
            version: String::new(),
            space: Linked::new("", ""),
            built_in_worker: None,
        },
        pools: pools.live(),
        workers: Vec::new(),
        projects: vec![LiveProject { name: project, group: Name::new(""), git: false }],
        processes,
        directory: Directory::default(),
        pointers: Vec::new(),
        choosers: Default::default(),
        editions: Vec::new(),
        elsewhere: Vec::new(),
        gaps: Vec::new(),
    }
}

fn process(
    at: usize,
    path: &std::path::Path,
    document: &ocl::Document,
    project: &Name,
) -> LiveProcess {
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let in_runbooks =
        path.parent().and_then(|it| it.file_name()).is_some_and(|it| it == "runbooks");
    let is_runbook = in_runbooks || document.kind == Kind::Runbook;
    let runbook = is_runbook.then(|| document.name.clone().unwrap_or(stem));
    let steps = document.actions.iter().enumerate().map(|(index, action)| LiveStep {
        id: Id::new(step_id(at, index)),
        step: Name::new(&action.step),
        action: Name::new(&action.action),
        has_siblings: action.has_siblings,
        action_type: action.action_type.clone(),
        place: match &action.place {
            // Early files have the name, of which the slug is made.
            Place::Pool(pool) => Place::Pool(Id::new(pools::slug(pool))),
            Place::Variable(name) => Place::Variable(name.clone()),
            Place::DefaultPool => Place::DefaultPool,
        },
        run_on_server: action.run_on_server,
        target_roles: action.target_roles.clone(),
        container: action.container.clone(),
        parameters: Vec::new(),
    });
    LiveProcess {
        id: Id::new(format!("{at}")),
        owner: Owner {
            project: project.clone(),
            group: Name::new(""),
            runbook: runbook.map(Name::new),
        },
        git: None,
        steps: steps.collect(),
    }
}

fn step_id(file: usize, action: usize) -> String {
    format!("{file}#{action}")
}

/// An action, and what is planned for it.
type Planned<'a> = (&'a Action, &'a Change);

/// The step that a change places.
fn id(change: &Change) -> Option<&str> {
    match &change.kind {
        ChangeKind::PlaceStep { action, .. } => Some(action.as_str()),
        _ => None,
    }
}

/// The edits of a file that make these changes, in its order, and the steps that move.
fn edits(
    file: &File,
    changes: &[Planned],
    spelled: &dyn Fn(&str) -> String,
    sources: &Sources,
) -> Result<(Vec<ocl::Edit>, Vec<Moved>), Finding> {
    let (mut edits, mut moves) = (Vec::new(), Vec::new());
    for (action, change) in changes {
        let (made, place) = edit(&file.text, action, change, spelled)?;
        edits.extend(made);
        moves.push(moved(file, change, action, &place, sources));
    }
    edits.sort_by_key(|it| it.range.start);
    Ok((edits, moves))
}

/// The edits of a text that make a change, and where the step runs then.
fn edit(
    text: &str,
    action: &Action,
    change: &Change,
    spelled: &dyn Fn(&str) -> String,
) -> Result<(Vec<ocl::Edit>, Place<String>), Finding> {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else {
        return Ok((Vec::new(), action.place.clone()));
    };
    let mut wanted = action.place.clone();
    for edit in edits {
        match edit {
            StepEdit::Place(place) => {
                wanted = match place.after() {
                    Place::Pool(pool) => Place::Pool(spelled(&slug_of(pool))),
                    Place::Variable(name) => Place::Variable(name.clone()),
                    Place::DefaultPool => Place::DefaultPool,
                }
            }
            StepEdit::Execution { .. } => return Err(more_than_a_line(action, "execution")),
            StepEdit::Container(_) => return Err(more_than_a_line(action, "container")),
        }
    }
    Ok((ocl::place(text, action, &wanted)?, wanted))
}

/// The slugs of the pools that a change moves a step to.
fn pools_of(change: &Change) -> Vec<String> {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return Vec::new() };
    let pool = |edit: &StepEdit| match edit {
        StepEdit::Place(place) => match place.after() {
            Place::Pool(pool) => Some(slug_of(pool)),
            _ => None,
        },
        _ => None,
    };
    edits.iter().filter_map(pool).collect()
}

fn slug_of(pool: &PoolHandle) -> String {
    let id: Option<&Id<Pool>> = pool.id();
    id.map(|it| it.as_str().to_owned()).unwrap_or_default()
}

fn more_than_a_line(action: &Action, key: &str) -> Finding {
    let message = format!("`{key}` would change more than the line that chooses the pool");
    Finding::error("ocl-one-line", action.at.clone(), message)
        .help(format!("change this step in Octopus, or leave `{key}` out of the rule"))
}

fn moved(
    file: &File,
    change: &Change,
    action: &Action,
    after: &Place<String>,
    sources: &Sources,
) -> Moved {
    let shown = |place: &Place<String>| match place {
        Place::Pool(slug) => slug.clone(),
        Place::Variable(name) => format!("variable {name:?}"),
        Place::DefaultPool => "default".to_owned(),
    };
    let address = match &change.address {
        Address::Step { process, step, .. } => format!("{process}.steps[{step:?}]"),
        other => other.to_string(),
    };
    let line = match &change.cause.at {
        crate::finding::At::Source(span) => sources.line(span),
        _ => None,
    };
    let at = line.map(|it| format!("{}:{}", it.file, it.line)).unwrap_or_default();
    let because = match &change.cause.rule {
        Some(label) => format!("{at} {label:?}"),
        None => at,
    };
    Moved {
        file: file.path.clone(),
        address,
        before: shown(&action.place),
        after: shown(after),
        because,
    }
}
