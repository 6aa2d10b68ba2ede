//! The formats of output: which command has which, and what is written to files in the same run.

use crate::workbench::{Output, Workbench, output, program};
use octopus_sandbox::Seed;
use serde_json::Value;
use std::fs;

/// Moves a step into a pool without workers, which a gate refuses.
const REFUSED: &str = "version = 1\n\n[pools.sql]\nname = \"SQL\"\n\n[[placements]]\n\
    label = \"migrations\"\nproject = \"Web Store\"\nstep = \"Deploy to AKS\"\npool = \"sql\"\n";

/// Creates two pools.
const FILE: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n[pools.web]\n";

const FORMATS: [&str; 8] =
    ["text", "json", "markdown", "html", "sarif", "junit", "code-quality", "csv"];

/// The formats of the command that these arguments begin.
fn formats_of(command: &str) -> &'static [&'static str] {
    match command {
        "plan" | "show" | "rollback" => {
            &["text", "json", "markdown", "html", "sarif", "junit", "code-quality"]
        }
        "apply" => &["text", "json", "markdown", "html", "junit"],
        "check" => &["text", "json", "markdown", "sarif", "junit", "code-quality"],
        _ => &["text", "json", "markdown", "csv"],
    }
}

#[track_caller]
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn assert_valid(schema: &str, document: &Value) {
    // The pattern of a language in the schema of SARIF is not a regular expression: it has a stray `]`.
    let schema = fs::read_to_string(schema).unwrap().replace("-[a-zA-Z]{2}]?$", "(-[a-zA-Z]{2})?$");
    let schema = jsonschema::validator_for(&parse(&schema)).unwrap();
    let errors: Vec<String> = schema
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0], "{document:#}");
}

const SARIF: &str = "tests/schemas/sarif-2.1.0.schema.json";

#[test]
fn an_unsupported_format_is_refused_with_the_supported_ones() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 6] = [
        &["plan"],
        &["show", "plan.json"],
        &["rollback", "receipt.json"],
        &["apply"],
        &["check"],
        &["explain", "Web Store"],
    ];
    for command in commands {
        let known = formats_of(command[0]);
        for format in FORMATS.iter().filter(|format| !known.contains(format)) {
            let out = format!("{format}=report.txt");
            for (option, value) in [("--format", *format), ("--out", out.as_str())] {
                let args = [command, &[option, value]].concat();
                let Output { stderr, .. } = output(&mut program(folder.path(), &args)).expect(1);
                assert!(stderr.contains(&known.join(", ")), "{args:?}: {stderr}");
            }
        }
    }
}

#[test]
fn each_command_prints_every_format_that_it_has() {
    let workbench = Workbench::chapter(FILE);
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let commands: [&[&str]; 4] =
        [&["plan"], &["show", "plan.json"], &["check"], &["explain", "Web Store"]];
    for command in commands {
        for format in formats_of(command[0]) {
            let args = [command, &["--format", format]].concat();
            let Output { stdout, .. } = workbench.run(&args).expect(0);
            match *format {
                "json" | "sarif" | "code-quality" => _ = parse(&stdout),
                "junit" => assert!(stdout.starts_with("<?xml "), "{args:?}: {stdout}"),
                "html" => assert!(stdout.starts_with("<!DOCTYPE html>"), "{args:?}: {stdout}"),
                "markdown" => assert!(stdout.starts_with("## "), "{args:?}: {stdout}"),
                _ => assert!(!stdout.is_empty(), "{args:?}"),
            }
        }
    }
}

