//! What the file refers to and does not declare: a live thing by its id, name or slug.

use super::matched::Matched;
use crate::{
    desired::{Declared, NameOrId},
    finding::{Finding, Span},
    live::DirectoryEntry,
    model::{Linked, Name},
    text::{self, nearest_name},
};

/// Why a reference leads nowhere.
pub(super) enum UnresolvedReference {
    /// To none.
    Missing,
    /// To several, of these ids.
    Ambiguous(Vec<String>),
}

/// The one thing whose id is `text`, else whose name, else whose slug.
///
/// Ids and slugs are compared as names are: without regard to case.
pub(super) fn find_by_reference<'a, T>(
    things: impl Iterator<Item = &'a T> + Clone,
    text: &str,
    parts: impl Fn(&'a T) -> (&'a str, &'a Name, &'a str),
) -> Result<&'a T, UnresolvedReference> {
    let wanted = Name::new(text);
    let folded = wanted.as_folded();
    let by: [&dyn Fn(&'a T) -> bool; 3] = [
        &|item| parts(item).0.to_lowercase() == folded,
        &|item| *parts(item).1 == wanted,
        &|item| !parts(item).2.is_empty() && parts(item).2.to_lowercase() == folded,
    ];
    for is in by {
        let found: Vec<_> = things.clone().filter(|it| is(it)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one),
            many => {
                let ids = many.iter().map(|it| parts(it).0.to_owned());
                return Err(UnresolvedReference::Ambiguous(ids.collect()));
            }
        }
    }
    Err(UnresolvedReference::Missing)
}

/// The finding that says so: there is no such thing, and these are near.
pub(super) fn unknown_name_error<'a>(
    noun: &str,
    text: &str,
    known: impl Iterator<Item = &'a str>,
    at: Span,
) -> Finding {
    let known: Vec<&str> = known.collect();
    let near = nearest_name(text, known.iter().copied());
    let help = match (near, known.as_slice()) {
        (Some(near), _) => {
            format!("{} of a similar name exists: `{near}`", text::with_article(noun))
        }
        (None, []) => format!("the space has no {noun} that this key can see"),
        (None, _) => format!("there are {}", first_names(known.into_iter())),
    };
    Finding::error(
        &format!("unknown-{}", noun.replace(' ', "-")),
        at,
        format!("there is no {noun} `{text}`"),
    )
    .with_help(help)
}

/// The first of these names.
pub(super) fn first_names<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let few: Vec<_> = names.by_ref().take(5).map(|name| format!("`{name}`")).collect();
    format!("{}{}", few.join(", "), if names.next().is_some() { ", …" } else { "" })
}

impl Matched<'_> {
    /// The thing of `directory` that the file refers to.
    ///
    /// # Errors
    ///
    /// A finding, where there is none or more than one.
    pub(super) fn resolve_entry<T>(
        &self,
        noun: &str,
        directory: &[DirectoryEntry],
        wanted: &Declared<NameOrId>,
    ) -> Result<Linked<T>, Finding> {
        match find_by_reference(directory.iter(), wanted, |entry| {
            (&entry.id, &entry.name, &entry.slug)
        }) {
            Ok(entry) => Ok(Linked::new(&entry.id, entry.name.as_str())),
            Err(UnresolvedReference::Missing) => {
                let known = directory.iter().map(|it| it.name.as_str());
                Err(unknown_name_error(noun, wanted, known, wanted.span.clone()))
            }
            Err(UnresolvedReference::Ambiguous(ids)) => Err(Finding::error(
                "ambiguous-name",
                wanted.span.clone(),
                format!("{noun} `{}` could be any of {}", wanted.value, ids.join(", ")),
            )
            .with_help("refer to one by its id")),
        }
    }
}
