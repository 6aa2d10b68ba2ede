//! Finds the spans of values in a text that is known to be JSON.
//!
//! Never: a panic. For a text that is not JSON after all, the spans are meaningless but harmless.

use std::ops::Range;

/// The items of a container, in order.
pub(super) type ContainerItems = Vec<ContainerItem>;

/// An element of an array, or a member of an object.
#[derive(Clone, Debug)]
pub(super) struct ContainerItem {
    /// The key with its quotes; `None` for an element.
    pub(super) key: Option<Range<usize>>,
    /// The value.
    pub(super) value: Range<usize>,
}

impl ContainerItem {
    /// The offset where the item starts.
    pub(super) fn start_offset(&self) -> usize {
        self.key.as_ref().unwrap_or(&self.value).start
    }

    /// Returns the unescaped key; `None` for an element, or if no text can represent the key.
    pub(super) fn decode_key(&self, text: &str) -> Option<String> {
        serde_json::from_str(text.get(self.key.clone()?)?).ok()
    }
}

/// Returns the span of the whole value in a text.
pub(super) fn root_span(text: &str) -> Range<usize> {
    let start = skip_whitespace(text, 0);
    start..text.trim_end().len().max(start)
}

/// Returns the members of the object at `span`; `None` if it is not an object.
pub(super) fn object_members(text: &str, span: &Range<usize>) -> Option<ContainerItems> {
    scan_items(text, span, b'{', |text, start| {
        let key = start..skip_string(text, start);
        // After the colon.
        let begin = skip_whitespace(text, skip_whitespace(text, key.end) + 1);
        ContainerItem { key: Some(key), value: begin..skip_value(text, begin) }
    })
}

/// Returns the elements of the array at `span`; `None` if it is not an array.
pub(super) fn array_elements(text: &str, span: &Range<usize>) -> Option<ContainerItems> {
    scan_items(text, span, b'[', |text, start| ContainerItem {
        key: None,
        value: start..skip_value(text, start),
    })
}

fn scan_items(
    text: &str,
    span: &Range<usize>,
    open: u8,
    item: impl Fn(&str, usize) -> ContainerItem,
) -> Option<ContainerItems> {
    if byte_at(text, span.start) != Some(open) {
        return None;
    }
    let end = span.end.saturating_sub(1);
    let (mut items, mut at) = (ContainerItems::new(), skip_whitespace(text, span.start + 1));
    while at < end {
        let next = item(text, at);
        // After the comma or the end; always makes progress.
        at = skip_whitespace(text, skip_whitespace(text, next.value.end) + 1);
        items.push(next);
    }
    Some(items)
}

/// Returns how deep arrays and objects nest.
pub(super) fn nesting_depth(text: &str) -> usize {
    let (mut at, mut depth, mut deepest) = (0_usize, 0_usize, 0_usize);
    while let Some(byte) = byte_at(text, at) {
        match byte {
            b'"' => {
                at = skip_string(text, at);
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

/// Returns the offset after the white space at `at`.
pub(super) fn skip_whitespace(text: &str, mut at: usize) -> usize {
    while matches!(byte_at(text, at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// Returns the offset after the value at `start`.
fn skip_value(text: &str, start: usize) -> usize {
    match byte_at(text, start) {
        Some(b'"') => skip_string(text, start),
        Some(b'{' | b'[') => skip_container(text, start),
        _ => {
            let mut at = start;
            let is_terminator =
                |byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
            while byte_at(text, at).is_some_and(|it| !is_terminator(it)) {
                at += 1;
            }
            at
        }
    }
}

fn skip_container(text: &str, start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = byte_at(text, at) {
        match byte {
            b'"' => {
                at = skip_string(text, at);
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

/// Returns the offset after the string whose opening quote is at `start`.
fn skip_string(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    // Most of a process is long scripts, so this jumps from quote to quote instead of byte to byte.
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

fn byte_at(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}
