//! The language as types: a table is a struct, and its fields are its keys.
//!
//! From its declaration in [`tables!`] follow the struct, the check of a file against it, the
//! suggestions for misspelt keys and the JSON schema. Lowering destructures the struct without `..`, so
//! neither a key that is declared and not read compiles, nor one that is read and not declared.
//! Never: what a value means; that is the business of the files that lower it.

use super::{
    definition::{KeyDefinition, TableDefinition},
    reader::{FileReader, ValueType},
};
use crate::desired::Declared;

use toml::de::DeTable;

/// What a field of a table stands for: one key, or the keys of a choice.
pub(super) trait TableField: Sized {
    /// Adds its keys.
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str);

    /// Reads it; `None` where it is missing or wrong, and the table cannot be read without it.
    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self>;
}

/// A key that has to be there.
pub(super) type Required<T> = Declared<T>;

impl<T: ValueType> TableField for Required<T> {
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        table.keys.push(KeyDefinition { name, doc, required: true, schema: Some(T::schema) });
    }

    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        reader.read_key(name, table)
    }
}

/// A key that may be left out; one whose value is wrong reads as left out.
pub(super) type Optional<T> = Option<Declared<T>>;

impl<T: ValueType> TableField for Optional<T> {
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        table.keys.push(KeyDefinition { name, doc, required: false, schema: Some(T::schema) });
    }

    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        Some(reader.read_key(name, table))
    }
}

/// A list is empty where its key is left out.
impl<T> TableField for Vec<T>
where
    Self: ValueType,
{
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        table.keys.push(KeyDefinition { name, doc, required: false, schema: Some(Self::schema) });
    }

    fn read(name: &str, table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        Some(reader.read_key::<Self>(name, table).map(|list| list.value).unwrap_or_default())
    }
}

/// A field without which its table is read all the same, to report what else is wrong with it.
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

/// A key that a later version will know.
#[derive(Debug)]
pub(super) struct Reserved;

impl TableField for Reserved {
    fn define(table: &mut TableDefinition, name: &'static str, doc: &'static str) {
        table.keys.push(KeyDefinition { name, doc, required: false, schema: None });
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
                // All of them first: each reports what is wrong with it.
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
