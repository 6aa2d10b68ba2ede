//! Commands to CI systems, each one line. Nothing else may be printed without the escapes of every text.
//!
//! A value may hold any text: each system's own escapes are applied here, and a value is made harmless for the other
//! systems before ([`escape_lines`]). Names of commands and of their properties are the program's own.

use poolwright_core::text::escape::{Escaped, Syntax, escape_output};
use std::fmt::Write as _;

/// A command: one line, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CiCommand(String);

/// The name of a property and its value.
pub(super) type Property<'a> = (&'static str, &'a str);

impl CiCommand {
    /// Returns the line.
    pub(super) fn as_line(&self) -> &str {
        &self.0
    }

    /// Returns a workflow command of GitHub Actions: `::name key=value,…::message`.
    ///
    /// # Source
    ///
    /// `packages/core/src/command.ts` of `actions/toolkit`: which characters are escaped in a message and in a property.
    pub(super) fn github(name: &'static str, properties: &[Property], message: &str) -> Self {
        let mut line = format!("::{name}");
        for (index, (key, value)) in properties.iter().enumerate() {
            let separator = if index == 0 { ' ' } else { ',' };
            let value = escape_percent(value, &[(':', "%3A"), (',', "%2C")], "%25");
            _ = write!(line, "{separator}{key}={value}");
        }
        _ = write!(line, "::{}", escape_percent(message, &[], "%25"));
        Self(line)
    }

    /// Returns a logging command of Azure Pipelines: `##vso[name key=value;…]message`.
    ///
    /// # Source
    ///
    /// `CommandStringConvertor` of `microsoft/azure-pipelines-agent`: `;`, `]`, line breaks and `%` (as `%AZP25`).
    pub(super) fn azure(name: &'static str, properties: &[Property], message: &str) -> Self {
        const SPECIAL: &[(char, &str)] = &[(';', "%3B"), (']', "%5D")];
        let mut line = format!("##vso[{name}");
        for (index, (key, value)) in properties.iter().enumerate() {
            let separator = if index == 0 { " " } else { "" };
            _ = write!(line, "{separator}{key}={};", escape_percent(value, SPECIAL, "%AZP25"));
        }
        _ = write!(line, "]{}", escape_percent(message, SPECIAL, "%AZP25"));
        Self(line)
    }

    /// Returns the begin of a group in the log of Azure Pipelines, or its end.
    ///
    /// # Source
    ///
    /// "Formatting commands" in "Logging commands".
    pub(super) fn azure_group(title: Option<&str>) -> Self {
        Self(title.map_or("##[endgroup]".to_owned(), |it| format!("##[group]{}", one_line(it))))
    }

    /// Returns a service message of TeamCity: `##teamcity[name key='value' …]`.
    ///
    /// # Source
    ///
    /// "Service messages", "Escaped values": `|`, quotes, brackets, line breaks, and any other character as `|0xNNNN`.
    pub(super) fn teamcity(name: &'static str, attributes: &[Property]) -> Self {
        let mut line = format!("##teamcity[{name}");
        for (key, value) in attributes {
            _ = write!(line, " {key}='{}'", escape_teamcity(value));
        }
        line.push(']');
        Self(line)
    }

    /// Returns a service message of Octopus: `##octopus[name key='base64' …]`.
    ///
    /// # Source
    ///
    /// `Bootstrap.sh` and `ServiceMessageParser.cs` of `OctopusDeploy/Calamari`.
    pub(super) fn octopus(name: &'static str, attributes: &[Property]) -> Self {
        let mut line = format!("##octopus[{name}");
        for (key, value) in attributes {
            _ = write!(line, " {key}='{}'", encode_base64(value.as_bytes()));
        }
        line.push(']');
        Self(line)
    }

    /// Returns the begin of a section in the log of GitLab, or its end without a title. `time` is in seconds.
    ///
    /// # Source
    ///
    /// "Custom collapsible sections" in "CI/CD job logs".
    pub(super) fn gitlab_section(name: &'static str, time: i64, title: Option<&str>) -> Self {
        let (word, title) = match title {
            Some(title) => ("section_start", one_line(title)),
            None => ("section_end", String::new()),
        };
        Self(format!("\u{1b}[0K{word}:{time}:{name}\r\u{1b}[0K{title}"))
    }

    /// Returns the begin of an open group in the log of Buildkite, which lasts until the next one.
    ///
    /// # Source
    ///
    /// "Managing log output".
    pub(super) fn buildkite_group(title: &str) -> Self {
        Self(format!("+++ {}", one_line(title)))
    }
}

