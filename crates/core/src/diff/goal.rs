//! A rule's target with all that it points at resolved, and the edits that lead a step there.

use super::{
    matched::Matched,
    reference::{ReferentKind, resolve_entry},
};
use crate::{
    desired::{Declared, DesiredPlacement, PlacementVerdict},
    finding::Finding,
    live::{
        LiveStep, RunLocation, classify_step, is_left_alone, needs_targets, runs_on_worker,
        runs_only_on_targets,
    },
    model::{Container, Execution, Linked, Place, PoolHandle},
    plan::{Delta, Feed, StepEdit},
};

/// Where a rule wants its steps to run.
pub(super) struct PlacementGoal {
    place: Place<PoolHandle>,
    execution: Option<Execution>,
    container: Option<Container<Linked<Feed>>>,
}

/// Whether a tool may say where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepReach {
    /// It runs on a worker.
    Worker,
    /// It runs on its targets, and `execution` may move it to a worker.
    Targets,
    /// It runs on its targets, whatever is said.
    OnlyTargets,
    /// It runs inside the server's process.
    InServer,
    /// Nobody has said where its type runs.
    Unknown,
}

impl StepReach {
    /// How far a tool reaches to move this step.
    pub(super) fn from_step(step: &LiveStep) -> Self {
        match classify_step(step) {
            _ if is_left_alone(step) => Self::Unknown,
            RunLocation::OnWorker(_) => Self::Worker,
            RunLocation::OnTargets if runs_only_on_targets(step) => Self::OnlyTargets,
            RunLocation::OnTargets => Self::Targets,
            RunLocation::InServer => Self::InServer,
            RunLocation::Unknown => Self::Unknown,
        }
    }

    /// Whether a rule of this verdict could decide about a step of this reach.
    pub(super) fn is_open_to(self, verdict: &PlacementVerdict) -> bool {
        match (verdict, self) {
            (PlacementVerdict::Leave, _) | (PlacementVerdict::Place(_), Self::Worker) => true,
            (PlacementVerdict::Place(target), Self::Targets) => target.execution.is_some(),
            (PlacementVerdict::Place(_), Self::OnlyTargets | Self::InServer | Self::Unknown) => {
                false
            }
        }
    }
}

/// Why a step cannot run as a rule's `execution` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ExecutionConflict {
    /// Its target tags are those of a step of several actions.
    Rolling,
    /// Its type works on a target.
    NeedsTargets,
    /// It has no target tags.
    NoTargets,
    /// Nothing but the pool that it names says that it runs on a worker.
    OnlyByPool,
    /// Its process has another of its id, or it has none, so that nothing can be written to it alone.
    NoIdentity,
}

impl PlacementGoal {
    /// The target of a rule, resolved.
    ///
    /// # Errors
    ///
    /// Findings, for a pool or a feed that is not there.
    pub(super) fn new(matched: &Matched, target: &DesiredPlacement) -> Result<Self, Vec<Finding>> {
        let place = match &target.place {
            Place::Pool(pool) => matched.resolve_pool(pool).map(Place::Pool),
            Place::Variable(name) => Ok(Place::Variable(name.clone())),
            Place::DefaultPool => Ok(Place::DefaultPool),
        };
        let container = target.container.as_ref().map(|container| {
            let feed = Declared { value: container.feed.clone(), span: container.span.clone() };
            let feed = resolve_entry(ReferentKind::Feed, &matched.live.directory.feeds, &feed)?;
            Ok(Container { image: container.image.clone(), feed })
        });
        match (place, container.transpose()) {
            (Ok(place), Ok(container)) => {
                Ok(Self { place, execution: target.execution, container })
            }
            (place, container) => Err(place.err().into_iter().chain(container.err()).collect()),
        }
    }

    /// Whether `step` names the same place, be it one where it runs or not.
    pub(super) fn is_named_by_step(&self, matched: &Matched, step: &LiveStep) -> bool {
        live_place(matched, step) == self.place
    }

    /// What has to change for `step` to run as the rule says; empty where it does already.
    ///
    /// # Errors
    ///
    /// Why the step cannot run so.
    pub(super) fn step_edits(
        &self,
        matched: &Matched,
        step: &LiveStep,
    ) -> Result<Vec<StepEdit>, ExecutionConflict> {
        let place = Delta::if_different(live_place(matched, step), self.place.clone());
        let place = place.map(StepEdit::Place);
        let moved = LiveStep { place: Place::DefaultPool, ..step.clone() };
        if self.place == Place::DefaultPool && runs_on_worker(step) && !runs_on_worker(&moved) {
            return Err(ExecutionConflict::OnlyByPool);
        }
        let execution = self.execution_edit(step)?;
        let container = self.container.as_ref().and_then(|wanted| {
            Delta::if_different(live_container(matched, step), Some(wanted.clone()))
                .map(StepEdit::Container)
        });
        Ok([execution, place, container].into_iter().flatten().collect())
    }

    fn execution_edit(&self, step: &LiveStep) -> Result<Option<StepEdit>, ExecutionConflict> {
        let Some(wanted) = self.execution else { return Ok(None) };
        let live = match classify_step(step) {
            RunLocation::OnWorker(execution) => execution,
            _ => Execution::OnTargets,
        };
        let tagged = step.has_target_tags();
        match wanted {
            Execution::Once if tagged && step.has_siblings => {
                return Err(ExecutionConflict::Rolling);
            }
            Execution::Once if tagged && needs_targets(step) => {
                return Err(ExecutionConflict::NeedsTargets);
            }
            Execution::PerTarget if !tagged => return Err(ExecutionConflict::NoTargets),
            Execution::Once | Execution::PerTarget | Execution::OnTargets => {}
        }
        Ok(Delta::if_different(live, wanted).map(|execution| StepEdit::Execution {
            execution,
            target_roles: step.target_roles.clone(),
            restored: None,
        }))
    }
}

fn live_place(matched: &Matched, step: &LiveStep) -> Place<PoolHandle> {
    match &step.place {
        Place::Pool(id) => Place::Pool(matched.pool_handle_by_id(id)),
        Place::Variable(name) => Place::Variable(name.clone()),
        Place::DefaultPool => Place::DefaultPool,
    }
}

fn live_container(matched: &Matched, step: &LiveStep) -> Option<Container<Linked<Feed>>> {
    let live = step.container.as_ref()?;
    let feed = matched.live.directory.feeds.iter().find(|feed| feed.id == live.feed);
    let name = feed.map_or(live.feed.as_str(), |it| it.name.as_str());
    Some(Container { image: live.image.clone(), feed: Linked::new(&live.feed, name) })
}
