//! A placement with its references resolved, and the edits that bring a step there.

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
    text::eq_ignoring_case,
};

/// Where a rule places its steps.
pub(super) struct PlacementGoal {
    place: Place<PoolHandle>,
    execution: Option<Execution>,
    /// `None` if the container stays unchanged, `Some(None)` if it is cleared.
    container: Option<Option<Container<Linked<Feed>>>>,
}

/// Whether a rule can decide where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepReach {
    /// The step runs on a worker.
    Worker,
    /// The step runs on its targets, and `execution` can move it to a worker.
    Targets,
    /// The step always runs on its targets.
    OnlyTargets,
    /// The step runs inside the server's process.
    InServer,
    /// Where a step of its type runs is unknown.
    Unknown,
}

impl StepReach {
    /// Returns the reach of a step.
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

    /// Whether a rule with this verdict could decide about a step with this reach.
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

/// Why a step cannot be placed as a rule asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ExecutionConflict {
    /// Its target tags belong to a step with several actions.
    Rolling,
    /// Its type works on a target.
    NeedsTargets,
    /// The step has no target tags.
    NoTargets,
    /// Only the pool that it names makes it run on a worker.
    OnlyByPool,
    /// Its id is missing or not unique in its process, so that it cannot be changed alone.
    NoIdentity,
}

impl PlacementGoal {
    /// Resolves the placement of a rule.
    ///
    /// # Errors
    ///
    /// Returns findings for a pool or a feed that does not exist.
    pub(super) fn new(
        matched: &Matched,
        placement: &DesiredPlacement,
    ) -> Result<Self, Vec<Finding>> {
        let place = match &placement.place {
            Place::Pool(pool) => matched.resolve_pool(pool).map(Place::Pool),
            Place::Variable(name) => Ok(Place::Variable(name.clone())),
            Place::DefaultPool => Ok(Place::DefaultPool),
        };
        let container = placement.container.as_ref().map(|declared| {
            let Some(container) = &declared.value else { return Ok(None) };
            let feed = Declared { value: container.feed.clone(), span: declared.span.clone() };
            let feed = resolve_entry(ReferentKind::Feed, &matched.live.directory.feeds, &feed)?;
            Ok(Some(container.map_feed(|_| feed)))
        });
        match (place, container.transpose()) {
            (Ok(place), Ok(container)) => {
                Ok(Self { place, execution: placement.execution, container })
            }
            (place, container) => Err(place.err().into_iter().chain(container.err()).collect()),
        }
    }

    /// Whether `step` names the same place, even if the step does not run there.
    pub(super) fn is_named_by_step(&self, matched: &Matched, step: &LiveStep) -> bool {
        live_place(matched, step) == self.place
    }

    /// Returns the edits that make `step` run as the rule asks; empty if it already does.
    ///
    /// # Errors
    ///
    /// Returns why the step cannot run that way.
    pub(super) fn step_edits(
        &self,
        matched: &Matched,
        step: &LiveStep,
    ) -> Result<Vec<StepEdit>, ExecutionConflict> {
        let place = Delta::if_different(live_place(matched, step), self.place.clone());
        let place = place.map(StepEdit::Place);
        let moved = LiveStep { place: Place::DefaultPool, ..step.clone() };
        // In a file, the property that keeps the step on a worker is written together with its place.
        let stays = step.from_file || !runs_on_worker(step) || runs_on_worker(&moved);
        if self.place == Place::DefaultPool && !stays {
            return Err(ExecutionConflict::OnlyByPool);
        }
        let execution = self.execution_edit(step)?;
        let container = self.container.as_ref().and_then(|wanted| {
            Delta::if_different(live_container(matched, step), wanted.clone())
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
    let feed =
        matched.live.directory.feeds.iter().find(|feed| eq_ignoring_case(&feed.id, &live.feed));
    let name = feed.map_or(live.feed.as_str(), |it| it.name.as_str());
    Some(live.map_feed(|feed| Linked::new(feed, name)))
}
