//! Who uses a pool: the graph of references, whole.

use super::{
    Case, Decider, EffectivePlace, HiddenData, Live, LiveProcess, LiveStep, PoolReferenceKind,
    PoolVariable, ProcessSnapshot, RunLocation, SnapshotOrigin, UnknownReason, ValueSource,
    effective, effective_inside, pools_named, runs,
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
    let members = live.members(pool).map(|worker| PoolUse {
        kind: UseKind::Member,
        what: format!("worker {:?}", worker.name),
        reason: PoolUseReason::Direct,
    });
    let steps = live.processes.iter().flat_map(|process| {
        process.steps.iter().flat_map(move |step| {
            let of = |address: Address, via| PoolUse {
                kind: UseKind::Step,
                what: address.to_string(),
                reason: via,
            };
            let itself = of_step(live, process, step, pool);
            let itself = itself.map(|via| of(process.address(step), via));
            let inside = process.inside(step).iter().filter_map(move |inner| {
                let via = of_inner(live, process, (step, inner), pool)?;
                Some(of(process.address_inside(step, inner), via))
            });
            itself.into_iter().chain(inside)
        })
    });
    members.chain(steps).chain(beside(live, pool)).collect()
}

/// The steps that come to `pool` in any case, in words; frozen ones and those of further branches too.
pub fn residents(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    steps_by(live, pool, |via| matches!(via, PoolUseReason::Case(_) | PoolUseReason::Frozen(_)))
}

/// The steps of which nobody can tell whether they come to `pool`, in words: so it is too where a step names
/// the pool to a template of which nobody knows what is inside.
pub fn perhaps_residents(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    let unclear = steps_by(live, pool, |via| matches!(via, PoolUseReason::Unclear(_)));
    let uses = uses_of_pool(live, pool).into_iter();
    let named = uses.filter(|it| it.kind == UseKind::Parameter).map(|it| it.what);
    unclear.into_iter().chain(named).collect()
}

/// The steps that run in the default pool because nothing chooses another one, in words.
pub fn without_a_pool(live: &Live) -> Vec<String> {
    let Some(pool) = live.default_pool() else { return Vec::new() };
    let by_default = |via: &PoolUseReason| matches!(via, PoolUseReason::Case(case) if case.decided_by == Decider::DefaultPool);
    steps_by(live, &pool.id, by_default)
}

fn steps_by(live: &Live, pool: &Id<Pool>, is_one: impl Fn(&PoolUseReason) -> bool) -> Vec<String> {
    let uses = uses_of_pool(live, pool).into_iter();
    let steps = uses.filter(|it| {
        !matches!(it.kind, UseKind::Member | UseKind::Parameter | UseKind::Reference(_))
            && is_one(&it.reason)
    });
    steps.map(|it| it.what).collect()
}

/// Everything that would break without `pool`, in words, in a fixed order.
///
/// A step whose pool field lingers though it runs on its targets counts too: the server counts it. One that
/// names no pool does not: what is deleted is not the default pool.
pub fn users_of_pool(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    let uses = uses_of_pool(live, pool).into_iter();
    let breaks = uses.filter(|it| match &it.reason {
        PoolUseReason::Case(case) => case.decided_by != Decider::DefaultPool,
        // What only may use the pool would not break for certain.
        PoolUseReason::Unclear(why) => *why == UnknownReason::Type || why.is_of_template(),
        PoolUseReason::Direct | PoolUseReason::Frozen(_) | PoolUseReason::Lingering => true,
    });
    breaks.map(|it| worded(it.what, &it.reason)).collect()
}

