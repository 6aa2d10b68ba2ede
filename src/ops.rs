//! The use cases: functions from a reader and the text of files to data.
//!
//! They combine what the crates below do one by one, and are called by `cli`, which parses, prints and handles files.
//! They never touch the environment, the clock or a file, and never print.

mod apply;
mod checkout;
#[cfg(feature = "sandbox")]
mod copy;
mod drift;
mod error;
mod explain;
mod files;
mod graph;
mod keep;
mod plan;
mod pull;
mod rollback;
mod user;

pub(crate) use apply::{
    LackingPermission, PlanCheck, PlanProvenance, is_untouched, lacking_apply_permissions,
    lacking_check_permission, recheck_plan, unfinished_entries,
};
pub(crate) use checkout::{
    CheckoutChange, CheckoutEdits, CheckoutPlan, CheckoutRequest, EditedFile, OclFile,
    TextEncoding, decode_bytes, plan_checkout,
};
#[cfg(feature = "sandbox")]
pub(crate) use copy::{ServerCopy, copy_server};
pub(crate) use drift::{DriftRequest, OwnReceipt, explain_drift};
pub(crate) use error::{ErrorWithHelp, error_with_help};
pub(crate) use explain::{ExplainQuestion, ExplainRequest, explain};
pub(crate) use files::LoadedFiles;
pub(crate) use graph::{GraphRequest, draw_plan, draw_server};
pub(crate) use keep::{KeepOutcome, keep_file};
pub(crate) use plan::{BaseFiles, PlanRequest, plan_files};
pub(crate) use pull::{PulledConfig, pull_config};
pub(crate) use rollback::plan_receipt_rollback;
pub(crate) use user::user_name;

use poolwright_core::{
    desired::{AcceptDate, Desired},
    finding::{Finding, FindingLocation},
    model::{Linked, Space},
    plan::{
        DeniedWarnings, GateSettings, OwnPlace, Plan, PlanHeader, PlanOrigin, SettleContext,
        SettledFindings,
    },
    scope::ReadScope,
};

use std::collections::BTreeSet;

/// The server and the space that a command is about, as the user named them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// The server's URL.
    pub(crate) url: &'a str,
    /// The space's name, slug or id; the default space if `None`.
    pub(crate) space: Option<&'a str>,
}

/// What findings are settled with, besides the files.
#[derive(Clone, Debug)]
pub(crate) struct SettleRequest {
    /// The day on which it is done, in UTC.
    pub(crate) today: AcceptDate,
    /// The warnings that the command line denies.
    pub(crate) denied: BTreeSet<DeniedWarnings>,
}

/// What guards a plan besides the files.
#[derive(Clone, Debug)]
pub(crate) struct PlanGuards {
    /// What the program itself runs on.
    pub(crate) own: OwnPlace,
    /// What the findings are settled with.
    pub(crate) settle: SettleRequest,
}

impl SettleRequest {
    /// Settles findings about files alone, without a plan.
    pub(crate) fn settle_files(
        &self,
        desired: &Desired,
        findings: Vec<Finding>,
    ) -> SettledFindings {
        let settings =
            GateSettings { denied: self.denied.clone(), ..GateSettings::from_desired(desired) };
        let places = accept_places(desired);
        let context =
            SettleContext { today: self.today, space: None, places: &places, is_whole: false };
        settings.settle(findings, &context)
    }

    /// Settles the findings of a plan: those of files if there are any, whole unless they were narrowed.
    pub(crate) fn settle_plan(
        &self,
        mut plan: Plan,
        places: &[FindingLocation],
        is_whole: bool,
    ) -> Plan {
        plan.gates.denied.extend(self.denied.iter().copied());
        let space = plan.header.space.clone();
        let context = SettleContext { today: self.today, space: Some(&space), places, is_whole };
        plan.settle_findings(&context)
    }
}

/// Returns where the files accept findings.
fn accept_places(desired: &Desired) -> Vec<FindingLocation> {
    let accepts = desired.policy.accepts.iter();
    accepts.map(|rule| FindingLocation::Source(rule.span.clone())).collect()
}

/// Returns the header of a plan that is only inspected, neither saved nor applied.
fn unsaved_header(space: Linked<Space>) -> PlanHeader {
    PlanHeader {
        url: String::new(),
        server_version: String::new(),
        space,
        files: Vec::new(),
        digest: String::new(),
        scope: ReadScope::default(),
        origin: PlanOrigin::Files,
        stamp: Default::default(),
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tampering;
