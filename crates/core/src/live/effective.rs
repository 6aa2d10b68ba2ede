//! Where a step runs, case by case, and what decided it.
//!
//! A step without a variable and without targets has one case. A variable of type worker pool has a case for
//! each scope that its values tell apart; a step on behalf of targets has one for each way in which its
//! targets are reached. Pure and total: no I/O, and whatever is not known is said to be so.
//!
//! # Source
//!
//! `api.md` 3.3 (run-time rules), 3.4 (how the portal's choices are stored), 4 (action types). Where it is
//! in doubt:
//!
//! - A pool of a step that runs on its targets means nothing (3.4), but a step's own pool beats a target's
//!   (3.3): for a target in the cloud, whose work a worker does, the step's own pool is taken.
//! - An AWS script inside a rolling step runs in its target's context (4): on a worker, once for each target.
//! - A step that says neither `RunOnServer` nor a target tag has nothing to run on.
//! - A disabled step is told as if it were enabled, since somebody may enable it.

mod in_template;
mod variable;

pub use in_template::inner_step_cases;
pub use variable::ResolvedValue;

use super::{
    Health, HiddenData, Live, LiveProcess, LiveStep, LiveVariableSet, LiveWorker, PoolVariable,
    RunLocation, UnreadPart, checks_health, classify_step, is_octopus_cloud, is_process_template,
};
use crate::model::{DeploymentTarget, Execution, Id, Name, Place, Pool, PoolKind};
use crate::text::fold_case;

/// What chooses a step's pool besides the step itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndirectPools {
    /// Every value of every variable of type worker pool.
    pub variables: Vec<PoolVariable>,
    /// The sets that such variables are kept in, or could be.
    pub sets: Vec<LiveVariableSet>,
    /// The deployment targets.
    pub targets: Vec<LiveTarget>,
    /// The names of all environments; none where they could not all be seen.
    pub environments: Vec<String>,
}

/// A deployment target, as far as it matters where a step for it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTarget {
    /// The server's id.
    pub id: Id<DeploymentTarget>,
    /// Its name.
    pub name: Name,
    /// Its target tags.
    pub roles: Vec<String>,
    /// What does the work for it.
    pub reach: TargetReach,
    /// The pool whose workers act for it; none for the space's default pool.
    pub pool: Option<Id<Pool>>,
    /// Whether it gets no deployments.
    pub disabled: bool,
}

/// What does the work for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetReach {
    /// The machine itself: a Tentacle, an SSH host, an offline package drop.
    Machine,
    /// The agent inside a Kubernetes cluster, for Kubernetes steps and all others.
    Agent,
    /// A worker, for the target is in a cloud.
    Worker,
}

/// One of the cases of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// When it holds: all of these; empty for always.
    pub when: Vec<CaseCondition>,
    /// What decides.
    pub decided_by: Decider,
    /// Where the step runs then.
    pub place: EffectivePlace,
}

/// When a [`Case`] holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseCondition {
    /// Of what.
    pub dimension: CaseDimension,
    /// Any of these names; empty for any that the other cases do not name.
    pub names: Vec<String>,
}

/// By what cases differ.
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
    /// Its word: `tenant tag`.
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
    /// Its type: no field has a say.
    Type,
    /// That it runs on its targets and not on the server's side.
    Execution,
    /// The pool that it names.
    Explicit,
    /// The parameter of this name of the template that it is inside of.
    Parameter(String),
    /// The variable of this name, by this value where one is in scope.
    Variable(String, Option<ResolvedValue>),
    /// The pool of the targets that it is for.
    Target,
    /// It names none: the space's default pool.
    DefaultPool,
}

/// Where a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectivePlace {
    /// Inside the server's process.
    InServer,
    /// On its deployment targets, or on the agents that stand for them.
    OnTargets,
    /// Where each step inside the process template runs that it stands for.
    InTemplate,
    /// On a healthy worker of this pool.
    Pool(Id<Pool>),
    /// On the built-in worker: this pool is the default one, and has no members.
    BuiltInWorker(Id<Pool>),
    /// Nowhere, though it would have to run in this pool, where one was found: it fails.
    Nowhere(Option<Id<Pool>>, NowhereReason),
    /// Nobody can tell.
    Unknown(UnknownReason),
}

