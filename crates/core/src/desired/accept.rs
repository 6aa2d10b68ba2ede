//! `[[accept]]`: findings that the file accepts, each for a reason and until a day.

use crate::{finding::Code, text::pattern::Patterns};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use toml::value::{Date, Datetime};

/// Findings that the file accepts: those of one code about objects that every selector matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptRule {
    /// The code of the findings.
    pub gate: Code,
    /// Names of projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Patterns>,
    /// Names of steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Patterns>,
    /// Names or keys of pools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Patterns>,
    /// Names of workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Patterns>,
    /// Names or ids of spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<Patterns>,
    /// Names of branches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Patterns>,
    /// Why they are accepted.
    pub reason: String,
    /// The last day on which they are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<AcceptDate>,
}

/// A day of the calendar, as ISO 8601 writes it: `2026-12-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptDate(Date);

impl AcceptDate {
    /// Creates a day from its year, its month and its day of the month, both counted from 1.
    pub fn new(year: u16, month: u8, day: u8) -> Self {
        Self(Date { year, month, day })
    }
}

impl From<Date> for AcceptDate {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl std::fmt::Display for AcceptDate {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for AcceptDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AcceptDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.parse::<Datetime>().ok();
        let date = parsed.filter(|it| it.time.is_none() && it.offset.is_none());
        let date = date.and_then(|it| it.date);
        date.map(Self).ok_or_else(|| D::Error::custom("a day is written as 2026-12-31"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_compare_chronologically_and_are_written_as_iso_8601() {
        let day = AcceptDate::new;
        assert!(day(2026, 12, 31) < day(2027, 1, 1) && day(2026, 9, 30) < day(2026, 10, 1));
        assert_eq!(serde_json::to_string(&day(2026, 3, 1)).unwrap(), "\"2026-03-01\"");
        let read = |text: &str| serde_json::from_str::<AcceptDate>(text);
        assert_eq!(read("\"2026-03-01\"").unwrap(), day(2026, 3, 1));
        for text in ["\"2026-02-30\"", "\"2026-03-01T10:00:00\"", "\"10:00:00\"", "\"soon\"", "1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
