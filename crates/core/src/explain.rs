//! Explains where steps run and why, and what uses a pool, from [`Live`]; `text` and `table` render it.
//!
//! Pure. Whatever could not be read gets a line of its own. Never: deciding what should be.

mod markdown;
mod table;
mod text;
mod words;

pub use markdown::render_markdown;
pub use table::{render_csv, render_json};
pub use text::render_text;
pub(crate) use words::{case_condition, health_text};

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

/// The answer to a question about steps or a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Steps and where they run; empty if the question is about a pool.
    pub steps: Vec<StepAnswer>,
    /// The pool in question, if the question is about one.
    pub pool: Option<PoolAnswer>,
    /// What uses that pool.
    pub uses: Vec<PoolUseAnswer>,
    /// What could not be read, and what is never checked.
    #[serde(rename = "unseen")]
    pub unread: Vec<String>,
}

/// A step: where the file and the server place it, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepAnswer {
    /// The step.
    pub address: Address,
    /// The step that uses the process template containing this one, which no rule can match; `None` for a
    /// step of the process itself.
    #[serde(rename = "inside")]
    pub template_step: Option<String>,
    /// The action type, such as `Octopus.Script`.
    pub action_type: String,
    /// Whether the step is disabled; the answer says where it would run.
    pub disabled: bool,
    /// What the file declares; `None` without a file.
    pub declared: Option<DeclaredAnswer>,
    /// What the server has.
    pub live: PlacementAnswer,
    /// Where the step runs now, case by case.
    pub effective: Vec<CaseAnswer>,
    /// Where the step would run once the file is applied, if that differs.
    pub applied: Option<Vec<CaseAnswer>>,
}

/// What the file declares about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredAnswer {
    /// The deciding rule, if any.
    pub rule: Option<RuleAnswer>,
    /// Where the step should run.
    #[serde(flatten)]
    pub placement: PlacementAnswer,
}

/// The rule in the file that decides a step's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleAnswer {
    /// The position in the file.
    #[serde(flatten)]
    pub line: SourceLine,
    /// The label in the file.
    pub label: Option<String>,
}

/// What determines where a step runs, according to the file or the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlacementAnswer {
    /// `pool`, `variable` or `default`; also `left` and `unmanaged` for a file, and `parameter` for a step
    /// inside a process template.
    pub place: &'static str,
    /// The pool's name, or its id if there is no such pool.
    pub pool: Option<String>,
    /// The variable's name.
    pub variable: Option<String>,
    /// The name of the template's parameter.
    pub parameter: Option<String>,
    /// `once`, `per-target` or `on-targets`; `None` if not declared or not configurable.
    pub execution: Option<&'static str>,
    /// The target tags.
    pub target_tags: Vec<String>,
    /// Whether a pool or variable is set that has no effect, because the step does not run on a worker.
    pub lingering: bool,
    /// All of the above in words.
    pub text: String,
}

/// The pool in question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolAnswer {
    /// The name.
    pub name: String,
    /// The id.
    pub id: String,
    /// The slug; empty on old servers.
    pub slug: String,
    /// The image of the workers, for a dynamic pool.
    pub image: Option<String>,
    /// Whether it is the space's default pool.
    pub default: bool,
    /// Where steps that use this pool run now, and its workers.
    #[serde(flatten)]
    pub state: PoolState,
}

/// Where steps that use a pool run now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolState {
    /// As in [`CaseAnswer::place`]: `pool`, `built-in-worker` or `nowhere`.
    pub place: &'static str,
    /// All of the above in words.
    pub text: String,
    /// The members.
    pub workers: Vec<WorkerAnswer>,
}

/// One case of a step, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseAnswer {
    /// The condition; empty for always.
    pub when: String,
    /// The parts of the condition, all of which must hold.
    pub scope: Vec<ScopeAnswer>,
    /// `server`, `targets`, `template`, `pool`, `built-in-worker`, `nowhere` or `unknown`.
    pub place: &'static str,
    /// The name of the pool, or its id if the pool is not visible.
    pub pool: Option<String>,
    /// `type`, `execution`, `step`, `parameter`, `variable`, `target` or `default`.
    #[serde(rename = "by")]
    pub decided_by: &'static str,
    /// The place and the reason, as a sentence.
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
    /// Any of these names; empty for any name that no other case has.
    pub names: Vec<String>,
}

