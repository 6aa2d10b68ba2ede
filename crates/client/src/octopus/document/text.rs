//! Edits of one JSON text in place.

use super::{
    JsonEditError, PathSegment, equality, format_path,
    layout::ItemLayout,
    scan::{self, ContainerItem, ContainerItems},
};
use serde_json::Value;
use std::{borrow::Cow, ops::Range};

/// A text that is known to be JSON: a document, or an element of its longest list.
pub(super) struct JsonText<'t>(pub(super) Cow<'t, str>);

/// A value that was found, with the layout of the container item that holds it.
struct FoundValue {
    value: Range<usize>,
    layout: ItemLayout,
}

impl JsonText<'_> {
    /// Returns the value at `path` as written; `None` if no value or more than one matches.
    pub(super) fn get_raw(&self, path: &[PathSegment<'_>]) -> Option<&str> {
        let found = self.locate_path(path).ok()?;
        self.0.get(found.value)
    }

    /// Returns the value at `path`. A part that `serde_json` cannot represent, such as `1E+400`, becomes a text
    /// with its spelling.
    pub(super) fn get_value(&self, path: &[PathSegment<'_>]) -> Option<Value> {
        Some(equality::value_at_span(&self.0, &self.locate_path(path).ok()?.value))
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
    pub(super) fn put_value(
        &mut self,
        path: &[PathSegment<'_>],
        value: &Value,
        deepest: usize,
    ) -> Result<bool, JsonEditError> {
        let (span, written) = match self.locate_path(path) {
            Ok(found) => {
                let old = self.0.get(found.value.clone()).map(serde_json::from_str::<Value>);
                if old.is_some_and(|old| old.is_ok_and(|old| old == *value)) {
                    return Ok(false);
                }
                (found.value, found.layout.render(value))
            }
            Err(JsonEditError::Missing(_)) => self.plan_insertion(path, value)?,
            Err(error) => return Err(error),
        };
        let mut text = self.0.to_string();
        text.replace_range(span, &written);
        if scan::nesting_depth(&text) > deepest {
            return Err(JsonEditError::TooDeep);
        }
        self.0 = Cow::Owned(text);
        Ok(true)
    }

    /// Replaces the spelling of the value at `path` with `text`, and returns whether `text` spells that value.
    /// Any other or ambiguous text changes nothing. [`PathSegment::End`] is the last element, as
    /// [`put_value`](Self::put_value) left it.
    pub(super) fn set_spelling(&mut self, path: &[PathSegment<'_>], text: &str) -> bool {
        let found = match path.split_last() {
            Some((PathSegment::End, array)) => self.last_item(array).map(|(item, _)| item.value),
            _ => self.locate_path(path).ok().map(|it| it.value),
        };
        let Some(value) = found else { return false };
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let whole = 0..text.len();
        let is_spelling = is_json
            && scan::root_span(text) == whole
            && equality::is_same_json((&self.0, &value), (text, &whole));
        if is_spelling {
            self.0.to_mut().replace_range(value, text);
        }
        is_spelling
    }

    /// Returns how [`put_value`](Self::put_value) would spell a value at `path`; if `is_gone`, one that was
    /// removed from there and comes back after all others.
    pub(super) fn render_spelling(
        &self,
        path: &[PathSegment<'_>],
        value: &Value,
        is_gone: bool,
    ) -> Option<String> {
        let layout = match path.split_last() {
            Some((_, parent)) if is_gone => self.last_item(parent)?.1,
            _ => self.locate_path(path).ok()?.layout,
        };
        Some(layout.render(value))
    }

    /// Returns the last item of a container, and the layout of an item after it.
    fn last_item(&self, path: &[PathSegment<'_>]) -> Option<(ContainerItem, ItemLayout)> {
        let span = self.locate_path(path).ok()?.value;
        let items =
            scan::object_members(&self.0, &span).or_else(|| scan::array_elements(&self.0, &span));
        let last = items?.pop()?;
        let layout = ItemLayout::from_item(&self.0, &last, &span);
        Some((last, layout))
    }

    /// Removes the field or element at `path`, and returns whether it existed.
    ///
    /// An item that [`put_value`](Self::put_value) inserted leaves no trace.
    ///
    /// # Errors
    ///
    /// [`JsonEditError`]; the text is then unchanged.
    pub(super) fn remove(&mut self, path: &[PathSegment<'_>]) -> Result<bool, JsonEditError> {
        let field = match self.locate_path(path) {
            Ok(found) => found.value,
            Err(JsonEditError::Missing(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let missing_error = || JsonEditError::Missing(format_path(path));
        let (_, parent) = path.split_last().ok_or_else(missing_error)?;
        let container = self.locate_path(parent)?.value;
        let items = scan::object_members(&self.0, &container)
            .or_else(|| scan::array_elements(&self.0, &container))
            .ok_or_else(|| JsonEditError::Mismatch(format_path(path)))?;
        let at = items.iter().position(|item| item.value == field).ok_or_else(missing_error)?;
        let before = at.checked_sub(1).and_then(|at| items.get(at));
        // With the comma before it, or else the one after it.
        let span = match (before, items.get(at), items.get(at + 1)) {
            (Some(before), ..) => before.value.end..field.end,
            (None, Some(own), Some(next)) => own.start_offset()..next.start_offset(),
            // White space only after the item was in the brackets before the item was inserted.
            (None, Some(own), None) if own.start_offset() == container.start + 1 => {
                own.start_offset()..field.end
            }
            _ => container.start + 1..container.end - 1,
        };
        self.0.to_mut().replace_range(span, "");
        Ok(true)
    }

    /// Returns where a missing field or element goes, and its text there.
    fn plan_insertion(
        &self,
        path: &[PathSegment<'_>],
        value: &Value,
    ) -> Result<(Range<usize>, String), JsonEditError> {
        let missing_error = || JsonEditError::Missing(format_path(path));
        let (last, parent) = path.split_last().ok_or_else(missing_error)?;
        let key = match last {
            PathSegment::Key(key) | PathSegment::KeyIgnoringCase(key) => {
                Some(Value::from(*key).to_string())
            }
            PathSegment::End => None,
            PathSegment::Index(_) | PathSegment::Where { .. } => return Err(missing_error()),
        };
        let parent = self.locate_path(parent)?;
        let items = match key {
            Some(_) => scan::object_members(&self.0, &parent.value),
            None => scan::array_elements(&self.0, &parent.value),
        };
        let items = items.ok_or_else(|| JsonEditError::Mismatch(format_path(path)))?;
        Ok(match items.last() {
            Some(last) => {
                let layout = ItemLayout::from_item(&self.0, last, &parent.value);
                (last.value.end..last.value.end, layout.render_after(key.as_deref(), value))
            }
            None => {
                let (start, end) = (parent.value.start + 1, parent.value.end - 1);
                if start == end {
                    (start..end, parent.layout.render_only_item(key.as_deref(), value))
                } else {
                    // White space between the brackets stays, so that it survives a removal of the item.
                    (start..start, parent.layout.render_item(key.as_deref(), value))
                }
            }
        })
    }

    fn locate_path(&self, path: &[PathSegment<'_>]) -> Result<FoundValue, JsonEditError> {
        let mut found =
            FoundValue { value: scan::root_span(&self.0), layout: ItemLayout::default() };
        for (at, segment) in path.iter().enumerate() {
            let path_so_far = || format_path(path.get(..=at).unwrap_or_default());
            let items = match segment {
                PathSegment::Key(_) | PathSegment::KeyIgnoringCase(_) => {
                    scan::object_members(&self.0, &found.value)
                }
                PathSegment::Index(_) | PathSegment::Where { .. } | PathSegment::End => {
                    scan::array_elements(&self.0, &found.value)
                }
            };
            let items = items.ok_or_else(|| JsonEditError::Mismatch(path_so_far()))?;
            let item = self.choose_item(items, segment, &path_so_far)?;
            let layout = ItemLayout::from_item(&self.0, &item, &found.value);
            found = FoundValue { value: item.value, layout };
        }
        Ok(found)
    }

    fn choose_item(
        &self,
        items: ContainerItems,
        segment: &PathSegment<'_>,
        path_so_far: &impl Fn() -> String,
    ) -> Result<ContainerItem, JsonEditError> {
        let mut fit = items.into_iter().enumerate().filter(|(at, item)| match segment {
            PathSegment::Index(index) => at == index,
            PathSegment::Key(key) => item.decode_key(&self.0).as_deref() == Some(key),
            PathSegment::KeyIgnoringCase(key) => {
                let folded = key.to_lowercase();
                item.decode_key(&self.0).is_some_and(|key| key.to_lowercase() == folded)
            }
            PathSegment::Where { key, is } => {
                self.text_field_at(&item.value, key).as_deref() == Some(is)
            }
            PathSegment::End => false,
        });
        let first = fit.next();
        match (first, fit.next()) {
            (None, _) => Err(JsonEditError::Missing(path_so_far())),
            (Some((_, item)), None) => Ok(item),
            (Some(_), Some(_)) => Err(JsonEditError::Duplicate(path_so_far())),
        }
    }

    /// Returns the text of a field, if the text is an object that has the field exactly once, as a string.
    pub(super) fn text_field(&self, key: &str) -> Option<String> {
        self.text_field_at(&scan::root_span(&self.0), key)
    }

    fn text_field_at(&self, object: &Range<usize>, key: &str) -> Option<String> {
        let members = scan::object_members(&self.0, object)?;
        let mut fit =
            members.iter().filter(|member| member.decode_key(&self.0).as_deref() == Some(key));
        let (first, None) = (fit.next()?, fit.next()) else { return None };
        serde_json::from_str(self.0.get(first.value.clone())?).ok()
    }
}
