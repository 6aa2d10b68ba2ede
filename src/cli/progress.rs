//! The progress of an apply: a bar on a terminal, otherwise a line per change.

use super::{
    print::{errln, is_dumb_terminal},
    screen::Screen,
};
use poolwright_client::apply::ApplyEvent;
use poolwright_core::{
    model::Address,
    plan::{ChangeAction, Plan},
    text::{escape::Escaped, pluralize},
};

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;

/// Shows which changes of a plan have been made.
pub(super) struct Progress<'a> {
    plan: &'a Plan,
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl<'a> Progress<'a> {
    /// Starts showing progress on standard error.
    pub(super) fn new(plan: &'a Plan, screen: &Screen) -> Self {
        let quiet = screen.err.verbosity < 0;
        let draws = std::io::stderr().is_terminal() && !is_dumb_terminal();
        let bar = (draws && !quiet).then(|| {
            let bar = ProgressBar::new(plan.changes.len().try_into().unwrap_or_default());
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { plan, bar, quiet }
    }

    /// Shows an event.
    pub(super) fn show_event(&self, event: &ApplyEvent) {
        let address = |index: &usize| {
            let change = self.plan.changes.get(*index);
            change
                .map(|change| Escaped(&change.address.to_string()).to_string())
                .unwrap_or_default()
        };
        let line = match event {
            ApplyEvent::Started { index } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(address(index));
                }
                return;
            }
            ApplyEvent::Done { index, .. } => {
                let action = self.plan.changes.get(*index).map(|it| it.kind.action());
                format!("{} {}", done_word(action), address(index))
            }
            ApplyEvent::Writing { .. } => return,
            ApplyEvent::WorkersChecked { pool, workers, healthy, ready } => {
                return self.show_line(describe_check(pool, *workers, *healthy, *ready));
            }
            ApplyEvent::Failed { index, error, unknown, .. } => {
                let word = if *unknown { "unknown" } else { "failed" };
                format!("{word} {}: {}", address(index), Escaped(error))
            }
            // The summary reports all of these together.
            ApplyEvent::Skipped { is_halted: true, .. } => return,
            ApplyEvent::Skipped { index, because, .. } => {
                format!("skipped {}: {}", address(index), Escaped(because))
            }
        };
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                if !matches!(event, ApplyEvent::Done { .. }) {
                    bar.suspend(|| errln!("{line}"));
                }
            }
            None if self.quiet && matches!(event, ApplyEvent::Done { .. }) => {}
            None => errln!("{line}"),
        }
    }

    /// Shows the health of a pool's workers while steps wait for it.
    fn show_line(&self, line: String) {
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if self.quiet => {}
            None => errln!("{line}"),
        }
    }

    /// Removes the bar.
    pub(super) fn clear_bar(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Describes the health of the workers that steps wait for, in one line.
fn describe_check(pool: &Address, workers: usize, healthy: usize, ready: bool) -> String {
    let pool = pool.to_string();
    let pool = Escaped(&pool);
    let count = pluralize(workers, "worker");
    match (workers, healthy) {
        _ if ready => format!("ready {pool}: {healthy} of {count} healthy"),
        (0, _) => format!("waiting for {pool}: no enabled workers yet"),
        (_, 0) => format!("waiting for {pool}: {count}, none healthy yet"),
        (_, _) => format!("waiting for {pool}: {count}, {healthy} healthy so far"),
    }
}

fn done_word(action: Option<ChangeAction>) -> &'static str {
    match action {
        Some(ChangeAction::Create) => "created",
        Some(ChangeAction::Replace) => "replaced",
        Some(ChangeAction::Delete) => "deleted",
        Some(ChangeAction::Update) | None => "updated",
    }
}
