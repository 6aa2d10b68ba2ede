//! One place prints: whatever a terminal or a runner would act on is escaped there.

use super::source::{SourceFile, read_code};
use std::path::Path;

/// The place.
const SINK: &str = "src/cli/print.rs";

/// Who may print text of the program alone, byte for byte.
const OWN_TEXT: [&str; 3] = ["src/cli/completions.rs", "src/cli/man.rs", "src/cli/schema.rs"];

/// What a file has that prints past the sink.
fn leaks(file: &SourceFile) -> Vec<String> {
    let code: proc_macro2::TokenStream = file.code.iter().cloned().collect();
    let text: String = code.to_string().split_whitespace().collect();
    let asked = ["use_stderr()", "stdout().is_terminal()", "stderr().is_terminal()"];
    let text = asked.iter().fold(text, |text, question| text.replace(question, ""));
    let mut forbidden = vec!["stdout()", "stderr()", "io::stdout", "io::stderr", "error.print()"];
    forbidden.extend(["println!", "print!(", "dbg!", "/dev/stdout", "/dev/stderr"]);
    if !OWN_TEXT.iter().any(|path| file.path == Path::new(path)) {
        forbidden.push("print_own_text");
    }
    let found = forbidden.into_iter().filter(|word| text.contains(word));
    found.map(|word| format!("{}: {word}", file.path.display())).collect()
}

#[test]
fn nothing_is_printed_past_the_sink() {
    let files = read_code("src").into_iter().filter(|file| file.path != Path::new(SINK));
    assert_eq!(files.flat_map(|file| leaks(&file)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_seeded_leak_is_detected() {
    let leaks = |text: &str| leaks(&SourceFile::parse("src/x.rs", text)).len();
    assert_eq!(leaks("fn f() { io::stdout().is_terminal() }"), 0);
    assert!(leaks("fn f() { io::stdout().write_all(b\"\") }") > 0);
    assert!(leaks("fn f() { let log = fmt().with_writer(std::io::stderr); }") > 0);
    assert!(leaks("fn f() { _ = error.print(); }") > 0);
    assert!(leaks("fn f() { print_own_text(name) }") > 0);
}
