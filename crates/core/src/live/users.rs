//! Who uses a pool: the graph of references, whole.

use super::{
    Case, Decider, EffectivePlace, HiddenData, Live, LiveProcess, LiveStep, PoolReferenceKind,
    PoolVariable, ProcessSnapshot, RunLocation, SnapshotOrigin, UnknownReason, ValueSource,
    classify_step, effective_cases, inner_step_cases, pool_parameters,
};
use crate::model::{Address, Id, Name, Place, Pool};

/// Something that uses a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// What it is.
    pub kind: UseKind,
    /// Which, in words or as an address.
    pub what: String,
    /// How it comes to the pool.
    pub reason: PoolUseReason,
}

/// What uses a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UseKind {
    /// A worker that is a member.
    Member,
    /// A step of a deployment or runbook process.
    Step,
    /// A step of the published snapshot of a runbook.
    Snapshot,
    /// A step of the newest release of a channel.
    Release,
    /// A step on a branch beside those that are read for a plan.
    Branch,
    /// A parameter of a step that uses a template.
    Parameter,
    /// Something else that points at the pool.
    Reference(PoolReferenceKind),
}

/// How something comes to a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolUseReason {
    /// It is about the pool and no other: a member, a variable's value, a target's pool, a parameter.
    Direct,
    /// It is a step that runs there in this case.
    Case(Case),
    /// It is a step by a variable that was frozen with this pool as one of its values.
    Frozen(String),
    /// It is a step of which nobody can tell where it runs, and that may come to the pool.
    Unclear(UnknownReason),
    /// It is a step whose pool field says so, though it does not run on a worker.
    Lingering,
}

/// Everything that comes to `pool` in any case, in a fixed order: members, steps, parameters, frozen
/// processes and further branches, variables, targets.
pub fn uses_of_pool(live: &Live, pool: &Id<Pool>) -> Vec<PoolUse> {
    let members = live.pool_members(pool).map(|worker| PoolUse {
        kind: UseKind::Member,
        what: format!("worker {:?}", worker.name),
        reason: PoolUseReason::Direct,
    });
    let steps = live.processes.iter().flat_map(|process| {
        process.steps.iter().flat_map(move |step| {
            let step_use = |address: Address, via| PoolUse {
                kind: UseKind::Step,
                what: address.to_string(),
                reason: via,
            };
            let itself = find_step_via(live, process, step, pool);
            let itself = itself.map(|via| step_use(process.step_address(step), via));
            let inside = process.inner_steps(step).iter().filter_map(move |inner| {
                let via = find_inner_via(live, process, (step, inner), pool)?;
                Some(step_use(process.inner_step_address(step, inner), via))
            });
            itself.into_iter().chain(inside)
        })
    });
    members.chain(steps).chain(other_pool_uses(live, pool)).collect()
}

/// The steps that come to `pool` in any case, in words; frozen ones and those of further branches too.
pub fn steps_in_pool(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    filter_step_uses(live, pool, |via| {
        matches!(via, PoolUseReason::Case(_) | PoolUseReason::Frozen(_))
    })
}

/// The steps of which nobody can tell whether they come to `pool`, in words: so it is too where a step names
/// the pool to a template of which nobody knows what is inside.
pub fn steps_maybe_in_pool(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    let unclear = filter_step_uses(live, pool, |via| matches!(via, PoolUseReason::Unclear(_)));
    let uses = uses_of_pool(live, pool).into_iter();
    let named = uses.filter(|pool_use| pool_use.kind == UseKind::Parameter).map(|it| it.what);
    unclear.into_iter().chain(named).collect()
}

/// The steps that run in the default pool because nothing chooses another one, in words.
pub fn steps_without_pool(live: &Live) -> Vec<String> {
    let Some(pool) = live.default_pool() else { return Vec::new() };
    let by_default = |via: &PoolUseReason| matches!(via, PoolUseReason::Case(case) if case.decided_by == Decider::DefaultPool);
    filter_step_uses(live, &pool.id, by_default)
}

