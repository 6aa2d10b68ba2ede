//! A plan as a file: `plan.json`, format 1, which is also the JSON output.
//!
//! A file is untrusted: it is refused unless it shows exactly what it writes. It holds no credential
//! of this program, unless the server has one in a value that the plan changes.

mod saved_finding;

use super::{
    AcceptedFinding, AuditEvent, BaseComparison, Cause, Change, ChangeAction, ChangeKind,
    Consequences, DriftReport, Expectation, FieldDiff, FileDigest, GateSettings, ObjectKind,
    PendingChange, Plan, PlanFlaw, PlanHeader, PlanOrigin, PlanStamp, PlanSummary, PoolRequirement,
    Touches, check_soundness,
};
use crate::{
    finding::{ChangeOrigin, Sources},
    model::{Address, Linked},
    scope::ReadScope,
    text::{describe_json_error, escape::escape_json, secret::KEY_WITHHELD},
};

use saved_finding::{SavedAcceptance, SavedFinding, at_from_line, read_finding, save_finding};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format; readers of `1.x` read every `1.y`.
const FORMAT: &str = "1.0";

/// The tool, whichever of its crates writes the file.
const TOOL: &str = "poolwright";

/// The version of this tool.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a text is not a plan that can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum PlanReadError {
    /// The text is not JSON.
    #[error("it is not JSON: {}", describe_json_error(.0))]
    NotJson(serde_json::Error),
    /// The text is JSON, but not a plan.
    #[error("it is not a plan: {}", describe_json_error(.0))]
    NotAPlan(serde_json::Error),
    /// The plan has a format that this version cannot read.
    #[error("its format is {0}, but this version reads 1.x")]
    Format(String),
    /// The plan shows something different from what it would write.
    #[error("it was changed by hand: `{address}` shows a different {what} than it would write")]
    Forged {
        /// The change.
        address: Address,
        /// What differs.
        what: &'static str,
    },
    /// The plan was printed, and is not what was saved.
    #[error("it was printed, and the keys in it are withheld; save the plan with `-o`")]
    Withheld,
    /// A write has members that this version does not know.
    #[error("the write of `{0}` has members that this version does not understand")]
    Unknown(Address),
    /// The summary does not match the changes.
    #[error("it was changed by hand: its summary does not count its changes")]
    Miscounted,
    /// The plan cannot be carried out.
    #[error("it is not sound: {0}")]
    Unsound(#[from] PlanFlaw),
}

#[derive(Serialize, Deserialize)]
struct PlanFile<W> {
    format_version: String,
    tool: PlanTool,
    #[serde(default)]
    digest: String,
    #[serde(default, skip_serializing_if = "PlanStamp::is_empty")]
    made: PlanStamp,
    server: PlanServer,
    config: PlanConfig,
    changes: Vec<SavedChange<W>>,
    findings: Vec<SavedFinding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<SavedAcceptance>,
    summary: PlanSummary,
    #[serde(default, skip_serializing_if = "is_from_files")]
    origin: PlanOrigin,
    #[serde(default)]
    touches: Touches,
    #[serde(default)]
    consequences: Consequences,
    #[serde(default)]
    scope: ReadScope,
    #[serde(rename = "relies", default)]
    expectations: Vec<Expectation>,
    #[serde(rename = "needs", default, skip_serializing_if = "Vec::is_empty")]
    requirements: Vec<PoolRequirement>,
    #[serde(default)]
    gates: GateSettings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<BaseComparison>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drift: Option<DriftReport>,
}

#[derive(Serialize, Deserialize)]
struct PlanTool {
    name: String,
    version: String,
}

#[derive(Serialize, Deserialize)]
struct PlanServer {
    url: String,
    version: String,
    space_id: String,
    space: String,
}

#[derive(Serialize, Deserialize)]
struct PlanConfig {
    files: Vec<String>,
    digest: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    digests: Vec<FileDigest>,
}

/// A saved change. `W` is a [`ChangeKind`], or a [`Value`] while the file is read.
#[derive(Serialize, Deserialize)]
struct SavedChange<W> {
    address: Address,
    kind: ObjectKind,
    action: ChangeAction,
    id: Option<String>,
    fields: Vec<FieldDiff>,
    #[serde(rename = "because")]
    cause: SavedCause,
    after: Vec<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<ChangeOrigin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead_of: Option<Box<PendingChange>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Box<AuditEvent>>,
    write: W,
}

