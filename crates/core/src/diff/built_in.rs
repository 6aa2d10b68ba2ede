//! Which steps run on the built-in worker: now, and after all changes except those to steps.
//!
//! Rules ask step by step, so the pools of a variable are resolved once per process. Whether the built-in worker
//! is switched on does not matter here.

use super::goal::StepReach;
use crate::{
    live::{Live, LiveProcess, LiveStep, built_in_worker_pool, effective_cases},
    model::{Id, Name, Place, Pool},
};

use std::{cell::RefCell, collections::HashMap};

/// The two states in which a step is matched.
pub(super) struct BuiltInWorkerUse<'a>([BuiltInWorkerState<'a>; 2]);

/// The built-in worker in one state of the server.
pub(super) struct BuiltInWorkerState<'a> {
    live: &'a Live,
    /// The pool whose steps run on it.
    fallback: Option<&'a Id<Pool>>,
    /// Variables that have that pool as a value, and whether they have a value scoped to single steps.
    variables: HashMap<&'a Name, bool>,
    /// Whether all values of a variable lead to that pool, by process and name.
    known: RefCell<HashMap<(&'a str, &'a str), bool>>,
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
        let fallback = built_in_worker_pool(live).map(|pool| &pool.id);
        let mut variables: HashMap<&Name, bool> = HashMap::new();
        let values = &live.indirect.variables;
        for value in
            values.iter().filter(|value| fallback.is_some() && value.pool.as_ref() == fallback)
        {
            variables.insert(&value.name, false);
        }
        for value in values.iter().filter(|it| !it.scope.actions.is_empty()) {
            variables.entry(&value.name).and_modify(|by_step| *by_step = true);
        }
        Self { live, fallback, variables, known: RefCell::default() }
    }

    /// Whether a step runs on the built-in worker, or would if that were switched on. For a step with a variable,
    /// every case must lead there.
    pub(super) fn runs_on_built_in(&self, candidate: CandidateStep<'a>) -> bool {
        let Some(fallback) = self.fallback.filter(|_| candidate.reach == StepReach::Worker) else {
            return false;
        };
        match &candidate.step.place {
            Place::DefaultPool => true,
            Place::Pool(id) => id == fallback,
            Place::Variable(name) => self.variable_leads_here(candidate, name, fallback),
        }
    }

    fn variable_leads_here(
        &self,
        candidate: CandidateStep<'a>,
        name: &'a str,
        fallback: &Id<Pool>,
    ) -> bool {
        let CandidateStep { process, step, .. } = candidate;
        let Some(by_step) = self.variables.get(&Name::new(name)) else { return false };
        let check_cases = || {
            let cases = effective_cases(process, step, self.live);
            cases.iter().all(|case| case.place.required_pool() == Some(fallback))
        };
        // The targets of a step matter too.
        if *by_step || step.has_target_tags() {
            return check_cases();
        }
        *self.known.borrow_mut().entry((process.id.as_str(), name)).or_insert_with(check_cases)
    }
}
