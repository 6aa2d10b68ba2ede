//! Points in time as the API writes and reads them.

use crate::answer::{ErrorResponse, HandlerResult};
use jiff::Timestamp;

/// The current time, as the API writes it.
pub(crate) fn current_time() -> String {
    format_time(jiff::Timestamp::now())
}

/// A point in time, as the API writes it.
pub(crate) fn format_time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

/// Parses a point in time of a query into the form that documents have.
pub(crate) fn parse_time(parameter: &str, text: &str) -> HandlerResult<String> {
    // An unescaped `+` of an offset reads as a space; without an offset the time is UTC.
    let spellings = [text.replace(' ', "+"), format!("{text}Z"), format!("{text}T00:00:00Z")];
    let time = spellings.iter().find_map(|spelling| spelling.parse::<Timestamp>().ok());
    let invalid_value =
        || ErrorResponse::bad_request(format!("The value '{text}' is not valid for {parameter}."));
    let time = time.ok_or_else(invalid_value)?;
    Ok(format_time(time))
}
