//! Files that are checked, lowered to what they ask for.

use super::part::CheckedTable;
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
pub(super) fn lower(files: &[CheckedTable], sources: &Sources) -> (Desired, Vec<Finding>) {
    let mut draft = DesiredDraft {
        desired: Desired::default(),
        worker_names: HashSet::new(),
        sources: sources.clone(),
        findings: Vec::new(),
    };
    // Pools of all files first: a worker of one may be a member of a pool of another.
    files.iter().for_each(|file| draft.pools(file));
    files.iter().for_each(|file| draft.workers(file));
    files.iter().for_each(|file| draft.policy(file));
    files.iter().for_each(|file| draft.version_control(file));
    files.iter().for_each(|file| draft.rules(file));
    files.iter().for_each(|file| draft.values(file));
    files.iter().for_each(|file| draft.target_rules(file));
    files.iter().for_each(|file| draft.waves(file));
    files.iter().for_each(|file| draft.removed(file));
    files.iter().for_each(|file| draft.same_positions(file));
    draft.unsettled();
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
    pub(super) fn line(&self, at: &Span) -> Option<SourceLine> {
        self.sources.line(at)
    }
}
