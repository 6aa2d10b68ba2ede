//! Lowers the files that were read to the desired state.

use super::{
    language::FileTable,
    table::{OrReported, Reserved},
};
use crate::{
    desired::Desired,
    finding::{Code, Finding, SourceLine, Sources, Span},
};

use std::{
    collections::{HashMap, HashSet},
    mem,
};

/// The first worker with an endpoint.
#[derive(Clone, Debug)]
pub(super) struct EndpointOwner {
    pub(super) worker: String,
    pub(super) span: Span,
}

/// The desired state under construction.
pub(super) struct DesiredDraft {
    /// The desired state so far.
    pub(super) desired: Desired,
    /// The names of workers in lower case and their places, to find duplicates.
    pub(super) worker_names: HashMap<String, Span>,
    /// The first worker with each endpoint, to find duplicates.
    pub(super) endpoints: HashMap<String, EndpointOwner>,
    /// Endpoints that several workers of one range have.
    pub(super) repeated_endpoints: HashSet<String>,
    sources: Sources,
    findings: Vec<Finding>,
}

/// Returns the desired state that `files` declare together, and the findings about it.
pub(super) fn lower_files(mut files: Vec<FileTable>, sources: &Sources) -> (Desired, Vec<Finding>) {
    let mut draft = DesiredDraft {
        desired: Desired::default(),
        worker_names: HashMap::new(),
        endpoints: HashMap::new(),
        repeated_endpoints: HashSet::new(),
        sources: sources.clone(),
        findings: Vec::new(),
    };
    // Pools of all files come first: a worker in one file may be a member of a pool in another.
    files.iter_mut().for_each(|file| draft.read_pools(mem::take(&mut file.pools)));
    files.iter_mut().for_each(|file| draft.read_workers(mem::take(&mut file.workers)));
    files.into_iter().for_each(|file| draft.read_file(file));
    draft.check_rules_settle();
    (draft.desired, draft.findings)
}

impl DesiredDraft {
    /// Adds everything in a file except its pools and workers.
    fn read_file(&mut self, file: FileTable) {
        let FileTable {
            version: OrReported(_),
            octopus,
            server,
            manage,
            gates,
            accept,
            pools: _,
            workers: _,
            placements,
            pool_variables,
            target_pools,
            removed,
            version_control,
            ocl,
            include: Reserved,
            vars: Reserved,
            waves,
        } = file;
        self.read_octopus(octopus);
        self.read_server(server);
        self.read_manage(manage);
        self.read_gates(gates);
        self.read_accepts(accept);
        self.read_version_control(version_control);
        self.read_ocl(ocl);
        self.read_placements(placements);
        self.read_pool_variables(pool_variables);
        self.read_target_rules(target_pools);
        self.read_waves(waves);
        self.read_removals(removed);
    }

    /// Reports a finding.
    pub(super) fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Reports several findings.
    pub(super) fn report_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Reports an error with its help.
    pub(super) fn report_error(
        &mut self,
        code: Code,
        at: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Finding::error(code, at, message).with_help(help));
    }

    /// Returns the line on which a span starts.
    pub(super) fn source_line(&self, at: &Span) -> Option<SourceLine> {
        self.sources.start_line(at)
    }
}
