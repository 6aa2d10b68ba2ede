//! The parts of a text that are not shown: a line alone cannot tell, because values may go over several.

use super::looks_secret;
use std::ops::Range;

/// The parts of a text that look as if they contained a secret.
#[derive(Clone, Debug, Default)]
pub struct SecretRegions(Vec<Range<usize>>);

impl SecretRegions {
    /// Finds the regions of a TOML text: whole statements, however many lines they have.
    ///
    /// The text may be wrong anywhere. What is not closed goes on to the end of the text.
    pub fn in_toml(text: &str) -> Self {
        let mut regions = Regions::new(text);
        let mut open = OpenValue::default();
        for line in text.split_inclusive('\n') {
            open.read_line(line);
            regions.add_line(line, !open.is_open());
        }
        regions.finish()
    }

    /// Finds the regions of an OCL text: lines, and whole heredocs.
    pub fn in_ocl(text: &str) -> Self {
        let mut regions = Regions::new(text);
        let mut end: Option<&str> = None;
        for line in text.split_inclusive('\n') {
            end = match end {
                Some(tag) => (line.trim() != tag).then_some(tag),
                None => line.split_once("<<").map(|(_, tag)| tag.trim_start_matches('-').trim()),
            };
            regions.add_line(line, end.is_none_or(str::is_empty));
        }
        regions.finish()
    }

    /// Whether the byte at an offset is in one of them.
    pub fn contains(&self, at: usize) -> bool {
        let after = self.0.partition_point(|region| region.start <= at);
        after > 0 && self.0[after - 1].end > at
    }
}

/// The regions so far.
struct Regions<'a> {
    text: &'a str,
    found: Vec<Range<usize>>,
    start: usize,
    end: usize,
    in_pem: bool,
}

impl<'a> Regions<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, found: Vec::new(), start: 0, end: 0, in_pem: false }
    }

    /// Adds a line, and says whether a statement ends with it.
    fn add_line(&mut self, line: &str, ends: bool) {
        self.end += line.len();
        self.in_pem = (self.in_pem || line.contains("-----BEGIN")) && !line.contains("-----END");
        if ends && !self.in_pem {
            self.close();
        }
    }

    fn close(&mut self) {
        // A key and its value may be on two lines, so the whole statement is looked at.
        if looks_secret(&self.text[self.start..self.end]) {
            // An empty line after the last one belongs to it.
            let is_last = self.end == self.text.len();
            self.found.push(self.start..self.end + usize::from(is_last));
        }
        self.start = self.end;
    }

    fn finish(mut self) -> SecretRegions {
        self.close();
        SecretRegions(self.found)
    }
}

/// What is open at the end of a line of TOML.
#[derive(Default)]
struct OpenValue {
    /// The quotes of a string of several lines.
    quotes: Option<&'static str>,
    /// How many brackets are open.
    depth: usize,
    /// Whether a key waits for its value.
    waits: bool,
}

impl OpenValue {
    fn is_open(&self) -> bool {
        self.quotes.is_some() || self.depth > 0 || self.waits
    }

    fn read_line(&mut self, line: &str) {
        let mut rest = line;
        if !rest.trim().is_empty() && self.quotes.is_none() {
            self.waits = false;
        }
        while let Some(c) = rest.chars().next() {
            let Some(after) = self.read_token(rest, c) else { return };
            rest = after;
        }
    }

    /// Reads what begins with `c`, and returns what follows it; `None` if the rest of the line says nothing.
    fn read_token<'l>(&mut self, rest: &'l str, c: char) -> Option<&'l str> {
        if let Some(quotes) = self.quotes {
            let end = rest.find(quotes)?;
            self.quotes = None;
            return rest.get(end + quotes.len()..);
        }
        let opened = ["\"\"\"", "'''"].into_iter().find(|quotes| rest.starts_with(quotes));
        if let Some(quotes) = opened {
            (self.quotes, self.waits) = (opened, false);
            return rest.get(quotes.len()..);
        }
        match c {
            '#' => return None,
            '"' | '\'' => {
                self.waits = false;
                return Some(after_string(rest, c));
            }
            '[' | '{' => self.depth += 1,
            ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        // A key whose value is on the next line: no TOML, but people write it.
        self.waits = c == '=' || (self.waits && c.is_whitespace());
        rest.get(c.len_utf8()..)
    }
}

/// Returns what follows a string on one line; all of the line if it is not closed.
fn after_string(text: &str, quote: char) -> &str {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = quote == '"' && *c == '\\' && !escaped;
        ends
    });
    end.map_or("", |(at, _)| &text[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(text: &'a str, regions: &SecretRegions) -> Vec<&'a str> {
        let mut at = 0;
        let lines = text.split_inclusive('\n').filter(|line| {
            at += line.len();
            !regions.contains(at - line.len())
        });
        lines.map(str::trim_end).collect()
    }

    #[test]
    fn a_multiline_secret_is_withheld_entirely_and_nothing_else() {
        let text = "a = 1\npassword = \"\"\"\nuser = x\nhunter2 \\q\n\"\"\"\nb = [\n  1,\n]\n\
                    c = { x = 1,\n  token\n  = 'x',\n y = 2 }\nd = \"'''\"\nsecret =\n  \"hunter2\"\ne = '\"\"\"'\n\
                    -----BEGIN KEY-----\nhunter2\n-----END KEY-----\nf = 1 # [\n";
        assert_eq!(
            shown(text, &SecretRegions::in_toml(text)),
            ["a = 1", "b = [", "  1,", "]", "d = \"'''\"", "e = '\"\"\"'", "f = 1 # ["]
        );
    }

    #[test]
    fn an_unclosed_secret_is_withheld_to_the_end() {
        let text = "a = 1\nb = { password = \"x\"\nc = 2\nhunter2";
        assert_eq!(shown(text, &SecretRegions::in_toml(text)), ["a = 1"]);
    }

    #[test]
    fn secret_lines_and_heredocs_in_ocl_are_withheld() {
        let text = "step \"a\" {\n  body = <<-EOT\n    curl -H 'token: x'\n    hunter2\n  EOT\n  Password = \"x\"\n  b = 1\n}\n";
        assert_eq!(shown(text, &SecretRegions::in_ocl(text)), ["step \"a\" {", "  b = 1", "}"]);
    }
}
