//! The GitHub action and the shell of its workflows: what is downloaded is pinned, and a stranger's file is data.

use crate::{
    recipes::{FILE, LINUX, Recipe, read, yaml_blocks},
    workbench::Output,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};

#[test]
fn the_action_installs_only_what_is_pinned() {
    let recipe = Recipe::new();
    let script = format!("{}/action/install.sh", env!("CARGO_MANIFEST_DIR"));
    let run = |sha256: &str| recipe.run(&script, &[("POOLWRIGHT_SHA256", sha256)]);
    let Output { stdout, .. } = run(&recipe.sha256).expect(0);
    let version =
        Command::new(PathBuf::from(stdout.trim()).join("poolwright")).arg("--version").output();
    assert!(version.unwrap().status.success());
    let sums =
        format!("{}  other.tar.gz\n{}  {LINUX}\n", "0".repeat(64), recipe.sha256.to_uppercase());
    run(&sums).expect(0);
    for (pinned, why) in [
        ("0".repeat(64), "is pinned"),
        (format!("{}  other.tar.gz", recipe.sha256), "no SHA-256"),
        ("abc".to_owned(), "no SHA-256"),
    ] {
        let Output { stdout, stderr, .. } = run(&pinned).expect(1);
        assert!(stderr.contains(why), "{stderr}");
        assert_eq!(stdout, "");
    }
    let Output { stderr, .. } =
        recipe.run(&script, &[("POOLWRIGHT_VERSION", "../0.1.0")]).expect(1);
    assert!(stderr.contains("is not a version"), "{stderr}");
}

#[test]
fn the_action_runs_and_keeps_one_comment() {
    let recipe = Recipe::new();
    let folder = env!("CARGO_MANIFEST_DIR");
    // A `gh` that keeps what it is asked, and lists the comments in a file.
    recipe.workbench.write("gh", "#!/bin/bash\necho \"$*\" >>calls\ncase \"$*\" in *--input*) cat \"${@: -2:1}\" >body ;; *) cat comments ;; esac\n");
    recipe.workbench.write("comments", "[]");
    let install =
        format!("chmod +x gh; export PATH=\"$PWD:$({folder}/action/install.sh):$PATH\"\n");
    let output = recipe.at("output").to_str().unwrap().to_owned();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", output.as_str()),
        ("ARGUMENTS", "plan\n--out=markdown=plan.md\n\n"),
        ("COMMENT", "plan.md"),
        ("PULL_REQUEST", "7"),
        ("GITHUB_REPOSITORY", "acme/workers"),
    ];
    recipe
        .run(&format!("{install}{folder}/action/run.sh && {folder}/action/comment.sh"), &variables)
        .expect(0);
    let outputs = recipe.workbench.read("output");
    assert!(outputs.contains("changes=1\n") && outputs.ends_with("exit-code=0\n"), "{outputs}");
    let calls = recipe.workbench.read("calls");
    assert!(calls.contains("--method POST repos/acme/workers/issues/7/comments"), "{calls}");
    let body: Value = serde_json::from_str(&recipe.workbench.read("body")).unwrap();
    let plan = recipe.workbench.read("plan.md");
    assert_eq!(body["body"], json!(plan));
    // The comment of an app is replaced; one by somebody who wrote the same marker is not.
    let comments = json!([
        { "id": 1, "user": { "type": "Bot" }, "body": "hello" },
        { "id": 2, "user": { "type": "Bot" }, "body": plan.trim_end().replace('\n', "\r\n") },
        { "id": 3, "user": { "type": "User" }, "body": plan },
    ]);
    recipe.workbench.write("comments", &comments.to_string());
    recipe.run(&format!("{install}{folder}/action/comment.sh"), &variables).expect(0);
    let calls = recipe.workbench.read("calls");
    assert!(
        calls.trim_end().ends_with("--silent")
            && calls.contains("--method PATCH repos/acme/workers/issues/comments/2 "),
        "{calls}"
    );
    recipe.workbench.write("plan.md", "no marker\n");
    recipe.run(&format!("{folder}/action/comment.sh"), &variables).expect(1);
}

/// The shell of the half that has a key: it takes one regular file, and believes GitHub alone.
#[test]
fn a_forks_artefact_is_treated_as_untrusted_data() {
    let recipe = Recipe::new();
    let [take, find, _] =
        yaml_blocks(&read("examples/ci/github/fork-plan.yml")).try_into().unwrap();
    let strict = "set -eo pipefail\n";
    let fork = recipe.at("pull-request");
    fs::create_dir(&fork).unwrap();
    let folder = fork.to_str().unwrap().to_owned();
    let variables = [
        ("FOLDER", folder.as_str()),
        ("GITHUB_REPOSITORY", "acme/workers"),
        ("HEAD", "eve:main"),
        ("COMMIT", "c0ffee"),
    ];
    let take = |code: i32| {
        recipe.run(&format!("{strict}rm -rf workers\n{take}"), &variables).expect(code);
    };
    take(1);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", fork.join("workers.toml")).unwrap();
        take(1);
        fs::remove_file(fork.join("workers.toml")).unwrap();
    }
    fs::write(fork.join("workers.toml"), FILE).unwrap();
    take(0);
    assert_eq!(recipe.workbench.read("workers/workers.toml"), FILE);
    recipe.workbench.write("gh", "#!/bin/bash\ncat pulls\n");
    let output = recipe.at("output").to_str().unwrap().to_owned();
    let find = |pulls: Value, code: i32| {
        recipe.workbench.write("pulls", &pulls.to_string());
        recipe.workbench.write("output", "");
        let script = format!("{strict}chmod +x gh; PATH=$PWD:$PATH\n{find}");
        let variables = [&variables[..], &[("GITHUB_OUTPUT", output.as_str())]].concat();
        recipe.run(&script, &variables).expect(code);
        recipe.workbench.read("output")
    };
    assert_eq!(find(json!([{ "number": 9, "head": { "sha": "c0ffee" } }]), 0), "number=9\n");
    assert_eq!(find(json!([{ "number": 9, "head": { "sha": "other" } }]), 1), "");
    assert_eq!(find(json!([]), 1), "");
}
