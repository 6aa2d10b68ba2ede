//! `sandbox --record`: every exchange as a line of JSON.

use anyhow::Context as _;
use octopus_sandbox::{RecordedExchange, Recorder};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// One that writes into a file, which is made anew.
///
/// # Errors
///
/// The file cannot be made.
pub(super) fn record_to_file(path: &Path) -> anyhow::Result<Recorder> {
    let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let file = Mutex::new(file);
    Ok(Recorder::new(move |exchange| {
        let line = format!("{}\n", exchange_json(&exchange));
        // A line at a time: who reads along sees whole ones. A disk that is full stops no server.
        _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }))
}

fn exchange_json(exchange: &RecordedExchange) -> Value {
    let RecordedExchange { method, target, agent, sent, status, answer } = exchange;
    json!({
        "method": method,
        "target": target,
        "agent": agent,
        "sent": body_json(sent),
        "status": status,
        "answer": body_json(answer),
    })
}

/// JSON as it is, whatever else as a text, and nothing as null.
fn body_json(bytes: &[u8]) -> Value {
    match bytes {
        [] => Value::Null,
        _ => serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
    }
}
