//! [`Live`] → where steps run and why, and what uses a pool; as data that `text` and `table` draw.
//!
//! Pure. What the server does not let us read is a line of its own. Never: a choice of what should be.

mod table;
mod text;
mod words;

pub use table::{csv, json};
pub use text::text;

use crate::{
    finding::Line,
    live::{
        Case, Gap, Health, Hides, Live, LivePool, LiveProcess, LiveStep, UseKind, effective,
        uses_of_pool,
    },
    model::{Address, Id, Pool},
};
use serde::Serialize;
use words::Words;

/// What was asked, answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Steps and where they run; empty where a pool was asked for.
    pub steps: Vec<StepAnswer>,
    /// What uses the pool that was asked for.
    pub uses: Vec<Use>,
    /// What could not be read, and what is never looked at.
    pub unseen: Vec<String>,
}

/// Where a step runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepAnswer {
    /// The step.
    pub address: Address,
    /// Its type: `Octopus.Script`.
    pub action_type: String,
    /// Where it runs now.
    pub live: Vec<CaseAnswer>,
    /// The rule of the file that decides about it.
    pub rule: Option<RuleAnswer>,
    /// Where it would run once the file is applied, where that is not where it runs now.
    pub declared: Option<Vec<CaseAnswer>>,
}

/// The rule of the file that decides about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleAnswer {
    /// Where it stands.
    #[serde(flatten)]
    pub line: Line,
    /// What the file calls it.
    pub label: Option<String>,
}

/// One of the cases of a step, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseAnswer {
    /// When it holds; empty for always.
    pub when: String,
    /// `server`, `targets`, `pool`, `built-in-worker`, `nowhere` or `unknown`.
    pub place: &'static str,
    /// The name of the pool, where there is one; its id where it cannot be seen.
    pub pool: Option<String>,
    /// `type`, `execution`, `step`, `variable`, `target` or `default`.
    pub by: &'static str,
    /// The whole as a sentence.
    pub because: String,
    /// The members of the pool.
    pub workers: Vec<WorkerAnswer>,
}

/// A member of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerAnswer {
    /// Its name.
    pub name: String,
    /// `healthy`, `unhealthy` or `unknown`.
    pub health: &'static str,
    /// Whether it gets no work.
    pub disabled: bool,
    /// Whether the server may pick it.
    pub eligible: bool,
}

/// Something that uses a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
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
pub struct Question<'a> {
    /// What the server has.
    pub live: &'a Live,
    /// What it would have once the file is applied; none without a file.
    pub after: Option<&'a Live>,
    /// The rules that decide, by the addresses of their steps.
    pub rules: &'a [(Address, RuleAnswer)],
}

/// What is never looked at, so that nobody takes it for unused.
const NEVER: &str = "releases that are not the newest of their channel, snapshots that are not published, \
                     the steps inside process templates, and tags and commits in Git are not looked at";

impl Explanation {
    /// Where the steps of `question` run, of which `wanted` holds.
    pub fn of_steps(question: &Question, wanted: impl Fn(&LiveStep) -> bool) -> Self {
        let processes = question.live.processes.iter();
        let steps = processes.flat_map(|process| process.steps.iter().map(move |it| (process, it)));
        let steps = steps.filter(|(_, step)| wanted(step));
        Self {
            steps: steps.map(|(process, step)| answer(question, process, step)).collect(),
            uses: Vec::new(),
            unseen: gaps(question.live).collect(),
        }
    }

    /// What uses a pool: by name or id, or because it is what a step comes to.
    pub fn of_pool(live: &Live, pool: &LivePool) -> Self {
        let words = Words(live);
        let members = live.members(&pool.id).map(|worker| Use {
            kind: "member",
            what: worker.name.to_string(),
            how: words::worker(worker),
        });
        let others = uses_of_pool(live, &pool.id).into_iter();
        let others = others.filter(|it| it.kind != UseKind::Member).map(|it| Use {
            kind: words::kind(it.kind),
            how: words.how(&it),
            what: it.what,
        });
        // What only rules do not see is seen here all the same.
        let gaps = live.gaps.iter().filter(|gap| gap.hides != Hides::Rules);
        Self {
            steps: Vec::new(),
            uses: members.chain(others).collect(),
            unseen: gaps.map(told).chain([NEVER.to_owned()]).collect(),
        }
    }
}

fn gaps(live: &Live) -> impl Iterator<Item = String> {
    live.gaps.iter().map(told)
}

fn told(gap: &Gap) -> String {
    format!("{} could not be read: {}", gap.what, gap.why)
}

fn answer(question: &Question, process: &LiveProcess, step: &LiveStep) -> StepAnswer {
    let address = process.address(step);
    let live = effective(process, step, question.live);
    let declared = question.after.and_then(|after| {
        let process = after.processes.iter().find(|it| it.id == process.id)?;
        let step = process.steps.iter().find(|it| it.id == step.id)?;
        let cases = effective(process, step, after);
        (cases != live).then(|| answers(&cases, after))
    });
    let rule = question.rules.iter().find(|(of, _)| *of == address).map(|(_, rule)| rule.clone());
    StepAnswer {
        address,
        action_type: step.action_type.clone(),
        live: answers(&live, question.live),
        rule,
        declared,
    }
}

fn answers(cases: &[Case], live: &Live) -> Vec<CaseAnswer> {
    let words = Words(live);
    let answer = |case: &Case| CaseAnswer {
        when: words::when(case),
        place: words::place(case),
        pool: case.place.pool().map(|id| words.pool(id)),
        by: words::by(case),
        because: words.because(case),
        workers: case.place.pool().map(|id| members(live, id)).unwrap_or_default(),
    };
    cases.iter().map(answer).collect()
}

fn members(live: &Live, pool: &Id<Pool>) -> Vec<WorkerAnswer> {
    let answer = live.members(pool).map(|worker| WorkerAnswer {
        name: worker.name.to_string(),
        health: words::health(worker.health),
        disabled: worker.disabled,
        eligible: !worker.disabled && worker.health == Health::Healthy,
    });
    answer.collect()
}
