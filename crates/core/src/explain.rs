//! [`Live`] → where steps run and why, and what uses a pool; as data that `text` and `table` draw.
//!
//! Pure. What the server does not let us read is a line of its own. Never: a choice of what should be.

mod table;
mod text;
mod words;

pub use table::{render_csv, render_json};
pub use text::render_text;

use crate::{
    finding::SourceLine,
    live::{
        self, Case, CaseCondition, Decider, Health, HiddenData, Live, LivePool, LiveProcess,
        LiveStep, UnreadPart, UseKind, effective_in_pool, group_by_cause, uses_of_pool,
    },
    model::{Address, Id, Pool, PoolKind},
};

use serde::Serialize;
use std::collections::HashMap;
use words::CaseDescriber;

/// What was asked, answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Steps and where they run; empty where a pool was asked for.
    pub steps: Vec<StepAnswer>,
    /// The pool that was asked for; none where it was a project.
    pub pool: Option<PoolAnswer>,
    /// What uses the pool that was asked for.
    pub uses: Vec<PoolUseAnswer>,
    /// What could not be read, and what is never looked at.
    #[serde(rename = "unseen")]
    pub unread: Vec<String>,
}

/// A step: what is said of it, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepAnswer {
    /// The step.
    pub address: Address,
    /// The step that uses the process template which it is inside of; no rule decides about it then. None
    /// for a step of the process itself.
    #[serde(rename = "inside")]
    pub template_step: Option<String>,
    /// Its type: `Octopus.Script`.
    pub action_type: String,
    /// Whether it is skipped until somebody enables it; where it runs is told all the same.
    pub disabled: bool,
    /// What the file says; none without a file.
    pub declared: Option<DeclaredAnswer>,
    /// What the server has.
    pub live: PlacementAnswer,
    /// Where it runs now, case by case.
    pub effective: Vec<CaseAnswer>,
    /// Where it would run once the file is applied, where that is not where it runs now.
    pub applied: Option<Vec<CaseAnswer>>,
}

/// What the file says about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredAnswer {
    /// The rule that decides; none where no rule does.
    pub rule: Option<RuleAnswer>,
    /// Where it says that the step shall run.
    #[serde(flatten)]
    pub placement: PlacementAnswer,
}

/// The rule of the file that decides about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleAnswer {
    /// Where it stands.
    #[serde(flatten)]
    pub line: SourceLine,
    /// What the file calls it.
    pub label: Option<String>,
}

/// What chooses where a step runs, as a file or the server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlacementAnswer {
    /// `pool`, `variable` or `default`; of a file also `left` and `unmanaged`, and of a step inside a process
    /// template `parameter`.
    pub place: &'static str,
    /// The pool's name, where it is one; its id where there is no such pool.
    pub pool: Option<String>,
    /// The variable's name, where it is one.
    pub variable: Option<String>,
    /// The name of the template's parameter, where it is one.
    pub parameter: Option<String>,
    /// `once`, `per-target` or `on-targets`; none where that is not said, or is nobody's choice.
    pub execution: Option<&'static str>,
    /// Its target tags.
    pub target_tags: Vec<String>,
    /// Whether it says a pool or a variable that means nothing, since it does not run on a worker.
    pub lingering: bool,
    /// The whole in words.
    pub text: String,
}

/// A pool that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolAnswer {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its slug; empty on old servers.
    pub slug: String,
    /// The image of its workers, where it is dynamic.
    pub image: Option<String>,
    /// Whether it is the space's default pool.
    pub default: bool,
    /// Where a step of this pool runs now, and its workers.
    #[serde(flatten)]
    pub state: PoolState,
}

/// Where a step of a pool runs now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolState {
    /// As of a case: `pool`, `built-in-worker` or `nowhere`.
    pub place: &'static str,
    /// The whole in words.
    pub text: String,
    /// Its members.
    pub workers: Vec<WorkerAnswer>,
}

/// One of the cases of a step, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseAnswer {
    /// When it holds; empty for always.
    pub when: String,
    /// The same, condition by condition; all of these.
    pub scope: Vec<ScopeAnswer>,
    /// `server`, `targets`, `template`, `pool`, `built-in-worker`, `nowhere` or `unknown`.
    pub place: &'static str,
    /// The name of the pool, where there is one; its id where it cannot be seen.
    pub pool: Option<String>,
    /// `type`, `execution`, `step`, `parameter`, `variable`, `target` or `default`.
    #[serde(rename = "by")]
    pub decided_by: &'static str,
    /// The whole as a sentence.
    #[serde(rename = "because")]
    pub reason: String,
    /// The members of the pool.
    pub workers: Vec<WorkerAnswer>,
}

