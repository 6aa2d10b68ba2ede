//! What a handler returns: documents, lists, and refusals in Octopus's own words.
//!
//! Clients depend on the bodies: a 404 must have no `Errors`, a 400 must have them, and every error has a JSON body.

use crate::list::DocumentList;
use axum::http::StatusCode;
use rusqlite::Connection;
use serde_json::{Value, json};

/// What a handler returns.
pub(crate) type HandlerResult<T = SandboxResponse> = std::result::Result<T, ErrorResponse>;

/// A status and a text.
#[derive(Debug)]
pub(crate) struct SandboxResponse {
    pub(crate) status: StatusCode,
    pub(crate) body: ResponseBody,
    /// The `Content-Type` of the text.
    pub(crate) content: &'static str,
}

/// The text of an answer.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    /// The text itself.
    Text(String),
    /// A list that is read while it is sent, in the transaction of the request.
    List(DocumentList),
}

/// A status, a content type, and the whole text.
pub(crate) type ResponseText = (StatusCode, &'static str, String);

/// The content type of most answers.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

impl SandboxResponse {
    /// 200 with JSON text.
    pub(crate) fn from_json(body: String) -> Self {
        Self { status: StatusCode::OK, body: ResponseBody::Text(body), content: JSON }
    }

    /// 200 with a list.
    pub(crate) fn from_list(list: DocumentList) -> Self {
        Self { status: StatusCode::OK, body: ResponseBody::List(list), content: JSON }
    }

    /// 200 with a document.
    pub(crate) fn from_document(document: &Value) -> Self {
        Self::from_json(document.to_string())
    }

    /// 200 with plain text.
    pub(crate) fn from_plain_text(body: String) -> Self {
        Self {
            body: ResponseBody::Text(body),
            status: StatusCode::OK,
            content: "text/plain; charset=utf-8",
        }
    }

    /// 201 with a document.
    pub(crate) fn created(document: &Value) -> Self {
        Self { status: StatusCode::CREATED, ..Self::from_document(document) }
    }

    /// Reads the whole text of the answer.
    pub(crate) fn collect_body(self, db: &Connection) -> HandlerResult<ResponseText> {
        let text = match self.body {
            ResponseBody::Text(text) => text,
            ResponseBody::List(list) => list.collect_text(db)?,
        };
        Ok((self.status, self.content, text))
    }

    /// 200 with an empty object, the answer to a deletion.
    pub(crate) fn empty_object() -> Self {
        Self::from_json("{}".to_owned())
    }
}

/// A refused request.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    message: String,
    errors: Vec<String>,
}

impl ErrorResponse {
    /// 400: the request breaks a rule, with one line of explanation.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::bad_request_lines(vec![text.into()])
    }

    /// 400: the request breaks rules, with a line for each.
    pub(crate) fn bad_request_lines(errors: Vec<String>) -> Self {
        let message = "There was a problem with your request.".to_owned();
        Self { status: StatusCode::BAD_REQUEST, message, errors }
    }

    /// 400: the request refers to a document that does not exist.
    pub(crate) fn unknown_reference(noun: &str, id: &str) -> Self {
        Self::bad_request(format!("The {noun} '{id}' does not exist."))
    }

    /// 401: no key, or an unknown one.
    pub(crate) fn unauthorized() -> Self {
        Self::with_status(
            StatusCode::UNAUTHORIZED,
            "You must be logged in to perform this action. Please provide a valid API key or log in again.",
        )
    }

    /// 403: a permission is missing.
    pub(crate) fn forbidden(permission: &str) -> Self {
        let text = format!(
            "You do not have permission to perform this action. Please contact your Octopus \
             administrator. Missing permission: {permission}"
        );
        Self::with_status(StatusCode::FORBIDDEN, &text)
    }

    /// 404.
    pub(crate) fn not_found() -> Self {
        Self::with_status(StatusCode::NOT_FOUND, "The resource you requested was not found.")
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        Self::with_status(
            StatusCode::METHOD_NOT_ALLOWED,
            "The requested resource does not support this HTTP method.",
        )
    }

    /// 413.
    pub(crate) fn payload_too_large() -> Self {
        Self::with_status(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.")
    }

    /// 500: a defect of the sandbox.
    pub(crate) fn internal_error() -> Self {
        let text = "An unexpected error occurred; the sandbox has a defect here.";
        Self::with_status(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// Any status with a message and no `Errors`.
    pub(crate) fn with_status(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned(), errors: Vec::new() }
    }
}

impl From<rusqlite::Error> for ErrorResponse {
    fn from(error: rusqlite::Error) -> Self {
        Self::with_status(StatusCode::INTERNAL_SERVER_ERROR, &format!("The store failed: {error}"))
    }
}

impl From<serde_json::Error> for ErrorResponse {
    fn from(error: serde_json::Error) -> Self {
        Self::bad_request(format!("The request body is not what is expected here: {error}"))
    }
}

impl ErrorResponse {
    /// The answer as status and body.
    pub(crate) fn into_error_body(self) -> ResponseText {
        let Self { status, message, errors } = self;
        let mut body = json!({ "ErrorMessage": message });
        // The Go client treats a body that has `Errors`, even empty, as something other than a 404.
        if !errors.is_empty() {
            body["Errors"] = json!(errors);
        }
        for (name, value) in [
            ("FullException", json!(null)),
            ("HelpText", json!(null)),
            ("HelpLink", json!(null)),
            ("ParsedHelpLinks", json!([])),
            ("Details", json!(null)),
        ] {
            body[name] = value;
        }
        (status, JSON, body.to_string())
    }
}
