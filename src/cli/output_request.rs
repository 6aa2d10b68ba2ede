//! `--out FORMAT=FILE`: further formats of what a command shows, each in a file of its own.

use super::{
    format::{OutputFormat, OutputSubject},
    output_file::{OutputFile, OutputKind, path_argument, print_saved},
    print::{printable_text, warn_secret_in_file},
    replace_file::{replace_file, replace_shared_file},
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A format, and the file that it is written to.
#[derive(Clone, Debug)]
pub(super) struct OutputRequest {
    /// The format.
    pub(super) format: OutputFormat,
    /// The path, as the user gave it.
    pub(super) path: PathBuf,
    subject: OutputSubject,
}

impl OutputRequest {
    /// Parses `FORMAT=FILE`.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it, and which formats there are.
    pub(super) fn parse(text: &str, subject: OutputSubject) -> Result<Self, String> {
        let words: Vec<_> = subject.formats().iter().map(|format| format.word()).collect();
        let words = words.join(", ");
        let Some((word, path)) = text.split_once('=') else {
            return Err(format!("a format is missing: write `FORMAT=FILE`, with one of {words}"));
        };
        let format = OutputFormat::from_word(word).filter(|it| subject.formats().contains(it));
        let Some(format) = format else {
            return Err(format!("this command does not write `{word}`; it writes {words}"));
        };
        if path.is_empty() {
            return Err(format!("a file is missing after `{word}=`"));
        }
        if path == "-" {
            return Err(format!("for standard output, write `--format {word}`"));
        }
        Ok(Self { format, path: PathBuf::from(path), subject })
    }

    /// Returns the file, for the checks of what it may replace. Not for the JSON of a plan, which is a saved plan.
    pub(super) fn output_file(&self) -> OutputFile<'_> {
        let kind = OutputKind::Report { noun: self.noun(), is_own: own_check(self) };
        OutputFile { path: &self.path, kind }
    }

    /// Whether it is the JSON of a plan, which `apply` takes.
    pub(super) fn is_saved_plan(&self) -> bool {
        self.subject == OutputSubject::Plan && self.format == OutputFormat::Json
    }

    fn noun(&self) -> &'static str {
        match self.format {
            OutputFormat::Text => "the text",
            OutputFormat::Json => "the JSON",
            OutputFormat::Markdown => "the Markdown",
            OutputFormat::Html => "the page",
            OutputFormat::Sarif => "the SARIF",
            OutputFormat::Junit => "the JUnit XML",
            OutputFormat::CodeQuality => "the Code Quality report",
            OutputFormat::Csv => "the CSV",
        }
    }

    /// Writes the text to the file, whole or not at all, and says where.
    pub(super) fn save(&self, text: &str) -> anyhow::Result<()> {
        if self.subject == OutputSubject::Apply && self.format == OutputFormat::Json {
            // A receipt is for this user, and `rollback` needs all of it.
            replace_file(&self.path, text.as_bytes())?;
            warn_secret_in_file(&self.path, text);
        } else {
            // Other programs read a report, under users of their own.
            let text = printable_text(text, self.format.syntax());
            replace_shared_file(&self.path, text.as_bytes())?;
        }
        print_saved(&self.path, &self.next_step());
        Ok(())
    }

    fn next_step(&self) -> String {
        match (self.format, self.subject) {
            (OutputFormat::Text, _) => "read it as it is".to_owned(),
            (OutputFormat::Json, OutputSubject::Apply) => {
                format!("undo the apply with `poolwright rollback {}`", path_argument(&self.path))
            }
            (OutputFormat::Json, OutputSubject::Check) => {
                "`poolwright schema findings` prints its schema".to_owned()
            }
            (OutputFormat::Json, _) => "read it with a script".to_owned(),
            (OutputFormat::Markdown, _) => "add it to the pull request as a comment".to_owned(),
            (OutputFormat::Html, _) => "open it in a browser".to_owned(),
            (OutputFormat::Sarif, _) => "upload it to code scanning".to_owned(),
            (OutputFormat::Junit, _) => "publish it as a test report".to_owned(),
            (OutputFormat::CodeQuality, _) => {
                "name it in the job as `artifacts:reports:codequality`".to_owned()
            }
            (OutputFormat::Csv, _) => "open it as a spreadsheet".to_owned(),
        }
    }
}

/// Writes what `render` returns for each request, all of it rendered before anything is written.
///
/// # Errors
///
/// Fails for the first file that cannot be written; all others are written.
pub(super) fn save_outputs(
    requests: &[OutputRequest],
    render: impl Fn(&OutputRequest) -> Option<String>,
) -> anyhow::Result<()> {
    let texts: Vec<_> = requests.iter().map(|request| (request, render(request))).collect();
    // One that cannot be written must not cost the others.
    let mut saved = Ok(());
    for (request, text) in &texts {
        let Some(text) = text else { continue };
        saved = saved.and(request.save(text));
    }
    saved
}

