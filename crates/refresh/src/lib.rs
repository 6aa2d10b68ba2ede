//! Reader × Scope → [`Live`].
//!
//! Reads what a plan needs and no more, side by side, and turns the wire's words into ours. What cannot
//! be read becomes an [`UnreadPart`](poolwright_core::live::UnreadPart) or an error, and never an empty list. Never: a write, or a
//! comparison with what the file asks for.

mod git;
mod git_variables;
mod grouped_projects;
mod inventory;
mod item_errors;
mod lower;
mod other_spaces;
mod permissions;
mod pool_references;
mod resolved;
mod scope_names;
mod snapshots;
mod space;
mod templates;

pub use permissions::{hidden_parts, lacking_permissions};
pub use space::{SpaceError, find_space};

use poolwright_client::octopus::{self, Reader, SpaceReader};
use poolwright_core::{
    live::{
        Directory, DirectoryEntry, HiddenData, IndirectPools, Live, LivePool, LiveServer,
        PoolReference,
    },
    model::{Id, Linked, Name, Pool, Space},
    scope::ReadScope,
    text::eq_ignoring_case,
};

use inventory::read_inventory;
use permissions::UserPermissions;

/// What could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The server did not give it.
    #[error("cannot read {what}")]
    Unread {
        /// What: ``the worker pools of space `Default` ``.
        what: String,
        /// Why.
        #[source]
        why: octopus::ClientError,
    },
    /// The server gives an empty list to whoever may not see what is in it.
    #[error("cannot read {what}: Missing permission: {permission}")]
    Hidden {
        /// What.
        what: String,
        /// The permission that the key's user lacks.
        permission: String,
    },
}

impl RefreshError {
    /// What helps: a statement, where there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unread { why, .. } => why.help(),
            Self::Hidden { permission, .. } => {
                Some(format!("give the key's user a role with `{permission}` in this space"))
            }
        }
    }
}

/// A space that is being read.
struct SpaceReading<'a> {
    reader: SpaceReader,
    space: &'a Linked<Space>,
}

impl SpaceReading<'_> {
    /// The answer, or nothing where it is not wanted; an error says what was being read.
    async fn read_if<T: Default>(
        &self,
        wanted: bool,
        what: &str,
        answer: impl Future<Output = Result<T, octopus::ClientError>>,
    ) -> Result<T, RefreshError> {
        if !wanted {
            return Ok(T::default());
        }
        answer.await.map_err(|why| self.unread_error(what, why))
    }

    fn unread_error(&self, what: &str, why: octopus::ClientError) -> RefreshError {
        RefreshError::Unread { what: self.describe_in_space(what), why }
    }

    fn describe_in_space(&self, what: &str) -> String {
        format!("{what} of space `{}`", self.space.name)
    }
}

/// Reads what `scope` asks for of a space. `url` is the server as the user named it.
///
/// # Errors
///
/// [`RefreshError`] where something that no plan can do without cannot be read.
pub async fn refresh_live(
    reader: &Reader,
    space: &Linked<Space>,
    scope: &ReadScope,
    url: &str,
) -> Result<Live, RefreshError> {
    let reading = SpaceReading { reader: reader.in_space(&space.id), space };
    let (server, pools, workers, directory, estate, rights) = tokio::try_join!(
        read_server(reader, scope),
        reading.read_if(true, "the worker pools", reading.reader.list_worker_pools()),
        reading.read_if(scope.workers, "the workers", reading.reader.list_workers()),
        read_directory(&reading, scope),
        read_inventory(&reading, scope),
        UserPermissions::read(reader, scope),
    )?;
    let (version, built_in_worker) = server;
    if scope.workers && workers.is_empty() && rights.lacks_permission(&space.id, "WorkerView") {
        let what = reading.describe_in_space("the workers");
        return Err(RefreshError::Hidden { what, permission: "WorkerView".to_owned() });
    }
    let (elsewhere, mut gaps) =
        other_spaces::read_other_spaces(reader, space, scope, &rights).await?;
    gaps.extend(estate.unread);
    gaps.extend(rights.unread_parts(space, scope));
    let pools = lower::live_pools(pools);
    let directory = Directory { groups: estate.groups, ..directory };
    let (mut pointers, mut choosers) = (estate.references, estate.indirect);
    resolve_pool_ids(&mut pointers, &mut choosers, &pools);
    if !rights.sees_every_environment(&space.id) {
        choosers.environments.clear();
    }
    let mut live = Live {
        server: LiveServer { url: url.to_owned(), version, space: space.clone(), built_in_worker },
        pools,
        workers: workers.into_iter().map(|it| lower::live_worker(it, &directory)).collect(),
        projects: estate.projects,
        processes: estate.processes,
        directory,
        references: pointers,
        indirect: choosers,
        snapshots: estate.snapshots,
        other_spaces: elsewhere,
        unread: gaps,
    };
    live.sort_lists();
    Ok(live)
}

