//! What a CI runner would take for a command in the log that it reads.
//!
//! # Source
//!
//! - GitHub Actions, and Gitea and Forgejo, which read the same: `::name::` at the start of a line, after white space;
//!   the older `##[name]` anywhere in it (`ActionCommand.cs` of `actions/runner`).
//! - Azure Pipelines: `##vso[` and `##[` anywhere in a line ("Logging commands").
//! - TeamCity `##teamcity[` ("Service messages") and Octopus `##octopus[` ("Service messages"), anywhere in a line.
//! - GitLab: `section_start:` and `section_end:` with a time ("Custom collapsible sections").
//! - Buildkite: `---`, `+++`, `~~~` and `^^^ +++` at the start of a line ("Managing log output").
//!
//! Jenkins and Bitbucket Pipelines document no commands in logs. Jenkins' notes are hidden terminal text, and control
//! characters are escaped anyway.

/// Finds commands in a line that is read from its start.
#[derive(Debug, Default)]
pub(super) struct CommandScanner {
    seen: SeenText,
}

/// What came before in the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SeenText {
    #[default]
    Nothing,
    WhiteSpace,
    Anything,
}

impl CommandScanner {
    /// Returns whether a command begins at the start of `rest`; then its first character is to be escaped.
    ///
    /// To be called for each character, with everything from it to the end of the line.
    pub(super) fn begins_command(&mut self, rest: &str) -> bool {
        let seen = self.seen;
        self.seen = match rest.chars().next() {
            Some(c) if c.is_whitespace() && seen != SeenText::Anything => SeenText::WhiteSpace,
            _ => SeenText::Anything,
        };
        is_bracketed(rest)
            || is_section(rest)
            || (seen != SeenText::Anything && rest.starts_with("::"))
            || (seen == SeenText::Nothing && is_fold(rest))
    }
}

/// `##vso[`, `##teamcity[`, `##octopus[`, `##[`, and whatever else is named like these.
fn is_bracketed(rest: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    rest.strip_prefix("##").is_some_and(|it| it.trim_start_matches(name).starts_with('['))
}

/// `section_start:1560896352:name` and its end.
fn is_section(rest: &str) -> bool {
    let time = rest.strip_prefix("section_start:").or_else(|| rest.strip_prefix("section_end:"));
    time.is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_fold(rest: &str) -> bool {
    let after = ["---", "+++", "~~~", "^^^"].iter().find_map(|mark| rest.strip_prefix(mark));
    after.is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use crate::text::escape::{Syntax, escape_output};

    #[test]
    fn each_systems_commands_are_broken_and_what_only_looks_similar_stays() {
        let lines = [
            "::add-mask::x",
            "\t\u{a0}::add-mask::x",
            "  ::error file=a::b",
            "a ::add-mask::x",
            "pool ##vso[task.setvariable variable=PATH]x",
            "##[group]x",
            "###[error]x",
            "x ##teamcity[buildStop] ##octopus[setVariable name='x']",
            "section_start:1560896352:a\r\u{1b}[0K",
            "section_end:done",
            "--- a",
            "+++",
            "~~~ a",
            "^^^ +++",
            " --- a",
            "---a",
            "## Heading [x]",
            "a::b",
        ];
        let safe = escape_output(&lines.join("\n"), Syntax::Text).replace("\t\u{a0}", ">");
        insta::assert_snapshot!(safe, @r"
        \u{3a}:add-mask::x
        >\u{3a}:add-mask::x
          \u{3a}:error file=a::b
        a ::add-mask::x
        pool \u{23}#vso[task.setvariable variable=PATH]x
        \u{23}#[group]x
        #\u{23}#[error]x
        x \u{23}#teamcity[buildStop] \u{23}#octopus[setVariable name='x']
        \u{73}ection_start:1560896352:a\r\u{1b}[0K
        section_end:done
        \u{2d}-- a
        \u{2b}++
        \u{7e}~~ a
        \u{5e}^^ +++
         --- a
        ---a
        ## Heading [x]
        a::b
        ");
    }
}
