//! Converts wire types to the live model: pools, workers, and objects that are referred to by name.
//!
//! Never: I/O. A value that does not parse is kept unchanged, so that it differs from the desired one.

mod process;

pub(super) use process::{live_process, live_steps};

use poolwright_client::octopus::wire;
use poolwright_core::{
    live::{Directory, DirectoryEntry, Health, LivePool, LiveWorker},
    model::{
        Id, KubernetesLink, Linked, LiveEndpoint, Name, PoolKind, SSH_PORT, Subscription,
        TentacleUrl, Thumbprint, normalize_text,
    },
    text::eq_ignoring_case,
};

/// Converts pools, in their order.
pub(super) fn live_pools(mut pools: Vec<wire::WorkerPoolResource>) -> Vec<LivePool> {
    pools.sort_by_key(|pool| pool.sort_order);
    pools.into_iter().map(live_pool).collect()
}

fn live_pool(pool: wire::WorkerPoolResource) -> LivePool {
    // An unknown kind does not count as static: it may have no members, so no worker is put there.
    let is_static = pool.worker_pool_type.is_empty() && pool.worker_type.is_empty()
        || pool.worker_pool_type.eq_ignore_ascii_case("StaticWorkerPool");
    LivePool {
        id: Id::new(pool.id),
        name: Name::new(pool.name),
        slug: pool.slug,
        description: pool.description,
        kind: if is_static {
            PoolKind::Static
        } else {
            PoolKind::Dynamic { image: pool.worker_type }
        },
        default: pool.is_default,
    }
}

/// Converts a worker, with the names of the objects it refers to from `directory`, as far as that was read.
pub(super) fn live_worker(worker: wire::WorkerResource, directory: &Directory) -> LiveWorker {
    let policies = &directory.policies;
    let default = policies.iter().find(|it| it.default);
    let policy = match default.filter(|_| worker.machine_policy_id.is_empty()) {
        Some(default) => Linked::new(&default.id, default.name.as_str()),
        None => link_by_id(worker.machine_policy_id, policies),
    };
    LiveWorker {
        id: Id::new(worker.id),
        name: Name::new(worker.name),
        slug: worker.slug,
        endpoint: live_endpoint(worker.endpoint, directory),
        pools: worker.worker_pool_ids.into_iter().map(Id::new).collect(),
        policy,
        disabled: worker.is_disabled,
        health: match worker.health_status.to_ascii_lowercase().as_str() {
            "healthy" => Health::Healthy,
            "haswarnings" => Health::HasWarnings,
            "unhealthy" => Health::Unhealthy,
            "unavailable" => Health::Unavailable,
            _ => Health::Unknown,
        },
    }
}

/// Returns a link to an object, with its name if known, else its id.
fn link_by_id<T>(id: String, among: &[DirectoryEntry]) -> Linked<T> {
    let name =
        among.iter().find(|entry| eq_ignoring_case(&entry.id, &id)).map(|it| it.name.to_string());
    let name = name.unwrap_or_else(|| id.clone());
    Linked::new(id, name)
}

fn live_endpoint(endpoint: wire::EndpointResource, directory: &Directory) -> LiveEndpoint {
    let proxy =
        (!endpoint.proxy_id.is_empty()).then(|| link_by_id(endpoint.proxy_id, &directory.proxies));
    match endpoint.communication_style.as_str() {
        "TentaclePassive" => LiveEndpoint::Listening {
            url: TentacleUrl::normalize_url(&endpoint.uri),
            thumbprint: normalize_text::<Thumbprint>(&endpoint.thumbprint),
            proxy,
        },
        "TentacleActive" => LiveEndpoint::Polling {
            subscription: normalize_text::<Subscription>(&endpoint.uri),
            thumbprint: normalize_text::<Thumbprint>(&endpoint.thumbprint),
        },
        "Ssh" => LiveEndpoint::Ssh {
            host: endpoint.host,
            // An invalid port becomes 0, which no file can request.
            port: endpoint.port.map_or(SSH_PORT, |port| port.try_into().unwrap_or(0)),
            account: link_by_id(endpoint.account_id, &directory.accounts),
            fingerprint: endpoint.fingerprint,
            platform: Some(endpoint.dot_net_core_platform).filter(|it| !it.is_empty()),
            proxy,
        },
        "KubernetesTentacle" => {
            let wire::TentacleEndpointConfigurationResource { communication_mode, uri, thumbprint } =
                endpoint.tentacle_endpoint_configuration;
            LiveEndpoint::Kubernetes {
                link: if communication_mode.eq_ignore_ascii_case("Listening") {
                    KubernetesLink::Listening(TentacleUrl::normalize_url(&uri))
                } else {
                    KubernetesLink::Polling(normalize_text::<Subscription>(&uri))
                },
                thumbprint: normalize_text::<Thumbprint>(&thumbprint),
                namespace: endpoint.default_namespace,
            }
        }
        _ => LiveEndpoint::Other(endpoint.communication_style),
    }
}

