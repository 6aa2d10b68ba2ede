//! What a CI runner would take for a command in the log that it reads.
//!
//! # Source
//!
//! - GitHub Actions, and Gitea and Forgejo, which read the same: `::name::` at the start of a line, after white space;
//!   the older `##[name]` anywhere in it (`ActionCommand.cs` of `actions/runner`).
//! - Azure Pipelines: `##vso[` and `##[` anywhere in a line ("Logging commands").
//! - TeamCity: `##teamcity[` anywhere in a line ("Service messages").
//! - Octopus: `##octopus` anywhere in a line, with or without `[`, up to the next `]`, which may be lines later
//!   (`ServiceMessageParser.cs` of `OctopusDeploy/Calamari`).
//! - GitLab: `section_start:` and `section_end:` with a time ("Custom collapsible sections").
//! - Buildkite: `---`, `+++`, `~~~` and `^^^ +++` at the start of a line ("Managing log output").
//!
//! - Jenkins: `ConsoleNote.java` of `jenkinsci/jenkins` reads notes that begin with hidden terminal text, and plugins
//!   colour by terminal sequences; control characters are escaped anyway. Plugins that search a log by patterns of the
//!   job's own cannot be known here.
//! - Bitbucket Pipelines documents no commands in logs.

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

/// `##vso[`, `##teamcity[`, `##[` and whatever else is named like these, and `##octopus` even without a bracket.
fn is_bracketed(rest: &str) -> bool {
    const OPEN_ENDED: &str = "octopus";
    let Some(rest) = rest.strip_prefix("##") else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let start = rest.get(..OPEN_ENDED.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(OPEN_ENDED))
        || rest.trim_start_matches(is_name).starts_with('[')
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
    fn ci_commands_are_broken_and_lookalikes_are_kept() {
        let lines = [
            "::add-mask::x",
            "\t\u{a0}::add-mask::x",
            "  ::error file=a::b",
            "a ::add-mask::x",
            "pool ##vso[task.setvariable variable=PATH]x",
            "##[group]x",
            "###[error]x",
            "x ##teamcity[buildStop] ##octopus[setVariable name='x']",
            "x ##octopus setVariable name='eA==' value='eA==']",
            "##octopus",
            "setVariable name='eA==' value='eA==']",
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
        x \u{23}#octopus setVariable name='eA==' value='eA==']
        \u{23}#octopus
        setVariable name='eA==' value='eA==']
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
