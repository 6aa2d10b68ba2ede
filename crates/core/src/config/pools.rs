//! `[pools]`: what is declared, and what the file's words for a pool mean.

use super::{checked_table::CheckedTable, lower::DesiredDraft};
use crate::{
    desired::{Declared, DesiredPool, DesiredPoolRef},
    finding::{Code, Finding},
    model::Name,
};

/// The longest name that is allowed, in characters.
///
/// # Source
///
/// Octopus keeps names in columns of 200 characters.
pub(super) const LONGEST_NAME: usize = 200;

impl DesiredDraft {
    /// Adds the pools of a file.
    pub(super) fn read_pools(&mut self, file: &CheckedTable) {
        for (key, part) in file.get_table_map("pools") {
            let name = part.get_text("name").unwrap_or_else(|| key.clone());
            self.check_name("pool", &name);
            if self.desired.pools.contains_key(&key.value) {
                let message = format!("the pool `{}` is declared twice", key.value);
                self.report(
                    Finding::error(Code::DuplicatePool, key.span.clone(), message)
                        .with_label("declared in another file already")
                        .with_help("keep one of the two"),
                );
                continue;
            }
            let name = Name::new(name.value.trim());
            self.check_pool(&key, &name, &part);
            let pool = DesiredPool {
                renamed_from: part.get_texts("renamed_from").unwrap_or_default(),
                image: part.get_text("image"),
                description: part.get_text("description").map(|it| it.value),
                default: part.get_flag("default"),
                sort_order: part.get_number("sort_order").map(|it| it.value),
                exact_members: part.get_text("members").is_some_and(|text| text.value == "exact"),
                protect: part.get_flag("protect").is_some_and(|it| it.value),
                min_healthy: part.get_number("min_healthy"),
                name,
            };
            self.desired.pools.insert(key.value, Declared { value: pool, span: key.span });
        }
    }

    fn check_pool(&mut self, key: &Declared<String>, name: &Name, part: &CheckedTable) {
        if self.desired.pools.values().any(|pool| pool.name == *name) {
            let name_span = part.get_text("name").map_or(key.span.clone(), |it| it.span);
            let message = format!("two pools are named `{name}`");
            self.report(
                Finding::error(Code::DuplicatePool, name_span, message)
                    .with_label("already the name of another pool; case does not count")
                    .with_help("give each pool a name of its own, or remove one of the two"),
            );
        }
        let is_default = |flag: &Option<Declared<bool>>| flag.as_ref().is_some_and(|it| it.value);
        let default = part.get_flag("default").filter(|it| it.value);
        if let Some(default) = default
            && self.desired.pools.values().any(|pool| is_default(&pool.default))
        {
            let message = "two pools of the file are to be the default pool";
            self.report(
                Finding::error(Code::DuplicateDefault, default.span, message)
                    .with_help("say `default = true` on one pool alone"),
            );
        }
        let static_only = ["members", "min_healthy"].into_iter().filter(|it| part.has_key(it));
        for word in static_only.filter(|_| part.has_key("image")) {
            let message = format!("a dynamic pool has no `{word}`");
            self.report(
                Finding::error(Code::DynamicPoolMember, key.span.clone(), message)
                    .with_label("`image` makes the pool dynamic: it makes its own workers")
                    .with_help(format!("remove `{word}` or `image`")),
            );
        }
    }

    /// What the file's word for a pool means: a key, a declared name, or else something live.
    pub(super) fn resolve_pool_ref(&self, text: Declared<String>) -> Declared<DesiredPoolRef> {
        let name = Name::new(&text.value);
        let by_name = || {
            let pools = self.desired.pools.iter();
            pools.filter(|(_, pool)| pool.name == name).map(|(key, _)| key.clone()).next()
        };
        let key = match self.desired.pools.contains_key(&text.value) {
            true => Some(text.value.clone()),
            false => by_name(),
        };
        let value = key.map_or(DesiredPoolRef::Live(text.value), DesiredPoolRef::Declared);
        Declared { value, span: text.span }
    }

    /// Tells what is wrong with a name.
    pub(super) fn check_name(&mut self, noun: &str, name: &Declared<String>) {
        let text = name.value.as_str();
        let (message, help) = if text.trim().is_empty() {
            (format!("the {noun} has an empty name"), "give it a name")
        } else if text.contains(char::is_control) {
            (format!("the {noun}'s name has a control character"), "remove it")
        } else if LONGEST_NAME < text.chars().count() {
            (format!("the {noun}'s name is longer than {LONGEST_NAME} characters"), "shorten it")
        } else {
            return;
        };
        self.report(Finding::error(Code::BadName, name.span.clone(), message).with_help(help));
    }
}