#[derive(Serialize, Deserialize)]
struct SavedCause {
    file: Option<String>,
    line: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Returns the plan as a file's text; `sources` are the files that its locations refer to.
pub fn write(plan: &Plan, sources: &Sources) -> String {
    let Plan {
        header,
        changes,
        findings,
        accepted,
        expectations: relies,
        requirements: needs,
        consequences,
        gates,
        comparison,
        drift,
    } = plan;
    let file = PlanFile {
        format_version: FORMAT.to_owned(),
        tool: PlanTool {
            name: TOOL.to_owned(),
            version: header.stamp.tool.clone().unwrap_or_else(|| VERSION.to_owned()),
        },
        digest: plan.digest().to_string(),
        made: header.stamp.clone(),
        server: PlanServer {
            url: header.url.clone(),
            version: header.server_version.clone(),
            space_id: header.space.id.as_str().to_owned(),
            space: header.space.name.clone(),
        },
        config: PlanConfig {
            files: header.files.clone(),
            digest: header.digest.clone(),
            digests: header.stamp.files.clone(),
        },
        changes: changes.iter().map(|it| save_change(it, sources)).collect(),
        findings: findings.iter().map(|it| save_finding(it, sources)).collect(),
        accepted: accepted.iter().map(|it| SavedAcceptance::new(it, sources)).collect(),
        summary: plan.summarize(),
        origin: header.origin,
        touches: plan.count_touched(),
        consequences: consequences.clone(),
        scope: header.scope.clone(),
        expectations: relies.clone(),
        requirements: needs.clone(),
        gates: gates.clone(),
        base: comparison.clone(),
        drift: drift.clone(),
    };
    // Strings, numbers, lists and maps with string keys always have a JSON form.
    let text = escape_json(&serde_json::to_string_pretty(&file).unwrap_or_default());
    format!("{text}\n")
}

/// Reads a plan from a file's text.
///
/// # Errors
///
/// Returns a [`PlanReadError`] if the text is not an unmodified plan from `write`.
pub fn read(text: &str) -> Result<Plan, PlanReadError> {
    let value: Value = serde_json::from_str(text).map_err(PlanReadError::NotJson)?;
    let format = value.get("format_version").and_then(Value::as_str);
    if let Some(format) = format.filter(|it| !it.starts_with("1.")) {
        return Err(PlanReadError::Format(format.to_owned()));
    }
    let changes = value.get("changes").map(Value::to_string);
    if changes.is_some_and(|changes| changes.contains(KEY_WITHHELD)) {
        return Err(PlanReadError::Withheld);
    }
    let file: PlanFile<Value> = serde_json::from_value(value).map_err(PlanReadError::NotAPlan)?;
    let plan = Plan {
        header: PlanHeader {
            url: file.server.url,
            server_version: file.server.version,
            space: Linked::new(file.server.space_id, file.server.space),
            files: file.config.files,
            digest: file.config.digest,
            scope: file.scope,
            origin: file.origin,
            stamp: PlanStamp {
                tool: Some(file.tool.version),
                files: file.config.digests,
                ..file.made
            },
        },
        changes: file.changes.into_iter().map(read_change).collect::<Result<_, _>>()?,
        findings: file.findings.into_iter().map(read_finding).collect(),
        accepted: file.accepted.into_iter().map(AcceptedFinding::from).collect(),
        expectations: file.expectations,
        requirements: file.requirements,
        consequences: file.consequences,
        gates: file.gates,
        comparison: file.base,
        drift: file.drift,
    };
    check_soundness(&plan)?;
    match plan.summarize() == file.summary {
        true => Ok(plan),
        false => Err(PlanReadError::Miscounted),
    }
}

/// Returns whether the plan comes from files: the usual case, which is not saved.
fn is_from_files(origin: &PlanOrigin) -> bool {
    *origin == PlanOrigin::Files
}

fn save_change<'a>(change: &'a Change, sources: &Sources) -> SavedChange<&'a ChangeKind> {
    let Change { address, kind, cause, after } = change;
    let Cause { location: at, rule, why, origin, instead_of, event } = cause;
    let line = sources.line_of(at);
    SavedChange {
        address: address.clone(),
        kind: kind.object_kind(),
        action: kind.action(),
        id: kind.object_id().map(str::to_owned),
        fields: kind.field_diffs(),
        cause: SavedCause {
            file: line.as_ref().map(|it| it.file.clone()),
            line: line.map(|it| it.line),
            rule: rule.clone(),
            why: why.clone(),
        },
        after: after.clone(),
        origin: *origin,
        instead_of: instead_of.clone(),
        event: event.clone(),
        write: kind,
    }
}

