//! What the sandbox refuses because no server would store it, and what it adds to what is stored.

use crate::sandbox::{Bench, PROCESS, worker};
use octopus_sandbox::Seed;
use serde_json::{Value, json};

const THUMBPRINT: &str = "0E80575D3BD8D30854802A4E8340A2E23AE961FD";

/// Fields on top of others.
fn with(mut document: Value, change: &Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

fn listening() -> Value {
    json!({ "CommunicationStyle": "TentaclePassive", "Uri": "https://a:10933/", "Thumbprint": THUMBPRINT })
}

fn polling() -> Value {
    json!({ "CommunicationStyle": "TentacleActive", "Uri": "poll://abc/", "Thumbprint": THUMBPRINT })
}

fn ssh() -> Value {
    json!({ "CommunicationStyle": "Ssh", "AccountId": "Accounts-1", "Host": "a.example", "Port": 22, "Fingerprint": "SHA256:x" })
}

fn agent(change: &Value) -> Value {
    let inner =
        json!({ "CommunicationMode": "Polling", "Uri": "poll://abc/", "Thumbprint": THUMBPRINT });
    json!({ "CommunicationStyle": "KubernetesTentacle", "TentacleEndpointConfiguration": with(inner, change) })
}

fn impossible_endpoints() -> Vec<(Value, &'static str)> {
    let listening = |change: Value| with(listening(), &change);
    let polling = |change: Value| with(polling(), &change);
    let ssh = |change: Value| with(ssh(), &change);
    vec![
        (listening(json!({ "Uri": "poll://abc/" })), "is not a valid address"),
        (listening(json!({ "Uri": "http://a:10933/" })), "is not a valid address"),
        (listening(json!({ "Uri": "a:10933" })), "is not a valid address"),
        (listening(json!({ "Uri": "https://a:0/" })), "is not a valid address"),
        (listening(json!({ "Uri": "https://a:70000/" })), "is not a valid address"),
        (listening(json!({ "Uri": "" })), "Please provide a URL"),
        (
            listening(json!({ "Thumbprint": "not a thumbprint at all" })),
            "is not a valid thumbprint",
        ),
        (listening(json!({ "Thumbprint": &THUMBPRINT[1..] })), "is not a valid thumbprint"),
        (listening(json!({ "Thumbprint": null })), "Please provide a thumbprint"),
        (listening(json!({ "ProxyId": "Proxies-99" })), "The proxy 'Proxies-99' does not exist"),
        (polling(json!({ "Uri": "https://a:10933/" })), "is not a valid address"),
        (polling(json!({ "Thumbprint": "xyz" })), "is not a valid thumbprint"),
        (ssh(json!({ "Port": 0 })), "is not a port"),
        (ssh(json!({ "Port": 65536 })), "is not a port"),
        (ssh(json!({ "Port": "22" })), "is not a port"),
        (ssh(json!({ "Host": "a b" })), "is not a valid host"),
        (ssh(json!({ "AccountId": "Accounts-2" })), "cannot be used for an SSH connection"),
        (ssh(json!({ "AccountId": "Accounts-99" })), "The account 'Accounts-99' does not exist"),
        (ssh(json!({ "DotNetCorePlatform": "plan9" })), "is not a platform"),
        (agent(&json!({ "CommunicationMode": "Waiting" })), "is not a communication mode"),
        (agent(&json!({ "CommunicationMode": null })), "Please provide a communication mode"),
        (agent(&json!({ "CommunicationMode": "Listening" })), "is not a valid address"),
        (agent(&json!({ "Thumbprint": "not hexadecimal" })), "is not a valid thumbprint"),
        (json!({ "CommunicationStyle": "Telepathy" }), "cannot have the endpoint 'Telepathy'"),
        (json!({}), "Please provide a communication style"),
    ]
}

#[tokio::test]
async fn an_endpoint_that_reaches_nothing_is_refused_for_workers_and_targets() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = bench.pool("SQL").await;
    let made = bench.send("POST", "/api/Spaces-1/workers", worker("w1", &[&id])).await.1;
    let path = made["Links"]["Self"].as_str().unwrap();
    for (endpoint, wanted) in impossible_endpoints() {
        let change = json!({ "Endpoint": endpoint });
        let target = json!({
            "Name": "t", "EnvironmentIds": ["Environments-1"], "Roles": ["web"], "Endpoint": endpoint,
        });
        for (method, path, body) in [
            ("POST", "/api/Spaces-1/workers", with(worker("w2", &[&id]), &change)),
            ("PUT", path, with(made.clone(), &change)),
            ("POST", "/api/Spaces-1/machines", target),
        ] {
            let refused = bench.refused(method, path, body).await;
            assert!(
                refused.starts_with("400: ") && refused.contains(wanted),
                "{endpoint}: {refused}"
            );
        }
    }
    assert_eq!(bench.get(path).await["Endpoint"]["Uri"], made["Endpoint"]["Uri"]);
}

