//! An endpoint as the server spells it, field by field.
//!
//! # Source
//!
//! `CommunicationStyle` says which fields there are; a Kubernetes agent's are one level further in.

use super::field::{FieldChange, FieldComparison};
use poolwright_core::model::{Endpoint, EndpointForm, KubernetesLink, LiveEndpoint};
use serde_json::{Value, json};

/// A field of an endpoint.
type EndpointField = (&'static [&'static str], Value, FieldComparison);

fn endpoint_fields<F: EndpointForm>(endpoint: &Endpoint<F>) -> Vec<EndpointField> {
    const STYLE: &[&str] = &["Endpoint", "CommunicationStyle"];
    const URI: &[&str] = &["Endpoint", "Uri"];
    const THUMBPRINT: &[&str] = &["Endpoint", "Thumbprint"];
    const PROXY: &[&str] = &["Endpoint", "ProxyId"];
    let style = |word: &str| (STYLE, json!(word), FieldComparison::Text);
    let id = |link: Option<&str>| json!(link);
    match endpoint {
        Endpoint::Listening { url, thumbprint, proxy } => vec![
            style("TentaclePassive"),
            (URI, json!(url), FieldComparison::Uri),
            (THUMBPRINT, json!(thumbprint), FieldComparison::Thumbprint),
            (PROXY, id(proxy.as_ref().map(|it| it.id.as_str())), FieldComparison::Text),
        ],
        Endpoint::Polling { subscription, thumbprint } => vec![
            style("TentacleActive"),
            (URI, json!(subscription), FieldComparison::Uri),
            (THUMBPRINT, json!(thumbprint), FieldComparison::Thumbprint),
        ],
        Endpoint::Ssh { host, port, account, fingerprint, platform, proxy } => vec![
            style("Ssh"),
            (&["Endpoint", "Host"], json!(host), FieldComparison::Text),
            (&["Endpoint", "Port"], json!(port), FieldComparison::Port),
            (&["Endpoint", "AccountId"], json!(account.id.as_str()), FieldComparison::Text),
            (&["Endpoint", "Fingerprint"], json!(fingerprint), FieldComparison::Text),
            (&["Endpoint", "DotNetCorePlatform"], json!(platform), FieldComparison::Text),
            (PROXY, id(proxy.as_ref().map(|it| it.id.as_str())), FieldComparison::Text),
        ],
        Endpoint::Kubernetes { link, thumbprint, namespace } => {
            agent_fields(link, thumbprint, namespace)
        }
        Endpoint::Other(word) => vec![style(word.as_ref())],
    }
}

fn agent_fields<F: EndpointForm>(
    link: &KubernetesLink<F>,
    thumbprint: &F::Thumbprint,
    namespace: &str,
) -> Vec<EndpointField> {
    let (mode, uri) = match link {
        KubernetesLink::Polling(subscription) => ("Polling", json!(subscription)),
        KubernetesLink::Listening(url) => ("Listening", json!(url)),
    };
    let namespace = Some(namespace).filter(|it| !it.is_empty());
    const MODE: &[&str] = &["Endpoint", "TentacleEndpointConfiguration", "CommunicationMode"];
    const URI: &[&str] = &["Endpoint", "TentacleEndpointConfiguration", "Uri"];
    const THUMBPRINT: &[&str] = &["Endpoint", "TentacleEndpointConfiguration", "Thumbprint"];
    vec![
        (&["Endpoint", "CommunicationStyle"], json!("KubernetesTentacle"), FieldComparison::Text),
        (MODE, json!(mode), FieldComparison::IdOr("Polling".to_owned())),
        (URI, uri, FieldComparison::Uri),
        (THUMBPRINT, json!(thumbprint), FieldComparison::Thumbprint),
        (&["Endpoint", "DefaultNamespace"], json!(namespace), FieldComparison::Text),
    ]
}

/// The endpoint as JSON, as it is sent with a new worker.
pub(super) fn endpoint_json(endpoint: &Endpoint) -> Value {
    let mut body = json!({});
    for (keys, value, _) in endpoint_fields(endpoint) {
        // Behind `Endpoint`; what is missing on the way is made.
        let place = keys.iter().skip(1).fold(&mut body, |place, key| &mut place[*key]);
        *place = value;
    }
    body
}

/// What is looked at in a worker, to see whether it is reached so.
pub(super) fn expected_fields(endpoint: &Endpoint) -> Vec<FieldChange> {
    endpoint_fields(endpoint)
        .into_iter()
        .map(|(keys, value, it)| FieldChange::new(keys, value, it))
        .collect()
}

/// The fields that differ, and the style, which has to be what it is.
pub(super) fn changed_fields(before: &LiveEndpoint, after: &Endpoint) -> Vec<FieldChange> {
    let pairs = endpoint_fields(before).into_iter().zip(endpoint_fields(after));
    let differ = pairs.filter(|((keys, before, _), (_, after, _))| {
        before != after || keys.last() == Some(&"CommunicationStyle")
    });
    let wanted = differ.map(|((keys, before, alike), (_, after, _))| {
        FieldChange::new_change(keys, before, after, alike)
    });
    wanted.collect()
}
