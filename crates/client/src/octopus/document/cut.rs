//! A JSON text that is cut at the elements of its longest list, so that an element is found and replaced
//! without a look at the others.

use super::{PathSegment, scan, text::JsonText};
use std::{
    borrow::Cow,
    collections::HashMap,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// How many levels are around an element: the document's object, and the list.
pub(super) const LEVELS: usize = 2;

/// The field by which elements are usually found.
const ID: &str = "Id";

/// A JSON text in parts.
#[derive(Clone, Debug)]
pub(super) struct CutText {
    /// The text before the first element; the whole text if the document has no list.
    head: Arc<str>,
    list: Option<CutList>,
}

#[derive(Clone, Debug)]
struct CutList {
    /// The list's key in the document.
    key: Arc<str>,
    elements: Vec<CutElement>,
    /// The elements by their ids; `None` for an id that occurs more than once.
    by_id: OnceLock<Arc<HashMap<String, Option<usize>>>>,
}

#[derive(Clone, Debug)]
struct CutElement {
    /// The element, and what is after it up to the next one.
    text: Arc<str>,
    /// Where the element ends.
    end: usize,
}

impl CutText {
    /// Cuts a text that is known to be JSON.
    pub(super) fn new(text: &str) -> Self {
        let cut = longest_list(text).and_then(|(key, spans)| {
            let ends = spans.iter().skip(1).map(|next| next.start).chain([text.len()]);
            let elements = spans.iter().zip(ends).map(|(span, end)| {
                Some(CutElement { text: text.get(span.start..end)?.into(), end: span.len() })
            });
            let list = CutList {
                key: key.into(),
                elements: elements.collect::<Option<_>>()?,
                by_id: OnceLock::new(),
            };
            Some(Self { head: text.get(..spans.first()?.start)?.into(), list: Some(list) })
        });
        cut.unwrap_or_else(|| Self { head: text.into(), list: None })
    }

    /// Returns the whole text.
    pub(super) fn join(&self) -> String {
        let elements = self.list.iter().flat_map(|list| &list.elements);
        let parts = [&*self.head].into_iter().chain(elements.map(|element| &*element.text));
        parts.collect()
    }

    /// Returns the index of the one element that a path leads into, and the path inside it.
    pub(super) fn find_element<'p>(
        &self,
        path: &'p [PathSegment<'p>],
    ) -> Option<(usize, &'p [PathSegment<'p>])> {
        let list = self.list.as_ref()?;
        let [PathSegment::Key(key), segment, inside @ ..] = path else { return None };
        if inside.is_empty() || **key != *list.key {
            return None;
        }
        let at = match segment {
            PathSegment::Index(at) => *at,
            PathSegment::Where { key: ID, is } => *list.index_by_id().get(*is)?.as_ref()?,
            _ => return None,
        };
        // The layout of an item in an empty element depends on what is around the element.
        let is_empty =
            |text: &str| text.get(1..text.len() - 1).is_none_or(|it| it.trim().is_empty());
        (!is_empty(self.element(at)?)).then_some((at, inside))
    }

    /// Returns the text of an element.
    pub(super) fn element(&self, at: usize) -> Option<&str> {
        let element = self.list.as_ref()?.elements.get(at)?;
        element.text.get(..element.end)
    }

    /// Replaces the text of an element, which was edited at the path inside it.
    pub(super) fn replace_element(&mut self, at: usize, text: &str, edited: &[PathSegment<'_>]) {
        let Some(list) = self.list.as_mut() else { return };
        let Some(element) = list.elements.get_mut(at) else { return };
        let after = element.text.get(element.end..).unwrap_or_default();
        *element = CutElement { text: format!("{text}{after}").into(), end: text.len() };
        if !matches!(edited, [PathSegment::Key(key), ..] if *key != ID) {
            list.by_id = OnceLock::new();
        }
    }
}

impl CutList {
    fn index_by_id(&self) -> &HashMap<String, Option<usize>> {
        self.by_id.get_or_init(|| {
            let ids = self.elements.iter().enumerate().filter_map(|(at, element)| {
                let text = element.text.get(..element.end)?;
                Some((JsonText(Cow::Borrowed(text)).text_field(ID)?, at))
            });
            let mut by_id = HashMap::with_capacity(self.elements.len());
            for (id, at) in ids {
                by_id.entry(id).and_modify(|at| *at = None).or_insert(Some(at));
            }
            Arc::new(by_id)
        })
    }
}

/// Returns the key of the longest list that is a field of the document, and the spans of its elements. The
/// field must be the only one of its key.
fn longest_list(text: &str) -> Option<(String, Vec<Range<usize>>)> {
    let fields = scan::object_members(text, &scan::root_span(text))?;
    let is_list = |field: &&scan::ContainerItem| {
        text.get(field.value.clone()).is_some_and(|value| value.starts_with('['))
    };
    let longest = fields.iter().filter(is_list).max_by_key(|field| field.value.len())?;
    let key = longest.decode_key(text)?;
    let same_key = fields.iter().filter(|field| field.decode_key(text).as_ref() == Some(&key));
    let elements = scan::array_elements(text, &longest.value)?;
    let spans = elements.into_iter().map(|element| element.value).collect();
    (same_key.count() == 1).then_some((key, spans))
}
