//! The fields of an endpoint, as the server spells them.
//!
//! # Source
//!
//! `CommunicationStyle` decides which fields exist; those of a Kubernetes agent are nested one level deeper.

use super::field::{FieldChange, FieldComparison};
use poolwright_core::{
    model::{Endpoint, EndpointForm, KubernetesLink, LiveEndpoint},
    plan::EndpointField as F,
};

use serde_json::{Value, json};

/// A field of an endpoint, its value, and how its values are compared.
type EndpointValue = (F, Value, FieldComparison);

fn endpoint_values<E: EndpointForm>(endpoint: &Endpoint<E>) -> Vec<EndpointValue> {
    let style = |word: &str| (F::Style, json!(word), FieldComparison::Text);
    let id = |link: Option<&str>| json!(link);
    match endpoint {
        Endpoint::Listening { url, thumbprint, proxy } => vec![
            style("TentaclePassive"),
            (F::Uri, json!(url), FieldComparison::Uri),
            (F::Thumbprint, json!(thumbprint), FieldComparison::Thumbprint),
            (F::Proxy, id(proxy.as_ref().map(|it| it.id.as_str())), FieldComparison::Text),
        ],
        Endpoint::Polling { subscription, thumbprint } => vec![
            style("TentacleActive"),
            (F::Uri, json!(subscription), FieldComparison::Uri),
            (F::Thumbprint, json!(thumbprint), FieldComparison::Thumbprint),
        ],
        Endpoint::Ssh { host, port, account, fingerprint, platform, proxy } => vec![
            style("Ssh"),
            (F::Host, json!(host), FieldComparison::Text),
            (F::Port, json!(port), FieldComparison::Port),
            (F::Account, json!(account.id.as_str()), FieldComparison::Text),
            (F::Fingerprint, json!(fingerprint), FieldComparison::Text),
            (F::Platform, json!(platform), FieldComparison::Text),
            (F::Proxy, id(proxy.as_ref().map(|it| it.id.as_str())), FieldComparison::Text),
        ],
        Endpoint::Kubernetes { link, thumbprint, namespace } => {
            let (mode, uri) = match link {
                KubernetesLink::Polling(subscription) => ("Polling", json!(subscription)),
                KubernetesLink::Listening(url) => ("Listening", json!(url)),
            };
            let namespace = Some(namespace).filter(|it| !it.is_empty());
            vec![
                style("KubernetesTentacle"),
                (F::AgentMode, json!(mode), FieldComparison::IdOr("Polling".to_owned())),
                (F::AgentUri, uri, FieldComparison::Uri),
                (F::AgentThumbprint, json!(thumbprint), FieldComparison::Thumbprint),
                (F::Namespace, json!(namespace), FieldComparison::Text),
            ]
        }
        Endpoint::Other(word) => vec![style(word.as_ref())],
    }
}

/// Returns the fields that a worker must have to be reached at this endpoint.
pub(super) fn expected_fields(endpoint: &Endpoint) -> Vec<FieldChange> {
    endpoint_values(endpoint)
        .into_iter()
        .map(|(field, value, comparison)| FieldChange::new(field, value, comparison))
        .collect()
}

/// Returns the fields that differ, and the style, which must stay the same.
pub(super) fn changed_fields(before: &LiveEndpoint, after: &Endpoint) -> Vec<FieldChange> {
    let pairs = endpoint_values(before).into_iter().zip(endpoint_values(after));
    let differ =
        pairs.filter(|((field, before, _), (_, after, _))| before != after || *field == F::Style);
    let wanted = differ.map(|((field, before, comparison), (_, after, _))| {
        FieldChange::new_change(field, before, after, comparison)
    });
    wanted.collect()
}
