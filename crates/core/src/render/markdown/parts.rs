//! A text of parts, each in forms from whole to short, that is made to fit.

use super::MIN_MAX_BYTES;
use crate::text::markdown::code_span;

use std::cmp::Reverse;

/// The parts, in the order in which they are read.
pub(super) struct Parts(pub(super) Vec<Part>);

/// A part of the text.
pub(super) struct Part {
    /// What it shows, in words for the note on what was left out.
    subject: &'static str,
    /// How soon it gets shorter: the lowest first.
    importance: Importance,
    /// Its forms, from whole to short; at least one.
    forms: Vec<String>,
    /// The form that is shown.
    shown: usize,
}

/// How important a part is. Parts of equal importance get shorter in turn, the longest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Importance {
    Projects,
    Changes,
    Warnings,
    Danger,
}

impl Parts {
    /// Makes parts shorter until all of them fit, or none can be shorter.
    fn shorten_to(&mut self, room: usize) {
        while self.0.iter().map(|part| part.text().len()).sum::<usize>() > room {
            let shortenable = self.0.iter_mut().filter(|part| part.shown + 1 < part.forms.len());
            let Some(part) =
                shortenable.min_by_key(|part| (part.importance, usize::MAX - part.text().len()))
            else {
                return;
            };
            part.shown += 1;
        }
    }

    /// Makes parts longer again where that fits, the most important first: the last part to get shorter may have left
    /// more room than it had to.
    fn refill(&mut self, room: usize) {
        let mut left = room.saturating_sub(self.text().len());
        let mut order: Vec<&mut Part> = self.0.iter_mut().collect();
        order.sort_by_key(|part| Reverse(part.importance));
        for part in order {
            let shown = part.text().len();
            let length = |form: &usize| part.forms.get(*form).map_or(0, String::len);
            let fits = |form: &usize| length(form) <= shown + left;
            if let Some(form) = (0..part.shown).find(fits) {
                left = left + shown - length(&form);
                part.shown = form;
            }
        }
    }

    fn text(&self) -> String {
        self.0.iter().map(Part::text).collect()
    }

    /// Returns a note on the parts that are not shown whole. `command` shows them.
    fn left_out_note(&self, max_bytes: usize, command: &str) -> String {
        let shortened = self.0.iter().filter(|part| part.shown > 0).map(|part| part.subject);
        let mut shortened: Vec<&str> = shortened.collect();
        shortened.dedup();
        if shortened.is_empty() {
            return String::new();
        }
        let (shortened, command) = (join_words(&shortened), code_span(command));
        format!(
            "_To fit {max_bytes} bytes, some of the {shortened} were left out. {command} shows all of it._\n\n"
        )
    }

    /// Returns the parts between a head and a tail, in at most so many bytes. `command` shows what is left out.
    pub(super) fn fit(mut self, head: &str, tail: &str, max_bytes: usize, command: &str) -> String {
        let max_bytes = max_bytes.max(MIN_MAX_BYTES);
        let room = max_bytes.saturating_sub(head.len() + tail.len() + NOTE);
        self.shorten_to(room);
        self.refill(room);
        let note = self.left_out_note(max_bytes, command);
        format!("{head}{}{note}{tail}", self.text())
    }
}

/// The most bytes of the note on what was left out.
const NOTE: usize = 700;

/// Joins words as people do: `a, b and c`.
fn join_words(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

impl Part {
    pub(super) fn new(subject: &'static str, importance: Importance, forms: Vec<String>) -> Self {
        Self { subject, importance, forms, shown: 0 }
    }

    pub(super) fn fixed(text: &str) -> Self {
        Self::new("", Importance::Danger, vec![text.to_owned()])
    }

    fn text(&self) -> &str {
        self.forms.get(self.shown).map(String::as_str).unwrap_or_default()
    }
}
