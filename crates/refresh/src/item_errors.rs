//! Errors about one thing: told apart from those of the connection, after which all else is in doubt.

use super::{RefreshError, SpaceReading};
use poolwright_client::octopus::{self, UnreadDocument};
use poolwright_core::live::{HiddenData, UnreadPart};
use std::collections::HashMap;

/// Why each thing is unread, by its id.
///
/// # Errors
///
/// The first failure that is of the connection and not of the thing: then all else is in doubt too.
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

/// The list, or none and a gap where the key may not see it or the server does not have it.
pub(super) fn list_or_unread<T>(
    reading: &SpaceReading<'_>,
    what: &str,
    answer: Result<Vec<T>, octopus::ClientError>,
    hides: HiddenData,
    gaps: &mut Vec<UnreadPart>,
) -> Result<Vec<T>, RefreshError> {
    match answer {
        Ok(list) => Ok(list),
        Err(why) if why.is_forbidden() || why.is_not_found() => {
            let what = reading.describe_in_space(what);
            gaps.push(UnreadPart::new(what, why.to_string(), hides));
            Ok(Vec::new())
        }
        Err(why) => Err(reading.unread_error(what, why)),
    }
}

/// Whether the server answers, and refuses or garbles this one thing.
pub(super) fn is_item_error(error: &octopus::ClientError) -> bool {
    match error {
        octopus::ClientError::Status { status, .. } => !matches!(status, 401 | 429 | 502..=504),
        octopus::ClientError::Malformed { .. } | octopus::ClientError::TooLarge { .. } => true,
        _ => false,
    }
}

/// Whether the server answers, and cannot read this one repository.
pub(super) fn is_repository_error(error: &octopus::ClientError) -> bool {
    let gateway = matches!(error, octopus::ClientError::Status { status: 502..=504, .. });
    gateway || is_item_error(error)
}