fn read_change(saved: SavedChange<Value>) -> Result<Change, PlanReadError> {
    let SavedChange {
        address,
        kind,
        action,
        id,
        fields,
        cause: because,
        after,
        origin,
        instead_of,
        event,
        write: said,
    } = saved;
    let write = ChangeKind::deserialize(&said).map_err(PlanReadError::NotAPlan)?;
    // A member that would be neither shown nor carried out must not be ignored here.
    if serde_json::to_value(&write).ok() != Some(said) {
        return Err(PlanReadError::Unknown(address));
    }
    let refuse_forged = |what| Err(PlanReadError::Forged { address: address.clone(), what });
    if kind != write.object_kind() {
        return refuse_forged("kind");
    }
    if action != write.action() {
        return refuse_forged("action");
    }
    if id.as_deref() != write.object_id() {
        return refuse_forged("id");
    }
    // An absent value and `null` are read alike.
    let to_json = |fields: &[FieldDiff]| serde_json::to_value(fields).unwrap_or_default();
    if to_json(&fields) != to_json(&write.field_diffs()) {
        return refuse_forged("field");
    }
    let at = at_from_line(because.file, because.line);
    let SavedCause { rule, why, .. } = because;
    let cause = Cause { location: at, rule, why, origin, instead_of, event };
    Ok(Change { address, kind: write, cause, after })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diff::compare_with_base,
        finding::{Code, Level},
        model::Place,
        plan::{
            StepEdit, StepEdits, StepField, WrittenField,
            sample::{delta, everything, placement, plan, pool, sources},
        },
    };

    fn saved() -> Value {
        serde_json::from_str(&write(&everything(), &sources())).unwrap()
    }

    fn refused(change: impl Fn(&mut Value)) -> String {
        let mut file = saved();
        change(&mut file);
        read(&file.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn a_plan_file_round_trips() {
        let text = write(&everything(), &sources());
        let plan = read(&text).unwrap();
        assert_eq!(write(&plan, &Sources::default()), text);
        let stamp = plan.header.stamp.clone();
        assert_eq!(stamp.tool.as_deref(), Some(VERSION));
        assert_eq!(plan.header, PlanHeader { stamp, ..everything().header });
        assert_eq!(plan.expectations, everything().expectations);
        assert_eq!(plan.requirements, everything().requirements);
    }

    #[test]
    fn a_plan_file_conforms_to_its_schema() {
        let schema =
            serde_json::from_str(include_str!("../../../../schema/plan.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let file = saved();
        let wrong: Vec<_> = schema.iter_errors(&file).map(|it| it.to_string()).collect();
        assert_eq!(wrong, [""; 0]);
        let mut other = saved();
        other["changes"][0]["action"] = "explode".into();
        assert!(!schema.is_valid(&other));
    }

    #[test]
    fn a_comparison_is_saved_with_the_plan_and_matches_its_schema() {
        let base = plan(vec![placement("Web Store", "Gone", Place::DefaultPool)], Vec::new());
        let described = BaseComparison { base: "origin/main".into(), ..BaseComparison::default() };
        let mut compared = compare_with_base(everything(), Some(&base), described);
        let instead = compared.comparison.as_ref().map(|it| Box::new(it.undone[0].clone()));
        compared.changes[1].cause.instead_of = instead;
        let text = write(&compared, &sources());
        let saved: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(saved["changes"][0]["origin"], "brought");
        assert_eq!(saved["base"]["undone"][0]["action"], "update");
        let again = read(&text).unwrap();
        assert_eq!(write(&again, &Sources::default()), text);
        assert_eq!(again.comparison, compared.comparison);
        let schema =
            serde_json::from_str(include_str!("../../../../schema/plan.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<_> = schema.iter_errors(&saved).map(|it| it.to_string()).collect();
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn a_plan_that_shows_one_thing_and_writes_another_is_refused() {
        insta::assert_snapshot!(refused(|item| item["changes"][0]["action"] = "delete".into()), @"it was changed by hand: `server.built_in_worker` shows a different action than it would write");
        insta::assert_snapshot!(refused(|item| item["changes"][1]["fields"] = Value::Array(Vec::new())), @"it was changed by hand: `pools.database` shows a different field than it would write");
        insta::assert_snapshot!(refused(|item| item["changes"][1]["id"] = "WorkerPools-99".into()), @"it was changed by hand: `pools.database` shows a different id than it would write");
        insta::assert_snapshot!(refused(|item| item["summary"]["delete"] = 77.into()), @"it was changed by hand: its summary does not count its changes");
        insta::assert_snapshot!(refused(|item| item["changes"][0]["after"] = serde_json::json!(["pools.x"])), @"it is not sound: `server.built_in_worker` waits for `pools.x`, which no earlier change writes");
        insta::assert_snapshot!(refused(|item| item["needs"][0]["healthy"] = 0.into()), @"it is not sound: `pools.database`: it needs zero healthy workers");
        insta::assert_snapshot!(refused(|item| item["needs"][1] = item["needs"][0].clone()), @"it is not sound: `pools.database`: its need for workers is listed twice");
        insta::assert_snapshot!(refused(|item| item["needs"][0]["pool"]["new"] = "pools.x".into()), @"it is not sound: `pools.x`: it needs workers, but no change creates it");
        insta::assert_snapshot!(refused(|item| item["needs"][0]["pool"]["new"] = "workers.x".into()), @"it is not sound: `workers.x` is not the address of the written object");
        insta::assert_snapshot!(refused(|item| item["needs"][1]["pool"]["existing"]["address"] = "workers.x".into()), @"it is not sound: `workers.x` is not the address of the written object");
    }

    #[test]
    fn an_invalid_endpoint_to_write_is_refused() {
        let forge = |from: &str, to: &str| {
            let text = saved().to_string();
            assert!(text.contains(from), "{from}");
            read(&text.replace(from, to)).map(|_| ()).map_err(|error| error.to_string())
        };
        let error = |from: &str, to: &str| forge(from, to).unwrap_err();
        insta::assert_snapshot!(error(&"96".repeat(20), "not a thumbprint at all"), @"it is not a plan: `n` is not a hexadecimal digit");
        insta::assert_snapshot!(error("https://db-01.acme.example:10933", "ftp://x y"), @"it is not a plan: a listening Tentacle's URL starts with `https://`");
        insta::assert_snapshot!(error("poll://ih8pbyo8vxqjv0kbwwzc/", "poll://"), @"it is not a plan: this is not a subscription of the form `poll://ID/`");
        // A live endpoint may be anything.
        assert_eq!(forge("poll://db-03/", "nowhere"), Ok(()));
    }

    #[test]
    fn a_write_with_unknown_members_is_refused() {
        let more = |value: &mut Value| {
            value["changes"][0]["write"]["set_built_in_worker"]["force"] = true.into()
        };
        insta::assert_snapshot!(refused(more), @"the write of `server.built_in_worker` has members that this version does not understand");
        let mut later = saved();
        later["more"] = true.into();
        later["changes"][0]["more"] = true.into();
        assert!(read(&later.to_string()).is_ok());
    }

    #[test]
    fn a_finding_with_a_code_of_a_newer_version_is_read() {
        let mut newer = saved();
        newer["findings"][0]["code"] = "quite-new".into();
        let finding = read(&newer.to_string()).unwrap().findings.remove(0);
        assert_eq!((finding.code, finding.level), (Code::UnknownCode, Level::Deny));
        assert_eq!(finding.message, "2 steps wait (`quite-new`)");
    }

    #[test]
    fn a_rollback_plan_round_trips_and_shows_what_it_writes() {
        let way = || {
            let mut change = placement("Web Store", "Drain", Place::Variable("Pool".into()));
            change.after = Vec::new();
            let ChangeKind::PlaceStep { edits, .. } = &mut change.kind else { panic!() };
            let home = delta(Place::Pool(pool("WorkerPools-2", "azure")), Place::DefaultPool);
            let (before, after) = (Some("WorkerPools-2".into()), Some(Value::Null));
            let fields = vec![
                WrittenField::new(StepField::Pool, before, after),
                WrittenField::new(StepField::Variable, Some(Value::Null), None),
            ];
            *edits = StepEdits::from_restored(fields, vec![StepEdit::Place(home)]);
            let plan = plan(vec![change], Vec::new());
            let origin = PlanOrigin::Rollback;
            Plan { header: PlanHeader { origin, ..plan.header.clone() }, ..plan }
        };
        let text = write(&way(), &Sources::default());
        let read = |text: &str| {
            super::read(text).map(|item| item.changes.into_iter().next().unwrap().kind)
        };
        assert_eq!(super::read(&text).unwrap().header.origin, PlanOrigin::Rollback);
        assert_eq!(read(&text).unwrap(), way().changes[0].kind);
        let mut forged: Value = serde_json::from_str(&text).unwrap();
        forged["changes"][0]["write"]["place_step"]["exactly"][0]["after"] = "WorkerPools-9".into();
        insta::assert_snapshot!(read(&forged.to_string()).unwrap_err().to_string(), @r#"it is not sound: `projects["Web Store"].deployment.steps["Drain"]`: the fields that it writes differ from what it shows"#);
    }

    #[test]
    fn an_unreadable_plan_is_refused_with_the_reason() {
        insta::assert_snapshot!(read("{ \"a\": ").unwrap_err().to_string(), @"it is not JSON: it ends too early at line 1, column 7");
        insta::assert_snapshot!(read("[1, 2]").unwrap_err().to_string(), @"it is not a plan: there is a number, not a text");
        insta::assert_snapshot!(refused(|item| item["format_version"] = "2.0".into()), @"its format is 2.0, but this version reads 1.x");
        insta::assert_snapshot!(refused(|item| _ = item.as_object_mut().unwrap().remove("server")), @"it is not a plan: `server` is missing");
    }
}
