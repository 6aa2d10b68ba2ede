//! The built-in steps that a portal offers, as far as this server knows their types.
//!
//! # Source
//!
//! The types and their names are those of `api.md` 4; the fields, those of `OctopusDeploy/go-octopusdeploy`,
//! `pkg/actiontemplates/action_template_search.go`.

use serde_json::{Value, json};

/// A built-in step: its type, its name in the portal, its category.
type BuiltInStep = (&'static str, &'static str, &'static str);

const STEPS: [BuiltInStep; 14] = [
    ("Octopus.Script", "Run a Script", "Script"),
    ("Octopus.AzurePowerShell", "Run an Azure Script", "Azure"),
    ("Octopus.AzureResourceGroup", "Deploy an Azure Resource Manager template", "Azure"),
    ("Octopus.AzureWebApp", "Deploy an Azure Web App", "Azure"),
    ("Octopus.AwsRunScript", "Run an AWS CLI Script", "Aws"),
    ("Octopus.AwsRunCloudFormation", "Deploy an AWS CloudFormation template", "Aws"),
    ("Octopus.GoogleCloudScripting", "Run gcloud in a Script", "GoogleCloud"),
    ("Octopus.KubernetesRunScript", "Run a kubectl script", "Kubernetes"),
    ("Octopus.KubernetesDeployRawYaml", "Deploy Kubernetes YAML", "Kubernetes"),
    ("Octopus.HelmChartUpgrade", "Deploy a Helm Chart", "Kubernetes"),
    ("Octopus.TerraformApply", "Apply a Terraform template", "Terraform"),
    ("Octopus.TentaclePackage", "Deploy a Package", "Package"),
    ("Octopus.Manual", "Manual Intervention Required", "Other"),
    ("Octopus.Email", "Send an Email", "Other"),
];

/// `…/actiontemplates/categories`.
pub(super) fn step_categories() -> Value {
    let mut categories: Vec<&str> = Vec::new();
    for (_, _, category) in STEPS {
        if !categories.contains(&category) {
            categories.push(category);
        }
    }
    let ranked = categories.iter().enumerate();
    ranked
        .map(|(order, id)| json!({ "Id": id, "Name": id, "DisplayOrder": order, "Links": {} }))
        .collect()
}

/// `…/actiontemplates/search`, for one type of step or for all.
pub(super) fn search_steps(kind: Option<&str>) -> Value {
    let is_wanted =
        |(found, ..): &&BuiltInStep| kind.is_none_or(|kind| found.eq_ignore_ascii_case(kind));
    STEPS
        .iter()
        .filter(is_wanted)
        .map(|(kind, name, category)| {
            json!({
                "Id": null,
                "Name": name,
                "Description": "",
                "Type": kind,
                "Keywords": "",
                "Category": category,
                "Categories": [category],
                "Author": "Octopus Deploy",
                "Website": null,
                "IsInstalled": true,
                "IsBuiltIn": true,
                "HasUpdate": false,
                "CommunityActionTemplateId": null,
                "Links": {},
            })
        })
        .collect()
}
