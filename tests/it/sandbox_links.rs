//! The links of every kind of document, held against those that official clients know.
//!
//! Each has to lead to something: clients navigate by links, and check none.

use crate::sandbox::Bench;
use octopus_sandbox::Seed;
use serde_json::{Value, json};

/// A kind's links by a source.
struct KindLinks {
    /// The list of the kind in a space.
    list: &'static str,
    /// Where clients read their names.
    source: &'static str,
    /// The links that a document has.
    present: &'static str,
    /// The links that it has not: of what the sandbox does not serve.
    left_out: &'static str,
}

/// The portal's contracts.
const TS: &str = "OctopusDeploy/message-contracts.ts, src";

/// The older of the clients.
const CS: &str = "OctopusDeploy/OctopusClients, source/Octopus.Server.Client";

/// The library of the command line and of the Terraform provider.
const GO: &str = "OctopusDeploy/go-octopusdeploy, pkg";

const KINDS: &[KindLinks] = &[
    KindLinks {
        list: "projects",
        source: TS,
        present: "Self Releases Channels Triggers Variables Progression DeploymentProcess Web Runbooks \
                  RunbookSnapshots Summary DeploymentSettings ConvertToVcs",
        left_out: "ScheduledTriggers OrderChannels RunbookTaskRunDashboardItemsTemplate Logo Metadata",
    },
    KindLinks { list: "lifecycles", source: TS, present: "Self Projects Preview", left_out: "" },
    KindLinks {
        list: "environments",
        source: TS,
        present: "Self Machines SinglyScopedVariableDetails",
        left_out: "Metadata",
    },
    KindLinks { list: "accounts", source: TS, present: "Self Usages", left_out: "" },
    KindLinks {
        list: "accounts",
        source: CS,
        present: "Usages",
        left_out: "ResourceGroups StorageAccounts WebSites WebSiteSlots",
    },
    KindLinks {
        list: "feeds",
        source: TS,
        present: "Self SearchPackagesTemplate SearchPackageVersionsTemplate",
        left_out: "BuiltInStatus NotesTemplate Packages SearchTemplate VersionsTemplate",
    },
    KindLinks {
        list: "runbooks",
        source: TS,
        present: "Self Project RunbookSnapshotTemplate RunbookRunTemplate RunbookRunPreview \
                  RunbookSnapshots CreateRunbookRun RunbookProcesses",
        left_out: "Template RunbookRunTenantPreview Progression TaskRunDashboardItemsTemplate",
    },
    KindLinks {
        list: "deploymentprocesses",
        source: TS,
        present: "Self Project Template Validation",
        left_out: "",
    },
    KindLinks {
        list: "runbookProcesses",
        source: CS,
        present: "Self RunbookSnapshotTemplate",
        left_out: "",
    },
    KindLinks { list: "channels", source: CS, present: "Self Project Releases", left_out: "" },
    KindLinks { list: "projectgroups", source: GO, present: "Self Projects", left_out: "" },
    KindLinks {
        list: "libraryvariablesets",
        source: CS,
        present: "Self Variables Usages",
        left_out: "",
    },
    KindLinks { list: "tenants", source: GO, present: "Self Variables Web", left_out: "Logo" },
    KindLinks {
        list: "certificates",
        source: CS,
        present: "Self Archive Unarchive Replace Usages",
        left_out: "Export",
    },
    KindLinks { list: "git-credentials", source: CS, present: "Self Usage", left_out: "" },
    KindLinks { list: "projecttriggers", source: CS, present: "Self Project", left_out: "" },
    KindLinks {
        list: "releases",
        source: CS,
        present: "Self Project Artifacts DeploymentTemplate Deployments SnapshotVariables Progression \
                  Defects ReportDefect ResolveDefect ProjectVariableSnapshot",
        left_out: "",
    },
    KindLinks {
        list: "deployments",
        source: CS,
        present: "Self Project Environment Release Task Artifacts Interruptions Variables",
        left_out: "",
    },
    KindLinks {
        list: "runbookSnapshots",
        source: CS,
        present: "Self Runbook Artifacts RunbookRunTemplate RunbookRuns SnapshotVariables",
        left_out: "",
    },
    KindLinks {
        list: "runbookRuns",
        source: CS,
        present: "Self Project Environment Runbook RunbookSnapshot Task Artifacts Interruptions",
        left_out: "",
    },
    KindLinks {
        list: "tasks",
        source: CS,
        present: "Self Details Raw QueuedBehind Cancel State Rerun Artifacts Interruptions",
        left_out: "Prioritize",
    },
    KindLinks {
        list: "machinepolicies",
        source: CS,
        present: "Self Machines Workers Template",
        left_out: "",
    },
    KindLinks {
        list: "machines",
        source: CS,
        present: "Self Connection TasksTemplate",
        left_out: "",
    },
    KindLinks { list: "workers", source: CS, present: "Self Connection", left_out: "" },
    KindLinks { list: "workerpools", source: GO, present: "Self Workers Web", left_out: "" },
    KindLinks { list: "proxies", source: GO, present: "Self", left_out: "" },
    KindLinks { list: "tagsets", source: GO, present: "Self", left_out: "" },
    KindLinks {
        list: "actiontemplates",
        source: CS,
        present: "Self",
        left_out: "Logo Usage Versions",
    },
];

