//! Files that are checked, lowered to what they ask for.

use super::checked_table::CheckedTable;
use crate::{
    desired::Desired,
    finding::{Finding, SourceLine, Sources, Span},
};

use std::collections::HashSet;

/// What has been read so far.
pub(super) struct DesiredDraft {
    /// What the files ask for.
    pub(super) desired: Desired,
    /// Names of workers, to tell two of one name: in lower case.
    pub(super) worker_names: HashSet<String>,
    sources: Sources,
    findings: Vec<Finding>,
}

/// What `files` ask for together, and what is wrong with it.
pub(super) fn lower_files(files: &[CheckedTable], sources: &Sources) -> (Desired, Vec<Finding>) {
    let mut draft = DesiredDraft {
        desired: Desired::default(),
        worker_names: HashSet::new(),
        sources: sources.clone(),
        findings: Vec::new(),
    };
    // Pools of all files first: a worker of one may be a member of a pool of another.
    files.iter().for_each(|file| draft.read_pools(file));
    files.iter().for_each(|file| draft.read_workers(file));
    files.iter().for_each(|file| draft.read_settings(file));
    files.iter().for_each(|file| draft.read_version_control(file));
    files.iter().for_each(|file| draft.read_placements(file));
    files.iter().for_each(|file| draft.read_pool_variables(file));
    files.iter().for_each(|file| draft.read_target_rules(file));
    files.iter().for_each(|file| draft.read_waves(file));
    files.iter().for_each(|file| draft.read_removals(file));
    files.iter().for_each(|file| draft.lint_sort_orders(file));
    draft.check_rules_settle();
    (draft.desired, draft.findings)
}

impl DesiredDraft {
    /// Tells something.
    pub(super) fn report(&mut self, finding: Finding) {
        // Workers of one range have their mistakes in common.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Tells what there is to tell.
    pub(super) fn report_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|it| self.report(it));
    }

    /// The line at which a place of a file starts.
    pub(super) fn source_line(&self, at: &Span) -> Option<SourceLine> {
        self.sources.start_line(at)
    }
}
