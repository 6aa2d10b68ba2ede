//! Where things are in a text that is known to be JSON.
//!
//! Never: a panic. A text that is no JSON after all gives spans that mean nothing, and no more.

use std::ops::Range;

/// What a container holds, in its order.
pub(super) type ContainerItems = Vec<ContainerItem>;

/// An element of an array, or a member of an object.
#[derive(Clone, Debug)]
pub(super) struct ContainerItem {
    /// The key with its quotes; none of an element.
    pub(super) key: Option<Range<usize>>,
    /// The value.
    pub(super) value: Range<usize>,
}

impl ContainerItem {
    /// Where it begins.
    pub(super) fn start(&self) -> usize {
        self.key.as_ref().unwrap_or(&self.value).start
    }

    /// The key as it is meant; none of an element, or where no text can hold it.
    pub(super) fn key(&self, text: &str) -> Option<String> {
        serde_json::from_str(text.get(self.key.clone()?)?).ok()
    }
}

/// The one value of a text.
pub(super) fn root(text: &str) -> Range<usize> {
    let start = blank(text, 0);
    start..text.trim_end().len().max(start)
}

/// The members of the object at `span`; none if it is no object.
pub(super) fn members(text: &str, span: &Range<usize>) -> Option<ContainerItems> {
    items(text, span, b'{', |text, start| {
        let key = start..string(text, start);
        // Behind the colon.
        let begin = blank(text, blank(text, key.end) + 1);
        ContainerItem { key: Some(key), value: begin..value(text, begin) }
    })
}

/// The elements of the array at `span`; none if it is no array.
pub(super) fn elements(text: &str, span: &Range<usize>) -> Option<ContainerItems> {
    items(text, span, b'[', |text, start| ContainerItem {
        key: None,
        value: start..value(text, start),
    })
}

fn items(
    text: &str,
    span: &Range<usize>,
    open: u8,
    item: impl Fn(&str, usize) -> ContainerItem,
) -> Option<ContainerItems> {
    if byte(text, span.start) != Some(open) {
        return None;
    }
    let end = span.end.saturating_sub(1);
    let (mut items, mut at) = (ContainerItems::new(), blank(text, span.start + 1));
    while at < end {
        let next = item(text, at);
        // Behind the comma, or behind the end; always further on.
        at = blank(text, blank(text, next.value.end) + 1);
        items.push(next);
    }
    Some(items)
}

/// How deep arrays and objects nest.
pub(super) fn depth(text: &str) -> usize {
    let (mut at, mut depth, mut deepest) = (0_usize, 0_usize, 0_usize);
    while let Some(byte) = byte(text, at) {
        match byte {
            b'"' => {
                at = string(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest
}

/// Behind the white space at `at`.
pub(super) fn blank(text: &str, mut at: usize) -> usize {
    while matches!(byte(text, at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// Behind the value at `start`.
fn value(text: &str, start: usize) -> usize {
    match byte(text, start) {
        Some(b'"') => string(text, start),
        Some(b'{' | b'[') => container(text, start),
        _ => {
            let mut at = start;
            let ends = |byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
            while byte(text, at).is_some_and(|it| !ends(it)) {
                at += 1;
            }
            at
        }
    }
}

fn container(text: &str, start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = byte(text, at) {
        match byte {
            b'"' => {
                at = string(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Behind the string whose quote is at `start`.
fn string(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    // Most of a process is long scripts: from quote to quote, and not from byte to byte.
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('"')) {
        let quote = at + next;
        let inside = text.as_bytes().get(start + 1..quote).unwrap_or_default();
        let escapes = inside.iter().rev().take_while(|byte| **byte == b'\\').count();
        at = quote + 1;
        if escapes.is_multiple_of(2) {
            return at;
        }
    }
    text.len()
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}
