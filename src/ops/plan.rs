//! Makes a plan from files and a server. What the plan itself turns out to need is read in at most one more step.

use super::{LoadedFiles, SettleRequest, Target, accept_places};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    diff::{self, TargetFilter},
    finding::{Finding, Level},
    live::Live,
    model::{Linked, Space},
    plan::{BaseComparison, Change, ChangeKind, OwnPlace, Plan, PlanHeader, PlanOrigin, PlanStamp},
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
    /// What to compare the plan with.
    pub(crate) base: Option<&'a BaseFiles>,
    /// What the program itself runs on.
    pub(crate) own: &'a OwnPlace,
    /// What the findings are settled with.
    pub(crate) settle: &'a SettleRequest,
}

/// The files that a plan is compared with.
#[derive(Debug)]
pub(crate) struct BaseFiles {
    /// The base, as the user named it.
    pub(crate) name: String,
    /// Its commit, if it is a Git revision.
    pub(crate) commit: Option<String>,
    /// Its files, or why they cannot be used.
    pub(crate) files: Result<LoadedFiles, Vec<String>>,
}

/// Makes the plan for these files, compared with that of its base if there is one. A finding of level `Error` says why
/// the files do not fit the server; the plan is incomplete then.
///
/// # Errors
///
/// Fails if the server cannot be read.
pub(crate) async fn plan_files(
    reader: &Reader,
    files: &LoadedFiles,
    request: &PlanRequest<'_>,
) -> anyhow::Result<Plan> {
    let space = find_space(reader, request.target.space).await?;
    let planner = FilesPlanner { reader, space: &space, request };
    let Some(BaseFiles { name, commit, files: base }) = request.base else {
        let scope = ReadScope::for_plan(&files.desired);
        return planner.plan_alone(files, scope).await;
    };
    let (mut plan, base_plan) = match base {
        Ok(base) => {
            let (plan, base_plan) = planner.plan_both(files, base).await?;
            (plan, usable_base(base_plan, base))
        }
        Err(reasons) => {
            let scope = ReadScope::for_plan(&files.desired);
            (planner.plan_alone(files, scope).await?, Err(reasons.clone()))
        }
    };
    if let Err(reasons) = &base_plan {
        plan.findings.push(Finding::unusable_base(name, reasons.clone()));
    }
    let described =
        BaseComparison { base: name.clone(), commit: commit.clone(), ..BaseComparison::default() };
    let plan = diff::compare_with_base(plan, base_plan.ok().as_ref(), described);
    // A base without a use is a warning, which may be denied.
    Ok(request.settle.settle_plan(plan, &accept_places(&files.desired), false))
}

/// Returns the plan of a base, or why it does not fit the server.
fn usable_base(plan: Plan, base: &LoadedFiles) -> Result<Plan, Vec<String>> {
    let errors = plan.findings.iter().filter(|finding| finding.level == Level::Error);
    let errors = errors.map(|error| base.sources.describe_finding(error)).collect::<Vec<_>>();
    if errors.is_empty() { Ok(plan) } else { Err(errors) }
}

/// Makes plans of a space.
struct FilesPlanner<'a> {
    reader: &'a Reader,
    space: &'a Linked<Space>,
    request: &'a PlanRequest<'a>,
}

impl FilesPlanner<'_> {
    /// Makes the plans of files and of their base, from one read of the server unless they read different branches.
    async fn plan_both(
        &self,
        files: &LoadedFiles,
        base: &LoadedFiles,
    ) -> anyhow::Result<(Plan, Plan)> {
        let Some(scope) = ReadScope::for_comparison(&files.desired, &base.desired) else {
            let plan = self.plan_alone(files, ReadScope::for_plan(&files.desired)).await?;
            let base = self.plan_alone(base, ReadScope::for_plan(&base.desired)).await?;
            return Ok((plan, base));
        };
        let [plan, base] = self.plan_each([files, base], scope).await?;
        Ok((plan, base))
    }

    async fn plan_alone(&self, files: &LoadedFiles, scope: ReadScope) -> anyhow::Result<Plan> {
        let [plan] = self.plan_each([files], scope).await?;
        Ok(plan)
    }

    /// Makes a plan of each of these files from one read of the server.
    async fn plan_each<const COUNT: usize>(
        &self,
        files: [&LoadedFiles; COUNT],
        scope: ReadScope,
    ) -> anyhow::Result<[Plan; COUNT]> {
        let Self { reader, space, request } = self;
        let url = request.target.url;
        let live = refresh_live(reader, space, &scope, url).await?;
        let plan_all = |live: &Live, scope: &ReadScope| {
            files.map(|files| request.plan_changes(files, live, scope.clone()))
        };
        let plans = plan_all(&live, &scope);
        let (mut plans, live, frozen) = match FurtherNeed::find(&live, &scope, &plans) {
            FurtherNeed::Nothing => (plans, live, None),
            FurtherNeed::Snapshots => {
                let frozen = refresh_live(reader, space, &ReadScope::for_snapshots(), url).await?;
                (plans, live, Some(frozen))
            }
            FurtherNeed::EveryStep { missing } => {
                let live = refresh_missing(reader, live, &missing).await?;
                (plan_all(&live, &scope.widened()), live, None)
            }
        };
        for (plan, files) in plans.iter_mut().zip(files) {
            let warnings = diff::frozen_warnings(plan, &live, frozen.as_ref().unwrap_or(&live));
            plan.findings.extend(warnings);
            plan.findings.splice(0..0, files.warnings.iter().cloned());
        }
        let mut files = files.into_iter();
        Ok(plans.map(|plan| match files.next() {
            Some(files) => request.settle_plan(plan, files),
            None => plan,
        }))
    }
}

