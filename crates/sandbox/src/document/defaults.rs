//! The fields that the server adds to a document which was sent without them, or with null in their place.
//!
//! # Source
//!
//! `tests/contract/swagger-2020.5-excerpt.json`, and the resources of the official clients: go-octopusdeploy's
//! own tests compare what they send and what they read field by field.

use crate::{
    document::{policy, project},
    json::{json_field, text_field},
    kind::{DocumentKind, KindName, VARIABLES},
};
use serde_json::{Value, json};

/// Adds the defaults of its kind to a document of this id.
pub(crate) fn add_defaults(kind: &DocumentKind, id: &str, document: &mut Value) {
    let defaults = default_fields(kind, id, document);
    for (name, value) in defaults.as_object().into_iter().flatten() {
        if json_field(document, name).is_null() {
            document[name.as_str()] = value.clone();
        }
    }
}

/// The fields of a document that only the server decides, whatever is sent: the documents that belong to it.
pub(crate) fn owned_fields(kind: &DocumentKind, id: &str) -> Value {
    match kind.name {
        KindName::Projects => project::project_parts(id),
        KindName::Runbooks => project::runbook_parts(id),
        KindName::Library => json!({ "VariableSetId": VARIABLES.id_for(id) }),
        _ => json!({}),
    }
}

fn default_fields(kind: &DocumentKind, id: &str, document: &Value) -> Value {
    match kind.name {
        KindName::Policies => policy::default_policy(),
        KindName::Projects => project::project_defaults(id),
        KindName::Runbooks => project::runbook_defaults(id),
        KindName::Accounts => account_defaults(document),
        KindName::Feeds => feed_defaults(document),
        KindName::Groups => json!({
            "Description": "", "EnvironmentIds": [], "RetentionPolicyId": null,
        }),
        KindName::Proxies => json!({
            "Port": 80, "ProxyType": "HTTP", "Username": "", "Password": secret(),
        }),
        KindName::Library => json!({
            "Description": "",
            "ContentType": "Variables",
            "VariableSetId": VARIABLES.id_for(id),
            "Templates": [],
        }),
        KindName::Environments => environment_defaults(),
        KindName::Lifecycles => lifecycle_defaults(),
        KindName::Channels => channel_defaults(),
        KindName::Tenants => json!({
            "Description": "",
            "TenantTags": [],
            "ProjectEnvironments": {},
            "IsDisabled": false,
            "ClonedFromTenantId": null,
        }),
        KindName::TagSets => json!({ "Description": "", "SortOrder": 0, "Tags": [] }),
        KindName::Templates => json!({
            "Description": "",
            "Version": 1,
            "CommunityActionTemplateId": null,
            "Packages": [],
            "GitDependencies": [],
            "Parameters": [],
            "Properties": {},
        }),
        KindName::Certificates => certificate_defaults(),
        KindName::GitCredentials => json!({
            "Description": "",
            "Details": null,
            "RepositoryRestrictions": { "Enabled": false, "AllowedRepositories": [] },
        }),
        KindName::Triggers => json!({ "Description": "", "IsDisabled": false }),
        _ => json!({}),
    }
}

fn environment_defaults() -> Value {
    json!({
        "Description": "",
        "SortOrder": 0,
        "UseGuidedFailure": false,
        "AllowDynamicInfrastructure": false,
        "EnvironmentTags": [],
        "ExtensionSettings": [],
    })
}

fn channel_defaults() -> Value {
    json!({
        "Description": "",
        "LifecycleId": null,
        "IsDefault": false,
        "Rules": [],
        "TenantTags": [],
        "GitReferenceRules": [],
        "GitResourceRules": [],
        "CustomFieldDefinitions": [],
        "Type": "Lifecycle",
        "ParentEnvironmentId": null,
        "EphemeralEnvironmentNameTemplate": null,
    })
}

/// The value of a secret that has not been set.
fn secret() -> Value {
    json!({ "HasValue": false, "NewValue": null, "Hint": null })
}

fn account_defaults(account: &Value) -> Value {
    let mut fields = json!({
        "Description": "",
        "EnvironmentIds": [],
        "TenantedDeploymentParticipation": "Untenanted",
        "TenantIds": [],
        "TenantTags": [],
    });
    let secrets: &[&str] = match text_field(account, "AccountType") {
        "SshKeyPair" => &["PrivateKeyFile", "PrivateKeyPassphrase"],
        "UsernamePassword" | "AzureServicePrincipal" => &["Password"],
        "Token" => &["Token"],
        "AmazonWebServicesAccount" => &["SecretKey"],
        "GoogleCloudAccount" => &["JsonKey"],
        "AzureSubscription" => &["CertificateBytes"],
        _ => &[],
    };
    for name in secrets {
        fields[*name] = secret();
    }
    fields
}

fn feed_defaults(feed: &Value) -> Value {
    let places: &[&str] = match text_field(feed, "FeedType") {
        "BuiltIn" | "Maven" | "NuGet" | "GitHub" | "S3" | "ArtifactoryGeneric" => {
            &["Server", "ExecutionTarget"]
        }
        "OctopusProject" => &["Server"],
        _ => &["ExecutionTarget", "NotAcquired"],
    };
    let mut fields = json!({ "PackageAcquisitionLocationOptions": places });
    if text_field(feed, "FeedType") != "BuiltIn" {
        fields["Username"] = Value::Null;
        fields["Password"] = secret();
    }
    fields
}

fn lifecycle_defaults() -> Value {
    let keep = json!({ "Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": true });
    json!({
        "Description": "",
        "Phases": [],
        "ReleaseRetentionPolicy": keep,
        "TentacleRetentionPolicy": keep,
    })
}

/// What the server reads in a certificate; the sandbox reads none, and so knows nothing of it.
fn certificate_defaults() -> Value {
    json!({
        "Notes": "",
        "Archived": null,
        "ReplacedBy": null,
        "EnvironmentIds": [],
        "TenantIds": [],
        "TenantTags": [],
        "TenantedDeploymentParticipation": "Untenanted",
        "CertificateData": secret(),
        "Password": secret(),
        "CertificateChain": [],
        "SubjectAlternativeNames": [],
        "SelfSigned": false,
        "HasPrivateKey": false,
        "IsExpired": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{ACCOUNTS, LIBRARY};

    #[test]
    fn a_default_replaces_what_is_missing_or_null_and_nothing_else() {
        let mut set = json!({ "Name": "a", "Description": "mine", "Templates": null });
        add_defaults(&LIBRARY, "LibraryVariableSets-7", &mut set);
        assert_eq!(set["Description"], "mine");
        assert_eq!(set["Templates"], json!([]));
        assert_eq!(set["VariableSetId"], "variableset-LibraryVariableSets-7");
    }

    #[test]
    fn an_account_gets_the_secrets_of_its_type() {
        let mut account = json!({ "AccountType": "SshKeyPair" });
        add_defaults(&ACCOUNTS, "Accounts-1", &mut account);
        assert_eq!(account["PrivateKeyFile"], secret());
        assert!(account.get("SecretKey").is_none());
    }
}