/// Returns what recognizes an earlier output of the same kind, which may be replaced.
fn own_check(request: &OutputRequest) -> fn(&str) -> bool {
    match (request.format, request.subject) {
        (OutputFormat::Text, _) => is_own_text,
        (OutputFormat::Markdown, _) => |text| text.contains("<!-- poolwright"),
        (OutputFormat::Html, _) => is_own_page,
        (OutputFormat::Sarif, _) => {
            |text| json_member(text, "/runs/0/tool/driver/name") == Some("poolwright".into())
        }
        (OutputFormat::Junit, _) => |text| text.contains("<testsuites name=\"poolwright "),
        (OutputFormat::CodeQuality, _) => is_code_quality,
        (OutputFormat::Csv, _) => |text| text.starts_with("kind,what,type,disabled,"),
        (OutputFormat::Json, OutputSubject::Explain) => {
            |text| json_member(text, "/steps").is_some() && json_member(text, "/unseen").is_some()
        }
        (OutputFormat::Json, OutputSubject::Apply) => {
            |text| json_member(text, "/changes/0/outcome").is_some()
        }
        (OutputFormat::Json, OutputSubject::Plan | OutputSubject::Check) => |text| {
            json_member(text, "/tool/name") == Some("poolwright".into())
                && json_member(text, "/changes").is_none()
        },
    }
}

fn json_member(text: &str, pointer: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.pointer(pointer).cloned()
}

/// Whether a text is an array of violations; an empty one says nothing that could be lost.
fn is_code_quality(text: &str) -> bool {
    let violations: Option<Vec<Value>> = serde_json::from_str(text).ok();
    violations.is_some_and(|all| {
        all.iter().all(|it| it.get("check_name").is_some() && it.get("fingerprint").is_some())
    })
}

fn is_own_page(text: &str) -> bool {
    text.starts_with("<!DOCTYPE html>") && text.contains(" · poolwright</title>")
}

/// Whether the last line of a text is one with which the tool ends its texts.
fn is_own_text(text: &str) -> bool {
    let last = text.trim_end().lines().next_back().unwrap_or_default();
    let starts = ["Plan: ", "No changes", "Applied: ", "Not applied: "];
    let counts = [" error", " denied", " warning", " step", " use"];
    let is_count = last.starts_with(|c: char| c.is_ascii_digit())
        && counts.iter().any(|noun| last.contains(noun));
    is_count
        || last.ends_with(": no problems found")
        || starts.iter().any(|start| last.starts_with(start))
}

/// Returns the paths of the requests for the JSON of a plan.
pub(super) fn saved_plan_paths(requests: &[OutputRequest]) -> impl Iterator<Item = &Path> {
    let plans = requests.iter().filter(|request| request.is_saved_plan());
    plans.map(|request| request.path.as_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_a_format_of_the_command_and_a_file() {
        let parse = |text| OutputRequest::parse(text, OutputSubject::Check);
        let request = parse("junit=a=b.xml").unwrap();
        assert_eq!((request.format, request.path), (OutputFormat::Junit, PathBuf::from("a=b.xml")));
        let errors = ["report.xml", "csv=a.csv", "xml=a", "json=", "json=-"];
        let errors = errors.map(|text| parse(text).unwrap_err());
        insta::assert_snapshot!(errors.join("\n"), @"
        a format is missing: write `FORMAT=FILE`, with one of text, json, markdown, sarif, junit, code-quality
        this command does not write `csv`; it writes text, json, markdown, sarif, junit, code-quality
        this command does not write `xml`; it writes text, json, markdown, sarif, junit, code-quality
        a file is missing after `json=`
        for standard output, write `--format json`
        ");
    }

    #[test]
    fn only_an_earlier_output_is_recognized() {
        let is_own = |request: &str, text: &str| {
            own_check(&OutputRequest::parse(request, OutputSubject::Plan).unwrap())(text)
        };
        assert!(is_own("text=a", "x\nPlan: 1 to create\n"));
        assert!(!is_own("text=a", "[pools.a]\nname = \"No changes\"\n"));
        assert!(is_own("code-quality=a", "[]"));
        assert!(!is_own("code-quality=a", r#"[{ "name": "mine" }]"#));
        assert!(!is_own(
            "sarif=a",
            r#"{ "runs": [{ "tool": { "driver": { "name": "other" } } }] }"#
        ));
        assert!(!is_own("junit=a", "<testsuites name=\"other\"/>"));
    }
}
