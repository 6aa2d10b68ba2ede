//! Determines where a step runs, case by case, and what decides it.
//!
//! A step without a variable and without targets has one case. A worker pool variable has a case for each
//! scope that its values distinguish; a step on behalf of targets has one for each way in which its targets
//! are reached. The functions do no I/O, and report explicitly what is not known.
//!
//! # Source
//!
//! `api.md` 3.3 (run-time rules), 3.4 (how the portal's choices are stored), 4 (action types). In doubtful
//! cases:
//!
//! - The pool of a step that runs on its targets has no effect (3.4), but a step's own pool beats a target's
//!   (3.3): for a cloud target, whose work a worker does, the step's own pool is used.
//! - An AWS script inside a rolling step runs in its target's context (4): on a worker, once for each target.
//! - A step with neither `RunOnServer` nor a target tag has nothing to run on.
//! - A disabled step is treated as if it were enabled, since it may be enabled at any time.

mod in_template;
mod variable;

pub use in_template::inner_step_cases;
pub use variable::ResolvedValue;

use super::{
    Health, Live, LiveProcess, LiveStep, LiveTarget, LiveWorker, RunLocation, TargetReach,
    UnreadSubject, checks_health, classify_step, is_octopus_cloud, is_process_template,
};
use crate::model::{Execution, Id, Name, Place, Pool, PoolKind};
use crate::text::fold_case;

/// A case: where a step runs under certain conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The conditions, all of which must hold; empty for always.
    pub when: Vec<CaseCondition>,
    /// What decides where the step runs.
    pub decided_by: Decider,
    /// Where the step runs in this case.
    pub place: EffectivePlace,
}

/// A condition of a [`Case`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseCondition {
    /// What the names are names of.
    pub dimension: CaseDimension,
    /// Any of these names; empty for all names that the other cases do not have.
    pub names: Vec<String>,
}

/// A dimension in which cases differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseDimension {
    /// The environment that is deployed to.
    Environment,
    /// The channel of the release.
    Channel,
    /// A tag of the tenant that is deployed for.
    TenantTag,
    /// The tenant that is deployed for.
    Tenant,
    /// The target that the step is for.
    Target,
}

impl CaseDimension {
    /// The dimension in words: `tenant tag`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Channel => "channel",
            Self::TenantTag => "tenant tag",
            Self::Tenant => "tenant",
            Self::Target => "target",
        }
    }
}

/// What decides where a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The step's type: its fields have no effect.
    Type,
    /// The step's setting to run on its targets instead of a worker.
    Execution,
    /// The pool that the step names.
    Explicit,
    /// The parameter of this name, of the template that contains the step.
    Parameter(String),
    /// The variable of this name, with its value if one is in scope.
    Variable(String, Option<ResolvedValue>),
    /// The pool of the step's targets.
    Target,
    /// The space's default pool, because the step names none.
    DefaultPool,
}

/// Where a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectivePlace {
    /// Inside the server's process.
    InServer,
    /// On its deployment targets, or on their agents.
    OnTargets,
    /// Wherever the steps of the process template run that the step uses.
    InTemplate,
    /// On a healthy worker of this pool.
    Pool(Id<Pool>),
    /// On the built-in worker, because this pool is the default and has no members.
    BuiltInWorker(Id<Pool>),
    /// Nowhere: the step fails. If it is known, this is the pool in which it would have to run.
    Nowhere(Option<Id<Pool>>, NowhereReason),
    /// Not known.
    Unknown(UnknownReason),
}

impl EffectivePlace {
    /// Returns the pool in which a step runs, or would have to run.
    pub fn required_pool(&self) -> Option<&Id<Pool>> {
        match self {
            Self::Pool(id) | Self::BuiltInWorker(id) => Some(id),
            Self::Nowhere(id, _) => id.as_ref(),
            Self::InServer | Self::OnTargets | Self::InTemplate | Self::Unknown(_) => None,
        }
    }
}

/// Why a step runs nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NowhereReason {
    /// No pool has this id.
    NoSuchPool,
    /// The space has no visible default pool.
    NoDefaultPool,
    /// The pool has no members.
    Empty,
    /// The pool has members, but no enabled one is healthy.
    NoHealthyWorker,
    /// The pool's enabled members have had no health check yet.
    Unchecked,
    /// The step needs the built-in worker, which is switched off.
    BuiltInWorkerOff,
    /// The pool has no members, and Octopus Cloud does not have a built-in worker.
    NoBuiltInWorker,
    /// No variable of this name is in scope and has a value.
    NoValue,
    /// The step runs on its targets, but has no target tag.
    NoTargets,
}

