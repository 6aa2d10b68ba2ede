//! How a document refers to pools: by id, by slug as in Git, or by name on old servers.
//!
//! # Source
//!
//! `api.md` 2.10, 2.12: the API uses ids and OCL uses slugs; before 2022.3 both used names. It is not documented
//! which of them the API uses for variables in Git, so a value keeps its form.

use crate::octopus::wire::WorkerPoolResource;
use poolwright_core::text::eq_ignoring_case;

/// The pools that a document may refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct PoolSpellings(pub(super) Vec<WorkerPoolResource>);

impl PoolSpellings {
    /// Returns the id of the pool that a text refers to; the text itself, if the pool is unknown.
    pub(super) fn resolve_id<'a>(&'a self, text: &'a str) -> &'a str {
        if self.0.iter().any(|pool| pool.id == text) {
            return text;
        }
        let matches_text = |name: &str| !text.is_empty() && eq_ignoring_case(name, text);
        let named = self.0.iter().find(|pool| {
            matches_text(&pool.id) || matches_text(&pool.slug) || matches_text(&pool.name)
        });
        named.map_or(text, |it| &it.id)
    }

    /// Whether there are any pools, which are only read for a document in Git.
    pub(super) fn has_pools(&self) -> bool {
        !self.0.is_empty()
    }

    /// Spells a pool in the same form as `sample`; its id, if the sample has no known form.
    pub(super) fn spell_like<'a>(&'a self, sample: &str, id: &'a str) -> &'a str {
        let pool_by_id = |id: &str| self.0.iter().find(|pool| pool.id == id);
        let (Some(sample_pool), Some(wanted)) =
            (pool_by_id(self.resolve_id(sample)), pool_by_id(id))
        else {
            return id;
        };
        if eq_ignoring_case(&sample_pool.id, sample) {
            id
        } else if eq_ignoring_case(&sample_pool.slug, sample) && !wanted.slug.is_empty() {
            &wanted.slug
        } else {
            &wanted.name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spellings() -> PoolSpellings {
        let pool = |id: &str, name: &str, slug: &str| {
            let pool = serde_json::json!({ "Id": id, "Name": name, "Slug": slug });
            serde_json::from_value(pool).unwrap()
        };
        PoolSpellings(vec![
            pool("WorkerPools-1", "Linux Workers", "linux-workers"),
            pool("WorkerPools-2", "Windows", "windows-2022"),
        ])
    }

    #[test]
    fn a_pool_resolves_by_id_slug_or_name() {
        let pools = spellings();
        for text in ["WorkerPools-1", "linux-workers", "Linux Workers", " LINUX-workers "] {
            assert_eq!(pools.resolve_id(text), "WorkerPools-1", "{text}");
        }
        assert_eq!(pools.resolve_id("WorkerPools-9"), "WorkerPools-9");
        assert_eq!(pools.resolve_id(""), "");
    }

    #[test]
    fn a_new_pool_is_spelled_in_the_form_of_the_old_one() {
        let pools = spellings();
        let like = |sample: &str| pools.spell_like(sample, "WorkerPools-2").to_owned();
        assert_eq!(like("WorkerPools-1"), "WorkerPools-2");
        assert_eq!(like("linux-workers"), "windows-2022");
        assert_eq!(like("Linux Workers"), "Windows");
        assert_eq!(like(""), "WorkerPools-2");
        assert_eq!(like("#{Expression}"), "WorkerPools-2");
        assert_eq!(
            PoolSpellings::default().spell_like("linux-workers", "WorkerPools-2"),
            "WorkerPools-2"
        );
    }
}