/// Returns a text on which neither a terminal nor any CI system acts. Line breaks stay.
pub(super) fn escape_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| Escaped(line).to_string()).collect();
    escape_output(&lines.join("\n"), Syntax::Text)
}

/// Returns a clean text on one line.
fn one_line(text: &str) -> String {
    escape_output(&Escaped(text).to_string(), Syntax::Text)
}

/// Escapes line breaks, these special characters, and the percent sign of the escapes themselves.
fn escape_percent(text: &str, special: &[(char, &str)], percent: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => escaped.push_str(percent),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            _ => match special.iter().find(|(it, _)| *it == c) {
                Some((_, code)) => escaped.push_str(code),
                None => escaped.push(c),
            },
        }
    }
    escaped
}

fn escape_teamcity(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\'' | '[' | ']' => {
                escaped.push('|');
                escaped.push(c);
            }
            '\n' => escaped.push_str("|n"),
            '\r' => escaped.push_str("|r"),
            ' '..='~' => escaped.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    _ = write!(escaped, "|0x{unit:04X}");
                }
            }
        }
    }
    escaped
}

/// Encodes bytes in Base64, with padding (RFC 4648).
fn encode_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit) & 0x3f) as usize;
            let is_padding = digit > chunk.len();
            text.push(if is_padding { '=' } else { char::from(DIGITS[index]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "a%0A'b', c: [d]; |\r\n::set-output name=x::y ##vso[z] é\u{1f600}";

    #[test]
    fn each_system_has_its_own_escapes() {
        let line = |command: CiCommand| command.as_line().to_owned();
        let properties = [("file", "a,b:c%.toml"), ("line", "3")];
        insta::assert_snapshot!(line(CiCommand::github("error", &properties, EVIL)), @"::error file=a%2Cb%3Ac%25.toml,line=3::a%250A'b', c: [d]; |%0D%0A::set-output name=x::y ##vso[z] é😀");
        insta::assert_snapshot!(line(CiCommand::azure("task.logissue", &[("sourcepath", "a;]%b")], EVIL)), @"##vso[task.logissue sourcepath=a%3B%5D%AZP25b;]a%AZP250A'b', c: [d%5D%3B |%0D%0A::set-output name=x::y ##vso[z%5D é😀");
        insta::assert_snapshot!(line(CiCommand::teamcity("inspection", &[("message", EVIL)])), @"##teamcity[inspection message='a%0A|'b|', c: |[d|]; |||r|n::set-output name=x::y ##vso|[z|] |0x00E9|0xD83D|0xDE00']");
        insta::assert_snapshot!(line(CiCommand::octopus("setVariable", &[("name", "n"), ("value", "v\n1")])), @"##octopus[setVariable name='bg==' value='dgox']");
        insta::assert_snapshot!(line(CiCommand::gitlab_section("plan", 7, Some("a\nb"))).escape_debug(), @r"\u{1b}[0Ksection_start:7:plan\r\u{1b}[0Ka\\nb");
        insta::assert_snapshot!(line(CiCommand::gitlab_section("plan", 9, None)).escape_debug(), @r"\u{1b}[0Ksection_end:9:plan\r\u{1b}[0K");
        insta::assert_snapshot!(line(CiCommand::buildkite_group("a\n--- b")), @r"+++ a\n--- b");
    }

    #[test]
    fn base64_matches_the_rfc_test_vectors() {
        let encoded = ["", "f", "fo", "foo", "foob", "fooba", "foobar"]
            .map(|it| encode_base64(it.as_bytes()));
        assert_eq!(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    proptest::proptest! {
        #[test]
        fn a_value_cannot_break_out_of_its_command(text in "(\\]|'|::|##vso\\[|\n|\r|.){0,30}") {
            let text = escape_lines(&text);
            for command in [
                CiCommand::github("error", &[("title", &text)], &text),
                CiCommand::azure("task.logissue", &[("code", &text)], &text),
                CiCommand::teamcity("inspection", &[("message", &text)]),
                CiCommand::octopus("setVariable", &[("value", &text)]),
            ] {
                let line = command.as_line();
                proptest::prop_assert!(!line.contains(['\n', '\r']), "{:?}", line);
                proptest::prop_assert!(line.matches("##").count() <= 1 + text.matches("##").count());
            }
            // TeamCity and Octopus: what is between quotes holds no bare quote or bracket.
            let teamcity = CiCommand::teamcity("m", &[("t", &text)]);
            let value = teamcity.as_line().strip_prefix("##teamcity[m t='").and_then(|it| it.strip_suffix("']"));
            let bare = value.unwrap_or_default().replace("||", "").replace("|'", "").replace("|]", "");
            proptest::prop_assert!(!bare.contains(['\'', ']']), "{:?}", bare);
        }
    }
}
