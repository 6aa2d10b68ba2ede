//! What an apply reports once it has ended, or cannot begin.

use crate::{
    cli::{
        exit,
        print::{Stream, errln, has_secret},
        screen::Screen,
    },
    ops::{is_untouched, unfinished_entries},
};
use poolwright_core::{
    diff::StaleExpectation,
    model::Address,
    plan::{Plan, PlanOrigin},
    receipt::{ApplyStatus, Receipt},
    text::{
        escape::{Escaped, Syntax},
        secret::redact_keys,
    },
};

use std::path::Path;

/// How many lines of a list are shown without `-v`.
const FEW: usize = 10;

pub(super) fn print_stale(
    changed: &[StaleExpectation],
    applied: &[Address],
    saved: Option<(&Path, &Plan)>,
    screen: &Screen,
) {
    errln!("error: the plan no longer matches the server or its files; nothing was written");
    let lines = changed.iter().map(|StaleExpectation { address, field, expected, found }| {
        let address = address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        format!("{address}{field} is {found}, but the plan expects {expected}")
    });
    print_some(lines, screen);
    if !applied.is_empty() {
        errln!("note: {} already made:", are_changes(applied.len()));
        print_some(applied.iter().map(ToString::to_string), screen);
    }
    match saved {
        Some((path, plan)) => {
            let receipt =
                plan.header.files.first().filter(|_| plan.header.origin == PlanOrigin::Rollback);
            let command = receipt.map_or("plan".to_owned(), |path| format!("rollback {path}"));
            let command = Escaped(&command);
            errln!("help: make a new plan: `poolwright {command} -o {}`", path.display());
        }
        None => errln!("help: run `poolwright apply` again to plan against the current state"),
    }
}

fn are_changes(count: usize) -> String {
    if count == 1 { "1 change is".to_owned() } else { format!("{count} changes are") }
}

/// Prints the first lines of a list, or all of them with `-v`.
pub(super) fn print_some(lines: impl ExactSizeIterator<Item = String>, screen: &Screen) {
    let (all, few) = (lines.len(), if screen.err.verbosity > 0 { usize::MAX } else { FEW });
    for line in lines.take(few) {
        errln!("  {}", Escaped(&redact_keys(&line)));
    }
    if all > few {
        errln!("  and {} more; -v shows all", all - few);
    }
}

/// Reports the changes that were not made. Returns the exit code.
pub(super) fn report_receipt(receipt: &Receipt, screen: &Screen) -> u8 {
    if receipt.status == ApplyStatus::Done {
        return exit::DONE;
    }
    print_unfinished(receipt, screen);
    if is_untouched(receipt) {
        errln!("help: nothing was written: correct this and run `poolwright apply` again");
        return exit::ERROR;
    }
    errln!("help: run `poolwright apply` again to continue");
    exit::PARTIAL
}

/// Reports that the receipt could not be written, and prints it instead. Returns the exit code.
pub(super) fn report_lost_receipt(receipt: &Receipt, why: &str, screen: &Screen) -> u8 {
    errln!("error: the receipt cannot be written, so nothing more was begun: {}", Escaped(why));
    if receipt.status != ApplyStatus::Done {
        print_unfinished(receipt, screen);
    }
    errln!("help: save this receipt, which `poolwright rollback` takes:");
    let json = receipt.to_json_text();
    Stream::Err.print(&json, Syntax::Json);
    if has_secret(&json) {
        errln!(
            "warning: keys are withheld from the receipt, so `poolwright rollback` leaves values with keys unchanged"
        );
    }
    exit::PARTIAL
}

/// Prints the changes that were not made.
pub(super) fn print_unfinished(receipt: &Receipt, screen: &Screen) {
    let open = unfinished_entries(receipt);
    errln!("error: {} of {} changes were not made", open.len(), receipt.entries.len());
    let lines = open.iter().map(|entry| {
        let outcome = entry.outcome.as_str();
        let why = entry.error.as_deref().unwrap_or_default();
        format!("{}: {outcome}: {why}", entry.address)
    });
    print_some(lines, screen);
}
