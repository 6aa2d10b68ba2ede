//! Describes in words where a step runs and why. Never: escaping, which is left to the renderers.

use super::PlacementAnswer;
use crate::{
    live::{
        Case, Decider, EffectivePlace, Health, Live, LiveStep, LiveWorker, NowhereReason,
        PoolReferenceKind, PoolUse, PoolUseReason, ResolvedValue, RunLocation, UnknownReason,
        UseKind, ValueSource, VariableOwner, classify_step,
    },
    model::{Execution, Id, Place, Pool},
};

/// Describes cases with the names from the server.
pub(super) struct CaseDescriber<'a>(pub(super) &'a Live);

impl CaseDescriber<'_> {
    /// Describes where the server places a step; `cases` are the step's cases.
    pub(super) fn describe_step(&self, step: &LiveStep, cases: &[Case]) -> PlacementAnswer {
        let on_worker = |case: &Case| {
            !matches!(case.decided_by, Decider::Type | Decider::Execution)
                || matches!(case.place, EffectivePlace::Unknown(_))
        };
        let parameter = cases.iter().find_map(|case| match (&case.decided_by, &step.place) {
            (Decider::Parameter(name), Place::Variable(_)) => Some(name.clone()),
            _ => None,
        });
        let lingering = step.place != Place::DefaultPool && !cases.iter().any(on_worker);
        let (place, pool, variable) = match &step.place {
            _ if parameter.is_some() => ("parameter", None, None),
            Place::Pool(id) => ("pool", Some(self.pool_name(id)), None),
            Place::Variable(name) => ("variable", None, Some(name.clone())),
            Place::DefaultPool => ("default", None, None),
        };
        let chosen = match (&step.place, &pool, &variable) {
            (Place::Pool(id), Some(pool), _) if self.0.find_pool(id).is_none() => {
                format!("pool `{pool}`, which does not exist")
            }
            (_, Some(pool), _) => format!("pool `{pool}`"),
            (_, _, Some(name)) => format!("variable `{name}`"),
            (Place::Variable(_), _, _) => {
                format!("parameter `{}`", parameter.as_deref().unwrap_or_default())
            }
            _ => "no pool".to_owned(),
        };
        let target_tags: Vec<String> = step.target_tags().map(str::to_owned).collect();
        let tags = if target_tags.is_empty() {
            "no target tags".to_owned()
        } else {
            format!("target tags `{}`", target_tags.join("`, `"))
        };
        let (execution, how) = match classify_step(step) {
            RunLocation::InServer | RunLocation::Unknown => (None, String::new()),
            RunLocation::OnTargets => {
                (Some(Execution::OnTargets), format!(", on its targets: {tags}"))
            }
            RunLocation::OnWorker(Execution::Once) => {
                (Some(Execution::Once), ", once on a worker".to_owned())
            }
            RunLocation::OnWorker(_) => {
                (Some(Execution::PerTarget), format!(", on a worker for each target: {tags}"))
            }
        };
        let unused = if lingering { ", which has no effect where it runs" } else { "" };
        PlacementAnswer {
            place,
            pool,
            variable,
            parameter,
            execution: execution.map(Execution::as_str),
            text: format!("{chosen}{unused}{how}"),
            target_tags,
            lingering,
        }
    }

    /// Returns a pool's name, or its id if there is no such pool.
    pub(super) fn pool_name(&self, id: &Id<Pool>) -> String {
        let name = self.0.find_pool(id).map(|pool| pool.name.to_string());
        name.unwrap_or_else(|| id.as_str().to_owned())
    }

    /// Describes how something uses a pool.
    pub(super) fn explain_use(&self, pool_use: &PoolUse) -> String {
        match (&pool_use.reason, pool_use.kind) {
            (PoolUseReason::Case(case), _) => self.explain_case(case),
            (PoolUseReason::Frozen(name), _) => {
                format!("a frozen value of variable `{name}` is this pool")
            }
            (PoolUseReason::Unclear(why), _) => {
                format!("it may use this pool: {}", unclear_reason(*why))
            }
            (PoolUseReason::Lingering, _) => {
                "its pool field names this pool, although it does not run on a worker".to_owned()
            }
            (PoolUseReason::Direct, UseKind::Reference(PoolReferenceKind::Target)) => {
                "this pool's workers act for it".to_owned()
            }
            (
                PoolUseReason::Direct,
                UseKind::Reference(PoolReferenceKind::Variable | PoolReferenceKind::TenantVariable),
            ) => "one of its values is this pool".to_owned(),
            (PoolUseReason::Direct, _) => "it names the pool".to_owned(),
        }
    }

    /// Describes where and why: a sentence without its subject.
    pub(super) fn explain_case(&self, case: &Case) -> String {
        let by = match &case.decided_by {
            Decider::Type => "steps of its type".to_owned(),
            Decider::Execution => "it runs on its targets".to_owned(),
            Decider::Explicit => "it names the pool".to_owned(),
            Decider::Parameter(name) => {
                format!("parameter `{name}` of the step that uses its template names the pool")
            }
            Decider::Variable(name, Some(ResolvedValue { owner, source })) => {
                let variable = match owner {
                    VariableOwner::Project(_) => format!("the project's variable `{name}`"),
                    VariableOwner::Library(set) => {
                        format!("variable `{name}` of library set `{set}`")
                    }
                };
                match source {
                    ValueSource::Set => format!("{variable} names the pool"),
                    ValueSource::Prompted => format!(
                        "{variable} names the pool, unless another value is entered when prompted"
                    ),
                    ValueSource::TemplateDefault => {
                        format!("{variable} falls back to its template's default")
                    }
                }
            }
            Decider::Variable(name, None) => format!("variable `{name}` names the pool"),
            Decider::Target => "it names no pool, but its targets do".to_owned(),
            Decider::DefaultPool => "it names no pool, so the default pool is used".to_owned(),
        };
        match &case.place {
            EffectivePlace::InServer => "inside the server, like all steps of its type".to_owned(),
            EffectivePlace::OnTargets => {
                "on its targets, or on the agents that represent them".to_owned()
            }
            EffectivePlace::InTemplate => {
                "wherever each step inside its process template runs".to_owned()
            }
            EffectivePlace::Pool(id) => format!("in pool `{}`: {by}", self.pool_name(id)),
            EffectivePlace::BuiltInWorker(id) => {
                format!("on the built-in worker: {by}, and `{}` has no workers", self.pool_name(id))
            }
            EffectivePlace::Nowhere(Some(id), why) => {
                format!("nowhere: {by}, and `{}` {}", self.pool_name(id), nowhere_reason(*why))
            }
            EffectivePlace::Nowhere(None, why) => {
                format!("nowhere: {by}, and {}", nowhere_reason(*why))
            }
            EffectivePlace::Unknown(why) => {
                format!("unknown: {}", unclear_reason(*why))
            }
        }
    }
}

