//! Every example is a right file, and the plan after its apply is empty.

use crate::sandbox::Bench;
use octopus_sandbox::{ADMIN_KEY, Seed};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// All examples, but for those of the chapter, which follow each other and have a test of their own.
fn examples() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["examples", "examples/workers"] {
        let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        found.extend(
            entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")),
        );
    }
    found.sort();
    found
}

fn seed(path: &Path) -> Seed {
    match path.file_stem().unwrap().to_str().unwrap() {
        "cloud" | "windows-2022" => Seed::Cloud,
        "variables" => Seed::Acme,
        "fleet" => Seed::Large { projects: 30, steps: 10, workers: 12 },
        _ => Seed::Chapter,
    }
}

fn run(bench: &Bench, path: &Path, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolwright"));
    command.args(args).arg("-f").arg(fs::canonicalize(path).unwrap());
    command.env("OCTOPUS_URL", bench.sandbox.url()).env("OCTOPUS_API_KEY", ADMIN_KEY);
    command.env_remove("OCTOPUS_SPACE").current_dir(folder.path()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_after_an_example_is_empty() {
    let examples = examples();
    assert_eq!(examples.len(), 8);
    for path in examples {
        let bench = Bench::new(seed(&path)).await;
        let apply = run(&bench, &path, &["apply", "--auto-approve", "-q"]);
        assert!(apply.status.success(), "{}: {apply:?}", path.display());
        let plan = run(&bench, &path, &["plan", "--exit-code"]);
        assert!(plan.status.success(), "{}: {plan:?}", path.display());
    }
}

#[test]
fn every_example_matches_the_schema() {
    let schema = jsonschema::validator_for(&poolwright_core::config::json_schema()).unwrap();
    let chapter = ["1-pools", "2-workers", "3-steps"];
    let chapter = chapter.map(|it| PathBuf::from(format!("examples/chapter/{it}/workers.toml")));
    for path in examples().into_iter().chain(chapter) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("#:schema "), "{}", path.display());
        let value: Value = toml::from_str(&text).unwrap();
        let wrong: Vec<_> = schema.iter_errors(&value).map(|it| it.to_string()).collect();
        assert_eq!(wrong, [""; 0], "{}", path.display());
    }
}
