//! A JSON text that is edited in place: every byte outside the edit stays unchanged.
//!
//! Key order, spelling of numbers, white space and unknown fields go back to the server untouched.
//! Never: I/O, or the meaning of any field.
//!
//! The text is cut at the elements of its longest list, such as the steps of a process. A path into an element
//! costs time by the size of the element, so that many edits of one document do not cost the square of its size.

mod cut;
mod equality;
mod layout;
mod scan;
mod text;

use cut::CutText;
use serde_json::Value;
use std::borrow::Cow;
use text::JsonText;

/// The deepest nesting of arrays and objects that is read.
const DEEPEST: usize = 128;

/// A well-formed JSON text. A clone shares what neither of the two edits.
#[derive(Clone, Debug)]
pub struct JsonDocument(CutText);

/// A segment of the path to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathSegment<'a> {
    /// The field of this name.
    Key(&'a str),
    /// The field of this name, ignoring case; an inserted field is spelled like this.
    KeyIgnoringCase(&'a str),
    /// The array element at this index, counted from 0.
    Index(usize),
    /// The element of an array whose field `key` is this string.
    Where {
        /// The field.
        key: &'a str,
        /// Its text, unescaped.
        is: &'a str,
    },
    /// The position after the last element of an array.
    End,
}

/// Why a text is not a [`JsonDocument`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonParseError {
    /// The text is not JSON.
    #[error("the document is not valid JSON: {0}")]
    NotJson(String),
    /// The text nests deeper than any document of the API.
    #[error("the document nests deeper than {DEEPEST} levels")]
    TooDeep,
}

/// Why a value was not set; the text is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonEditError {
    /// The path leads nowhere, and nothing may be inserted there.
    #[error("there is no `{0}`")]
    Missing(String),
    /// More than one field or element matches, so that it is unclear which one counts.
    #[error("`{0}` occurs more than once")]
    Duplicate(String),
    /// The path names a field of something other than an object, or an element of something other than an array.
    #[error("`{0}` does not fit the type of the value that should contain it")]
    Mismatch(String),
    /// The value would nest too deep.
    #[error("the document would nest deeper than {DEEPEST} levels")]
    TooDeep,
}

impl JsonEditError {
    /// Returns the error for a path that begins with `start`.
    fn below(self, start: &[PathSegment<'_>]) -> Self {
        let join = |path: String| {
            let dot = if path.starts_with('[') { "" } else { "." };
            format!("{}{dot}{path}", format_path(start))
        };
        match self {
            Self::Missing(path) => Self::Missing(join(path)),
            Self::Duplicate(path) => Self::Duplicate(join(path)),
            Self::Mismatch(path) => Self::Mismatch(join(path)),
            Self::TooDeep => Self::TooDeep,
        }
    }
}

impl PartialEq for JsonDocument {
    fn eq(&self, other: &Self) -> bool {
        self.to_text() == other.to_text()
    }
}

impl Eq for JsonDocument {}

impl JsonDocument {
    /// Parses a text as a document.
    ///
    /// # Errors
    ///
    /// [`JsonParseError`].
    pub fn parse(text: String) -> Result<Self, JsonParseError> {
        let parsed = serde_json::from_str::<serde::de::IgnoredAny>(&text);
        parsed.map_err(|why| JsonParseError::NotJson(why.to_string()))?;
        if scan::nesting_depth(&text) > DEEPEST {
            return Err(JsonParseError::TooDeep);
        }
        Ok(Self(CutText::new(&text)))
    }

    /// Returns the current text.
    pub fn to_text(&self) -> String {
        self.0.join()
    }

