//! Derives keys of pools from their names.

use std::collections::{HashMap, HashSet};

/// Endings of most pool names, which people leave out of keys.
const ENDINGS: [&str; 3] = ["-worker-pool", "-workers", "-pool"];

/// Assigns each name a unique key.
pub(super) struct KeyAllocator {
    /// How many names shorten to each key.
    short: HashMap<String, usize>,
    taken: HashSet<String>,
}

impl KeyAllocator {
    /// Creates an allocator for these names.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        names.for_each(|name| *counts.entry(shorten_name(name)).or_default() += 1);
        Self { short: counts, taken: HashSet::new() }
    }

    /// Reserves keys, so that they are not assigned.
    pub(super) fn reserve_all<'a>(&mut self, taken: impl Iterator<Item = &'a String>) {
        self.taken.extend(taken.cloned());
    }

    /// Returns a key for a name: a short one, unless other names shorten to it.
    pub(super) fn assign_key(&mut self, name: &str) -> String {
        let short = shorten_name(name);
        let base = match self.short.get(&short) {
            Some(1) => short,
            _ => to_kebab_case(name),
        };
        let numbered = (2_usize..).map(|n| format!("{base}-{n}"));
        let mut free = std::iter::once(base.clone()).chain(numbered);
        let key = free.find(|key| !self.taken.contains(key)).unwrap_or(base);
        self.taken.insert(key.clone());
        key
    }
}

fn shorten_name(name: &str) -> String {
    let dashed = to_kebab_case(name);
    let ending = ENDINGS.iter().find_map(|it| dashed.strip_suffix(it));
    ending.filter(|it| !it.is_empty()).map_or(dashed.clone(), str::to_owned)
}

/// Converts `Kubernetes Worker Pool` to `kubernetes-worker-pool`.
fn to_kebab_case(name: &str) -> String {
    let dashed: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let parts: Vec<&str> = dashed.split('-').filter(|it| !it.is_empty()).collect();
    if parts.is_empty() { "pool".to_owned() } else { parts.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_as_short_as_uniqueness_allows() {
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
