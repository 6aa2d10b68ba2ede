//! No name, whoever gave it, reaches a log as a command of a CI system or as a control character.

use crate::sandbox::pool as pool_named;
use crate::workbench::{Output, Workbench, output, program};
use octopus_sandbox::{SandboxOptions, Seed, StoreLocation};
use poolwright_core::text::escape::is_unsafe;
use serde_json::{Value, json};
use std::{fs, process::Stdio};

/// What is in every name of the server.
pub(crate) const EVIL: &str = "::add-mask::E ##vso[task.setvariable variable=PATH]E ##[error]E \
    ##teamcity[buildStop] ##octopus[setVariable name='E'] ##octopus setVariable name='E'] section_start:1:E\r\u{1b}[0K\u{1b}[2J\
    \u{202e}\u{200b}\u{61c}\u{ad}\u{3164}\u{2028}\u{85}\n::error::E\n--- E\n^^^ +++\n";

/// The same for a file, which takes no control characters in names.
pub(crate) const PRINTABLE: &str = "::add-mask::E ##vso[task.setvariable variable=PATH]E ##[error]E ##teamcity[E] ##octopus[E] ##octopus E]";

/// What a runner or a terminal would act on in a text; nothing, as a rule.
pub(crate) fn commands(text: &str) -> Vec<String> {
    let is_command = |line: &&str| {
        let bracketed = line.match_indices("##").any(|(at, _)| {
            let name = &line[at + 2..];
            name.starts_with("octopus")
                || name.trim_start_matches(char::is_alphanumeric).starts_with('[')
        });
        let folds = ["--- ", "+++ ", "~~~ ", "^^^ "].iter().any(|mark| line.starts_with(mark));
        let section = line.contains("section_start:1") || line.contains("section_end:1");
        bracketed || folds || section || line.trim_start().starts_with("::")
    };
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines =
        lines.filter(|line| is_command(line) || line.contains(|c| c != '\t' && is_unsafe(c)));
    lines.map(|line| line.escape_debug().to_string()).collect()
}

#[track_caller]
fn expect_harmless(what: &str, run: &Output) {
    for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        assert_eq!(commands(text), [""; 0], "{what}: {stream}");
    }
}

/// Gives every name, description and label of a document the evil text as its start.
fn spoil(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(spoil),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), &value) {
                    ("Name" | "Description" | "Label" | "CommitMessage", Value::String(text)) => {
                        *value = json!(format!("{EVIL}{text}"));
                    }
                    _ => spoil(value),
                }
            }
        }
        _ => {}
    }
}

