//! From a server to the text of a `workers.toml`, of which a plan is empty.

use super::{Target, error_with_help, unsaved_header};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    config,
    desired::Desired,
    diff::plan_changes,
    finding::{Level, Source, Sources},
    live::{HiddenData, Live, UnreadPart},
    pull::render_config,
    scope::{PULL_PERMISSIONS, ReadScope},
};
use poolwright_refresh::{find_space, hidden_parts, lacking_permissions, refresh_live};

/// A file of what is live.
#[derive(Debug)]
pub(crate) struct PulledConfig {
    /// Its text.
    pub(crate) text: String,
    /// What it lacks, since it could not be read.
    pub(crate) unread: Vec<UnreadPart>,
}

/// Everything of a space that a file can say.
///
/// # Errors
///
/// Where the server cannot be read; or where a plan of the file would not be empty, which is a defect.
pub(crate) async fn pull_config(
    reader: &Reader,
    target: Target<'_>,
) -> anyhow::Result<PulledConfig> {
    let VisibleLive { mut live, hidden } = read_visible(reader, target, None).await?;
    live.unread.extend(hidden);
    let text = render_config(&live, target.url);
    check_round_trip(&text, &live)?;
    Ok(PulledConfig { text, unread: live.unread })
}

/// What a key may see of a space.
pub(super) struct VisibleLive {
    /// What is live, as far as a plan of it could be made with the same key.
    pub(super) live: Live,
    /// What the key may not see.
    pub(super) hidden: Vec<UnreadPart>,
}

/// Reads all that a file can say, as far as the key may see it; `kept` is the file that is brought up to date.
///
/// What a plan could not read with this key is left out, so that a plan of the file is empty for it.
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

/// Takes away what a plan would compare with something that was not read, and notes why.
fn leave_out_unplannable(live: &mut Live, scope: &ReadScope) {
    if live.server.built_in_worker.is_none() {
        let what = "whether steps may run on the built-in worker".to_owned();
        let why = "the key may not see the server's switches".to_owned();
        live.unread.push(UnreadPart::new(what, why, HiddenData::OtherSpaceSteps));
    }
    if !scope.deployments {
        live.server.built_in_worker = None;
    }
    if !scope.workers {
        let what = "where steps run, and which pool is the default one".to_owned();
        let why = "a plan of that would look at the workers".to_owned();
        live.unread.push(UnreadPart::new(what, why, HiddenData::Rules));
        live.pools.iter_mut().for_each(|pool| pool.default = false);
    }
}

/// Makes sure that the text says what is live: nothing is given away that would change a server.
fn check_round_trip(text: &str, live: &Live) -> anyhow::Result<()> {
    let source = Source { path: "workers.toml".to_owned(), text: text.to_owned() };
    let (desired, findings) = config::load_desired(&Sources(vec![source]));
    let plan = plan_changes(&desired, live, unsaved_header(live.server.space.clone()));
    let mistakes =
        findings.iter().chain(&plan.findings).filter(|finding| finding.level == Level::Error);
    let mistakes = mistakes.map(|finding| finding.message.clone());
    let changes = plan.changes.iter().map(|change| change.address.to_string());
    match mistakes.chain(changes).next() {
        None => Ok(()),
        Some(first) => Err(error_with_help(
            format!("the file would not match the server; first difference: {first}"),
            "this is a defect of poolwright: nothing was written; please report it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::Server;
    use octopus_sandbox::NO_WORKERS_KEY;

    #[tokio::test]
    async fn a_key_that_sees_no_workers_pulls_pools_and_says_what_is_left_out() {
        let server = Server::start().await;
        let whole = pull_config(&server.reader(), server.target()).await.unwrap();
        assert!(whole.text.contains("[[placements]]") || whole.text.contains("default"));
        assert!(whole.unread.is_empty(), "{:?}", whole.unread);
        let reader = server.reader_with(NO_WORKERS_KEY);
        let partial = pull_config(&reader, server.target()).await.unwrap();
        assert!(!partial.text.contains("[[placements]]"));
        let unread: Vec<_> = partial.unread.iter().map(|part| part.what.as_str()).collect();
        assert!(
            unread.contains(&"where steps run, and which pool is the default one"),
            "{unread:?}"
        );
        assert_eq!(server.lists("workers"), 1);
    }

    #[tokio::test]
    async fn a_text_that_does_not_match_the_server_is_not_given_away() {
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
