//! Points in time as the API writes and reads them.

use crate::answer::{ErrorResponse, HandlerResult};
use jiff::Timestamp;

/// Now, as the API writes times.
pub(crate) fn current_time() -> String {
    format_time(jiff::Timestamp::now())
}

/// A point in time, as the API writes it.
pub(crate) fn format_time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

/// A point in time of a query, as documents write it.
pub(crate) fn parse_time(parameter: &str, text: &str) -> HandlerResult<String> {
    // A `+` of an offset reads as a space where it was not escaped; without an offset it is UTC.
    let spellings = [text.replace(' ', "+"), format!("{text}Z"), format!("{text}T00:00:00Z")];
    let time = spellings.iter().find_map(|spelling| spelling.parse::<Timestamp>().ok());
    let invalid_value =
        || ErrorResponse::bad_request(format!("The value '{text}' is not valid for {parameter}."));
    let time = time.ok_or_else(invalid_value)?;
    Ok(format_time(time))
}
