//! The value that a variable has in a scope.
//!
//! The narrowest value in scope wins, and of two equally narrow ones the project's own. Nothing is evaluated.

use crate::json::{json_field, text_field, text_list};
use serde_json::Value;

/// The scope in which a value is resolved.
#[derive(Debug)]
pub(super) struct VariableContext<'a> {
    pub(super) environment: &'a str,
    pub(super) channel: &'a str,
    /// The runbook, or the project of a deployment.
    pub(super) owner: &'a str,
    pub(super) action: &'a Value,
}

/// The dimensions of a scope, the narrowest first. A pool is chosen before targets and tenants, so values for
/// those are never in scope.
const DIMENSIONS: [&str; 8] =
    ["Action", "Machine", "Role", "TenantTag", "Tenant", "Environment", "Channel", "ProcessOwner"];

/// The value of a variable in these sets.
pub(super) fn resolve_value(
    sets: &[Value],
    name: &str,
    scope: &VariableContext<'_>,
) -> Option<String> {
    let variables = sets.iter().flat_map(|set| {
        json_field(set, "Variables").as_array().map(Vec::as_slice).unwrap_or_default()
    });
    let named =
        variables.filter(|variable| text_field(variable, "Name").eq_ignore_ascii_case(name));
    let mut best: Option<(u32, &Value)> = None;
    for variable in named {
        let Some(narrow) = scope.match_specificity(json_field(variable, "Scope")) else { continue };
        if best.is_none_or(|(before, _)| before < narrow) {
            best = Some((narrow, variable));
        }
    }
    best.and_then(|(_, variable)| json_field(variable, "Value").as_str()).map(str::to_owned)
}

/// The values that a variable has in each of these environments, each once. Where there are no environments, there is
/// the value outside of them.
pub(crate) fn values_in_environments(
    sets: &[Value],
    name: &str,
    environments: &[&str],
    owner: &str,
    action: &Value,
) -> Vec<String> {
    let outside = [""];
    let environments = if environments.is_empty() { &outside } else { environments };
    let mut values: Vec<String> = Vec::new();
    for environment in environments {
        let context = VariableContext { environment, channel: "", owner, action };
        values.extend(resolve_value(sets, name, &context).filter(|it| !values.contains(it)));
    }
    values
}

impl VariableContext<'_> {
    /// How narrow the scope of a value is, if it matches.
    fn match_specificity(&self, wanted: &Value) -> Option<u32> {
        let mut narrow = 0;
        for (index, dimension) in DIMENSIONS.iter().enumerate() {
            let wanted = text_list(wanted, dimension);
            if wanted.is_empty() {
                continue;
            }
            let here = match *dimension {
                "Action" => vec![text_field(self.action, "Id"), text_field(self.action, "Slug")],
                "Environment" => vec![self.environment],
                "Channel" => vec![self.channel],
                "ProcessOwner" => vec![self.owner],
                _ => Vec::new(),
            };
            let is_here = |text: &String| here.iter().any(|here| here.eq_ignore_ascii_case(text));
            if !wanted.iter().any(is_here) {
                return None;
            }
            narrow |= 1 << (DIMENSIONS.len() - index);
        }
        Some(narrow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_narrowest_value_wins_and_project_values_beat_library_values() {
        let variable =
            |value: &str, scope: Value| json!({ "Name": "Pool", "Value": value, "Scope": scope });
        let project = json!({ "Variables": [
            variable("any", json!({})),
            variable("test", json!({ "Environment": ["Environments-1", "Environments-2"] })),
            variable("channel", json!({ "Channel": ["Channels-1"] })),
            variable("step", json!({ "Action": ["migrate"], "Environment": ["Environments-1"] })),
            variable("target", json!({ "Machine": ["Machines-1"] })),
            variable("runbook", json!({ "ProcessOwner": ["Runbooks-1"] })),
        ] });
        let library = json!({ "Variables": [
            variable("library", json!({})),
            json!({ "Name": "Other", "Value": "other", "Scope": {} }),
        ] });
        let sets = [project, library];
        // Columns: variable, environment, channel, owner, slug of the action, value.
        for (name, environment, channel, owner, slug, wanted) in [
            ("Pool", "Environments-9", "Channels-9", "Projects-1", "x", Some("any")),
            ("pool", "Environments-2", "Channels-9", "Projects-1", "x", Some("test")),
            ("Pool", "environments-1", "Channels-1", "Projects-1", "x", Some("test")),
            ("Pool", "Environments-1", "Channels-1", "Projects-1", "migrate", Some("step")),
            ("Pool", "Environments-9", "Channels-1", "Projects-1", "migrate", Some("channel")),
            ("Pool", "Environments-9", "Channels-9", "Runbooks-1", "x", Some("runbook")),
            ("Other", "Environments-1", "Channels-1", "Projects-1", "x", Some("other")),
            ("None", "Environments-1", "Channels-1", "Projects-1", "x", None),
        ] {
            let action = json!({ "Id": "1", "Slug": slug });
            let scope = VariableContext { environment, channel, owner, action: &action };
            let found = resolve_value(&sets, name, &scope);
            assert_eq!(found.as_deref(), wanted, "{name} {environment} {channel} {owner} {slug}");
        }
    }
}