/// The links at the root of a real server (OctopusDeploy/OctopusClients, `CannedResponses/2019.7.12/api.GET.json`).
const ROOT_PRESENT: &str = "Accounts ActionTemplates ActionTemplatesCategories ActionTemplatesSearch Artifacts Authentication \
    Certificates Channels CurrentUser Dashboard DashboardDynamic DeploymentProcesses Deployments \
    DiscoverMachine DiscoverWorker EnvironmentSortOrder Environments EnvironmentsSummary EventAgents \
    EventCategories EventDocumentTypes EventGroups Events ExtensionStats FeaturesConfiguration Feeds \
    Interruptions LibraryVariables Lifecycles MachinePolicies MachinePolicyTemplate MachineRoles \
    Machines OctopusServerClusterSummary OctopusServerNodes Packages PermissionDescriptions \
    ProjectGroups ProjectTriggers Projects Proxies Releases ScopedUserRoles Self ServerHealthStatus \
    ServerStatus SpaceHome Spaces Subscriptions TagSetSortOrder TagSets TaskTypes Tasks Teams \
    TenantVariables Tenants TenantsMissingVariables Timezones Users VariableNames VariablePreview \
    Variables Web WorkerPools WorkerPoolsDynamicWorkerTypes WorkerPoolsSortOrder WorkerPoolsSummary \
    WorkerPoolsSupportedTypes Workers";

/// Those of its links that lead to what the sandbox does not serve: licences, mail, sign-in, packages, migration.
const ROOT_LEFT_OUT: &str = "ActionTemplateLogo ActionTemplateVersionedLogo Authenticate_Google BuiltInFeedStats \
    CertificateConfiguration CloudTemplate CommunityActionTemplates Configuration CurrentLicense \
    CurrentLicenseStatus DashboardConfiguration ExternalSecurityGroupProviders ExternalUserSearch \
    IntegratedAuthenticationChallenge Invitations IssueTrackers LetsEncryptConfiguration LoginInitiated \
    MaintenanceConfiguration MigrationsImport MigrationsPartialExport PackageDeltaSignature \
    PackageDeltaUpload PackageMetadata PackageNotesList PackageUpload PackagesBulk \
    PerformanceConfiguration ProjectPulse Register Reporting/DeploymentsCountedByWeek \
    ScheduledProjectTriggers Scheduler ServerConfiguration ServerConfigurationSettings SignIn SignOut \
    SmtpConfiguration SmtpIsConfigured TenantTagTest TenantsStatus UpgradeConfiguration \
    UserAuthentication UserIdentityMetadata UserOnboarding UserRoles VariablesNonPrintableChars \
    VersionRuleTest";

/// The links that are posted to.
const WRITES: [&str; 13] = [
    "Archive",
    "Cancel",
    "ConvertToGit",
    "ConvertToVcs",
    "CreateRunbookRun",
    "Replace",
    "ReportDefect",
    "Rerun",
    "ResolveDefect",
    "SnapshotVariables",
    "State",
    "Unarchive",
    "Validation",
];

async fn made(bench: &Bench, path: &str, body: Value) -> Value {
    let (status, document) = bench.send("POST", path, body).await;
    assert_eq!(status, 201, "{path}: {document}");
    document
}

