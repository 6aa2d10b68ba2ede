//! What a text is made of: blocks with attributes, each with its place.
//!
//! Every place is a range of bytes of the text as it was given. Never: how a text is read.

use std::ops::Range;

/// A block, or the whole text: its attributes and the blocks in it, each in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct OclBlock {
    /// Its name; empty for the whole text.
    pub(super) name: String,
    /// Its labels, unescaped.
    pub(super) labels: Vec<String>,
    /// From its name to behind its closing brace.
    pub(super) span: Range<usize>,
    /// Where its first line ends behind the brace, or what stands there instead.
    pub(super) head: usize,
    /// Its attributes.
    pub(super) attributes: Vec<OclAttribute>,
    /// The blocks in it.
    pub(super) blocks: Vec<OclBlock>,
}

/// A name with a value.
#[derive(Clone, Debug)]
pub(super) struct OclAttribute {
    /// Its name, unescaped.
    pub(super) name: String,
    /// The name as written, quotes included.
    pub(super) key: Range<usize>,
    /// The value as written, without the line end behind it.
    pub(super) value_span: Range<usize>,
    /// Where its last line ends: behind the comments there, which may be of several lines.
    pub(super) end: usize,
    /// The value.
    pub(super) value: OclValue,
}

/// A value, as far as anyone asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OclValue {
    /// A string, unescaped.
    Text(String),
    /// A heredoc; what it says is nobody's business here.
    Heredoc,
    /// `null`.
    Null,
    /// Values by name.
    Dictionary(Vec<(String, OclValue)>),
    /// A number, a boolean, a list or a call.
    Other,
}

impl OclValue {
    /// The string that it is, if it is one.
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl OclBlock {
    /// The last attribute of this name; Octopus refuses two.
    pub(super) fn find_attribute(&self, name: &str) -> Option<&OclAttribute> {
        self.attributes.iter().rev().find(|attribute| attribute.name == name)
    }

    /// The string that this attribute has.
    pub(super) fn text_attribute(&self, name: &str) -> Option<&str> {
        self.find_attribute(name)?.value.as_text()
    }

    /// The blocks of this name.
    pub(super) fn child_blocks(&self, name: &'static str) -> impl Iterator<Item = &Self> {
        self.blocks.iter().filter(move |block| block.name == name)
    }

    /// An entry of a dictionary, which old servers write as a block.
    pub(super) fn dictionary_entry(&self, dictionary: &str, key: &str) -> Option<&str> {
        let mut blocks = self.blocks.iter().filter(|block| block.name == dictionary);
        match self.find_attribute(dictionary).map(|it| &it.value) {
            Some(OclValue::Dictionary(all)) => {
                all.iter().find(|(name, _)| name == key).and_then(|(_, it)| it.as_text())
            }
            _ => blocks.find_map(|it| it.text_attribute(key)),
        }
    }
}
