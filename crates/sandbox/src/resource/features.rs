//! The features of the instance, among them the switch of the built-in worker.
//!
//! Never: a space; the switch is one for all of them.

use super::{RequestContext, field};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::FEATURES,
    request::HttpVerb,
    store,
};
use serde_json::{Value, json};

/// The features at the start.
pub(crate) fn at_first(built_in_worker: bool) -> Value {
    json!({
        "Id": FEATURES.prefix,
        "IsBuiltInWorkerEnabled": built_in_worker,
        "IsCommunityActionTemplatesEnabled": true,
        "IsHelpSidebarEnabled": true,
        "HelpSidebarSupportLink": null,
        "HelpSidebarSupportLinkLabel": null,
        "IsAutomaticStepUpdatesEnabled": true,
        "IsKubernetesCloudTargetDiscoveryEnabled": true,
        "IsCompositeDockerHubRegistryFeedEnabled": true,
        "IsConfigureFeedsWithLocalOrSmbPathsEnabled": true,
        "DefaultPowerShellEdition": "Desktop",
        "IsWebhookTriggerEnabled": false,
        "IsExperimentalUIFeatureEnabled": false,
        "Links": { "Self": "/api/featuresconfiguration" },
    })
}

/// `/api/featuresconfiguration`.
pub(crate) fn route(call: &RequestContext<'_>) -> HandlerResult {
    let mut document =
        store::find(call.db, &FEATURES, "", FEATURES.prefix)?.ok_or_else(ErrorResponse::missing)?;
    match call.verb() {
        HttpVerb::Get => Ok(SandboxResponse::text(document.body)),
        HttpVerb::Put => {
            call.person.needs("ConfigureServer")?;
            let body = call.request.document()?;
            let mut features = document.value()?;
            let Some(fields) = features.as_object_mut() else {
                return Err(ErrorResponse::missing());
            };
            for (name, value) in fields.iter_mut() {
                if !matches!(name.as_str(), "Id" | "Links") {
                    *value = asked(field(&body, name), value);
                }
            }
            document.body = features.to_string();
            store::save(call.db, &document)?;
            Ok(SandboxResponse::of(&features))
        }
        _ => Err(ErrorResponse::method()),
    }
}

/// What a body asks for; a switch that it leaves out is one that it turns off.
fn asked(wanted: &Value, old: &Value) -> Value {
    match (wanted, old) {
        (Value::Null, Value::Bool(_)) => json!(false),
        (wanted, Value::Bool(_)) => json!(wanted.as_bool().unwrap_or_default()),
        (wanted, _) => wanted.clone(),
    }
}