/// What uses a pool, and how, where it does not say so itself.
fn worded(what: String, via: &PoolUseReason) -> String {
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
fn beside<'a>(live: &'a Live, pool: &'a Id<Pool>) -> impl Iterator<Item = PoolUse> + 'a {
    let parameters = live.processes.iter().flat_map(move |process| {
        process.steps.iter().flat_map(move |step| {
            let named = pools_named(step, &live.pools).filter(|(_, it)| it.id == *pool);
            // A step inside the template that comes to the pool by it is told in its place.
            let named = named.filter(|(name, _)| !leads(live, process, step, name, pool));
            named.map(|(name, _)| PoolUse {
                kind: UseKind::Parameter,
                what: format!("parameter {name:?} of {}", process.address(step)),
                reason: PoolUseReason::Direct,
            })
        })
    });
    let editions = live.snapshots.iter().flat_map(move |it| of_edition(live, it, pool));
    let pointers = live.references.iter().filter(|it| it.pool == *pool).map(|it| PoolUse {
        kind: UseKind::Reference(it.kind),
        what: it.what.clone(),
        reason: PoolUseReason::Direct,
    });
    parameters.chain(editions).chain(pointers)
}

/// How an edition's steps use a pool.
fn of_edition<'a>(
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
    let of = move |address: Address, via| {
        let named = edition.named();
        let what = named.map_or(address.to_string(), |named| format!("{named}: {address}"));
        PoolUse { kind, what, reason: via }
    };
    process.steps.iter().flat_map(move |step| {
        let by_value = match (&step.place, kind) {
            // What a variable is today does not matter to a process that has its own of then.
            (Place::Variable(name), UseKind::Snapshot | UseKind::Release) => {
                Some(frozen(edition, step, name, pool))
            }
            _ => None,
        };
        let by_place = || of_step(live, process, step, pool);
        let mut named = pools_named(step, &live.pools).filter(|(_, it)| it.id == *pool);
        let via = by_value.unwrap_or_else(by_place);
        let via = via.or_else(|| {
            named
                .any(|(name, _)| !leads(live, process, step, name, pool))
                .then_some(PoolUseReason::Direct)
        });
        let inside = process.inside(step).iter().filter_map(move |inner| {
            let via = of_inner(live, process, (step, inner), pool)?;
            Some(of(process.address_inside(step, inner), via))
        });
        via.map(|via| of(process.address(step), via)).into_iter().chain(inside)
    })
}

/// How a frozen step comes to a pool by a variable; none where it does not.
fn frozen(
    edition: &ProcessSnapshot,
    step: &LiveStep,
    variable: &str,
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    let name = Name::new(variable);
    let on_worker = matches!(runs(step), RunLocation::OnWorker(_));
    let chooses = edition.values.iter().any(|(of, value)| *of == name && value == pool);
    (on_worker && chooses).then(|| PoolUseReason::Frozen(variable.to_owned()))
}

/// How a step uses a pool; none where it does not.
fn of_step(
    live: &Live,
    process: &LiveProcess,
    step: &LiveStep,
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    if !may_come(live, step, pool) {
        return None;
    }
    let cases = effective(process, step, live);
    if let Some(case) = cases.iter().find(|it| comes_to(it, pool)) {
        return Some(PoolUseReason::Case(case.clone()));
    }
    let unclear = cases.iter().find_map(|it| match it.place {
        EffectivePlace::Unknown(why) if may_lead(live, process, step, why, pool) => Some(why),
        _ => None,
    });
    // The server counts a pool that lingers at a step which does not run there.
    let lingers = step.place == Place::Pool(pool.clone());
    unclear.map(PoolUseReason::Unclear).or(lingers.then_some(PoolUseReason::Lingering))
}

/// How a step inside the template that another one uses comes to a pool; none where it does not. What lingers
/// there is no use: the server counts the fields of processes, and it is in none.
fn of_inner(
    live: &Live,
    process: &LiveProcess,
    (usage, inner): (&LiveStep, &LiveStep),
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    let cases = effective_inside(process, usage, inner, live);
    if let Some(case) = cases.iter().find(|it| comes_to(it, pool)) {
        return Some(PoolUseReason::Case(case.clone()));
    }
    let unclear = cases.iter().find_map(|it| match it.place {
        EffectivePlace::Unknown(why) if may_lead(live, process, inner, why, pool) => Some(why),
        _ => None,
    });
    unclear.map(PoolUseReason::Unclear)
}