/// Describes where steps that use a pool run now.
pub(super) fn describe_state(place: &EffectivePlace) -> String {
    match place {
        EffectivePlace::Pool(_) => "its steps run on its workers".to_owned(),
        EffectivePlace::BuiltInWorker(_) => {
            "it has no workers, so its steps run on the built-in worker".to_owned()
        }
        EffectivePlace::Nowhere(_, why) => {
            format!("its steps run nowhere: it {}", nowhere_reason(*why))
        }
        EffectivePlace::InServer
        | EffectivePlace::OnTargets
        | EffectivePlace::InTemplate
        | EffectivePlace::Unknown(_) => String::new(),
    }
}

fn nowhere_reason(why: NowhereReason) -> &'static str {
    match why {
        NowhereReason::NoSuchPool => "is not a pool in this space",
        NowhereReason::NoDefaultPool => "no default pool is visible",
        NowhereReason::Empty => "has no workers",
        NowhereReason::NoHealthyWorker => "has no enabled worker that is healthy",
        NowhereReason::Unchecked => "has no worker that has passed a health check yet",
        NowhereReason::BuiltInWorkerOff => {
            "has no workers, and the built-in worker is switched off"
        }
        NowhereReason::NoBuiltInWorker => {
            "has no workers, and Octopus Cloud has no built-in worker"
        }
        NowhereReason::NoValue => "it has no value in scope",
        NowhereReason::NoTargets => "it names no target tags",
    }
}

