//! The findings about a file that is not TOML: the parser's descriptions, in this tool's words.
//!
//! A parser that continues after a mistake reports others that only follow from it. So each line has at most one
//! finding, and nothing is reported after a list that is never closed. A description of the parser that has no entry
//! here is shown unchanged.

use crate::finding::{Code, Finding, FindingLocation, SourceId, Span};
use std::ops::Range;

/// What is wrong, and what to do.
struct SyntaxAdvice {
    message: &'static str,
    help: &'static str,
}

/// The help for a mistake that has no help of its own.
const HELP: &str = "the files are TOML: `poolwright init` writes one to start from";

/// Returns the findings about the errors of a file, and leaves out of `findings` what only follows from them.
pub(super) fn report_errors(
    source: SourceId,
    text: &str,
    errors: &[toml::de::Error],
    findings: Vec<Finding>,
) -> Vec<Finding> {
    let mut spans: Vec<_> = errors.iter().filter_map(toml::de::Error::span).collect();
    spans.sort_by_key(|span| span.start);
    let lines: Vec<usize> = spans.iter().map(|span| line_start(text, span.start)).collect();
    let is_own = |finding: &Finding| {
        let FindingLocation::Source(Span { bytes, .. }) = &finding.location else { return true };
        // The parser puts a value that it made up at the start of the file, where no value can be.
        let is_made_up = finding.code == Code::WrongType && bytes.start == 0 && !errors.is_empty();
        let is_beside = lines.binary_search(&line_start(text, bytes.start)).is_ok();
        !is_made_up && !is_beside && !is_cut_short(bytes, text, &spans)
    };
    let own = findings.into_iter().filter(is_own);
    own.chain(first_errors(text, errors).map(|error| syntax_error(source, text, error))).collect()
}

/// Returns the first error of each line, up to a list that is never closed.
fn first_errors<'e>(
    text: &str,
    errors: &'e [toml::de::Error],
) -> impl Iterator<Item = &'e toml::de::Error> {
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let mut sorted: Vec<_> = errors.iter().collect();
    sorted.sort_by_key(|error| start(error));
    let is_unclosed = |error: &&toml::de::Error| {
        ["unclosed array", "unclosed inline table"].contains(&description(error))
    };
    if sorted.iter().any(is_unclosed) {
        let is_first = |error: &&toml::de::Error| INSIDE.contains(&description(error));
        let end = sorted.iter().position(is_first).map_or(sorted.len(), |at| at + 1);
        sorted.truncate(end);
    }
    sorted.dedup_by_key(|error| line_start(text, start(error)));
    sorted.into_iter()
}

const MISSING_COMMA: &str = "missing comma between array elements";
const MISSING_TABLE_COMMA: &str = "missing comma between key-value pairs";
const MISSING_TABLE_KEY: &str = "missing key for inline table element";

/// What is wrong with the text after a list or table that is not closed.
const INSIDE: [&str; 3] = [MISSING_COMMA, MISSING_TABLE_COMMA, MISSING_TABLE_KEY];

/// Whether a syntax error cuts short the value at `bytes`. The errors are sorted by position.
fn is_cut_short(bytes: &Range<usize>, text: &str, errors: &[Range<usize>]) -> bool {
    // Between the value and any later error stands at least what is before the next one.
    let next = errors.get(errors.partition_point(|error| error.start < bytes.start));
    next.and_then(|error| text.get(bytes.end..error.start).map(|between| between.trim().is_empty()))
        .unwrap_or(next.is_some())
}

fn syntax_error(source: SourceId, text: &str, error: &toml::de::Error) -> Finding {
    let bytes = error.span().unwrap_or_default();
    let about = text.get(bytes.clone()).unwrap_or_default();
    let first = first_place(text, &bytes).map(|bytes| Span { source, bytes });
    let at = Span { source, bytes: bytes.clone() };
    if description(error) == "duplicate key" {
        let finding = Finding::error(Code::Syntax, at, format!("`{about}` is declared twice"))
            .with_help("put everything about it in one place, or remove one of the two");
        return match first {
            Some(first) => finding.with_other_place(first, "the first one"),
            None => finding,
        };
    }
    let before = text.get(..bytes.start).unwrap_or_default();
    let SyntaxAdvice { message, help } = if before.trim_end_matches([' ', '\t']).ends_with('=')
        && (about.trim().is_empty() || about.starts_with(['}', ',', ']', '#']))
    {
        SyntaxAdvice { message: "the key has no value", help: "write `key = value`" }
    } else if let Some(advice) = find_advice(error) {
        advice
    } else {
        let message = error.message().trim().replace('\n', ", ");
        return Finding::error(Code::Syntax, at, message).with_help(HELP);
    };
    Finding::error(Code::Syntax, at, message).with_help(help)
}

/// The parser's description, without what it expects.
fn description(error: &toml::de::Error) -> &str {
    let message = error.message().trim();
    message.split_once(['\n', ',']).map_or(message, |(description, _)| description)
}

fn find_advice(error: &toml::de::Error) -> Option<SyntaxAdvice> {
    let description = description(error);
    // The parser has one description for a string that does not end and for one with a control character.
    if description.ends_with("string") && error.message().contains("characters") {
        let help = "write it as an escape, such as `\\u001B`";
        return Some(SyntaxAdvice { message: "the string contains a control character", help });
    }
    let row = ADVICE.iter().find(|row| row.descriptions.contains(&description))?;
    Some(SyntaxAdvice { message: row.message, help: row.help })
}

