//! Events in words, as Octopus writes them.

use crate::{
    answer::HandlerResult,
    audit::change::DocumentChange,
    json::text_field,
    kind::{DocumentKind, KindName},
};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Value, json};

/// The id of a kind among the document types of events, and its name.
pub(crate) fn document_type(kind: &DocumentKind) -> (&'static str, String) {
    let mut words = String::new();
    for letter in kind.item.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter);
    }
    (kind.event_type, words)
}

/// The name of a document, and the words before it in a sentence.
pub(super) struct DocumentName {
    before: String,
    shown: String,
    /// The id of the document that the name belongs to.
    id: String,
}

impl DocumentName {
    /// The name of a document; a document without one is called after its owner.
    pub(super) fn from_change(
        db: &Connection,
        change: &DocumentChange,
        changes: &[DocumentChange],
    ) -> HandlerResult<Self> {
        let DocumentChange { id, kind, .. } = change;
        let (_, noun) = document_type(kind);
        let document = change.new.as_ref().or(change.old.as_ref()).unwrap_or(&Value::Null);
        let owner = if kind.is_named { "" } else { text_field(document, kind.owner) };
        if owner.is_empty() {
            let own = ["Name", "Version", "Id"].into_iter().map(|it| text_field(document, it));
            let own = own.into_iter().find(|it| !it.is_empty()).unwrap_or(id);
            return Ok(match kind.name {
                KindName::Tasks => DocumentName {
                    before: String::new(),
                    shown: text_field(document, "Description").to_owned(),
                    id: id.clone(),
                },
                _ => DocumentName {
                    before: format!("{noun} "),
                    shown: own.to_owned(),
                    id: id.clone(),
                },
            });
        }
        let before = format!("{noun} for ");
        // The owner may have been deleted with it.
        let gone = changes.iter().find(|change| change.id == owner).and_then(|it| it.old.as_ref());
        let shown = match gone {
            Some(owner) => text_field(owner, "Name").to_owned(),
            None => name_by_id(db, owner)?,
        };
        Ok(Self { before, shown, id: owner.to_owned() })
    }

    /// Describes what happened to the document.
    pub(super) fn describe_event(&self, category: &str, document: &Value) -> EventText {
        let Self { before, shown, id } = self;
        let after = match category {
            "Created" => "was created".to_owned(),
            "Modified" => "was modified".to_owned(),
            "Deleted" => "was deleted".to_owned(),
            "MachineHealthChanged" => format!("is now {}", text_field(document, "HealthStatus")),
            "TaskCanceled" => "was canceled".to_owned(),
            other if other.ends_with("Queued") => "was queued".to_owned(),
            other if other.ends_with("Started") => "was started".to_owned(),
            other if other.ends_with("Succeeded") => "succeeded".to_owned(),
            _ => "failed".to_owned(),
        };
        let link = escape_html(text_field(&document["Links"], "Self"));
        EventText {
            message: format!("{before}{shown} {after}"),
            html: format!("{before}<a href='{link}'>{}</a> {after}", escape_html(shown)),
            references: json!([{
                "ReferencedDocumentId": id,
                "StartIndex": before.encode_utf16().count(),
                "Length": shown.encode_utf16().count(),
            }]),
        }
    }
}

fn name_by_id(db: &Connection, id: &str) -> HandlerResult<String> {
    let mut statement = db.prepare_cached("select name from document where id = ?1")?;
    let name: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(name.filter(|it| !it.is_empty()).unwrap_or_else(|| id.to_owned()))
}

/// An event in words.
pub(super) struct EventText {
    /// As text.
    pub(super) message: String,
    /// With a link to the document.
    pub(super) html: String,
    /// Where the text names a document.
    pub(super) references: Value,
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;")
}
