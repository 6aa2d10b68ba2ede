//! A list, either as a page or as a bare array.

use super::{
    AccountResource, ActionTemplateResource, ChannelResource, DeploymentTargetResource,
    EventResource, GitBranchResource, LibraryVariableSetResource, NamedResource, ProcessResource,
    ProjectResource, RawDocument, ReleaseResource, RunbookResource, RunbookSnapshotResource,
    SpaceResource, TagSetResource, TenantVariableResource, VariableSetResource, WorkerPoolResource,
    WorkerResource,
};
use poolwright_core::text::fold_case;
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, marker::PhantomData};

/// A part of a list, or the whole of it.
#[derive(Debug)]
pub(in crate::octopus) struct ResourceCollection<T> {
    /// The items.
    pub(in crate::octopus) items: Vec<T>,
    /// The number of items on all pages; `None` for a bare array.
    pub(in crate::octopus) total: Option<usize>,
    /// Whether it links to a next page; the link itself is not followed.
    pub(in crate::octopus) has_next: bool,
}

/// An item of a list, which has an id.
pub(in crate::octopus) trait HasId {
    /// The id.
    fn item_id(&self) -> &str;

    /// A key that is equal for two copies of the same item.
    fn identity(&self) -> String {
        fold_case(self.item_id())
    }
}

macro_rules! keyed {
    ($($name:ident)*) => {
        $(impl HasId for $name {
            fn item_id(&self) -> &str {
                &self.id
            }
        })*
    };
}

impl HasId for TenantVariableResource {
    fn item_id(&self) -> &str {
        &self.tenant_id
    }
}

impl HasId for GitBranchResource {
    fn item_id(&self) -> &str {
        &self.name
    }

    /// Git distinguishes names that differ only in case.
    fn identity(&self) -> String {
        self.name.clone()
    }
}

keyed! {
    AccountResource ChannelResource EventResource LibraryVariableSetResource NamedResource ProcessResource ProjectResource RawDocument ReleaseResource RunbookResource RunbookSnapshotResource SpaceResource
    ActionTemplateResource TagSetResource DeploymentTargetResource VariableSetResource WorkerResource WorkerPoolResource
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceCollectionFields<T> {
    items: Vec<T>,
    #[serde(default)]
    total_results: Option<usize>,
    #[serde(default)]
    links: Option<PageLinks>,
}

#[derive(Deserialize)]
struct PageLinks {
    #[serde(rename = "Page.Next", default)]
    next: Option<IgnoredAny>,
}

struct ArrayOrPage<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ResourceCollection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArrayOrPage(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ArrayOrPage<T> {
    type Value = ResourceCollection<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<ResourceCollection<T>, A::Error> {
        let items = Vec::deserialize(de::value::SeqAccessDeserializer::new(array))?;
        Ok(ResourceCollection { items, total: None, has_next: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ResourceCollection<T>, A::Error> {
        let ResourceCollectionFields { items, total_results: total, links } =
            ResourceCollectionFields::deserialize(MapAccessDeserializer::new(map))?;
        let has_next = links.is_some_and(|links| links.next.is_some());
        Ok(ResourceCollection { items, total, has_next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_page_or_a_bare_array() {
        let page = |text: &str| serde_json::from_str::<ResourceCollection<NamedResource>>(text);
        let array = page(r#"[{"Id":"Feeds-1","Name":"Docker","Uri":"x"}]"#).unwrap();
        assert_eq!((array.items[0].item_id(), array.total), ("Feeds-1", None));
        let paged = page(r#"{"TotalResults":7,"Items":[{"Id":"Feeds-1","Name":"Docker"}]}"#);
        let paged = paged.unwrap();
        assert_eq!((paged.total, paged.has_next), (Some(7), false));
        for (links, has_next) in [
            ("null", false),
            ("{}", false),
            (r#"{"Page.Next":null}"#, false),
            (r#"{"Page.Next":"https://elsewhere.example/"}"#, true),
        ] {
            let paged = page(&format!(r#"{{"Items":[],"Links":{links}}}"#)).unwrap();
            assert_eq!(paged.has_next, has_next, "{links}");
        }
        let error = page(r#"{"ErrorMessage":"x"}"#).unwrap_err();
        insta::assert_snapshot!(error, @"missing field `Items` at line 1 column 20");
    }
}
