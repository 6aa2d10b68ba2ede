//! The names of the objects that the scopes of variables refer to.
//!
//! A variable set that is read alone includes the names for its scopes; in a list of many it may leave them
//! out. The names then come from the lists of environments, channels and tag sets, each read once.

use super::{RefreshError, SpaceReading, by_id::ById, item_errors::is_item_error};
use poolwright_client::octopus::{self, wire};
use poolwright_core::{scope::ReadScope, text::eq_ignoring_case};

/// The objects that scopes can refer to in a space; empty unless requested.
#[derive(Debug, Default)]
pub(super) struct ScopeNames {
    environments: Vec<wire::NamedResource>,
    channels: Vec<wire::ChannelResource>,
    tag_sets: Vec<wire::TagSetResource>,
}

impl ScopeNames {
    /// Reads the lists besides the environments, if `found` needs them or they are in `scope`.
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

    /// Returns the names of all environments.
    pub(super) fn environment_names(&self) -> Vec<String> {
        self.environments.iter().map(|it| it.name.clone()).collect()
    }

    /// Returns the names of environments and channels by id.
    pub(super) fn names_by_id(&self) -> ById<String> {
        let environments =
            self.environments.iter().map(|environment| (&environment.id, &environment.name));
        let channels = self.channels.iter().map(|channel| (&channel.id, &channel.name));
        environments.chain(channels).map(|(id, name)| (id, name.clone())).collect()
    }

    /// Adds the names that a list left out of a set.
    pub(super) fn fill_missing(&self, set: &mut wire::VariableSetResource) {
        let scopes = &mut set.scope_values;
        if scopes.environments.is_empty() {
            scopes.environments.clone_from(&self.environments);
        }
        if scopes.channels.is_empty() {
            let is_own =
                |it: &&wire::ChannelResource| eq_ignoring_case(&it.project_id, &set.owner_id);
            let own = self.channels.iter().filter(is_own);
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

/// Returns a list, or an empty one if the key may not see it: ids then stand in for names.
fn list_or_empty<T>(
    reading: &SpaceReading<'_>,
    what: &str,
    response: Result<Vec<T>, octopus::ClientError>,
) -> Result<Vec<T>, RefreshError> {
    match response {
        Ok(list) => Ok(list),
        Err(why) if is_item_error(&why) => Ok(Vec::new()),
        Err(why) => Err(reading.unread_error(what, why)),
    }
}
