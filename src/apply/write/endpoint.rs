//! How a worker is reached, in the server's words.
//!
//! # Source
//!
//! `api.md` 2.3: which fields each `CommunicationStyle` has.

use crate::{
    apply::desk::{Draft, Trouble, stale},
    model::{Endpoint, KubernetesLink, Linked, Subscription, TentacleUrl, Thumbprint},
    octopus::document::Segment,
    plan::Delta,
};
use serde_json::{Map, Value, json};
use std::str::FromStr;

/// A field of an endpoint: where it is, and what it holds.
struct Field {
    /// Below `Endpoint`.
    path: &'static [&'static str],
    /// What is written.
    value: Value,
    /// A text of the server in the form in which it is compared.
    normal: fn(&str) -> String,
}

/// The whole endpoint, for a worker that is created.
pub(super) fn body(endpoint: &Endpoint) -> Value {
    let mut body = Map::new();
    body.insert("CommunicationStyle".to_owned(), json!(style(endpoint)));
    for Field { path, value, .. } in fields(endpoint) {
        match path {
            [name] => _ = body.insert((*name).to_owned(), value),
            [outer, name] => {
                let inner = body.entry((*outer).to_owned()).or_insert_with(|| json!({}));
                inner[*name] = value;
            }
            _ => {}
        }
    }
    Value::Object(body)
}

/// Changes the fields that differ, each only where it is as the plan expects.
pub(super) fn change(draft: &mut Draft, delta: &Delta<Endpoint>) -> Result<(), Trouble> {
    let pairs = fields(delta.before()).into_iter().zip(fields(delta.after()));
    for (before, after) in pairs {
        if before.path != after.path {
            return Err(Trouble::Failed("the kind of a worker cannot be edited".to_owned()));
        }
        if before.value == after.value {
            continue;
        }
        let mut path = vec![Segment::Key("Endpoint")];
        path.extend(after.path.iter().map(|key| Segment::Key(key)));
        let found = plain(&draft.document.value(&path).unwrap_or_default());
        let same = |field: &Field| (field.normal)(&found) == (field.normal)(&plain(&field.value));
        if same(&after) {
            continue;
        }
        if !same(&before) {
            let name = after.path.join(".");
            let expected = plain(&before.value);
            return Err(stale(&name, format!("{found:?}"), format!("{expected:?}")));
        }
        draft.set(&path, &after.value)?;
    }
    Ok(())
}

/// A value as text: absent and `null` are empty.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn style(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Listening { .. } => "TentaclePassive",
        Endpoint::Polling { .. } => "TentacleActive",
        Endpoint::Ssh { .. } => "Ssh",
        Endpoint::Kubernetes { .. } => "KubernetesTentacle",
        Endpoint::Other(style) => style,
    }
}

fn fields(endpoint: &Endpoint) -> Vec<Field> {
    let text: fn(&str) -> String = str::to_owned;
    let url: fn(&str) -> String = TentacleUrl::of_server;
    let subscription: fn(&str) -> String = normal::<Subscription>;
    let thumbprint_of = |path, thumbprint: &str| Field {
        path,
        value: json!(thumbprint),
        normal: normal::<Thumbprint>,
    };
    let linked = |path, id: Option<&str>| Field { path, value: json!(id), normal: text };
    match endpoint {
        Endpoint::Listening { url: it, thumbprint, proxy } => vec![
            Field { path: &["Uri"], value: json!(format!("{it}/")), normal: url },
            thumbprint_of(&["Thumbprint"], thumbprint),
            linked(&["ProxyId"], id(proxy)),
        ],
        Endpoint::Polling { subscription: it, thumbprint } => vec![
            Field { path: &["Uri"], value: json!(it), normal: subscription },
            thumbprint_of(&["Thumbprint"], thumbprint),
        ],
        Endpoint::Ssh { host, port, account, fingerprint, platform, proxy } => vec![
            Field { path: &["Host"], value: json!(host), normal: text },
            Field { path: &["Port"], value: json!(port), normal: text },
            Field { path: &["Fingerprint"], value: json!(fingerprint), normal: text },
            Field { path: &["DotNetCorePlatform"], value: json!(platform), normal: text },
            linked(&["AccountId"], Some(account.id.as_str())),
            linked(&["ProxyId"], id(proxy)),
        ],
        Endpoint::Kubernetes { link, thumbprint, namespace } => {
            let (mode, uri, as_written) = match link {
                KubernetesLink::Polling(it) => ("Polling", it.clone(), subscription),
                KubernetesLink::Listening(it) => ("Listening", format!("{it}/"), url),
            };
            let namespace = (!namespace.is_empty()).then_some(namespace);
            vec![
                Field {
                    path: &["TentacleEndpointConfiguration", "CommunicationMode"],
                    value: json!(mode),
                    normal: text,
                },
                Field {
                    path: &["TentacleEndpointConfiguration", "Uri"],
                    value: json!(uri),
                    normal: as_written,
                },
                thumbprint_of(&["TentacleEndpointConfiguration", "Thumbprint"], thumbprint),
                Field { path: &["DefaultNamespace"], value: json!(namespace), normal: text },
            ]
        }
        Endpoint::Other(_) => Vec::new(),
    }
}

