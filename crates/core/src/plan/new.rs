//! The objects that a plan creates: pools and workers.

use super::{FieldDiff, edit};
use crate::{
    live::MachinePolicy,
    model::{Endpoint, EndpointForm, Linked, LiveEndpoint, PoolHandle, PoolKind},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

/// A pool to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPool {
    /// Its name.
    pub name: String,
    /// Its slug; `None` for the one that the server derives from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Its description; empty for none.
    pub description: String,
    /// Static or dynamic.
    pub kind: PoolKind,
}

/// A worker to be created, or, with a [`LiveEndpoint`], one to be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWorker<E = Endpoint> {
    /// Its name.
    pub name: String,
    /// Its endpoint.
    pub endpoint: E,
    /// Its pools; at least one.
    pub pools: Vec<PoolHandle>,
    /// Its machine policy; `None` for the space's default.
    pub policy: Option<Linked<MachinePolicy>>,
    /// Whether the worker is disabled and gets no work.
    pub disabled: bool,
    /// What a rollback restores besides.
    #[serde(default, skip_serializing_if = "RestoredWorker::is_empty")]
    pub restored: RestoredWorker,
}

/// What a rollback restores of a deleted worker that a file cannot declare; `None` for what the server gives a new
/// worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredWorker {
    /// Its slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Whether its Tentacle is kept at its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_locked: Option<bool>,
}

impl RestoredWorker {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the name of a new worker while it stands beside the one that it replaces.
///
/// Two workers cannot have one name, and a worker that is deleted first takes its settings with it if the apply
/// stops there. So the new one is created beside the old one, and gets its name last.
pub fn interim_worker_name(name: &str) -> String {
    format!("{name} (replacement)")
}

/// What a worker's slug ends with while the worker stands beside the one that it replaces.
const INTERIM_SLUG_END: &str = "-replacement";

/// Returns the slug of a new worker while it stands beside the one that it replaces: the slug that it gets last can be
/// told from it, even if the old worker is gone and its slug was not that of its name.
pub fn interim_worker_slug(slug: &str) -> String {
    format!("{slug}{INTERIM_SLUG_END}")
}

/// Returns the slug that a worker with this interim slug gets last; `None` if the slug is not an interim one.
pub fn final_worker_slug(interim: &str) -> Option<&str> {
    interim.strip_suffix(INTERIM_SLUG_END).filter(|slug| !slug.is_empty())
}

/// Returns the fields, except the name, in which a worker differs from the one that it replaces.
pub(super) fn replacement_diffs(
    old: Option<&NewWorker<LiveEndpoint>>,
    new: &NewWorker,
) -> Vec<FieldDiff> {
    let new = new.added_fields().into_iter().filter(|field| field.path != "name");
    let Some(old) = old.map(NewWorker::added_fields) else { return new.collect() };
    let new: Vec<FieldDiff> = new.collect();
    let added_value = |fields: &[FieldDiff], path: &str| {
        fields.iter().find(|diff| diff.path == path).and_then(|it| it.after.clone())
    };
    let gone =
        old.iter().filter(|diff| diff.path != "name" && added_value(&new, &diff.path).is_none());
    let nothing = Some(serde_json::Value::Null);
    let gone = gone.map(|gone| FieldDiff {
        before: gone.after.clone(),
        after: nothing.clone(),
        ..gone.clone()
    });
    let kept = new.iter().filter_map(|field| {
        let before = added_value(&old, &field.path);
        (before != field.after).then(|| FieldDiff { before, ..field.clone() })
    });
    gone.chain(kept).collect()
}

impl NewPool {
    /// Returns the fields for display.
    pub(super) fn added_fields(&self) -> Vec<FieldDiff> {
        let Self { name, slug, description, kind } = self;
        let mut fields = vec![FieldDiff::new_added("name", json!(name))];
        fields.extend(slug.as_ref().map(|slug| FieldDiff::new_added("slug", json!(slug))));
        if !description.is_empty() {
            fields.push(FieldDiff::new_added("description", json!(description)));
        }
        if let PoolKind::Dynamic { image } = kind {
            fields.push(FieldDiff::new_added("image", json!(image)));
        }
        fields
    }
}

impl<F: EndpointForm> NewWorker<Endpoint<F>> {
    /// Returns the fields for display.
    pub(super) fn added_fields(&self) -> Vec<FieldDiff> {
        let Self { name, endpoint, pools, policy, disabled, restored } = self;
        let RestoredWorker { slug, upgrade_locked } = restored;
        let mut fields = vec![
            FieldDiff::new_added("name", json!(name)),
            FieldDiff::new_added("pools", edit::render_pools(pools)),
        ];
        let is_set = |value: &serde_json::Value| !value.is_null() && value != "";
        let said = edit::endpoint_fields(endpoint).into_iter().filter(|(_, value)| is_set(value));
        fields.extend(said.map(|(path, value)| FieldDiff::new_added(&path, value)));
        if let Some(policy) = policy {
            fields.push(FieldDiff::new_added("policy", json!(policy.name)));
        }
        if *disabled {
            fields.push(FieldDiff::new_added("disabled", json!(true)));
        }
        fields.extend(slug.as_ref().map(|slug| FieldDiff::new_added("slug", json!(slug))));
        let locked = upgrade_locked.map(|locked| json!(locked));
        fields.extend(locked.map(|locked| FieldDiff::new_added("upgrade_locked", locked)));
        fields
    }
}
