//! Reader × Scope → [`Live`].
//!
//! Reads only what a plan needs, concurrently, and converts wire types to the live model. A part that cannot
//! be read becomes an [`UnreadPart`](poolwright_core::live::UnreadPart) or an error, never an empty list.
//! Never: a write, or a comparison with the desired state.

mod by_id;
mod directory;
mod git;
mod git_variables;
mod grouped_projects;
mod inventory;
mod item_errors;
mod late;
mod lower;
mod other_spaces;
mod permissions;
mod pool_references;
mod resolved;
mod scope_names;
mod snapshots;
mod space;
mod templates;
mod version;

pub use late::PlanSource;
pub use permissions::{hidden_parts, lacking_permissions};
pub use space::{SpaceError, find_space};

use poolwright_client::octopus::{self, Reader, SpaceReader};
use poolwright_core::{
    live::{
        Directory, HiddenData, IndirectPools, Live, LivePool, LiveServer, PoolReference,
        PoolReferenceKind, ReferenceHolder, ValueSource,
    },
    model::{Id, Linked, Name, Pool, Space, VariableSet},
    scope::ReadScope,
    text::eq_ignoring_case,
};

use std::collections::HashSet;

use directory::read_directory;
use inventory::read_inventory;
use item_errors::is_item_error;
use permissions::UserPermissions;

/// Why live state could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The request failed.
    #[error("cannot read {what}")]
    Unread {
        /// What was being read: ``the worker pools of space `Default` ``.
        what: String,
        /// Why.
        #[source]
        why: octopus::ClientError,
    },
    /// The server has no such resource because it is too old.
    #[error("cannot read {what}: the server's version {version} is older than {oldest}")]
    OldServer {
        /// What was being read.
        what: String,
        /// The server's version.
        version: String,
        /// The oldest version that is supported.
        oldest: &'static str,
    },
    /// Several projects are called what was asked for.
    #[error("`{requested}` could be any of the projects {}", quote_names(.found))]
    AmbiguousProject {
        /// What was asked for.
        requested: String,
        /// The projects, as `name (id)`.
        found: Vec<String>,
    },
    /// The server returned an empty list because the key's user may not see its items.
    #[error("cannot read {what}: Missing permission: {permission}")]
    Hidden {
        /// What was being read.
        what: String,
        /// The permission that the key's user lacks.
        permission: String,
    },
}

impl RefreshError {
    /// Returns what the user can do about this error, if anything.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unread { why, .. } => why.help(),
            Self::OldServer { oldest, .. } => {
                Some(format!("upgrade Octopus Server to {oldest} or newer"))
            }
            Self::AmbiguousProject { .. } => {
                Some("rename all but one of them, or use the id of one".to_owned())
            }
            Self::Hidden { permission, .. } => {
                Some(format!("give the key's user a role with `{permission}` in this space"))
            }
        }
    }
}

fn quote_names(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The read of a space.
struct SpaceReading<'a> {
    reader: SpaceReader,
    space: &'a Linked<Space>,
}

impl SpaceReading<'_> {
    /// Sends `request` if it is `wanted`, and adds to an error what was being read.
    async fn read_if<T: Default>(
        &self,
        wanted: bool,
        what: &str,
        request: impl Future<Output = Result<T, octopus::ClientError>>,
    ) -> Result<T, RefreshError> {
        if !wanted {
            return Ok(T::default());
        }
        request.await.map_err(|why| self.unread_error(what, why))
    }

    fn unread_error(&self, what: &str, why: octopus::ClientError) -> RefreshError {
        RefreshError::Unread { what: self.describe_in_space(what), why }
    }

    fn describe_in_space(&self, what: &str) -> String {
        format!("{what} of space `{}`", self.space.name)
    }
}

/// Reads the parts of a space that are in `scope`. `url` is the server URL given by the user.
///
/// # Errors
///
/// [`RefreshError`] if a part that every plan needs cannot be read.
pub async fn refresh_live(
    reader: &Reader,
    space: &Linked<Space>,
    scope: &ReadScope,
    url: &str,
) -> Result<Live, RefreshError> {
    match read_live(reader, space, scope, url).await {
        Ok(live) => Ok(live),
        Err(error) => Err(version::explain_age(reader, error).await),
    }
}