#[test]
fn one_read_of_the_server_feeds_every_output() {
    let workbench = Workbench::chapter(FILE);
    let requests = || workbench.bench.sandbox.recent_requests().len();
    let before = requests();
    workbench.run(&["plan", "-o", "first.json"]).expect(0);
    let alone = requests() - before;
    let args = ["text=p.txt", "json=p.json", "markdown=p.md", "sarif=p.sarif", "junit=p.xml"];
    let mut run = vec!["plan"];
    run.extend(args.iter().flat_map(|out| ["--out", out]));
    run.extend(["--out", "code-quality=p.quality.json", "--out", "html=p.html"]);
    let before = requests();
    let Output { stdout, stderr, .. } = workbench.run(&run).expect(0);
    assert_eq!(requests() - before, alone);
    insta::assert_snapshot!(stderr, @r"
    saved to p.json; apply it with `poolwright apply p.json`
    saved to p.txt; read it as it is
    saved to p.md; add it to the pull request as a comment
    saved to p.sarif; upload it to code scanning
    saved to p.xml; publish it as a test report
    saved to p.quality.json; name it in the job as `artifacts:reports:codequality`
    saved to p.html; open it in a browser
    ");
    assert_eq!(workbench.read("p.txt"), stdout);
    assert_valid(SARIF, &parse(&workbench.read("p.sarif")));
    assert!(workbench.read("p.md").contains("`poolwright apply p.json`"));
    // The same run again replaces them all, and the plan can be applied.
    workbench.run(&run).expect(0);
    workbench.run(&["apply", "p.json"]).expect(0);
}

#[test]
fn a_saved_plan_is_shown_in_every_format_as_it_was_planned() {
    let workbench = Workbench::chapter(REFUSED);
    let outputs = ["sarif=a.sarif", "junit=a.xml", "code-quality=a.json"];
    let outputs = outputs.iter().flat_map(|out| ["--out", out]).collect::<Vec<_>>();
    workbench.run(&[&["plan", "-o", "plan.json"][..], &outputs].concat()).expect(3);
    let shown = |format| workbench.run(&["show", "plan.json", "--format", format]).expect(0).stdout;
    assert_eq!(shown("junit"), workbench.read("a.xml"));
    assert_eq!(shown("code-quality"), workbench.read("a.json"));
    let hashes = |text: &str| {
        let log = parse(text);
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|it| it["partialFingerprints"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(hashes(&shown("sarif")), hashes(&workbench.read("a.sarif")));
    let junit = workbench.read("a.xml");
    assert!(junit.contains("<failure type=\"empty-pool\""), "{junit}");
    assert!(junit.contains("name=\"pool-in-use\"/>"), "{junit}");
}

#[test]
fn a_forbidden_output_is_refused_before_the_server_is_read() {
    let workbench = Workbench::chapter(FILE);
    workbench.write("notes.md", "# Notes\n");
    workbench.run(&["apply", "--auto-approve", "--receipt", "receipt.json"]).expect(0);
    workbench.write("workers.toml", &format!("{FILE}[pools.last]\n"));
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    let before = workbench.bench.sandbox.recent_requests().len();
    let mut told = String::new();
    for args in [
        &["plan", "--out", "markdown=workers.toml"][..],
        &["plan", "--out", "markdown=notes.md"],
        &["plan", "--out", "junit=a.xml", "--out", "sarif=./a.xml"],
        &["plan", "-o", "a.json", "--out", "json=a.json"],
        &["plan", "--out", "json=receipt.json"],
        &["plan", "--out", "markdown=notes.md/plan.md"],
        &["show", "plan.json", "--out", "json=./plan.json"],
        &["apply", "--auto-approve", "--out", "json=workers.toml"],
        &["apply", "plan.json", "--out", "junit=plan.json"],
        &["apply", "plan.json", "--receipt", "r.json", "--out", "json=r.json"],
        &["rollback", "receipt.json", "--out", "markdown=receipt.json"],
        &["check", "--out", "sarif=workers.toml"],
        &["explain", "Web Store", "--out", "csv=plan.json"],
    ] {
        let Output { stderr, .. } = workbench.run(args).expect(1);
        told.push_str(stderr.lines().next().unwrap());
        told.push('\n');
    }
    assert_eq!(workbench.bench.sandbox.recent_requests().len(), before);
    insta::assert_snapshot!(told);
    assert_eq!(workbench.read("notes.md"), "# Notes\n");
    let files = fs::read_dir(workbench.folder.path()).unwrap();
    let files = files.map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.filter(|name| !name.starts_with('.')).collect();
    files.sort();
    assert_eq!(files, ["notes.md", "plan.json", "receipt.json", "workers.toml"]);
}

#[test]
fn errors_in_a_file_appear_in_scanner_formats() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\nnmae = \"SQL\"\n");
    for command in ["check", "plan"] {
        let args =
            [command, "--out", "sarif=a.sarif", "--out", "junit=a.xml", "--format", "code-quality"];
        let Output { stdout, stderr, .. } = workbench.run(&args).expect(1);
        assert_eq!(parse(&stdout)[0]["check_name"], "unknown-key", "{stdout}");
        assert!(stderr.contains("saved to a.sarif"), "{stderr}");
        let log = parse(&workbench.read("a.sarif"));
        assert_valid(SARIF, &log);
        let result = &log["runs"][0]["results"][0];
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "workers.toml");
        let region = r#"{"startLine":3,"startColumn":1,"endLine":3,"endColumn":5}"#;
        assert_eq!(place["region"].to_string(), region);
        assert!(workbench.read("a.xml").contains("<failure type=\"unknown-key\""));
    }
}

