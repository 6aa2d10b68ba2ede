//! The wire, held against the document that a real server generated.
//!
//! Every sandbox of these tests is watched: each request of the program and each answer of the sandbox
//! has to be what `tests/contract` says. `additions.json` lists what Octopus has got since 2020.5, each
//! with its source.

use crate::{
    contract_schema::{Definitions, violations},
    sandbox::{Bench, PROCESS},
};
use octopus_sandbox::{RecordedExchange, Recorder, Seed};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, LazyLock, Mutex},
    thread,
};

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::read(&folder()).unwrap());

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract")
}

/// What may be asked, and what is answered.
struct Contract {
    definitions: Definitions,
    operations: Vec<Operation>,
}

/// A method of a route.
struct Operation {
    method: String,
    /// The route's parts; those in braces stand for any.
    route: Vec<String>,
    /// What is sent; null where nothing is said of it.
    body: Value,
    /// What is answered, by status.
    answers: Value,
}

impl Contract {
    fn read(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| -> Result<Value, String> {
            let path = folder.join(name);
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
        };
        let mut excerpt = read("swagger-2020.5-excerpt.json")?;
        let mut contract = Self { definitions: Definitions::new(), operations: Vec::new() };
        for (route, methods) in excerpt["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let parameters = operation["parameters"].as_array();
                let body =
                    parameters.and_then(|all| all.iter().find(|value| value["in"] == "body"));
                let body = body.map_or(Value::Null, |body| body["schema"].clone());
                contract.add(method, route, body, &operation["responses"]);
            }
        }
        let definitions = excerpt["definitions"].as_object_mut().map(std::mem::take);
        contract.definitions = definitions.ok_or("the excerpt has no definitions")?;
        contract.extend(&read("additions.json")?)?;
        Ok(contract)
    }

    fn add(&mut self, method: &str, route: &str, body: Value, answers: &Value) {
        let route = route.split('/').filter(|it| !it.is_empty()).map(str::to_lowercase).collect();
        let (method, answers) = (method.to_uppercase(), answers.clone());
        // What is known of later versions comes before what an old document says.
        self.operations.insert(0, Operation { method, route, body, answers });
    }

    /// Adds what is known of later versions; each entry names its source.
    fn extend(&mut self, additions: &Value) -> Result<(), String> {
        let entries = |kind: &str| additions[kind].as_array().cloned().unwrap_or_default();
        let sourced = |entry: &Value| match entry["source"].as_str() {
            Some(source) if !source.trim().is_empty() => Ok(()),
            _ => Err(format!("an addition without a source: {entry}")),
        };
        for entry in entries("definitions") {
            sourced(&entry)?;
            let name = entry["name"].as_str().unwrap_or_default().to_owned();
            let properties = &entry["properties"];
            let definition =
                self.definitions.entry(name).or_insert_with(|| json!({ "type": "object" }));
            for (key, schema) in properties.as_object().into_iter().flatten() {
                definition["properties"][key] = schema.clone();
            }
        }
        for entry in entries("routes") {
            sourced(&entry)?;
            let (method, route) =
                entry["route"].as_str().and_then(|it| it.split_once(' ')).ok_or("no route")?;
            self.add(method, route, entry["body"].clone(), &entry["answers"]);
        }
        Ok(())
    }

    /// The operation of a request: the one with the fewest parts that stand for any.
    fn operation(&self, method: &str, target: &str) -> Option<&Operation> {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let mut path: Vec<String> =
            path.split('/').filter(|it| !it.is_empty()).map(decoded).collect();
        // `/api/spaces/default/workers` is `/api/Spaces-1/workers` in a newer spelling.
        if 3 < path.len() && path[1] == "spaces" {
            path.remove(1);
        }
        let fits = |other: &&Operation| {
            let pairs = || other.route.iter().zip(&path);
            other.method == method
                && other.route.len() == path.len()
                && pairs().all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
        };
        let open = |other: &&Operation| other.route.iter().filter(|it| it.starts_with('{')).count();
        self.operations.iter().filter(fits).min_by_key(open)
    }

    /// What is wrong with an exchange, a line each.
    fn violations(&self, exchange: &RecordedExchange) -> Vec<String> {
        let RecordedExchange { method, target, agent, sent, status, answer } = exchange;
        let is_ours = agent.starts_with("poolwright/");
        let (called, done) = (format!("{method} {target}"), (200..300).contains(status));
        let Some(operation) = self.operation(method, target) else {
            let known = !is_ours && !done;
            return if known { Vec::new() } else { vec![format!("{called}: no such route")] };
        };
        let mut told = Vec::new();
        if is_ours && !sent.is_empty() {
            told.extend(self.body("sends", &operation.body, sent));
        }
        if done {
            match operation.answers.get(status.to_string()) {
                Some(response) => told.extend(self.body("answers", &response["schema"], answer)),
                None => told.push(format!("answers {status}, which the contract does not know")),
            }
        } else if 400 <= *status {
            // The document says that there are refusals, and nothing of what is in them.
            let own = &operation.answers[status.to_string()]["schema"];
            let refusal = json!({ "$ref": "#/definitions/Refusal" });
            told.extend(self.body("refuses", if own.is_null() { &refusal } else { own }, answer));
        }
        told.into_iter().map(|text| format!("{called} {text}")).collect()
    }

    fn body(&self, verb: &str, schema: &Value, body: &[u8]) -> Vec<String> {
        if schema.is_null() || schema["type"] == "file" {
            return Vec::new();
        }
        match serde_json::from_slice(body) {
            Ok(value) => violations(&self.definitions, schema, &value),
            Err(error) => vec![format!("no JSON: {error}")],
        }
        .into_iter()
        .map(|text| format!("{verb} {text}"))
        .collect()
    }
}

