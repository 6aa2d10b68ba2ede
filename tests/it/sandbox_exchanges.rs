//! What the official clients taught, without the clients: what they sent when they were run against the sandbox, and
//! the form of what they were answered when they were content.
//!
//! `tests/conformance/exchanges` has a file for each client, with one exchange on each line, in the order in which
//! they were made. Of an answer there is its status, its fields with their types, and its links. Ids are the same at
//! each start; times, and ids that are drawn by chance, are not compared.
//!
//! `UPDATE=1 cargo test --test it -- --ignored exchanges::condense` makes the files again, of what
//! `tests/conformance/run` has recorded in `target/conformance`.

use crate::sandbox::Bench;
use octopus_sandbox::Seed;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A client: the names of its files, and the seed that it was run on.
const CLIENTS: [(&str, Seed); 2] = [("cli", Seed::Acme), ("go-e2e", Seed::Chapter)];

fn file(folder: &str, client: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{client}.jsonl"))
}

/// The form of an answer: links as they are, and of all other values their types.
fn form(answer: &Value, in_links: bool) -> Value {
    match answer {
        Value::Object(fields) => {
            let forms = fields
                .iter()
                .map(|(name, value)| (generic(name), form(value, in_links || name == "Links")));
            Value::Object(forms.collect::<Map<_, _>>())
        }
        // The first stands for all.
        Value::Array(items) => items.iter().take(1).map(|item| form(item, in_links)).collect(),
        Value::String(link) if in_links => json!(generic(link)),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("flag"),
        Value::Null => Value::Null,
    }
}

/// Whether two forms are of one kind. What is null or empty now, as the end of a task that runs, was not at another
/// time.
fn agrees(now: &Value, once: &Value) -> bool {
    match (now, once) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(now), Value::Object(once)) => {
            let is_open = now.is_empty() || once.is_empty();
            let has_same =
                once.iter().all(|(name, form)| now.get(name).is_some_and(|now| agrees(now, form)));
            is_open || has_same && now.len() == once.len()
        }
        (Value::Array(now), Value::Array(once)) => now.iter().zip(once).all(|(a, b)| agrees(a, b)),
        _ => now == once,
    }
}

/// A text without what is drawn by chance: the ends of the ids of snapshots, and ids of steps and variables.
fn generic(text: &str) -> String {
    let is_random = |part: &str| {
        part.len() == 5 && part.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
    };
    let is_guid = text.len() == 36 && text.bytes().filter(|it| *it == b'-').count() == 4;
    if is_guid {
        return "<guid>".to_owned();
    }
    let parts = text.split_inclusive(['/', '-', '?', '=']).map(|part| {
        let trimmed = part.trim_end_matches(['/', '-', '?', '=']);
        if is_random(trimmed) { part.replace(trimmed, "<any>") } else { part.to_owned() }
    });
    parts.collect()
}

/// A body without its secrets.
fn masked(sent: &Value) -> Value {
    match sent {
        Value::Object(fields) => {
            let masked = fields.iter().map(|(name, value)| {
                let is_secret = name == "NewValue" && value.is_string();
                (name.clone(), if is_secret { json!("c2VjcmV0") } else { masked(value) })
            });
            Value::Object(masked.collect())
        }
        Value::Array(items) => items.iter().map(masked).collect(),
        other => other.clone(),
    }
}

/// Whether a value is one that the sandbox drew by chance, so that a later request cannot repeat it.
fn depends_on_chance(target: &str) -> bool {
    generic(target).contains("<any>") || target.contains("/events")
}

/// Sends a request of a client again; returns how the answer differs from the recorded one.
async fn difference(bench: &Bench, exchange: &Value) -> Option<String> {
    let [method, target] = ["method", "target"].map(|name| exchange[name].as_str().unwrap());
    let (sent, once) = (&exchange["sent"], &exchange["answer"]);
    let body = if sent.is_null() { String::new() } else { sent.to_string() };
    let (status, text) = bench.text(method, target, &body).await;
    let now = serde_json::from_str(&text).map_or(json!("text"), |it| form(&it, false));
    if json!(status.as_u16()) != exchange["status"] {
        Some(format!("{method} {target}: {status}, once {}: {text}", exchange["status"]))
    } else if agrees(&now, once) {
        None
    } else {
        Some(format!("{method} {target}:\n  now  {now}\n  once {once}"))
    }
}

#[tokio::test]
async fn recorded_client_requests_still_get_equivalent_responses() {
    for (client, seed) in CLIENTS {
        // What they send is in no contract of ours.
        let bench =
            Bench::unwatched(octopus_sandbox::SandboxOptions { seed, ..Default::default() }).await;
        let text = fs::read_to_string(file("tests/conformance/exchanges", client)).unwrap();
        let mut told = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let exchange: Value = serde_json::from_str(line).unwrap();
            let difference = difference(&bench, &exchange).await;
            told.extend(difference.map(|text| format!("{client}:{} {text}", number + 1)));
        }
        assert!(
            told.is_empty(),
            "{} of {}:\n{}",
            told.len(),
            text.lines().count(),
            told.join("\n")
        );
    }
}

#[test]
#[ignore = "makes the files again"]
fn condense() {
    for (client, _) in CLIENTS {
        let Ok(recorded) = fs::read_to_string(file("target/conformance", client)) else { continue };
        let mut seen = BTreeSet::new();
        let mut lines = String::new();
        for line in recorded.lines() {
            let exchange: Value = serde_json::from_str(line).unwrap();
            let [method, target] =
                ["method", "target"].map(|name| exchange[name].as_str().unwrap());
            let form = form(&exchange["answer"], false);
            let is_known = !seen.insert(format!("{method} {} {}", exchange["status"], form));
            let is_read = method == "GET";
            if depends_on_chance(target) || is_read && is_known {
                continue;
            }
            let mut condensed = json!({ "method": method, "target": target });
            if !exchange["sent"].is_null() {
                condensed["sent"] = masked(&exchange["sent"]);
            }
            condensed["status"] = exchange["status"].clone();
            // An answer of a form that is there already is not repeated.
            if !is_known {
                condensed["answer"] = form;
            }
            lines.push_str(&condensed.to_string());
            lines.push('\n');
        }
        let target = file("tests/conformance/exchanges", client);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, lines).unwrap();
    }
}
