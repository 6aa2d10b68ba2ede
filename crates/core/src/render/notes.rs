//! What a reader needs besides the changes: which pools the keys mean, which gates were lowered, what is committed.

use crate::{
    model::{Address, Name},
    plan::{
        BaseComparison, ChangeKind, DeclaredPool, DriftReport, Plan, PlanOrigin, PlannedCommit,
        PoolEdit,
    },
    text::{escape::Escaped, pluralize},
};

use std::collections::BTreeSet;

/// Returns the lines about a plan as a whole.
pub(super) fn plan_notes(plan: &Plan) -> Vec<String> {
    let mut lines = base_notes(plan);
    lines.extend(plan.drift.as_ref().and_then(left_out_note));
    if plan.changes.is_empty() {
        return lines;
    }
    let names = pool_names(plan);
    let gates = match plan.header.origin {
        PlanOrigin::Files => plan.gates.describe_lowered().join(", "),
        PlanOrigin::Rollback => "they only warn, because this undoes an apply".to_owned(),
    };
    let others = [("Pools", names.join(", ")), ("Gates", gates)].into_iter();
    let others = others.filter(|(_, text)| !text.is_empty());
    lines.extend(others.map(|(title, text)| format!("{title}: {text}")));
    lines
}

/// Returns how much drift is left out because it is older.
fn left_out_note(drift: &DriftReport) -> Option<String> {
    let since = drift.since.as_ref()?;
    let older = pluralize(drift.left_out, "older change");
    Some(format!("Since: the last {}; {older} left out", Escaped(since)))
}

/// Returns what is brought, pending and undone, and whether what is brought is why the plan is refused.
fn base_notes(plan: &Plan) -> Vec<String> {
    let Some(comparison) = &plan.comparison else { return Vec::new() };
    let BaseComparison { base, commit, .. } = comparison;
    let commit = commit.as_ref().map(|commit| {
        let short: String = commit.chars().take(COMMIT_LENGTH).collect();
        format!(" ({short})")
    });
    let name = Escaped(base).to_string();
    let split = comparison.describe_split();
    let mut lines = vec![format!("Base: {name}{}: {split}", commit.unwrap_or_default())];
    if plan.is_refused_already() {
        lines.push(
            "Refused: only by findings that were already pending, not by this change".to_owned(),
        );
    }
    lines
}

/// How many characters of a commit are shown.
const COMMIT_LENGTH: usize = 8;

/// Returns what the keys of the pools in a plan mean, unless a key is the pool's name in another spelling.
fn pool_names(plan: &Plan) -> Vec<String> {
    let changed = plan.changes.iter().map(|change| &change.address);
    let referenced = plan.changes.iter().flat_map(|change| change.kind.pool_handles());
    let addresses: BTreeSet<&Address> =
        changed.chain(referenced.map(|pool| pool.address())).collect();
    let is_plain = |pool: &DeclaredPool| {
        is_same_name(&pool.key, &pool.name) && (pool.renamed_from.is_empty() || renames(plan, pool))
    };
    let pools = plan
        .gates
        .pools
        .iter()
        .filter(|pool| addresses.contains(&Address::Pool(pool.key.clone())) && !is_plain(pool));
    pools.map(describe_pool).collect()
}

/// Whether a plan renames a pool, so that it shows its former name.
fn renames(plan: &Plan, pool: &DeclaredPool) -> bool {
    plan.changes.iter().any(|change| match &change.kind {
        ChangeKind::UpdatePool { edits, .. } => {
            change.address == Address::Pool(pool.key.clone())
                && edits.iter().any(|edit| matches!(edit, PoolEdit::Name(_)))
        }
        _ => false,
    })
}

fn describe_pool(pool: &DeclaredPool) -> String {
    let address = Address::Pool(pool.key.clone()).to_string();
    let names: Vec<String> = [&pool.name]
        .into_iter()
        .chain(&pool.renamed_from)
        .map(|name| format!("{name:?}"))
        .collect();
    let text = format!("{address} is {}", names.join(" or "));
    Escaped(&text).to_string()
}

/// Whether a key is a name in another spelling: `hosted-windows` is `Hosted Windows`.
fn is_same_name(key: &str, name: &str) -> bool {
    let letters = |text: &str| {
        let folded = Name::new(text);
        folded.as_folded().chars().filter(|it| it.is_alphanumeric()).collect::<String>()
    };
    letters(key) == letters(name)
}

/// Describes a commit: its message, and the branch that it is made from if that is another one.
pub(super) fn describe_commit(commit: &PlannedCommit) -> String {
    let branch = commit.base.as_ref().map(|base| format!(" on a new branch from {base:?}"));
    let text = format!("by commit {:?}{}", commit.message, branch.unwrap_or_default());
    Escaped(&text).to_string()
}