/// A part of a path, in lower case and without percent signs.
fn decoded(part: &str) -> String {
    let pair = |bytes: &[u8]| u8::from_str_radix(std::str::from_utf8(bytes).ok()?, 16).ok();
    let (mut bytes, mut rest) = (Vec::new(), part.as_bytes());
    while let [first, after @ ..] = rest {
        let coded = (*first == b'%').then(|| after.get(..2).and_then(pair)).flatten();
        bytes.push(coded.unwrap_or(*first));
        rest = &after[if coded.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).to_lowercase()
}

/// Watches a sandbox, and fails the test that it belongs to where the contract is broken.
#[derive(Default)]
pub(crate) struct Watch(Arc<Mutex<BTreeSet<String>>>);

impl Watch {
    /// What hands every exchange to it.
    pub(crate) fn recorder(&self) -> Recorder {
        let broken = Arc::clone(&self.0);
        Recorder::new(move |exchange| {
            let found = CONTRACT.violations(&exchange);
            broken.lock().unwrap().extend(found);
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let broken = self.0.lock().map(|text| text.iter().cloned().collect::<Vec<_>>());
        let broken = broken.unwrap_or_default();
        if !broken.is_empty() && !thread::panicking() {
            panic!("the contract of `tests/contract` is broken:\n{}", broken.join("\n"));
        }
    }
}

/// A change of one file of a copy of the contract, and what is said of it then.
fn with(file: &str, text: Option<&str>) -> String {
    let copy = tempfile::tempdir().unwrap();
    for name in ["swagger-2020.5-excerpt.json", "additions.json"] {
        fs::copy(folder().join(name), copy.path().join(name)).unwrap();
    }
    match text {
        Some(text) => fs::write(copy.path().join(file), text).unwrap(),
        None => fs::remove_file(copy.path().join(file)).unwrap(),
    }
    let read = Contract::read(copy.path()).map(|_| ());
    read.unwrap_err().replace(&format!("{}/", copy.path().display()), "")
}

#[test]
fn a_missing_or_incomplete_contract_is_an_error() {
    let missing = with("swagger-2020.5-excerpt.json", None);
    assert!(missing.starts_with("swagger-2020.5-excerpt.json: "), "{missing}");
    assert!(with("additions.json", None).starts_with("additions.json: "));
    assert_eq!(with("swagger-2020.5-excerpt.json", Some("{}")), "the excerpt has no definitions");
    let unsourced = r#"{ "definitions": [{ "name": "X", "source": " ", "properties": {} }] }"#;
    assert!(with("additions.json", Some(unsourced)).starts_with("an addition without a source"));
}

#[test]
fn every_exchange_that_breaks_the_contract_is_reported() {
    let told =
        |method: &str, target: &str, agent: &str, sent: Value, status: u16, answer: Value| {
            let bytes = |value: Value| {
                if value.is_null() { Vec::new() } else { value.to_string().into_bytes() }
            };
            CONTRACT
                .violations(&RecordedExchange {
                    method: method.into(),
                    target: target.into(),
                    agent: agent.into(),
                    sent: bytes(sent),
                    status,
                    answer: bytes(answer),
                })
                .join("\n")
        };
    let (ours, pools) = ("poolwright/0.1.0", "/api/Spaces-1/workerpools");
    let fine = json!({ "Name": "SQL", "WorkerPoolType": "StaticWorkerPool" });
    assert_eq!(told("POST", pools, ours, fine.clone(), 201, fine.clone()), "");
    assert_eq!(
        told(
            "GET",
            "/API/spaces/default/WorkerPool%73/all/?x=1",
            ours,
            json!(null),
            200,
            json!([fine])
        ),
        ""
    );
    insta::assert_snapshot!(told("POST", pools, ours, json!({ "Nme": 1 }), 200, json!([])), @r"
    POST /api/Spaces-1/workerpools sends WorkerPoolResource: `Nme` is not in the contract
    POST /api/Spaces-1/workerpools answers 200, which the contract does not know
    ");
    insta::assert_snapshot!(told("GET", pools, "other", json!(null), 200, json!({ "Items": [{ "IsDefault": "yes" }] })), @"GET /api/Spaces-1/workerpools answers WorkerPoolResource.IsDefault: string is no boolean");
    insta::assert_snapshot!(told("GET", pools, "other", json!(null), 400, json!("no")), @"GET /api/Spaces-1/workerpools refuses Refusal: string is no object");
    // Others may ask for what is not there.
    assert_eq!(told("GET", "/api/Spaces-1/nothing", "other", json!(null), 404, json!({})), "");
    insta::assert_snapshot!(told("GET", "/api/Spaces-1/nothing", ours, json!(null), 404, json!({})), @"GET /api/Spaces-1/nothing: no such route");
    insta::assert_snapshot!(told("GET", "/api/Spaces-1/nothing", "other", json!(null), 200, json!({})), @"GET /api/Spaces-1/nothing: no such route");
}

#[tokio::test]
async fn a_sandbox_that_breaks_the_contract_fails_its_test() {
    let bench = Bench::new(Seed::Chapter).await;
    bench.text("PUT", PROCESS, "{\"Version\":1,\"Steps\":[],\"Zeta\":1}").await;
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(bench)));
    let why = dropped.unwrap_err().downcast::<String>().unwrap();
    assert!(why.contains("DeploymentProcessResource: `Zeta` is not in the contract"), "{why}");
}

/// What `tests/conformance/run` has recorded of the official clients' talk.
#[test]
#[ignore = "needs what `tests/conformance/run` records, which ends with it"]
fn recorded_exchanges_conform_to_the_contract() {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/conformance");
    let files = fs::read_dir(&records).unwrap().map(|it| it.unwrap().path());
    let files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    assert!(!files.is_empty(), "{} has no records", records.display());
    let mut broken = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.is_empty(), "{} is empty", file.display());
        broken.extend(text.lines().flat_map(|line| CONTRACT.violations(&exchange(line))));
    }
    assert!(broken.is_empty(), "{}", broken.into_iter().collect::<Vec<_>>().join("\n"));
}

/// A line that `sandbox --record` wrote.
fn exchange(line: &str) -> RecordedExchange {
    let line: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let bytes =
        |value: &Value| if value.is_null() { Vec::new() } else { value.to_string().into_bytes() };
    RecordedExchange {
        method: text("method"),
        target: text("target"),
        agent: text("agent"),
        sent: bytes(&line["sent"]),
        status: line["status"].as_u64().and_then(|it| it.try_into().ok()).unwrap_or_default(),
        answer: bytes(&line["answer"]),
    }
}
