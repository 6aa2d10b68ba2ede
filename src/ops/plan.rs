//! Makes a plan from files and a server. What the plan itself turns out to need is read in at most one more step.

use super::{LoadedFiles, Target};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    diff::{self, TargetFilter},
    live::Live,
    plan::{Change, ChangeKind, Plan, PlanHeader, PlanOrigin},
    scope::ReadScope,
};
use poolwright_refresh::{find_space, refresh_live, refresh_missing};

/// What to plan, besides the files.
pub(crate) struct PlanRequest<'a> {
    /// The server and the space.
    pub(crate) target: Target<'a>,
    /// The addresses to narrow the plan to.
    pub(crate) addresses: TargetFilter,
    /// The last wave whose steps move; all waves if `None`.
    pub(crate) wave: Option<&'a str>,
}

/// Makes the plan for these files. A finding of level `Error` says why they do not fit the server; the plan is
/// incomplete then.
///
/// # Errors
///
/// Fails if the server cannot be read.
pub(crate) async fn plan_files(
    reader: &Reader,
    files: &LoadedFiles,
    request: &PlanRequest<'_>,
) -> anyhow::Result<Plan> {
    let Target { url, space } = request.target;
    let space = find_space(reader, space).await?;
    let scope = ReadScope::for_plan(&files.desired);
    let live = refresh_live(reader, &space, &scope, url).await?;
    let plan = request.plan_changes(files, &live, scope);
    let mut plan = match FurtherNeed::find(&live, &plan) {
        FurtherNeed::Nothing => warn_frozen(plan, &live, &live),
        FurtherNeed::Snapshots => {
            let scope = ReadScope::for_snapshots();
            let frozen = refresh_live(reader, &space, &scope, url).await?;
            warn_frozen(plan, &live, &frozen)
        }
        FurtherNeed::EveryStep { missing } => {
            let live = refresh_missing(reader, live, &missing).await?;
            let plan = request.plan_changes(files, &live, plan.header.scope.widened());
            warn_frozen(plan, &live, &live)
        }
    };
    plan.findings.splice(0..0, files.warnings.iter().cloned());
    Ok(plan)
}

impl PlanRequest<'_> {
    fn plan_changes(&self, files: &LoadedFiles, live: &Live, scope: ReadScope) -> Plan {
        let header = PlanHeader {
            url: self.target.url.to_owned(),
            server_version: live.server.version.clone(),
            space: live.server.space.clone(),
            files: files.names(),
            digest: files.sources_digest(),
            scope,
            origin: PlanOrigin::Files,
        };
        diff::plan_for_targets(&files.desired, live, header, &self.addresses, self.wave)
    }
}

/// What a first plan turns out to need that has not been read.
#[derive(Debug, PartialEq, Eq)]
enum FurtherNeed {
    /// Nothing more.
    Nothing,
    /// The snapshots that keep their old pools, because steps move.
    Snapshots,
    /// Every step, because the plan changes what steps run on without naming them.
    EveryStep {
        /// The part that has not been read.
        missing: ReadScope,
    },
}

impl FurtherNeed {
    fn find(live: &Live, plan: &Plan) -> Self {
        let scope = &plan.header.scope;
        if let Some(missing) = scope.widened().missing_from(scope)
            && diff::concerns_every_step(live, plan)
        {
            return Self::EveryStep { missing };
        }
        let is_placement = |change: &Change| matches!(change.kind, ChangeKind::PlaceStep { .. });
        if !scope.snapshots && plan.changes.iter().any(is_placement) {
            return Self::Snapshots;
        }
        Self::Nothing
    }
}

/// Adds a warning for each snapshot that keeps its old pools although steps move.
fn warn_frozen(mut plan: Plan, live: &Live, frozen: &Live) -> Plan {
    let warnings = diff::frozen_warnings(&plan, live, frozen);
    plan.findings.extend(warnings);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::{Server, source};

    async fn plan(server: &Server, text: &str) -> Plan {
        let files = LoadedFiles::parse(source(text)).unwrap();
        let addresses = TargetFilter::default();
        let request = PlanRequest { target: server.target(), addresses, wave: None };
        plan_files(&server.reader(), &files, &request).await.unwrap()
    }

    #[tokio::test]
    async fn a_plan_of_pools_alone_reads_pools_alone() {
        let server = Server::start().await;
        let plan = plan(&server, "version = 1\n[pools.sql]\nname = \"SQL\"\n").await;
        assert_eq!(plan.changes.len(), 1);
        assert_eq!(plan.header.scope, ReadScope::default());
        assert_eq!(server.lists("workerpools"), 1);
        assert_eq!(server.lists("projects"), 0);
    }

    #[tokio::test]
    async fn a_plan_that_concerns_every_step_reads_what_is_missing_in_one_more_step() {
        let server = Server::start().await;
        let text = "version = 1\n[pools.sql]\nname = \"SQL\"\ndefault = true\n";
        let plan = plan(&server, text).await;
        assert!(plan.header.scope.deployments && plan.header.scope.snapshots);
        assert_eq!(server.lists("workerpools"), 2);
        assert_eq!(server.lists("projects"), 1);
        // Nothing is read twice.
        assert_eq!(server.lists("workers"), 1);
    }

    #[tokio::test]
    async fn a_plan_that_moves_steps_reads_the_snapshots_once_and_does_not_rely_on_them() {
        let server = Server::start().await;
        let text = "version = 1\n[pools.sql]\nname = \"SQL\"\n\
                    [[placements]]\nprocess = \"any\"\npool = \"sql\"\n";
        let plan = plan(&server, text).await;
        assert!(plan.changes.len() > 1);
        assert!(!plan.header.scope.snapshots);
        assert_eq!(server.lists("projects"), 2);
        assert_eq!(server.lists("workers"), 1);
    }
}
