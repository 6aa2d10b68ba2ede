//! Steps as Octopus writes them: one function for each step of the seeds' projects.
//!
//! Each is already normalized, so saving it again changes nothing. Ids and pools are set by the caller.

use crate::text::slugify;
use serde_json::{Value, json};

/// The three ways in which clients write an empty pool.
#[derive(Clone, Copy, Debug)]
pub(super) enum EmptyPoolSpelling {
    /// `null`, as the portal writes it.
    Null,
    /// An empty text, as Terraform writes it.
    Text,
    /// No field, as in documents from before there were workers.
    Absent,
}

/// A step of one action.
pub(super) fn single_action_step(
    name: &str,
    kind: &str,
    empty: EmptyPoolSpelling,
    properties: Value,
) -> Value {
    let action = build_action(name, kind, empty, properties);
    multi_action_step(name, "", vec![action])
}

/// A step of several actions, which run one after another on each target of a role.
pub(super) fn multi_action_step(name: &str, roles: &str, actions: Vec<Value>) -> Value {
    let properties =
        if roles.is_empty() { json!({}) } else { json!({ "Octopus.Action.TargetRoles": roles }) };
    json!({
        "Id": null,
        "Name": name,
        "Slug": slugify(name),
        "Type": "Step",
        "PackageRequirement": "LetOctopusDecide",
        "Properties": properties,
        "Condition": "Success",
        "StartTrigger": "StartAfterPrevious",
        "Actions": actions,
    })
}

/// An action.
pub(super) fn build_action(
    name: &str,
    kind: &str,
    empty: EmptyPoolSpelling,
    properties: Value,
) -> Value {
    let mut action = json!({
        "Id": null,
        "Name": name,
        "Slug": slugify(name),
        "ActionType": kind,
        "Notes": null,
        "IsDisabled": false,
        "CanBeUsedForProjectVersioning": false,
        "IsRequired": false,
    });
    let pool = match empty {
        EmptyPoolSpelling::Null => Some(Value::Null),
        EmptyPoolSpelling::Text => Some(json!("")),
        EmptyPoolSpelling::Absent => None,
    };
    if let Some(pool) = &pool {
        action["WorkerPoolId"] = pool.clone();
        action["Container"] =
            json!({ "Image": pool, "FeedId": pool, "GitUrl": null, "Dockerfile": null });
        action["WorkerPoolVariable"] = pool.clone();
    }
    for name in [
        "Environments",
        "ExcludedEnvironments",
        "Channels",
        "TenantTags",
        "Packages",
        "GitDependencies",
    ] {
        action[name] = json!([]);
    }
    action["Condition"] = json!("Success");
    action["Properties"] = properties;
    action["Links"] = json!({});
    action
}

/// Makes a step run on, or on behalf of, the targets of a role.
pub(super) fn set_target_role(mut step: Value, role: &str) -> Value {
    step["Properties"]["Octopus.Action.TargetRoles"] = json!(role);
    step
}

/// The properties of a script on a worker or on the targets of its step.
pub(super) fn script_properties(syntax: &str, body: &str, on_server: &str) -> Value {
    json!({
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": syntax,
        "Octopus.Action.Script.ScriptBody": body,
        "Octopus.Action.RunOnServer": on_server,
    })
}

pub(super) fn notify_team(empty: EmptyPoolSpelling) -> Value {
    let body = "\
$message = @{
    text = \"#{Octopus.Project.Name} #{Octopus.Release.Number} is on its way to #{Octopus.Environment.Name}.\"
    channel = \"#{Slack.Channel}\"
}

Invoke-RestMethod -Uri $OctopusParameters[\"Slack.Webhook\"] -Method Post -ContentType \"application/json\" `
    -Body (ConvertTo-Json $message -Compress)
";
    single_action_step(
        "Notify the team",
        "Octopus.Script",
        empty,
        script_properties("PowerShell", body, "true"),
    )
}

