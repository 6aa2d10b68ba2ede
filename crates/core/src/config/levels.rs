//! `[gates]`, whose keys are the codes of findings, and the codes that `[[accept]]` takes.

use super::{
    definition::{KeyDefinition, TableDefinition},
    reader::{FileReader, Found, TableType, ValueType},
    table::{Optional, TableField as _},
};
use crate::{
    desired::Declared,
    finding::{Code, Level},
    text::nearest_name,
};

use serde_json::{Value, json};
use toml::de::DeTable;

/// The levels of findings; each code is a key.
#[derive(Debug)]
pub(super) struct GatesTable(pub(super) Vec<(Code, Declared<GateLevel>)>);

/// The level of a finding; `None` means "allow".
pub(super) type GateLevel = Option<Level>;

impl TableType for GatesTable {
    fn define() -> TableDefinition {
        let doc = "The level of findings by their codes: deny, warn or allow. What refuses a plan by itself is a gate.";
        let mut table = TableDefinition { doc, keys: Vec::new(), choices: Vec::new() };
        for code in Code::ALL {
            match code.fixed_reason() {
                None => Optional::<GateLevel>::define(&mut table, code.as_str(), code.meaning()),
                reason => table.keys.push(KeyDefinition::without_value(code.as_str(), reason)),
            }
        }
        table
    }

    fn read_fields(table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        let read = |code: Code| Some((code, reader.read_key(code.as_str(), table)?));
        Some(Self(Code::settable().filter_map(read).collect()))
    }
}

/// A code whose findings can be accepted.
#[derive(Debug)]
pub(super) struct AcceptedCode(pub(super) Code);

impl ValueType for AcceptedCode {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let text = reader.read_text(found)?;
        let at = found.value.span();
        let Some(code) = Code::from_word(&text) else {
            let words = Code::settable().map(Code::as_str);
            let help = match nearest_name(&text, words) {
                Some(near) => format!("a code with a similar name exists: `{near}`"),
                None => "`poolwright explain --code` lists the codes".to_owned(),
            };
            let message = format!("`{text}` is not the code of a finding");
            reader.report_error(Code::UnknownWord, at, message, help);
            return None;
        };
        if let Some(reason) = code.fixed_reason() {
            reader.report_fixed(code.as_str(), reason, at);
            return None;
        }
        Some(Self(code))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Code::settable().map(Code::as_str).collect::<Vec<_>>() })
    }
}