#[tokio::test]
async fn an_endpoint_of_each_style_is_stored_with_what_the_server_adds() {
    let bench = Bench::new(Seed::Chapter).await;
    let id = bench.pool("SQL").await;
    let account = json!({ "Name": "root", "AccountType": "UsernamePassword", "Username": "root" });
    let account = bench.send("POST", "/api/Spaces-1/accounts", account).await.1;
    let with_password = with(ssh(), &json!({ "AccountId": account["Id"], "Port": null }));
    for (endpoint, pointer, wanted) in [
        (listening(), "/TentacleVersionDetails/UpgradeLocked", json!(false)),
        (polling(), "/TentacleVersionDetails/UpgradeSuggested", json!(false)),
        (with_password, "/Port", json!(22)),
        (agent(&json!({})), "/KubernetesAgentDetails/UpgradeStatus", json!("NoUpgrades")),
        (agent(&json!({ "Thumbprint": "0123456789ABCDEF" })), "/UpgradeLocked", json!(false)),
    ] {
        let name = format!("w {pointer} {}", endpoint["CommunicationStyle"]);
        let body = with(worker(&name, &[&id]), &json!({ "Endpoint": endpoint }));
        let (status, made) = bench.send("POST", "/api/Spaces-1/workers", body).await;
        assert_eq!((status, made["Endpoint"].pointer(pointer)), (201, Some(&wanted)), "{made}");
    }
    for worker in bench.get("/api/Spaces-1/workers/all").await.as_array().unwrap() {
        assert!(worker["Endpoint"]["Links"].is_object(), "{worker}");
    }
}

