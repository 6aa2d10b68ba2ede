//! Writes the state of a server as the text of a `workers.toml`, for which a plan is empty.

use super::{Target, error_with_help, unsaved_header};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    config,
    desired::Desired,
    diff::plan_changes,
    finding::{Level, Source, Sources},
    live::{HiddenData, Live, UnreadPart},
    pull::{RuleCoverage, render_config},
    scope::{PULL_PERMISSIONS, ReadScope},
};
use poolwright_refresh::{find_space, hidden_parts, lacking_permissions, refresh_live};

/// A configuration file that matches the server.
#[derive(Debug)]
pub(crate) struct PulledConfig {
    /// Its text.
    pub(crate) text: String,
    /// What it lacks because it could not be read.
    pub(crate) unread: Vec<UnreadPart>,
}

/// Writes everything in a space that a file can declare.
///
/// # Errors
///
/// Fails if the server cannot be read, or if a plan for the file would not be empty, which is a bug.
pub(crate) async fn pull_config(
    reader: &Reader,
    target: Target<'_>,
    coverage: RuleCoverage,
) -> anyhow::Result<PulledConfig> {
    let VisibleLive { mut live, hidden } = read_visible(reader, target, None).await?;
    live.unread.extend(hidden);
    let text = render_config(&live, target.url, coverage);
    check_round_trip(&text, &live)?;
    Ok(PulledConfig { text, unread: live.unread })
}

/// The part of a space that a key may see.
pub(super) struct VisibleLive {
    /// The live state, without anything that a plan with the same key could not read.
    pub(super) live: Live,
    /// What the key may not see.
    pub(super) hidden: Vec<UnreadPart>,
}

/// Reads everything that a file can declare, as far as the key may see it. `kept` is the file to update, if any.
///
/// Anything that a plan could not read with this key is left out, so that a plan for the file is empty.
pub(super) async fn read_visible(
    reader: &Reader,
    target: Target<'_>,
    kept: Option<&Desired>,
) -> anyhow::Result<VisibleLive> {
    let space = find_space(reader, target.space).await?;
    let lacking = lacking_permissions(reader, &space.id, PULL_PERMISSIONS).await;
    let scope = ReadScope::for_pull(&lacking, kept);
    let mut live = refresh_live(reader, &space, &scope, target.url).await?;
    leave_out_unplannable(&mut live, &scope);
    Ok(VisibleLive { live, hidden: hidden_parts(reader, &space).await })
}

/// Removes what a plan would compare with something that was not read, and notes why.
fn leave_out_unplannable(live: &mut Live, scope: &ReadScope) {
    if live.server.built_in_worker.is_none() {
        let what = "whether steps may run on the built-in worker".to_owned();
        let why = "the key may not see the server's feature settings".to_owned();
        live.unread.push(UnreadPart::new(what, why, HiddenData::OtherSpaceSteps));
    }
    if !scope.deployments {
        live.server.built_in_worker = None;
    }
    if !scope.workers {
        let what = "where steps run, and which pool is the default".to_owned();
        let why = "planning that requires reading the workers".to_owned();
        live.unread.push(UnreadPart::new(what, why, HiddenData::Rules));
        live.pools.iter_mut().for_each(|pool| pool.default = false);
    }
}

/// Checks that a plan for the text is empty, so that a pulled file never changes the server.
fn check_round_trip(text: &str, live: &Live) -> anyhow::Result<()> {
    let source = Source::new("workers.toml", text);
    let (desired, findings) = config::load_desired(&Sources(vec![source]));
    let plan = plan_changes(&desired, live, unsaved_header(live.server.space.clone()));
    let errors =
        findings.iter().chain(&plan.findings).filter(|finding| finding.level == Level::Error);
    let errors = errors.map(|finding| finding.message.clone());
    let changes = plan.changes.iter().map(|change| change.address.to_string());
    match errors.chain(changes).next() {
        None => Ok(()),
        Some(first) => Err(error_with_help(
            format!("the file would not match the server; first difference: {first}"),
            "this is a bug in poolwright, please report it; nothing was written",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::Server;
    use octopus_sandbox::NO_WORKERS_KEY;

    #[tokio::test]
    async fn pull_without_worker_access_keeps_pools_and_reports_unread_parts() {
        let server = Server::start().await;
        let whole =
            pull_config(&server.reader(), server.target(), RuleCoverage::Seen).await.unwrap();
        assert!(whole.text.contains("[[placements]]") || whole.text.contains("default"));
        assert!(whole.unread.is_empty(), "{:?}", whole.unread);
        let reader = server.reader_with(NO_WORKERS_KEY);
        let partial = pull_config(&reader, server.target(), RuleCoverage::Seen).await.unwrap();
        assert!(!partial.text.contains("[[placements]]"));
        let unread: Vec<_> = partial.unread.iter().map(|part| part.what.as_str()).collect();
        assert!(unread.contains(&"where steps run, and which pool is the default"), "{unread:?}");
        assert_eq!(server.lists("workers"), 1);
    }

    #[tokio::test]
    async fn a_file_that_does_not_match_the_server_is_not_returned() {
        let server = Server::start().await;
        let visible = read_visible(&server.reader(), server.target(), None).await.unwrap();
        let text = "version = 1\n[pools.sql]\nname = \"SQL\"\n";
        let error = check_round_trip(text, &visible.live).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the file would not match the server; first difference: pools.sql"
        );
    }
}
