//! Machine policies, one of which is the default of its space. The sandbox does not act on them.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::policy,
    json::bool_field,
    kind::POLICIES,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// `GET …/machinepolicies/template`.
pub(super) fn policy_template(call: &RequestContext<'_>) -> HandlerResult {
    let mut template = policy::default_policy();
    template["Id"] = Value::Null;
    template["SpaceId"] = json!(call.space);
    Ok(SandboxResponse::from_document(&template))
}

/// Keeps one default: a new default replaces the old one, which cannot be unset.
pub(super) fn keep_one_default(
    call: &RequestContext<'_>,
    policy: &mut Value,
    old: &Value,
) -> HandlerResult<()> {
    if bool_field(old, "IsDefault") {
        policy["IsDefault"] = json!(true);
        return Ok(());
    }
    if !bool_field(policy, "IsDefault") {
        return Ok(());
    }
    for other in store::list_documents(call.db, &POLICIES, &call.space)? {
        let mut document = other.parse_body()?;
        if bool_field(&document, "IsDefault") {
            document["IsDefault"] = json!(false);
            store::save_document(call.db, &StoredDocument::new(&POLICIES, &document))?;
        }
    }
    Ok(())
}

/// Refuses to delete the default.
pub(super) fn check_deletable(policy: &StoredDocument) -> HandlerResult<()> {
    if bool_field(&policy.parse_body()?, "IsDefault") {
        return Err(ErrorResponse::bad_request("You cannot delete your default machine policy."));
    }
    Ok(())
}
