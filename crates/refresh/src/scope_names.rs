//! Names of what the scopes of variables refer to.
//!
//! A variable set that is read alone says what can be in its scopes; in a list of many it may leave that out.
//! Then the names come from the lists of environments, channels and tag sets, however many sets there are.

use super::{RefreshError, SpaceReading, item_errors::is_item_error};
use poolwright_client::octopus::{self, wire};
use poolwright_core::scope::ReadScope;

use std::collections::HashMap;

/// What scopes can refer to in a space; nothing where nobody asks for it.
#[derive(Debug, Default)]
pub(super) struct ScopeNames {
    environments: Vec<wire::NamedResource>,
    channels: Vec<wire::ChannelResource>,
    tag_sets: Vec<wire::TagSetResource>,
}

impl ScopeNames {
    /// Reads what is known beside the environments, where `found` needs it or `scope` asks for it.
    pub(super) async fn read(
        reading: &SpaceReading<'_>,
        scope: &ReadScope,
        found: &[wire::VariableSetResource],
        environments: Vec<wire::NamedResource>,
    ) -> Result<Self, RefreshError> {
        let reader = &reading.reader;
        let mut known = Self { environments, ..Self::default() };
        let mut scopes = found.iter().flat_map(|it| &it.variables).map(|it| &it.scope);
        if scope.scope_names || scopes.any(|it| !it.channel.is_empty()) {
            known.channels = list_or_empty(reading, "the channels", reader.list_channels().await)?;
        }
        if scope.scope_names {
            known.tag_sets = list_or_empty(reading, "the tag sets", reader.list_tag_sets().await)?;
        }
        Ok(known)
    }

    /// The names of all environments.
    pub(super) fn environment_names(&self) -> Vec<String> {
        self.environments.iter().map(|it| it.name.clone()).collect()
    }

    /// The names of environments and channels, by their ids.
    pub(super) fn names_by_id(&self) -> HashMap<String, String> {
        let environments =
            self.environments.iter().map(|environment| (&environment.id, &environment.name));
        let channels = self.channels.iter().map(|channel| (&channel.id, &channel.name));
        environments.chain(channels).map(|(id, name)| (id.clone(), name.clone())).collect()
    }

    /// Adds to a set what its list has left out.
    pub(super) fn fill_missing(&self, set: &mut wire::VariableSetResource) {
        let scopes = &mut set.scope_values;
        if scopes.environments.is_empty() {
            scopes.environments.clone_from(&self.environments);
        }
        if scopes.channels.is_empty() {
            let own = self.channels.iter().filter(|channel| channel.project_id == set.owner_id);
            let named_channel =
                |channel: &wire::ChannelResource| wire_named(&channel.id, &channel.name);
            scopes.channels = own.map(named_channel).collect();
        }
        if scopes.tenant_tags.is_empty() {
            let tags = self.tag_sets.iter().flat_map(|it| &it.tags);
            let named_tag =
                |tag: &wire::TagResource| wire_named(&tag.canonical_tag_name, &tag.name);
            scopes.tenant_tags = tags.map(named_tag).collect();
        }
    }
}

fn wire_named(id: &str, name: &str) -> wire::NamedResource {
    wire::NamedResource {
        id: id.to_owned(),
        name: name.to_owned(),
        slug: String::new(),
        is_default: false,
    }
}

/// The list, or none where the key may not see it: then ids stand for names.
fn list_or_empty<T>(
    reading: &SpaceReading<'_>,
    what: &str,
    answer: Result<Vec<T>, octopus::ClientError>,
) -> Result<Vec<T>, RefreshError> {
    match answer {
        Ok(list) => Ok(list),
        Err(why) if is_item_error(&why) => Ok(Vec::new()),
        Err(why) => Err(reading.unread_error(what, why)),
    }
}