/// Why a step runs nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NowhereReason {
    /// There is no pool of this id.
    NoSuchPool,
    /// The space has no default pool that could be seen.
    NoDefaultPool,
    /// The pool has no members.
    Empty,
    /// The pool has members, and no enabled one is healthy.
    NoHealthyWorker,
    /// The pool's enabled members have had no health check yet.
    Unchecked,
    /// It would need the built-in worker, and that is switched off.
    BuiltInWorkerOff,
    /// The pool has no members, and Octopus Cloud has no built-in worker.
    NoBuiltInWorker,
    /// No variable of this name is in scope and has a value.
    NoValue,
    /// It runs on its targets, and names no target tag.
    NoTargets,
}

/// Why nobody can tell where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownReason {
    /// No source says where steps of its type run.
    Type,
    /// It is a process template, whose own steps decide; nobody has looked at these.
    Template,
    /// The same, and they could not be read.
    TemplateUnread,
    /// The same, and the server tells none.
    TemplateOmitted,
    /// The same, and nobody can tell which of the steps that the server tells are its.
    TemplateAmbiguous,
    /// Several values of its variable are in scope with equal right.
    Ambiguous,
    /// Variables that could not be read may have its value.
    Unread,
    /// Targets that could not be read may have a pool.
    Targets,
    /// Its variable is asked for each time, and no value is given in advance.
    Prompted,
    /// Its variable or the value of that is an expression, which only the server evaluates.
    Expression,
}

/// Where `step` of `process` would run if it ran now: its cases, at least one, in a fixed order.
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
    // Where the step has a worker and a pool of its own, its targets have no say.
    let asks_targets =
        side == RunLocation::OnTargets || names_no_place(step) || is_kubernetes_step(step);
    let unread = asks_targets && has_unread_targets(live);
    let groups = group_targets(step, side, live);
    let alone = groups.len() + usize::from(unread) <= 1;
    let mut cases = cases_by_group(groups, alone, |group| match group.on_target {
        true => single_case(Decider::Execution, EffectivePlace::OnTargets),
        false => worker_cases(process, step, live, group.pool),
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
    match cases.is_empty() {
        false => cases,
        // No target has its tags today.
        true if side == RunLocation::OnTargets => {
            single_case(Decider::Execution, EffectivePlace::OnTargets)
        }
        true => worker_cases(process, step, live, None),
    }
}

fn single_case(decided_by: Decider, place: EffectivePlace) -> Vec<Case> {
    vec![Case { when: Vec::new(), decided_by, place }]
}

fn names_no_place(step: &LiveStep) -> bool {
    step.place == Place::DefaultPool
}

/// The cases of a step that checks the health of its targets: a worker looks at what is in a cloud.
fn health_check_cases(process: &LiveProcess, step: &LiveStep, live: &Live) -> Vec<Case> {
    // No pool of its own has a say: the server runs the step.
    let step = LiveStep { place: Place::DefaultPool, ..step.clone() };
    let groups = group_targets(&step, RunLocation::OnTargets, live);
    let alone = groups.len() <= 1;
    let cases = cases_by_group(groups, alone, |group| match group.on_target {
        true => single_case(Decider::Type, EffectivePlace::InServer),
        false => worker_cases(process, &step, live, group.pool),
    });
    if cases.is_empty() { single_case(Decider::Type, EffectivePlace::InServer) } else { cases }
}

/// The cases of all groups, told apart by their targets unless there is but one.
fn cases_by_group(
    groups: Vec<TargetGroup>,
    alone: bool,
    cases: impl Fn(&TargetGroup) -> Vec<Case>,
) -> Vec<Case> {
    let of_group = |group: TargetGroup| {
        let mut of_group = cases(&group);
        for case in of_group.iter_mut().filter(|_| !alone) {
            let names = group.names.clone();
            case.when.push(CaseCondition { dimension: CaseDimension::Target, names });
        }
        of_group
    };
    groups.into_iter().flat_map(of_group).collect()
}

/// Targets for which a step runs in one way.
struct TargetGroup<'a> {
    /// Whether the target, or an agent that stands for it, does the work itself.
    on_target: bool,
    /// The pool that its targets choose; none where they choose none, or have no say.
    pool: Option<&'a Id<Pool>>,
    names: Vec<String>,
}

