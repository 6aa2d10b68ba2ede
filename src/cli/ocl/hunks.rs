//! Shows the edits of a file as a unified diff.
//!
//! The edits are known, so nothing is searched for: the effort grows with the file, whatever is in it.

use crate::ops::EditedFile;
use poolwright_core::{
    ocl::TextEdit,
    text::{escape::Escaped, secret::SecretRegions},
};
use std::{fmt::Write as _, ops::Range};

/// What is shown in place of a line that looks as if it contained a secret.
const NOT_SHOWN: &str = "(not shown: it may contain a secret)\n";

/// How many unchanged lines are shown around a change.
const CONTEXT: usize = 2;

/// Renders the edits of a file, with a header that has its path.
pub(super) fn render_hunks(file: &EditedFile) -> String {
    let path = file.path.to_string_lossy();
    let path = Escaped(path.trim_start_matches("./")).to_string();
    let mut text = format!("--- a/{path}\n+++ b/{path}\n");
    let lines = TextLines::new(&file.before);
    let blocks = lines.changed_blocks(&file.edits);
    let mut shift = 0_isize;
    let mut rest = blocks.as_slice();
    while let Some(first) = rest.first() {
        let near = rest.windows(2).take_while(|pair| match pair {
            [one, next] => next.old.start - one.old.end <= 2 * CONTEXT,
            _ => false,
        });
        let (hunk, others) = rest.split_at(near.count() + 1);
        let end = hunk.last().map_or(first.old.end, |last| last.old.end);
        let shown = first.old.start.saturating_sub(CONTEXT)..(end + CONTEXT).min(lines.count());
        shift = lines.render_hunk(hunk, &shown, shift, &mut text);
        rest = others;
    }
    text
}

/// Lines that other lines take the place of.
struct ChangedBlock {
    old: Range<usize>,
    new: String,
}

/// A text with the starts of its lines.
struct TextLines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    secrets: SecretRegions,
}

impl<'a> TextLines<'a> {
    fn new(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends).filter(|at| *at < text.len()).collect();
        Self { text, starts, secrets: SecretRegions::in_ocl(text) }
    }

    fn count(&self) -> usize {
        self.starts.len()
    }

    /// Returns the start of a line, or the end of the text after the last one.
    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// Returns the line that contains a position; the number of lines at the end of a text that ends its last line.
    fn line_at(&self, at: usize) -> usize {
        let is_end = at == self.text.len() && (self.text.is_empty() || self.text.ends_with('\n'));
        if is_end {
            self.count()
        } else {
            self.starts.partition_point(|start| *start <= at).max(1) - 1
        }
    }

    /// Returns the lines that an edit touches.
    fn touched_lines(&self, edit: &TextEdit) -> Range<usize> {
        let (first, last) = (self.line_at(edit.range.start), self.line_at(edit.range.end));
        let is_whole = self.start(first) == edit.range.start
            && self.start(last) == edit.range.end
            && (edit.text.is_empty() || edit.text.ends_with('\n'));
        if is_whole { first..last } else { first..(last + 1).min(self.count()) }
    }

    /// Returns the blocks of lines that the edits change; the edits are in the order of the text.
    fn changed_blocks(&self, edits: &[TextEdit]) -> Vec<ChangedBlock> {
        let mut blocks: Vec<(Range<usize>, Vec<&TextEdit>)> = Vec::new();
        for edit in edits {
            let touched = self.touched_lines(edit);
            match blocks.last_mut() {
                Some((lines, inside)) if touched.start <= lines.end => {
                    lines.end = lines.end.max(touched.end);
                    inside.push(edit);
                }
                _ => blocks.push((touched, vec![edit])),
            }
        }
        let apply = |(old, edits): (Range<usize>, Vec<&TextEdit>)| {
            let (mut new, mut done) = (String::new(), self.start(old.start));
            for edit in edits {
                new.push_str(self.text.get(done..edit.range.start).unwrap_or_default());
                new.push_str(&edit.text);
                done = edit.range.end;
            }
            new.push_str(self.text.get(done..self.start(old.end)).unwrap_or_default());
            ChangedBlock { old, new }
        };
        blocks.into_iter().map(apply).collect()
    }

    /// Renders a hunk. `shift` is by how many lines the text has grown before it; returns it for after the hunk.
    fn render_hunk(
        &self,
        blocks: &[ChangedBlock],
        shown: &Range<usize>,
        shift: isize,
        out: &mut String,
    ) -> isize {
        let added: usize = blocks.iter().map(|block| block.new.split_inclusive('\n').count()).sum();
        let removed: usize = blocks.iter().map(|block| block.old.len()).sum();
        let length = shown.len() + added - removed;
        let start = shown.start.saturating_add_signed(shift);
        let (old, new) = (format_range(shown.start, shown.len()), format_range(start, length));
        _ = writeln!(out, "@@ -{old} +{new} @@");
        let mut done = shown.start;
        for block in blocks {
            self.render_lines(' ', done..block.old.start, out);
            self.render_lines('-', block.old.clone(), out);
            block.new.split_inclusive('\n').for_each(|line| render_line('+', line, out));
            done = block.old.end;
        }
        self.render_lines(' ', done..shown.end, out);
        shift.saturating_add_unsigned(added).saturating_sub_unsigned(removed)
    }

    fn render_lines(&self, sign: char, lines: Range<usize>, out: &mut String) {
        for line in lines {
            let text = self.text.get(self.start(line)..self.start(line + 1)).unwrap_or_default();
            let is_secret = self.secrets.contains(self.start(line));
            render_line(sign, if is_secret { NOT_SHOWN } else { text }, out);
        }
    }
}

