//! Tells errors about a single item from errors of the connection, which put everything else in doubt.

use super::{RefreshError, SpaceReading};
use poolwright_client::octopus::{self, UnreadDocument};
use poolwright_core::live::{HiddenData, UnreadPart};
use std::collections::HashMap;

/// Returns why each item is unread, by its id.
///
/// # Errors
///
/// The first failure of the connection, as opposed to an item: it puts everything else in doubt too.
pub(super) fn errors_by_id(
    reading: &SpaceReading<'_>,
    what: &str,
    unread: Vec<UnreadDocument>,
) -> Result<HashMap<String, octopus::ClientError>, RefreshError> {
    match unread.iter().find(|it| !is_item_error(&it.error)) {
        Some(UnreadDocument { error, .. }) => Err(reading.unread_error(what, error.clone())),
        None => Ok(unread.into_iter().map(|UnreadDocument { id, error }| (id, error)).collect()),
    }
}

/// Returns a list, or an empty one and an unread part if the server answers but does not list it.
pub(super) fn list_or_unread<T>(
    reading: &SpaceReading<'_>,
    what: &str,
    response: Result<Vec<T>, octopus::ClientError>,
    hides: HiddenData,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<Vec<T>, RefreshError> {
    match response {
        Ok(list) => Ok(list),
        Err(why) if is_item_error(&why) => {
            let what = reading.describe_in_space(what);
            unread_parts.push(UnreadPart::new(what, why.to_string(), hides));
            Ok(Vec::new())
        }
        Err(why) => Err(reading.unread_error(what, why)),
    }
}

/// Whether the server answered, but refused or garbled this one item.
pub(super) fn is_item_error(error: &octopus::ClientError) -> bool {
    match error {
        _ if error.is_gateway() => false,
        octopus::ClientError::Status { status, .. } => !matches!(status, 401 | 429),
        octopus::ClientError::Malformed { .. } | octopus::ClientError::TooLarge { .. } => true,
        // A server answers some unknown routes with a page.
        octopus::ClientError::NotJson { status, .. } => matches!(status, 400 | 403..=405 | 500),
        _ => false,
    }
}

/// Whether the server answered, but cannot read this one repository.
pub(super) fn is_repository_error(error: &octopus::ClientError) -> bool {
    let is_status = matches!(error, octopus::ClientError::Status { .. });
    is_status && error.is_gateway() || is_item_error(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use octopus::{ClientError, Refusal};

    #[test]
    fn a_gateway_error_is_not_an_item_error() {
        let status = |status| {
            let (request, refusal) = ("GET /api".to_owned(), Refusal::default());
            ClientError::Status { request, status, refusal, retry_after: None }
        };
        for gateway in [408, 502, 503, 504, 520, 524, 527, 530, 598] {
            assert!(!is_item_error(&status(gateway)), "{gateway}");
            assert!(is_repository_error(&status(gateway)), "{gateway}");
        }
        for item in [400, 403, 404, 500] {
            assert!(is_item_error(&status(item)) && is_repository_error(&status(item)), "{item}");
        }
        for connection in [401, 429] {
            assert!(!is_repository_error(&status(connection)), "{connection}");
        }
    }
}