/// What some descriptions of the parser mean.
struct AdviceRow {
    descriptions: &'static [&'static str],
    message: &'static str,
    help: &'static str,
}

const ADVICE: [AdviceRow; 24] = [
    AdviceRow {
        descriptions: &["unclosed table"],
        message: "the header has no closing `]`",
        help: "write a header such as `[pools.kubernetes]`; a name with spaces or other characters stands in quotes",
    },
    AdviceRow {
        descriptions: &["unclosed array table"],
        message: "the header does not end with `]]`",
        help: "write a header such as `[[placements]]`",
    },
    AdviceRow {
        descriptions: &["unclosed array"],
        message: "the list has no closing `]`",
        help: "add `]` after its last element",
    },
    AdviceRow {
        descriptions: &["unclosed inline table"],
        message: "the table has no closing `}`",
        help: "add `}` after its last value",
    },
    AdviceRow {
        descriptions: &[MISSING_COMMA],
        message: "a list is not closed, or lacks a comma before this",
        help: "write a list such as `[\"a\", \"b\"]`",
    },
    AdviceRow {
        descriptions: &[MISSING_TABLE_COMMA, MISSING_TABLE_KEY],
        message: "a table is not closed, or something is missing here",
        help: "write a table such as `{ url = \"…\", thumbprint = \"…\" }`",
    },
    AdviceRow {
        descriptions: &["extra comma in array", "extra comma in inline table"],
        message: "there is a comma too many",
        help: "remove it",
    },
    AdviceRow {
        descriptions: &["unexpected `=` in array"],
        message: "the list has a `=`",
        help: "close the list with `]` before the next key",
    },
    AdviceRow {
        descriptions: &["unexpected key or value", "unexpected content"],
        message: "nothing more may follow on this line",
        help: "begin a new line, or a comment, which starts with `#`",
    },
    AdviceRow {
        descriptions: &["string values must be quoted", "invalid value"],
        message: "this is not a value",
        help: "put a string in quotes; other values are numbers, `true`, `false`, lists and tables",
    },
    AdviceRow {
        descriptions: &["invalid boolean"],
        message: "this is not a value",
        help: "write `true` or `false`, in lower case",
    },
    AdviceRow {
        descriptions: &["key with no value", "missing value for key", "missing value"],
        message: "the key has no value",
        help: "write `key = value`; a comment starts with `#`",
    },
    AdviceRow {
        descriptions: &[
            "invalid basic string",
            "invalid literal string",
            "invalid multi-line basic string",
            "invalid multi-line literal string",
        ],
        message: "the string has no closing quote",
        help: "add the quote with which it begins",
    },
    AdviceRow {
        descriptions: &["missing escaped value"],
        message: "the string contains an unknown escape",
        help: "write a backslash as `\\\\`, or the string in single quotes, where it is an ordinary character",
    },
    AdviceRow {
        descriptions: &["too few unicode value digits"],
        message: "the escape has too few digits",
        help: "write four digits after `\\u`, or eight after `\\U`",
    },
    AdviceRow {
        descriptions: &["unexpected leading zero"],
        message: "the number starts with a zero",
        help: "remove the zero",
    },
    AdviceRow {
        descriptions: &["`_` may only go between digits"],
        message: "the number has a `_` that is not between digits",
        help: "remove it",
    },
    AdviceRow {
        descriptions: &["unquoted keys cannot be empty"],
        message: "a name is missing here",
        help: "write the name of a key",
    },
    AdviceRow {
        descriptions: &["invalid unquoted key"],
        message: "the key contains a character that needs quotes",
        help: "put a key with other characters than letters, digits, `-` and `_` in quotes; a value follows `=`, and a comment starts with `#`",
    },
    AdviceRow {
        descriptions: &["extra `=`", "extra assignment between key-value pairs"],
        message: "there is a `=` too many",
        help: "remove it",
    },
    AdviceRow {
        descriptions: &["carriage return must be followed by newline"],
        message: "a carriage return stands alone",
        help: "save the file with the line endings of one system",
    },
    AdviceRow {
        descriptions: &["invalid comment character"],
        message: "the comment contains a control character",
        help: "remove it",
    },
    AdviceRow {
        descriptions: &["invalid key-value pair"],
        message: "this is neither a key nor a header",
        help: HELP,
    },
    AdviceRow {
        descriptions: &["cannot recurse further; max recursion depth met"],
        message: "lists or tables are nested too deeply",
        help: "write tables below headers in brackets",
    },
];

/// Returns where the line of a position starts.
fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Returns the header, or the key below the same header, that the one at `bytes` repeats.
fn first_place(text: &str, bytes: &Range<usize>) -> Option<Range<usize>> {
    let start = line_start(text, bytes.start);
    let (key, before) = (text.get(bytes.clone())?, text.get(..start)?);
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let header = |line: &str| line.trim().split('#').next().map(str::trim_end).map(str::to_owned);
    let own = text.get(start..)?.lines().next()?;
    let mut end = before.len();
    for line in before.split_inclusive('\n').rev() {
        let from = end - line.len();
        end = from;
        let offset = line.len() - line.trim_start().len();
        if is_header(own) {
            if is_header(line) && header(line) == header(own) {
                return Some(from + offset..from + line.trim_end().len());
            }
        } else if is_header(line) {
            return None;
        } else if line.split('=').next().is_some_and(|name| name.trim() == key) {
            return Some(from + offset..from + offset + key.len());
        }
    }
    None
}