fn unclear_reason(why: UnknownReason) -> &'static str {
    match why {
        UnknownReason::Template => "it uses a process template, whose steps decide",
        UnknownReason::TemplateUnread => {
            "it uses a process template, whose steps could not be read"
        }
        UnknownReason::TemplateOmitted => {
            "it uses a process template for which the server returns no steps: the template or version does \
             not exist, or is not shared with the space"
        }
        UnknownReason::TemplateAmbiguous => {
            "it uses a process template, and the server does not say which steps belong to it"
        }
        UnknownReason::Type => "it is not known where steps of its type run",
        UnknownReason::Ambiguous => "its variable has several values of equal scope",
        UnknownReason::Targets => "its targets could not be read, and one of them may have a pool",
        UnknownReason::Prompted => "its variable is prompted for each time and has no preset value",
        UnknownReason::Expression => {
            "its variable is an expression, which only the server can evaluate"
        }
        UnknownReason::Unread => "its variable may have a value that could not be read",
    }
}

/// Describes when a case applies: `environment Production, any other channel`; empty for always.
pub(crate) fn case_condition(case: &Case) -> String {
    let conditions = case.when.iter().map(|condition| {
        let dimension = condition.dimension.as_str();
        match condition.names.as_slice() {
            [] => format!("any other {dimension}"),
            names => format!("{dimension} {}", names.join(" or ")),
        }
    });
    conditions.collect::<Vec<_>>().join(", ")
}

/// Returns the machine-readable word for a kind of pool use.
pub(super) fn use_kind_word(kind: UseKind) -> &'static str {
    match kind {
        UseKind::Member => "member",
        UseKind::Step => "step",
        UseKind::Snapshot => "snapshot",
        UseKind::Release => "release",
        UseKind::Branch => "branch",
        UseKind::Parameter => "parameter",
        UseKind::Reference(PoolReferenceKind::Variable) => "variable",
        UseKind::Reference(PoolReferenceKind::TenantVariable) => "tenant-variable",
        UseKind::Reference(PoolReferenceKind::VariableTemplate) => "variable-template",
        UseKind::Reference(PoolReferenceKind::Target) => "target",
        UseKind::Reference(PoolReferenceKind::StepTemplate) => "step-template",
    }
}

/// Returns the machine-readable word for the place of a case.
pub(super) fn place_word(case: &Case) -> &'static str {
    match case.place {
        EffectivePlace::InServer => "server",
        EffectivePlace::OnTargets => "targets",
        EffectivePlace::InTemplate => "template",
        EffectivePlace::Pool(_) => "pool",
        EffectivePlace::BuiltInWorker(_) => "built-in-worker",
        EffectivePlace::Nowhere(..) => "nowhere",
        EffectivePlace::Unknown(_) => "unknown",
    }
}

/// Returns the machine-readable word for what decides a case.
pub(super) fn decider_word(case: &Case) -> &'static str {
    match case.decided_by {
        Decider::Type => "type",
        Decider::Execution => "execution",
        Decider::Explicit => "step",
        Decider::Parameter(_) => "parameter",
        Decider::Variable(..) => "variable",
        Decider::Target => "target",
        Decider::DefaultPool => "default",
    }
}

/// Returns the machine-readable word for a worker's health.
pub(super) fn health_word(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::HasWarnings => "has_warnings",
        Health::Unhealthy => "unhealthy",
        Health::Unavailable => "unavailable",
        Health::Unknown => "unknown",
    }
}

/// Describes a worker's health for people.
pub(crate) fn health_text(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::HasWarnings => "healthy, with warnings",
        Health::Unhealthy => "unhealthy",
        Health::Unavailable => "unavailable",
        Health::Unknown => "unknown",
    }
}

/// Describes whether a worker can take work.
pub(super) fn worker_state(worker: &LiveWorker) -> String {
    let disabled = if worker.disabled { ", disabled" } else { "" };
    format!("{}{disabled}", health_text(worker.health))
}
