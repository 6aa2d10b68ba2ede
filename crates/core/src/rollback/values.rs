//! Which values a field can have.
//!
//! The values in a receipt are as untrusted as its labels. Never: whether what a value names exists.

use crate::plan::{
    CommonField, EndpointField, Field, PoolField, SpaceField, StepField, TargetField, ValueField,
    WorkerField,
};

use serde_json::Value;

/// The maximum length of a name, in characters.
const LONGEST_NAME: usize = 200;

/// The type of a field's values. Each but a name may be `null`.
enum ValueKind {
    Name,
    Slug,
    Text,
    Word(&'static [&'static str]),
    Switch,
    Port,
    Ids,
    Container,
    Object,
}

/// Returns why a value cannot be one of a field, or `None` if it can.
pub(super) fn find_value_flaw(field: Field, value: &Value) -> Option<&'static str> {
    let is_text = |fits: fn(&str) -> bool| value.is_null() || value.as_str().is_some_and(fits);
    let (fits, flaw) = match value_kind(field) {
        ValueKind::Name => (value.as_str().is_some_and(is_name), "not a name"),
        ValueKind::Slug => (is_text(is_slug), "not a slug"),
        ValueKind::Text => (is_text(|_| true), "not a text"),
        ValueKind::Word(words) => {
            let is_word = value.as_str().is_some_and(|text| words.contains(&text));
            (value.is_null() || is_word, "not one of the words that it can be")
        }
        ValueKind::Switch => (value.is_null() || value.is_boolean(), "neither true nor false"),
        ValueKind::Port => {
            let is_port = |port: u64| u16::try_from(port).is_ok();
            (value.is_null() || value.as_u64().is_some_and(is_port), "not a port")
        }
        ValueKind::Ids => {
            let ids = value.as_array();
            (ids.is_some_and(|ids| ids.iter().all(Value::is_string)), "not a list of ids")
        }
        ValueKind::Container => {
            let parts = value.as_object().into_iter().flatten();
            let mut others = parts.filter(|(_, part)| !part.is_null() && !part.is_string());
            let is_container = value.is_null() || value.is_object();
            (is_container && others.next().is_none(), "not a container")
        }
        ValueKind::Object => (value.is_object(), "not a variable"),
    };
    (!fits).then_some(flaw)
}

/// Returns the type of a field's values; a new field is added here before anything else compiles.
fn value_kind(field: Field) -> ValueKind {
    match field {
        Field::Common(CommonField::Name) => ValueKind::Name,
        Field::Common(CommonField::Slug) => ValueKind::Slug,
        Field::Pool(PoolField::Description | PoolField::Image) => ValueKind::Text,
        Field::Pool(PoolField::Type) => ValueKind::Word(&["StaticWorkerPool", "DynamicWorkerPool"]),
        Field::Space(SpaceField::DefaultPool) => ValueKind::Text,
        Field::Space(SpaceField::PoolOrder) | Field::Worker(WorkerField::Pools) => ValueKind::Ids,
        Field::Space(SpaceField::IsDefault) | Field::Worker(WorkerField::Disabled) => {
            ValueKind::Switch
        }
        Field::Worker(WorkerField::Policy) => ValueKind::Text,
        Field::Endpoint(field) => endpoint_value_kind(field),
        Field::Step(field) => match field {
            StepField::Container => ValueKind::Container,
            StepField::BundledTooling => ValueKind::Word(&["", "True", "False", "true", "false"]),
            StepField::Pool
            | StepField::Variable
            | StepField::RunOnServer
            | StepField::TargetRoles
            | StepField::ActionTargetRoles
            | StepField::Image
            | StepField::Feed
            | StepField::Dockerfile
            | StepField::GitUrl => ValueKind::Text,
        },
        Field::Value(ValueField::Whole) => ValueKind::Object,
        Field::Value(ValueField::Pool) | Field::Target(TargetField::Pool) => ValueKind::Text,
        Field::Server(_) => ValueKind::Switch,
    }
}

fn endpoint_value_kind(field: EndpointField) -> ValueKind {
    use EndpointField as F;
    match field {
        F::AgentMode => ValueKind::Word(&["Polling", "Listening"]),
        F::Port => ValueKind::Port,
        F::UpgradeLocked | F::AgentUpgradeLocked => ValueKind::Switch,
        F::Style
        | F::Uri
        | F::Thumbprint
        | F::Proxy
        | F::Account
        | F::Host
        | F::Fingerprint
        | F::Platform
        | F::Namespace
        | F::AgentUri
        | F::AgentThumbprint
        | F::AgentProxy => ValueKind::Text,
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= LONGEST_NAME
        && !text.contains(char::is_control)
}

fn is_slug(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}
