//! Updates the text of a file to match a server.

use super::{LoadedFiles, Target, error_with_help, pull, unsaved_header};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    config,
    diff::{deciding_rules, plan_changes, rules_about_unread},
    finding::{Finding, Level, Source, Sources},
    live::{Live, UnreadPart},
    pull::{FilePlan, KeepResult, keep_text},
};

/// The outcome of updating a file.
#[derive(Debug)]
pub(crate) enum KeepOutcome {
    /// The file was updated.
    Kept {
        /// The text, what was edited, and why a plan for it is refused although it changes nothing.
        result: KeepResult,
        /// What the file lacks because it could not be read.
        unread: Vec<UnreadPart>,
    },
    /// The file cannot be updated.
    Refused(Finding),
}

/// Edits the text of a file where it differs from the server.
///
/// # Errors
///
/// Fails if the server cannot be read completely: anything unseen would be taken for deleted.
pub(crate) async fn keep_file(
    reader: &Reader,
    files: &LoadedFiles,
    text: &str,
    target: Target<'_>,
) -> anyhow::Result<KeepOutcome> {
    let visible = pull::read_visible(reader, target, Some(&files.desired)).await?;
    if let Some(UnreadPart { what, why, .. }) = visible.hidden.first() {
        let help = "use a key that may see the whole space; nothing was written";
        return Err(error_with_help(format!("cannot see {what}: {why}"), help));
    }
    let live = visible.live;
    Ok(match keep_text(text, &live, |text| judge_text(text, &live)) {
        Ok(result) => KeepOutcome::Kept { result, unread: live.unread },
        Err(error) => KeepOutcome::Refused(error.to_finding()),
    })
}

/// Returns the plan for a text.
///
/// # Errors
///
/// Returns the first error if the text does not load.
fn judge_text(text: &str, live: &Live) -> Result<FilePlan, Finding> {
    let source = Source::new("workers.toml", text);
    let (desired, findings) = config::load_desired(&Sources(vec![source]));
    if let Some(error) = findings.into_iter().find(|finding| finding.level == Level::Error) {
        return Err(error);
    }
    let plan = plan_changes(&desired, live, unsaved_header(live.server.space.clone()));
    let decided = deciding_rules(&desired, live).into_iter();
    let decided = decided.map(|(address, rule)| (address, rule.span.bytes.start)).collect();
    let unread =
        rules_about_unread(&desired, live).into_iter().map(|rule| rule.span.bytes.start).collect();
    Ok(FilePlan { changes: plan.changes, findings: plan.findings, decided, unread, desired })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::{Server, source};
    use octopus_sandbox::NO_WORKERS_KEY;

    const FILE: &str = "version = 1\n# Ours.\n[pools.sql]\nname = \"SQL\"\n";

    async fn keep(server: &Server, key: &str) -> anyhow::Result<KeepOutcome> {
        let files = LoadedFiles::parse(source(FILE)).unwrap();
        keep_file(&server.reader_with(key), &files, FILE, server.target()).await
    }

    #[tokio::test]
    async fn a_deleted_pool_is_removed_from_the_file() {
        let server = Server::start().await;
        let outcome = keep(&server, octopus_sandbox::ADMIN_KEY).await.unwrap();
        let KeepOutcome::Kept { result, unread } = outcome else { panic!("{outcome:?}") };
        assert!(!result.text.contains("SQL\""), "{}", result.text);
        assert!(unread.is_empty(), "{unread:?}");
    }

    #[tokio::test]
    async fn a_key_with_partial_access_updates_nothing() {
        let server = Server::start().await;
        let error = keep(&server, NO_WORKERS_KEY).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot see the workers"), "{error}");
    }
}
