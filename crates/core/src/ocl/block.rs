//! The syntax tree: blocks with attributes, each with its position.
//!
//! Every position is a byte range in the original text. Never: parsing.

use std::ops::Range;

/// A block, or the whole text, with its attributes and child blocks in order.
#[derive(Clone, Debug, Default)]
pub(super) struct OclBlock {
    /// The name; empty for the whole text.
    pub(super) name: String,
    /// The labels, unescaped.
    pub(super) labels: Vec<String>,
    /// The labels as written, quotes included.
    pub(super) label_spans: Vec<Range<usize>>,
    /// From the name up to and including the closing brace.
    pub(super) span: Range<usize>,
    /// The end of the first line after the opening brace, or the start of what follows on that line.
    pub(super) head: usize,
    /// The attributes.
    pub(super) attributes: Vec<OclAttribute>,
    /// The child blocks.
    pub(super) blocks: Vec<OclBlock>,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OclAttribute {
    /// The name, unescaped.
    pub(super) name: String,
    /// The name as written, quotes included.
    pub(super) key: Range<usize>,
    /// The value as written, without the line ending after it.
    pub(super) value_span: Range<usize>,
    /// The end of the last line, after its comments, which may span several lines.
    pub(super) end: usize,
    /// The value.
    pub(super) value: OclValue,
}

/// A value, in as much detail as is needed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OclValue {
    /// A string, unescaped.
    Text(String),
    /// A heredoc, whose content is not needed.
    Heredoc,
    /// `null`.
    Null,
    /// Values by key, in order.
    Dictionary(Vec<OclAttribute>),
    /// A list.
    List(Vec<OclValue>),
    /// A number, a boolean or a call.
    Other,
}

impl OclValue {
    /// Returns the string, if the value is one.
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl OclBlock {
    /// Returns the last attribute of this name; Octopus rejects duplicates.
    pub(super) fn find_attribute(&self, name: &str) -> Option<&OclAttribute> {
        self.attributes.iter().rev().find(|attribute| attribute.name == name)
    }

    /// Returns the value of an attribute, if it is a string.
    pub(super) fn text_attribute(&self, name: &str) -> Option<&str> {
        self.find_attribute(name)?.value.as_text()
    }

    /// Returns the child blocks of this name.
    pub(super) fn child_blocks(&self, name: &'static str) -> impl Iterator<Item = &Self> {
        self.blocks.iter().filter(move |block| block.name == name)
    }

    /// Returns the strings in a list, or none if the attribute is not a list.
    pub(super) fn text_list(&self, name: &str) -> Vec<String> {
        match self.find_attribute(name).map(|attribute| &attribute.value) {
            Some(OclValue::List(items)) => {
                items.iter().filter_map(|item| item.as_text().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns the entries of a dictionary, which old servers write as a block; `None` if it is neither.
    pub(super) fn dictionary_entries(&self, dictionary: &str) -> Option<&[OclAttribute]> {
        match self.find_attribute(dictionary).map(|attribute| &attribute.value) {
            Some(OclValue::Dictionary(entries)) => Some(entries),
            Some(_) => None,
            None => {
                let block = self.blocks.iter().find(|block| block.name == dictionary);
                block.map(|block| block.attributes.as_slice())
            }
        }
    }

    /// Returns the text of an entry of a dictionary.
    pub(super) fn dictionary_entry(&self, dictionary: &str, key: &str) -> Option<&str> {
        let mut entries = self.dictionary_entries(dictionary)?.iter();
        entries.find(|entry| entry.name == key)?.value.as_text()
    }
}