/// Why it is not known where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownReason {
    /// It is not documented where steps of this type run.
    Type,
    /// The step uses a process template, whose steps were not read.
    Template,
    /// The step uses a process template, whose steps could not be read.
    TemplateUnread,
    /// The step uses a process template, whose steps the server does not report.
    TemplateOmitted,
    /// The step uses a process template, and it is not clear which of the reported steps belong to it.
    TemplateAmbiguous,
    /// Several values of its variable are in scope, and none is more specific.
    Ambiguous,
    /// Its variable may have a value that could not be read.
    Unread,
    /// Its targets may have a pool that could not be read.
    Targets,
    /// Its variable is prompted for, and has no default value.
    Prompted,
    /// Its variable, or the variable's value, is an expression that only the server can evaluate.
    Expression,
}

/// Returns where `step` of `process` would run now: at least one case, in a fixed order.
pub fn effective_cases(process: &LiveProcess, step: &LiveStep, live: &Live) -> Vec<Case> {
    let side = classify_step(step);
    match side {
        RunLocation::InServer if checks_health(step) => {
            return health_check_cases(process, step, live);
        }
        RunLocation::InServer => return single_case(Decider::Type, EffectivePlace::InServer),
        RunLocation::Unknown if is_process_template(step) => {
            return single_case(Decider::Type, in_template::effective_of_usage(process, step));
        }
        RunLocation::Unknown => {
            return single_case(Decider::Type, EffectivePlace::Unknown(UnknownReason::Type));
        }
        RunLocation::OnWorker(Execution::Once) => return worker_cases(process, step, live, None),
        RunLocation::OnTargets if !step.has_target_tags() => {
            return single_case(
                Decider::Execution,
                EffectivePlace::Nowhere(None, NowhereReason::NoTargets),
            );
        }
        RunLocation::OnWorker(_) | RunLocation::OnTargets => {}
    }
    // If the step runs on a worker and has a pool of its own, its targets have no effect.
    let asks_targets =
        side == RunLocation::OnTargets || names_no_place(step) || is_kubernetes_step(step);
    let unread = asks_targets && has_unread_targets(live);
    let groups = group_targets(step, side, live);
    let alone = groups.len() + usize::from(unread) <= 1;
    let mut cases = cases_by_group(groups, alone, |group| {
        if group.on_target {
            single_case(Decider::Execution, EffectivePlace::OnTargets)
        } else {
            worker_cases(process, step, live, group.pool)
        }
    });
    if unread {
        let other = CaseCondition { dimension: CaseDimension::Target, names: Vec::new() };
        let when = if alone { Vec::new() } else { vec![other] };
        cases.push(Case {
            when,
            decided_by: Decider::Target,
            place: EffectivePlace::Unknown(UnknownReason::Targets),
        });
    }
    // No target has the step's tags today.
    match (cases.is_empty(), side) {
        (false, _) => cases,
        (true, RunLocation::OnTargets) => {
            single_case(Decider::Execution, EffectivePlace::OnTargets)
        }
        (true, _) => worker_cases(process, step, live, None),
    }
}

fn single_case(decided_by: Decider, place: EffectivePlace) -> Vec<Case> {
    vec![Case { when: Vec::new(), decided_by, place }]
}

fn names_no_place(step: &LiveStep) -> bool {
    step.place == Place::DefaultPool
}

/// Returns the cases of a step that checks the health of its targets: a worker checks those in a cloud.
fn health_check_cases(process: &LiveProcess, step: &LiveStep, live: &Live) -> Vec<Case> {
    // Its own pool has no effect: the server runs the step.
    let step = LiveStep { place: Place::DefaultPool, ..step.clone() };
    let groups = group_targets(&step, RunLocation::OnTargets, live);
    let alone = groups.len() <= 1;
    let cases = cases_by_group(groups, alone, |group| {
        if group.on_target {
            single_case(Decider::Type, EffectivePlace::InServer)
        } else {
            worker_cases(process, &step, live, group.pool)
        }
    });
    if cases.is_empty() { single_case(Decider::Type, EffectivePlace::InServer) } else { cases }
}

/// Returns the cases of all groups, with their targets as a condition unless there is only one group.
fn cases_by_group(
    groups: Vec<TargetGroup>,
    alone: bool,
    cases: impl Fn(&TargetGroup) -> Vec<Case>,
) -> Vec<Case> {
    let group_cases = |group: TargetGroup| {
        let mut cases = cases(&group);
        for case in cases.iter_mut().filter(|_| !alone) {
            let names = group.names.clone();
            case.when.push(CaseCondition { dimension: CaseDimension::Target, names });
        }
        cases
    };
    groups.into_iter().flat_map(group_cases).collect()
}

/// Targets for which a step runs in the same way.
struct TargetGroup<'a> {
    /// Whether the target or its agent does the work.
    on_target: bool,
    /// The pool that the targets choose, if they choose one and it has an effect.
    pool: Option<&'a Id<Pool>>,
    names: Vec<String>,
}

