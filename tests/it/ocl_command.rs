//! `poolwright ocl`: a working tree, without a server.

use crate::workbench::{output, program};
use std::{fs, path::Path};
use tempfile::TempDir;

const RULES: &str = "version = 1\n[pools.k]\nname = \"Kubernetes Worker Pool\"\n\
    [[placements]]\nlabel = \"all\"\nproject = \"Web Store\"\nprocess = \"any\"\npool = \"k\"\n";

/// A working tree with a process and a runbook, and a file of rules.
fn tree(rules: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let octopus = folder.path().join("web/.octopus");
    fs::create_dir_all(octopus.join("runbooks")).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ocl");
    fs::copy(from.join("deployment_process.ocl"), octopus.join("deployment_process.ocl")).unwrap();
    fs::copy(from.join("runbook.ocl"), octopus.join("runbooks/restart.ocl")).unwrap();
    fs::write(folder.path().join("workers.toml"), rules).unwrap();
    folder
}

fn run(folder: &TempDir, args: &[&str]) -> (i32, String) {
    let output = output(&mut program(folder.path(), &[&["ocl"], args].concat()));
    (output.code, format!("{}{}", output.stdout, output.stderr))
}

const PROJECT: [&str; 3] = ["--project", "web store", "."];

#[test]
fn a_plan_shows_the_steps_and_the_lines_and_an_apply_edits_them() {
    let folder = tree(RULES);
    let (code, text) = run(&folder, &[&["plan", "--exit-code"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"));
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r"
    3 steps of 2 of 2 files
    edited ./web/.octopus/deployment_process.ocl
    edited ./web/.octopus/runbooks/restart.ocl
    exit code 0
    ");
    // Nothing is written where nothing changes.
    let file = folder.path().join("web/.octopus/deployment_process.ocl");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r"
    No changes: 2 files as the rules say
    exit code 0
    ");
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
}

#[test]
fn what_a_working_tree_cannot_tell_is_told_so() {
    let folder =
        tree(&RULES.replace("label = \"all\"", "project_group = \"Shop\"\ncurrently = \"server\""));
    let (code, text) = run(&folder, &["plan"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"));
}

#[test]
fn files_that_are_no_ocl_or_no_text_are_told_so() {
    let folder = tree(RULES);
    let octopus = folder.path().join("web/.octopus");
    let all: [(&str, &[u8]); 3] =
        [("x.ocl", b"step \"a\" {"), ("x.ocl", b"\xff\xfes\0"), ("x.ocl", b"name = \"\xe4\"")];
    let told = all.map(|(name, bytes)| {
        fs::write(octopus.join(name), bytes).unwrap();
        let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
        format!("{text}exit code {code}")
    });
    insta::assert_snapshot!(told.join("\n\n"));
    let (code, text) = run(&folder, &["plan", "nowhere"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r"
    error: cannot read `nowhere`: No such file or directory (os error 2)
    help: name an OCL file, or a folder that has `.octopus` in it
    exit code 1
    ");
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_rights_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tree(RULES);
    let file = folder.path().join("web/.octopus/runbooks/restart.ocl");
    let real = folder.path().join("real.txt");
    fs::rename(&file, &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &file).unwrap();
    assert_eq!(run(&folder, &[&["apply"], &PROJECT[..]].concat()).0, 0);
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("kubernetes-worker-pool"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}
