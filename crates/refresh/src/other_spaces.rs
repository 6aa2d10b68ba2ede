//! Steps of other spaces that run on the built-in worker, which all spaces share.

use super::{
    RefreshError, SpaceReading, inventory::read_inventory, item_errors::is_item_error, lower,
    permissions::UserPermissions,
};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    live::{
        Directory, HiddenData, Live, LiveServer, OtherSpace, PoolUse, UnreadPart, UnreadSubject,
        steps_on_built_in,
    },
    model::{Linked, PoolKind, Space},
    scope::ReadScope,
};

use futures_util::future::try_join_all;

/// Reads the steps of every other space that run on the built-in worker, and the parts that could not be read.
pub(super) async fn read_other_spaces(
    reader: &Reader,
    here: &Linked<Space>,
    scope: &ReadScope,
    rights: &UserPermissions,
) -> Result<(Vec<OtherSpace>, Vec<UnreadPart>), RefreshError> {
    if !scope.other_spaces {
        return Ok((Vec::new(), Vec::new()));
    }
    let spaces = reader.list_spaces().await;
    let spaces =
        spaces.map_err(|why| RefreshError::Unread { what: "the spaces".to_owned(), why })?;
    let spaces = spaces.into_iter().map(|space| Linked::new(space.id, space.name));
    let others: Vec<_> = spaces.filter(|space| space != here).collect();
    let read =
        try_join_all(others.iter().map(|space| read_other_space(reader, space, rights))).await?;
    let (mut found, mut unread_parts) = (Vec::new(), Vec::new());
    if rights.hides_some_spaces() {
        let why = "Missing permission: SpaceView".to_owned();
        let what = "spaces that the key's user may not see".to_owned();
        unread_parts.push(UnreadPart::new(what, why, HiddenData::OtherSpaceSteps));
    }
    for (other_space, hidden) in read {
        found.push(other_space);
        unread_parts.extend(hidden);
    }
    Ok((found, unread_parts))
}

async fn read_other_space(
    reader: &Reader,
    space: &Linked<Space>,
    rights: &UserPermissions,
) -> Result<(OtherSpace, Vec<UnreadPart>), RefreshError> {
    let (on_built_in_worker, unread_parts) = match built_in_steps(reader, space, rights).await {
        Ok(steps) => steps,
        Err(RefreshError::Unread { why, .. }) if is_item_error(&why) => {
            let what = format!("the steps of space {:?}", space.name);
            let part = UnreadPart::new(what, why.to_string(), HiddenData::OtherSpaceSteps);
            (Vec::new(), vec![part])
        }
        Err(error) => return Err(error),
    };
    Ok((OtherSpace { space: space.name.clone(), on_built_in_worker }, unread_parts))
}

/// Returns the steps of a space that run on the built-in worker.
async fn built_in_steps(
    reader: &Reader,
    space: &Linked<Space>,
    rights: &UserPermissions,
) -> Result<(Vec<PoolUse>, Vec<UnreadPart>), RefreshError> {
    let reading = SpaceReading { reader: reader.in_space(&space.id), space };
    let mut live = pools_and_workers(&reading).await?;
    if !uses_built_in(&live) {
        return Ok((Vec::new(), Vec::new()));
    }
    let inventory = read_inventory(&reading, &ReadScope::for_other_space()).await?;
    live.processes = inventory.processes;
    (live.references, live.indirect) = (inventory.references, inventory.indirect);
    super::resolve_pool_ids(&mut live.references, &mut live.indirect, &live.pools);
    live.snapshots = inventory.snapshots;
    // A file's rules, and the names in them, apply to a single space.
    let unread = inventory.unread.into_iter();
    let unread = unread.filter(|part| part.may_hide(UnreadSubject::BuiltInUses));
    let unread = unread.map(|part| UnreadPart { hidden: HiddenData::OtherSpaceSteps, ..part });
    let on_built_in_worker = steps_on_built_in(&live);
    let unread_parts = unread.chain(rights.hidden_steps(space, HiddenData::OtherSpaceSteps));
    Ok((on_built_in_worker, unread_parts.collect()))
}

async fn pools_and_workers(reading: &SpaceReading<'_>) -> Result<Live, RefreshError> {
    // Without permission to see workers the list is empty, and steps are reported that may run on other
    // workers, which is the safer mistake.
    let (pools, workers) = tokio::try_join!(
        reading.read_if(true, "the worker pools", reading.reader.list_worker_pools()),
        reading.read_if(true, "the workers", reading.reader.list_workers()),
    )?;
    let directory = Directory::default();
    Ok(Live {
        server: LiveServer {
            url: String::new(),
            version: String::new(),
            space: reading.space.clone(),
            built_in_worker: Some(true),
        },
        pools: lower::live_pools(pools),
        workers: workers.into_iter().map(|it| lower::live_worker(it, &directory)).collect(),
        projects: Vec::new(),
        processes: Vec::new(),
        directory,
        references: Vec::new(),
        indirect: Default::default(),
        snapshots: Vec::new(),
        other_spaces: Vec::new(),
        unread: Vec::new(),
    })
}

/// Whether steps without a pool run on the built-in worker. If not, no process is read.
fn uses_built_in(live: &Live) -> bool {
    live.default_pool().is_some_and(|pool| {
        pool.kind == PoolKind::Static && live.pool_members(&pool.id).next().is_none()
    })
}