/// A member of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerAnswer {
    /// The name.
    pub name: String,
    /// `healthy`, `has_warnings`, `unhealthy`, `unavailable` or `unknown`.
    #[serde(serialize_with = "table::serialize_health")]
    pub health: Health,
    /// Whether the worker is disabled.
    pub disabled: bool,
    /// Whether the server may pick the worker.
    pub eligible: bool,
}

/// Something that uses a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolUseAnswer {
    /// `member`, `step`, `snapshot`, `release`, `branch`, `parameter`, `variable`, `tenant-variable`,
    /// `variable-template`, `target` or `step-template`.
    pub kind: &'static str,
    /// The user of the pool, as an address or in words.
    pub what: String,
    /// How the pool is used.
    pub how: String,
}

/// The live state to explain, and optionally the state after the file is applied.
#[derive(Clone, Copy, Debug)]
pub struct ExplainInput<'a> {
    /// What the server has.
    pub live: &'a Live,
    /// The state after the file is applied, and what the file declares about steps, by address; `None`
    /// without a file.
    pub file: Option<(&'a Live, &'a HashMap<Address, DeclaredAnswer>)>,
}

/// What is never checked, so that readers do not take a pool for unused.
const NEVER_READ: &str = "older releases of a channel, unpublished snapshots, the steps inside process templates that \
                     these or runbooks use, and Git tags and commits are not checked";

impl Explanation {
    /// Explains where the steps run that match `is_asked`.
    pub fn for_steps(question: &ExplainInput, is_asked: impl Fn(&LiveStep) -> bool) -> Self {
        let mut steps = Vec::new();
        for process in &question.live.processes {
            for step in &process.steps {
                let itself = is_asked(step);
                steps.extend(itself.then(|| step_answer(question, process, step)));
                let inside = process.inner_steps(step).iter().enumerate();
                let inside = inside.filter(|(_, inner)| itself || is_asked(inner));
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

    /// Explains what uses a pool, by reference or because a step ends up running in it.
    pub fn for_pool(live: &Live, pool: &LivePool) -> Self {
        let words = CaseDescriber(live);
        let members = live.pool_members(&pool.id).map(|worker| PoolUseAnswer {
            kind: "member",
            what: worker.name.to_string(),
            how: words::worker_state(worker),
        });
        let others = uses_of_pool(live, &pool.id).into_iter();
        let others = others.filter(|pool_use| pool_use.kind != UseKind::Member).map(|pool_use| {
            PoolUseAnswer {
                kind: words::use_kind_word(pool_use.kind),
                how: words.explain_use(&pool_use),
                what: pool_use.what,
            }
        });
        // Parts that are hidden only from rules have been read here.
        let parts = live.unread.iter().filter(|part| part.hidden != HiddenData::Rules);
        let mut unread = describe_unread(parts);
        unread.push(NEVER_READ.to_owned());
        Self {
            steps: Vec::new(),
            pool: Some(pool_answer(live, pool)),
            uses: members.chain(others).collect(),
            unread,
        }
    }
}

fn describe_unread<'a>(parts: impl Iterator<Item = &'a UnreadPart>) -> Vec<String> {
    let causes = group_by_cause(parts).into_iter();
    causes.map(|(what, why)| format!("{what} could not be read: {why}")).collect()
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
        let process = after.processes.iter().find(|candidate| candidate.id == process.id)?;
        let step = process.steps.iter().find(|candidate| candidate.id == step.id)?;
        let cases = live::effective_cases(process, step, after);
        (cases != effective).then(|| case_answers(&cases, after))
    });
    let declared = question.file.map(|(_, declared)| {
        let declared = declared.get(&address).cloned();
        declared.unwrap_or_else(|| DeclaredAnswer::new_unmanaged("no rule matches it"))
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

/// Explains the step at index `at` of the process template that `usage` uses.
fn inner_step_answer(
    question: &ExplainInput,
    process: &LiveProcess,
    usage: &LiveStep,
    at: usize,
) -> Option<StepAnswer> {
    let inner = process.inner_steps(usage).get(at)?;
    let effective = live::inner_step_cases(process, usage, inner, question.live);
    let applied = question.file.and_then(|(after, _)| {
        let process = after.processes.iter().find(|candidate| candidate.id == process.id)?;
        let usage = process.steps.iter().find(|step| step.id == usage.id)?;
        let cases =
            live::inner_step_cases(process, usage, process.inner_steps(usage).get(at)?, after);
        (cases != effective).then(|| case_answers(&cases, after))
    });
    let declared = || {
        DeclaredAnswer::new_unmanaged("it belongs to a process template, which rules cannot change")
    };
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
    /// Creates the answer for a step that no rule decides, with the reason.
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