#[test]
fn scanner_formats_use_repository_paths() {
    let folder = tempfile::tempdir().unwrap();
    let infra = folder.path().join("infra dir");
    fs::create_dir_all(folder.path().join(".git")).unwrap();
    fs::create_dir_all(&infra).unwrap();
    fs::write(infra.join("workers.toml"), "version = 1\n[pools.sql]\nnmae = \"SQL\"\n").unwrap();
    let absolute = infra.join("workers.toml");
    for file in ["workers.toml", "../infra dir/workers.toml", absolute.to_str().unwrap()] {
        let check =
            |format| output(&mut program(&infra, &["check", "-f", file, "--format", format]));
        let log = parse(&check("sarif").stdout);
        let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "infra%20dir/workers.toml");
        assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
        let violations = parse(&check("code-quality").stdout);
        assert_eq!(violations[0]["location"]["path"], "infra dir/workers.toml");
        assert_eq!(parse(&check("json").stdout)["findings"][0]["file"], file);
    }
}

#[test]
fn the_json_of_check_and_explain_matches_its_schema() {
    let workbench = Workbench::chapter(REFUSED);
    workbench.write("bad.toml", "version = 1\n[pools.a]\nname = \"A\"\n[pools.b]\nname = \"A\"\n");
    for (code, args) in [(0, &["check"][..]), (1, &["check", "-f", "bad.toml"])] {
        let args = [args, &["--format", "json"]].concat();
        let Output { stdout, stderr, .. } = workbench.run(&args).expect(code);
        assert_valid("schema/findings.schema.json", &parse(&stdout));
        assert_eq!(stderr, "");
    }
    for question in [&["Web Store"][..], &["--pool", "Default Worker Pool"]] {
        let args = [&["explain"], question, &["--format", "json"]].concat();
        let Output { stdout, .. } = workbench.run(&args).expect(0);
        assert_valid("schema/explain.schema.json", &parse(&stdout));
    }
    for schema in ["plan", "receipt", "findings", "explain"] {
        let Output { stdout, .. } = workbench.run(&["schema", schema]).expect(0);
        assert_eq!(stdout, fs::read_to_string(format!("schema/{schema}.schema.json")).unwrap());
    }
}

