//! Endpoints, of the fields that a receipt has kept.

use super::text_or_empty;
use crate::model::{
    KubernetesLink, Linked, LiveEndpoint, SSH_PORT, Subscription, TentacleUrl, Thumbprint,
    normalize_text,
};
use serde_json::Value;

/// Whether a Kubernetes agent calls the server, or is called.
const MODE: &str = "Endpoint.TentacleEndpointConfiguration.CommunicationMode";

/// The endpoint that these fields make up; none where they do not say of which style.
pub(super) fn from_fields(fields: &[(&str, &Value)]) -> Option<LiveEndpoint> {
    let find = |path: &str| fields.iter().find(|(text, _)| *text == path).map(|(_, value)| *value);
    let mut endpoint = match text_or_empty(find("Endpoint.CommunicationStyle")) {
        "TentaclePassive" => {
            LiveEndpoint::Listening { url: String::new(), thumbprint: String::new(), proxy: None }
        }
        "TentacleActive" => {
            LiveEndpoint::Polling { subscription: String::new(), thumbprint: String::new() }
        }
        "Ssh" => LiveEndpoint::Ssh {
            host: String::new(),
            port: SSH_PORT,
            account: Linked::new("", ""),
            fingerprint: String::new(),
            platform: None,
            proxy: None,
        },
        "KubernetesTentacle" => LiveEndpoint::Kubernetes {
            link: match text_or_empty(find(MODE)) {
                "Listening" => KubernetesLink::Listening(String::new()),
                _ => KubernetesLink::Polling(String::new()),
            },
            thumbprint: String::new(),
            namespace: String::new(),
        },
        _ => return None,
    };
    fields.iter().for_each(|(path, value)| set_field(&mut endpoint, path, Some(value)));
    Some(endpoint)
}

/// Sets a field; one that its style does not have stays out.
pub(super) fn set_field(endpoint: &mut LiveEndpoint, path: &str, value: Option<&Value>) {
    let Some(field) = path.strip_prefix("Endpoint.") else { return };
    let field = field.strip_prefix("TentacleEndpointConfiguration.").unwrap_or(field);
    let said = text_or_empty(value);
    match endpoint {
        LiveEndpoint::Listening { url, thumbprint, proxy } => match field {
            "Uri" => *url = TentacleUrl::normalize_url(said),
            "Thumbprint" => *thumbprint = normalize_text::<Thumbprint>(said),
            "ProxyId" => set_link(proxy, said),
            _ => {}
        },
        LiveEndpoint::Polling { subscription, thumbprint } => match field {
            "Uri" => *subscription = normalize_text::<Subscription>(said),
            "Thumbprint" => *thumbprint = normalize_text::<Thumbprint>(said),
            _ => {}
        },
        LiveEndpoint::Ssh { host, port, account, fingerprint, platform, proxy } => match field {
            "Host" => said.clone_into(host),
            "Port" => *port = port_number(value).unwrap_or(SSH_PORT),
            "AccountId" if account.id.as_str() != said => *account = Linked::new(said, said),
            "Fingerprint" => said.clone_into(fingerprint),
            "DotNetCorePlatform" => *platform = (!said.is_empty()).then(|| said.to_owned()),
            "ProxyId" => set_link(proxy, said),
            _ => {}
        },
        LiveEndpoint::Kubernetes { link, thumbprint, namespace } => match (field, link) {
            ("Uri", KubernetesLink::Polling(subscription)) => {
                *subscription = normalize_text::<Subscription>(said)
            }
            ("Uri", KubernetesLink::Listening(url)) => *url = TentacleUrl::normalize_url(said),
            ("Thumbprint", _) => *thumbprint = normalize_text::<Thumbprint>(said),
            ("DefaultNamespace", _) => said.clone_into(namespace),
            _ => {}
        },
        LiveEndpoint::Other(_) => {}
    }
}

fn port_number(value: Option<&Value>) -> Option<u16> {
    value.and_then(Value::as_u64).and_then(|port| port.try_into().ok())
}

/// Sets a link; the name of one that stays the same is kept.
fn set_link<T>(link: &mut Option<Linked<T>>, id: &str) {
    let same = link.as_ref().map_or("", |it| it.id.as_str()) == id;
    if !same {
        *link = (!id.is_empty()).then(|| Linked::new(id, id));
    }
}
