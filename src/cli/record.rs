//! `sandbox --record`: writes every exchange as a line of JSON.

use anyhow::Context as _;
use octopus_sandbox::{RecordedExchange, Recorder};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Returns a recorder that writes to a new or truncated file.
///
/// # Errors
///
/// Fails if the file cannot be created.
pub(super) fn record_to_file(path: &Path) -> anyhow::Result<Recorder> {
    let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let file = Mutex::new(file);
    Ok(Recorder::new(move |exchange| {
        let line = format!("{}\n", exchange_json(&exchange));
        // One write per line, so that readers of the growing file see whole lines. A full disk must not stop the server.
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

/// Returns a JSON body unchanged, any other body as a string, and an empty one as null.
fn body_json(bytes: &[u8]) -> Value {
    match bytes {
        [] => Value::Null,
        _ => serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
    }
}
