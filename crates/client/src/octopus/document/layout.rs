//! The spacing of a value, so that its new neighbours look alike.

use super::scan::ContainerItem;
use serde_json::Value;
use std::ops::Range;

/// The white space around an item of a container.
#[derive(Clone, Debug)]
pub(super) struct ItemLayout {
    /// The white space before the item, after the comma or bracket.
    lead: String,
    /// The text between a key and its value, colon included.
    colon: String,
    /// The indentation per level; empty if everything is on one line.
    unit: String,
}

impl Default for ItemLayout {
    /// The server's own layout: no spaces.
    fn default() -> Self {
        Self { lead: String::new(), colon: ":".to_owned(), unit: String::new() }
    }
}

impl ItemLayout {
    /// Returns the layout of an item in the container at `span`.
    pub(super) fn from_item(text: &str, item: &ContainerItem, span: &Range<usize>) -> Self {
        let before = text.get(..item.start_offset()).unwrap_or_default();
        let lead = before.get(before.trim_end_matches(BLANK).len()..).unwrap_or_default();
        let colon = item.key.as_ref().and_then(|key| text.get(key.end..item.value.start));
        let inside = text.get(..span.end.saturating_sub(1)).unwrap_or_default();
        let close = inside.get(inside.trim_end_matches(BLANK).len()..).unwrap_or_default();
        let unit = match (line_indent(lead), line_indent(close)) {
            (Some(inner), Some(outer)) => {
                inner.strip_prefix(outer).filter(|it| !it.is_empty()).unwrap_or("  ")
            }
            (Some(_), None) => "  ",
            (None, _) => "",
        };
        let spaced = if lead.is_empty() { ":" } else { ": " };
        Self {
            lead: lead.to_owned(),
            colon: colon.unwrap_or(spaced).to_owned(),
            unit: unit.to_owned(),
        }
    }

    /// Renders a value in place of the item's.
    pub(super) fn render(&self, value: &Value) -> String {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let inner = self.inner_layout();
                let fields = fields.iter().map(|(key, value)| {
                    format!("{}{}{}", Value::from(key.as_str()), inner.colon, inner.render(value))
                });
                self.enclose_items('{', &fields.collect::<Vec<_>>(), '}')
            }
            Value::Array(elements) if !elements.is_empty() => {
                let inner = self.inner_layout();
                let elements: Vec<_> = elements.iter().map(|it| inner.render(it)).collect();
                self.enclose_items('[', &elements, ']')
            }
            _ => value.to_string(),
        }
    }

    /// Renders a field after the item, or an element, which has no key.
    pub(super) fn render_after(&self, key: Option<&str>, value: &Value) -> String {
        format!(",{}{}", self.lead, self.render_item(key, value))
    }

    /// Renders the only field of an object that is the item's value, or the only element of an array.
    pub(super) fn render_only_item(&self, key: Option<&str>, value: &Value) -> String {
        let inner = self.inner_layout();
        let item = inner.render_item(key, value);
        if self.is_pretty() { format!("{}{item}{}", inner.lead, self.lead) } else { item }
    }

    /// Renders a field or an element with nothing around it.
    pub(super) fn render_item(&self, key: Option<&str>, value: &Value) -> String {
        let key = key.map_or(String::new(), |key| format!("{key}{}", self.colon));
        format!("{key}{}", self.render(value))
    }

    fn is_pretty(&self) -> bool {
        line_indent(&self.lead).is_some()
    }

    /// Returns the layout of the items in the item's value.
    fn inner_layout(&self) -> Self {
        let lead = format!("{}{}", self.lead, self.unit);
        // A colon followed by a line break is not worth repeating.
        let colon = if self.colon.contains('\n') { ": " } else { &self.colon };
        Self { lead, colon: colon.to_owned(), unit: self.unit.clone() }
    }

    fn enclose_items(&self, open: char, items: &[String], close: char) -> String {
        let (before, between, after) = if self.is_pretty() {
            (self.inner_layout().lead, self.inner_layout().lead, self.lead.as_str())
        } else {
            (String::new(), self.lead.clone(), "")
        };
        let items = items.join(&format!(",{between}"));
        format!("{open}{before}{items}{after}{close}")
    }
}

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Returns the indentation of an item; `None` if it is not the first on its line.
fn line_indent(lead: &str) -> Option<&str> {
    lead.rsplit_once('\n').map(|(_, indent)| indent)
}