/// Returns the targets of `step`, grouped by what does the work for them.
fn group_targets<'a>(step: &LiveStep, side: RunLocation, live: &'a Live) -> Vec<TargetGroup<'a>> {
    let wanted: Vec<String> = step.target_tags().map(fold_case).collect();
    let is_selected = |target: &&LiveTarget| {
        !target.disabled && target.roles.iter().any(|role| wanted.contains(&fold_case(role)))
    };
    let mut groups: Vec<TargetGroup> = Vec::new();
    for target in live.indirect.targets.iter().filter(is_selected) {
        let on_target = match target.reach {
            TargetReach::Machine => side == RunLocation::OnTargets,
            TargetReach::Agent => side == RunLocation::OnTargets || is_kubernetes_step(step),
            TargetReach::Worker => false,
        };
        // A pool that is left over on a machine has no effect.
        let chooses_pool = target.reach == TargetReach::Worker && names_no_place(step);
        let pool = target.pool.as_ref().filter(|_| chooses_pool);
        let name = target.name.to_string();
        match groups.iter_mut().find(|group| group.on_target == on_target && group.pool == pool) {
            Some(group) => group.names.push(name),
            None => groups.push(TargetGroup { on_target, pool, names: vec![name] }),
        }
    }
    groups
}

/// Whether a cluster's agent does the work of such a step itself.
fn is_kubernetes_step(step: &LiveStep) -> bool {
    let kind = fold_case(&step.action_type);
    kind.starts_with("octopus.kubernetes") || kind == "octopus.helmchartupgrade"
}

/// Returns the cases of a step on a worker: by its own pool or variable, else the target's pool, else the
/// default pool.
fn worker_cases(
    process: &LiveProcess,
    step: &LiveStep,
    live: &Live,
    target_pool: Option<&Id<Pool>>,
) -> Vec<Case> {
    let (decider, place) = match (&step.place, target_pool) {
        (Place::Variable(name), _) => return variable::scoped_cases(process, step, live, name),
        (Place::Pool(id), _) => (Decider::Explicit, effective_in_pool(id, live)),
        (Place::DefaultPool, Some(id)) => (Decider::Target, effective_in_pool(id, live)),
        (Place::DefaultPool, None) => {
            let default = live.default_pool().map(|pool| effective_in_pool(&pool.id, live));
            let nowhere = EffectivePlace::Nowhere(None, NowhereReason::NoDefaultPool);
            (Decider::DefaultPool, default.unwrap_or(nowhere))
        }
    };
    single_case(decider, place)
}

/// Whether a text contains an Octopus expression such as `#{Pool}`, which only a server can evaluate.
pub fn is_expression(text: &str) -> bool {
    text.contains("#{")
}

/// Returns where a step runs that has to run in this pool.
///
/// # Source
///
/// `api.md` 3.3: a single member of the default pool stops the fallback, even if it is unhealthy.
pub fn effective_in_pool(id: &Id<Pool>, live: &Live) -> EffectivePlace {
    let nowhere = |why| EffectivePlace::Nowhere(Some(id.clone()), why);
    if is_expression(id.as_str()) {
        return EffectivePlace::Unknown(UnknownReason::Expression);
    }
    let Some(pool) = live.find_pool(id) else { return nowhere(NowhereReason::NoSuchPool) };
    if pool.kind != PoolKind::Static {
        return EffectivePlace::Pool(id.clone());
    }
    let members: Vec<&LiveWorker> = live.pool_members(id).collect();
    if members.is_empty() {
        return match (pool.default, live.server.built_in_worker) {
            (false, _) => nowhere(NowhereReason::Empty),
            (true, _) if is_octopus_cloud(live) => nowhere(NowhereReason::NoBuiltInWorker),
            (true, Some(false)) => nowhere(NowhereReason::BuiltInWorkerOff),
            (true, _) => EffectivePlace::BuiltInWorker(id.clone()),
        };
    }
    let any =
        |is: fn(Health) -> bool| members.iter().any(|member| !member.disabled && is(member.health));
    match (any(Health::can_take_work), any(|health| health == Health::Unknown)) {
        (true, _) => EffectivePlace::Pool(id.clone()),
        (false, true) => nowhere(NowhereReason::Unchecked),
        (false, false) => nowhere(NowhereReason::NoHealthyWorker),
    }
}

/// Whether unread variables may have a value for a project.
fn has_unread_variables(live: &Live, project: &Name) -> bool {
    live.is_unread(UnreadSubject::Variables(project))
}

/// Whether unread targets may have a pool.
fn has_unread_targets(live: &Live) -> bool {
    live.is_unread(UnreadSubject::Targets)
}

#[cfg(test)]
mod tests;
