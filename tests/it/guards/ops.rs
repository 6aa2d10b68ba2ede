//! The use cases take data and give data: what `cli` alone may do is not done in `src/ops`.

use super::source::{SourceFile, named_paths, read_code};

/// Paths that only `cli` may name: its own, files, the environment, the clock and what is printed.
const FORBIDDEN: [&[&str]; 7] = [
    &["crate", "cli"],
    &["std", "fs"],
    &["std", "env"],
    &["std", "io"],
    &["std", "time", "SystemTime"],
    &["std", "time", "Instant"],
    &["jiff"],
];

/// The paths of a file that a use case may not name.
fn violations(file: &SourceFile) -> Vec<String> {
    let is_forbidden = |path: &Vec<String>| {
        FORBIDDEN.iter().any(|forbidden| {
            path.len() >= forbidden.len() && path.iter().zip(*forbidden).all(|(a, b)| a == b)
        })
    };
    let wrong = named_paths(&file.code).into_iter().filter(is_forbidden);
    wrong.map(|path| format!("{}: {}", file.path.display(), path.join("::"))).collect()
}

#[test]
fn a_use_case_has_no_side_effects() {
    let files = read_code("src").into_iter().filter(|file| file.path.starts_with("src/ops"));
    let wrong: Vec<String> = files.flat_map(|file| violations(&file)).collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_seeded_side_effect_is_detected() {
    let seen = |text: &str| violations(&SourceFile::parse("src/ops/plan.rs", text)).len();
    assert_eq!(seen("use std::{collections::HashMap, path::Path};"), 0);
    assert_eq!(seen("use std::{fs, path::Path};"), 1);
    assert_eq!(seen("fn f() { crate::cli::print::errln() }"), 1);
    assert_eq!(seen("use jiff::Timestamp;"), 1);
    assert_eq!(seen("fn f() { std::env::var(\"HOME\"); }"), 1);
}