/// A condition of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeAnswer {
    /// `environment`, `channel`, `tenant tag`, `tenant` or `target`.
    #[serde(rename = "of")]
    pub dimension: &'static str,
    /// Any of these names; empty for any that the other cases do not name.
    pub names: Vec<String>,
}

/// A member of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerAnswer {
    /// Its name.
    pub name: String,
    /// `healthy`, `has_warnings`, `unhealthy`, `unavailable` or `unknown`.
    #[serde(serialize_with = "table::serialize_health")]
    pub health: Health,
    /// Whether it gets no work.
    pub disabled: bool,
    /// Whether the server may pick it.
    pub eligible: bool,
}

/// Something that uses a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolUseAnswer {
    /// `member`, `step`, `snapshot`, `release`, `branch`, `parameter`, `variable`, `tenant-variable`,
    /// `variable-template`, `target` or `step-template`.
    pub kind: &'static str,
    /// What it is: an address or words.
    pub what: String,
    /// How it uses the pool.
    pub how: String,
}

/// The state of which steps are told, and what the file makes of it.
#[derive(Clone, Copy, Debug)]
pub struct ExplainInput<'a> {
    /// What the server has.
    pub live: &'a Live,
    /// What it would have once the file is applied, and what the file says of steps, by their addresses;
    /// none without a file.
    pub file: Option<(&'a Live, &'a HashMap<Address, DeclaredAnswer>)>,
}

/// What is never looked at, so that nobody takes it for unused.
const NEVER_READ: &str = "releases that are not the newest of their channel, snapshots that are not published, \
                     the steps inside process templates that runbooks or any of these use, and tags and \
                     commits in Git are not looked at";

impl Explanation {
    /// Where the steps of `question` run, of which `wanted` holds.
    pub fn for_steps(question: &ExplainInput, wanted: impl Fn(&LiveStep) -> bool) -> Self {
        let mut steps = Vec::new();
        for process in &question.live.processes {
            for step in &process.steps {
                let itself = wanted(step);
                steps.extend(itself.then(|| step_answer(question, process, step)));
                let inside = process.inner_steps(step).iter().enumerate();
                let inside = inside.filter(|(_, inner)| itself || wanted(inner));
                steps.extend(
                    inside.filter_map(|(at, _)| inner_step_answer(question, process, step, at)),
                );
            }
        }
        Self {
            steps,
            pool: None,
            uses: Vec::new(),
            unread: describe_unread(question.live.unread.iter()),
        }
    }

    /// What uses a pool: by name or id, or because it is what a step comes to.
    pub fn for_pool(live: &Live, pool: &LivePool) -> Self {
        let words = CaseDescriber(live);
        let members = live.pool_members(&pool.id).map(|worker| PoolUseAnswer {
            kind: "member",
            what: worker.name.to_string(),
            how: words::worker_state(worker),
        });
        let others = uses_of_pool(live, &pool.id).into_iter();
        let others =
            others.filter(|other| other.kind != UseKind::Member).map(|other| PoolUseAnswer {
                kind: words::use_kind_word(other.kind),
                how: words.explain_use(&other),
                what: other.what,
            });
        // What only rules do not see is seen here all the same.
        let gaps = live.unread.iter().filter(|gap| gap.hidden != HiddenData::Rules);
        let mut unseen = describe_unread(gaps);
        unseen.push(NEVER_READ.to_owned());
        Self {
            steps: Vec::new(),
            pool: Some(pool_answer(live, pool)),
            uses: members.chain(others).collect(),
            unread: unseen,
        }
    }
}

fn describe_unread<'a>(gaps: impl Iterator<Item = &'a UnreadPart>) -> Vec<String> {
    let told = group_by_cause(gaps).into_iter();
    told.map(|(what, why)| format!("{what} could not be read: {why}")).collect()
}

