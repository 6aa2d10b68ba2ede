//! The age of a server: tells a resource that is missing from one that a server is too old to have.

use super::RefreshError;
use poolwright_client::octopus::Reader;
use poolwright_core::live::UnreadPart;

/// The oldest version that is supported, and its first two numbers.
///
/// # Source
///
/// `api.md` 5: spaces came with 2019.1, runbooks with 2019.11, and worker pool variables with 2020.1.
const OLDEST: (&str, (u32, u32)) = ("2020.1", (2020, 1));

/// Returns the version of a server that is older than any that is supported, with the oldest of these.
pub(super) async fn find_old_version(reader: &Reader) -> Option<(String, &'static str)> {
    let version = reader.read_server_root().await.ok()?.version;
    is_too_old(&version).then_some((version, OLDEST.0))
}

/// Whether a server is older than any that is supported.
fn is_too_old(version: &str) -> bool {
    parse_version(version).is_some_and(|version| version < OLDEST.1)
}

/// Adds to the reasons for unread parts that the server is too old, if it is.
pub(super) fn note_age(unread_parts: &mut [UnreadPart], version: &str) {
    if !is_too_old(version) {
        return;
    }
    let age = format!("; the server's version {version} is older than {}", OLDEST.0);
    let refused = unread_parts.iter_mut().filter(|part| !part.why.contains("Missing permission"));
    refused.for_each(|part| part.why.push_str(&age));
}

/// Replaces an error about a resource that is missing because the server is too old.
pub(super) async fn explain_age(reader: &Reader, error: RefreshError) -> RefreshError {
    let RefreshError::Unread { what, why } = error else { return error };
    if !why.is_unknown_to_server() {
        return RefreshError::Unread { what, why };
    }
    match find_old_version(reader).await {
        Some((version, oldest)) => RefreshError::OldServer { what, version, oldest },
        None => RefreshError::Unread { what, why },
    }
}

/// Returns the first two numbers of a version; `None` for a development build, such as `0.0.0-local`.
fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let (year, release) = (numbers.next()??, numbers.next()??);
    (year > 0).then_some((year, release))
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::live::HiddenData;

    #[test]
    fn versions_are_compared_by_number_and_a_development_build_is_not_old() {
        for (version, numbers) in [
            ("2019.13.7", Some((2019, 13))),
            ("2020.1.0-rc.2", Some((2020, 1))),
            ("0.0.0-local", None),
            ("", None),
        ] {
            assert_eq!(parse_version(version), numbers, "{version}");
        }
        assert!(parse_version("2020.10.1") > parse_version("2020.9.1"));
    }

    #[test]
    fn an_unread_part_mentions_an_outdated_server_version() {
        let part = || UnreadPart::new("the runbooks", "404: Not Found", HiddenData::Steps);
        let mut parts = [part()];
        note_age(&mut parts, "2026.2.1");
        assert_eq!(parts, [part()]);
        note_age(&mut parts, "2019.5.7");
        let why = "404: Not Found; the server's version 2019.5.7 is older than 2020.1";
        assert_eq!(parts[0].why, why);
    }
}
