//! Reads what a file may refer to by name besides pools and projects.

use super::{RefreshError, SpaceReading, item_errors::list_or_unread, lower};
use poolwright_client::octopus;
use poolwright_core::{
    live::{Directory, DirectoryEntry, HiddenData, UnreadPart},
    scope::ReadScope,
};

/// Reads the objects that a file may refer to, and returns an unread part for each list that only some workers need.
pub(super) async fn read_directory(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
) -> Result<(Directory, Vec<UnreadPart>), RefreshError> {
    let reader = &reading.reader;
    let mut unread_parts = Vec::new();
    let others = async {
        tokio::try_join!(
            reading.read_if(scope.feeds, "the feeds", reader.list_feeds()),
            reading.read_if(
                scope.images,
                "the images of dynamic worker pools",
                reader.dynamic_worker_types()
            ),
        )
    };
    let (policies, proxies, accounts, others) = tokio::join!(
        read_list_if(scope.policies, reader.list_machine_policies()),
        read_list_if(scope.proxies, reader.list_proxies()),
        read_list_if(scope.accounts, reader.list_accounts()),
        others,
    );
    let (feeds, images) = others?;
    let (what, hides) = ("the machine policies", HiddenData::Policies);
    let policies = list_or_unread(reading, what, policies, hides, &mut unread_parts)?;
    let (what, hides) = ("the proxies", HiddenData::Proxies);
    let proxies = list_or_unread(reading, what, proxies, hides, &mut unread_parts)?;
    let (what, hides) = ("the accounts", HiddenData::Accounts);
    let accounts = list_or_unread(reading, what, accounts, hides, &mut unread_parts)?;
    let to_entries = |list: Vec<octopus::wire::NamedResource>| -> Vec<DirectoryEntry> {
        list.into_iter().map(lower::directory_entry).collect()
    };
    let directory = Directory {
        policies: to_entries(policies),
        proxies: to_entries(proxies),
        accounts: accounts.into_iter().filter_map(lower::ssh_account).collect(),
        feeds: to_entries(feeds),
        groups: Vec::new(),
        channels: Vec::new(),
        images,
    };
    Ok((directory, unread_parts))
}

/// Sends a request for a list if it is wanted.
async fn read_list_if<T>(
    wanted: bool,
    request: impl Future<Output = Result<Vec<T>, octopus::ClientError>>,
) -> Result<Vec<T>, octopus::ClientError> {
    if wanted { request.await } else { Ok(Vec::new()) }
}
