//! Makes the plan that undoes an apply.

use super::SettleRequest;
use poolwright_client::octopus::Reader;
use poolwright_core::{
    diff,
    model::Linked,
    plan::{OwnPlace, Plan, PlanHeader, PlanOrigin},
    receipt::Receipt,
    rollback::plan_rollback,
    scope::ReadScope,
};
use poolwright_refresh::refresh_live;

/// Makes the plan that undoes the changes in `receipt`. `file` is the path of the receipt, and `url` the server as
/// the user named it; `own` is what the program itself runs on.
///
/// # Errors
///
/// Fails if the server cannot be read.
pub(crate) async fn plan_receipt_rollback(
    reader: &Reader,
    receipt: &Receipt,
    file: String,
    url: &str,
    own: &OwnPlace,
    settle: &SettleRequest,
) -> anyhow::Result<Plan> {
    let space = Linked::new(&receipt.server.space_id, &receipt.server.space);
    let scope = ReadScope::for_rollback(&receipt.undone_changes());
    let live = refresh_live(reader, &space, &scope, url).await?;
    let (changes, findings) = plan_rollback(receipt, &live);
    let header = PlanHeader {
        url: url.to_owned(),
        server_version: live.server.version.clone(),
        space,
        files: vec![file],
        digest: receipt.config.clone(),
        scope,
        origin: PlanOrigin::Rollback,
        stamp: Default::default(),
    };
    let plan = diff::plan_from_changes(changes, findings, &live, header);
    Ok(settle.settle_plan(diff::guard_own_place(plan, own, &live), &[], false))
}
