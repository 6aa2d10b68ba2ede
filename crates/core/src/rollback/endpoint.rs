//! Endpoints, of the fields that a receipt has kept.

use super::text_or_empty;
use crate::model::{Endpoint, KubernetesLink, Linked, Subscription, TentacleUrl};
use serde_json::Value;

/// Whether a Kubernetes agent calls the server, or is called.
const MODE: &str = "Endpoint.TentacleEndpointConfiguration.CommunicationMode";

/// The endpoint that these fields make up; none where they do not say of which style.
pub(super) fn from_fields(fields: &[(&str, &Value)]) -> Option<Endpoint> {
    let find = |path: &str| fields.iter().find(|(text, _)| *text == path).map(|(_, value)| *value);
    let mut endpoint = match text_or_empty(find("Endpoint.CommunicationStyle")) {
        "TentaclePassive" => {
            Endpoint::Listening { url: String::new(), thumbprint: String::new(), proxy: None }
        }
        "TentacleActive" => {
            Endpoint::Polling { subscription: String::new(), thumbprint: String::new() }
        }
        "Ssh" => Endpoint::Ssh {
            host: String::new(),
            port: 22,
            account: Linked::new("", ""),
            fingerprint: String::new(),
            platform: None,
            proxy: None,
        },
        "KubernetesTentacle" => Endpoint::Kubernetes {
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
pub(super) fn set_field(endpoint: &mut Endpoint, path: &str, value: Option<&Value>) {
    let Some(field) = path.strip_prefix("Endpoint.") else { return };
    let field = field.strip_prefix("TentacleEndpointConfiguration.").unwrap_or(field);
    let said = text_or_empty(value);
    match endpoint {
        Endpoint::Listening { url, thumbprint, proxy } => match field {
            "Uri" => *url = TentacleUrl::normalize_url(said),
            "Thumbprint" => *thumbprint = said.to_uppercase(),
            "ProxyId" => set_link(proxy, said),
            _ => {}
        },
        Endpoint::Polling { subscription, thumbprint } => match field {
            "Uri" => *subscription = subscription_text(said),
            "Thumbprint" => *thumbprint = said.to_uppercase(),
            _ => {}
        },
        Endpoint::Ssh { host, port, account, fingerprint, platform, proxy } => match field {
            "Host" => said.clone_into(host),
            "Port" => *port = port_number(value).unwrap_or(22),
            "AccountId" if account.id.as_str() != said => *account = Linked::new(said, said),
            "Fingerprint" => said.clone_into(fingerprint),
            "DotNetCorePlatform" => *platform = (!said.is_empty()).then(|| said.to_owned()),
            "ProxyId" => set_link(proxy, said),
            _ => {}
        },
        Endpoint::Kubernetes { link, thumbprint, namespace } => match (field, link) {
            ("Uri", KubernetesLink::Polling(subscription)) => {
                *subscription = subscription_text(said)
            }
            ("Uri", KubernetesLink::Listening(url)) => *url = TentacleUrl::normalize_url(said),
            ("Thumbprint", _) => *thumbprint = said.to_uppercase(),
            ("DefaultNamespace", _) => said.clone_into(namespace),
            _ => {}
        },
        Endpoint::Other(_) => {}
    }
}

fn port_number(value: Option<&Value>) -> Option<u16> {
    value.and_then(Value::as_u64).and_then(|port| port.try_into().ok())
}

fn subscription_text(uri: &str) -> String {
    uri.parse::<Subscription>().map_or_else(|_| uri.to_owned(), |it| it.to_string())
}

/// Sets a link; the name of one that stays the same is kept.
fn set_link<T>(link: &mut Option<Linked<T>>, id: &str) {
    let same = link.as_ref().map_or("", |it| it.id.as_str()) == id;
    if !same {
        *link = (!id.is_empty()).then(|| Linked::new(id, id));
    }
}
