//! Reports what a rollback leaves, and what its changes do not restore.

use super::{RollbackPlanner, fit::EntryMisfit};
use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    model::{Address, VariableSetOwner},
    plan::{Change, ChangeKind, PlanOrigin, WrittenField},
    receipt::{ChangeOutcome, ReceiptEntry},
};

use serde_json::Value;
use std::collections::BTreeSet;

impl RollbackPlanner<'_> {
    /// Reports that an entry is not undone.
    pub(super) fn warn_not_undone(&mut self, entry: &ReceiptEntry, why: &str) {
        self.push_finding(Code::NotUndone, &entry.address.to_string(), why);
    }

    pub(super) fn push_finding(&mut self, code: Code, address: &str, why: &str) {
        let message = format!("`{address}` is left unchanged: {why}");
        let finding = Finding::new(code, Level::Warn, FindingLocation::Nowhere, message);
        self.findings.push(finding.with_help("undo it by hand"));
    }

    /// Reports an entry that does not fit the server.
    pub(super) fn push_misfit(&mut self, entry: &ReceiptEntry, misfit: EntryMisfit) {
        let address = entry.address.to_string();
        match misfit {
            EntryMisfit::Forged(why) => {
                let message = format!("the receipt does not fit the server: `{address}`: {why}");
                let finding = Finding::new(
                    Code::ReceiptMismatch,
                    Level::Error,
                    FindingLocation::Nowhere,
                    message,
                );
                self.findings.push(finding.with_help(
                    "use the receipt as `apply` wrote it, for the server that it was written for",
                ));
            }
            EntryMisfit::Mislabelled(why)
            | EntryMisfit::Renamed(why)
            | EntryMisfit::BadValue(why) => {
                self.push_finding(Code::ReceiptMismatch, &address, &why);
            }
        }
    }

    /// Reports what a rollback does not restore although each of its changes succeeds.
    pub(super) fn note_consequences(&mut self) {
        if !self.changes.is_empty() && self.receipt.origin == PlanOrigin::Files {
            let message = "the files still ask for what is undone: the next `apply` makes these changes again";
            let finding = Finding::unplaced_warning(Code::FilesStillAsk, message);
            self.findings.push(finding.with_help("change the files before the next `apply`"));
        }
        self.note_kept_branches();
        let sorts = |change: &Change| matches!(change.kind, ChangeKind::SortPools { .. });
        let is_sorted = self.changes.iter().any(sorts);
        for change in &self.changes {
            let lost = match &change.kind {
                ChangeKind::CreatePool(_) if is_sorted => "",
                ChangeKind::CreatePool(_) => " nor its place in the order of the pools",
                ChangeKind::CreateWorker(_) | ChangeKind::ReplaceWorker { .. } => {
                    " nor the result of its health check"
                }
                _ => continue,
            };
            let message =
                format!("`{}` is created anew: it does not get back its id{lost}", change.address);
            let finding = Finding::unplaced_warning(Code::NewIdentity, message);
            self.findings.push(finding.with_help("releases and snapshots keep the old id"));
        }
    }

    /// Reports the branches that the apply created, which stay.
    fn note_kept_branches(&mut self) {
        let branches: BTreeSet<(&str, &str)> = self
            .receipt
            .entries
            .iter()
            .filter(|entry| entry.base.is_some() && entry.outcome == ChangeOutcome::Done)
            .filter_map(|entry| match &entry.address {
                Address::Step { project, branch: Some(branch), .. }
                | Address::Variable {
                    owner: VariableSetOwner::Project { name: project, branch: Some(branch) },
                    ..
                } => Some((project.as_str(), branch.as_str())),
                _ => None,
            })
            .collect();
        for (project, branch) in branches {
            let message = format!("branch {branch:?} of project {project:?} is kept");
            let finding = Finding::unplaced_warning(Code::KeptBranch, message);
            self.findings.push(finding.with_help("delete the branch by hand if nothing needs it"));
        }
    }

    /// Reports a field that a rollback cannot restore.
    pub(super) fn warn_untracked(&mut self, entry: &ReceiptEntry, field: &WrittenField) {
        let before = field.before.as_ref().filter(|it| !it.is_null());
        let before = before.map_or_else(|| "empty".to_owned(), Value::to_string);
        let message =
            format!("`{}` of `{}` is not restored: it was {before}", field.field, entry.address);
        let finding = Finding::unplaced_warning(Code::NotUndone, message);
        self.findings.push(finding.with_help("undo it by hand"));
    }

    /// Reports that fields have been edited since the apply, so the entry is left unchanged.
    pub(super) fn warn_edited_since(&mut self, entry: &ReceiptEntry, fields: &[String]) {
        let message = format!(
            "`{}` is left unchanged because of later changes to {}",
            entry.address,
            fields.join(", ")
        );
        let finding =
            Finding::new(Code::EditedSince, Level::Warn, FindingLocation::Nowhere, message);
        self.findings.push(finding.with_help("compare it by hand with the values in the receipt"));
    }
}
