//! Edits: fields with a current and a new value.
//!
//! Edits are typed, so that code that applies or predicts one has to match every field.

use crate::{
    live::MachinePolicy,
    model::{
        Container, Endpoint, EndpointForm, Execution, KubernetesLink, Linked, LiveEndpoint, Place,
        PoolHandle,
    },
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A current and a new value that differ.
///
/// The live value may have another type (`B`) than the desired one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "UncheckedDelta<T, B>",
    bound(deserialize = "T: Deserialize<'de>, B: Deserialize<'de> + PartialEq<T>")
)]
pub struct Delta<T, B = T> {
    before: B,
    after: T,
}

/// A [`Delta`] as it is read, before its two sides are compared.
#[derive(Deserialize)]
struct UncheckedDelta<T, B> {
    before: B,
    after: T,
}

impl<T, B: PartialEq<T>> TryFrom<UncheckedDelta<T, B>> for Delta<T, B> {
    type Error = &'static str;

    fn try_from(
        UncheckedDelta { before, after }: UncheckedDelta<T, B>,
    ) -> Result<Self, Self::Error> {
        Self::if_different(before, after).ok_or("an edit changes nothing: `before` is `after`")
    }
}

impl<T, B> Delta<T, B> {
    /// Returns the current value.
    pub fn before(&self) -> &B {
        &self.before
    }

    /// Returns the new value.
    pub fn after(&self) -> &T {
        &self.after
    }
}

impl<T> Delta<T> {
    /// Returns both sides for display.
    pub(super) fn to_field_diff(&self, path: &str, show: impl Fn(&T) -> Value) -> FieldDiff {
        FieldDiff::new_changed(path, show(self.before()), show(self.after()))
    }
}

impl<T, B: PartialEq<T>> Delta<T, B> {
    /// Returns the difference, or `None` if the two are equal: plans hold no empty changes.
    pub fn if_different(before: B, after: T) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }
}

/// An edit of a worker pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolEdit {
    /// The pool's name; a change of spelling alone is an edit too.
    Name(Delta<String>),
    /// The pool's slug.
    Slug(Delta<String>),
    /// The pool's description; empty for none.
    Description(Delta<String>),
    /// The image of a dynamic pool.
    Image(Delta<String>),
}

/// An edit of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerEdit {
    /// The worker's name; a change of spelling alone is an edit too.
    Name(Delta<String>),
    /// The worker's slug, as it was before an interrupted replacement.
    Slug(Delta<String>),
    /// The worker's endpoint; its kind stays the same.
    Endpoint(Box<Delta<Endpoint, LiveEndpoint>>),
    /// The pools that the worker is a member of.
    Pools(Delta<Vec<PoolHandle>>),
    /// The worker's machine policy.
    Policy(Delta<Linked<MachinePolicy>>),
    /// Whether the worker is disabled and gets no work.
    Disabled(Delta<bool>),
}

/// An edit of where a step runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepEdit {
    /// The step's pool or pool variable.
    Place(Delta<Place<PoolHandle>>),
    /// How often the step runs, and on what, with its target tags, which `once` clears.
    Execution {
        /// The change of execution.
        execution: Delta<Execution>,
        /// The current tags.
        target_roles: String,
        /// The restored tags; only in a rollback.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restored: Option<String>,
    },
    /// The step's container: image and feed, or what its image is built from.
    Container(Delta<Option<Container<Linked<Feed>>>>),
}

/// Marks an [`Id`](crate::model::Id) as that of a feed.
#[derive(Debug)]
pub enum Feed {}

/// An edit for display. No decision depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldDiff {
    /// The field's path, as in JSON output.
    pub path: String,
    /// The current value; `None` if the object does not exist yet.
    pub before: Option<Value>,
    /// The new value; `None` if the object is deleted.
    pub after: Option<Value>,
}

impl FieldDiff {
    /// Creates the diff for a field of a new object.
    pub fn new_added(path: &str, after: Value) -> Self {
        Self { path: path.to_owned(), before: None, after: Some(after) }
    }

    /// Creates the diff for a field of a deleted object.
    pub fn new_removed(path: &str, before: Value) -> Self {
        Self { path: path.to_owned(), before: Some(before), after: None }
    }

    /// Creates the diff for a field that changes.
    pub fn new_changed(path: &str, before: Value, after: Value) -> Self {
        Self { path: path.to_owned(), before: Some(before), after: Some(after) }
    }
}

impl PoolEdit {
    /// Returns the edit for display.
    pub fn edited_field(&self) -> FieldDiff {
        let (path, delta) = match self {
            Self::Name(delta) => ("name", delta),
            Self::Slug(delta) => ("slug", delta),
            Self::Description(delta) => ("description", delta),
            Self::Image(delta) => ("image", delta),
        };
        delta.to_field_diff(path, |text| json!(text))
    }
}

