//! Files that are read, lowered to what they ask for.

use super::{
    language::FileTable,
    table::{OrReported, Reserved},
};
use crate::{
    desired::Desired,
    finding::{Code, Finding, SourceLine, Sources, Span},
};

use std::{collections::HashSet, mem};

/// What has been read so far.
pub(super) struct DesiredDraft {
    /// What the files ask for.
    pub(super) desired: Desired,
    /// Names of workers, to find two of one name: in lower case.
    pub(super) worker_names: HashSet<String>,
    sources: Sources,
    findings: Vec<Finding>,
}

/// What `files` ask for together, and what is wrong with it.
pub(super) fn lower_files(mut files: Vec<FileTable>, sources: &Sources) -> (Desired, Vec<Finding>) {
    let mut draft = DesiredDraft {
        desired: Desired::default(),
        worker_names: HashSet::new(),
        sources: sources.clone(),
        findings: Vec::new(),
    };
    // Pools of all files first: a worker of one may be a member of a pool of another.
    files.iter_mut().for_each(|file| draft.read_pools(mem::take(&mut file.pools)));
    files.iter_mut().for_each(|file| draft.read_workers(mem::take(&mut file.workers)));
    files.into_iter().for_each(|file| draft.read_file(file));
    draft.check_rules_settle();
    (draft.desired, draft.findings)
}

impl DesiredDraft {
    /// Adds what a file says beside its pools and workers.
    fn read_file(&mut self, file: FileTable) {
        let FileTable {
            version: OrReported(_),
            octopus,
            server,
            manage,
            gates,
            pools: _,
            workers: _,
            placements,
            pool_variables,
            target_pools,
            removed,
            version_control,
            include: Reserved,
            vars: Reserved,
            waves,
        } = file;
        self.read_octopus(octopus);
        self.read_server(server);
        self.read_manage(manage);
        self.read_gates(gates);
        self.read_version_control(version_control);
        self.read_placements(placements);
        self.read_pool_variables(pool_variables);
        self.read_target_rules(target_pools);
        self.read_waves(waves);
        self.read_removals(removed);
    }

    /// Reports something.
    pub(super) fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Reports several things.
    pub(super) fn report_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Reports an error, and what to do about it.
    pub(super) fn report_error(
        &mut self,
        code: Code,
        at: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Finding::error(code, at, message).with_help(help));
    }

    /// The line at which a place of a file starts.
    pub(super) fn source_line(&self, at: &Span) -> Option<SourceLine> {
        self.sources.start_line(at)
    }
}
