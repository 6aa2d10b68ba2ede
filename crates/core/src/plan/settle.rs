//! What becomes of findings: the level that the files and the command line give them, and what the files accept.
//!
//! The one place that decides it. Whoever finds something reports it at the level that it has by itself.

use super::{
    GateLevel, GateSettings,
    accepted::{AcceptedFinding, Acceptor, SettleContext},
};
use crate::finding::{Code, Finding, Level};

/// Findings, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettledFindings {
    /// Those that are shown as findings.
    pub findings: Vec<Finding>,
    /// Those that the files accept.
    pub accepted: Vec<AcceptedFinding>,
}

impl GateSettings {
    /// Settles findings that were reported at the levels that they have by themselves.
    ///
    /// Settling what is settled already changes nothing.
    pub fn settle(&self, findings: Vec<Finding>, context: &SettleContext) -> SettledFindings {
        let mut acceptor = Acceptor::new(self, context);
        let mut settled = SettledFindings::default();
        for finding in self.apply_levels(findings) {
            let rest = if is_settable(&finding) {
                acceptor.accept_objects(finding, &mut settled.accepted)
            } else {
                Some(finding)
            };
            settled.findings.extend(rest);
        }
        for warning in self.apply_levels(acceptor.idle_warnings()) {
            let same = |it: &Finding| it.code == warning.code && it.message == warning.message;
            if !settled.findings.iter().any(same) {
                settled.findings.push(warning);
            }
        }
        settled.findings.iter_mut().for_each(|finding| self.deny_warning(finding));
        settled
    }

    /// Gives findings the levels that the files set, and leaves out those that they allow.
    pub fn apply_levels(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let level = |finding: Finding| {
            let level = match self.levels.get(&finding.code) {
                Some(level) if is_settable(&finding) => *level,
                _ => return Some(finding),
            };
            match level {
                GateLevel::Allow => None,
                GateLevel::Warn => Some(Finding { level: Level::Warn, ..finding }),
                // What a gate only warns of may be harmless.
                GateLevel::Deny if finding.code.is_gate() => Some(finding),
                GateLevel::Deny => Some(Finding { level: Level::Deny, ..finding }),
            }
        };
        findings.into_iter().filter_map(level).collect()
    }

    /// Makes a warning that the command line denies a refusal.
    fn deny_warning(&self, finding: &mut Finding) {
        if finding.level == Level::Warn && self.denied.iter().any(|it| it.contains(finding.code)) {
            finding.level = Level::Deny;
        }
    }
}

/// Whether settings decide about a finding: an error, and what a server would refuse, stay as they are.
fn is_settable(finding: &Finding) -> bool {
    match finding.level {
        Level::Error => false,
        Level::Deny => !finding.is_fixed && finding.code.may_be_lowered(),
        Level::Warn => finding.code != Code::UnknownCode,
    }
}
