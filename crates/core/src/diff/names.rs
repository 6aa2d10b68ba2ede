//! Words of selectors that match nothing: one check for every key that takes names.
//!
//! A word without a wildcard that names nothing is an error, whether it includes or excludes: an exclusion that
//! excludes nothing lets a rule take what it should leave. A word with a wildcard warns.

use super::{
    matched::Matched,
    reference::{ReferentKind, unknown_name_error},
};
use crate::{
    desired::Declared,
    finding::{Finding, Level},
    live::UnreadSubject,
    text::{
        fold_case, nearest_name,
        pattern::{Pattern, Patterns},
    },
};

use std::collections::HashSet;

/// The names that the words of a selector can match.
pub(super) struct NameCatalog<'a> {
    kind: ReferentKind,
    names: Vec<&'a str>,
    folded: HashSet<String>,
    /// Whether there may be others that could not be read.
    is_unread: bool,
}

impl<'a> NameCatalog<'a> {
    /// Creates a catalog; `subject` is what hides further names if it could not be read.
    pub(super) fn new(
        matched: &Matched,
        kind: ReferentKind,
        names: impl IntoIterator<Item = &'a str>,
        subject: UnreadSubject,
    ) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let folded = names.iter().map(|name| fold_case(name)).collect();
        let is_unread = matched.live.unread_by(subject).any(|part| !part.is_left_out);
        Self { kind, names, folded, is_unread }
    }

    /// Whether a pattern matches any of the names.
    pub(super) fn has_match(&self, pattern: &Pattern) -> bool {
        self.folded.iter().any(|name| pattern.matches(name))
    }

    /// Returns findings about all words of a selector that match nothing.
    pub(super) fn check_words(&self, patterns: &Declared<Patterns>) -> Vec<Finding> {
        self.unknown_names(patterns).chain(self.check_partial(patterns)).collect()
    }

    /// Returns findings about the words whose failure to match anything a rule does not report itself: exclusions, and
    /// wildcards in a list whose other words may match.
    pub(super) fn check_partial(&self, patterns: &Declared<Patterns>) -> Vec<Finding> {
        let is_idle = |pattern: &&Pattern| match pattern.exact_name() {
            Some(name) => !self.folded.contains(&fold_case(name)),
            None => !self.has_match(pattern),
        };
        let included = patterns.value.included();
        let idle_wildcards = included.iter().filter(|it| it.exact_name().is_none());
        let idle_wildcards = idle_wildcards.filter(|_| included.len() > 1).filter(is_idle);
        let excluded = patterns.value.excluded().iter().filter(is_idle);
        let idle_wildcards = idle_wildcards.map(|pattern| (pattern, false));
        let idle = idle_wildcards.chain(excluded.map(|pattern| (pattern, true)));
        idle.map(|(pattern, excludes)| self.idle_finding(pattern, excludes, patterns)).collect()
    }

    /// Returns errors about the names without wildcards that do not exist.
    fn unknown_names(&self, patterns: &Declared<Patterns>) -> impl Iterator<Item = Finding> {
        let names = patterns.value.exact_names();
        let unknown = names.filter(|name| !self.folded.contains(&fold_case(name)));
        unknown.map(|name| {
            let names = self.names.iter().copied();
            self.soften(unknown_name_error(self.kind, name, names, patterns.span.clone()))
        })
    }

    fn idle_finding(
        &self,
        pattern: &Pattern,
        excludes: bool,
        patterns: &Declared<Patterns>,
    ) -> Finding {
        let (noun, code) = (self.kind.noun(), self.kind.unknown_code());
        let (mark, effect) = if excludes { ("!", ", so it excludes nothing") } else { ("", "") };
        let message = format!("no {noun} matches `{mark}{}`{effect}", pattern.as_str());
        // A wildcard may be there for what is yet to come.
        let new = if pattern.exact_name().is_some() { Finding::error } else { Finding::warning };
        let bare = pattern.as_str().replace(['*', '?'], "");
        let help = match nearest_name(&bare, self.names.iter().copied()) {
            Some(near) => format!("a similar name exists: `{near}`"),
            None => format!("remove it, or correct it to the name of a {noun}"),
        };
        self.soften(new(code, patterns.span.clone(), message).with_help(help))
    }

    /// Downgrades an error to a warning if the missing object may be among those that could not be read.
    fn soften(&self, finding: Finding) -> Finding {
        // A target that gets a pool has to be there: what cannot be written is an error, hidden or not.
        let is_written = self.kind == ReferentKind::DeploymentTarget;
        if finding.level != Level::Error || !self.is_unread || is_written {
            return finding;
        }
        let help = format!("a {} that could not be read may have this name", self.kind.noun());
        Finding { level: Level::Warn, ..finding }.with_help(help)
    }
}
