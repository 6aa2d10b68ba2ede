//! What the file refers to and does not declare: a live thing by its id, name or slug.

use crate::{
    desired::Declared,
    finding::{Code, Finding, Span},
    live::DirectoryEntry,
    model::{Linked, Name},
    text::{self, fold_case, nearest_name},
};

/// What the file refers to by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReferentKind {
    Account,
    Channel,
    DeploymentTarget,
    Environment,
    Feed,
    LibraryVariableSet,
    MachinePolicy,
    Pool,
    Project,
    ProjectGroup,
    ProjectTag,
    Proxy,
    Runbook,
    TenantTag,
}

impl ReferentKind {
    /// The word for one of them.
    pub(super) fn noun(self) -> &'static str {
        self.describe().0
    }

    /// The code of a name that nothing of this kind has.
    fn unknown_code(self) -> Code {
        self.describe().1
    }

    fn describe(self) -> (&'static str, Code) {
        match self {
            Self::Account => ("account", Code::UnknownAccount),
            Self::Channel => ("channel", Code::UnknownChannel),
            Self::DeploymentTarget => ("deployment target", Code::UnknownDeploymentTarget),
            Self::Environment => ("environment", Code::UnknownEnvironment),
            Self::Feed => ("feed", Code::UnknownFeed),
            Self::LibraryVariableSet => ("library variable set", Code::UnknownLibraryVariableSet),
            Self::MachinePolicy => ("machine policy", Code::UnknownMachinePolicy),
            Self::Pool => ("pool", Code::UnknownPool),
            Self::Project => ("project", Code::UnknownProject),
            Self::ProjectGroup => ("project group", Code::UnknownProjectGroup),
            Self::ProjectTag => ("project tag", Code::UnknownProjectTag),
            Self::Proxy => ("proxy", Code::UnknownProxy),
            Self::Runbook => ("runbook", Code::UnknownRunbook),
            Self::TenantTag => ("tenant tag", Code::UnknownTenantTag),
        }
    }
}

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
    let by: [&dyn Fn(&'a T) -> bool; 3] =
        [&|item| fold_case(parts(item).0) == folded, &|item| *parts(item).1 == wanted, &|item| {
            !parts(item).2.is_empty() && fold_case(parts(item).2) == folded
        }];
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
        kind: ReferentKind,
        text: &str,
        span: &Span,
        known: impl Iterator<Item = &'a str>,
    ) -> Finding {
        match self {
            Self::Missing => unknown_name_error(kind, text, known, span.clone()),
            Self::Ambiguous(ids) => ambiguous_name_error(kind.noun(), text, ids, span.clone()),
        }
    }
}

/// The entry of `directory` that the file refers to.
///
/// # Errors
///
/// A finding, where there is none or more than one.
pub(super) fn resolve_entry<T>(
    kind: ReferentKind,
    directory: &[DirectoryEntry],
    wanted: &Declared<String>,
) -> Result<Linked<T>, Finding> {
    let known = directory.iter().map(|it| it.name.as_str());
    find_by_reference(directory.iter(), wanted, |entry| (&entry.id, &entry.name, &entry.slug))
        .map(|entry| Linked::new(&entry.id, entry.name.as_str()))
        .map_err(|it| it.to_finding(kind, wanted, &wanted.span, known))
}

/// The error for a name that nothing has, with one that is near.
pub(super) fn unknown_name_error<'a>(
    kind: ReferentKind,
    text: &str,
    known: impl Iterator<Item = &'a str>,
    at: Span,
) -> Finding {
    let noun = kind.noun();
    let known: Vec<&str> = known.collect();
    let near = nearest_name(text, known.iter().copied());
    let help = match (near, known.as_slice()) {
        (Some(near), _) => {
            format!("{} of a similar name exists: `{near}`", text::with_article(noun))
        }
        (None, []) => format!("the space has no {noun} that this key can see"),
        (None, _) => format!("there are {}", first_names(known.into_iter())),
    };
    Finding::error(kind.unknown_code(), at, format!("there is no {noun} `{text}`")).with_help(help)
}

/// The error for a name that several things have.
pub(super) fn ambiguous_name_error(noun: &str, text: &str, names: &[String], at: Span) -> Finding {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("{noun} `{text}` could be any of {}", names.join(", "));
    Finding::error(Code::AmbiguousName, at, message)
        .with_help("rename or delete all but one of them on the server, or refer to one by its id")
}

/// The first of these names.
pub(super) fn first_names<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let few: Vec<_> = names.by_ref().take(5).map(|name| format!("`{name}`")).collect();
    format!("{}{}", few.join(", "), if names.next().is_some() { ", …" } else { "" })
}
