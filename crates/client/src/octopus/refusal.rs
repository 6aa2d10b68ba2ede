//! The server's reason for a refusal: `ErrorMessage`, and every line of `Errors`.

use serde::Deserialize;
use std::fmt;

/// The longest text that is kept, in characters.
const LONGEST: usize = 1000;
/// The most details that are kept.
const DETAILS: usize = 20;

/// The server's reason for refusing a request, verbatim.
///
/// # Source
///
/// The error body of the REST API: `{"ErrorMessage": "…", "Errors": ["…"]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The summary; empty if the server gave none.
    pub message: String,
    /// The details.
    pub errors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RefusalBody {
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    errors: Option<Vec<Option<String>>>,
    /// The token exchange returns OAuth error fields.
    #[serde(default, rename = "error_description")]
    description: Option<String>,
}

/// How the server starts a sentence about a missing permission.
const MISSING: &str = "Missing permission";

impl Refusal {
    /// Reads the refusal in a body; `None` if the body is not an error of the API.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let RefusalBody { error_message, errors, description } =
            serde_json::from_slice(body).ok()?;
        let errors = errors.unwrap_or_default().into_iter().flatten();
        let has_text = |text: &String| !text.trim().is_empty();
        let keep_text = |text: String| shorten(text.trim(), LONGEST);
        let refusal = Self {
            message: error_message.or(description).map(keep_text).unwrap_or_default(),
            errors: errors.filter(has_text).take(DETAILS).map(keep_text).collect(),
        };
        (!refusal.is_empty()).then_some(refusal)
    }

    /// Whether it says nothing, as no error of the API does.
    pub(super) fn is_empty(&self) -> bool {
        self.message.is_empty() && self.errors.is_empty()
    }

    /// The permission that the key's user lacks, if the server named it.
    pub fn missing_permission(&self) -> Option<&str> {
        let rest = self
            .permission_sentence()?
            .trim_start_matches(MISSING)
            .trim_start_matches([':', 's', ' ']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        Some(&rest[..end]).filter(|name| !name.is_empty())
    }

    /// The sentence about a missing permission.
    fn permission_sentence(&self) -> Option<&str> {
        self.message_texts().find_map(|text| text.find(MISSING).map(|start| &text[start..]))
    }

    /// Whether any text contains `words`.
    pub(super) fn contains_text(&self, words: &str) -> bool {
        self.message_texts().any(|text| text.contains(words))
    }

    fn message_texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.message.as_str()).chain(self.errors.iter().map(String::as_str))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(missing) = self.permission_sentence() {
            // The rest of the message is the same for every permission.
            return f.write_str(missing);
        }
        let mut separator = "";
        for text in self.message_texts().filter(|text| !text.is_empty()) {
            write!(f, "{separator}{text}")?;
            separator = if text.ends_with(['.', '!', '?']) { " " } else { "; " };
        }
        Ok(())
    }
}

/// Returns the first characters of a text, marked if there are more.
pub(super) fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> Refusal {
        Refusal::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn every_line_of_a_refusal_is_shown() {
        let body = r#"{"ErrorMessage":"There was a problem with your request.","Errors":["No name.", "", null, "No pool", "No policy"]}"#;
        insta::assert_snapshot!(refusal(body), @"There was a problem with your request. No name. No pool; No policy");
        insta::assert_snapshot!(refusal(r#"{"ErrorMessage":null,"Errors":["No name."]}"#), @"No name.");
        insta::assert_snapshot!(refusal(r#"{"ErrorMessage":"Not found.","Errors":null}"#), @"Not found.");
    }

    #[test]
    fn a_missing_permission_is_extracted_from_a_refusal() {
        let body = r#"{"ErrorMessage":"You do not have permission to perform this action. Please contact your Octopus administrator. Missing permission: WorkerView"}"#;
        insta::assert_snapshot!(refusal(body), @"Missing permission: WorkerView");
        assert_eq!(refusal(body).missing_permission(), Some("WorkerView"));
        let body =
            r#"{"ErrorMessage":"", "Errors":["Missing permission: ProcessEdit, in project X"]}"#;
        assert_eq!(refusal(body).missing_permission(), Some("ProcessEdit"));
        assert_eq!(refusal(r#"{"ErrorMessage":"x"}"#).missing_permission(), None);
    }

    #[test]
    fn only_the_apis_own_error_is_a_refusal() {
        for body in [
            "<html>",
            "",
            "{}",
            "[]",
            "null",
            r#"{"message":"no Route matched with those values"}"#,
            r#"{"ErrorMessage":null,"Errors":[]}"#,
            r#"{"ErrorMessage":" "}"#,
            r#"{"ErrorMessage":7}"#,
            r#"{"Id":"Workers-1"}"#,
        ] {
            assert_eq!(Refusal::read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_long_refusal_is_truncated() {
        let body =
            serde_json::json!({ "ErrorMessage": "x".repeat(5000), "Errors": vec!["y"; 500] });
        let Refusal { message, errors } = refusal(&body.to_string());
        assert_eq!((message.chars().count(), errors.len()), (1001, 20));
    }
}