fn filter_step_uses(
    live: &Live,
    pool: &Id<Pool>,
    is_one: impl Fn(&PoolUseReason) -> bool,
) -> Vec<String> {
    let uses = uses_of_pool(live, pool).into_iter();
    let steps = uses.filter(|pool_use| {
        !matches!(pool_use.kind, UseKind::Member | UseKind::Parameter | UseKind::Reference(_))
            && is_one(&pool_use.reason)
    });
    steps.map(|it| it.what).collect()
}

/// Everything that would break without `pool`, in words, in a fixed order.
///
/// A step whose pool field lingers though it runs on its targets counts too: the server counts it. One that
/// names no pool does not: what is deleted is not the default pool.
pub fn describe_pool_users(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    let uses = uses_of_pool(live, pool).into_iter();
    let breaks = uses.filter(|pool_use| match &pool_use.reason {
        PoolUseReason::Case(case) => case.decided_by != Decider::DefaultPool,
        // What only may use the pool would not break for certain.
        PoolUseReason::Unclear(why) => *why == UnknownReason::Type || why.is_about_template(),
        PoolUseReason::Direct | PoolUseReason::Frozen(_) | PoolUseReason::Lingering => true,
    });
    breaks.map(|pool_use| describe_use(pool_use.what, &pool_use.reason)).collect()
}

/// What uses a pool, and how, where it does not say so itself.
fn describe_use(what: String, via: &PoolUseReason) -> String {
    match via {
        PoolUseReason::Lingering => format!("{what} (which does not run on a worker)"),
        PoolUseReason::Unclear(_) => format!("{what} (which may not run on a worker)"),
        PoolUseReason::Case(Case { decided_by: Decider::Variable(name, _), .. })
        | PoolUseReason::Frozen(name) => {
            format!("{what} (by variable `{name}`)")
        }
        PoolUseReason::Case(Case { decided_by: Decider::Parameter(name), .. }) => {
            format!("{what} (by parameter `{name}`)")
        }
        PoolUseReason::Case(Case { decided_by: Decider::Target, .. }) => {
            format!("{what} (by its targets)")
        }
        PoolUseReason::Direct | PoolUseReason::Case(_) => what,
    }
}

/// What uses `pool` beside its members and the steps of current processes.
fn other_pool_uses<'a>(live: &'a Live, pool: &'a Id<Pool>) -> impl Iterator<Item = PoolUse> + 'a {
    let parameters = live.processes.iter().flat_map(move |process| {
        process.steps.iter().flat_map(move |step| {
            let named = pool_parameters(step, &live.pools).filter(|(_, other)| other.id == *pool);
            // A step inside the template that comes to the pool by it is told in its place.
            let named =
                named.filter(|(name, _)| !parameter_picks_pool(live, process, step, name, pool));
            named.map(|(name, _)| PoolUse {
                kind: UseKind::Parameter,
                what: format!("parameter {name:?} of {}", process.step_address(step)),
                reason: PoolUseReason::Direct,
            })
        })
    });
    let editions = live.snapshots.iter().flat_map(move |it| snapshot_uses(live, it, pool));
    let pointers =
        live.references.iter().filter(|reference| reference.pool == *pool).map(|reference| {
            PoolUse {
                kind: UseKind::Reference(reference.kind),
                what: reference.what.clone(),
                reason: PoolUseReason::Direct,
            }
        });
    parameters.chain(editions).chain(pointers)
}

