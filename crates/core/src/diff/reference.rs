//! References in the file to live objects that it does not declare, by id, name or slug.

use crate::{
    desired::Declared,
    finding::{Code, Finding, Span},
    live::DirectoryEntry,
    model::{Linked, UnresolvedReference, find_by_reference},
    text::{self, nearest_name},
};

/// The kinds of object that the file refers to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReferentKind {
    Account,
    ActionType,
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
    Protected,
    Proxy,
    Runbook,
    Step,
    TargetTag,
    TenantTag,
}

impl ReferentKind {
    /// Returns the noun for one object of this kind.
    pub(super) fn noun(self) -> &'static str {
        self.describe().0
    }

    /// Returns the code for a name that no object of this kind has.
    pub(super) fn unknown_code(self) -> Code {
        self.describe().1
    }

    fn describe(self) -> (&'static str, Code) {
        match self {
            Self::Account => ("account", Code::UnknownAccount),
            Self::ActionType => ("action type", Code::UnknownActionType),
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
            Self::Protected => ("pool or worker", Code::IdleProtect),
            Self::Proxy => ("proxy", Code::UnknownProxy),
            Self::Runbook => ("runbook", Code::UnknownRunbook),
            Self::Step => ("step", Code::UnknownStep),
            Self::TargetTag => ("target tag", Code::UnknownTargetTag),
            Self::TenantTag => ("tenant tag", Code::UnknownTenantTag),
        }
    }
}

/// Returns the error for a reference that cannot be resolved, with a similar name if no object has this one.
pub(super) fn unresolved_error<'a>(
    kind: ReferentKind,
    why: &UnresolvedReference,
    wanted: &Declared<String>,
    known: impl Iterator<Item = &'a str>,
) -> Finding {
    let span = wanted.span.clone();
    match why {
        UnresolvedReference::Missing => unknown_name_error(kind, wanted, known, span),
        UnresolvedReference::Ambiguous(names) => {
            ambiguous_name_error(kind.noun(), wanted, names, span)
        }
    }
}

/// Returns the entry of `directory` that the file refers to.
///
/// # Errors
///
/// Returns a finding if no entry or more than one matches.
pub(super) fn resolve_entry<T>(
    kind: ReferentKind,
    directory: &[DirectoryEntry],
    wanted: &Declared<String>,
) -> Result<Linked<T>, Finding> {
    let known = directory.iter().map(|it| it.name.as_str());
    find_by_reference(directory.iter(), wanted, |entry| (&entry.id, &entry.name, &entry.slug))
        .map(|entry| Linked::new(&entry.id, entry.name.as_str()))
        .map_err(|why| unresolved_error(kind, &why, wanted, known))
}

/// Returns the error for a name that no object has, with a similar name if there is one.
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
            format!("{} with a similar name exists: `{near}`", text::with_article(noun))
        }
        (None, []) => format!("the space has no {noun} that this key can see"),
        (None, _) => format!("available: {}", first_names(known.into_iter())),
    };
    Finding::error(kind.unknown_code(), at, format!("there is no {noun} `{text}`")).with_help(help)
}

/// Returns the error for a name that several objects have.
pub(super) fn ambiguous_name_error(noun: &str, text: &str, names: &[String], at: Span) -> Finding {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("{noun} `{text}` could be any of {}", names.join(", "));
    Finding::error(Code::AmbiguousName, at, message)
        .with_help("rename or delete all but one of them on the server, or refer to one by its id")
}

/// Returns the first few of these names, for a help line.
pub(super) fn first_names<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let few: Vec<_> = names.by_ref().take(5).map(|name| format!("`{name}`")).collect();
    format!("{}{}", few.join(", "), if names.next().is_some() { ", …" } else { "" })
}
