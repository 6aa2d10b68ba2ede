//! `plan --base`: what a change of the files brings, what was pending before, and what it undoes.

use crate::workbench::{Output, Workbench};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// A pool that does not exist yet, and a rule that moves the deployments of one project to the default pool.
const MAIN: &str = "version = 1\n[pools.old]\nname = \"Old\"\n[pools.stays]\nname = \"Stays\"\n";
/// A branch that renames nothing, drops one pool, and adds another.
const BRANCH: &str = "version = 1\n[pools.stays]\nname = \"Stays\"\n[pools.new]\nname = \"New\"\n";

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=a", "-c", "user.email=a@acme.example"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]).args(arguments);
    let output = command.env_remove("GIT_DIR").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

fn commit_all(workbench: &Workbench) {
    git(workbench.folder.path(), &["add", "."]);
    git(workbench.folder.path(), &["commit", "-qm", "x"]);
}

/// A repository with [`MAIN`] on its branch `main`, and [`BRANCH`] in the working tree.
fn branch() -> Workbench {
    let workbench = Workbench::chapter(MAIN);
    git(workbench.folder.path(), &["init", "-q"]);
    commit_all(&workbench);
    git(workbench.folder.path(), &["checkout", "-qb", "topic"]);
    workbench.write("workers.toml", BRANCH);
    workbench
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

fn origins(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().unwrap().iter();
    changes.map(|it| format!("{} {}", it["address"], it["origin"]).replace('"', "")).collect()
}

#[test]
fn changes_of_a_branch_are_separated_from_pending_ones() {
    let workbench = branch();
    let alone = workbench.run(&["plan"]).expect(0);
    let requests = workbench.bench.sandbox.recent_requests().len();
    let output = workbench.run(&["plan", "--base", "main"]).expect(0);
    assert_eq!(workbench.bench.sandbox.recent_requests().len(), 2 * requests);
    assert_eq!(alone.stdout.lines().last(), Some("Plan: 2 to create"));
    let shown = output.stdout.replace(workbench.bench.sandbox.url(), "URL");
    let commit = shown.find("Base: main (").unwrap() + 12;
    let shown = shown.replace(&shown[commit..commit + 8], "01234567");
    insta::assert_snapshot!(shown, @r#"
    workers.toml on URL (Octopus 2026.2.9314), space Default

    Pools

      + pools.new  # workers.toml:4
          name  "New"

    Pools, already pending

      + pools.stays  # workers.toml:2
          name  "Stays"

    Undone: pending before, removed by this change, and not applied

      + pools.old  name "Old"

    Base: main (01234567): brought: 1 to create; pending: 1 to create; undone: 1 to create
    Touches 2 pools
    Plan: 2 to create; brought: 1 to create; pending: 1 to create; undone: 1 to create
    "#);
    let plan = json(&workbench.run(&["plan", "--base", "main", "--format", "json"]).expect(0));
    assert_eq!(origins(&plan), ["pools.stays pending", "pools.new brought"]);
    assert_eq!(plan["base"]["undone"][0]["address"], "pools.old");
    assert_eq!(plan["base"]["brought"]["create"], 1);
    // A saved plan keeps the comparison for those who look at it, and is applied like any other.
    workbench.run(&["plan", "--base", "main", "-o", "plan.json"]).expect(0);
    let again = workbench.run(&["show", "plan.json"]).expect(0);
    assert!(again.stdout.contains("Pools, already pending"), "{}", again.stdout);
    workbench.run(&["apply", "plan.json"]).expect(0);
    workbench.settled();
}

#[test]
fn the_exit_code_reflects_only_brought_changes() {
    let workbench = branch();
    workbench.run(&["plan", "--exit-code", "--base", "main"]).expect(2);
    workbench.write("workers.toml", &MAIN.replace("[pools.stays]", "\n[pools.stays]"));
    let output = workbench.run(&["plan", "--exit-code", "--base", "main"]).expect(0);
    let last = "Plan: 2 to create; brought: none; pending: 2 to create";
    assert_eq!(output.stdout.lines().last(), Some(last));
    workbench.run(&["plan", "--exit-code"]).expect(2);
    // What is only undone changes nothing on the server.
    workbench.write("workers.toml", "version = 1\n");
    let output = workbench.run(&["plan", "--exit-code", "--base", "main"]).expect(0);
    let last = "No changes: the server matches the files; brought: none; pending: none; undone: 2 to create";
    assert_eq!(output.stdout.lines().last(), Some(last));
}

#[test]
fn a_pending_refusal_still_refuses_and_says_so() {
    let rule = "[[placements]]\nproject = \"Web Store\"\npool = \"stays\"\n";
    let workbench = branch();
    workbench.write("workers.toml", &format!("{MAIN}{rule}"));
    commit_all(&workbench);
    workbench.write("workers.toml", &format!("{BRANCH}{rule}"));
    let output = workbench.run(&["plan", "--base", "HEAD", "--exit-code"]).expect(3);
    assert!(
        output.stdout.contains("already pending: `HEAD` has the same finding"),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.contains("\nRefused: only by findings that were already pending"),
        "{}",
        output.stdout
    );
    let output = workbench.run(&["plan", "--base", "main", "--exit-code"]).expect(3);
    assert!(!output.stdout.contains("already pending: `main`"), "{}", output.stdout);
}

#[test]
fn a_new_file_is_all_brought_and_a_renamed_one_is_not() {
    let workbench = branch();
    let folder = workbench.folder.path();
    fs::create_dir_all(folder.join("infra")).unwrap();
    workbench.write("infra/pools.toml", MAIN);
    let plan = |base: &str, file: &str| {
        json(&workbench.run(&["plan", "-f", file, "--base", base, "--format", "json"]).expect(0))
    };
    let all_brought = ["pools.old brought", "pools.stays brought"];
    assert_eq!(origins(&plan("main", "infra/pools.toml")), all_brought);
    fs::remove_file(folder.join("workers.toml")).unwrap();
    commit_all(&workbench);
    let all_pending = ["pools.old pending", "pools.stays pending"];
    assert_eq!(origins(&plan("main", "infra/pools.toml")), all_pending);
    // The working folder may be any folder of the repository, and the file in another.
    let mut command =
        workbench.command(&["plan", "-f", "pools.toml", "--base", "main", "--exit-code"]);
    crate::workbench::output(command.current_dir(folder.join("infra"))).expect(0);
}

#[test]
fn several_files_are_compared_with_those_of_the_base() {
    let workbench = branch();
    workbench.write("more.toml", "version = 1\n[pools.new]\nname = \"New\"\n");
    workbench.write("workers.toml", MAIN);
    let args =
        ["plan", "-f", "workers.toml", "-f", "more.toml", "--base", "main", "--format", "json"];
    let plan = json(&workbench.run(&args).expect(0));
    assert_eq!(origins(&plan), ["pools.old pending", "pools.stays pending", "pools.new brought"]);
}

#[test]
fn a_base_can_be_a_path() {
    let workbench = Workbench::chapter(BRANCH);
    workbench.write("old.toml", MAIN);
    fs::create_dir_all(workbench.folder.path().join("main")).unwrap();
    workbench.write("main/workers.toml", MAIN);
    for base in ["old.toml", "./old.toml", "main", "./main/"] {
        let plan = json(&workbench.run(&["plan", "--base", base, "--format", "json"]).expect(0));
        assert_eq!(origins(&plan), ["pools.stays pending", "pools.new brought"], "{base}");
        assert_eq!(plan["base"].get("commit"), None);
    }
}

#[test]
fn an_unplannable_base_is_a_warning_and_all_changes_are_brought() {
    let workbench = branch();
    for (text, why) in [
        ("version = 1\n[pool.old]\n", "broken.toml:2: "),
        ("version = 1\n[[placements]]\nproject = \"No\"\npool = \"Default\"\n", "broken.toml:3: "),
        (
            "version = 1\n[octopus]\nspace = \"Other\"\n",
            "its files are for another server or space",
        ),
    ] {
        workbench.write("broken.toml", text);
        if text.contains("space") {
            workbench.write("workers.toml", &format!("{BRANCH}[octopus]\nspace = \"Default\"\n"));
        }
        let output = workbench.run(&["plan", "--base", "broken.toml", "--exit-code"]).expect(2);
        for part in ["warning[unusable-base]: the base `broken.toml` cannot be planned", why] {
            assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
        }
        assert!(
            output.stdout.contains("; brought: 2 to create; pending: none"),
            "{}",
            output.stdout
        );
    }
}

#[test]
fn a_missing_base_is_an_error_with_help() {
    let workbench = branch();
    let refused = |args: &[&str]| {
        let output = workbench.run(&[&["plan"], args].concat()).expect(1);
        assert_eq!(output.stdout, "");
        output.stderr
    };
    insta::assert_snapshot!(refused(&["--base", "origin/main"]), @"
    error: `origin/main` is neither a revision of this repository nor a path
    help: run `git fetch origin main:refs/remotes/origin/main`, or name another revision with `--base`
    ");
    insta::assert_snapshot!(refused(&["--base", "v1"]), @"
    error: `v1` is neither a revision of this repository nor a path
    help: run `git fetch origin v1`, or name another revision with `--base`
    ");
    insta::assert_snapshot!(refused(&["--base", ""]), @"
    error: `` is not a revision or a path
    help: name a base such as `--base origin/main`
    ");
    insta::assert_snapshot!(refused(&["--base=--output=x"]), @"
    error: `--output=x` is not a revision or a path
    help: name a base such as `--base origin/main`
    ");
    insta::assert_snapshot!(refused(&["--base", "./nothing.toml"]), @"
    error: cannot read `./nothing.toml`: No such file or directory (os error 2)
    help: name a file, a folder or a Git revision with `--base`
    ");
    fs::create_dir(workbench.folder.path().join("main")).unwrap();
    insta::assert_snapshot!(refused(&["--base", "main"]), @"
    error: `main` is both a Git revision and a path
    help: write `./main` for the path, or `refs/heads/main` for the branch
    ");
    insta::assert_snapshot!(refused(&["--base", "./main"]), @"
    error: `./main` has no `workers.toml`
    help: name the folder that has the files before the change
    ");
    let mut command = workbench.command(&["plan", "-f", "-", "--base", "HEAD"]);
    let stdin = fs::File::open(workbench.folder.path().join("workers.toml")).unwrap();
    let output = crate::workbench::output(command.stdin(stdin)).expect(1);
    insta::assert_snapshot!(output.stderr, @"
    error: standard input has no base
    help: name the files with `-f FILE`, or a file as the base, such as `--base old.toml`
    ");
    assert!(!workbench.folder.path().join("x").exists());
    assert_eq!(workbench.bench.sandbox.recent_requests(), [""; 0]);
}

#[test]
fn a_base_that_git_cannot_give_is_an_error_with_help() {
    let workbench = branch();
    let shallow = Workbench::chapter(BRANCH);
    let url = format!("file://{}", workbench.folder.path().display());
    commit_all(&workbench);
    git(shallow.folder.path(), &["clone", "-q", "--depth", "1", &url, "clone"]);
    let mut command = shallow.command(&["plan", "--base", "origin/main"]);
    let output = crate::workbench::output(command.current_dir(shallow.folder.path().join("clone")))
        .expect(1);
    insta::assert_snapshot!(output.stderr, @"
    error: `origin/main` is neither a revision of this repository nor a path
    help: the clone is shallow: fetch its history, such as by `fetch-depth: 0` of actions/checkout, or run `git fetch origin main:refs/remotes/origin/main`
    ");
    let outside = shallow.run(&["plan", "--base", "main"]).expect(1);
    insta::assert_snapshot!(outside.stderr, @"
    error: Git cannot read the base: not a git repository (or any of the parent directories): .git
    help: run the command in a Git repository, or name a file or a folder with `--base`
    ");
    let mut command = shallow.command(&["plan", "--base", "main"]);
    insta::assert_snapshot!(crate::workbench::output(command.env("PATH", "")).expect(1).stderr, @"
    error: `git` is not on the path
    help: name a file or a folder with `--base`, or install Git
    ");
}

#[test]
fn programs_configured_in_a_repository_are_not_run() {
    let workbench = branch();
    let folder = workbench.folder.path();
    let run = folder.join("run");
    let program = format!("touch {}; cat", run.display());
    for (key, value) in [
        ("core.fsmonitor", &program),
        ("filter.evil.smudge", &program),
        ("filter.evil.clean", &program),
        ("diff.evil.textconv", &program),
        ("diff.external", &program),
    ] {
        git(folder, &["config", key, value]);
    }
    fs::write(folder.join(".git/info/attributes"), "*.toml filter=evil diff=evil\n").unwrap();
    workbench.run(&["plan", "--base", "main"]).expect(0);
    workbench.write("renamed.toml", MAIN);
    workbench.run(&["plan", "-f", "renamed.toml", "--base", "main"]).expect(0);
    assert!(!run.exists());
}

#[test]
fn a_link_at_the_base_is_not_followed() {
    let workbench = branch();
    let folder = workbench.folder.path();
    fs::remove_file(folder.join("workers.toml")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("workers.toml")).unwrap();
    commit_all(&workbench);
    fs::remove_file(folder.join("workers.toml")).unwrap();
    workbench.write("workers.toml", BRANCH);
    let output = workbench.run(&["plan", "--base", "HEAD"]).expect(0);
    assert!(output.stdout.contains("; brought: 2 to create; pending: none"), "{}", output.stdout);
}