pub(super) fn back_up_database(empty: EmptyPoolSpelling) -> Value {
    let body = "\
$file = \"\\\\backup\\sql\\#{Database.Name}-$(Get-Date -Format yyyyMMdd-HHmmss).bak\"
Write-Host \"Backing up #{Database.Name} on #{Database.Server} to $file\"
Invoke-Sqlcmd -ServerInstance \"#{Database.Server},1433\" -QueryTimeout 3600 -Query @\"
BACKUP DATABASE [#{Database.Name}] TO DISK = N'$file' WITH COPY_ONLY, COMPRESSION, CHECKSUM, STATS = 10
\"@
";
    single_action_step(
        "Back up database",
        "Octopus.Script",
        empty,
        script_properties("PowerShell", body, "true"),
    )
}

/// Runs on the database targets, as database steps did before there were workers.
pub(super) fn migrate_database(empty: EmptyPoolSpelling) -> Value {
    let body = "\
$scripts = Join-Path $OctopusParameters[\"Octopus.Action.Package[Migrations].ExtractedPath\"] \"sql\"
foreach ($script in Get-ChildItem $scripts -Filter *.sql | Sort-Object Name) {
    Write-Host \"Running $($script.Name)\"
    Invoke-Sqlcmd -ServerInstance \"#{Database.Server},1433\" -Database \"#{Database.Name}\" `
        -InputFile $script.FullName -QueryTimeout 1800 -ErrorAction Stop
}

";
    let mut step = single_action_step(
        "Migrate database",
        "Octopus.Script",
        empty,
        script_properties("PowerShell", body, "false"),
    );
    step["Actions"][0]["Packages"] = json!([{
        "Id": null,
        "Name": "Migrations",
        "PackageId": "#{Octopus.Project.Slug}.Database",
        "FeedId": "Feeds-1",
        "AcquisitionLocation": "Server",
        "Properties": { "Extract": "True", "SelectionMode": "immediate", "PackageParameterName": "" },
    }]);
    set_target_role(step, "database-server")
}

pub(super) fn deploy_to_aks(empty: EmptyPoolSpelling) -> Value {
    let yaml = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: #{Octopus.Project.Slug}
  labels: { app: #{Octopus.Project.Slug} }
spec:
  replicas: #{Replicas}
  selector: { matchLabels: { app: #{Octopus.Project.Slug} } }
  template:
    metadata: { labels: { app: #{Octopus.Project.Slug} } }
    spec:
      containers:
        - name: web
          image: registry.example.com/#{Octopus.Project.Slug}:#{Octopus.Release.Number}
          ports: [{ containerPort: 8080 }]
          resources: { requests: { cpu: 100m, memory: 256Mi }, limits: { memory: 512Mi } }
";
    let properties = json!({
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.KubernetesContainers.CustomResourceYaml": yaml,
        "Octopus.Action.KubernetesContainers.Namespace": "#{Octopus.Environment.Name | ToLower}",
        "Octopus.Action.Kubernetes.ResourceStatusCheck": "True",
        "Octopus.Action.Kubernetes.DeploymentTimeout": "180",
        "Octopus.Action.RunOnServer": "true",
        "OctopusUseBundledTooling": "False",
    });
    set_target_role(
        single_action_step("Deploy to AKS", "Octopus.KubernetesDeployRawYaml", empty, properties),
        "aks",
    )
}

pub(super) fn upgrade_helm_release(empty: EmptyPoolSpelling) -> Value {
    let mut step = single_action_step(
        "Upgrade Helm release",
        "Octopus.HelmChartUpgrade",
        empty,
        json!({
            "Octopus.Action.Helm.ReleaseName": "#{Octopus.Project.Slug}",
            "Octopus.Action.Helm.Namespace": "#{Octopus.Environment.Name | ToLower}",
            "Octopus.Action.Helm.ResetValues": "True",
            "Octopus.Action.Helm.ClientVersion": "V3",
            "Octopus.Action.Helm.YamlValues": "image:\n  tag: \"#{Octopus.Release.Number}\"\ningress:\n  enabled: true\n",
            "Octopus.Action.Package.PackageId": "identity-server",
            "Octopus.Action.Package.FeedId": "Feeds-4",
            "Octopus.Action.Package.DownloadOnTentacle": "False",
            "Octopus.Action.RunOnServer": "true",
            "OctopusUseBundledTooling": "False",
        }),
    );
    step["Actions"][0]["Packages"] =
        json!([package_reference("identity-server", "Feeds-4", "Server")]);
    set_target_role(step, "aks")
}

pub(super) fn deploy_arm_template(empty: EmptyPoolSpelling) -> Value {
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": { "location": { "type": "string" }, "skuName": { "type": "string" } },
        "resources": [{
            "type": "Microsoft.Web/serverfarms",
            "apiVersion": "2022-09-01",
            "name": "#{Octopus.Project.Slug}-plan",
            "location": "[parameters('location')]",
            "sku": { "name": "[parameters('skuName')]" },
        }],
    });
    let parameters =
        json!({ "location": { "value": "westeurope" }, "skuName": { "value": "P1v3" } });
    single_action_step(
        "Deploy ARM template",
        "Octopus.AzureResourceGroup",
        empty,
        json!({
            "Octopus.Action.Azure.AccountId": "#{Azure.Account}",
            "Octopus.Action.Azure.ResourceGroupName": "rg-#{Octopus.Project.Slug}-#{Octopus.Environment.Name | ToLower}",
            "Octopus.Action.Azure.ResourceGroupDeploymentMode": "Incremental",
            "Octopus.Action.Azure.TemplateSource": "Inline",
            "Octopus.Action.Azure.ResourceGroupTemplate": template.to_string(),
            "Octopus.Action.Azure.ResourceGroupTemplateParameters": parameters.to_string(),
            "Octopus.Action.RunOnServer": "true",
            "OctopusUseBundledTooling": "False",
        }),
    )
}

pub(super) fn azure_script(name: &str, body: &str, empty: EmptyPoolSpelling) -> Value {
    let mut properties = script_properties("Bash", body, "true");
    properties["Octopus.Action.Azure.AccountId"] = json!("#{Azure.Account}");
    properties["OctopusUseBundledTooling"] = json!("False");
    single_action_step(name, "Octopus.AzurePowerShell", empty, properties)
}

pub(super) fn swap_slots(empty: EmptyPoolSpelling) -> Value {
    let body = "\
group=\"rg-#{Octopus.Project.Slug}-#{Octopus.Environment.Name | ToLower}\"
az webapp deployment slot swap --resource-group \"$group\" --name \"#{Octopus.Project.Slug}\" \\
  --slot staging --target-slot production
";
    azure_script("Swap slots", body, empty)
}

pub(super) fn deploy_web_app(package_id: &str, empty: EmptyPoolSpelling) -> Value {
    let mut step = single_action_step(
        "Deploy web app",
        "Octopus.AzureWebApp",
        empty,
        json!({
            "Octopus.Action.Azure.DeploymentSlot": "staging",
            "Octopus.Action.Azure.UseChecksum": "False",
            "Octopus.Action.EnabledFeatures": "Octopus.Features.JsonConfigurationVariables",
            "Octopus.Action.Package.JsonConfigurationVariablesTargets": "appsettings.json",
            "Octopus.Action.Package.PackageId": package_id,
            "Octopus.Action.Package.FeedId": "Feeds-1",
            "Octopus.Action.Package.DownloadOnTentacle": "False",
            "Octopus.Action.RunOnServer": "true",
        }),
    );
    step["Actions"][0]["CanBeUsedForProjectVersioning"] = json!(true);
    step["Actions"][0]["Packages"] = json!([package_reference(package_id, "Feeds-1", "Server")]);
    set_target_role(step, "web-app")
}

pub(super) fn terraform_step(name: &str, kind: &str, empty: EmptyPoolSpelling) -> Value {
    let body = "\
terraform {
  required_providers { azurerm = { source = \"hashicorp/azurerm\", version = \"~> 4.0\" } }
  backend \"azurerm\" {}
}

resource \"azurerm_resource_group\" \"main\" {
  name     = \"rg-platform-#{Octopus.Environment.Name | ToLower}\"
  location = \"westeurope\"
}
";
    single_action_step(
        name,
        kind,
        empty,
        json!({
            "Octopus.Action.Script.ScriptSource": "Inline",
            "Octopus.Action.Terraform.Template": body,
            "Octopus.Action.Terraform.TemplateParameters": "{}",
            "Octopus.Action.Terraform.RunAutomaticFileSubstitution": "True",
            "Octopus.Action.Terraform.AllowPluginDownloads": "True",
            "Octopus.Action.Terraform.ManagedAccount": "None",
            "Octopus.Action.Terraform.AzureAccount": "True",
            "Octopus.Action.AzureAccount.Variable": "Azure.Account",
            "Octopus.Action.RunOnServer": "true",
        }),
    )
}

pub(super) fn approval_step(empty: EmptyPoolSpelling) -> Value {
    single_action_step(
        "Approve",
        "Octopus.Manual",
        empty,
        json!({
            "Octopus.Action.Manual.Instructions": "Has somebody looked at #{Octopus.Release.Number} in Test?",
            "Octopus.Action.Manual.BlockConcurrentDeployments": "False",
            "Octopus.Action.Manual.ResponsibleTeamIds": "teams-everyone",
            "Octopus.Action.RunOnServer": "true",
        }),
    )
}

pub(super) fn send_release_notes(empty: EmptyPoolSpelling) -> Value {
    single_action_step(
        "Send release notes",
        "Octopus.Email",
        empty,
        json!({
            "Octopus.Action.Email.To": "releases@example.com",
            "Octopus.Action.Email.Subject": "#{Octopus.Project.Name} #{Octopus.Release.Number}",
            "Octopus.Action.Email.Body": "#{Octopus.Release.Notes}",
            "Octopus.Action.Email.IsHtml": "False",
            "Octopus.Action.RunOnServer": "true",
        }),
    )
}

pub(super) fn deploy_package(name: &str, package_id: &str, empty: EmptyPoolSpelling) -> Value {
    let mut step = single_action_step(
        name,
        "Octopus.TentaclePackage",
        empty,
        json!({
            "Octopus.Action.Package.PackageId": package_id,
            "Octopus.Action.Package.FeedId": "Feeds-1",
            "Octopus.Action.Package.DownloadOnTentacle": "False",
            "Octopus.Action.EnabledFeatures": "Octopus.Features.CustomDirectory",
            "Octopus.Action.Package.CustomInstallationDirectory": "C:\\Apps\\#{Octopus.Project.Slug}",
            "Octopus.Action.Package.CustomInstallationDirectoryShouldBePurgedBeforeDeployment": "False",
        }),
    );
    step["Actions"][0]["CanBeUsedForProjectVersioning"] = json!(true);
    step["Actions"][0]["Packages"] = json!([package_reference(package_id, "Feeds-1", "Server")]);
    step
}

/// The primary package of an action, which has no name.
fn package_reference(id: &str, feed: &str, acquired: &str) -> Value {
    json!({
        "Id": null,
        "Name": "",
        "PackageId": id,
        "FeedId": feed,
        "AcquisitionLocation": acquired,
        "Properties": { "SelectionMode": "immediate" },
    })
}
