//! What a reader may rely on in every file.

use super::source::{CODE, SourceFile, list_files, module_folder, read_code};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lines of a file, its tests apart.
const LONGEST: usize = 400;

fn says_what_it_is_for(text: &str) -> bool {
    text.starts_with("//!")
}

fn is_named_after_nothing(path: &Path) -> bool {
    const NOTHING: [&str; 6] = ["common", "helpers", "manager", "misc", "util", "utils"];
    path.file_stem().is_some_and(|stem| NOTHING.iter().any(|name| stem == *name))
}

/// The modules that files declare, as far as their files go.
fn undeclared_files(files: &[(PathBuf, String)]) -> Vec<&PathBuf> {
    let declared: Vec<PathBuf> = files
        .iter()
        .flat_map(|(path, text)| {
            let modules =
                text.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
            modules.map(|name| module_folder(path).join(name)).collect::<Vec<_>>()
        })
        .collect();
    let is_undeclared =
        |path: &PathBuf| !path.ends_with("main.rs") && !declared.contains(&path.with_extension(""));
    files.iter().map(|(path, _)| path).filter(|path| is_undeclared(path)).collect()
}

fn offenders(is_bad: impl Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
    let files = CODE.iter().chain(&["tests", "benches"]).flat_map(list_files);
    files.filter(|path| is_bad(path, &fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_file_starts_with_its_purpose() {
    assert_eq!(offenders(|_, text| !says_what_it_is_for(text)), Vec::<PathBuf>::new());
}

#[test]
fn every_file_is_within_the_line_limit() {
    let files = CODE.iter().flat_map(|folder| read_code(folder));
    let long = files.filter(|file| file.line_count() > LONGEST);
    let long: Vec<String> =
        long.map(|file| format!("{}: {} lines", file.path.display(), file.line_count())).collect();
    assert_eq!(long, [""; 0]);
}

#[test]
fn no_file_has_a_meaningless_name() {
    assert_eq!(offenders(|path, _| is_named_after_nothing(path)), Vec::<PathBuf>::new());
}

#[test]
fn no_test_file_is_forgotten() {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    let files: Vec<(PathBuf, String)> = list_files("tests/it").into_iter().map(read).collect();
    assert_eq!(undeclared_files(&files), Vec::<&PathBuf>::new());
}

#[test]
fn a_seeded_long_file_is_detected() {
    // A front page that declares its tests first was once counted up to that line.
    let code = "fn f() {}\n".repeat(LONGEST);
    let file = |text: &str| SourceFile::parse("src/x.rs", text).line_count();
    assert_eq!(file(&format!("#[cfg(test)]\nmod laws;\n{code}fn g() {{}}\n")), LONGEST + 1);
    assert_eq!(file(&format!("{code}#[cfg(test)]\nmod tests {{\n    fn h() {{}}\n}}\n")), LONGEST);
}

#[test]
fn seeded_undocumented_misnamed_and_undeclared_files_are_detected() {
    assert!(!says_what_it_is_for("use std::fs;\n//! Too late.\n"));
    assert!(is_named_after_nothing(Path::new("src/text/utils.rs")));
    let file = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
    let files = [
        file("tests/it/main.rs", "mod a;\n"),
        file("tests/it/a.rs", "mod b;\n"),
        file("tests/it/a/b.rs", ""),
        file("tests/it/a/c.rs", ""),
    ];
    assert_eq!(undeclared_files(&files), [&PathBuf::from("tests/it/a/c.rs")]);
}
