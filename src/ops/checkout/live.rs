//! Builds the state that a server with the files' processes would have.
//!
//! Never: workers, targets or anything else that the files do not contain.

use super::pools::CheckoutPools;
use poolwright_core::{
    live::{
        Directory, Live, LiveProcess, LiveProject, LiveServer, LiveStep, ProcessOwner, RunLocation,
        classify_step,
    },
    model::{Id, Linked, Name, Place},
    ocl::{OclAction, OclProcess, OclProcessKind},
};

use std::path::Path;

/// Returns the id of a step, by the positions of its file and of its action.
pub(super) fn step_id(file: usize, action: usize) -> String {
    format!("{file}#{action}")
}

/// Builds the state that a server with these pools and processes would have.
pub(super) fn build_live(
    pools: &CheckoutPools,
    processes: Vec<LiveProcess>,
    project: Name,
) -> Live {
    Live {
        server: LiveServer {
            url: String::new(),
            version: String::new(),
            space: Linked::new("", ""),
            built_in_worker: None,
        },
        pools: pools.live_pools(),
        workers: Vec::new(),
        projects: vec![LiveProject {
            name: project,
            group: Name::new(""),
            tags: Vec::new(),
            git: false,
        }],
        processes,
        directory: Directory::default(),
        references: Vec::new(),
        indirect: Default::default(),
        snapshots: Vec::new(),
        other_spaces: Vec::new(),
        unread: Vec::new(),
    }
}

/// Returns the process in a file, which is at this position in the working tree.
pub(super) fn process_of_file(
    at: usize,
    path: &Path,
    document: &OclProcess,
    pools: &CheckoutPools,
    project: &Name,
) -> LiveProcess {
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let in_runbooks =
        path.parent().and_then(|it| it.file_name()).is_some_and(|text| text == "runbooks");
    let is_runbook = in_runbooks || document.kind == OclProcessKind::Runbook;
    let runbook = is_runbook.then(|| document.name.clone().unwrap_or(stem));
    let steps = document.actions.iter().enumerate();
    let steps = steps.map(|(index, action)| LiveStep {
        position: index,
        ..live_step(step_id(at, index), action, pools)
    });
    LiveProcess {
        id: Id::new(format!("{at}")),
        owner: ProcessOwner {
            project: project.clone(),
            group: Name::new(""),
            runbook: runbook.map(Name::new),
        },
        git: None,
        steps: steps.collect(),
        templates: Vec::new(),
    }
}

fn live_step(id: String, action: &OclAction, pools: &CheckoutPools) -> LiveStep {
    LiveStep {
        id: Id::new(id),
        step: Name::new(&action.step),
        action: Name::new(&action.action),
        position: 0,
        names_both: false,
        has_siblings: action.has_siblings,
        action_type: action.action_type.clone(),
        place: match &action.place {
            Place::Pool(text) => Place::Pool(Id::new(pools.id_of_text(text))),
            Place::Variable(name) => Place::Variable(name.clone()),
            Place::DefaultPool => Place::DefaultPool,
        },
        run_on_server: action.run_on_server,
        from_file: true,
        target_roles: action.target_roles.clone(),
        container: action.container.clone(),
        channels: Vec::new(),
        parameters: Vec::new(),
        disabled: false,
    }
}

/// Whether only the pool that an action names makes it run on a worker.
pub(super) fn runs_on_worker_by_pool(action: &OclAction) -> bool {
    let step = live_step(String::new(), action, &CheckoutPools::default());
    let without = LiveStep { place: Place::DefaultPool, ..step };
    !matches!(classify_step(&without), RunLocation::OnWorker(_))
}

/// Whether a worker runs an action for each of the project's deployment targets with some tags.
pub(super) fn acts_on_targets(action: &OclAction) -> bool {
    let tags = action.target_roles.trim();
    !tags.is_empty()
}
