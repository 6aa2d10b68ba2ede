//! Steps of other spaces that run on the built-in worker, which all spaces share.

use super::{Error, Reading, estate::estate, lower, rights::Rights};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    live::{Directory, Elsewhere, Gap, Hides, Live, Scope, ServerFacts, needs_built_in_worker},
    model::{Linked, PoolKind, Space},
};

use futures_util::future::try_join_all;

/// The steps of every other space that run on the built-in worker, and what of that could not be seen.
pub(super) async fn elsewhere(
    reader: &Reader,
    here: &Linked<Space>,
    scope: &Scope,
    rights: &Rights,
) -> Result<(Vec<Elsewhere>, Vec<Gap>), Error> {
    if !scope.elsewhere {
        return Ok((Vec::new(), Vec::new()));
    }
    let spaces = reader.spaces().await;
    let spaces = spaces.map_err(|why| Error::Unread { what: "the spaces".to_owned(), why })?;
    let spaces = spaces.into_iter().map(|it| Linked::new(it.id, it.name));
    let others: Vec<_> = spaces.filter(|space| space != here).collect();
    let read = try_join_all(others.iter().map(|space| of_space(reader, space, rights))).await?;
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    if rights.sees_not_all_spaces() {
        let why = "Missing permission: SpaceView".to_owned();
        let what = "spaces that the key's user may not see".to_owned();
        gaps.push(Gap::new(what, why, Hides::ElsewhereSteps));
    }
    for (elsewhere, hidden) in read {
        found.push(elsewhere);
        gaps.extend(hidden);
    }
    Ok((found, gaps))
}

async fn of_space(
    reader: &Reader,
    space: &Linked<Space>,
    rights: &Rights,
) -> Result<(Elsewhere, Vec<Gap>), Error> {
    let (on_built_in_worker, gaps) = match steps(reader, space, rights).await {
        Ok(seen) => seen,
        Err(Error::Unread { why, .. }) if why.is_forbidden() || why.is_not_found() => {
            let what = format!("the steps of space {:?}", space.name);
            let gap = Gap::new(what, why.to_string(), Hides::ElsewhereSteps);
            (Vec::new(), vec![gap])
        }
        Err(error) => return Err(error),
    };
    Ok((Elsewhere { space: space.name.clone(), on_built_in_worker }, gaps))
}

/// The steps of a space that run on the built-in worker, in words.
async fn steps(
    reader: &Reader,
    space: &Linked<Space>,
    rights: &Rights,
) -> Result<(Vec<String>, Vec<Gap>), Error> {
    let reading = Reading { reader: reader.in_space(&space.id), space };
    let mut live = pools_and_workers(&reading).await?;
    if !falls_back(&live) {
        return Ok((Vec::new(), Vec::new()));
    }
    let wanted = Scope {
        deployments: true,
        runbooks: true,
        pointers: true,
        templates: true,
        editions: true,
        ..Scope::default()
    };
    let estate = estate(&reading, &wanted).await?;
    live.processes = estate.processes;
    (live.pointers, live.choosers) = (estate.pointers, estate.choosers);
    super::by_ids(&mut live.pointers, &mut live.choosers, &live.pools);
    live.editions = estate.editions;
    // What only rules do not see is seen here all the same, and a file's rules are of one space.
    let unread = estate.gaps.into_iter().filter(|gap| gap.hides != Hides::Rules);
    let unread = unread.map(|gap| Gap { hides: Hides::ElsewhereSteps, ..gap });
    let on_built_in_worker = needs_built_in_worker(&live);
    let gaps = unread.chain(rights.steps_out_of_sight(space, Hides::ElsewhereSteps));
    Ok((on_built_in_worker, gaps.collect()))
}

async fn pools_and_workers(reading: &Reading<'_>) -> Result<Live, Error> {
    // Without the right to see workers their list is empty, and steps are told that may run elsewhere:
    // the safer mistake.
    let (pools, workers) = tokio::try_join!(
        reading.when(true, "the worker pools", reading.reader.worker_pools()),
        reading.when(true, "the workers", reading.reader.workers()),
    )?;
    let directory = Directory::default();
    Ok(Live {
        server: ServerFacts {
            url: String::new(),
            version: String::new(),
            space: reading.space.clone(),
            built_in_worker: Some(true),
        },
        pools: lower::pools(pools),
        workers: workers.into_iter().map(|it| lower::worker(it, &directory)).collect(),
        projects: Vec::new(),
        processes: Vec::new(),
        directory,
        pointers: Vec::new(),
        choosers: Default::default(),
        editions: Vec::new(),
        elsewhere: Vec::new(),
        gaps: Vec::new(),
    })
}

/// Whether steps without a pool run on the built-in worker. Where they do not, no process is read.
fn falls_back(live: &Live) -> bool {
    live.default_pool().is_some_and(|pool| {
        pool.kind == PoolKind::Static && live.members(&pool.id).next().is_none()
    })
}
