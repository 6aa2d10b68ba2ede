//! Keys of pools, made of their names.

use std::collections::{HashMap, HashSet};

/// What nearly every pool's name ends in, and no person writes in a key.
const ENDINGS: [&str; 3] = ["-worker-pool", "-workers", "-pool"];

/// Gives each name a key of its own.
pub(super) struct KeyAllocator {
    /// How many names come to each short key.
    short: HashMap<String, usize>,
    taken: HashSet<String>,
}

impl KeyAllocator {
    /// For these names.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        names.for_each(|name| *counts.entry(shorten_name(name)).or_default() += 1);
        Self { short: counts, taken: HashSet::new() }
    }

    /// Gives these keys to nobody.
    pub(super) fn reserve_all<'a>(&mut self, taken: impl Iterator<Item = &'a String>) {
        self.taken.extend(taken.cloned());
    }

    /// A key for a name: a short one, where no other name comes to the same.
    pub(super) fn assign_key(&mut self, name: &str) -> String {
        let short = shorten_name(name);
        let base = match self.short.get(&short) {
            Some(1) => short,
            _ => to_kebab_case(name),
        };
        let numbered = (2_usize..).map(|n| format!("{base}-{n}"));
        let mut free = std::iter::once(base.clone()).chain(numbered);
        let key = free.find(|it| !self.taken.contains(it)).unwrap_or(base);
        self.taken.insert(key.clone());
        key
    }
}

fn shorten_name(name: &str) -> String {
    let dashed = to_kebab_case(name);
    let ending = ENDINGS.iter().find_map(|it| dashed.strip_suffix(it));
    ending.filter(|it| !it.is_empty()).map_or(dashed.clone(), str::to_owned)
}

/// `Kubernetes Worker Pool` → `kubernetes-worker-pool`.
fn to_kebab_case(name: &str) -> String {
    let dashed: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let parts: Vec<&str> = dashed.split('-').filter(|it| !it.is_empty()).collect();
    match parts.is_empty() {
        true => "pool".to_owned(),
        false => parts.join("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_where_it_says_enough() {
        let names = [
            "Kubernetes Worker Pool",
            "Azure Pool",
            "Azure Workers",
            "SQL",
            "数据库",
            "\u{fffd}!",
            "sql!",
        ];
        let mut keys = KeyAllocator::new(names.into_iter());
        let keys = names.map(|it| keys.assign_key(it)).join(" ");
        assert_eq!(keys, "kubernetes azure-pool azure-workers sql pool pool-2 sql-2");
    }
}
