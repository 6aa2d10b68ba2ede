//! The language as types: a table is a struct, and its fields are its keys.
//!
//! A declaration in [`tables!`] generates the struct, the check of a file against it, the suggestions for
//! misspelt keys and the JSON schema. Lowering destructures the struct without `..`, so a key that is
//! declared but not read does not compile, and neither does one that is read but not declared.
//! What the values mean is decided where they are lowered.

use super::{
    definition::{KeyDefinition, TableDefinition},
    reader::{FileReader, ValueType},
};
use crate::desired::Declared;

use toml::de::DeTable;

/// A field of a table: one key, or a choice between several.
pub(super) trait TableField: Sized {
    /// Adds the field's keys to the table's definition.
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str);

    /// Reads the field; returns `None` if it is missing or wrong and the table cannot be read without it.
    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self>;
}

/// A required key.
pub(super) type Required<T> = Declared<T>;

impl<T: ValueType> TableField for Required<T> {
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        let key = KeyDefinition::new(name, doc, T::schema);
        table.keys.push(KeyDefinition { required: true, ..key });
    }

    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        reader.read_key(name, table)
    }
}

/// An optional key; one with a wrong value reads as absent.
pub(super) type Optional<T> = Option<Declared<T>>;

impl<T: ValueType> TableField for Optional<T> {
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        table.keys.push(KeyDefinition::new(name, doc, T::schema));
    }

    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        Some(reader.read_key(name, table))
    }
}

/// A list, which is empty if its key is absent.
impl<T> TableField for Vec<T>
where
    Self: ValueType,
{
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        table.keys.push(KeyDefinition::new(name, doc, Self::schema));
    }

    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        Some(reader.read_key::<Self>(name, table).map(|list| list.value).unwrap_or_default())
    }
}

/// A field whose table is read even without it, so that other mistakes in the table are reported too.
#[derive(Debug)]
pub(super) struct OrReported<T>(pub(super) Option<T>);

impl<T: TableField> TableField for OrReported<T> {
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        T::define(table, name, doc);
    }

    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        Some(Self(T::read(name, table, reader)))
    }
}

/// A key that is reserved for a later version.
#[derive(Debug)]
pub(super) struct Reserved;

impl TableField for Reserved {
    fn define(table: &mut TableDefinition, name: &'static str, _: &'static str) {
        table.keys.push(KeyDefinition::without_value(name, None));
    }

    fn read(_: &str, _: &DeTable, _: &mut FileReader) -> Option<Self> {
        Some(Self)
    }
}

/// Declares tables as structs of [`TableField`]s, choices between keys as enums of their values, and
/// words as enums of what they mean.
macro_rules! tables {
    () => {};
    (@doc $($doc:literal)*) => { concat!($($doc),*).trim_ascii() };
    (
        $(#[doc = $doc:literal])+
        struct $table:ident { $($(#[doc = $key_doc:literal])* $key:ident: $type:ty,)+ }
        $($rest:tt)*
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(super) struct $table { $($(#[doc = $key_doc])* pub(super) $key: $type,)+ }

        impl TableType for $table {
            fn define() -> TableDefinition {
                let (doc, keys, choices) = (tables!(@doc $($doc)+), Vec::new(), Vec::new());
                let mut table = TableDefinition { doc, keys, choices };
                $(<$type as TableField>::define(&mut table, stringify!($key), tables!(@doc $($key_doc)*));)+
                table
            }

            fn read_fields(table: &DeTable, reader: &mut FileReader) -> Option<Self> {
                // Read all fields before returning, so that each reports its mistakes.
                $(let $key = <$type as TableField>::read(stringify!($key), table, reader);)+
                Some(Self { $($key: $key?,)+ })
            }
        }

        tables!($($rest)*);
    };
    (
        $(#[doc = $doc:literal])+
        enum $choice:ident {
            $($(#[doc = $key_doc:literal])* $key:ident => $variant:ident($type:ty),)+
        }
        $($rest:tt)*
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(super) enum $choice { $($(#[doc = $key_doc])* $variant(Declared<$type>),)+ }

        impl TableField for $choice {
            fn define(table: &mut TableDefinition, _: &'static str, _: &'static str) {
                $(<Optional<$type>>::define(table, stringify!($key), tables!(@doc $($key_doc)*));)+
                table.choices.push(&[$(stringify!($key)),+]);
            }

            fn read(_: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
                let keys = [$(reader.read_key(stringify!($key), table).map(Self::$variant)),+];
                keys.into_iter().flatten().next()
            }
        }

        tables!($($rest)*);
    };
    (
        $(#[doc = $doc:literal])+
        enum $name:ident { $($word:literal => $variant:ident,)+ }
        $($rest:tt)*
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, PartialEq)]
        pub(super) enum $name { $($variant,)+ }

        tables!(words $name { $($word => Self::$variant,)+ } $($rest)*);
    };
    (words $type:ty { $($word:literal => $value:expr,)+ } $($rest:tt)*) => {
        impl ValueType for $type {
            fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
                match reader.read_word(&[$($word),+], found)? {
                    $($word => Some($value),)+
                    _ => None,
                }
            }

            fn schema() -> Value {
                json!({ "type": "string", "enum": [$($word),+] })
            }
        }

        tables!($($rest)*);
    };
}

pub(super) use tables;
