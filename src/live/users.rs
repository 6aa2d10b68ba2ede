//! Who uses a pool: the graph of references, whole.

use super::{
    Case, Decider, Edition, EditionOf, Effective, Live, LiveProcess, LiveStep, Pointing, Runs,
    effective, pools_named, runs,
};
use crate::model::{Id, Name, Place, Pool};

/// Something that uses a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// What it is.
    pub kind: UseKind,
    /// Which, in words or as an address.
    pub what: String,
    /// How it comes to the pool.
    pub via: Via,
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
    Pointer(Pointing),
}

/// How something comes to a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// It is about the pool and no other: a member, a variable's value, a target's pool, a parameter.
    Direct,
    /// It is a step that runs there in this case.
    Case(Case),
    /// It is a step by a variable that was frozen with this pool as one of its values.
    Frozen(String),
    /// It is a step whose pool field says so, though it does not run on a worker.
    Lingering,
}

/// Everything that comes to `pool` in any case, in a fixed order: members, steps, parameters, frozen
/// processes and further branches, variables, targets.
pub fn uses_of_pool(live: &Live, pool: &Id<Pool>) -> Vec<PoolUse> {
    let members = live.members(pool).map(|worker| PoolUse {
        kind: UseKind::Member,
        what: format!("worker {:?}", worker.name),
        via: Via::Direct,
    });
    let steps = live.processes.iter().flat_map(|process| {
        process.steps.iter().filter_map(|step| {
            let via = of_step(live, process, step, pool)?;
            Some(PoolUse { kind: UseKind::Step, what: process.address(step).to_string(), via })
        })
    });
    members.chain(steps).chain(beside(live, pool)).collect()
}

/// The steps that come to `pool` in any case, in words; frozen ones and those of further branches too.
pub fn residents(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    let uses = uses_of_pool(live, pool).into_iter();
    let steps = uses.filter(|it| {
        let is_step = !matches!(it.kind, UseKind::Member | UseKind::Pointer(_));
        is_step && it.via != Via::Lingering
    });
    steps.map(|it| it.what).collect()
}

/// Everything that is known to point at `pool` itself, in words, in a fixed order: what would break without
/// it. A step that comes to the pool by a variable is found by that variable.
///
/// A step whose pool field lingers though it runs on its targets counts too: the server counts it.
pub fn users_of_pool(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    let members = live.members(pool).map(|worker| format!("worker {:?}", worker.name));
    let steps = live.processes.iter().flat_map(|process| {
        let uses = process.steps.iter().filter(|step| step.place == Place::Pool(pool.clone()));
        uses.map(|step| match runs(step) {
            Runs::OnWorker(_) => process.address(step).to_string(),
            _ => lingering(&process.address(step).to_string()),
        })
    });
    let beside = beside(live, pool).map(|it| match it.via {
        Via::Lingering => lingering(&it.what),
        Via::Direct | Via::Case(_) | Via::Frozen(_) => it.what,
    });
    members.chain(steps).chain(beside).collect()
}

fn lingering(step: &str) -> String {
    format!("{step} (which does not run on a worker)")
}

/// What uses `pool` beside its members and the steps of current processes.
fn beside<'a>(live: &'a Live, pool: &'a Id<Pool>) -> impl Iterator<Item = PoolUse> + 'a {
    let parameters = live.processes.iter().flat_map(move |process| {
        process.steps.iter().flat_map(move |step| {
            let named = pools_named(step, &live.pools).filter(|(_, it)| it.id == *pool);
            named.map(|(name, _)| PoolUse {
                kind: UseKind::Parameter,
                what: format!("parameter {name:?} of {}", process.address(step)),
                via: Via::Direct,
            })
        })
    });
    let editions = live.editions.iter().flat_map(move |it| of_edition(live, it, pool));
    let pointers = live.pointers.iter().filter(|it| it.pool == *pool).map(|it| PoolUse {
        kind: UseKind::Pointer(it.kind),
        what: it.what.clone(),
        via: Via::Direct,
    });
    parameters.chain(editions).chain(pointers)
}

/// How an edition's steps use a pool.
fn of_edition<'a>(
    live: &'a Live,
    edition: &'a Edition,
    pool: &'a Id<Pool>,
) -> impl Iterator<Item = PoolUse> + 'a {
    let kind = match edition.of {
        EditionOf::Snapshot(_) => UseKind::Snapshot,
        EditionOf::Release { .. } => UseKind::Release,
        EditionOf::Branch => UseKind::Branch,
    };
    let what = |step| {
        let address = edition.process.address(step);
        edition.named().map_or(address.to_string(), |named| format!("{named}: {address}"))
    };
    edition.process.steps.iter().filter_map(move |step| {
        let by_value = match (&step.place, kind) {
            // What a variable is today does not matter to a process that has its own of then.
            (Place::Variable(name), UseKind::Snapshot | UseKind::Release) => {
                Some(frozen(edition, step, name, pool))
            }
            _ => None,
        };
        let by_place = || of_step(live, &edition.process, step, pool);
        let named = || pools_named(step, &live.pools).any(|(_, it)| it.id == *pool);
        let via = by_value.unwrap_or_else(by_place);
        let via = via.or_else(|| named().then_some(Via::Direct))?;
        Some(PoolUse { kind, what: what(step), via })
    })
}

/// How a frozen step comes to a pool by a variable; none where it does not.
fn frozen(edition: &Edition, step: &LiveStep, variable: &str, pool: &Id<Pool>) -> Option<Via> {
    let name = Name::new(variable);
    let on_worker = matches!(runs(step), Runs::OnWorker(_));
    let chooses = edition.values.iter().any(|(of, value)| *of == name && value == pool);
    (on_worker && chooses).then(|| Via::Frozen(variable.to_owned()))
}

/// How a step uses a pool; none where it does not.
fn of_step(live: &Live, process: &LiveProcess, step: &LiveStep, pool: &Id<Pool>) -> Option<Via> {
    if !may_come(live, step, pool) {
        return None;
    }
    let cases = effective(process, step, live);
    let case = cases.into_iter().find(|it| comes_to(it, pool));
    // The server counts a pool that lingers at a step which does not run there.
    let lingers = step.place == Place::Pool(pool.clone());
    case.map(Via::Case).or(lingers.then_some(Via::Lingering))
}

fn comes_to(case: &Case, pool: &Id<Pool>) -> bool {
    case.by != Decider::Type && case.place.pool() == Some(pool)
}

/// Whether a step may come to a pool at all: most do not, and are not asked case by case.
fn may_come(live: &Live, step: &LiveStep, pool: &Id<Pool>) -> bool {
    match &step.place {
        Place::Pool(id) => id == pool,
        Place::Variable(_) => {
            live.choosers.variables.iter().any(|it| it.pool.as_ref() == Some(pool))
        }
        Place::DefaultPool => {
            live.default_pool().is_some_and(|it| it.id == *pool)
                || live.choosers.targets.iter().any(|it| it.pool.as_ref() == Some(pool))
        }
    }
}

/// Steps of this space of which some case needs the built-in worker, whether it is on or not.
pub fn needs_built_in_worker(live: &Live) -> Vec<String> {
    let Some(pool) = super::fallback_pool(live) else { return Vec::new() };
    residents(live, &pool.id)
}

impl Effective {
    /// The pool in which a step runs, or would have to.
    pub fn pool(&self) -> Option<&Id<Pool>> {
        match self {
            Self::Pool(id) | Self::BuiltInWorker(id) => Some(id),
            Self::Nowhere(id, _) => id.as_ref(),
            Self::InServer | Self::OnTargets | Self::Unknown(_) => None,
        }
    }
}
