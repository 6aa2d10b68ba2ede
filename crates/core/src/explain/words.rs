//! The words for where a step runs and why. Never: escaping; that is for whoever prints them.

use super::Said;
use crate::{
    live::{
        Case, Chosen, Decider, Effective, Given, Health, Live, LiveStep, LiveWorker, Pointing,
        PoolUse, Runs, Unclear, UseKind, VariableOwner, Via, Why, runs,
    },
    model::{Execution, Id, Place, Pool},
};

/// Says what a case is, with the names that a server has.
pub(super) struct Words<'a>(pub(super) &'a Live);

impl Words<'_> {
    /// What the server has of a step, whose cases these are.
    pub(super) fn said(&self, step: &LiveStep, cases: &[Case]) -> Said {
        let on_worker = |case: &Case| {
            !matches!(case.by, Decider::Type | Decider::Execution)
                || matches!(case.place, Effective::Unknown(_))
        };
        let parameter = cases.iter().find_map(|case| match (&case.by, &step.place) {
            (Decider::Parameter(name), Place::Variable(_)) => Some(name.clone()),
            _ => None,
        });
        let lingering = step.place != Place::DefaultPool && !cases.iter().any(on_worker);
        let (place, pool, variable) = match &step.place {
            _ if parameter.is_some() => ("parameter", None, None),
            Place::Pool(id) => ("pool", Some(self.pool(id)), None),
            Place::Variable(name) => ("variable", None, Some(name.clone())),
            Place::DefaultPool => ("default", None, None),
        };
        let chosen = match (&step.place, &pool, &variable) {
            (Place::Pool(id), Some(pool), _) if self.0.pool(id).is_none() => {
                format!("pool `{pool}`, which is not there")
            }
            (_, Some(pool), _) => format!("pool `{pool}`"),
            (_, _, Some(name)) => format!("variable `{name}`"),
            (Place::Variable(_), _, _) => {
                format!("parameter `{}`", parameter.as_deref().unwrap_or_default())
            }
            _ => "no pool".to_owned(),
        };
        let target_tags: Vec<String> = step.target_tags().map(str::to_owned).collect();
        let tags = match target_tags.is_empty() {
            true => "no target tags".to_owned(),
            false => format!("target tags `{}`", target_tags.join("`, `")),
        };
        let (execution, how) = match runs(step) {
            Runs::InServer | Runs::Unknown => (None, String::new()),
            Runs::OnTargets => (Some(Execution::OnTargets), format!(", on its targets: {tags}")),
            Runs::OnWorker(Execution::Once) => {
                (Some(Execution::Once), ", once on a worker".to_owned())
            }
            Runs::OnWorker(_) => {
                (Some(Execution::PerTarget), format!(", on a worker for each target: {tags}"))
            }
        };
        let nothing = if lingering { ", which means nothing where it runs" } else { "" };
        Said {
            place,
            pool,
            variable,
            parameter,
            execution: execution.map(Execution::as_str),
            text: format!("{chosen}{nothing}{how}"),
            target_tags,
            lingering,
        }
    }

    /// A pool's name; its id where there is no such pool.
    pub(super) fn pool(&self, id: &Id<Pool>) -> String {
        let name = self.0.pool(id).map(|pool| pool.name.to_string());
        name.unwrap_or_else(|| id.as_str().to_owned())
    }

    /// How something uses a pool.
    pub(super) fn how(&self, it: &PoolUse) -> String {
        match (&it.via, it.kind) {
            (Via::Case(case), _) => self.because(case),
            (Via::Frozen(name), _) => {
                format!("a value that variable `{name}` had when it was made is this pool")
            }
            (Via::Unclear(why), _) => {
                format!("it may come to it: {}", unclear(*why))
            }
            (Via::Lingering, _) => {
                "its pool field says so, though it does not run on a worker".to_owned()
            }
            (Via::Direct, UseKind::Pointer(Pointing::Target)) => {
                "this pool's workers act for it".to_owned()
            }
            (Via::Direct, UseKind::Pointer(Pointing::Variable | Pointing::TenantVariable)) => {
                "a value of it is this pool".to_owned()
            }
            (Via::Direct, _) => "it names the pool".to_owned(),
        }
    }

    /// Where, and why: a sentence without its subject.
    pub(super) fn because(&self, case: &Case) -> String {
        let by = match &case.by {
            Decider::Type => "steps of its type".to_owned(),
            Decider::Execution => "it runs on its targets".to_owned(),
            Decider::Explicit => "it names the pool".to_owned(),
            Decider::Parameter(name) => {
                format!("parameter `{name}` of the step that uses its template says so")
            }
            Decider::Variable(name, Some(Chosen { owner, given })) => {
                let variable = match owner {
                    VariableOwner::Project(_) => format!("the project's variable `{name}`"),
                    VariableOwner::Library(set) => {
                        format!("variable `{name}` of library set `{set}`")
                    }
                };
                match given {
                    Given::Said => format!("{variable} says so"),
                    Given::Asked => format!(
                        "{variable} says so, unless another value is given when it is asked for"
                    ),
                    Given::Default => {
                        format!("{variable} says so by its template, for nobody else does")
                    }
                }
            }
            Decider::Variable(name, None) => format!("variable `{name}` chooses"),
            Decider::Target => "it names no pool, and its targets do".to_owned(),
            Decider::DefaultPool => "it names no pool, so the default one is taken".to_owned(),
        };
        match &case.place {
            Effective::InServer => "inside the server, as all steps of its type".to_owned(),
            Effective::OnTargets => {
                "on its targets, or on the agents that stand for them".to_owned()
            }
            Effective::InTemplate => "where each step inside its process template does".to_owned(),
            Effective::Pool(id) => format!("in pool `{}`: {by}", self.pool(id)),
            Effective::BuiltInWorker(id) => {
                format!("on the built-in worker: {by}, and `{}` has no workers", self.pool(id))
            }
            Effective::Nowhere(Some(id), why) => {
                format!("nowhere: {by}, and `{}` {}", self.pool(id), reason(*why))
            }
            Effective::Nowhere(None, why) => format!("nowhere: {by}, and {}", reason(*why)),
            Effective::Unknown(why) => format!("nobody can tell where: {}", unclear(*why)),
        }
    }
}

