//! What may be replaced by what.

use super::*;
use serde_json::json;
use tempfile::TempDir;

fn plan_text(url: &str, space: &str, file: &str) -> String {
    let plan = json!({
        "format_version": "1.0", "tool": { "name": "poolwright", "version": "0.1.0" },
        "server": { "url": url, "version": "2026.2", "space_id": "Spaces-1", "space": space },
        "config": { "files": [file], "digest": "sha256:0" },
        "changes": [], "findings": [], "summary": {},
    });
    plan.to_string()
}

fn receipt_text() -> String {
    let receipt = json!({
        "format_version": "1.1", "status": "done", "tool": "poolwright 0.1.0",
        "server": { "url": "https://a", "version": "1", "space_id": "Spaces-1", "space": "Default" },
        "config": "sha256:0", "started": "2026-11-23T14:51:07Z", "ended": null, "changes": [],
    });
    receipt.to_string()
}

fn is_own(text: &str) -> bool {
    text.contains("poolwright report")
}

#[test]
fn only_empty_files_and_own_earlier_outputs_are_replaced() {
    let files = ["workers.toml".to_owned(), "more.toml".to_owned()];
    let plan = |url, space| OutputKind::Plan(PlanSubject { url, space, files: &files });
    let all = plan(Some("https://a/"), Some("my-space"));
    let report = OutputKind::Report { noun: "the Markdown", is_own };
    let own = plan_text("https://a", "My Space", "workers.toml");
    let receipt = receipt_text();
    let start = r#"{"format_version":"1.1","status":"runn"#;
    let later = r#"{"format_version": "2.0"}"#;
    let config = "version = 1\n[pools.sql]\nname = \"SQL\"\n";
    let decide = |kind: OutputKind, content: &str| match check_previous(&kind, content.as_bytes()) {
        Ok(PreviousContent::Replaceable) => "replaced".to_owned(),
        Ok(PreviousContent::OtherReceipt) => "kept beside".to_owned(),
        Err(what) => format!("it is {what}"),
    };
    let table = [
        (all, "", "replaced"),
        (all, " \n", "replaced"),
        (all, own.as_str(), "replaced"),
        (plan(None, None), &own, "replaced"),
        (plan(None, Some("spaces-1")), &own, "replaced"),
        (plan(Some("https://b"), None), &own, "it is a plan for `https://a`"),
        (plan(None, Some("Other")), &own, "it is a plan for space `My Space`"),
        (
            all,
            &plan_text("https://a", "My Space", "other.toml"),
            "it is a plan made from `other.toml`",
        ),
        (all, &receipt, "it is the receipt of an apply"),
        (all, config, "it is a file that poolwright did not write"),
        (all, r#"{"changes": []}"#, "it is a file that poolwright did not write"),
        (all, "poolwright report", "it is a file that poolwright did not write"),
        (OutputKind::Receipt, "", "replaced"),
        (OutputKind::Receipt, &receipt, "kept beside"),
        (OutputKind::Receipt, start, "kept beside"),
        (OutputKind::Receipt, later, "kept beside"),
        (OutputKind::Receipt, &own, "it is a saved plan"),
        (OutputKind::Receipt, config, "it is a file that poolwright did not write"),
        (report, "a poolwright report", "replaced"),
        (report, "# README", "it is a file that poolwright did not write"),
        (report, &own, "it is a saved plan"),
        (report, &receipt, "it is the receipt of an apply"),
    ];
    for (kind, content, expected) in table {
        assert_eq!(decide(kind, content), expected, "{kind:?}: {content}");
    }
}

/// Returns why these outputs are refused, with the folder left out.
fn refusal(folder: &TempDir, input: &str, outputs: &[&str]) -> String {
    let path = |name: &str| folder.path().join(name);
    let (input, paths) = (path(input), outputs.iter().map(|name| path(name)));
    let paths: Vec<_> = paths.collect();
    let nouns = ["the Markdown", "the report"];
    let outputs = paths.iter().zip(nouns);
    let outputs: Vec<_> = outputs
        .map(|(path, noun)| OutputFile { path, kind: OutputKind::Report { noun, is_own } })
        .collect();
    let checked = check_outputs(&[InputFile { path: &input, what: "the input" }], &outputs);
    let refused = checked.map_or_else(|error| error.to_string(), |()| "allowed".to_owned());
    refused.replace(&*folder.path().to_string_lossy(), "DIR")
}

#[test]
fn an_output_path_must_not_alias_an_input_or_another_output() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("in"), "poolwright report").unwrap();
    let told = |outputs: &[&str]| refusal(&folder, "in", outputs);
    assert_eq!(told(&["new", "other"]), "allowed");
    insta::assert_snapshot!(told(&["in"]), @"cannot save the Markdown to `DIR/in`: it is the input");
    insta::assert_snapshot!(told(&["sub/../in"]), @"cannot save the Markdown to `DIR/sub/../in`: it is the input");
    insta::assert_snapshot!(told(&["new", "sub/../new"]), @"cannot save the Markdown and the report to the same file `DIR/sub/../new`");
    insta::assert_snapshot!(told(&["deep/er/new", "deep/./er/new"]), @"cannot save the Markdown and the report to the same file `DIR/deep/./er/new`");
    insta::assert_snapshot!(told(&["sub"]), @"cannot save the Markdown to `DIR/sub`: it is a folder");
    assert_eq!(told(&["/dev/null", "/dev/null"]), "allowed");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("in", folder.path().join("link")).unwrap();
        fs::hard_link(folder.path().join("in"), folder.path().join("hard")).unwrap();
        insta::assert_snapshot!(told(&["link"]), @"cannot save the Markdown to `DIR/link`: it is the input");
        insta::assert_snapshot!(told(&["hard"]), @"cannot save the Markdown to `DIR/hard`: it is the input");
    }
}

#[test]
fn a_path_is_shown_as_a_shell_argument() {
    let arguments = ["plan.json", "./a/b-c.json", "my plan.json", "-x", "$(x)", "C:\\a b"];
    let arguments = arguments.map(|path| path_argument(Path::new(path)));
    insta::assert_snapshot!(arguments.join("\n"), @r#"
    plan.json
    ./a/b-c.json
    "my plan.json"
    ./-x
    '$(x)'
    'C:\a b'
    "#);
}
