//! What a table of the language may hold: one definition for the check, the reader and the schema.
//!
//! Never: what a value means. That is the business of the files that lower it.

/// A table: its keys, and which of them exclude each other.
#[derive(Debug)]
pub(super) struct TableDefinition {
    /// What it is, for the schema.
    pub(super) doc: &'static str,
    /// Its keys, in the order of the reference.
    pub(super) keys: &'static [KeyDefinition],
    /// Choices: of the keys of each there has to be exactly one.
    pub(super) one_of: &'static [&'static [&'static str]],
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct KeyDefinition {
    /// Its name.
    pub(super) name: &'static str,
    /// What it holds.
    pub(super) shape: ValueShape,
    /// Whether it has to be there.
    pub(super) required: bool,
    /// What it means, for the schema.
    pub(super) doc: &'static str,
}

/// What a key holds.
#[derive(Debug)]
pub(super) enum ValueShape {
    /// `1`, and no other version.
    Version,
    /// A text that is not empty.
    Text,
    /// A text that may be empty.
    FreeText,
    /// A text that is not empty, or a list of such.
    Texts,
    /// A list of texts.
    List,
    /// A list of some of these words.
    Words(&'static [&'static str]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// `true`, since `false` would say nothing.
    True,
    /// A whole number from the first to the second.
    Number(i64, i64),
    /// A whole number, or a percentage as text: `"10%"`.
    CountOrPercent,
    /// A table.
    Table(&'static TableDefinition),
    /// A list of tables.
    Tables(&'static TableDefinition),
    /// A table of tables, by names of the user's choice.
    Map(&'static TableDefinition),
    /// A key that a later version will know.
    Reserved,
}

/// A key that may be left out.
pub(super) const fn optional_key(
    name: &'static str,
    shape: ValueShape,
    doc: &'static str,
) -> KeyDefinition {
    KeyDefinition { name, shape, required: false, doc }
}

/// A key that has to be there.
pub(super) const fn required_key(
    name: &'static str,
    shape: ValueShape,
    doc: &'static str,
) -> KeyDefinition {
    KeyDefinition { name, shape, required: true, doc }
}

impl TableDefinition {
    /// The key of this name.
    pub(super) fn find_key(&self, name: &str) -> Option<&'static KeyDefinition> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of its keys, but for those that a later version will know.
    pub(super) fn key_names(&self) -> impl Iterator<Item = &'static str> {
        let known = self.keys.iter().filter(|key| !matches!(key.shape, ValueShape::Reserved));
        known.map(|key| key.name)
    }
}