fn id<T>(link: &Option<Linked<T>>) -> Option<&str> {
    link.as_ref().map(|it| it.id.as_str())
}

/// A text in the normal form of `T`; one that is none stays as it is.
fn normal<T: FromStr + ToString>(text: &str) -> String {
    text.parse::<T>().map_or_else(|_| text.to_owned(), |it| it.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(url: &str, proxy: Option<&str>) -> Endpoint {
        Endpoint::Listening {
            url: url.to_owned(),
            thumbprint: "8A".repeat(20),
            proxy: proxy.map(|it| Linked::new(it, it)),
        }
    }

    fn edited(document: &str, before: Endpoint, after: Endpoint) -> Result<String, String> {
        let mut draft = Draft::new(document.to_owned()).unwrap();
        let delta = Delta::between(before, after).unwrap();
        match change(&mut draft, &delta) {
            Ok(()) => Ok(draft.document.into_text()),
            Err(Trouble::Failed(words) | Trouble::Unknown(words)) => Err(words),
        }
    }

    #[test]
    fn only_the_field_that_differs_is_written() {
        let document =
            r#"{ "Endpoint": { "Uri": "https://DB:10933/", "Thumbprint": "x", "New": 1.0 } }"#;
        let proxied = edited(
            document,
            listening("https://db:10933", None),
            listening("https://db:10933", Some("Proxies-1")),
        );
        assert_eq!(
            proxied.as_deref(),
            Ok(
                r#"{ "Endpoint": { "Uri": "https://DB:10933/", "Thumbprint": "x", "New": 1.0, "ProxyId": "Proxies-1" } }"#
            )
        );
        let moved = edited(
            document,
            listening("https://db:10933", None),
            listening("https://db2:10933", None),
        );
        assert!(moved.unwrap().contains(r#""Uri": "https://db2:10933/""#));
    }

    #[test]
    fn a_field_that_somebody_else_has_changed_is_left_alone() {
        let document = r#"{ "Endpoint": { "Uri": "https://other:10933/" } }"#;
        let moved = edited(
            document,
            listening("https://db:10933", None),
            listening("https://db2:10933", None),
        );
        insta::assert_snapshot!(moved.unwrap_err(), @r#"`Uri` is "https://other:10933/", and the plan expects "https://db:10933/": plan again"#);
    }

    #[test]
    fn the_whole_of_a_kubernetes_worker() {
        let endpoint = Endpoint::Kubernetes {
            link: KubernetesLink::Polling("poll://x/".into()),
            thumbprint: "8A".into(),
            namespace: String::new(),
        };
        insta::assert_snapshot!(body(&endpoint), @r#"{"CommunicationStyle":"KubernetesTentacle","TentacleEndpointConfiguration":{"CommunicationMode":"Polling","Uri":"poll://x/","Thumbprint":"8A"},"DefaultNamespace":null}"#);
    }
}