#[test]
fn the_outputs_of_an_apply_are_written_when_it_has_ended() {
    let rules = ["500 on POST */workerpools"];
    let workbench = Workbench::with_rules(Seed::Chapter, &rules);
    workbench.write("workers.toml", FILE);
    let outputs = ["text=a.txt", "json=a.json", "markdown=a.md", "junit=a.xml"];
    let outputs = outputs.iter().flat_map(|out| ["--out", out]).collect::<Vec<_>>();
    let args = [&["apply", "--auto-approve"][..], &outputs].concat();
    let Output { stderr, code, .. } = workbench.run(&args);
    assert_ne!(code, 0);
    assert!(stderr.contains("saved to a.json; undo the apply with"), "{stderr}");
    assert_eq!(parse(&workbench.read("a.json")), workbench.receipts()[0]);
    let junit = workbench.read("a.xml");
    assert!(junit.contains("name=\"create pools.sql\""), "{junit}");
    assert!(
        junit.contains("<error type=\"unknown\"") || junit.contains("<failure type=\"failed\"")
    );
    assert!(workbench.read("a.md").starts_with("## ⛔ "), "{}", workbench.read("a.md"));
    assert!(workbench.read("a.txt").ends_with("Applied: 0 of 2 changes\n"));
}

#[test]
fn an_apply_refused_by_gates_writes_the_reasons() {
    let workbench = Workbench::chapter(REFUSED);
    let outputs = ["markdown=a.md", "junit=a.xml", "json=a.json"];
    let outputs = outputs.iter().flat_map(|out| ["--out", out]).collect::<Vec<_>>();
    workbench.run(&[&["apply", "--auto-approve"][..], &outputs].concat()).expect(3);
    assert!(workbench.read("a.md").starts_with("## ⛔ Refused by 1 gate"));
    assert!(workbench.read("a.xml").contains("<failure type=\"empty-pool\""));
    assert!(!workbench.folder.path().join("a.json").exists());
}

#[test]
fn an_apply_without_changes_writes_its_outputs() {
    let workbench = Workbench::chapter(FILE);
    workbench.apply();
    let args = ["apply", "--auto-approve", "--out", "junit=a.xml", "--format", "json"];
    let Output { stdout, .. } = workbench.run(&args).expect(0);
    assert_eq!(parse(&stdout)["status"], "done");
    assert!(workbench.read("a.xml").contains("name=\"no changes\"/>"));
}

#[test]
fn a_rollback_writes_its_plan_before_it_is_applied() {
    let workbench = Workbench::chapter(FILE);
    workbench.run(&["apply", "--auto-approve", "--receipt", "receipt.json"]).expect(0);
    let args = ["rollback", "receipt.json", "--auto-approve", "--out", "markdown=back.md"];
    let args = [&args[..], &["--out", "json=back.json", "--format", "junit"]].concat();
    let Output { stdout, .. } = workbench.run(&args).expect(0);
    assert!(stdout.starts_with("<?xml "), "{stdout}");
    assert!(workbench.read("back.md").contains("2 to delete"), "{}", workbench.read("back.md"));
    assert_eq!(parse(&workbench.read("back.json"))["summary"]["delete"], 2);
    assert!(!workbench.names("workerpools").contains(&"SQL".to_owned()));
}

/// The page's examples, each after the arguments that print it.
#[test]
fn the_formats_page_matches_the_real_output() {
    let path = "docs/formats.md";
    let page = fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, fence) in [("workers.toml", "```toml\n"), ("typo.toml", "```text\n")] {
        let (_, file) = page.split_once(fence).unwrap();
        fs::write(folder.path().join(name), file.split("```").next().unwrap()).unwrap();
    }
    let mut parts = page.split("<!-- example: ");
    let mut made = parts.next().unwrap().to_owned();
    for part in parts {
        let (args, rest) = part.split_once(" -->\n").unwrap();
        let (fence, rest) = rest.split_once('\n').unwrap();
        // The example itself may have fences, but none at the start of a line without a language.
        let (_, rest) = rest.split_once("```\n").unwrap();
        let words: Vec<&str> = args.split(' ').collect();
        let printed = output(&mut program(folder.path(), &words)).stdout;
        made += &format!("<!-- example: {args} -->\n{fence}\n{printed}```\n{rest}");
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &made).unwrap();
    }
    assert!(page == made, "{path} is out of date: `UPDATE=1 cargo test formats` writes it anew");
}