/// Whether some step inside the template that `usage` uses comes to `pool` by this parameter.
fn leads(
    live: &Live,
    process: &LiveProcess,
    usage: &LiveStep,
    parameter: &str,
    pool: &Id<Pool>,
) -> bool {
    let by_it = |case: &Case| {
        comes_to(case, pool)
            && matches!(&case.decided_by, Decider::Parameter(name) if name == parameter)
    };
    let mut inside = process.inside(usage).iter();
    inside.any(|inner| effective_inside(process, usage, inner, live).iter().any(by_it))
}

fn comes_to(case: &Case, pool: &Id<Pool>) -> bool {
    case.decided_by != Decider::Type && case.place.pool() == Some(pool)
}

/// Whether a step of which nobody can tell where it runs may come to this pool of all pools.
fn may_lead(
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
            Place::Variable(name) => has_value(live, process, name, pool),
            Place::DefaultPool => live.default_pool().is_some_and(|it| it.id == *pool),
        },
        UnknownReason::Ambiguous => match &step.place {
            Place::Variable(name) => has_value(live, process, name, pool),
            Place::Pool(_) | Place::DefaultPool => false,
        },
        UnknownReason::Unread
        | UnknownReason::Targets
        | UnknownReason::Prompted
        | UnknownReason::Expression => true,
    }
}

/// Whether some value of a project's variable is this pool.
fn has_value(live: &Live, process: &LiveProcess, variable: &str, pool: &Id<Pool>) -> bool {
    let name = Name::new(variable);
    live.indirect.variables.iter().any(|it| {
        it.name == name
            && it.projects.contains(&process.owner.project)
            && it.pool.as_ref() == Some(pool)
    })
}

/// Whether a step may come to a pool at all: most do not, and are not asked case by case.
fn may_come(live: &Live, step: &LiveStep, pool: &Id<Pool>) -> bool {
    let unread = || {
        live.unread
            .iter()
            .any(|it| matches!(it.hidden, HiddenData::PoolReferences | HiddenData::Targets))
    };
    match &step.place {
        Place::Pool(id) => id == pool,
        Place::Variable(name) => {
            let of_name = Name::new(name);
            let open = |it: &PoolVariable| match &it.pool {
                Some(id) => id == pool || id.as_str().contains("#{"),
                None => it.source == ValueSource::Prompted,
            };
            let values = live.indirect.variables.iter().filter(|it| it.name == of_name);
            name.contains("#{") || values.into_iter().any(open) || unread()
        }
        Place::DefaultPool => {
            live.default_pool().is_some_and(|it| it.id == *pool)
                || live.indirect.targets.iter().any(|it| it.pool.as_ref() == Some(pool))
                || unread()
        }
    }
}

/// Steps of this space of which some case needs the built-in worker, whether it is on or not.
pub fn needs_built_in_worker(live: &Live) -> Vec<String> {
    let Some(pool) = super::fallback_pool(live) else { return Vec::new() };
    residents(live, &pool.id)
}

/// Steps of this space of which nobody can tell whether they need the built-in worker.
pub fn may_need_built_in_worker(live: &Live) -> Vec<String> {
    let Some(pool) = super::fallback_pool(live) else { return Vec::new() };
    perhaps_residents(live, &pool.id)
}

impl EffectivePlace {
    /// The pool in which a step runs, or would have to.
    pub fn pool(&self) -> Option<&Id<Pool>> {
        match self {
            Self::Pool(id) | Self::BuiltInWorker(id) => Some(id),
            Self::Nowhere(id, _) => id.as_ref(),
            Self::InServer | Self::OnTargets | Self::InTemplate | Self::Unknown(_) => None,
        }
    }
}
