//! A key of the language is declared and read, or the core does not compile.
//!
//! The tables are private, so this is shown by the compiler on a copy of the core with seeded mistakes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Copies a folder.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A workspace that has the core alone.
fn copy_core() -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeded-language");
    _ = fs::remove_dir_all(&copy);
    copy_folder(Path::new("crates/core"), &copy.join("crates/core"));
    let mut manifest: toml::Table = fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    manifest.retain(|section, _| section == "workspace");
    manifest["workspace"].as_table_mut().unwrap().remove("default-members");
    fs::write(copy.join("Cargo.toml"), manifest.to_string()).unwrap();
    fs::copy("Cargo.lock", copy.join("Cargo.lock")).unwrap();
    copy
}

fn replace_once(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn a_seeded_mismatch_of_declared_and_read_keys_does_not_compile() {
    let copy = copy_core();
    let config = copy.join("crates/core/src/config");
    replace_once(
        &config.join("language.rs"),
        "struct WaveTable {",
        "struct WaveTable { forgotten: Optional<bool>,",
    );
    replace_once(
        &config.join("policy.rs"),
        "OctopusTable { url, space }",
        "OctopusTable { url, space, misspelt: _ }",
    );
    let check = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--message-format=short", "--target-dir"])
        .arg(copy.with_file_name("seeded-target"))
        .current_dir(&copy)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&check.stderr);
    let mut codes: Vec<_> =
        told.lines().filter_map(|line| line.split_once("error[")?.1.split(']').next()).collect();
    codes.sort_unstable();
    // A field that does not exist, and a pattern that leaves one out.
    assert_eq!(codes, ["E0026", "E0027"], "{told}");
}