/// A server on which every name is evil.
pub(crate) fn evil_server(seed: &str) -> Workbench {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("sandbox.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seed = if seed == "acme" { Seed::Acme } else { Seed::Chapter };
    let text = runtime.block_on(async {
        let store = StoreLocation::File(db);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = SandboxOptions { store: store.clone(), seed, ..SandboxOptions::default() };
        drop(octopus_sandbox::start_server(options, listener).await.unwrap());
        let mut text = Vec::new();
        octopus_sandbox::export_state(&store, &mut text).await.unwrap();
        text
    });
    let mut state: Value = serde_json::from_slice(&text).unwrap();
    for document in state["documents"].as_array_mut().unwrap() {
        spoil(&mut document["body"]);
        if let Some(name) = document.get("name").and_then(Value::as_str) {
            document["name"] = json!(format!("{EVIL}{name}"));
        }
    }
    Workbench::new(Seed::State(state.to_string()))
}

/// A file that moves every step.
pub(crate) fn rules() -> String {
    format!(
        "version = 1\n[gates]\nempty-pool = \"allow\"\n[pools.new]\nname = \"{PRINTABLE}new\"\n\
         description = \"{PRINTABLE}\"\n[[placements]]\nlabel = \"{PRINTABLE}\"\nprocess = \"any\"\npool = \"new\"\n"
    )
}

/// A run in each format.
const FORMATS: [&[&str]; 8] = [
    &["plan", "--format", "markdown"],
    &["plan", "--format", "sarif"],
    &["plan", "--format", "junit"],
    &["plan", "--format", "code-quality"],
    &["check", "-f", "wrong.toml", "--format", "json"],
    &["check", "-f", "wrong.toml", "--format", "junit"],
    &["show", "plan.json", "--format", "junit"],
    &["explain", "--format", "markdown"],
];

#[test]
fn names_from_a_server_never_become_commands_in_any_output() {
    let workbench = evil_server("chapter");
    let space = format!("{EVIL}Default");
    workbench.write("workers.toml", &rules());
    let project =
        workbench.get("/api/Spaces-1/projects/all")[0]["Name"].as_str().unwrap().to_owned();
    let pool =
        workbench.get("/api/Spaces-1/workerpools/all")[0]["Name"].as_str().unwrap().to_owned();
    let wrong = format!("[[placements]]\nproject = \"{PRINTABLE}\"\npool = \"{PRINTABLE}\"\n");
    workbench.write("wrong.toml", &format!("{}{wrong}", rules()));
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let runs: [&[&str]; 18] = [
        &["plan", "-f", "wrong.toml"],
        &["plan", "-v"],
        &["plan", "-vv", "--log-format", "json"],
        &["plan", "-vv"],
        &["plan", "-q"],
        &["plan", "--color", "never"],
        &["plan", "--format", "json"],
        &["plan", "--space", &space],
        &["plan", "--space", "::error::E\n##[error]E\u{202e}"],
        &["plan", "--target", "pools[\n::error::E##[error]"],
        &["show", "plan.json"],
        &["show", "plan.json", "--format", "json"],
        &["explain", &project],
        &["explain", &project, "--format", "json"],
        &["explain", &project, "--format", "csv"],
        &["explain", "--pool", &pool],
        &["explain", "\n::error::E##[error]"],
        &["pull"],
    ];
    for args in runs.into_iter().chain(FORMATS) {
        let mut command = workbench.command(args);
        let run = output(command.env("RUST_LOG", "trace"));
        assert!(!run.stdout.is_empty() || !run.stderr.is_empty(), "{args:?}");
        expect_harmless(&format!("{args:?}"), &run);
    }
    // What is written in files is the same value, escaped.
    let name = format!("{PRINTABLE}\u{202e}\u{61c}");
    workbench.send("POST", "/api/Spaces-1/workerpools", pool_named(&name));
    workbench.run(&["pull", "-o", "pulled.toml"]).expect(0);
    let pulled = workbench.read("pulled.toml");
    assert_eq!(commands(&pulled), [""; 0], "pulled.toml");
    let table: toml::Table = pulled.parse().unwrap();
    let names =
        table["pools"].as_table().unwrap().values().filter_map(|pool| pool["name"].as_str());
    assert!(names.into_iter().any(|it| it == name), "{pulled}");
    assert_eq!(commands(&workbench.read("plan.json")), [""; 0], "plan.json");
    for args in [
        &["apply", "--auto-approve", "--format", "junit"][..],
        &["apply", "--auto-approve"],
        &["apply", "--auto-approve", "--format", "json"],
        &["apply", "--auto-approve", "--format", "markdown"],
    ] {
        expect_harmless(&format!("{args:?}"), &workbench.run(args));
    }
    for receipt in workbench.receipt_files() {
        assert_eq!(commands(&fs::read_to_string(&receipt).unwrap()), [""; 0], "receipt");
        let receipt = receipt.to_str().unwrap();
        expect_harmless("rollback", &workbench.run(&["rollback", receipt, "--auto-approve"]));
    }
}

#[test]
fn names_from_the_larger_company_never_become_commands() {
    let workbench = evil_server("acme");
    workbench.write("workers.toml", &rules());
    for args in [&["plan", "-v"][..], &["plan", "--format", "json"], &["pull"]] {
        expect_harmless(&format!("{args:?}"), &workbench.run(args));
    }
    let projects = workbench.get("/api/Spaces-1/projects/all");
    for project in projects.as_array().unwrap() {
        let name = project["Name"].as_str().unwrap();
        for format in ["text", "csv"] {
            let run = workbench.run(&["explain", name, "--format", format]);
            expect_harmless("explain", &run);
        }
    }
}

#[test]
fn error_text_never_becomes_a_command() {
    let workbench = Workbench::chapter("version = 1\n[pools.new]\nname = \"New\"\n");
    for answer in [
        json!({ "ErrorMessage": EVIL, "Errors": [EVIL] }).to_string(),
        format!("{EVIL}<html>"),
        json!({ "Version": EVIL, "ApiVersion": EVIL, "Application": EVIL }).to_string(),
        json!({ EVIL: [EVIL] }).to_string(),
    ] {
        for path in ["GET /api ", "GET /api/spaces", "GET /api/Spaces-1/workers", "POST "] {
            let (body, path) = (answer.clone(), path.to_owned());
            let url = workbench.in_front(move |line| line.starts_with(&path).then(|| body.clone()));
            for args in [&["apply", "--auto-approve", "--url", &url][..], &["pull", "--url", &url]]
            {
                expect_harmless(&format!("{args:?}"), &workbench.run(args));
            }
        }
    }
    for args in [
        &["plan", "--url", "\n::error::E##[error]\u{202e}"][..],
        &["plan", "--no\n::error::##[such]\u{1b}[2J"],
        &["plan", "--format", "\n::error::##[such]"],
        &["sandbox", "--fault", "\n::error::##[such]"],
        &["\n::error::##[such]"],
        &["apply", "\n::error::##[such]"],
        &["show", "::error::##[such]"],
        &["rollback", "\n::error::##[such]"],
        &["check", "-f", "\n::error::##[such]"],
        &["ocl", "plan", "\n::error::##[such]"],
        &["init", "\n::error::##[such]/x"],
        &["pull", "-o", "\n::error::##[such]/\u{1b}[2J"],
    ] {
        expect_harmless(&format!("{args:?}"), &workbench.run(args));
    }
}

/// Puts the evil text before every text of a document that does not decide what kind of document it is.
fn spoil_texts(value: &mut Value, kept: &[&str]) {
    match value {
        Value::String(text) if !kept.contains(&text.as_str()) => *text = format!("{EVIL}{text}"),
        Value::Array(items) => items.iter_mut().for_each(|item| spoil_texts(item, kept)),
        Value::Object(fields) => fields.values_mut().for_each(|field| spoil_texts(field, kept)),
        _ => {}
    }
}

/// Each way to make one text of a document evil.
fn spoiled_once(document: &Value) -> Vec<Value> {
    fn paths(value: &Value, at: &str, all: &mut Vec<String>) {
        match value {
            Value::String(_) => all.push(at.to_owned()),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(n, item)| paths(item, &format!("{at}/{n}"), all));
            }
            Value::Object(fields) => {
                let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
                fields
                    .iter()
                    .for_each(|(key, item)| paths(item, &format!("{at}/{}", escape(key)), all));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    paths(document, "", &mut all);
    let spoil = |path: &String| {
        let mut spoiled = document.clone();
        spoil_texts(spoiled.pointer_mut(path).unwrap(), &[]);
        spoiled
    };
    all.iter().map(spoil).collect()
}

#[test]
fn text_in_an_edited_plan_or_receipt_never_becomes_a_command() {
    let file = "version = 1\n[gates]\nempty-pool = \"warn\"\n[pools.new]\nname = \"New\"\n[[placements]]\n\
                project = \"Web Store\"\nstep = \"Deploy to AKS\"\npool = \"new\"\n";
    let workbench = Workbench::chapter(file);
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let plan: Value = serde_json::from_str(&workbench.read("plan.json")).unwrap();
    for spoiled in spoiled_once(&plan) {
        workbench.write("plan.json", &spoiled.to_string());
        expect_harmless(&spoiled.to_string(), &workbench.run(&["show", "plan.json"]));
    }
    workbench.apply();
    let receipt: Value = workbench.receipts().remove(0);
    for spoiled in spoiled_once(&receipt) {
        workbench.write("receipt.json", &spoiled.to_string());
        let args = ["rollback", "receipt.json", "-o", "back.json"];
        expect_harmless(&spoiled.to_string(), &workbench.run(&args));
    }
}

#[test]
fn text_in_a_file_never_becomes_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| output(&mut program(folder.path(), args));
    let texts = [
        format!("version = 1\n[pools.\"{PRINTABLE}\"]\nnam = \"{PRINTABLE}\"\n"),
        format!("version = 1\n{PRINTABLE}\n"),
        format!("version = 1\n[pools.a]\nname = '''\n::error::E\n{EVIL}'''\n"),
        format!("version = 1\n[pools.a]\nname = \"{EVIL}\"\n"),
        format!("{EVIL} = 1\n"),
        format!("version = 1\n[workers.\"{PRINTABLE}\"]\npools = [\"{PRINTABLE}\"]\n"),
        format!(
            "version = 1\n[[placements]]\nlabel = \"{PRINTABLE}\"\ncurrently = \"{PRINTABLE}\"\n"
        ),
        "version = 1\n#\u{202e}\u{61c}\u{ad}\n[pools.\"\u{3164}\"]\nname = \"\\u202E\u{61c}\"\nx=1"
            .to_owned(),
    ];
    for text in texts {
        for name in ["workers.toml", "::error::E ##[error]\u{1b}[2J\n::error::E.toml"] {
            fs::write(folder.path().join(name), &text).unwrap();
            expect_harmless(&text, &run(&["check", "-f", name]));
        }
    }
    let name = "##vso[E]\n::error::E\u{202e}";
    fs::create_dir_all(folder.path().join(".octopus")).unwrap();
    fs::create_dir_all(folder.path().join(name)).unwrap();
    fs::write(folder.path().join("workers.toml"), rules()).unwrap();
    let step = format!(
        "step \"{PRINTABLE}\" {{\n    name = \"{PRINTABLE}\u{202e}\u{1b}[2J\"\n\n    action {{\n        action_type = \"Octopus.Script\"\n        \
         properties = {{\n            Octopus.Action.RunOnServer = \"true\"\n        }}\n\
         ::error::E\u{61c}\n        worker_pool = \"{PRINTABLE}\u{1b}[2J\"\n    }}\n}}\n"
    );
    for text in [
        step.replace("::error::E\u{61c}\n", ""),
        step,
        EVIL.to_owned(),
        "step \"a\" {\n::error::E".to_owned(),
    ] {
        fs::write(folder.path().join(".octopus/deployment_process.ocl"), &text).unwrap();
        fs::write(folder.path().join(name).join("x.ocl"), &text).unwrap();
        for args in [
            &["ocl", "plan", "--project", PRINTABLE, ".octopus"][..],
            &["ocl", "plan", "--project", PRINTABLE, name],
            &["ocl", "plan", "--format", "json", "--project", PRINTABLE, ".octopus"],
            &["ocl", "apply", "--project", PRINTABLE, "."],
        ] {
            expect_harmless(&text, &run(args));
        }
    }
}

#[test]
fn names_copied_by_a_sandbox_never_become_commands() {
    let workbench = evil_server("chapter");
    // The part of the server that cannot be read is told by its name.
    let url = workbench.in_front(|line| {
        let page = format!("<html>{EVIL}");
        (line.contains("/projects/") && line.contains("process")).then_some(page)
    });
    let mut command =
        workbench.command(&["sandbox", "--db", ":memory:", "--port", "0", "--from", &url]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut first).unwrap();
    child.kill().unwrap();
    let run = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    expect_harmless("sandbox --from", &Output { code: 0, stdout: first, stderr });
}

#[test]
fn the_command_detector_finds_every_command_form() {
    for text in [
        "a ##vso[x]",
        "##octopus x",
        "##[x]",
        "  ::x",
        "--- x",
        "a\u{61c}",
        "\u{85}",
        "a\rb",
        "section_start:1:x",
    ] {
        assert_eq!(commands(text).len(), 1, "{text:?}");
    }
    assert_eq!(commands("a ::b --- ## [x] #vso[x]\r\n\tx\n"), [""; 0]);
}