/// Where a step of a pool runs now: a sentence without its subject.
pub(super) fn state(place: &Effective) -> String {
    match place {
        Effective::Pool(_) => "its steps run on its workers".to_owned(),
        Effective::BuiltInWorker(_) => {
            "it has no workers, so that its steps run on the built-in worker".to_owned()
        }
        Effective::Nowhere(_, why) => format!("its steps run nowhere: it {}", reason(*why)),
        Effective::InServer
        | Effective::OnTargets
        | Effective::InTemplate
        | Effective::Unknown(_) => String::new(),
    }
}

fn reason(why: Why) -> &'static str {
    match why {
        Why::NoSuchPool => "is no pool of this space",
        Why::NoDefaultPool => "no default pool can be seen",
        Why::Empty => "has no workers",
        Why::NoHealthyWorker => "has no enabled worker that is healthy",
        Why::Unchecked => "has no worker that has passed a health check yet",
        Why::BuiltInWorkerOff => "has no workers, and the built-in worker is switched off",
        Why::NoBuiltInWorker => "has no workers, and Octopus Cloud has no built-in worker",
        Why::NoValue => "it has no value in scope",
        Why::NoTargets => "it names no target tags",
    }
}

fn unclear(why: Unclear) -> &'static str {
    match why {
        Unclear::Template => "it stands for the steps of a process template, and these decide",
        Unclear::TemplateUnread => {
            "it stands for the steps of a process template, and these could not be read"
        }
        Unclear::TemplateLeftOut => {
            "it stands for the steps of a process template, and the server tells none: there is no such \
             template or version, or it is not shared with the space"
        }
        Unclear::TemplateMixed => {
            "it stands for the steps of a process template, and the server does not say which are its"
        }
        Unclear::Type => "no source says where steps of its type run",
        Unclear::Ambiguous => "its variable has several values of equal scope",
        Unclear::Targets => "its targets could not be read, and one of them may have a pool",
        Unclear::Asked => "its variable is asked for each time, and has no value in advance",
        Unclear::Expression => "its variable is an expression, which only the server evaluates",
        Unclear::Unread => "its variable may have a value among those that could not be read",
    }
}

/// When a case holds: `environment Production, any other channel`; empty for always.
pub(super) fn when(case: &Case) -> String {
    let conditions = case.when.iter().map(|condition| {
        let dimension = condition.dimension.as_str();
        match condition.names.as_slice() {
            [] => format!("any other {dimension}"),
            names => format!("{dimension} {}", names.join(" or ")),
        }
    });
    conditions.collect::<Vec<_>>().join(", ")
}

/// What uses a pool, in one word.
pub(super) fn kind(kind: UseKind) -> &'static str {
    match kind {
        UseKind::Member => "member",
        UseKind::Step => "step",
        UseKind::Snapshot => "snapshot",
        UseKind::Release => "release",
        UseKind::Branch => "branch",
        UseKind::Parameter => "parameter",
        UseKind::Pointer(Pointing::Variable) => "variable",
        UseKind::Pointer(Pointing::TenantVariable) => "tenant-variable",
        UseKind::Pointer(Pointing::VariableTemplate) => "variable-template",
        UseKind::Pointer(Pointing::Target) => "target",
        UseKind::Pointer(Pointing::StepTemplate) => "step-template",
    }
}

/// Where, in one word.
pub(super) fn place(case: &Case) -> &'static str {
    match case.place {
        Effective::InServer => "server",
        Effective::OnTargets => "targets",
        Effective::InTemplate => "template",
        Effective::Pool(_) => "pool",
        Effective::BuiltInWorker(_) => "built-in-worker",
        Effective::Nowhere(..) => "nowhere",
        Effective::Unknown(_) => "unknown",
    }
}

/// What decides, in one word.
pub(super) fn by(case: &Case) -> &'static str {
    match case.by {
        Decider::Type => "type",
        Decider::Execution => "execution",
        Decider::Explicit => "step",
        Decider::Parameter(_) => "parameter",
        Decider::Variable(..) => "variable",
        Decider::Target => "target",
        Decider::DefaultPool => "default",
    }
}

/// A worker's health, in one word that stays what it is.
pub(super) fn health_word(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::HasWarnings => "has_warnings",
        Health::Unhealthy => "unhealthy",
        Health::Unavailable => "unavailable",
        Health::Unknown => "unknown",
    }
}

/// The same for people.
pub(super) fn health(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::HasWarnings => "healthy, with warnings",
        Health::Unhealthy => "unhealthy",
        Health::Unavailable => "unavailable",
        Health::Unknown => "unknown",
    }
}

/// Whether a worker can take work.
pub(super) fn worker(worker: &LiveWorker) -> String {
    let disabled = if worker.disabled { ", disabled" } else { "" };
    format!("{}{disabled}", health(worker.health))
}
