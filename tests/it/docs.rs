//! What README and docs say is true: commands are run, files are read, pictures are real.

use crate::workbench::CI_VARIABLES;
use poolwright_core::{
    config,
    finding::{Level, Source, Sources},
};

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The text of each fenced block of this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|part| part.split("\n```").next().unwrap().to_owned()).collect()
}

fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_poolwright"))
}

/// What a command prints, in a folder, as people have it: no server and no key in the environment.
fn run(command: &str, folder: &Path) -> (String, bool) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let (program, args) = words.split_first().unwrap();
    let program = if *program == "poolwright" { binary() } else { PathBuf::from(program) };
    let mut command = Command::new(program);
    for name in ["OCTOPUS_URL", "OCTOPUS_SPACE", "OCTOPUS_API_KEY", "OCTOPUS_ACCESS_TOKEN"] {
        command.env_remove(name);
    }
    for name in CI_VARIABLES {
        command.env_remove(name);
    }
    let output = command.args(args).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text + &String::from_utf8_lossy(&output.stderr), output.status.success())
}

#[test]
fn every_command_in_the_readme_runs() {
    let folder = tempfile::tempdir().unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    let ci = fs::read_to_string(".ci/run").unwrap();
    let mut cargo = Vec::new();
    let blocks = blocks(&readme, "sh");
    for line in blocks.iter().flat_map(|block| block.lines()) {
        match line {
            // Cargo holds a lock while it runs this test; what it would run is run here, or by CI.
            "cargo run --example first-run" => first_run(),
            "cargo test --locked" => {
                assert!(ci.lines().any(|other| other == line), "not in .ci/run")
            }
            _ => {
                let (text, good) = run(line, folder.path());
                assert!(good, "`{line}` failed:\n{text}");
                continue;
            }
        }
        cargo.push(line);
    }
    assert_eq!(cargo, ["cargo run --example first-run", "cargo test --locked"]);
}

/// The README's first command; `cargo test` has built it.
fn first_run() {
    let example = binary().parent().unwrap().join("examples/first-run");
    assert!(example.exists(), "`cargo build --examples` first: `cargo test` alone does it itself");
    let (text, good) = run(example.to_str().unwrap(), Path::new("."));
    assert!(good, "{text}");
    assert_eq!(text.matches("Applied:").count(), 3, "{text}");
    assert!(text.contains("No changes: the server matches the files"), "{text}");
}

#[test]
fn the_plan_in_the_readme_matches_the_real_output() {
    let folder = tempfile::tempdir().unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    for commit in ["1-pools", "2-workers"] {
        copy(commit, folder.path());
        let (text, good) = run("poolwright apply --url sandbox: --auto-approve", folder.path());
        assert!(good, "{text}");
    }
    copy("3-steps", folder.path());
    let (plan, _) = run("poolwright plan --url sandbox:", folder.path());
    let (before, rest) = readme.split_once("```text\n").unwrap();
    let (shown, behind) = rest.split_once("```").unwrap();
    if env::var_os("UPDATE").is_some() {
        fs::write("README.md", format!("{before}```text\n{plan}```{behind}")).unwrap();
        return;
    }
    assert_eq!(shown, plan, "`UPDATE=1 cargo test docs` writes it anew");
}

fn copy(commit: &str, folder: &Path) {
    let file = format!("examples/chapter/{commit}/workers.toml");
    fs::copy(file, folder.join("workers.toml")).unwrap();
}

#[test]
fn every_file_shown_in_the_docs_is_valid() {
    let docs = fs::read_dir("docs").into_iter().flatten().map(|it| it.unwrap().path());
    for path in docs
        .chain(["README.md".into()])
        .filter(|doc| doc.extension().is_some_and(|extension| extension == "md"))
    {
        for text in blocks(&fs::read_to_string(&path).unwrap(), "toml") {
            let text =
                if text.contains("version =") { text } else { format!("version = 1\n{text}") };
            let source = Source::new(path.display().to_string(), text);
            let (_, findings) = config::load_desired(&Sources(vec![source]));
            let errors: Vec<_> =
                findings.iter().filter(|finding| finding.level == Level::Error).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        }
    }
}

#[test]
fn every_configuration_key_is_in_the_reference() {
    // The keys of `[gates]` are the codes of findings.
    let [language, findings] =
        ["docs/language.md", "docs/findings.md"].map(|path| fs::read_to_string(path).unwrap());
    let reference = language + &findings;
    let mut missing = Vec::new();
    keys(&config::json_schema(), &mut missing);
    missing.retain(|key| !reference.contains(&format!("`{key}`")));
    assert_eq!(missing, [""; 0]);
}

fn keys(schema: &serde_json::Value, found: &mut Vec<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        found.push(key.clone());
        keys(inner, found);
        keys(&inner["additionalProperties"], found);
        keys(&inner["items"], found);
    }
}
