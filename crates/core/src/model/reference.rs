//! References to objects by what people call them: an id, a name or a slug.

use super::Name;
use crate::text::fold_case;

/// Why a reference cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnresolvedReference {
    /// No object has it.
    Missing,
    /// Several objects have it: their names, each with the id.
    Ambiguous(Vec<String>),
}

/// Returns the one object whose id is `text`, or else whose name, or else whose slug.
///
/// Ids and slugs are compared like names, ignoring case.
///
/// # Errors
///
/// Fails if there is no such object, if several have the same name or slug, or if `text` is the id of one and the
/// name or slug of another.
pub fn find_by_reference<'a, T>(
    things: impl Iterator<Item = &'a T> + Clone,
    text: &str,
    parts: impl Fn(&'a T) -> (&'a str, &'a Name, &'a str),
) -> Result<&'a T, UnresolvedReference> {
    let wanted = Name::new(text);
    let folded = wanted.as_folded();
    let has_id = |thing: &&'a T| fold_case(parts(thing).0) == folded;
    let has_name = |thing: &&'a T| *parts(thing).1 == wanted;
    let has_slug = |thing: &&'a T| {
        let slug = parts(thing).2;
        !slug.is_empty() && fold_case(slug) == folded
    };
    let by_name: Vec<&T> = things.clone().filter(has_name).collect();
    let by_slug = || things.clone().filter(has_slug).collect();
    let called: Vec<&T> = if by_name.is_empty() { by_slug() } else { by_name };
    let mut found: Vec<&T> = things.clone().filter(has_id).collect();
    for thing in called {
        if !found.iter().any(|known| std::ptr::eq(*known, thing)) {
            found.push(thing);
        }
    }
    match found.as_slice() {
        [] => Err(UnresolvedReference::Missing),
        [one] => Ok(one),
        many => {
            let describe = |thing: &&'a T| format!("{} ({})", parts(thing).1, parts(thing).0);
            Err(UnresolvedReference::Ambiguous(many.iter().map(describe).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_the_id_of_another_object_is_ambiguous() {
        let things = [("Pools-1", Name::new("SQL"), "sql"), ("Pools-2", Name::new("pools-1"), "x")];
        let find = |text| find_by_reference(things.iter(), text, |it| (it.0, &it.1, it.2));
        assert_eq!(find("POOLS-2"), Ok(&things[1]));
        assert_eq!(find("Sql"), Ok(&things[0]));
        assert_eq!(find("y"), Err(UnresolvedReference::Missing));
        let both = vec!["SQL (Pools-1)".to_owned(), "pools-1 (Pools-2)".to_owned()];
        assert_eq!(find("Pools-1"), Err(UnresolvedReference::Ambiguous(both)));
    }
}