/// Converts an object that can be referred to.
pub(super) fn directory_entry(named: wire::NamedResource) -> DirectoryEntry {
    let wire::NamedResource { id, name, slug, is_default } = named;
    DirectoryEntry { id, name: Name::new(name), slug, default: is_default }
}

/// Converts an account, if it is usable for SSH.
pub(super) fn ssh_account(account: wire::AccountResource) -> Option<DirectoryEntry> {
    let wire::AccountResource { id, name, slug, account_type, details } = account;
    // A machine is logged in to with a key or a password.
    let is_ssh = [account_type, details.account_type]
        .iter()
        .any(|it| ["sshkeypair", "usernamepassword"].contains(&it.to_ascii_lowercase().as_str()));
    is_ssh.then(|| DirectoryEntry { id, name: Name::new(name), slug, default: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn kind(type_of: Value, image: Value) -> PoolKind {
        let document = json!({
            "Id": "WorkerPools-1", "Name": "Hosted", "Description": null, "WorkerPoolType": type_of,
            "WorkerType": image,
        });
        live_pool(serde_json::from_value(document).unwrap()).kind
    }

    #[test]
    fn a_pool_of_unknown_kind_is_not_static() {
        let dynamic = |image: &str| PoolKind::Dynamic { image: image.to_owned() };
        assert_eq!(kind(json!("StaticWorkerPool"), json!(null)), PoolKind::Static);
        assert_eq!(kind(json!(null), json!(null)), PoolKind::Static);
        assert_eq!(
            kind(json!("DynamicWorkerPool"), json!("UbuntuDefault")),
            dynamic("UbuntuDefault")
        );
        assert_eq!(kind(json!("ElasticWorkerPool"), json!(null)), dynamic(""));
    }

    fn read(document: Value) -> LiveWorker {
        let named = |id: &str, name: &str, default| DirectoryEntry {
            id: id.to_owned(),
            name: Name::new(name),
            slug: String::new(),
            default,
        };
        let directory = Directory {
            policies: vec![named("MachinePolicies-1", "Default Machine Policy", true)],
            accounts: vec![named("Accounts-1", "db-ssh", false)],
            ..Directory::default()
        };
        live_worker(serde_json::from_value(document).unwrap(), &directory)
    }

    fn reached(endpoint: Value) -> LiveEndpoint {
        read(json!({ "Id": "Workers-1", "Name": "db-01", "Endpoint": endpoint })).endpoint
    }

    const THUMBPRINT: &str = "8A7E6157A34158EDA1B5127CB027B2A267760A4F";

    #[test]
    fn a_tentacle_url_gets_its_implied_port() {
        for (uri, wanted) in [
            ("https://DB-01.acme.example:10933/", "https://db-01.acme.example:10933"),
            ("https://db-01.acme.example/", "https://db-01.acme.example:443"),
            ("https://[::1]/", "https://[::1]:443"),
            ("db-01", "db-01"),
            ("https://db-01:99999/", "https://db-01:99999/"),
        ] {
            let endpoint = json!({
                "CommunicationStyle": "TentaclePassive", "Uri": uri, "ProxyId": "",
                "Thumbprint": THUMBPRINT.to_lowercase(),
            });
            let wanted = LiveEndpoint::Listening {
                url: wanted.to_owned(),
                thumbprint: THUMBPRINT.to_owned(),
                proxy: None,
            };
            assert_eq!(reached(endpoint), wanted);
        }
    }

    #[test]
    fn an_active_tentacle_is_a_polling_worker() {
        let endpoint = json!({
            "CommunicationStyle": "TentacleActive", "Uri": "poll://ih8pbyo8vxqjv0kbwwzc", "Thumbprint": null,
        });
        let subscription = "poll://ih8pbyo8vxqjv0kbwwzc/".to_owned();
        let wanted = LiveEndpoint::Polling { subscription, thumbprint: String::new() };
        assert_eq!(reached(endpoint), wanted);
    }

    #[test]
    fn an_ssh_worker_refers_to_its_account_by_name() {
        let endpoint = json!({
            "CommunicationStyle": "Ssh", "Host": "db-01", "Port": null, "AccountId": "Accounts-1",
            "Fingerprint": "SHA256:x", "ProxyId": "Proxies-7", "DotNetCorePlatform": null,
        });
        let LiveEndpoint::Ssh { port, account, platform, proxy, .. } = reached(endpoint) else {
            panic!()
        };
        assert_eq!((port, account.name.as_str(), platform), (22, "db-ssh", None));
        assert_eq!(proxy.unwrap().name, "Proxies-7");
    }

    #[test]
    fn a_kubernetes_agent_polls_or_listens() {
        let agent = |mode: &str, uri: &str| {
            let configuration =
                json!({ "CommunicationMode": mode, "Uri": uri, "Thumbprint": THUMBPRINT });
            let endpoint = reached(json!({
                "CommunicationStyle": "KubernetesTentacle", "DefaultNamespace": null,
                "TentacleEndpointConfiguration": configuration,
            }));
            let LiveEndpoint::Kubernetes { link, .. } = endpoint else { panic!() };
            link
        };
        assert_eq!(agent("Polling", "poll://x/"), KubernetesLink::Polling("poll://x/".to_owned()));
        let url = "https://k8s-01:10933";
        assert_eq!(agent("Listening", url), KubernetesLink::Listening(url.to_owned()));
        assert_eq!(
            reached(json!({ "CommunicationStyle": "Ftp" })),
            LiveEndpoint::Other("Ftp".into())
        );
    }

    #[test]
    fn a_worker_with_warnings_can_take_work() {
        let health = |word: Value| {
            read(json!({ "Id": "Workers-1", "Name": "db-01", "HealthStatus": word })).health
        };
        assert_eq!(health(json!("HasWarnings")), Health::HasWarnings);
        assert!(health(json!("haswarnings")).can_take_work());
        assert_eq!(health(json!("Unavailable")), Health::Unavailable);
        assert!(!health(json!("Unavailable")).can_take_work());
        assert_eq!(
            [json!("Unknown"), json!("Sleepy"), json!(null)].map(health),
            [Health::Unknown; 3]
        );
    }

    #[test]
    fn a_worker_without_a_policy_has_the_default_one() {
        let worker = read(json!({ "Id": "Workers-1", "Name": "db-01", "MachinePolicyId": null }));
        assert_eq!(worker.policy.name, "Default Machine Policy");
    }

    #[test]
    fn accounts_of_both_shapes_are_found_by_their_type() {
        let account = |document: Value| ssh_account(serde_json::from_value(document).unwrap());
        let flat = json!({ "Id": "Accounts-1", "Name": "db-ssh", "AccountType": "SshKeyPair" });
        let nested = json!({ "Id": "Accounts-1", "Name": "db-ssh", "Details": { "AccountType": "SshKeyPair" } });
        assert!(account(flat).is_some() && account(nested).is_some());
        let azure = json!({ "Id": "Accounts-2", "Name": "azure", "AccountType": "AzureOIDC" });
        assert_eq!(account(azure), None);
    }
}
