//! Finds the requested space.

use super::{RefreshError, version::explain_age};
use poolwright_client::octopus::{Reader, wire};
use poolwright_core::{
    model::{Linked, Space},
    text,
};

/// Why no space was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// The spaces cannot be read.
    #[error(transparent)]
    Unread(#[from] RefreshError),
    /// No space that the key may see has this id, name or slug.
    #[error("there is no space `{requested}`")]
    Unknown {
        /// The requested space.
        requested: String,
        /// The nearest name.
        nearest: Option<String>,
        /// All names, in the server's order.
        available: Vec<String>,
    },
    /// Several spaces match.
    #[error("`{requested}` matches more than one space: {}", list_names(.found))]
    Ambiguous {
        /// The requested space.
        requested: String,
        /// The spaces, as `name (id)`.
        found: Vec<String>,
    },
    /// No space was requested, and the server has no default space that the key may see.
    #[error("no space is set, and the server has no default space that the key may see")]
    NoDefault {
        /// All names, in the server's order.
        available: Vec<String>,
    },
}

impl SpaceError {
    /// Returns what the user can do about this error, if anything.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unread(error) => error.help(),
            Self::Unknown { nearest: Some(nearest), .. } => {
                Some(format!("a space with a similar name exists: `{nearest}`"))
            }
            Self::Unknown { available, .. } | Self::NoDefault { available }
                if available.is_empty() =>
            {
                Some("give the key's user access to a space; it may not see any".to_owned())
            }
            Self::Unknown { available, .. } | Self::NoDefault { available } => {
                Some(format!("use a space that the key may see: {}", list_names(available)))
            }
            Self::Ambiguous { .. } => {
                Some("use the id of the space, or rename one of them".to_owned())
            }
        }
    }
}

fn list_names(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// Finds the space with this id, name or slug; without one, the server's default space.
///
/// # Errors
///
/// [`SpaceError`].
pub async fn find_space(
    reader: &Reader,
    wanted: Option<&str>,
) -> Result<Linked<Space>, SpaceError> {
    let spaces = reader.list_spaces().await;
    match spaces {
        Ok(spaces) => choose_space(&spaces, wanted),
        Err(why) => {
            let error = RefreshError::Unread { what: "the spaces".to_owned(), why };
            Err(explain_age(reader, error).await.into())
        }
    }
}

fn choose_space(
    spaces: &[wire::SpaceResource],
    wanted: Option<&str>,
) -> Result<Linked<Space>, SpaceError> {
    let link_space = |space: &wire::SpaceResource| Linked::new(&space.id, &space.name);
    let known_names = || spaces.iter().map(|space| space.name.clone()).collect();
    let Some(wanted) = wanted.map(str::trim) else {
        let default = spaces.iter().find(|space| space.is_default).map(link_space);
        return default.ok_or_else(|| SpaceError::NoDefault { available: known_names() });
    };
    let matches_wanted = |text: &str| text::eq_ignoring_case(text, wanted);
    let is_called = |space: &wire::SpaceResource| {
        [&space.id, &space.name, &space.slug].into_iter().any(|text| matches_wanted(text))
    };
    let called: Vec<_> = spaces.iter().filter(|space| is_called(space)).collect();
    match called.as_slice() {
        [] => Err(SpaceError::Unknown {
            requested: wanted.to_owned(),
            nearest: text::nearest_name(wanted, spaces.iter().map(|it| it.name.as_str()))
                .map(str::to_owned),
            available: known_names(),
        }),
        [space] => Ok(link_space(space)),
        several => Err(SpaceError::Ambiguous {
            requested: wanted.to_owned(),
            found: several.iter().map(|space| format!("{} ({})", space.name, space.id)).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(spaces: &[(&str, &str, &str)], wanted: Option<&str>) -> String {
        let spaces = spaces.iter().map(|(id, name, slug)| wire::SpaceResource {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            slug: (*slug).to_owned(),
            is_default: *name == "Default",
        });
        match choose_space(&spaces.collect::<Vec<_>>(), wanted) {
            Ok(space) => space.id.as_str().to_owned(),
            Err(error) => format!("{error}; {}", error.help().unwrap_or_default()),
        }
    }

    const SPACES: [(&str, &str, &str); 3] = [
        ("Spaces-1", "Default", "default"),
        ("Spaces-2", "Retail Bank", "retail"),
        ("Spaces-3", "Retail", "shops"),
    ];

    #[test]
    fn a_space_is_found_by_id_name_or_slug_ignoring_case() {
        for (wanted, id) in [
            (None, "Spaces-1"),
            (Some("spaces-2"), "Spaces-2"),
            (Some(" retail bank "), "Spaces-2"),
            (Some("SHOPS"), "Spaces-3"),
        ] {
            assert_eq!(chosen(&SPACES, wanted), id);
        }
    }

    #[test]
    fn an_ambiguous_or_missing_space_is_an_error_with_help() {
        insta::assert_snapshot!(chosen(&SPACES, Some("retail")), @"`retail` matches more than one space: `Retail Bank (Spaces-2)`, `Retail (Spaces-3)`; use the id of the space, or rename one of them");
        let alike = [("Spaces-1", "Spaces-2", "one"), ("Spaces-2", "Two", "two")];
        insta::assert_snapshot!(chosen(&alike, Some("Spaces-2")), @"`Spaces-2` matches more than one space: `Spaces-2 (Spaces-1)`, `Two (Spaces-2)`; use the id of the space, or rename one of them");
        insta::assert_snapshot!(chosen(&SPACES, Some("Retial Bank")), @"there is no space `Retial Bank`; a space with a similar name exists: `Retail Bank`");
        insta::assert_snapshot!(chosen(&SPACES, Some("Insurance")), @"there is no space `Insurance`; use a space that the key may see: `Default`, `Retail Bank`, `Retail`");
        insta::assert_snapshot!(chosen(&SPACES[1..], None), @"no space is set, and the server has no default space that the key may see; use a space that the key may see: `Retail Bank`, `Retail`");
        insta::assert_snapshot!(chosen(&[], None), @"no space is set, and the server has no default space that the key may see; give the key's user access to a space; it may not see any");
    }
}
