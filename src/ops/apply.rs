//! The checks around an apply: missing permissions, whether the plan still fits, and which changes are unfinished.

use super::{LoadedFiles, SettleRequest, accept_places};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    diff::{self, StaleExpectation},
    finding::{Finding, Level, Sources},
    live::Live,
    model::Address,
    plan::{Change, ChangeAction, ChangeKind, GateSettings, Plan},
    receipt::{ChangeOutcome, Receipt, ReceiptEntry},
    rollback::plan_rollback,
};
use poolwright_refresh::{find_space, lacking_permissions, refresh_live, refresh_missing};

use std::collections::BTreeMap;

/// The permission that a health check requires.
///
/// # Source
///
/// `api.md` 3.10.
const HEALTH_CHECK: &str = "TaskCreate";

/// A permission that the key's user lacks, and what depends on it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LackingPermission {
    /// The permission.
    pub(crate) permission: &'static str,
    /// How many changes need it; for a health check, how many steps.
    pub(crate) needed_by: usize,
}

/// Returns the permissions that the key's user lacks for the changes in a plan.
pub(crate) async fn lacking_apply_permissions(
    reader: &Reader,
    plan: &Plan,
) -> Vec<LackingPermission> {
    let mut needed: BTreeMap<&'static str, usize> = BTreeMap::new();
    for change in &plan.changes {
        *needed.entry(change.kind.required_permission()).or_default() += 1;
    }
    let lacking = lacking_permissions(reader, &plan.header.space.id, needed.keys().copied()).await;
    needed.retain(|permission, _| lacking.contains(permission));
    let lacking = needed.into_iter();
    lacking.map(|(permission, needed_by)| LackingPermission { permission, needed_by }).collect()
}

/// Returns the permission that the key's user lacks for health checks, if steps in the plan wait for one.
pub(crate) async fn lacking_check_permission(
    reader: &Reader,
    plan: &Plan,
) -> Option<LackingPermission> {
    if plan.requirements.is_empty() {
        return None;
    }
    let lacking = lacking_permissions(reader, &plan.header.space.id, [HEALTH_CHECK]).await;
    let permission = lacking.into_iter().next()?;
    let is_placement = |kind: &ChangeKind| matches!(kind, ChangeKind::PlaceStep { .. });
    let needed_by = plan.changes.iter().filter(|change| is_placement(&change.kind)).count();
    Some(LackingPermission { permission, needed_by })
}

/// Whether a plan may still be carried out.
#[derive(Debug)]
pub(crate) enum PlanCheck {
    /// It may.
    Fits {
        /// The plan, with all that can be derived from its changes and the server derived again.
        plan: Box<Plan>,
        /// The state of the server.
        live: Box<Live>,
    },
    /// It may not.
    Stale {
        /// What is not as the plan expects.
        changed: Vec<StaleExpectation>,
        /// The addresses of the changes that are in effect already.
        applied: Vec<Address>,
    },
    /// Nothing is left to do: all of its changes are in effect already.
    Applied,
}

/// Where a plan that is checked comes from.
#[derive(Debug)]
pub(crate) enum PlanProvenance {
    /// This process has made it.
    JustMade,
    /// It was saved, and what it was made from is not at hand.
    Saved,
    /// It was saved, and these are the files that it names.
    SavedWithFiles(Sources),
    /// It was saved as a rollback, and this file that it names is not a receipt.
    SavedWithoutReceipt(String),
    /// It was saved, and this is the receipt that it names.
    SavedWithReceipt(Box<Receipt>),
}

/// Checks a plan against the server, and against what it was made from, just before the first write.
///
/// # Errors
///
/// Fails if the server cannot be read.
pub(crate) async fn recheck_plan(
    reader: &Reader,
    plan: &Plan,
    url: &str,
    provenance: &PlanProvenance,
    settle: &SettleRequest,
) -> anyhow::Result<PlanCheck> {
    let header = &plan.header;
    let space = match provenance {
        PlanProvenance::JustMade => header.space.clone(),
        // A saved plan may name one space and mean another.
        _ => find_space(reader, Some(header.space.id.as_str())).await?,
    };
    let scope = header.scope.for_apply(plan.planned_writes());
    let mut live = refresh_live(reader, &space, &scope, url).await?;
    if let Some(missing) = scope.widened().missing_from(&scope)
        && diff::concerns_every_step(&live, plan)
    {
        live = refresh_missing(reader, live, &missing).await?;
    }
    let mut denied = Vec::new();
    let (requested, mut stale) = match provenance {
        PlanProvenance::JustMade | PlanProvenance::Saved => (None, Vec::new()),
        PlanProvenance::SavedWithFiles(sources) => {
            match check_files(plan, sources, &live, settle) {
                Ok(asked) => {
                    denied = asked.denied;
                    (Some(asked.changes), Vec::new())
                }
                Err(differing) => (None, vec![differing]),
            }
        }
        PlanProvenance::SavedWithoutReceipt(path) => {
            (None, vec![differing_source(path.clone(), "a receipt", "another file")])
        }
        PlanProvenance::SavedWithReceipt(receipt) => {
            let mut changes = plan_rollback(receipt, &live).0;
            diff::name_live_pools(&mut changes, &live);
            (Some(changes), Vec::new())
        }
    };
    match diff::recheck_plan(plan, &live, requested.as_deref(), settle.today) {
        Ok(mut plan) if stale.is_empty() => {
            add_denied(&mut plan, denied);
            let plan = settle.settle_plan(plan, &[], false);
            return Ok(PlanCheck::Fits { plan: Box::new(plan), live: Box::new(live) });
        }
        Ok(_) => {}
        Err(found) => stale.extend(found),
    }
    Ok(stale_check(plan, &live, stale))
}

