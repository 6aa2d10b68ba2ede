//! Endpoints, rebuilt from the fields in a receipt.

use super::text_or_empty;
use crate::{
    model::{
        KubernetesLink, Linked, LiveEndpoint, SSH_PORT, Subscription, TentacleUrl, Thumbprint,
        normalize_text,
    },
    plan::{EndpointField, Field, FieldSide},
    receipt::ReceiptEntry,
};

use serde_json::Value;
use std::mem::discriminant;

/// Returns the endpoint of an entry's worker before or after the apply; `None` if the fields do not record
/// a known style.
pub(super) fn from_entry(entry: &ReceiptEntry, side: FieldSide) -> Option<LiveEndpoint> {
    let value = |field: EndpointField| entry.find_written(field).and_then(|it| it.value(side));
    let mut endpoint = match text_or_empty(value(EndpointField::Style)) {
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
            link: match text_or_empty(value(EndpointField::AgentMode)) {
                "Listening" => KubernetesLink::Listening(String::new()),
                _ => KubernetesLink::Polling(String::new()),
            },
            thumbprint: String::new(),
            namespace: String::new(),
        },
        _ => return None,
    };
    for written in &entry.written {
        if let (Field::Endpoint(field), Some(value)) = (written.field, written.value(side)) {
            set_field(&mut endpoint, field, Some(value));
        }
    }
    Some(endpoint)
}

/// Whether two endpoints have one style and, for Kubernetes agents, one mode, and so the same fields.
pub(super) fn have_same_form(one: &LiveEndpoint, other: &LiveEndpoint) -> bool {
    let links = match (one, other) {
        (
            LiveEndpoint::Kubernetes { link: one, .. },
            LiveEndpoint::Kubernetes { link: other, .. },
        ) => discriminant(one) == discriminant(other),
        _ => true,
    };
    discriminant(one) == discriminant(other) && links
}

/// Sets a field; a field that the endpoint's style does not have is ignored.
pub(super) fn set_field(endpoint: &mut LiveEndpoint, field: EndpointField, value: Option<&Value>) {
    use EndpointField as F;
    let text = text_or_empty(value);
    match (field, endpoint) {
        (F::Uri, LiveEndpoint::Listening { url, .. })
        | (F::AgentUri, LiveEndpoint::Kubernetes { link: KubernetesLink::Listening(url), .. }) => {
            *url = TentacleUrl::normalize_url(text);
        }
        (F::Uri, LiveEndpoint::Polling { subscription, .. })
        | (F::AgentUri, LiveEndpoint::Kubernetes { link: KubernetesLink::Polling(subscription), .. }) => {
            *subscription = normalize_text::<Subscription>(text);
        }
        (
            F::Thumbprint,
            LiveEndpoint::Listening { thumbprint, .. } | LiveEndpoint::Polling { thumbprint, .. },
        )
        | (F::AgentThumbprint, LiveEndpoint::Kubernetes { thumbprint, .. }) => {
            *thumbprint = normalize_text::<Thumbprint>(text);
        }
        (F::Proxy, LiveEndpoint::Listening { proxy, .. } | LiveEndpoint::Ssh { proxy, .. }) => {
            set_link(proxy, text);
        }
        (F::Account, LiveEndpoint::Ssh { account, .. }) => {
            if account.id.as_str() != text {
                *account = Linked::new(text, text);
            }
        }
        (F::Host, LiveEndpoint::Ssh { host, .. }) => text.clone_into(host),
        (F::Port, LiveEndpoint::Ssh { port, .. }) => *port = port_number(value).unwrap_or(SSH_PORT),
        (F::Fingerprint, LiveEndpoint::Ssh { fingerprint, .. }) => text.clone_into(fingerprint),
        (F::Platform, LiveEndpoint::Ssh { platform, .. }) => {
            *platform = (!text.is_empty()).then(|| text.to_owned());
        }
        (F::Namespace, LiveEndpoint::Kubernetes { namespace, .. }) => text.clone_into(namespace),
        (F::AgentMode, LiveEndpoint::Kubernetes { link, .. }) => {
            let (KubernetesLink::Polling(address) | KubernetesLink::Listening(address)) = link;
            let address = std::mem::take(address);
            *link = match text {
                "Listening" => KubernetesLink::Listening(address),
                _ => KubernetesLink::Polling(address),
            };
        }
        // What the language cannot declare is restored for a new worker only, and the style never changes.
        (F::AgentProxy | F::UpgradeLocked | F::AgentUpgradeLocked | F::Style, _)
        // The style has no such field.
        | (F::AgentMode, _)
        | (F::Uri | F::Thumbprint | F::AgentUri | F::AgentThumbprint | F::Proxy | F::Namespace, _)
        | (F::Account | F::Host | F::Port | F::Fingerprint | F::Platform, _) => {}
    }
}

fn port_number(value: Option<&Value>) -> Option<u16> {
    value.and_then(Value::as_u64).and_then(|port| port.try_into().ok())
}

/// Sets a link; keeps its name if the id does not change.
fn set_link<T>(link: &mut Option<Linked<T>>, id: &str) {
    let same = link.as_ref().map_or("", |it| it.id.as_str()) == id;
    if !same {
        *link = (!id.is_empty()).then(|| Linked::new(id, id));
    }
}