/// Adds to what was read what is still `missing`, and reads nothing twice but the pools.
///
/// # Errors
///
/// As [`refresh_live`].
pub async fn refresh_missing(
    reader: &Reader,
    live: Live,
    missing: &ReadScope,
) -> Result<Live, RefreshError> {
    let LiveServer { url, space, .. } = &live.server;
    let more = refresh_live(reader, space, missing, url).await?;
    Ok(add_missing(live, more, missing))
}

/// `live` with what `more` has of the parts that were `missing`.
fn add_missing(mut live: Live, more: Live, missing: &ReadScope) -> Live {
    let (known, directory) = (&mut live.directory, more.directory);
    live.pools = more.pools;
    live.server.built_in_worker = more.server.built_in_worker.or(live.server.built_in_worker);
    if missing.workers {
        live.workers = more.workers;
    }
    if missing.reads_projects() {
        live.projects = more.projects;
        live.processes = more.processes;
        live.references = more.references;
        live.indirect = more.indirect;
        live.snapshots = more.snapshots;
        known.groups = directory.groups;
        live.unread.retain(|part| part.hidden == HiddenData::OtherSpaceSteps);
    }
    if missing.other_spaces {
        live.other_spaces = more.other_spaces;
    }
    if missing.policies {
        known.policies = directory.policies;
    }
    if missing.proxies {
        known.proxies = directory.proxies;
    }
    if missing.accounts {
        known.accounts = directory.accounts;
    }
    if missing.feeds {
        known.feeds = directory.feeds;
    }
    if missing.images {
        known.images = directory.images;
    }
    live.unread.extend(more.unread);
    live
}

/// Gives the ids of pools for their slugs and names, wherever something points at one.
fn resolve_pool_ids(
    pointers: &mut [PoolReference],
    choosers: &mut IndirectPools,
    pools: &[LivePool],
) {
    let pointing = pointers.iter_mut().map(|it| &mut it.pool);
    let choosing = choosers.variables.iter_mut().filter_map(|it| it.pool.as_mut());
    let targets = choosers.targets.iter_mut().filter_map(|it| it.pool.as_mut());
    pointing.chain(choosing).chain(targets).for_each(|id| resolve_pool_id(id, pools));
}

/// Gives a pool's id for its slug or name. In Git a variable has the slug as its value, and the default of a
/// template may be the name.
fn resolve_pool_id(pool: &mut Id<Pool>, pools: &[LivePool]) {
    let name = Name::new(pool.as_str());
    let is_named_pool = |other: &&LivePool| {
        let equals_pool = |text: &str| eq_ignoring_case(text, pool.as_str());
        other.name == name || equals_pool(&other.slug) || equals_pool(other.id.as_str())
    };
    if pools.iter().all(|other| other.id != *pool)
        && let Some(found) = pools.iter().find(is_named_pool)
    {
        *pool = found.id.clone();
    }
}

/// The server's version, and whether the built-in worker may run steps.
async fn read_server(
    reader: &Reader,
    scope: &ReadScope,
) -> Result<(String, Option<bool>), RefreshError> {
    let unread_error = |what: &str| {
        let what = what.to_owned();
        move |why| RefreshError::Unread { what, why }
    };
    let switches = async {
        if !(scope.features || scope.features_if_visible) {
            return Ok(None);
        }
        match reader.read_features().await {
            // Who only would like to know does without.
            Err(error) if !scope.features && (error.is_forbidden() || error.is_not_found()) => {
                Ok(None)
            }
            answer => answer.map(|it| it.is_built_in_worker_enabled),
        }
    };
    tokio::try_join!(
        async {
            reader
                .read_server_root()
                .await
                .map(|it| it.version)
                .map_err(unread_error("the server's version"))
        },
        async { switches.await.map_err(unread_error("the server's switches")) },
    )
}

/// What a file may refer to.
async fn read_directory(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
) -> Result<Directory, RefreshError> {
    let reader = &reading.reader;
    let (policies, proxies, accounts, feeds, images) = tokio::try_join!(
        reading.read_if(scope.policies, "the machine policies", reader.list_machine_policies()),
        reading.read_if(scope.proxies, "the proxies", reader.list_proxies()),
        reading.read_if(scope.accounts, "the accounts", reader.list_accounts()),
        reading.read_if(scope.feeds, "the feeds", reader.list_feeds()),
        reading.read_if(
            scope.images,
            "the images of dynamic worker pools",
            reader.dynamic_worker_types()
        ),
    )?;
    let to_entries = |list: Vec<octopus::wire::NamedResource>| -> Vec<DirectoryEntry> {
        list.into_iter().map(lower::directory_entry).collect()
    };
    Ok(Directory {
        policies: to_entries(policies),
        proxies: to_entries(proxies),
        accounts: accounts.into_iter().filter_map(lower::ssh_account).collect(),
        feeds: to_entries(feeds),
        groups: Vec::new(),
        images,
    })
}
