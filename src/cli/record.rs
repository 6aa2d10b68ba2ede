//! `sandbox --record`: writes every exchange as a line of JSON.

use super::{
    output_file::{OutputFile, OutputKind, check_outputs, print_saving},
    replace_file::place_file,
};
use octopus_sandbox::{RecordedExchange, Recorder};
use poolwright_core::text::secret::{is_secret_key, redact_message};

use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Returns a recorder that writes to a new file, or over an earlier recording.
///
/// # Errors
///
/// Fails if the file cannot be created, or if it is anything else.
pub(super) fn record_to_file(path: &Path) -> anyhow::Result<Recorder> {
    let kind = OutputKind::Report { noun: "the recording", is_own: is_recording };
    check_outputs(&[], &[OutputFile { path, kind }])?;
    let file = Mutex::new(place_file(path, b"")?.file);
    print_saving(path, "each request and its response is a line of JSON");
    Ok(Recorder::new(move |exchange| {
        let line = format!("{}\n", exchange_json(&exchange));
        // One write per line, so that readers of the growing file see whole lines. A full disk must not stop the server.
        _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }))
}

/// Whether a file is one that `--record` wrote.
fn is_recording(text: &str) -> bool {
    text.starts_with("{\"method\":") && text.contains("\"target\":")
}

fn exchange_json(exchange: &RecordedExchange) -> Value {
    let RecordedExchange { method, target, agent, sent, status, answer } = exchange;
    json!({
        "method": method,
        "target": redact_message(target),
        "agent": agent,
        "sent": body_json(sent),
        "status": status,
        "answer": body_json(answer),
    })
}

/// Returns a JSON body, any other body as a string, and an empty one as null; without keys, tokens and passwords.
fn body_json(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    let Ok(mut body) = serde_json::from_slice(bytes) else {
        // The first parameter of a form is found like the others.
        let form = redact_message(&format!("&{}", String::from_utf8_lossy(bytes)));
        return Value::String(form.split_at(1).1.to_owned());
    };
    redact_value(&mut body, false);
    body
}

/// Takes secrets out of a body. In a field whose name is that of a secret, every text is one.
fn redact_value(value: &mut Value, is_secret: bool) {
    match value {
        Value::String(text) if is_secret => *text = "(withheld)".to_owned(),
        Value::String(text) => *text = redact_message(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, is_secret)),
        Value::Object(fields) => {
            let redact = |(key, value): (&String, &mut Value)| {
                redact_value(value, is_secret || is_secret_key(key));
            };
            fields.iter_mut().for_each(redact);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_token_or_password_is_recorded() {
        let exchange = RecordedExchange {
            method: "POST".to_owned(),
            target: "/api/users?apikey=API-HUNTER2HUNTER2&skip=0".to_owned(),
            agent: "curl".to_owned(),
            sent: b"subject_token=hunter2&audience=me".to_vec(),
            status: 200,
            answer: br#"{"access_token":"hunter2","ApiKey":{"HasValue":true,"NewValue":"hunter2"},"Name":"API-HUNTER2HUNTER2","Thumbprint":"8A"}"#.to_vec(),
        };
        insta::assert_snapshot!(exchange_json(&exchange), @r#"{"method":"POST","target":"/api/users?apikey=(withheld)&skip=0","agent":"curl","sent":"subject_token=(withheld)&audience=me","status":200,"answer":{"access_token":"(withheld)","ApiKey":{"HasValue":true,"NewValue":"(withheld)"},"Name":"(withheld)","Thumbprint":"8A"}}"#);
    }
}
