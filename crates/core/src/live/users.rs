//! Finds everything that uses a pool.

use super::{
    Case, Decider, EffectivePlace, Live, LiveProcess, LiveStep, PoolReferenceKind, PoolVariable,
    ProcessSnapshot, RunLocation, SnapshotOrigin, UnknownReason, UnreadSubject, ValueSource,
    classify_step, effective_cases, inner_step_cases, pool_parameters,
};
use crate::model::{Address, Id, Name, Place, Pool};

/// Something that uses a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The kind of object.
    pub kind: UseKind,
    /// The object, in words or as an address.
    pub what: String,
    /// The address of the step or worker that uses the pool.
    pub address: Option<Address>,
    /// The project that the object belongs to.
    pub project: Option<Name>,
    /// Why it uses the pool.
    pub reason: PoolUseReason,
    /// Whether the server refuses to delete the pool because of it.
    ///
    /// # Source
    ///
    /// `api.md` 3.7: a server counts members, and the pool fields of the current processes in its database.
    pub is_held: bool,
}

/// The kind of object that uses a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UseKind {
    /// A member of the pool.
    Member,
    /// A step of a deployment or runbook process.
    Step,
    /// A step in the published snapshot of a runbook.
    Snapshot,
    /// A step in the newest release of a channel.
    Release,
    /// A step on a branch that the file does not name.
    Branch,
    /// A parameter of a step that uses a template.
    Parameter,
    /// Another kind of object that refers to the pool.
    Reference(PoolReferenceKind),
}

/// Why something uses a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolUseReason {
    /// It refers to the pool directly: a member, a variable's value, a target's pool or a parameter.
    Direct,
    /// A step that runs in the pool in this case.
    Case(Case),
    /// A step that uses the variable of this name, which was frozen with the pool as one of its values.
    Frozen(String),
    /// A step that may run in the pool, but it is not known where it runs.
    Unclear(UnknownReason),
    /// A step whose pool field names the pool, although it does not run on a worker.
    Lingering,
}

/// Returns everything that uses `pool` in any case, in a fixed order: members, steps, parameters, frozen
/// processes and other branches, variables and targets.
pub fn uses_of_pool(live: &Live, pool: &Id<Pool>) -> Vec<PoolUse> {
    let members = live.pool_members(pool).map(|worker| PoolUse {
        kind: UseKind::Member,
        what: format!("worker {:?}", worker.name),
        address: Some(Address::Worker(worker.name.to_string())),
        project: None,
        reason: PoolUseReason::Direct,
        is_held: true,
    });
    let steps = live.processes.iter().flat_map(|process| {
        process.steps.iter().flat_map(move |step| {
            let step_use = |address: Address, via, is_held| PoolUse {
                kind: UseKind::Step,
                what: address.to_string(),
                address: Some(address),
                project: Some(process.owner.project.clone()),
                reason: via,
                is_held,
            };
            let is_held = process.git.is_none() && step.place.pool() == Some(pool);
            let itself = find_step_via(live, process, step, pool);
            let itself = itself.map(|via| step_use(process.step_address(step), via, is_held));
            let inside = process.inner_steps(step).iter().filter_map(move |inner| {
                let via = find_inner_via(live, process, step, inner, pool)?;
                Some(step_use(process.inner_step_address(step, inner), via, false))
            });
            itself.into_iter().chain(inside)
        })
    });
    members.chain(steps).chain(other_pool_uses(live, pool)).collect()
}

/// Returns the steps that run in `pool` in any case, including frozen ones and those on other branches.
pub fn steps_in_pool(live: &Live, pool: &Id<Pool>) -> Vec<PoolUse> {
    filter_step_uses(live, pool, |via| {
        matches!(via, PoolUseReason::Case(_) | PoolUseReason::Frozen(_))
    })
}

/// Returns the steps that may run in `pool`, including those that pass the pool to a template whose
/// steps are not known.
pub fn steps_maybe_in_pool(live: &Live, pool: &Id<Pool>) -> Vec<PoolUse> {
    let unclear = filter_step_uses(live, pool, |via| matches!(via, PoolUseReason::Unclear(_)));
    let uses = uses_of_pool(live, pool).into_iter();
    let named = uses.filter(|pool_use| pool_use.kind == UseKind::Parameter);
    unclear.into_iter().chain(named).collect()
}