    /// Returns the value at `path` as written; `None` if no value or more than one matches.
    pub fn get_raw(&self, path: &[PathSegment<'_>]) -> Option<String> {
        self.read(path, |text, path| text.get_raw(path).map(str::to_owned))
    }

    /// Returns the value at `path`. A part that `serde_json` cannot represent, such as `1E+400`, becomes a text
    /// with its spelling.
    pub fn get_value(&self, path: &[PathSegment<'_>]) -> Option<Value> {
        self.read(path, |text, path| text.get_value(path))
    }

    /// Returns how [`put_value`](Self::put_value) would spell a value at `path`; if `is_gone`, one that was
    /// removed from there and comes back after all others.
    pub fn render_spelling(
        &self,
        path: &[PathSegment<'_>],
        value: &Value,
        is_gone: bool,
    ) -> Option<String> {
        self.read(path, |text, path| text.render_spelling(path, value, is_gone))
    }

    /// Sets the value at `path`, and returns whether that changed anything.
    ///
    /// An equal value keeps its bytes. A missing field is inserted at the end of its object, and an element
    /// at the [`PathSegment::End`] of its array, spaced like its neighbours; the object or array itself must
    /// exist.
    ///
    /// # Errors
    ///
    /// [`JsonEditError`]; the text is then unchanged.
    pub fn put_value(
        &mut self,
        path: &[PathSegment<'_>],
        value: &Value,
    ) -> Result<bool, JsonEditError> {
        self.edit(path, |text, path, levels| text.put_value(path, value, DEEPEST - levels))
    }

    /// Replaces the spelling of the value at `path` with `text`, and returns whether `text` spells that value.
    /// Any other or ambiguous text changes nothing. [`PathSegment::End`] is the last element, as
    /// [`put_value`](Self::put_value) left it.
    pub fn set_spelling(&mut self, path: &[PathSegment<'_>], spelling: &str) -> bool {
        self.edit(path, |text, path, _| Ok(text.set_spelling(path, spelling))).unwrap_or_default()
    }

    /// Removes the field or element at `path`, and returns whether it existed.
    ///
    /// An item that [`put_value`](Self::put_value) inserted leaves no trace.
    ///
    /// # Errors
    ///
    /// [`JsonEditError`]; the text is then unchanged.
    pub fn remove(&mut self, path: &[PathSegment<'_>]) -> Result<bool, JsonEditError> {
        self.edit(path, |text, path, _| text.remove(path))
    }

    /// Reads in the element that the path leads into, or else in the whole text.
    fn read<'p, T>(
        &self,
        path: &'p [PathSegment<'p>],
        read: impl FnOnce(&JsonText<'_>, &'p [PathSegment<'p>]) -> Option<T>,
    ) -> Option<T> {
        match self.0.find_element(path) {
            Some((at, inside)) => read(&JsonText(Cow::Borrowed(self.0.element(at)?)), inside),
            None => read(&JsonText(Cow::Owned(self.to_text())), path),
        }
    }

    /// Edits the element that the path leads into, or else the whole text. The edit is given how many levels
    /// are around the text.
    fn edit<'p>(
        &mut self,
        path: &'p [PathSegment<'p>],
        edit: impl FnOnce(
            &mut JsonText<'_>,
            &'p [PathSegment<'p>],
            usize,
        ) -> Result<bool, JsonEditError>,
    ) -> Result<bool, JsonEditError> {
        let Some((at, inside)) = self.0.find_element(path) else {
            let mut text = JsonText(Cow::Owned(self.to_text()));
            let changed = edit(&mut text, path, 0)?;
            if changed {
                self.0 = CutText::new(&text.0);
            }
            return Ok(changed);
        };
        let (start, _) = path.split_at(path.len() - inside.len());
        let mut text = JsonText(Cow::Borrowed(self.0.element(at).unwrap_or_default()));
        let changed = edit(&mut text, inside, cut::LEVELS).map_err(|error| error.below(start))?;
        if let (true, Cow::Owned(text)) = (changed, text.0) {
            self.0.replace_element(at, &text, inside);
        }
        Ok(changed)
    }
}

/// Formats a path for messages: `Steps[0].Actions[Id = x].WorkerPoolId`.
fn format_path(path: &[PathSegment<'_>]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            PathSegment::Key(key) | PathSegment::KeyIgnoringCase(key) => {
                text.push_str(if text.is_empty() { "" } else { "." });
                text.push_str(key);
            }
            PathSegment::Index(index) => text.push_str(&format!("[{index}]")),
            PathSegment::Where { key, is } => text.push_str(&format!("[{key} = {is}]")),
            PathSegment::End => text.push_str("[]"),
        }
    }
    text
}

#[cfg(test)]
mod tests;