impl WorkerEdit {
    /// Returns the edit for display; an endpoint yields one entry for each field that differs.
    pub fn edited_fields(&self) -> Vec<FieldDiff> {
        match self {
            Self::Name(delta) => vec![delta.to_field_diff("name", |item| json!(item))],
            Self::Slug(delta) => vec![delta.to_field_diff("slug", |item| json!(item))],
            Self::Pools(delta) => vec![delta.to_field_diff("pools", |it| render_pools(it))],
            Self::Policy(delta) => vec![delta.to_field_diff("policy", |item| json!(item.name))],
            Self::Disabled(delta) => vec![delta.to_field_diff("disabled", |item| json!(item))],
            Self::Endpoint(delta) => {
                let (before, after) =
                    (endpoint_fields(delta.before()), endpoint_fields(delta.after()));
                let pairs = before.into_iter().zip(after);
                pairs
                    .filter(|(before, after)| before != after)
                    .map(|((path, before), (_, after))| {
                        FieldDiff::new_changed(&path, before, after)
                    })
                    .collect()
            }
        }
    }
}

impl StepEdit {
    /// Returns the edit for display.
    pub fn edited_fields(&self) -> Vec<FieldDiff> {
        match self {
            Self::Place(delta) => vec![delta.to_field_diff("pool", render_place)],
            Self::Execution { execution, target_roles, restored } => {
                let mut fields =
                    vec![execution.to_field_diff("execution", |item| json!(item.as_str()))];
                let cleared = *execution.after() == Execution::Once;
                let tags = restored.as_deref().or_else(|| cleared.then_some(""));
                if let Some(tags) = tags.filter(|tag| tag != target_roles) {
                    fields.push(FieldDiff::new_changed(
                        "target_tags",
                        json!(target_roles),
                        json!(tags),
                    ));
                }
                fields
            }
            Self::Container(delta) => {
                type Text = fn(&Container<Linked<Feed>>) -> &String;
                let to_json = |container: &Option<Container<Linked<Feed>>>, text: Text| {
                    json!(container.as_ref().map(text).filter(|text| !text.is_empty()))
                };
                let part = |path: &str, text: Text| {
                    delta.to_field_diff(path, |container| to_json(container, text))
                };
                let parts = [
                    part("container.image", |container| &container.image),
                    part("container.feed", |container| &container.feed.name),
                    part("container.dockerfile", |container| &container.dockerfile),
                    part("container.git_url", |container| &container.git_url),
                ];
                parts.into_iter().filter(|field| field.before != field.after).collect()
            }
        }
    }
}

/// What stands for the space's default pool in a [`FieldDiff`].
pub(crate) const DEFAULT_WORD: &str = "default";

/// Renders a pool for display.
pub(super) fn render_pool(pool: &PoolHandle) -> Value {
    json!(pool.address().to_string())
}

/// Renders pools for display: their addresses, in order.
pub(super) fn render_pools(pools: &[PoolHandle]) -> Value {
    pools.iter().map(|pool| json!(pool.address().to_string())).collect()
}

fn render_place(place: &Place<PoolHandle>) -> Value {
    match place {
        Place::Pool(pool) => json!(pool.address().to_string()),
        // Quoted, so that the name of a variable cannot look like a pool.
        Place::Variable(name) => json!(format!("variable {name:?}")),
        Place::DefaultPool => json!(DEFAULT_WORD),
    }
}

/// Returns the fields of an endpoint by path; endpoints of one kind have the same paths in order.
pub(crate) fn endpoint_fields<F: EndpointForm>(endpoint: &Endpoint<F>) -> Vec<(String, Value)> {
    let kind = endpoint.kind();
    let fields = match endpoint {
        Endpoint::Listening { url, thumbprint, proxy } => {
            vec![
                ("url", json!(url)),
                ("thumbprint", json!(thumbprint)),
                ("proxy", link_name(proxy)),
            ]
        }
        Endpoint::Polling { subscription, thumbprint } => {
            vec![("subscription", json!(subscription)), ("thumbprint", json!(thumbprint))]
        }
        Endpoint::Ssh { host, port, account, fingerprint, platform, proxy } => vec![
            ("host", json!(host)),
            ("port", json!(port)),
            ("account", json!(account.name)),
            ("fingerprint", json!(fingerprint)),
            ("platform", json!(platform)),
            ("proxy", link_name(proxy)),
        ],
        Endpoint::Kubernetes { link, thumbprint, namespace } => {
            let (subscription, url) = match link {
                KubernetesLink::Polling(subscription) => (json!(subscription), Value::Null),
                KubernetesLink::Listening(url) => (Value::Null, json!(url)),
            };
            vec![
                ("subscription", subscription),
                ("url", url),
                ("thumbprint", json!(thumbprint)),
                ("namespace", json!(namespace)),
            ]
        }
        Endpoint::Other(_) => Vec::new(),
    };
    fields.into_iter().map(|(field, value)| (format!("{kind}.{field}"), value)).collect()
}

fn link_name<T>(link: &Option<Linked<T>>) -> Value {
    json!(link.as_ref().map(|it| &it.name))
}
