//! Names that may be misspellings of others.

use crate::text::{fold_case, nearest_name};

/// Returns the name of which `name` may be a misspelling; names that differ in numbers alone are different names.
pub(super) fn misspelt_name<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let without_numbers = |text: &str| {
        let text = fold_case(text);
        let letters = text.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace());
        letters.collect::<String>()
    };
    let letters = without_numbers(name);
    let others = candidates.iter().copied();
    nearest_name(name, others.filter(|other| without_numbers(other) != letters))
}