/// Returns the check of a plan that may not be carried out: what of it is in effect already.
fn stale_check(plan: &Plan, live: &Live, changed: Vec<StaleExpectation>) -> PlanCheck {
    let applied = diff::find_applied(plan, live);
    let is_its_space = live.server.space == plan.header.space;
    if is_its_space && !applied.is_empty() && applied.len() == plan.changes.len() {
        return PlanCheck::Applied;
    }
    let applied = applied.into_iter().map(|change| change.address.clone()).collect();
    PlanCheck::Stale { changed, applied }
}

/// What the files of a plan ask for now.
struct RequestedPlan {
    /// The changes.
    changes: Vec<Change>,
    /// The warnings that are denied, if the plan has all of these changes.
    denied: Vec<Finding>,
}

/// Compares a plan with the files that it names. Returns what the files ask for.
///
/// # Errors
///
/// Returns what differs.
fn check_files(
    plan: &Plan,
    sources: &Sources,
    live: &Live,
    settle: &SettleRequest,
) -> Result<RequestedPlan, StaleExpectation> {
    let differing =
        |field: String, expected: &str, found: &str| Err(differing_source(field, expected, found));
    let names = || sources.0.iter().map(|source| source.path.as_str()).collect::<Vec<_>>();
    let files = match LoadedFiles::parse(sources.clone()) {
        Ok(files) if files.sources_digest() == plan.header.digest => files,
        _ => {
            let names = names().join(", ");
            return differing(names, "the text that it was made from", "another text");
        }
    };
    if !plan.gates.has_settings_of(&GateSettings::from_desired(&files.desired)) {
        let names = format!("the list of gates and pool names in {}", names().join(", "));
        return differing(names, "the one that it shows", "different");
    }
    let mut asked = diff::plan_changes(&files.desired, live, plan.header.clone());
    let is_planned = |change: &Change| plan.changes.iter().any(|it| it.address == change.address);
    let mut denied = Vec::new();
    if asked.changes.iter().all(is_planned) {
        asked.findings.extend(files.warnings.iter().cloned());
        let mut asked = asked.clone();
        asked.gates.denied.extend(plan.gates.denied.iter().copied());
        let asked = settle.settle_plan(asked, &accept_places(&files.desired), false);
        let raises = |finding: &Finding| asked.gates.raises_warnings(finding.code);
        denied.extend(
            asked.findings.iter().filter(|it| it.level == Level::Deny && raises(it)).cloned(),
        );
    }
    Ok(RequestedPlan { changes: asked.changes, denied })
}

/// Adds the denied warnings that a plan does not have, because somebody has edited it.
fn add_denied(plan: &mut Plan, denied: Vec<Finding>) {
    for finding in denied {
        let same = |it: &Finding| it.code == finding.code && it.message == finding.message;
        match plan.findings.iter_mut().find(|it| same(it)) {
            Some(saved) => saved.level = saved.level.max(finding.level),
            None => plan.findings.push(finding),
        }
    }
}

/// Returns the message about a file that differs from what its plan expects.
fn differing_source(field: String, expected: &str, found: &str) -> StaleExpectation {
    let (expected, found) = (expected.to_owned(), found.to_owned());
    StaleExpectation { address: None, field, expected, found }
}

/// Returns the changes in a receipt that were not made: failed ones first, then those that depended on them.
pub(crate) fn unfinished_entries(receipt: &Receipt) -> Vec<&ReceiptEntry> {
    let is_open = |entry: &&ReceiptEntry| entry.outcome != ChangeOutcome::Done;
    let mut open: Vec<&ReceiptEntry> = receipt.entries.iter().filter(is_open).collect();
    open.sort_by_key(|entry| entry.outcome == ChangeOutcome::Skipped);
    open
}

/// Whether nothing was written at all. A failed replacement may have deleted the old object.
pub(crate) fn is_untouched(receipt: &Receipt) -> bool {
    receipt.entries.iter().all(|entry| match entry.outcome {
        ChangeOutcome::Skipped => true,
        ChangeOutcome::Failed => entry.action != ChangeAction::Replace,
        ChangeOutcome::Done | ChangeOutcome::Unknown => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::{Server, plan, settle_request};
    use octopus_sandbox::READER_KEY;

    const POOLS: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n[pools.web]\nname = \"Web\"\n";

    #[tokio::test]
    async fn a_read_only_key_lacks_the_permissions_that_changes_need() {
        let server = Server::start().await;
        let plan = plan(&server, POOLS).await;
        assert_eq!(lacking_apply_permissions(&server.reader(), &plan).await, []);
        let reader = server.reader_with(READER_KEY);
        let lacking = LackingPermission { permission: "WorkerEdit", needed_by: 2 };
        assert_eq!(lacking_apply_permissions(&reader, &plan).await, [lacking]);
        // No step waits for a health check.
        assert_eq!(lacking_check_permission(&reader, &plan).await, None);
    }

    #[tokio::test]
    async fn a_plan_fits_the_server_that_it_was_made_for() {
        let server = Server::start().await;
        let plan = plan(&server, POOLS).await;
        let made = PlanProvenance::JustMade;
        let url = server.target().url;
        let check = recheck_plan(&server.reader(), &plan, url, &made, &settle_request()).await;
        assert!(matches!(check.unwrap(), PlanCheck::Fits { live, .. } if !live.pools.is_empty()));
    }
}
