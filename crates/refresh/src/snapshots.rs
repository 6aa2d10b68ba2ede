//! Processes that are only read for the pools they use: published snapshots, and the newest release of each
//! channel. Other branches of a repository are read by `git`.
//!
//! Everything is read in bulk: a thousand releases per page, and a hundred processes per request. Never: a
//! release that is not the newest of its channel.

use super::{
    RefreshError, SpaceReading,
    by_id::ById,
    grouped_projects::GroupedProjects,
    item_errors::{errors_by_id, is_item_error},
    lower,
};
use poolwright_client::octopus::{self, wire};
use poolwright_core::{
    live::{HiddenData, LiveProcess, ProcessOwner, ProcessSnapshot, SnapshotOrigin, UnreadPart},
    model::{Id, Name, Place, ProcessKind},
    text::fold_case,
};

use indexmap::{IndexMap, map::Entry};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// The most pages of releases, of a thousand each, that are searched for the newest of each channel.
const PAGES: usize = 10;

/// A frozen process to read.
struct SnapshotRequest {
    origin: SnapshotOrigin,
    owner: ProcessOwner,
    process: String,
    /// The variable sets that were frozen with it.
    sets: Vec<String>,
}

/// Reads the published snapshots and newest releases, and returns an unread part for each that cannot be read.
///
/// # Errors
///
/// A failure of the connection.
pub(super) async fn read_snapshots(
    reading: &SpaceReading<'_>,
    owners: &GroupedProjects<'_>,
    published: Vec<(String, ProcessOwner)>,
) -> Result<(Vec<ProcessSnapshot>, Vec<UnreadPart>), RefreshError> {
    let mut unread_parts = Vec::new();
    let releases = channel_releases(reading, owners, &mut unread_parts).await?;
    let published = published_snapshots(reading, published, &mut unread_parts).await?;
    let mut snapshots = Vec::with_capacity(releases.len() + published.len());
    for (kind, wanted) in [(ProcessKind::Deployment, releases), (ProcessKind::Runbook, published)] {
        snapshots.extend(frozen_processes(reading, kind, wanted, &mut unread_parts).await?);
    }
    let snapshots = attach_values(reading, snapshots, &mut unread_parts).await?;
    Ok((snapshots, unread_parts))
}

fn unread_part(what: String, why: impl ToString) -> UnreadPart {
    UnreadPart::new(what, why.to_string(), HiddenData::Snapshots)
}