/// How an edition's steps use a pool.
fn snapshot_uses<'a>(
    live: &'a Live,
    edition: &'a ProcessSnapshot,
    pool: &'a Id<Pool>,
) -> impl Iterator<Item = PoolUse> + 'a {
    let kind = match edition.origin {
        SnapshotOrigin::RunbookSnapshot(_) => UseKind::Snapshot,
        SnapshotOrigin::Release { .. } => UseKind::Release,
        SnapshotOrigin::OtherBranch => UseKind::Branch,
    };
    let process = &edition.process;
    let snapshot_use = move |address: Address, via| {
        let named = edition.describe_origin();
        let what = named.map_or(address.to_string(), |named| format!("{named}: {address}"));
        PoolUse { kind, what, reason: via }
    };
    process.steps.iter().flat_map(move |step| {
        let by_value = match (&step.place, kind) {
            // What a variable is today does not matter to a process that has its own of then.
            (Place::Variable(name), UseKind::Snapshot | UseKind::Release) => {
                Some(via_frozen_value(edition, step, name, pool))
            }
            _ => None,
        };
        let by_place = || find_step_via(live, process, step, pool);
        let mut named = pool_parameters(step, &live.pools).filter(|(_, other)| other.id == *pool);
        let via = by_value.unwrap_or_else(by_place);
        let via = via.or_else(|| {
            named
                .any(|(name, _)| !parameter_picks_pool(live, process, step, name, pool))
                .then_some(PoolUseReason::Direct)
        });
        let inside = process.inner_steps(step).iter().filter_map(move |inner| {
            let via = find_inner_via(live, process, (step, inner), pool)?;
            Some(snapshot_use(process.inner_step_address(step, inner), via))
        });
        via.map(|via| snapshot_use(process.step_address(step), via)).into_iter().chain(inside)
    })
}

/// How a frozen step comes to a pool by a variable; none where it does not.
fn via_frozen_value(
    edition: &ProcessSnapshot,
    step: &LiveStep,
    variable: &str,
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    let name = Name::new(variable);
    let on_worker = matches!(classify_step(step), RunLocation::OnWorker(_));
    let chooses = edition.values.iter().any(|(of, value)| *of == name && value == pool);
    (on_worker && chooses).then(|| PoolUseReason::Frozen(variable.to_owned()))
}

/// How a step uses a pool; none where it does not.
fn find_step_via(
    live: &Live,
    process: &LiveProcess,
    step: &LiveStep,
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    if !is_pool_candidate(live, step, pool) {
        return None;
    }
    let cases = effective_cases(process, step, live);
    if let Some(case) = cases.iter().find(|it| case_uses_pool(it, pool)) {
        return Some(PoolUseReason::Case(case.clone()));
    }
    let unclear = cases.iter().find_map(|other| match other.place {
        EffectivePlace::Unknown(why) if may_reach_pool(live, process, step, why, pool) => Some(why),
        _ => None,
    });
    // The server counts a pool that lingers at a step which does not run there.
    let lingers = step.place == Place::Pool(pool.clone());
    unclear.map(PoolUseReason::Unclear).or(lingers.then_some(PoolUseReason::Lingering))
}

/// How a step inside the template that another one uses comes to a pool; none where it does not. What lingers
/// there is no use: the server counts the fields of processes, and it is in none.
fn find_inner_via(
    live: &Live,
    process: &LiveProcess,
    (usage, inner): (&LiveStep, &LiveStep),
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    let cases = inner_step_cases(process, usage, inner, live);
    if let Some(case) = cases.iter().find(|it| case_uses_pool(it, pool)) {
        return Some(PoolUseReason::Case(case.clone()));
    }
    let unclear = cases.iter().find_map(|other| match other.place {
        EffectivePlace::Unknown(why) if may_reach_pool(live, process, inner, why, pool) => {
            Some(why)
        }
        _ => None,
    });
    unclear.map(PoolUseReason::Unclear)
}

/// Whether some step inside the template that `usage` uses comes to `pool` by this parameter.
fn parameter_picks_pool(
    live: &Live,
    process: &LiveProcess,
    usage: &LiveStep,
    parameter: &str,
    pool: &Id<Pool>,
) -> bool {
    let is_by_parameter = |case: &Case| {
        case_uses_pool(case, pool)
            && matches!(&case.decided_by, Decider::Parameter(name) if name == parameter)
    };
    let mut inside = process.inner_steps(usage).iter();
    inside.any(|inner| inner_step_cases(process, usage, inner, live).iter().any(is_by_parameter))
}