impl PlanRequest<'_> {
    /// Settles the findings of the plan of these files.
    fn settle_plan(&self, plan: Plan, files: &LoadedFiles) -> Plan {
        let is_whole = self.addresses.is_empty()
            && self.wave.is_none()
            && plan.highest_level() != Some(Level::Error);
        self.settle.settle_plan(plan, &accept_places(&files.desired), is_whole)
    }

    fn plan_changes(&self, files: &LoadedFiles, live: &Live, scope: ReadScope) -> Plan {
        let header = PlanHeader {
            url: self.target.url.to_owned(),
            server_version: live.server.version.clone(),
            space: live.server.space.clone(),
            files: files.names(),
            digest: files.sources_digest(),
            scope,
            origin: PlanOrigin::Files,
            stamp: PlanStamp {
                wave: self.wave.map(str::to_owned),
                files: files.file_digests(),
                ..PlanStamp::default()
            },
        };
        let plan = diff::plan_for_targets(&files.desired, live, header, &self.addresses, self.wave);
        diff::guard_own_place(plan, self.own, live)
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
    fn find(live: &Live, scope: &ReadScope, plans: &[Plan]) -> Self {
        if let Some(missing) = scope.widened().missing_from(scope)
            && plans.iter().any(|plan| diff::concerns_every_step(live, plan))
        {
            return Self::EveryStep { missing };
        }
        let is_placement = |change: &Change| matches!(change.kind, ChangeKind::PlaceStep { .. });
        let mut changes = plans.iter().flat_map(|plan| &plan.changes);
        if !scope.snapshots && changes.any(is_placement) {
            return Self::Snapshots;
        }
        Self::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::{Server, plan, settle_request, source};
    use poolwright_core::finding::Code;

    /// The plan of a file, compared with that of another.
    async fn compared(server: &Server, text: &str, base: &str) -> Plan {
        let files = LoadedFiles::parse(source(text)).unwrap();
        let base = LoadedFiles::parse(source(base)).unwrap();
        let base = BaseFiles { name: "main".into(), commit: None, files: Ok(base) };
        let addresses = TargetFilter::default();
        let target = server.target();
        let (own, settle) = (OwnPlace::default(), settle_request());
        let base = Some(&base);
        let request =
            PlanRequest { target, addresses, wave: None, base, own: &own, settle: &settle };
        plan_files(&server.reader(), &files, &request).await.unwrap()
    }

    #[tokio::test]
    async fn a_comparison_needs_no_more_requests_than_the_plan_alone() {
        let rule = "[[placements]]\nprocess = \"any\"\npool = \"sql\"\n";
        let pools = "version = 1\n[pools.sql]\nname = \"SQL\"\n";
        for (text, base) in [
            (pools.to_owned(), pools.replace("SQL", "Data")),
            (format!("{pools}{rule}"), format!("{pools}{rule}")),
            (format!("{pools}default = true\n"), format!("{pools}default = true\n")),
            // The base needs less, and is planned from what the file needs.
            (format!("{pools}{rule}"), pools.to_owned()),
            (format!("{pools}default = true\n"), "version = 1\n".to_owned()),
        ] {
            let (one, other) = (Server::start().await, Server::start().await);
            let alone = plan(&one, &text).await;
            let both = compared(&other, &text, &base).await;
            assert_eq!(other.requests(), one.requests(), "{text}");
            assert_eq!(format!("{:?}", both.header.scope), format!("{:?}", alone.header.scope));
            assert_eq!(both.changes.len(), alone.changes.len());
            assert!(both.comparison.is_some());
        }
    }

    #[tokio::test]
    async fn parts_that_the_base_needs_are_read_in_the_same_pass() {
        let server = Server::start().await;
        let pools = "version = 1\n[pools.sql]\nname = \"SQL\"\n";
        let base = format!("{pools}[[placements]]\nprocess = \"any\"\npool = \"sql\"\n");
        let plan = compared(&server, pools, &base).await;
        let comparison = plan.comparison.unwrap();
        assert_eq!((comparison.brought.total(), comparison.pending.total()), (0, 1));
        assert!(comparison.undone.len() > 1);
        assert_eq!(server.lists("workerpools"), 2);
        assert_eq!(server.lists("workers"), 1);
    }

    #[tokio::test]
    async fn a_base_that_does_not_fit_the_server_is_ignored_with_a_warning() {
        let server = Server::start().await;
        let pools = "version = 1\n[pools.sql]\nname = \"SQL\"\n";
        let base = format!("{pools}[[placements]]\nproject = \"Nowhere\"\npool = \"sql\"\n");
        let plan = compared(&server, pools, &base).await;
        assert_eq!(plan.comparison.as_ref().unwrap().brought.total(), 1);
        let warning = plan.findings.iter().find(|it| it.code == Code::UnusableBase).unwrap();
        assert!(warning.notes[0].contains("workers.toml:5: "), "{:?}", warning.notes);
    }

    #[tokio::test]
    async fn a_pools_only_plan_reads_only_pools() {
        let server = Server::start().await;
        let plan = plan(&server, "version = 1\n[pools.sql]\nname = \"SQL\"\n").await;
        assert_eq!(plan.changes.len(), 1);
        assert_eq!(plan.header.scope, ReadScope::default());
        assert_eq!(server.lists("workerpools"), 1);
        assert_eq!(server.lists("projects"), 0);
    }

    #[tokio::test]
    async fn a_plan_about_every_step_reads_missing_parts_in_one_extra_pass() {
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
