//! Reader × Scope → [`Live`].
//!
//! Reads what a plan needs and no more, side by side, and turns the wire's words into ours. What cannot
//! be read becomes a [`UnreadPart`](poolwright_core::live::Gap) or an error, and never an empty list. Never: a write, or a
//! comparison with what the file asks for.

mod editions;
mod elsewhere;
mod estate;
mod git;
mod git_variables;
mod lower;
mod pointers;
mod resolved;
mod rights;
mod scope;
mod scope_names;
mod space;
mod templates;

pub use rights::{hidden, lacking};
pub use scope::{everything, scope, with_every_step};
pub use space::{SpaceError, space};

use poolwright_client::octopus::{self, Reader, SpaceReader};
use poolwright_core::{
    live::{
        Directory, DirectoryEntry, IndirectPools, Live, LivePool, LiveServer, PoolReference,
        ReadScope,
    },
    model::{Id, Linked, Name, Pool, Space},
};

use estate::estate;
use rights::UserPermissions;

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
    async fn when<T: Default>(
        &self,
        wanted: bool,
        what: &str,
        answer: impl Future<Output = Result<T, octopus::ClientError>>,
    ) -> Result<T, RefreshError> {
        if !wanted {
            return Ok(T::default());
        }
        answer.await.map_err(|why| self.unread(what, why))
    }

    fn unread(&self, what: &str, why: octopus::ClientError) -> RefreshError {
        RefreshError::Unread { what: self.of_space(what), why }
    }

    fn of_space(&self, what: &str) -> String {
        format!("{what} of space `{}`", self.space.name)
    }
}

/// Reads what `scope` asks for of a space. `url` is the server as the user named it.
///
/// # Errors
///
/// [`RefreshError`] where something that no plan can do without cannot be read.
pub async fn refresh(
    reader: &Reader,
    space: &Linked<Space>,
    scope: &ReadScope,
    url: &str,
) -> Result<Live, RefreshError> {
    let reading = SpaceReading { reader: reader.in_space(&space.id), space };
    let (server, pools, workers, directory, estate, rights) = tokio::try_join!(
        server(reader, scope),
        reading.when(true, "the worker pools", reading.reader.worker_pools()),
        reading.when(scope.workers, "the workers", reading.reader.workers()),
        directory(&reading, scope),
        estate(&reading, scope),
        UserPermissions::read(reader, scope),
    )?;
    let (version, built_in_worker) = server;
    if scope.workers && workers.is_empty() && rights.sees_no(&space.id, "WorkerView") {
        let what = reading.of_space("the workers");
        return Err(RefreshError::Hidden { what, permission: "WorkerView".to_owned() });
    }
    let (elsewhere, mut gaps) = elsewhere::elsewhere(reader, space, scope, &rights).await?;
    gaps.extend(estate.unread);
    gaps.extend(rights.gaps(space, scope));
    let pools = lower::pools(pools);
    let directory = Directory { groups: estate.groups, ..directory };
    let (mut pointers, mut choosers) = (estate.references, estate.indirect);
    by_ids(&mut pointers, &mut choosers, &pools);
    if !rights.sees_every_environment(&space.id) {
        choosers.environments.clear();
    }
    Ok(Live {
        server: LiveServer { url: url.to_owned(), version, space: space.clone(), built_in_worker },
        pools,
        workers: workers.into_iter().map(|it| lower::worker(it, &directory)).collect(),
        projects: estate.projects,
        processes: estate.processes,
        directory,
        references: pointers,
        indirect: choosers,
        snapshots: estate.snapshots,
        other_spaces: elsewhere,
        unread: gaps,
    })
}

/// Gives the ids of pools for their slugs and names, wherever something points at one.
fn by_ids(pointers: &mut [PoolReference], choosers: &mut IndirectPools, pools: &[LivePool]) {
    let pointing = pointers.iter_mut().map(|it| &mut it.pool);
    let choosing = choosers.variables.iter_mut().filter_map(|it| it.pool.as_mut());
    let targets = choosers.targets.iter_mut().filter_map(|it| it.pool.as_mut());
    pointing.chain(choosing).chain(targets).for_each(|id| by_id(id, pools));
}

/// Gives a pool's id for its slug or name. In Git a variable has the slug as its value, and the default of a
/// template may be the name.
fn by_id(pool: &mut Id<Pool>, pools: &[LivePool]) {
    let name = Name::new(pool.as_str());
    let is_it = |it: &&LivePool| {
        let folded = |text: &str| text.eq_ignore_ascii_case(pool.as_str());
        it.name == name || folded(&it.slug) || folded(it.id.as_str())
    };
    if pools.iter().all(|it| it.id != *pool)
        && let Some(found) = pools.iter().find(is_it)
    {
        *pool = found.id.clone();
    }
}

/// The server's version, and whether the built-in worker may run steps.
async fn server(
    reader: &Reader,
    scope: &ReadScope,
) -> Result<(String, Option<bool>), RefreshError> {
    let unread = |what: &str| {
        let what = what.to_owned();
        move |why| RefreshError::Unread { what, why }
    };
    let switches = async {
        if !(scope.features || scope.features_if_visible) {
            return Ok(None);
        }
        match reader.features().await {
            // Who only would like to know does without.
            Err(error) if !scope.features && (error.is_forbidden() || error.is_not_found()) => {
                Ok(None)
            }
            answer => answer.map(|it| it.is_built_in_worker_enabled),
        }
    };
    tokio::try_join!(
        async { reader.root().await.map(|it| it.version).map_err(unread("the server's version")) },
        async { switches.await.map_err(unread("the server's switches")) },
    )
}

/// What a file may refer to.
async fn directory(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
) -> Result<Directory, RefreshError> {
    let reader = &reading.reader;
    let (policies, proxies, accounts, feeds, images) = tokio::try_join!(
        reading.when(scope.policies, "the machine policies", reader.machine_policies()),
        reading.when(scope.proxies, "the proxies", reader.proxies()),
        reading.when(scope.accounts, "the accounts", reader.accounts()),
        reading.when(scope.feeds, "the feeds", reader.feeds()),
        reading.when(
            scope.images,
            "the images of dynamic worker pools",
            reader.dynamic_worker_types()
        ),
    )?;
    let entries = |list: Vec<octopus::wire::NamedResource>| -> Vec<DirectoryEntry> {
        list.into_iter().map(lower::entry).collect()
    };
    Ok(Directory {
        policies: entries(policies),
        proxies: entries(proxies),
        accounts: accounts.into_iter().filter_map(lower::ssh_account).collect(),
        feeds: entries(feeds),
        groups: Vec::new(),
        images,
    })
}