fn case_uses_pool(case: &Case, pool: &Id<Pool>) -> bool {
    case.decided_by != Decider::Type && case.place.required_pool() == Some(pool)
}

/// Whether a step of which nobody can tell where it runs may come to this pool of all pools.
fn may_reach_pool(
    live: &Live,
    process: &LiveProcess,
    step: &LiveStep,
    why: UnknownReason,
    pool: &Id<Pool>,
) -> bool {
    match why {
        UnknownReason::Type
        | UnknownReason::Template
        | UnknownReason::TemplateUnread
        | UnknownReason::TemplateOmitted
        | UnknownReason::TemplateAmbiguous => match &step.place {
            Place::Pool(id) => id == pool,
            Place::Variable(name) => variable_has_pool(live, process, name, pool),
            Place::DefaultPool => {
                live.default_pool().is_some_and(|default_pool| default_pool.id == *pool)
            }
        },
        UnknownReason::Ambiguous => match &step.place {
            Place::Variable(name) => variable_has_pool(live, process, name, pool),
            Place::Pool(_) | Place::DefaultPool => false,
        },
        UnknownReason::Unread
        | UnknownReason::Targets
        | UnknownReason::Prompted
        | UnknownReason::Expression => true,
    }
}

/// Whether some value of a project's variable is this pool.
fn variable_has_pool(live: &Live, process: &LiveProcess, variable: &str, pool: &Id<Pool>) -> bool {
    let name = Name::new(variable);
    live.indirect.variables.iter().any(|variable| {
        variable.name == name
            && variable.projects.contains(&process.owner.project)
            && variable.pool.as_ref() == Some(pool)
    })
}

/// Whether a step may come to a pool at all: most do not, and are not asked case by case.
fn is_pool_candidate(live: &Live, step: &LiveStep, pool: &Id<Pool>) -> bool {
    let unread = || {
        live.unread
            .iter()
            .any(|part| matches!(part.hidden, HiddenData::PoolReferences | HiddenData::Targets))
    };
    match &step.place {
        Place::Pool(id) => id == pool,
        Place::Variable(name) => {
            let of_name = Name::new(name);
            let may_be_pool = |variable: &PoolVariable| match &variable.pool {
                Some(id) => id == pool || id.as_str().contains("#{"),
                None => variable.source == ValueSource::Prompted,
            };
            let values = live.indirect.variables.iter().filter(|variable| variable.name == of_name);
            name.contains("#{") || values.into_iter().any(may_be_pool) || unread()
        }
        Place::DefaultPool => {
            live.default_pool().is_some_and(|default_pool| default_pool.id == *pool)
                || live.indirect.targets.iter().any(|target| target.pool.as_ref() == Some(pool))
                || unread()
        }
    }
}

/// Steps of this space of which some case needs the built-in worker, whether it is on or not.
pub fn steps_on_built_in(live: &Live) -> Vec<String> {
    let Some(pool) = super::built_in_worker_pool(live) else { return Vec::new() };
    steps_in_pool(live, &pool.id)
}

/// Steps of this space of which nobody can tell whether they need the built-in worker.
pub fn steps_maybe_built_in(live: &Live) -> Vec<String> {
    let Some(pool) = super::built_in_worker_pool(live) else { return Vec::new() };
    steps_maybe_in_pool(live, &pool.id)
}

impl EffectivePlace {
    /// The pool in which a step runs, or would have to.
    pub fn required_pool(&self) -> Option<&Id<Pool>> {
        match self {
            Self::Pool(id) | Self::BuiltInWorker(id) => Some(id),
            Self::Nowhere(id, _) => id.as_ref(),
            Self::InServer | Self::OnTargets | Self::InTemplate | Self::Unknown(_) => None,
        }
    }
}
