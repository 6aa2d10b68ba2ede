//! What a rule asks for and a working tree does not contain.

use super::planned::CheckoutChange;
use poolwright_core::{
    desired::{CurrentPlaces, Declared, PlacementRule},
    finding::{Code, Finding, Span},
    text::pluralize,
};

/// Returns an error for each condition in a rule that the files cannot answer.
pub(super) fn find_unanswerable(
    rules: &[Declared<PlacementRule>],
    has_project: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules {
        let select = &rule.select;
        if let Some(group) = &select.project_group {
            findings.push(unknown_in_checkout(group.span.clone(), "a project's group"));
        }
        if let Some(tag) = &select.project_tag {
            findings.push(unknown_in_checkout(tag.span.clone(), "a project's tags"));
        }
        if let Some(channel) = &select.channel {
            findings
                .push(unknown_in_checkout(channel.span.clone(), "the names of a step's channels"));
        }
        let needs_server = |it: &&Declared<CurrentPlaces>| it.value.depends_on_built_in();
        if let Some(currently) = select.currently.as_ref().filter(needs_server) {
            findings.push(unknown_in_checkout(
                currently.span.clone(),
                "whether a step runs on the server",
            ));
        }
        if let (Some(project), false) = (&select.project, has_project) {
            let message = "the rule selects by project, but the files' project is unknown";
            let finding = Finding::error(Code::UnknownProject, project.span.clone(), message);
            findings.push(finding.with_help(
                "name the project that these files belong to, `--project NAME`, or declare the project of each folder under `[ocl.folders]`",
            ));
        }
    }
    findings
}

fn unknown_in_checkout(at: Span, what: &str) -> Finding {
    Finding::error(Code::NotInACheckout, at, format!("a working tree does not contain {what}"))
        .with_help(
            "remove this condition from the rule, or plan against a server: `poolwright plan`",
        )
}

/// Returns what the files cannot tell about steps that act on deployment targets.
///
/// # Source
///
/// `api.md` 3.3, and Octopus' documentation of the Kubernetes agent: as a deployment target, it runs a step itself.
pub(super) fn target_note(changes: &[CheckoutChange]) -> Option<String> {
    let count = changes.iter().filter(|change| change.on_targets).count();
    let (steps, act, run) = (
        pluralize(count, "step"),
        if count == 1 { "acts" } else { "act" },
        if count == 1 { "it runs" } else { "they run" },
    );
    (count > 0).then(|| {
        format!("{steps} {act} on deployment targets, which are not in the files: on a Kubernetes agent, {run} on the agent and not in the pool")
    })
}
