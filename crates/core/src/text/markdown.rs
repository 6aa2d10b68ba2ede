//! Writes untrusted text into Markdown, so that a name stays a name.
//!
//! A name must not mention a person, link anywhere, close a table, embed an image or become HTML, in any of GitHub,
//! GitLab, Azure DevOps and Bitbucket. So every name stands in a code span, where none of them interprets anything,
//! and prose shows only words that none of them interprets; any other word becomes a code span too.

use super::escape::Escaped;

/// How many characters of a name are shown.
const LONGEST_NAME: usize = 200;

/// Returns a name as a code span.
pub fn code_span(name: &str) -> String {
    span_of(&shorten(&Escaped(name).to_string()))
}

/// Returns a name as a code span in a cell of a table, where `|` would end the cell even in a code span.
pub fn code_cell(name: &str) -> String {
    span_of(&shorten(&Escaped(name).to_string().replace('|', "\\u{7c}")))
}

/// Returns a name as code in HTML, for places in which Markdown is not interpreted, such as a `<summary>`.
pub fn code_html(name: &str) -> String {
    let mut html = String::from("<code>");
    for c in shorten(&Escaped(name).to_string()).chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html.push_str("</code>");
    html
}

/// Returns a message with names in it: what stands between backticks, and every word that is not plain, as code spans.
pub fn prose(message: &str) -> String {
    // An odd backtick is part of a name.
    let parts: Vec<&str> = message.split('`').collect();
    let is_balanced = parts.len() % 2 == 1;
    if !is_balanced {
        return plain_words(message);
    }
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
        let part = if at % 2 == 1 { code_span(part) } else { plain_words(part) };
        // Two code spans side by side would be read as one with another fence.
        if text.ends_with('`') && part.starts_with('`') {
            text.push(' ');
        }
        text.push_str(&part);
    }
    text
}

fn plain_words(text: &str) -> String {
    let text = Escaped(text).to_string();
    let mut shown: Vec<String> = Vec::new();
    // Words that stand in one code span: `projects["Web Store"]` is two.
    let mut code: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        let is_open = code.iter().map(|word| word.matches('"').count()).sum::<usize>() % 2 == 1;
        if is_open || !word.is_empty() && !is_plain_word(word) {
            code.push(word);
            continue;
        }
        if !code.is_empty() {
            shown.push(span_of(&shorten(&code.join(" "))));
            code.clear();
        }
        shown.push(word.to_owned());
    }
    if !code.is_empty() {
        shown.push(span_of(&shorten(&code.join(" "))));
    }
    shown.join(" ")
}

/// Whether no Markdown that we know interprets a word.
fn is_plain_word(word: &str) -> bool {
    if word == "=" || is_time(word) {
        return true;
    }
    let is_plain = |c: char| c.is_alphanumeric() || ",.;:'\"()-–—…→/".contains(c);
    let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
    // `:smile:`, `www.acme.example`, `https://…`, `a.b`, and a list's `1.`.
    let has_inner_mark = inner.contains(['.', ':']) || word.starts_with(':') || word.contains("//");
    let is_number_of_list = inner.chars().all(|c| c.is_ascii_digit()) && word.ends_with(['.', ')']);
    // A commit's id, and an issue of some tracker: `GH-1`, `OPS-42`.
    let is_commit = inner.len() >= 7 && inner.chars().all(|c| c.is_ascii_hexdigit());
    let is_issue = inner.split_once('-').is_some_and(|(project, number)| {
        project.chars().all(|c| c.is_ascii_uppercase())
            && number.starts_with(|c: char| c.is_ascii_digit())
    });
    let is_rule = inner.is_empty() && word.contains("--");
    word.chars().all(is_plain)
        && !(has_inner_mark || is_number_of_list || is_commit || is_issue || is_rule)
}

/// Whether a word is a time of day such as `17:45`.
fn is_time(word: &str) -> bool {
    let is_number = |text: &str| text.len() == 2 && text.chars().all(|c| c.is_ascii_digit());
    word.split_once(':').is_some_and(|(hour, minute)| is_number(hour) && is_number(minute))
}

/// Returns a code span with a fence that the text does not contain.
fn span_of(text: &str) -> String {
    if text.is_empty() {
        return "``  ``".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A code span loses one space at each end if it has one at both, and a backtick at an end needs one.
    let needs_space = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let space = if needs_space { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST_NAME) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_code_and_a_plain_word_is_prose() {
        let names =
            ["Web Store", "a`b", "`", " x ", "a|b", "@all", "<img src=x>", "two\nlines", ""];
        let spans: Vec<_> = names.iter().map(|name| code_cell(name)).collect();
        insta::assert_snapshot!(spans.join("\n"), @r"
        `Web Store`
        ``a`b``
        `` ` ``
        `  x  `
        `a\u{7c}b`
        `@all`
        `<img src=x>`
        `two\nlines`
        ``  ``
        ");
        let messages = [
            "`@all` would run nowhere, since pools.sql has no worker",
            "an odd ` backtick, @mention and #123 or !7",
            "see https://evil.example/x or www.evil.example, :smile: GH-1 deadbeef 1. --- <b>",
            "2 steps wait; none of the 3 workers is healthy (see below)",
        ];
        insta::assert_snapshot!(messages.map(prose).join("\n"), @"
        `@all` would run nowhere, since `pools.sql` has no worker
        an odd `` ` `` backtick, `@mention` and `#123` or `!7`
        see `https://evil.example/x` or `www.evil.example, :smile: GH-1 deadbeef 1. --- <b>`
        2 steps wait; none of the 3 workers is healthy (see below)
        ");
        assert_eq!(code_html("<b>\"&'"), "<code>&lt;b&gt;&quot;&amp;&#39;</code>");
    }

    proptest! {
        /// What is outside of code spans holds nothing that any Markdown interprets.
        #[test]
        fn nothing_outside_of_code_is_interpreted(text in "([ -~\\n\u{202e}é]|`|`a`|@b| ){0,40}") {
            for rendered in [prose(&text), code_span(&text), code_cell(&text)] {
                prop_assert!(!rendered.contains('\n'));
                let outside = outside_of_code(&rendered);
                prop_assert!(outside.is_some(), "{rendered}: a code span does not end");
                let outside = outside.unwrap();
                prop_assert!(!outside.contains(['<', '>', '@', '#', '[', ']', '*', '_', '!', '&', '\\', '|', '~', '$']), "{rendered}");
                prop_assert!(!outside.contains("://") && !outside.contains("www."), "{rendered}");
            }
            prop_assert!(!code_cell(&text).contains('|'));
        }
    }

    /// Returns what stands outside of code spans, as CommonMark finds them; `None` if one does not end.
    fn outside_of_code(text: &str) -> Option<String> {
        let mut outside = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('`') {
            outside.push_str(&rest[..at]);
            let fence = fence_length(&rest[at..]);
            rest = after_fence(&rest[at + fence..], fence)?;
        }
        outside.push_str(rest);
        Some(outside)
    }

    fn fence_length(text: &str) -> usize {
        text.len() - text.trim_start_matches('`').len()
    }

    /// Returns what follows the next run of backticks of this length.
    fn after_fence(text: &str, fence: usize) -> Option<&str> {
        let mut rest = text;
        while let Some(at) = rest.find('`') {
            let length = fence_length(&rest[at..]);
            rest = &rest[at + length..];
            if length == fence {
                return Some(rest);
            }
        }
        None
    }
}
