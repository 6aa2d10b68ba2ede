//! What a rollback leaves as it is, reported at its end.

use super::{exit, print::errln};
use poolwright_core::{
    finding::{Code, Finding},
    plan::{Plan, PlanOrigin},
    rollback::is_incomplete,
};

/// What to report once the plan of a rollback has been applied or saved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RollbackOutcome {
    incomplete: bool,
    files_still_ask: bool,
}

impl RollbackOutcome {
    /// Returns what a plan leaves as it is; nothing for a plan that undoes nothing.
    pub(super) fn from_plan(plan: &Plan) -> Self {
        if plan.header.origin != PlanOrigin::Rollback {
            return Self::default();
        }
        let is_about = |finding: &Finding| finding.code == Code::FilesStillAsk;
        Self {
            incomplete: is_incomplete(&plan.findings),
            files_still_ask: plan.findings.iter().any(is_about),
        }
    }

    /// Prints it, and returns the exit code of a command that would otherwise end with `code`.
    pub(super) fn report(self, code: u8) -> u8 {
        if self.files_still_ask && [exit::DONE, exit::PARTIAL].contains(&code) {
            errln!(
                "note: the files still ask for what is undone; change them before the next \
                 `poolwright apply`, which would make these changes again"
            );
        }
        if self.incomplete && code == exit::DONE {
            errln!("error: the rollback is not complete: the warnings say what is left unchanged");
            return exit::PARTIAL;
        }
        code
    }
}
