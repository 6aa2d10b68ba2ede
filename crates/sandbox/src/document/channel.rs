//! The channel that every project has.

use crate::{
    document::{defaults, links},
    kind::{CHANNELS, PROJECTS},
    store::{self, StoredDocument},
};
use rusqlite::{Connection, Result, params};
use serde_json::json;

/// Adds the Default channel of a project.
pub(crate) fn add_default_channel(db: &Connection, space: &str, project: &str) -> Result<()> {
    let id = store::next_id(db, &CHANNELS)?;
    let mut channel = json!({
        "Id": id, "SpaceId": space, "ProjectId": project, "Name": "Default", "Slug": "default",
        "IsDefault": true,
    });
    defaults::add_defaults(&CHANNELS, &id, &mut channel);
    channel["Links"] = links::document_links(&CHANNELS, space, &id, &channel);
    store::save_document(db, &StoredDocument::new(&CHANNELS, &channel))
}

/// Adds the Default channel of every project without a channel: of a seed, an older store or a copied server.
pub(crate) fn add_missing_channels(db: &Connection) -> Result<()> {
    let condition = "not exists (select 1 from document channel
        where channel.kind = ?2 and channel.owner = document.id)";
    let values = params![PROJECTS.prefix, CHANNELS.prefix];
    for project in store::select_documents(db, &PROJECTS, condition, values)? {
        add_default_channel(db, &project.space, &project.id)?;
    }
    Ok(())
}