fn pool_answer(live: &Live, pool: &LivePool) -> PoolAnswer {
    let case = Case {
        when: Vec::new(),
        decided_by: Decider::Explicit,
        place: effective_in_pool(&pool.id, live),
    };
    PoolAnswer {
        name: pool.name.to_string(),
        id: pool.id.as_str().to_owned(),
        slug: pool.slug.clone(),
        image: match &pool.kind {
            PoolKind::Dynamic { image } => Some(image.clone()),
            PoolKind::Static => None,
        },
        default: pool.default,
        state: PoolState {
            place: words::place_word(&case),
            text: words::describe_state(&case.place),
            workers: worker_answers(live, &pool.id),
        },
    }
}

fn step_answer(question: &ExplainInput, process: &LiveProcess, step: &LiveStep) -> StepAnswer {
    let address = process.step_address(step);
    let effective = live::effective_cases(process, step, question.live);
    let applied = question.file.and_then(|(after, _)| {
        let process = after.processes.iter().find(|other| other.id == process.id)?;
        let step = process.steps.iter().find(|other| other.id == step.id)?;
        let cases = live::effective_cases(process, step, after);
        (cases != effective).then(|| case_answers(&cases, after))
    });
    let declared = question.file.map(|(_, declared)| {
        let declared = declared.get(&address).cloned();
        declared.unwrap_or_else(|| DeclaredAnswer::new_unmanaged("no rule decides about it"))
    });
    StepAnswer {
        address,
        template_step: None,
        action_type: step.action_type.clone(),
        disabled: step.disabled,
        declared,
        live: CaseDescriber(question.live).describe_step(step, &effective),
        effective: case_answers(&effective, question.live),
        applied,
    }
}

/// The step at this place inside the process template that `usage` uses.
fn inner_step_answer(
    question: &ExplainInput,
    process: &LiveProcess,
    usage: &LiveStep,
    at: usize,
) -> Option<StepAnswer> {
    let inner = process.inner_steps(usage).get(at)?;
    let effective = live::inner_step_cases(process, usage, inner, question.live);
    let applied = question.file.and_then(|(after, _)| {
        let process = after.processes.iter().find(|other| other.id == process.id)?;
        let usage = process.steps.iter().find(|step| step.id == usage.id)?;
        let cases =
            live::inner_step_cases(process, usage, process.inner_steps(usage).get(at)?, after);
        (cases != effective).then(|| case_answers(&cases, after))
    });
    let declared =
        || DeclaredAnswer::new_unmanaged("it belongs to a process template, which no rule changes");
    Some(StepAnswer {
        address: process.inner_step_address(usage, inner),
        template_step: Some(usage.display_name().to_string()),
        action_type: inner.action_type.clone(),
        disabled: inner.disabled || usage.disabled,
        declared: question.file.map(|_| declared()),
        live: CaseDescriber(question.live).describe_step(inner, &effective),
        effective: case_answers(&effective, question.live),
        applied,
    })
}

impl DeclaredAnswer {
    /// That no rule decides, and why.
    pub fn new_unmanaged(why: &str) -> Self {
        let text = format!("nothing: {why}");
        Self {
            rule: None,
            placement: PlacementAnswer { place: "unmanaged", text, ..PlacementAnswer::default() },
        }
    }
}

fn case_answers(cases: &[Case], live: &Live) -> Vec<CaseAnswer> {
    let words = CaseDescriber(live);
    let case_answer = |case: &Case| CaseAnswer {
        when: words::case_condition(case),
        scope: case.when.iter().map(scope_answer).collect(),
        place: words::place_word(case),
        pool: case.place.required_pool().map(|id| words.pool_name(id)),
        decided_by: words::decider_word(case),
        reason: words.explain_case(case),
        workers: case.place.required_pool().map(|id| worker_answers(live, id)).unwrap_or_default(),
    };
    cases.iter().map(case_answer).collect()
}

fn scope_answer(condition: &CaseCondition) -> ScopeAnswer {
    ScopeAnswer { dimension: condition.dimension.as_str(), names: condition.names.clone() }
}

fn worker_answers(live: &Live, pool: &Id<Pool>) -> Vec<WorkerAnswer> {
    let answer = live.pool_members(pool).map(|worker| WorkerAnswer {
        name: worker.name.to_string(),
        health: worker.health,
        disabled: worker.disabled,
        eligible: !worker.disabled && worker.health.can_take_work(),
    });
    answer.collect()
}
