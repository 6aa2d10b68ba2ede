//! What findings are settled with, besides the files: the warnings that the command line denies, and the day.

use super::own_place;
use crate::ops::{PlanGuards, SettleRequest};
use poolwright_core::{desired::AcceptDate, plan::DeniedWarnings};

use jiff::{Timestamp, tz::Offset};

/// Flags for findings.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Refuse warnings with this code, or all of them: `-D warnings`. May be repeated.
    #[arg(short = 'D', long = "deny", value_name = "CODE")]
    denied: Vec<DeniedWarnings>,
}

impl Args {
    /// Returns what guards a plan besides the files, on what the command runs.
    pub(super) fn guards(&self, own: &own_place::Args) -> PlanGuards {
        PlanGuards { own: own.own_place(), settle: self.request() }
    }

    /// Returns what findings are settled with.
    pub(super) fn request(&self) -> SettleRequest {
        SettleRequest { today: current_day(), denied: self.denied.iter().copied().collect() }
    }
}

/// Returns the day, in UTC, so that a run has the same result everywhere.
fn current_day() -> AcceptDate {
    let date = Offset::UTC.to_datetime(Timestamp::now()).date();
    // No part of a calendar date is out of bounds.
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    AcceptDate::new(
        u16::try_from(date.year()).unwrap_or_default(),
        part(date.month()),
        part(date.day()),
    )
}
