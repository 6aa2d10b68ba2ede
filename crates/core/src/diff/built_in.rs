//! Which steps run on the built-in worker: now, and after all changes except those to steps.
//!
//! Rules ask step by step, so steps that cannot differ are resolved once. Whether the built-in worker is switched
//! on does not matter here.

use super::goal::StepReach;
use crate::{
    live::{Live, LiveProcess, LiveStep, built_in_worker_pool, effective_cases},
    model::{Id, Name, Place, Pool, Process},
};

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

/// The two states in which a step is matched.
pub(super) struct BuiltInWorkerUse<'a>([BuiltInWorkerState<'a>; 2]);

/// The built-in worker in one state of the server.
pub(super) struct BuiltInWorkerState<'a> {
    live: &'a Live,
    /// The pool whose steps run on it.
    fallback: Option<&'a Id<Pool>>,
    /// Variables with a value that is scoped to single steps.
    step_scoped: HashSet<&'a Name>,
    /// Whether steps with these traits run on it.
    known: RefCell<HashMap<StepTraits<'a>, bool>>,
}

/// Everything about a step that decides where it runs, unless a variable has a value for this step alone.
#[derive(PartialEq, Eq, Hash)]
struct StepTraits<'a> {
    /// The process, if a variable chooses the pool.
    process: Option<&'a Id<Process>>,
    place: &'a Place<Id<Pool>>,
    action_type: &'a str,
    run_on_server: Option<bool>,
    from_file: bool,
    target_roles: &'a str,
}

/// A step to match against `currently`.
#[derive(Clone, Copy)]
pub(super) struct CandidateStep<'a> {
    pub(super) process: &'a LiveProcess,
    pub(super) step: &'a LiveStep,
    pub(super) reach: StepReach,
}

impl<'a> BuiltInWorkerUse<'a> {
    pub(super) fn new(now: &'a Live, after: &'a Live) -> Self {
        Self([now, after].map(BuiltInWorkerState::new))
    }

    pub(super) fn both_states(&self) -> &[BuiltInWorkerState<'a>] {
        &self.0
    }
}

impl<'a> BuiltInWorkerState<'a> {
    fn new(live: &'a Live) -> Self {
        let scoped = live.indirect.variables.iter().filter(|it| !it.scope.actions.is_empty());
        Self {
            live,
            fallback: built_in_worker_pool(live).map(|pool| &pool.id),
            step_scoped: scoped.map(|it| &it.name).collect(),
            known: RefCell::default(),
        }
    }

    /// Whether a step runs on the built-in worker in every case, or would if that were switched on.
    pub(super) fn runs_on_built_in(&self, candidate: CandidateStep<'a>) -> bool {
        let Some(fallback) = self.fallback else { return false };
        let CandidateStep { process, step, .. } = candidate;
        let check_cases = || {
            let cases = effective_cases(process, step, self.live);
            cases.iter().all(|case| case.place.required_pool() == Some(fallback))
        };
        let process = match &step.place {
            Place::Variable(name) if self.step_scoped.contains(&Name::new(name)) => {
                return check_cases();
            }
            Place::Variable(_) => Some(&process.id),
            Place::Pool(id) if id != fallback => return false,
            Place::Pool(_) | Place::DefaultPool => None,
        };
        let traits = StepTraits {
            process,
            place: &step.place,
            action_type: &step.action_type,
            run_on_server: step.run_on_server,
            from_file: step.from_file,
            target_roles: &step.target_roles,
        };
        *self.known.borrow_mut().entry(traits).or_insert_with(check_cases)
    }
}