/// The targets that `step` is for, by what does the work for them.
fn group_targets<'a>(step: &LiveStep, side: RunLocation, live: &'a Live) -> Vec<TargetGroup<'a>> {
    let wanted: Vec<String> = step.target_tags().map(fold_case).collect();
    let is_meant = |target: &&LiveTarget| {
        !target.disabled && target.roles.iter().any(|role| wanted.contains(&fold_case(role)))
    };
    let mut groups: Vec<TargetGroup> = Vec::new();
    for target in live.indirect.targets.iter().filter(is_meant) {
        let on_target = match target.reach {
            TargetReach::Machine => side == RunLocation::OnTargets,
            TargetReach::Agent => side == RunLocation::OnTargets || is_kubernetes_step(step),
            TargetReach::Worker => false,
        };
        // A pool that lingers at a machine means nothing.
        let has_say = target.reach == TargetReach::Worker && names_no_place(step);
        let pool = target.pool.as_ref().filter(|_| has_say);
        let name = target.name.to_string();
        match groups.iter_mut().find(|group| group.on_target == on_target && group.pool == pool) {
            Some(group) => group.names.push(name),
            None => groups.push(TargetGroup { on_target, pool, names: vec![name] }),
        }
    }
    groups
}

/// Whether the agent of a cluster does the work of such a step itself.
fn is_kubernetes_step(step: &LiveStep) -> bool {
    let kind = fold_case(&step.action_type);
    kind.starts_with("octopus.kubernetes") || kind == "octopus.helmchartupgrade"
}

/// The cases of a step on a worker: its own pool or variable, else the target's pool, else the default one.
fn worker_cases(
    process: &LiveProcess,
    step: &LiveStep,
    live: &Live,
    of_target: Option<&Id<Pool>>,
) -> Vec<Case> {
    let (by, place) = match (&step.place, of_target) {
        (Place::Variable(name), _) => return variable::scoped_cases(process, step, live, name),
        (Place::Pool(id), _) => (Decider::Explicit, effective_in_pool(id, live)),
        (Place::DefaultPool, Some(id)) => (Decider::Target, effective_in_pool(id, live)),
        (Place::DefaultPool, None) => {
            let default = live.default_pool().map(|pool| effective_in_pool(&pool.id, live));
            let nowhere = EffectivePlace::Nowhere(None, NowhereReason::NoDefaultPool);
            (Decider::DefaultPool, default.unwrap_or(nowhere))
        }
    };
    single_case(by, place)
}

/// Whether a text is an expression of Octopus, such as `#{Pool}`: only a server evaluates it.
fn is_expression(text: &str) -> bool {
    text.contains("#{")
}

/// Where a step runs that has to run in this pool.
///
/// # Source
///
/// `api.md` 3.3: one member of the default pool is enough to stop the fallback, an unhealthy one too.
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

/// Whether variables could not be read, of which one may have a value for a project.
fn has_unread_variables(live: &Live, project: &Name) -> bool {
    let may_have = |gap: &UnreadPart| gap.project.as_ref().is_none_or(|name| name == project);
    live.unread.iter().any(|gap| gap.hidden == HiddenData::PoolReferences && may_have(gap))
}

/// Whether targets could not be read, of which one may have a pool.
fn has_unread_targets(live: &Live) -> bool {
    live.unread.iter().any(|gap| gap.hidden == HiddenData::Targets)
}

#[cfg(test)]
mod tests;
