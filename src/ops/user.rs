//! Who the key belongs to.

use poolwright_client::octopus::Reader;

/// Returns the name of the key's user; `None` if the server does not tell it.
pub(crate) async fn user_name(reader: &Reader) -> Option<String> {
    let user = reader.read_user().await.ok()?;
    [user.username, user.display_name].into_iter().find(|name| !name.trim().is_empty())
}