fn render_line(sign: char, line: &str, out: &mut String) {
    let bare = line.strip_suffix('\n').unwrap_or(line);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    _ = writeln!(out, "{sign}{}", Escaped(bare));
    if !line.ends_with('\n') {
        out.push_str("\\ No newline at end of file\n");
    }
}

/// Returns the range of a hunk's header, which counts from 1 and leaves out a length of 1.
fn format_range(start: usize, length: usize) -> String {
    match length {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{length}", start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::TextEncoding;
    use poolwright_core::ocl::apply_edits;
    use proptest::prelude::*;

    fn edited(before: &str, edits: Vec<TextEdit>) -> EditedFile {
        EditedFile {
            path: "./a.ocl".into(),
            encoding: TextEncoding::Utf8,
            before: before.to_owned(),
            after: apply_edits(before, &edits),
            edits,
        }
    }

    fn edit(range: Range<usize>, text: &str) -> TextEdit {
        TextEdit { range, text: text.to_owned() }
    }

    /// The line before which a hunk starts, counted from 0.
    fn old_start(header: &str) -> usize {
        let old = header.split(['-', ' ']).nth(2).unwrap();
        let (at, length) = old.split_once(',').unwrap_or((old, "1"));
        let at = at.parse::<usize>().unwrap();
        at - usize::from(length != "0")
    }

    /// Applies a diff to a text, as `patch` does.
    fn patched(before: &str, diff: &str) -> String {
        let old: Vec<&str> = before.split_inclusive('\n').collect();
        let (mut done, mut new) = (0, String::new());
        let mut lines = diff.lines().skip(2).peekable();
        while let Some(line) = lines.next() {
            let open = lines.peek().is_some_and(|next| next.starts_with('\\'));
            let end = if open { "" } else { "\n" };
            let (sign, rest) = line.split_at(1);
            match sign {
                "@" => {
                    let at = old_start(rest);
                    new.extend(old[done..at].iter().copied());
                    done = at;
                }
                " " => {
                    assert_eq!(old[done], format!("{rest}{end}"));
                    new.push_str(old[done]);
                    done += 1;
                }
                "-" => {
                    assert_eq!(old[done], format!("{rest}{end}"));
                    done += 1;
                }
                "+" => new.push_str(&format!("{rest}{end}")),
                _ => {}
            }
        }
        new.extend(old[done..].iter().copied());
        new
    }

    #[test]
    fn nearby_changes_share_a_hunk() {
        let before: String = (1..=20).map(|line| format!("{line:02}\n")).collect();
        let edits = vec![edit(3..5, "x"), edit(9..9, "new\n"), edit(21..24, ""), edit(57..59, "y")];
        insta::assert_snapshot!(render_hunks(&edited(&before, edits)), @r"
        --- a/a.ocl
        +++ b/a.ocl
        @@ -1,10 +1,10 @@
         01
        -02
        +x
         03
        +new
         04
         05
         06
         07
        -08
         09
         10
        @@ -18,3 +18,3 @@
         18
         19
        -20
        +y
        ");
    }

    proptest! {
        #[test]
        fn applying_the_diff_yields_the_edited_text(
            lines in prop::collection::vec("[a-c]{0,2}", 0..30),
            last in any::<bool>(),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, "[x\n]{0,3}"), 0..5),
        ) {
            let mut before: String = lines.iter().map(|line| format!("{line}\n")).collect();
            if last {
                before.push('z');
            }
            let mut edits: Vec<TextEdit> = cuts.iter().map(|(at, length, text)| {
                let start = at.index(before.len() + 1);
                edit(start..(start + length).min(before.len()), text)
            }).collect();
            edits.sort_by_key(|edit| edit.range.start);
            let mut end = 0;
            edits.retain(|edit| {
                let free = edit.range.start >= end;
                end = if free { edit.range.end.max(edit.range.start + 1) } else { end };
                free
            });
            let file = edited(&before, edits);
            prop_assert_eq!(patched(&before, &render_hunks(&file)), file.after);
        }
    }
}
