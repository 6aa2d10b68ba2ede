//! What the file refers to and does not declare: a live thing by its id, name or slug.

use crate::{
    desired::Declared,
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

impl UnresolvedReference {
    /// The error that says so, with names that are near where there is no such thing.
    pub(super) fn to_finding<'a>(
        &self,
        noun: &str,
        text: &str,
        span: &Span,
        known: impl Iterator<Item = &'a str>,
    ) -> Finding {
        match self {
            Self::Missing => unknown_name_error(noun, text, known, span.clone()),
            Self::Ambiguous(ids) => ambiguous_name_error(noun, text, ids, span.clone()),
        }
    }
}

/// The entry of `directory` that the file refers to.
///
/// # Errors
///
/// A finding, where there is none or more than one.
pub(super) fn resolve_entry<T>(
    noun: &str,
    directory: &[DirectoryEntry],
    wanted: &Declared<String>,
) -> Result<Linked<T>, Finding> {
    let known = directory.iter().map(|it| it.name.as_str());
    find_by_reference(directory.iter(), wanted, |entry| (&entry.id, &entry.name, &entry.slug))
        .map(|entry| Linked::new(&entry.id, entry.name.as_str()))
        .map_err(|it| it.to_finding(noun, wanted, &wanted.span, known))
}

/// The error for a name that nothing has, with one that is near.
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

/// The error for a name that several things have.
pub(super) fn ambiguous_name_error(noun: &str, text: &str, names: &[String], at: Span) -> Finding {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("{noun} `{text}` could be any of {}", names.join(", "));
    Finding::error("ambiguous-name", at, message)
        .with_help("rename or delete all but one of them on the server, or refer to one by its id")
}

/// The first of these names.
pub(super) fn first_names<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let few: Vec<_> = names.by_ref().take(5).map(|name| format!("`{name}`")).collect();
    format!("{}{}", few.join(", "), if names.next().is_some() { ", …" } else { "" })
}
