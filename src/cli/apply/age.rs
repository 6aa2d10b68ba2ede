//! How old a saved plan is, and `--max-age`.
//!
//! The time in a plan is a text that anybody who may write the file may edit: the limit keeps people from mistakes.

use crate::cli::{output_file::path_argument, print::errln};
use poolwright_core::plan::{Plan, PlanOrigin};

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};
use std::{path::Path, time::Duration};

/// How far the clocks of two machines may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The longest age of the flag: ten years.
const LONGEST: f64 = 10.0 * 366.0 * 86_400.0;

/// Returns how long ago a plan was made, in words; `None` if its time is not known or is not in the past.
pub(super) fn describe_age(plan: &Plan) -> Option<String> {
    let age = plan_age(plan).ok()?;
    (age > -SKEW).then(|| describe_duration(age))
}

/// Checks that a plan was made at most `limit` ago.
///
/// # Errors
///
/// Returns what is wrong with its age.
pub(super) fn check_age(plan: &Plan, limit: Duration) -> Result<(), String> {
    let age = plan_age(plan)?;
    if age < -SKEW {
        return Err("the plan's time is in the future according to this clock".to_owned());
    }
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    if age > limit {
        let (age, limit) = (describe_duration(age), describe_duration(limit));
        return Err(format!("the plan was made {age} ago, and `--max-age` is {limit}"));
    }
    Ok(())
}

/// Prints why a plan is refused, and what to do.
pub(super) fn print_refusal(why: &str, plan: &Plan, path: &Path) {
    errln!("error: {why}");
    let path = path_argument(path);
    match plan.header.origin {
        PlanOrigin::Files => errln!("help: make a new plan: `poolwright plan -o {path}`"),
        PlanOrigin::Rollback => {
            errln!("help: make a new plan: `poolwright rollback RECEIPT -o {path}`");
        }
    }
    errln!("refused: nothing was written");
}

fn plan_age(plan: &Plan) -> Result<SignedDuration, String> {
    let made = plan.header.stamp.at.as_deref().ok_or("the plan does not say when it was made")?;
    let made: Timestamp = made
        .parse()
        .map_err(|_| format!("the plan does not say when it was made: `{made}` is not a time"))?;
    Ok(Timestamp::now().duration_since(made))
}

/// Describes a duration in its largest unit.
fn describe_duration(duration: SignedDuration) -> String {
    let minutes = duration.as_mins();
    let (count, unit) = match minutes {
        ..=0 => return "less than a minute".to_owned(),
        1..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        2880.. => (minutes / 1440, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// Parses an age as a user writes it: `24h`, `7d`. A day has 24 hours.
pub(in crate::cli) fn parse_age(text: &str) -> Result<Duration, String> {
    let wrong = || "expected an age such as `90m`, `24h` or `7d`".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours()));
    let seconds = seconds.ok().filter(|seconds| (1.0..=LONGEST).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_units_and_a_day_has_24_hours() {
        let hours = |text| parse_age(text).map(|age| age.as_secs() / 3600);
        let table = [("24h", 24), ("90m", 1), ("7d", 168), ("2 weeks", 336), ("1d 12h", 36)];
        for (text, expected) in table {
            assert_eq!(hours(text), Ok(expected), "{text}");
        }
        for text in ["", "24", "-1h", "0s", "1 month", "99999y", "soon"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_is_described_in_its_largest_unit() {
        let told = [30, 60, 7_000, 7_200, 172_799, 172_800, 900_000];
        let told = told.map(|seconds| describe_duration(SignedDuration::from_secs(seconds)));
        insta::assert_snapshot!(told.join(", "), @"less than a minute, 1 minute, 116 minutes, 2 hours, 47 hours, 2 days, 10 days");
    }
}