/// Returns the steps that run in the default pool because nothing chooses another one.
pub fn steps_without_pool(live: &Live) -> Vec<PoolUse> {
    let Some(pool) = live.default_pool() else { return Vec::new() };
    let by_default = |via: &PoolUseReason| matches!(via, PoolUseReason::Case(case) if case.decided_by == Decider::DefaultPool);
    filter_step_uses(live, &pool.id, by_default)
}

fn filter_step_uses(
    live: &Live,
    pool: &Id<Pool>,
    matches_reason: impl Fn(&PoolUseReason) -> bool,
) -> Vec<PoolUse> {
    let uses = uses_of_pool(live, pool).into_iter();
    let steps = uses.filter(|pool_use| {
        !matches!(pool_use.kind, UseKind::Member | UseKind::Parameter | UseKind::Reference(_))
            && matches_reason(&pool_use.reason)
    });
    steps.collect()
}

/// Describes everything that would break without `pool`, in a fixed order.
///
/// A step that runs on its targets counts if its pool field names the pool, because the server counts it. A
/// step that names no pool does not count, because the default pool is never deleted.
pub fn describe_pool_users(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    breaking_uses(live, pool).into_iter().map(|pool_use| pool_use.what).collect()
}

/// Returns everything that would break without `pool`, as [`describe_pool_users`] describes it.
pub fn breaking_uses(live: &Live, pool: &Id<Pool>) -> Vec<PoolUse> {
    let uses = uses_of_pool(live, pool).into_iter();
    let breaks = uses.filter(|pool_use| match &pool_use.reason {
        PoolUseReason::Case(case) => case.decided_by != Decider::DefaultPool,
        // Other steps that may use the pool would not necessarily break.
        PoolUseReason::Unclear(why) => *why == UnknownReason::Type || why.is_about_template(),
        PoolUseReason::Direct | PoolUseReason::Frozen(_) | PoolUseReason::Lingering => true,
    });
    let described = breaks.map(|pool_use| PoolUse {
        what: describe_use(pool_use.what.clone(), &pool_use.reason),
        ..pool_use
    });
    described.collect()
}

/// Adds to the description of a user why it uses the pool, unless that is obvious.
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

/// Returns what uses `pool` besides its members and the steps of current processes.
fn other_pool_uses<'a>(live: &'a Live, pool: &'a Id<Pool>) -> impl Iterator<Item = PoolUse> + 'a {
    let parameters = live.processes.iter().flat_map(move |process| {
        process.steps.iter().flat_map(move |step| {
            let named = pool_parameters(step, &live.pools).filter(|(_, found)| found.id == *pool);
            // If the parameter chooses the pool of a step in the template, that step is listed instead.
            let named =
                named.filter(|(name, _)| !parameter_picks_pool(live, process, step, name, pool));
            named.map(|(name, _)| PoolUse {
                kind: UseKind::Parameter,
                what: format!("parameter {name:?} of {}", process.step_address(step)),
                address: Some(process.step_address(step)),
                project: Some(process.owner.project.clone()),
                reason: PoolUseReason::Direct,
                is_held: false,
            })
        })
    });
    let snapshots = live.snapshots.iter().flat_map(move |it| snapshot_uses(live, it, pool));
    let references =
        live.references.iter().filter(|reference| reference.pool == *pool).map(|reference| {
            PoolUse {
                kind: UseKind::Reference(reference.kind),
                what: reference.what.clone(),
                address: None,
                project: reference.project.clone(),
                reason: PoolUseReason::Direct,
                is_held: false,
            }
        });
    parameters.chain(snapshots).chain(references)
}

