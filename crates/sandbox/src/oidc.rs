//! OpenID Connect: an identity token of another issuer, exchanged for an access token of this server.
//!
//! A real server knows the trusted issuer and subject of each service account, and checks the signature. The
//! sandbox accepts any well-formed token that names the service account as its audience and has not expired.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    keys::{self, AccessKeys},
    people::{self, Person},
    request::{HttpVerb, SandboxRequest},
};
use axum::http::StatusCode;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};
use std::time::Duration;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// `GET /.well-known/openid-configuration`.
pub(crate) fn answer_discovery(request: &SandboxRequest) -> HandlerResult {
    if request.verb != HttpVerb::Get {
        return Err(ErrorResponse::method_not_allowed());
    }
    let here = format!("http://{}", request.host);
    Ok(SandboxResponse::from_document(&json!({
        "issuer": here,
        "token_endpoint": format!("{here}/api/token/v1"),
        "jwks_uri": format!("{here}/.well-known/jwks"),
        "grant_types_supported": [GRANT],
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })))
}

/// `POST /api/token/v1`: an access token that is valid for `lifetime`.
pub(crate) fn exchange_token(
    db: &Connection,
    request: &SandboxRequest,
    keys: &AccessKeys,
    lifetime: Duration,
    now: Timestamp,
) -> HandlerResult {
    if request.verb != HttpVerb::Post {
        return Err(ErrorResponse::method_not_allowed());
    }
    let account = match account_from_request(request, keys, now) {
        Ok(account) => account,
        Err((error, description)) => {
            let body = json!({ "error": error, "error_description": description });
            return Ok(SandboxResponse {
                status: StatusCode::BAD_REQUEST,
                ..SandboxResponse::from_document(&body)
            });
        }
    };
    let now = now.as_millisecond();
    let expires = now.saturating_add(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
    let token = format!("sandbox.{}", keys::random_hex(db, 32)?);
    db.execute("delete from token where expires <= ?1", [now])?;
    db.execute("insert into token values (?1, ?2, ?3)", params![token, account.id, expires])?;
    Ok(SandboxResponse::from_document(&json!({
        "access_token": token,
        "expires_in": lifetime.as_secs(),
        "token_type": "Bearer",
        "issued_token_type": ACCESS_TOKEN,
    })))
}

/// The person of an access token that has not expired.
pub(crate) fn person_by_token(
    db: &Connection,
    token: &str,
    now: Timestamp,
) -> HandlerResult<Option<Person>> {
    let sql = "select person from token where token = ?1 and expires > ?2";
    let now = now.as_millisecond();
    let mut statement = db.prepare_cached(sql)?;
    let person: Option<String> =
        statement.query_row(params![token, now], |row| row.get(0)).optional()?;
    Ok(person.and_then(|id| people::person_by_id(&id)))
}

/// The name of an OAuth error, and its description.
type OauthError = (&'static str, String);

/// The service account whose token a request asks for.
fn account_from_request(
    request: &SandboxRequest,
    keys: &AccessKeys,
    now: Timestamp,
) -> std::result::Result<Person, OauthError> {
    let invalid_request = |why: &str| ("invalid_request", why.to_owned());
    let body: Value = serde_json::from_str(&request.body)
        .map_err(|_| invalid_request("The request is not JSON."))?;
    let required_parameter = |name: &str| match body[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(invalid_request(&format!("The parameter {name} is missing."))),
    };
    if required_parameter("grant_type")? != GRANT {
        return Err(("unsupported_grant_type", format!("The grant type must be {GRANT}.")));
    }
    if required_parameter("subject_token_type")? != JWT {
        return Err(invalid_request(&format!("The subject token type must be {JWT}.")));
    }
    let audience = required_parameter("audience")?;
    let Some(account) = people::service_account(keys, audience) else {
        return Err(invalid_request(&format!("There is no service account '{audience}'.")));
    };
    let claims = parse_claims(required_parameter("subject_token")?)
        .ok_or_else(|| invalid_request("The subject token is not a JSON Web Token."))?;
    let is_audience =
        |value: &Value| value.as_str().is_some_and(|it| it.eq_ignore_ascii_case(audience));
    let is_addressed = match &claims["aud"] {
        Value::Array(several) => several.iter().any(is_audience),
        one => is_audience(one),
    };
    if !is_addressed {
        return Err(invalid_request(
            "The audience of the subject token is not the service account.",
        ));
    }
    if claims["exp"].as_i64().is_some_and(|expires| expires <= now.as_second()) {
        return Err(invalid_request("The subject token has expired."));
    }
    Ok(account)
}

/// The claims of a token, if it consists of a header, claims and a signature.
fn parse_claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (header, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let decode_object = |part: &str| {
        let value: Value = serde_json::from_slice(&decode_base64(part)?).ok()?;
        value.is_object().then_some(value)
    };
    decode_object(header)?;
    parts.next().is_none().then(|| decode_object(claims)).flatten()
}

/// The bytes of a text in base 64, in the alphabet for URLs and without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digit_value = |letter: u8| match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes() {
        bits = bits << 6 | u32::from(digit_value(letter)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_text_is_decoded() {
        for (text, wanted) in [
            ("", Some(&b""[..])),
            ("eyJhIjoxfQ", Some(br#"{"a":1}"#)),
            ("__-_", Some(&[0xff, 0xff, 0xbf])),
            ("a+b/", None),
        ] {
            assert_eq!(decode_base64(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn a_malformed_token_has_no_claims() {
        for token in ["", "a.b", "eyJhIjoxfQ.eyJhIjoxfQ", "eyJhIjoxfQ.MQ.x", "e.e.e"] {
            assert_eq!(parse_claims(token), None, "{token}");
        }
        assert_eq!(parse_claims("eyJhIjoxfQ.eyJhIjoxfQ.x"), Some(json!({ "a": 1 })));
    }
}