#[tokio::test]
async fn resaving_an_unchanged_document_changes_nothing_in_any_seed() {
    let large = Seed::Large { projects: 1, steps: 1, workers: 4 };
    for seed in [Seed::Chapter, Seed::Acme, large] {
        let bench = Bench::new(seed.clone()).await;
        let mut documents = Vec::new();
        for list in
            ["workers", "machines", "accounts", "proxies", "environments", "tenants", "feeds"]
        {
            let all = bench.get(&format!("/api/Spaces-1/{list}/all")).await;
            documents.extend(all.as_array().unwrap().iter().cloned());
        }
        for read in documents {
            let path = read["Links"]["Self"].as_str().unwrap();
            let (status, written) = bench.send("PUT", path, read.clone()).await;
            assert_eq!((status, &written), (200, &read), "{seed:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_body_about_another_document_is_refused_everywhere() {
    let bench = Bench::new(Seed::Acme).await;
    for list in [
        "workers",
        "workerpools",
        "machines",
        "machinepolicies",
        "proxies",
        "accounts",
        "environments",
        "projectgroups",
        "projects",
        "lifecycles",
        "libraryvariablesets",
        "runbooks",
        "tenants",
        "channels",
        "feeds",
        "deploymentprocesses",
        "runbookProcesses",
        "variables",
    ] {
        let all = bench.get(&format!("/api/Spaces-1/{list}?take=2")).await;
        let [first, second] = &all["Items"].as_array().unwrap()[..] else { continue };
        let path = format!("/api/Spaces-1/{list}/{}", first["Id"].as_str().unwrap());
        let before = bench.get(&path).await;
        let refused =
            bench.refused("PUT", &path, with(before.clone(), &json!({ "Id": second["Id"] }))).await;
        assert!(refused.starts_with("400: The id in the request body"), "{list}: {refused}");
        assert_eq!(bench.get(&path).await, before, "{list}");
    }
    let mut process = bench.get(PROCESS).await;
    process["Id"] = json!("deploymentprocess-Projects-2");
    assert!(bench.refused("PUT", PROCESS, process).await.starts_with("400: The id in the request"));
}

#[tokio::test]
async fn references_in_accounts_proxies_and_projects_are_checked() {
    let bench = Bench::new(Seed::Chapter).await;
    for (list, body, wanted) in [
        ("accounts", json!({ "Name": "a" }), "Please provide a type"),
        ("accounts", json!({ "Name": "a", "AccountType": "Magic" }), "is not an account type"),
        ("proxies", json!({ "Name": "p" }), "Please provide a host"),
        ("proxies", json!({ "Name": "p", "Host": "h", "Port": 0 }), "between 1 and 65535"),
        ("proxies", json!({ "Name": "p", "Host": "h", "Port": 70000 }), "between 1 and 65535"),
        (
            "projects",
            json!({ "Name": "p", "ProjectGroupId": "ProjectGroups-99" }),
            "does not exist",
        ),
        ("projects", json!({ "Name": "p", "LifecycleId": "Lifecycles-99" }), "does not exist"),
        ("channels", json!({ "Name": "c", "ProjectId": "Projects-99" }), "does not exist"),
        ("runbooks", json!({ "Name": "r", "ProjectId": "Projects-99" }), "does not exist"),
    ] {
        let refused = bench.refused("POST", &format!("/api/Spaces-1/{list}"), body).await;
        assert!(refused.starts_with("400: ") && refused.contains(wanted), "{list}: {refused}");
    }
    let ssh = bench.get("/api/Spaces-1/accounts/Accounts-1").await;
    let other = with(ssh, &json!({ "AccountType": "Token" }));
    let refused = bench.refused("PUT", "/api/Spaces-1/accounts/Accounts-1", other).await;
    assert_eq!(refused, "400: The type of an account cannot be changed.");
}

#[tokio::test]
async fn releases_and_deployments_may_name_only_existing_objects() {
    let bench = Bench::new(Seed::Chapter).await;
    let path = "/api/Spaces-1/releases";
    let release =
        |change: Value| with(json!({ "ProjectId": "Projects-1", "Version": "1.0.0" }), &change);
    let package = |action: &str, reference: &str, version: &str| {
        json!({ "SelectedPackages": [
            { "ActionName": action, "PackageReferenceName": reference, "Version": version },
        ] })
    };
    let action = "Deploy web app";
    for (change, wanted) in [
        (json!({ "Version": "latest" }), "'latest' is not a valid version number"),
        (json!({ "Version": "1.2.3.4.5" }), "is not a valid version number"),
        (json!({ "Version": "1.0 beta" }), "is not a valid version number"),
        (json!({ "ChannelId": "Channels-99" }), "The channel 'Channels-99' does not exist"),
        (package("No such step", "", "1.0"), "The step 'No such step' has no package"),
        (package(action, "no such reference", "1.0"), "has no package reference"),
    ] {
        let refused = bench.refused("POST", path, release(change)).await;
        assert!(refused.starts_with("400: ") && refused.contains(wanted), "{refused}");
    }
    let made = bench.send("POST", path, release(json!({}))).await.1;
    for list in ["SpecificMachineIds", "ExcludedMachineIds"] {
        let body = json!({
            "ReleaseId": made["Id"], "EnvironmentId": "Environments-1", list: ["Machines-1", "Machines-99"],
        });
        let refused = bench.refused("POST", "/api/Spaces-1/deployments", body).await;
        assert_eq!(refused, "400: The deployment target 'Machines-99' does not exist.");
    }
    assert_eq!(bench.get("/api/Spaces-1/deployments").await["TotalResults"], 0);
}

#[tokio::test]
async fn a_minimal_document_gets_the_servers_defaults() {
    let bench = Bench::new(Seed::Empty).await;
    let nothing = json!([]);
    for (list, body, wanted) in [
        (
            "libraryvariablesets",
            json!({ "Name": "a", "Templates": null }),
            json!({ "ContentType": "Variables", "Templates": nothing }),
        ),
        (
            "tenants",
            json!({ "Name": "a" }),
            json!({ "ProjectEnvironments": {}, "TenantTags": nothing, "IsDisabled": false }),
        ),
        (
            "accounts",
            json!({ "Name": "a", "AccountType": "SshKeyPair" }),
            json!({ "EnvironmentIds": nothing, "TenantedDeploymentParticipation": "Untenanted" }),
        ),
        (
            "environments",
            json!({ "Name": "a" }),
            json!({ "SortOrder": 0, "UseGuidedFailure": false, "Description": "" }),
        ),
        ("environments", json!({ "Name": "b" }), json!({ "SortOrder": 1 })),
        (
            "projectgroups",
            json!({ "Name": "a" }),
            json!({ "EnvironmentIds": nothing, "Description": "" }),
        ),
        (
            "proxies",
            json!({ "Name": "a", "Host": "h" }),
            json!({ "ProxyType": "HTTP", "Port": 80 }),
        ),
        (
            "projects",
            json!({ "Name": "a", "Templates": null }),
            json!({ "LifecycleId": "Lifecycles-1", "Templates": nothing, "VariableSetId": "variableset-Projects-1" }),
        ),
        ("lifecycles", json!({ "Name": "a" }), json!({ "Phases": nothing })),
        ("tagsets", json!({ "Name": "a" }), json!({ "Tags": nothing })),
    ] {
        let (status, made) = bench.send("POST", &format!("/api/Spaces-1/{list}"), body).await;
        assert_eq!(status, 201, "{list}: {made}");
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(&made[name], value, "{list} {name}");
        }
        let path = made["Links"]["Self"].as_str().unwrap();
        assert_eq!(bench.get(path).await, made, "{list}");
    }
    let set = bench.get("/api/Spaces-1/libraryvariablesets/all").await[0].clone();
    let variables = set["Links"]["Variables"].as_str().unwrap();
    assert_eq!(bench.get(variables).await["OwnerId"], set["Id"]);
    assert_eq!(
        bench.send("DELETE", set["Links"]["Self"].as_str().unwrap(), Value::Null).await.0,
        200
    );
    assert_eq!(bench.send("GET", variables, Value::Null).await.0, 404);
}

#[tokio::test]
async fn every_feature_switch_exists_and_can_be_changed() {
    let bench = Bench::new(Seed::Empty).await;
    let path = "/api/featuresconfiguration";
    let mut features = bench.get(path).await;
    for name in [
        "IsBuiltInWorkerEnabled",
        "IsCommunityActionTemplatesEnabled",
        "IsHelpSidebarEnabled",
        "IsAutomaticStepUpdatesEnabled",
        "IsKubernetesCloudTargetDiscoveryEnabled",
        "IsCompositeDockerHubRegistryFeedEnabled",
        "IsConfigureFeedsWithLocalOrSmbPathsEnabled",
        "IsNavigationVisualUpliftEnabled",
        "IsProjectsPageOptimizationEnabled",
        "IsProjectsPageOnboardingEnabled",
        "IsGitHubAppEnabled",
        "IsWebhookTriggerEnabled",
        "IsExperimentalUIFeatureEnabled",
    ] {
        let flipped = !features[name].as_bool().unwrap_or_else(|| panic!("{name}: {features}"));
        features[name] = json!(flipped);
        assert_eq!(bench.send("PUT", path, features.clone()).await.1[name], flipped, "{name}");
    }
    assert_eq!(bench.get(path).await, features);
}
