//! The features of the instance, among them the switch of the built-in worker.
//!
//! Never: a space; the switch is one for all of them.

use super::{Call, field};
use crate::{
    answer::{Answer, Refusal, Result},
    kind::FEATURES,
    request::Verb,
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
pub(crate) fn route(call: &Call<'_>) -> Result {
    let mut document =
        store::find(call.db, &FEATURES, "", FEATURES.prefix)?.ok_or_else(Refusal::missing)?;
    match call.verb() {
        Verb::Get => Ok(Answer::text(document.body)),
        Verb::Put => {
            call.who.needs("ConfigureServer")?;
            let body = call.request.document()?;
            let mut features = document.value()?;
            let Some(fields) = features.as_object_mut() else { return Err(Refusal::missing()) };
            for (name, value) in fields.iter_mut() {
                if !matches!(name.as_str(), "Id" | "Links") {
                    *value = asked(field(&body, name), value);
                }
            }
            document.body = features.to_string();
            store::save(call.db, &document)?;
            Ok(Answer::of(&features))
        }
        _ => Err(Refusal::method()),
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
