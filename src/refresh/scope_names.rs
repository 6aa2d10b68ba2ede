//! Names of what the scopes of variables refer to.
//!
//! A variable set that is read alone says what can be in its scopes; in a list of many it may leave that out.
//! Then the names come from the lists of environments, channels and tag sets: three requests, however many
//! sets there are.

use super::{Error, Reading, estate::is_of_the_thing};
use crate::{
    live::Scope,
    octopus::{self, wire},
};

/// What scopes can refer to in a space; nothing where nobody asks for it.
#[derive(Debug, Default)]
pub(super) struct ScopeNames {
    environments: Vec<wire::Named>,
    channels: Vec<wire::Channel>,
    tag_sets: Vec<wire::TagSet>,
}

impl ScopeNames {
    /// Reads the names, where `found` needs them or `scope` asks for them.
    pub(super) async fn read(
        reading: &Reading<'_>,
        scope: &Scope,
        found: &[wire::VariableSet],
    ) -> Result<Self, Error> {
        if !(scope.scope_names || found.iter().any(lacks_names)) {
            return Ok(Self::default());
        }
        let reader = &reading.reader;
        let (environments, channels, tag_sets) =
            tokio::join!(reader.environments(), reader.channels(), reader.tag_sets());
        Ok(Self {
            environments: known(reading, "the environments", environments)?,
            channels: known(reading, "the channels", channels)?,
            tag_sets: known(reading, "the tag sets", tag_sets)?,
        })
    }

    /// Adds to a set what its list has left out.
    pub(super) fn complete(&self, set: &mut wire::VariableSet) {
        let scopes = &mut set.scope_values;
        if scopes.environments.is_empty() {
            scopes.environments.clone_from(&self.environments);
        }
        if scopes.channels.is_empty() {
            let own = self.channels.iter().filter(|it| it.project_id == set.owner_id);
            let named = |it: &wire::Channel| named(&it.id, &it.name);
            scopes.channels = own.map(named).collect();
        }
        if scopes.tenant_tags.is_empty() {
            let tags = self.tag_sets.iter().flat_map(|it| &it.tags);
            let named = |it: &wire::Tag| named(&it.canonical_tag_name, &it.name);
            scopes.tenant_tags = tags.map(named).collect();
        }
    }
}

fn named(id: &str, name: &str) -> wire::Named {
    wire::Named { id: id.to_owned(), name: name.to_owned(), slug: String::new(), is_default: false }
}

/// Whether a scope refers to something whose name the set does not say.
fn lacks_names(set: &wire::VariableSet) -> bool {
    let unnamed = |ids: &[String], among: &[wire::Named]| {
        ids.iter().any(|id| among.iter().all(|it| it.id != *id))
    };
    set.variables.iter().any(|it| {
        unnamed(&it.scope.environment, &set.scope_values.environments)
            || unnamed(&it.scope.channel, &set.scope_values.channels)
    })
}

/// The list, or none where the key may not see it: then ids stand for names.
fn known<T>(
    reading: &Reading<'_>,
    what: &str,
    answer: Result<Vec<T>, octopus::Error>,
) -> Result<Vec<T>, Error> {
    match answer {
        Ok(list) => Ok(list),
        Err(why) if is_of_the_thing(&why) => Ok(Vec::new()),
        Err(why) => Err(reading.unread(what, why)),
    }
}
