//! The features of the instance, among them the switch of the built-in worker.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::json_field,
    kind::FEATURES,
    request::HttpVerb,
    store,
};
use serde_json::{Value, json};

/// `/api/featuresconfiguration`.
pub(crate) fn route_features(call: &RequestContext<'_>) -> HandlerResult {
    let mut document = store::find_document(call.db, &FEATURES, "", FEATURES.prefix)?
        .ok_or_else(ErrorResponse::not_found)?;
    match call.verb() {
        HttpVerb::Get => Ok(SandboxResponse::from_json(document.body)),
        HttpVerb::Put => {
            call.person.require_permission("ConfigureServer")?;
            let body = call.body_of(FEATURES.prefix)?;
            let mut features = document.parse_body()?;
            let Some(fields) = features.as_object_mut() else {
                return Err(ErrorResponse::not_found());
            };
            for (name, value) in fields.iter_mut() {
                if !matches!(name.as_str(), "Id" | "Links") {
                    *value = requested_value(json_field(&body, name), value);
                }
            }
            document.body = features.to_string();
            store::save_document(call.db, &document)?;
            Ok(SandboxResponse::from_document(&features))
        }
        _ => Err(ErrorResponse::method_not_allowed()),
    }
}

/// The new value of a feature. A switch that the body leaves out is turned off.
fn requested_value(wanted: &Value, old: &Value) -> Value {
    match (wanted, old) {
        (Value::Null, Value::Bool(_)) => json!(false),
        (wanted, Value::Bool(_)) => json!(wanted.as_bool().unwrap_or_default()),
        (wanted, _) => wanted.clone(),
    }
}
