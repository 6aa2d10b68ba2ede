//! Lowers `[pools]`, and resolves references to pools.

use super::{
    language::{PoolMembers, PoolTable},
    lint::sort_order_warning,
    lower::DesiredDraft,
    table::Optional,
    values::{Number, TableMap},
};
use crate::{
    desired::{Declared, DesiredPool, DesiredPoolKind, DesiredPoolRef},
    finding::{Code, Finding},
    model::{Name, is_valid_slug},
};

use std::collections::HashMap;

/// The maximum length of a name, in characters.
///
/// # Source
///
/// Octopus keeps names in columns of 200 characters.
pub(super) const LONGEST_NAME: usize = 200;

impl DesiredDraft {
    /// Adds a file's pools.
    pub(super) fn read_pools(&mut self, pools: TableMap<PoolTable>) {
        let mut positions: HashMap<u32, Declared<String>> = HashMap::new();
        for (key, table) in pools {
            if let Some(position) = &table.sort_order {
                let (span, number) = (position.span.clone(), position.value.0);
                let earlier = positions
                    .get(&number)
                    .map(|earlier| sort_order_warning(span.clone(), number, earlier));
                earlier.into_iter().for_each(|warning| self.report(warning));
                positions.entry(number).or_insert(Declared { value: key.value.clone(), span });
            }
            self.read_pool(key, table);
        }
    }

    fn read_pool(&mut self, key: Declared<String>, table: PoolTable) {
        let PoolTable {
            name,
            renamed_from,
            slug,
            description,
            default,
            image,
            sort_order,
            members,
            protect,
            min_healthy,
        } = table;
        let name = name.unwrap_or_else(|| key.clone());
        self.check_name("pool", &name);
        if let Some(first) = self.desired.pools.get(&key.value) {
            let first = first.span.clone();
            let message = format!("the pool `{}` is declared twice", key.value);
            self.report(
                Finding::error(Code::DuplicatePool, key.span, message)
                    .with_label("already declared in another file")
                    .with_other_place(first, "the first one")
                    .with_help("keep one of the two"),
            );
            return;
        }
        let name = Declared { value: Name::new(name.value.trim()), span: name.span };
        self.check_pool_unique(&name, &default);
        self.check_slug(slug.as_ref());
        let pool = DesiredPool {
            name: name.value,
            renamed_from,
            slug,
            kind: self.read_pool_kind(&key, image, members, min_healthy),
            description: description.map(|text| text.value.0),
            default,
            sort_order: sort_order.map(|number| number.value.0),
            protect: protect.is_some_and(|flag| flag.value),
        };
        self.desired.pools.insert(key.value, Declared { value: pool, span: key.span });
    }

    /// Reports a name that another pool already has, and a second default pool.
    fn check_pool_unique(&mut self, name: &Declared<Name>, default: &Option<Declared<bool>>) {
        let first = self.desired.pools.values().find(|pool| pool.value.name == name.value);
        if let Some(first) = first.map(|pool| pool.span.clone()) {
            let message = format!("two pools are named `{}`", name.value);
            self.report(
                Finding::error(Code::DuplicatePool, name.span.clone(), message)
                    .with_label("already the name of another pool; case does not count")
                    .with_other_place(first, "the other pool")
                    .with_help("give each pool a name of its own, or remove one of the two"),
            );
        }
        let mut defaults = self.desired.pools.values().filter_map(|pool| pool.default.as_ref());
        if let Some(flag) = default.as_ref().filter(|flag| flag.value)
            && let Some(first) = defaults.find(|flag| flag.value).map(|flag| flag.span.clone())
        {
            let message = "two pools are declared as the default pool";
            self.report(
                Finding::error(Code::DuplicateDefault, flag.span.clone(), message)
                    .with_other_place(first, "the first default pool")
                    .with_help("set `default = true` on one pool only"),
            );
        }
    }

    /// Reports a slug that Octopus would refuse, and one that another pool already has.
    fn check_slug(&mut self, slug: Option<&Declared<String>>) {
        let Some(slug) = slug else { return };
        if !is_valid_slug(&slug.value) {
            let message = format!("`{}` cannot be the slug of a pool", slug.value);
            self.report_error(
                Code::BadSlug,
                slug.span.clone(),
                message,
                "use lowercase letters, digits and hyphens, and none of the API's own words such as `all`",
            );
        }
        let mut others = self.desired.pools.values().filter_map(|pool| pool.slug.as_ref());
        if let Some(first) = others.find(|other| other.value == slug.value) {
            let message = format!("two pools have the slug `{}`", slug.value);
            let first = first.span.clone();
            self.report(
                Finding::error(Code::DuplicatePool, slug.span.clone(), message)
                    .with_other_place(first, "the other pool's slug")
                    .with_help("give each pool a slug of its own"),
            );
        }
    }

    fn read_pool_kind(
        &mut self,
        key: &Declared<String>,
        image: Option<Declared<String>>,
        members: Option<Declared<PoolMembers>>,
        min_healthy: Optional<Number<0, 100_000>>,
    ) -> DesiredPoolKind {
        let Some(image) = image else {
            return DesiredPoolKind::Static {
                exact_members: members.is_some_and(|word| word.value == PoolMembers::Exact),
                min_healthy: min_healthy
                    .map(|number| Declared { value: number.value.0, span: number.span }),
            };
        };
        let static_only = [("members", members.is_some()), ("min_healthy", min_healthy.is_some())];
        for (key_name, _) in static_only.into_iter().filter(|(_, is_set)| *is_set) {
            let message = format!("a dynamic pool cannot have `{key_name}`");
            self.report(
                Finding::error(Code::DynamicPoolMember, key.span.clone(), message)
                    .with_label("`image` makes the pool dynamic: Octopus provides its workers")
                    .with_help(format!("remove `{key_name}` or `image`")),
            );
        }
        DesiredPoolKind::Dynamic { image }
    }

    /// Resolves a reference to a pool: a key, a declared name, or otherwise a live pool.
    pub(super) fn resolve_pool_ref(&self, text: Declared<String>) -> Declared<DesiredPoolRef> {
        let name = Name::new(&text.value);
        let by_name = || {
            let pools = self.desired.pools.iter();
            pools.filter(|(_, pool)| pool.name == name).map(|(key, _)| key.clone()).next()
        };
        let key = if self.desired.pools.contains_key(&text.value) {
            Some(text.value.clone())
        } else {
            by_name()
        };
        let value = key.map_or(DesiredPoolRef::Live(text.value), DesiredPoolRef::Declared);
        Declared { value, span: text.span }
    }

    /// Reports an invalid name.
    pub(super) fn check_name(&mut self, noun: &str, name: &Declared<String>) {
        let text = name.value.as_str();
        let (message, help) = if text.trim().is_empty() {
            (format!("the {noun}'s name is empty"), "give it a name")
        } else if text.contains(char::is_control) {
            (format!("the {noun}'s name contains a control character"), "remove it")
        } else if text.chars().count() > LONGEST_NAME {
            (format!("the {noun}'s name is longer than {LONGEST_NAME} characters"), "shorten it")
        } else {
            return;
        };
        self.report_error(Code::BadName, name.span.clone(), message, help);
    }
}
