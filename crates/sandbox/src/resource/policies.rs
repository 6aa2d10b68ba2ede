//! Machine policies. The sandbox does not act on them.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    document::policy,
};
use serde_json::{Value, json};

/// `GET …/machinepolicies/template`.
pub(super) fn policy_template(call: &RequestContext<'_>) -> HandlerResult {
    let mut template = policy::default_policy();
    template["Id"] = Value::Null;
    template["SpaceId"] = json!(call.space);
    Ok(SandboxResponse::from_document(&template))
}
