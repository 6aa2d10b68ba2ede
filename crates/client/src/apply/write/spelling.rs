//! How a document names pools: by ids, or as its file in Git does, by slugs, or, on old servers, by names.
//!
//! # Source
//!
//! `api.md` 2.10, 2.12: the API has ids and OCL slugs, and before 2022.3 both had names. Which of them a set
//! of variables in Git has over the API is not said, so that a value keeps the form that it has.

use crate::octopus::wire::WorkerPoolResource;
use poolwright_core::text::eq_ignoring_case;

/// The pools that a document may name.
#[derive(Clone, Debug, Default)]
pub(super) struct PoolSpellings(pub(super) Vec<WorkerPoolResource>);

impl PoolSpellings {
    /// The id of the pool that a text names; the text itself, where it names none that is known.
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

    /// Whether there are any: only of a document in Git is it asked how it names them.
    pub(super) fn has_pools(&self) -> bool {
        !self.0.is_empty()
    }

    /// A pool in the form that `sample` has; its id, where the sample says nothing.
    pub(super) fn spell_like<'a>(&'a self, sample: &str, id: &'a str) -> &'a str {
        let pool_by_id = |id: &str| self.0.iter().find(|pool| pool.id == id);
        let (Some(of_sample), Some(wanted)) = (pool_by_id(self.resolve_id(sample)), pool_by_id(id))
        else {
            return id;
        };
        let matches_sample = |it: &str| eq_ignoring_case(it, sample);
        match () {
            () if matches_sample(&of_sample.id) => id,
            () if matches_sample(&of_sample.slug) && !wanted.slug.is_empty() => &wanted.slug,
            () => &wanted.name,
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
    fn a_pool_is_known_by_its_id_its_slug_or_its_name() {
        let pools = spellings();
        for text in ["WorkerPools-1", "linux-workers", "Linux Workers", " LINUX-workers "] {
            assert_eq!(pools.resolve_id(text), "WorkerPools-1", "{text}");
        }
        assert_eq!(pools.resolve_id("WorkerPools-9"), "WorkerPools-9");
        assert_eq!(pools.resolve_id(""), "");
    }

    #[test]
    fn a_value_keeps_the_form_that_it_has() {
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