async fn read_live(
    reader: &Reader,
    space: &Linked<Space>,
    scope: &ReadScope,
    url: &str,
) -> Result<Live, RefreshError> {
    let reading = SpaceReading { reader: reader.in_space(&space.id), space };
    let (server, pools, workers, directory, inventory, rights) = tokio::try_join!(
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
    let (directory, unread_lists) = directory;
    let (other_spaces, mut unread_parts) =
        other_spaces::read_other_spaces(reader, space, scope, &rights).await?;
    unread_parts.extend(unread_lists);
    unread_parts.extend(inventory.unread);
    version::note_age(&mut unread_parts, &version);
    unread_parts.extend(rights.unread_parts(space, scope));
    let pools = lower::live_pools(pools);
    let directory =
        Directory { groups: inventory.groups, channels: inventory.channels, ..directory };
    let (mut references, mut indirect) = (inventory.references, inventory.indirect);
    resolve_pool_ids(&mut references, &mut indirect, &pools);
    if !rights.sees_every_environment(&space.id) {
        indirect.environments.clear();
    }
    let mut live = Live {
        server: LiveServer { url: url.to_owned(), version, space: space.clone(), built_in_worker },
        pools,
        workers: workers.into_iter().map(|it| lower::live_worker(it, &directory)).collect(),
        projects: inventory.projects,
        processes: inventory.processes,
        directory,
        references,
        indirect,
        snapshots: inventory.snapshots,
        other_spaces,
        unread: unread_parts,
    };
    live.sort_lists();
    Ok(live)
}

/// Reads the `missing` parts and adds them to `live`. Only the pools are read again.
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

/// Returns `live` with the `missing` parts taken from `more`.
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
        known.channels = directory.channels;
        live.unread.retain(|part| {
            part.hidden == HiddenData::OtherSpaceSteps || part.hidden.is_directory()
        });
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

/// Replaces the slugs and names of pools with their ids where they take effect: in Git, a variable's value is a slug,
/// and the default of a template may be a name. In the server's database a value is an id, and any other text leads
/// nowhere.
fn resolve_pool_ids(
    references: &mut [PoolReference],
    indirect: &mut IndirectPools,
    pools: &[LivePool],
) {
    let in_git: HashSet<&Id<VariableSet>> = indirect
        .sets
        .iter()
        .filter(|set| set.store.branch_name().is_some())
        .map(|set| &set.id)
        .collect();
    let is_text = |reference: &PoolReference| match (&reference.holder, reference.kind) {
        (Some(ReferenceHolder::Value(set, _)), _) => in_git.contains(set),
        (_, kind) => {
            matches!(kind, PoolReferenceKind::VariableTemplate | PoolReferenceKind::StepTemplate)
        }
    };
    let referenced = references.iter_mut().filter(|it| is_text(it)).map(|it| &mut it.pool);
    let variables = indirect
        .variables
        .iter_mut()
        .filter(|it| it.branch.is_some() || it.source == ValueSource::TemplateDefault);
    let variables = variables.filter_map(|it| it.pool.as_mut());
    let texts = referenced.chain(variables);
    texts.for_each(|id| resolve_pool_id(id, pools));
}

/// Replaces a pool's slug or name with its id.
fn resolve_pool_id(pool: &mut Id<Pool>, pools: &[LivePool]) {
    let name = Name::new(pool.as_str());
    let is_named_pool = |live: &&LivePool| {
        let equals_pool = |text: &str| eq_ignoring_case(text, pool.as_str());
        live.name == name || equals_pool(&live.slug) || equals_pool(live.id.as_str())
    };
    if pools.iter().all(|live| live.id != *pool)
        && let Some(found) = pools.iter().find(is_named_pool)
    {
        *pool = found.id.clone();
    }
}

/// Reads the server's version, and whether the built-in worker may run steps.
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
            // The setting is optional here.
            Err(error) if !scope.features && is_item_error(&error) => Ok(None),
            features => features.map(|it| it.is_built_in_worker_enabled),
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
        async { switches.await.map_err(unread_error("the server's feature settings")) },
    )
}
