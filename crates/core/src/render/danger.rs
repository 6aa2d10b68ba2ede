//! What a reviewer of a plan must not miss: deletions, whom a worker's connection trusts, what comes to run on the
//! Octopus Server, and steps that move although no change names them.
//!
//! Never: deciding whether a plan may be applied; gates do that.

use crate::{
    finding::{ChangeOrigin, Finding, Level, SourceLine, Sources},
    model::{Address, ProcessName},
    plan::{AcceptedFinding, Change, ChangeKind, ExecutionPlace, FieldDiff, MovedStep, Plan},
};

use serde_json::Value;

/// Something that a reviewer must not miss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Danger<'a> {
    /// The kind.
    pub(super) kind: DangerKind,
    /// What it is about, as people name it; the code of a finding that refuses.
    pub(super) subject: String,
    /// What happens to it.
    pub(super) what: DangerEffect<'a>,
    /// The line in a file that causes it, if one does.
    pub(super) line: Option<SourceLine>,
    /// Whether the plan's base leads to it too, if the plan is compared with one; `what` mentions it.
    pub(super) origin: Option<ChangeOrigin>,
}

/// What every format adds to a danger that was already pending before the files changed.
const PENDING: &str = " (already pending)";

/// What a danger comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DangerEffect<'a> {
    /// This, in words, with names between backticks.
    Message(String),
    /// A step runs elsewhere.
    Moves(&'a MovedStep),
}

impl DangerEffect<'_> {
    /// Describes the effect; `name` shows a name, and `words` a message with names in it.
    pub(super) fn describe(
        &self,
        name: impl Fn(&str) -> String,
        words: impl Fn(&str) -> String,
    ) -> String {
        match self {
            Self::Message(message) => words(message),
            Self::Moves(step) => {
                let list = |places: &[ExecutionPlace]| {
                    let places: Vec<String> =
                        places.iter().map(|place| show_place(place, &name)).collect();
                    places.join(" or ")
                };
                let is_pending = step.origin == Some(ChangeOrigin::Pending);
                let pending = if is_pending { PENDING } else { "" };
                format!("{} → {}{pending}", list(&step.before), list(&step.after))
            }
        }
    }

    /// Adds to a message that it was already pending; for a step, the format adds it.
    fn mark_pending(&mut self) {
        if let Self::Message(message) = self {
            message.push_str(PENDING);
        }
    }
}

fn show_place(place: &ExecutionPlace, name: impl Fn(&str) -> String) -> String {
    match place {
        ExecutionPlace::Pool(address) => name(&address.to_string()),
        other => other.to_string(),
    }
}

/// The kinds of danger, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DangerKind {
    /// A gate or a mistake forbids the plan.
    Refusal,
    /// A pool or worker is deleted.
    Deletion,
    /// Another machine or key will be trusted, or scripts may run on the server again.
    Security,
    /// A step comes to run on the Octopus Server.
    OntoServer,
    /// A step comes to run nowhere.
    Nowhere,
    /// A blocker that the files lower to a warning or accept.
    Lowered,
    /// A step comes to run in another pool, although no change names it.
    Unnamed,
}

impl DangerKind {
    /// All kinds, the gravest first.
    pub(super) const ALL: [Self; 7] = [
        Self::Refusal,
        Self::Deletion,
        Self::Security,
        Self::OntoServer,
        Self::Nowhere,
        Self::Lowered,
        Self::Unnamed,
    ];

    /// The heading of the dangers of this kind.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Refusal => "Refused",
            Self::Deletion => "Deleted",
            Self::Security => "Security",
            Self::OntoServer => "Steps that will run on the Octopus Server",
            Self::Nowhere => "Steps that will run nowhere",
            Self::Lowered => "Blockers that the files let pass",
            Self::Unnamed => "Steps that run elsewhere, although no change names them",
        }
    }
}

/// Finds what a reviewer of a plan must not miss, the gravest first, and of each kind what its files bring
/// first. `findings` are those of the plan, sorted.
pub(super) fn find_dangers<'a>(
    plan: &'a Plan,
    findings: &[&Finding],
    sources: &Sources,
) -> Vec<Danger<'a>> {
    let refusals = findings.iter().filter(|finding| finding.level != Level::Warn);
    let mut dangers: Vec<Danger> = refusals.map(|it| refusal_danger(it, sources)).collect();
    // A rollback's gates only warn, so that it says nothing of the files.
    let is_lowered = |it: &&&Finding| it.level == Level::Warn && it.code.is_gate();
    let lowered = findings.iter().filter(|_| plan.header.origin.is_files()).filter(is_lowered);
    dangers.extend(
        lowered.map(|it| Danger { kind: DangerKind::Lowered, ..refusal_danger(it, sources) }),
    );
    dangers.extend(plan.accepted.iter().map(|it| accepted_danger(it, sources)));
    dangers.extend(plan.changes.iter().flat_map(|change| change_dangers(change, sources)));
    let consequences = &plan.consequences;
    dangers
        .extend(consequences.onto_server.iter().map(|it| step_danger(it, DangerKind::OntoServer)));
    dangers.extend(consequences.stopped.iter().map(|it| step_danger(it, DangerKind::Nowhere)));
    dangers.extend(consequences.affected.iter().map(|step| step_danger(step, affected_kind(step))));
    for danger in &mut dangers {
        if danger.origin == Some(ChangeOrigin::Pending) {
            danger.what.mark_pending();
        }
    }
    dangers.sort_by_key(|danger| (danger.kind, danger.origin));
    dangers
}