/// The company, with a document of each kind.
async fn complete_company() -> Bench {
    let bench = Bench::new(Seed::Acme).await;
    let secret = json!({ "HasValue": true, "NewValue": "c2VjcmV0" });
    for (list, body) in [
        ("certificates", json!({ "Name": "TLS", "CertificateData": secret })),
        ("git-credentials", json!({ "Name": "bot", "Details": { "Type": "UsernamePassword" } })),
        ("tagsets", json!({ "Name": "Region" })),
        ("actiontemplates", json!({ "Name": "Greet", "ActionType": "Octopus.Script" })),
        ("projecttriggers", json!({ "Name": "Nightly", "ProjectId": "Projects-1" })),
    ] {
        made(&bench, &format!("/api/Spaces-1/{list}"), body).await;
    }
    let release = json!({ "ProjectId": "Projects-1", "Version": "1.0.0" });
    let release = made(&bench, "/api/Spaces-1/releases", release).await;
    let deployment = json!({ "ReleaseId": release["Id"], "EnvironmentId": "Environments-1" });
    made(&bench, "/api/Spaces-1/deployments", deployment).await;
    let snapshot = json!({ "RunbookId": "Runbooks-1", "Name": "First" });
    made(&bench, "/api/Spaces-1/runbookSnapshots?publish=true", snapshot).await;
    let run = json!({ "RunbookId": "Runbooks-1", "EnvironmentId": "Environments-1" });
    made(&bench, "/api/Spaces-1/runbookRuns", run).await;
    bench
}

/// The path of a link without its parameters, in the branch `main` if it needs one.
fn link_path(link: &str) -> String {
    let link = link.replace("{gitRef}", "main");
    link.split_once('{').map_or(link.clone(), |(path, _)| path.to_owned())
}

#[tokio::test]
async fn every_known_link_is_present_or_deliberately_omitted() {
    let bench = complete_company().await;
    for KindLinks { list, source, present, left_out } in KINDS {
        let found = bench.get(&format!("/api/Spaces-1/{list}?take=1")).await;
        let links = &found["Items"][0]["Links"];
        for name in present.split_whitespace() {
            assert!(links[name].is_string(), "{list}: no link {name} ({source}) in {links}");
        }
        for name in left_out.split_whitespace() {
            assert!(links[name].is_null(), "{list}: {name} is there, so the table is out of date");
        }
    }
}

#[tokio::test]
async fn root_links_match_a_real_server_and_resolve() {
    let bench = Bench::new(Seed::Acme).await;
    let root = bench.get("/api").await;
    let links = root["Links"].as_object().unwrap();
    for name in ROOT_PRESENT.split_whitespace() {
        assert!(links.contains_key(name), "no link {name}");
    }
    for name in ROOT_LEFT_OUT.split_whitespace() {
        assert!(!links.contains_key(name), "{name} is there, so the list is out of date");
    }
    for (name, link) in links {
        // Sort orders are write-only, discovery needs a host, and no variable is evaluated.
        let other = ["SortOrder", "Discover", "Web", "VariablePreview", "SpaceHome"];
        if other.iter().any(|it| name.contains(it)) {
            continue;
        }
        let path = link_path(link.as_str().unwrap());
        let (status, answer) = bench.text("GET", &path, "").await;
        assert_eq!(status, 200, "{name} {path}: {answer}");
    }
}

#[tokio::test]
async fn every_link_resolves() {
    let bench = complete_company().await;
    let mut writes = Vec::new();
    let lists: std::collections::BTreeSet<&str> = KINDS.iter().map(|kind| kind.list).collect();
    let mut documents = Vec::new();
    for list in lists {
        let all = bench.get(&format!("/api/Spaces-1/{list}?take=1000")).await;
        documents.extend(all["Items"].as_array().unwrap().iter().cloned());
    }
    let links = documents.iter().flat_map(|document| {
        let links = document["Links"].as_object().unwrap().iter();
        links.map(move |(name, link)| (document, name, link_path(link.as_str().unwrap())))
    });
    for (document, name, path) in links {
        if WRITES.contains(&name.as_str()) {
            writes.push((name.clone(), path));
        } else if !path.starts_with("/app#") && !is_below_unreachable(document, &path) {
            let (status, answer) = bench.text("GET", &path, "").await;
            let leads = status == 200 || name.ends_with("Preview");
            assert!(leads, "{name} {}: {answer}", path.trim_end_matches("/preview"));
        }
    }
    for (name, path) in writes {
        let (status, _) = bench.text("POST", &path, "{}").await;
        assert!(!matches!(status.as_u16(), 404 | 405), "{name} {path}: {status}");
    }
}

/// Whether a project's repository, or the branch `main` of it, cannot be read.
fn is_below_unreachable(document: &Value, path: &str) -> bool {
    let in_git = document["IsVersionControlled"] == true;
    in_git && (path.contains("/main/") || path.contains("/git/"))
}
