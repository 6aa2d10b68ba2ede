//! Names and ids as Octopus compares them: without regard to case.

/// A name in the form by which it is compared. Ids and other plain ASCII compare by
/// [`str::eq_ignore_ascii_case`].
pub(crate) fn fold_case(name: &str) -> String {
    name.to_lowercase()
}

/// Whether a list has an id.
pub(crate) fn contains_id(ids: &[impl AsRef<str>], id: &str) -> bool {
    ids.iter().any(|other| other.as_ref().eq_ignore_ascii_case(id))
}

/// The slug of a name: `Deploy to AKS` is `deploy-to-aks`.
pub(crate) fn slugify(name: &str) -> String {
    let dashed: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    fold_case(&parts.join("-"))
}