/// Returns how the steps of a snapshot use a pool.
fn snapshot_uses<'a>(
    live: &'a Live,
    snapshot: &'a ProcessSnapshot,
    pool: &'a Id<Pool>,
) -> impl Iterator<Item = PoolUse> + 'a {
    let kind = match snapshot.origin {
        SnapshotOrigin::RunbookSnapshot(_) => UseKind::Snapshot,
        SnapshotOrigin::Release { .. } => UseKind::Release,
        SnapshotOrigin::OtherBranch => UseKind::Branch,
    };
    let process = &snapshot.process;
    let snapshot_use = move |address: Address, via| {
        let origin = snapshot.describe_origin();
        let what = origin.map_or(address.to_string(), |origin| format!("{origin}: {address}"));
        let project = Some(process.owner.project.clone());
        PoolUse { kind, what, address: Some(address), project, reason: via, is_held: false }
    };
    process.steps.iter().flat_map(move |step| {
        let by_value = match (&step.place, kind) {
            // A frozen process uses its frozen values, not those of today.
            (Place::Variable(name), UseKind::Snapshot | UseKind::Release) => {
                Some(via_frozen_value(snapshot, step, name, pool))
            }
            _ => None,
        };
        let by_place = || find_step_via(live, process, step, pool);
        let mut named = pool_parameters(step, &live.pools).filter(|(_, found)| found.id == *pool);
        let via = by_value.unwrap_or_else(by_place);
        let via = via.or_else(|| {
            named
                .any(|(name, _)| !parameter_picks_pool(live, process, step, name, pool))
                .then_some(PoolUseReason::Direct)
        });
        let inside = process.inner_steps(step).iter().filter_map(move |inner| {
            let via = find_inner_via(live, process, step, inner, pool)?;
            Some(snapshot_use(process.inner_step_address(step, inner), via))
        });
        via.map(|via| snapshot_use(process.step_address(step), via)).into_iter().chain(inside)
    })
}

/// Returns why a frozen step uses a pool by a variable, if it does.
fn via_frozen_value(
    snapshot: &ProcessSnapshot,
    step: &LiveStep,
    variable: &str,
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    let name = Name::new(variable);
    let on_worker = matches!(classify_step(step), RunLocation::OnWorker(_));
    let chooses =
        snapshot.values.iter().any(|(variable, value)| *variable == name && value == pool);
    (on_worker && chooses).then(|| PoolUseReason::Frozen(variable.to_owned()))
}

/// Returns why a step uses a pool, if it does.
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
    let unclear = cases.iter().find_map(|case| match case.place {
        EffectivePlace::Unknown(why) if may_reach_pool(live, process, step, why, pool) => Some(why),
        _ => None,
    });
    // The server counts the pool field of a step even if the step does not run there.
    let lingers = step.place == Place::Pool(pool.clone());
    unclear.map(PoolUseReason::Unclear).or(lingers.then_some(PoolUseReason::Lingering))
}

/// Returns why a step inside the template that `usage` uses uses a pool, if it does. A pool field without
/// effect does not count here: the server counts the fields of processes only.
fn find_inner_via(
    live: &Live,
    process: &LiveProcess,
    usage: &LiveStep,
    inner: &LiveStep,
    pool: &Id<Pool>,
) -> Option<PoolUseReason> {
    let cases = inner_step_cases(process, usage, inner, live);
    if let Some(case) = cases.iter().find(|it| case_uses_pool(it, pool)) {
        return Some(PoolUseReason::Case(case.clone()));
    }
    let unclear = cases.iter().find_map(|case| match case.place {
        EffectivePlace::Unknown(why) if may_reach_pool(live, process, inner, why, pool) => {
            Some(why)
        }
        _ => None,
    });
    unclear.map(PoolUseReason::Unclear)
}

/// Whether this parameter chooses `pool` for a step inside the template that `usage` uses.
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

/// Whether a step may run in this pool, if it is not known where it runs.
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

/// Whether a value of a project's variable is this pool.
fn variable_has_pool(live: &Live, process: &LiveProcess, variable: &str, pool: &Id<Pool>) -> bool {
    let name = Name::new(variable);
    live.indirect.variables.iter().any(|variable| {
        variable.name == name
            && variable.projects.contains(&process.owner.project)
            && variable.pool.as_ref() == Some(pool)
    })
}

/// Whether a step can use a pool at all: checked first, because most steps cannot.
fn is_pool_candidate(live: &Live, step: &LiveStep, pool: &Id<Pool>) -> bool {
    let unread = || live.is_unread(UnreadSubject::IndirectPools);
    match &step.place {
        Place::Pool(id) => id == pool,
        Place::Variable(name) => {
            let variable_name = Name::new(name);
            let may_be_pool = |variable: &PoolVariable| match &variable.pool {
                Some(id) => id == pool || id.as_str().contains("#{"),
                None => variable.source == ValueSource::Prompted,
            };
            let values =
                live.indirect.variables.iter().filter(|variable| variable.name == variable_name);
            name.contains("#{") || values.into_iter().any(may_be_pool) || unread()
        }
        Place::DefaultPool => {
            live.default_pool().is_some_and(|default_pool| default_pool.id == *pool)
                || live.indirect.targets.iter().any(|target| target.pool.as_ref() == Some(pool))
                || unread()
        }
    }
}
