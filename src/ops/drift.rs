//! Drift: the plan of files that were applied, and for each change who made the server differ, as far as it is known.

use poolwright_client::octopus::{ClientError, Reader, wire::EventResource};
use poolwright_core::{
    finding::{Code, Finding},
    plan::{AuditEvent, Change, ChangeKind, DriftReport, Plan},
    receipt::{ChangeOutcome, Receipt},
    text::fold_case,
};

use std::collections::{HashMap, HashSet};

/// The most pages of events for each hundred objects.
const EVENT_PAGES: usize = 2;

/// How far the clocks of the server and of this machine may differ, in seconds.
const CLOCK_SKEW: i64 = 120;

/// How drift is reported.
pub(crate) struct DriftRequest {
    /// The receipts of our own applies.
    pub(crate) receipts: Vec<OwnReceipt>,
    /// How far back drift is shown, as the user gave it.
    pub(crate) since: Option<String>,
    /// The time before which drift is left out, in seconds.
    pub(crate) oldest: Option<i64>,
    /// Reads a time as seconds.
    pub(crate) parse_time: fn(&str) -> Option<i64>,
}

/// A receipt, and where it is.
pub(crate) struct OwnReceipt {
    /// Its path.
    pub(crate) path: String,
    /// The receipt.
    pub(crate) receipt: Receipt,
}

/// Adds to each change of a plan who made the server differ, and leaves out what is older than requested. A change
/// without a known event stays.
pub(crate) async fn explain_drift(reader: &Reader, plan: Plan, request: &DriftRequest) -> Plan {
    match read_events(reader, &plan).await {
        Ok(log) => attribute_drift(plan, log, request),
        Err(why) => {
            let mut plan = attribute_drift(plan, EventLog::default(), request);
            let message = "the audit log cannot be read, so it is not known who made these changes";
            let help = "give the key's user a role with `EventView`";
            let finding = Finding::unplaced_warning(Code::UnreadEvents, message);
            plan.findings.push(finding.with_notes(vec![why.to_string()]).with_help(help));
            plan
        }
    }
}

/// What was read of the audit log, newest first.
#[derive(Default)]
struct EventLog {
    events: Vec<EventResource>,
    deletions: Vec<EventResource>,
}

async fn read_events(reader: &Reader, plan: &Plan) -> Result<EventLog, ClientError> {
    let reader = reader.in_space(&plan.header.space.id);
    let mut seen = HashSet::new();
    let ids: Vec<String> = plan.changes.iter().flat_map(changed_ids).collect();
    let ids: Vec<String> = ids.into_iter().filter(|id| seen.insert(id.clone())).collect();
    let events = reader.newest_events(&ids, EVENT_PAGES).await?;
    let is_gone = |change: &Change| deleted_name(change).is_some();
    let deletions = if plan.changes.iter().any(is_gone) {
        reader.newest_deletions().await?
    } else {
        Vec::new()
    };
    Ok(EventLog { events, deletions })
}

/// Returns the ids of the documents by whose change an object differs from the files.
fn changed_ids(change: &Change) -> Vec<String> {
    if change.kind.git_commit().is_some() {
        return Vec::new();
    }
    match &change.kind {
        ChangeKind::SetDefaultPool { from, to } => {
            let pools = from.iter().chain([to]);
            pools.filter_map(|pool| pool.id()).map(|id| id.as_str().to_owned()).collect()
        }
        ChangeKind::SortPools { before, .. } => {
            let ids = before.iter().filter_map(|pool| pool.id());
            ids.map(|id| id.as_str().to_owned()).collect()
        }
        kind => kind.object_id().map(str::to_owned).into_iter().collect(),
    }
}

/// Returns the name of an object that the files declare and the server no longer has.
fn deleted_name(change: &Change) -> Option<&str> {
    match &change.kind {
        ChangeKind::CreatePool(pool) => Some(&pool.name),
        ChangeKind::CreateWorker(worker) => Some(&worker.name),
        _ => None,
    }
}