/// Returns the value of a response, or its default and an unread part if the server answers but refuses the value.
fn value_or_unread<T: Default>(
    reading: &SpaceReading<'_>,
    what: &str,
    response: Result<T, octopus::ClientError>,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<T, RefreshError> {
    match response {
        Ok(found) => Ok(found),
        Err(why) if is_item_error(&why) => {
            unread_parts.push(unread_part(reading.describe_in_space(what), why));
            Ok(T::default())
        }
        Err(why) => Err(reading.unread_error(what, why)),
    }
}

/// Reads the newest release of each channel.
///
/// # Source
///
/// `GET …/releases` lists the releases of all projects. Servers list the newest first but do not promise it:
/// if the times contradict the order, all releases are read and the times decide.
async fn channel_releases(
    reading: &SpaceReading<'_>,
    owners: &GroupedProjects<'_>,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<Vec<SnapshotRequest>, RefreshError> {
    let projects: ById<&wire::ProjectResource> =
        owners.projects.iter().map(|project| (&project.id, project)).collect();
    let channels = value_or_unread(
        reading,
        "the channels",
        reading.reader.list_channels().await,
        unread_parts,
    )?;
    let channels: ById<&wire::ChannelResource> = channels
        .iter()
        .filter(|it| projects.contains(&it.project_id))
        .map(|channel| (&channel.id, channel))
        .collect();
    if channels.is_empty() {
        return Ok(Vec::new());
    }
    let channels_with_release = |releases: &[wire::ReleaseResource]| -> HashSet<String> {
        let known = releases.iter().filter(|it| channels.contains(&it.channel_id));
        known.map(|it| fold_case(&it.channel_id)).collect()
    };
    let is_complete = |releases: &[wire::ReleaseResource]| {
        channels_with_release(releases).len() == channels.len() && is_newest_first(releases)
    };
    let found = reading.reader.newest_releases(PAGES, is_complete).await;
    let (found, more) = value_or_unread(reading, "the releases", found, unread_parts)?;
    let without = channels.len() - channels_with_release(&found).len();
    let sorted = is_newest_first(&found);
    if more && !sorted {
        let what = format!("the releases of space {:?}", reading.space.name);
        let why = format!("they are not ordered by time, and at most {} are read", found.len());
        unread_parts.push(unread_part(what, why));
    } else if more && without > 0 {
        let what =
            format!("the newest releases of {without} channels of space {:?}", reading.space.name);
        unread_parts.push(unread_part(
            what,
            format!("they are not among the newest {} releases", found.len()),
        ));
    }
    let mut wanted = Vec::new();
    for release in newest_per_channel(found) {
        let Some(channel) = channels.get(&release.channel_id) else { continue };
        let Some(project) = projects.get(&release.project_id) else { continue };
        let mut sets = release.library_variable_set_snapshot_ids;
        sets.insert(0, release.project_variable_set_snapshot_id);
        wanted.push(SnapshotRequest {
            origin: SnapshotOrigin::Release {
                version: release.version,
                channel: channel.name.clone(),
            },
            owner: owners.process_owner(project, None),
            process: release.project_deployment_process_snapshot_id,
            sets,
        });
    }
    wanted.sort_by(|one, other| one.owner.project.cmp(&other.owner.project));
    Ok(wanted)
}

/// Returns when a release was created; `None` if unknown.
fn assembly_time(release: &wire::ReleaseResource) -> Option<Timestamp> {
    release.assembled.parse().ok()
}

/// Whether the releases of each channel are ordered from newest to oldest.
fn is_newest_first(releases: &[wire::ReleaseResource]) -> bool {
    let mut last: HashMap<String, Timestamp> = HashMap::new();
    releases.iter().all(|release| {
        let Some(time) = assembly_time(release) else { return true };
        let before = last.insert(fold_case(&release.channel_id), time);
        before.is_none_or(|before| time <= before)
    })
}

/// Returns the newest release of each channel; of two with equal or unknown times, the one listed first.
fn newest_per_channel(releases: Vec<wire::ReleaseResource>) -> Vec<wire::ReleaseResource> {
    let mut newest: IndexMap<String, wire::ReleaseResource> = IndexMap::new();
    for release in releases {
        match newest.entry(fold_case(&release.channel_id)) {
            Entry::Vacant(entry) => _ = entry.insert(release),
            Entry::Occupied(mut entry) if assembly_time(entry.get()) < assembly_time(&release) => {
                entry.insert(release);
            }
            Entry::Occupied(_) => {}
        }
    }
    newest.into_values().collect()
}

/// Reads the published snapshots with these ids.
async fn published_snapshots(
    reading: &SpaceReading<'_>,
    published: Vec<(String, ProcessOwner)>,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<Vec<SnapshotRequest>, RefreshError> {
    let ids: Vec<String> = published.iter().map(|(id, _)| id.clone()).collect();
    let (found, unread) = reading.reader.runbook_snapshots(&ids).await;
    let unread = errors_by_id(reading, "the published snapshots", unread)?;
    let mut found: ById<wire::RunbookSnapshotResource> =
        found.into_iter().map(|snapshot| (snapshot.id.clone(), snapshot)).collect();
    let mut wanted = Vec::with_capacity(published.len());
    for (id, owner) in published {
        let Some(snapshot) = found.remove(&id) else {
            let runbook = owner.runbook.as_ref().map(Name::as_str).unwrap_or_default();
            let project = &owner.project;
            let what =
                format!("the published snapshot of runbook {runbook:?} of project {project:?}");
            let why = unread.get(&id).map(ToString::to_string).unwrap_or_default();
            unread_parts.push(unread_part(what, why));
            continue;
        };
        let mut sets = snapshot.library_variable_set_snapshot_ids;
        sets.insert(0, snapshot.frozen_project_variable_set_id);
        wanted.push(SnapshotRequest {
            origin: SnapshotOrigin::RunbookSnapshot(snapshot.name),
            owner,
            process: snapshot.frozen_runbook_process_id,
            sets,
        });
    }
    Ok(wanted)
}

/// Reads the frozen processes, each with the ids of its variable sets.
async fn frozen_processes(
    reading: &SpaceReading<'_>,
    kind: ProcessKind,
    wanted: Vec<SnapshotRequest>,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<Vec<(ProcessSnapshot, Vec<String>)>, RefreshError> {
    // Releases of a process that did not change in between share a snapshot.
    let mut ids: Vec<String> = wanted.iter().map(|it| it.process.clone()).collect();
    ids.retain(|it| !it.is_empty());
    ids.sort();
    ids.dedup();
    let (found, unread) = reading.reader.processes_by_ids(kind, &ids).await;
    let unread = errors_by_id(reading, "the frozen processes", unread)?;
    let found: ById<wire::ProcessResource> =
        found.into_iter().map(|process| (process.id.clone(), process)).collect();
    let mut snapshots = Vec::with_capacity(wanted.len());
    for SnapshotRequest { origin, owner, process, sets } in wanted {
        match found.get(&process) {
            Some(found) => {
                let process = lower::live_process(found.clone(), owner);
                snapshots.push((ProcessSnapshot { origin, process, values: Vec::new() }, sets));
            }
            None => {
                let why = unread.get(&process).map(ToString::to_string);
                let why = why.unwrap_or_else(|| "the server did not return it".to_owned());
                let project = owner.project.clone();
                let empty = LiveProcess {
                    id: Id::new(""),
                    owner,
                    git: None,
                    steps: Vec::new(),
                    templates: Vec::new(),
                };
                let snapshot = ProcessSnapshot { origin, process: empty, values: Vec::new() };
                let named = snapshot.describe_origin().unwrap_or_default();
                unread_parts.push(unread_part(
                    format!("the process of {named} of project {project:?}"),
                    why,
                ));
            }
        }
    }
    Ok(snapshots)
}

/// Adds the values of pool variables to the snapshots in which a step is placed by a variable.
async fn attach_values(
    reading: &SpaceReading<'_>,
    snapshots: Vec<(ProcessSnapshot, Vec<String>)>,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<Vec<ProcessSnapshot>, RefreshError> {
    let has_variable_step = |snapshot: &ProcessSnapshot| {
        snapshot.process.steps.iter().any(|step| matches!(step.place, Place::Variable(_)))
    };
    let wanted = snapshots.iter().filter(|(snapshot, _)| has_variable_step(snapshot));
    let mut ids: Vec<String> = wanted.flat_map(|(_, sets)| sets.clone()).collect();
    ids.retain(|it| !it.is_empty());
    ids.sort();
    ids.dedup();
    let (found, unread) = reading.reader.variable_sets(&ids).await;
    let unread = errors_by_id(reading, "the frozen variables", unread)?;
    unread_parts.extend(
        ids.iter().filter_map(|id| {
            Some(unread_part(format!("the frozen variables {id}"), unread.get(id)?))
        }),
    );
    let found: ById<wire::VariableSetResource> =
        found.into_iter().map(|set| (set.id.clone(), set)).collect();
    let collect_values = |sets: &[String]| {
        let sets = sets.iter().filter_map(|id| found.get(id));
        let variables = sets.flat_map(|set| &set.variables).filter(|it| !it.value.is_empty());
        variables.map(|variable| (Name::new(&variable.name), Id::new(&variable.value))).collect()
    };
    let with_set_values = |(mut snapshot, sets): (ProcessSnapshot, Vec<String>)| {
        if has_variable_step(&snapshot) {
            snapshot.values = collect_values(&sets);
        }
        snapshot
    };
    Ok(snapshots.into_iter().map(with_set_values).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(all: &[(&str, &str, &str)]) -> Vec<wire::ReleaseResource> {
        let release = |(version, channel, assembled): &(&str, &str, &str)| {
            let release = serde_json::json!({
                "Id": version, "Version": version, "ChannelId": channel, "Assembled": assembled,
            });
            serde_json::from_value(release).unwrap()
        };
        all.iter().map(release).collect()
    }

    fn newest_of(all: &[(&str, &str, &str)]) -> (bool, Vec<String>) {
        let all = releases(all);
        let first = is_newest_first(&all);
        (first, newest_per_channel(all).into_iter().map(|it| it.version).collect())
    }

    #[test]
    fn the_newest_release_is_decided_by_time_not_by_list_order() {
        let old = ("1.0", "a", "2026-01-01T10:00:00.000+00:00");
        let new = ("2.0", "a", "2026-01-01T11:30:00.000+01:00");
        let other = ("9.0", "b", "2025-01-01T00:00:00Z");
        assert_eq!(newest_of(&[new, old, other]), (true, vec!["2.0".into(), "9.0".into()]));
        assert_eq!(newest_of(&[other, old, new]), (false, vec!["9.0".into(), "2.0".into()]));
    }

    #[test]
    fn without_times_the_first_of_a_list_is_the_newest() {
        let all = [("2.0", "a", ""), ("1.0", "a", "yesterday"), ("1.5", "a", "")];
        assert_eq!(newest_of(&all), (true, vec!["2.0".into()]));
    }
}