fn affected_kind(step: &MovedStep) -> DangerKind {
    if step.comes_to_server() {
        DangerKind::OntoServer
    } else if step.comes_to_nowhere() {
        DangerKind::Nowhere
    } else {
        DangerKind::Unnamed
    }
}

fn refusal_danger<'a>(finding: &Finding, sources: &Sources) -> Danger<'a> {
    Danger {
        kind: DangerKind::Refusal,
        subject: finding.code.to_string(),
        what: DangerEffect::Message(finding.message.clone()),
        line: sources.line_of(&finding.location),
        origin: finding.origin,
    }
}

fn accepted_danger<'a>(accepted: &AcceptedFinding, sources: &Sources) -> Danger<'a> {
    let AcceptedFinding { finding, reason, until, .. } = accepted;
    let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
    let what = format!("{}; accepted{until}: {reason}", finding.message);
    Danger {
        kind: DangerKind::Lowered,
        what: DangerEffect::Message(what),
        ..refusal_danger(finding, sources)
    }
}

fn step_danger(step: &MovedStep, kind: DangerKind) -> Danger<'_> {
    let what = DangerEffect::Moves(step);
    Danger { kind, subject: short_address(&step.address), what, line: None, origin: step.origin }
}

fn change_dangers<'a>(change: &Change, sources: &Sources) -> Vec<Danger<'a>> {
    let danger = |kind, what: String| Danger {
        kind,
        subject: short_address(&change.address),
        what: DangerEffect::Message(what),
        line: sources.line_of(&change.cause.location),
        origin: change.cause.origin,
    };
    match &change.kind {
        ChangeKind::DeletePool { .. } | ChangeKind::DeleteWorker { .. } => {
            vec![danger(DangerKind::Deletion, "is deleted".to_owned())]
        }
        ChangeKind::SetBuiltInWorker { enabled: true } => {
            let what = "scripts may run on the Octopus Server itself";
            vec![danger(DangerKind::Security, what.to_owned())]
        }
        _ => {
            let trusted = newly_trusted(change);
            trusted.into_iter().map(|what| danger(DangerKind::Security, what)).collect()
        }
    }
}

/// Returns what the server will newly trust for a worker once a change is made, in words.
pub(super) fn newly_trusted(change: &Change) -> Vec<String> {
    let fields = change.kind.field_diffs();
    if let ChangeKind::ReplaceWorker { .. } = &change.kind {
        let what = "a different certificate or host key will be trusted for this worker";
        return changes_identity(&fields).then(|| what.to_owned()).into_iter().collect();
    }
    let trusted = fields.iter().filter_map(trusted_identity);
    trusted.map(|what| format!("{what} will be trusted for this worker")).collect()
}

/// Returns what the server will newly trust if this field changes.
pub(super) fn trusted_identity(field: &FieldDiff) -> Option<&'static str> {
    field.before.as_ref().and(field.after.as_ref())?;
    match field.path.rsplit('.').next() {
        Some("thumbprint") => Some("a different certificate"),
        Some("fingerprint") => Some("a different SSH host key"),
        _ => None,
    }
}

/// Returns whether a replacement worker identifies itself differently from the one it replaces.
fn changes_identity(fields: &[FieldDiff]) -> bool {
    let identity = |diff: &&FieldDiff| {
        matches!(diff.path.rsplit('.').next(), Some("thumbprint" | "fingerprint"))
    };
    let identities: Vec<_> = fields.iter().filter(identity).collect();
    let is_known =
        |value: &Value| identities.iter().any(|field| field.before.as_ref() == Some(value));
    identities.iter().filter_map(|it| it.after.as_ref()).any(|it| !is_known(it))
}

/// Returns a step as people name it: `Web Store / Restart / Drain`; any other object by its address.
pub(super) fn short_address(address: &Address) -> String {
    match address {
        Address::Step { project, branch, process, step } => {
            let branch = branch.as_ref().map_or(String::new(), |branch| format!("@{branch}"));
            match process {
                ProcessName::Deployment => format!("{project}{branch} / {step}"),
                ProcessName::Runbook(runbook) => format!("{project}{branch} / {runbook} / {step}"),
            }
        }
        other => other.to_string(),
    }
}