fn attribute_drift(plan: Plan, mut log: EventLog, request: &DriftRequest) -> Plan {
    let parse_time = request.parse_time;
    for events in [&mut log.events, &mut log.deletions] {
        events.sort_by_key(|event| std::cmp::Reverse(parse_time(&event.occurred)));
    }
    let mut newest: HashMap<String, &EventResource> = HashMap::new();
    for event in &log.events {
        for id in &event.related_document_ids {
            newest.entry(fold_case(id)).or_insert(event);
        }
    }
    let Plan { mut changes, .. } = plan;
    for change in &mut changes {
        let ids = changed_ids(change);
        let known = ids.iter().filter_map(|id| newest.get(&fold_case(id)).copied());
        let known = known.max_by_key(|event| parse_time(&event.occurred));
        let gone = || find_deletion(&log.deletions, deleted_name(change)?);
        let event = known.or_else(gone).map(|event| audit_event(event, request));
        let why = describe_cause(change, event.as_ref());
        let declared = change.cause.why.take().map(|why| format!("{why}; it was "));
        change.cause.why =
            Some(format!("{}{why}", declared.unwrap_or_else(|| "it was ".to_owned())));
        change.cause.event = event.map(Box::new);
    }
    let all = changes.len();
    let is_recent = |change: &Change| {
        let time = change.cause.event.as_ref().and_then(|event| parse_time(&event.occurred));
        request.oldest.zip(time).is_none_or(|(oldest, time)| time >= oldest)
    };
    changes.retain(is_recent);
    let shown: HashSet<_> = changes.iter().map(|change| change.address.clone()).collect();
    changes.iter_mut().for_each(|change| change.after.retain(|address| shown.contains(address)));
    let report = DriftReport { since: request.since.clone(), left_out: all - changes.len() };
    Plan { changes, drift: Some(report), ..plan }
}

fn describe_cause(change: &Change, event: Option<&AuditEvent>) -> String {
    match (event, change.kind.git_commit()) {
        (Some(event), _) => event.describe(),
        (None, Some(commit)) => {
            format!("changed in Git; see the commits of branch {:?}", commit.at.name)
        }
        (None, None) => "changed by an unknown user".to_owned(),
    }
}

/// Finds the deletion of a pool or worker by its name: nothing else of it is left.
fn find_deletion<'a>(deletions: &'a [EventResource], name: &str) -> Option<&'a EventResource> {
    let name = format!(" {} ", fold_case(name));
    deletions.iter().find(|event| {
        let message = fold_case(&event.message);
        message.starts_with("worker") && message.contains(&name)
    })
}

fn audit_event(event: &EventResource, request: &DriftRequest) -> AuditEvent {
    AuditEvent {
        id: event.id.clone(),
        occurred: event.occurred.clone(),
        category: event.category.clone(),
        user: event.username.clone(),
        is_service: event.is_service,
        identified_with: event.identity_established_with.clone(),
        agent: event.user_agent.clone(),
        message: event.message.clone(),
        receipt: request.find_receipt(event),
    }
}

impl DriftRequest {
    /// Returns the path of the receipt of the apply that wrote an event's document at the event's time.
    fn find_receipt(&self, event: &EventResource) -> Option<String> {
        let time = (self.parse_time)(&event.occurred)?;
        let related: HashSet<String> =
            event.related_document_ids.iter().map(|id| fold_case(id)).collect();
        let is_writer = |own: &&OwnReceipt| {
            let Receipt { started, ended, entries, .. } = &own.receipt;
            let started = (self.parse_time)(started);
            let ended = ended.as_deref().and_then(self.parse_time);
            let is_within = started.zip(ended).is_some_and(|(started, ended)| {
                (started - CLOCK_SKEW..=ended + CLOCK_SKEW).contains(&time)
            });
            let wrote = entries.iter().any(|entry| {
                matches!(entry.outcome, ChangeOutcome::Done | ChangeOutcome::Unknown)
                    && entry.id.as_ref().is_some_and(|id| related.contains(&fold_case(id)))
            });
            is_within && wrote
        };
        // Somebody else may have written right after the apply.
        let is_own = event.user_agent.starts_with("poolwright");
        self.receipts.iter().find(is_writer).filter(|_| is_own).map(|own| own.path.clone())
    }
}
