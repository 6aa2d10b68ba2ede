//! Converts wire types to the live model: processes and their steps.

use poolwright_client::octopus::wire;
use poolwright_core::{
    live::{LiveProcess, LiveStep, PROCESS_TEMPLATE, ProcessOwner},
    model::{Container, Id, Name, Place, Pool},
    text::eq_ignoring_case,
};

/// Converts a process. Each action of a step becomes an entry; disabled ones count too, since they may be
/// enabled later.
pub(crate) fn live_process(process: wire::ProcessResource, owner: ProcessOwner) -> LiveProcess {
    LiveProcess {
        id: Id::new(process.id),
        owner,
        git: None,
        steps: process
            .steps
            .into_iter()
            .enumerate()
            .flat_map(|(position, step)| live_steps(step, position))
            .collect(),
        templates: Vec::new(),
    }
}

/// Returns the entries of the step at an index of its process, one for each of its actions.
pub(crate) fn live_steps(step: wire::DeploymentStepResource, position: usize) -> Vec<LiveStep> {
    let wire::DeploymentStepResource { name, properties, actions, .. } = step;
    let has_siblings = actions.len() > 1;
    let live_step = |action: wire::DeploymentActionResource| {
        let roles = if properties.target_roles.trim().is_empty() {
            action.properties.target_roles
        } else {
            properties.target_roles.clone()
        };
        let parameters = pool_parameters(&action.action_type, action.properties.parameters);
        LiveStep {
            id: Id::new(action.id),
            step: Name::new(name.clone()),
            action: Name::new(if action.name.is_empty() { name.clone() } else { action.name }),
            position,
            has_siblings,
            names_both: [&action.worker_pool_id, &action.worker_pool_variable]
                .iter()
                .all(|text| !text.trim().is_empty()),
            action_type: action.action_type,
            place: step_place(action.worker_pool_id, action.worker_pool_variable),
            run_on_server: LiveStep::parse_run_on_server(&action.properties.run_on_server),
            from_file: false,
            target_roles: roles,
            container: live_container(action.container),
            channels: action.channels,
            parameters,
            disabled: action.is_disabled,
        }
    };
    actions.into_iter().map(live_step).collect()
}

/// Returns what selects the pool. The server refuses to save a step with both a pool and a variable; if one
/// exists anyway, the variable counts, so that a rule that names the pool clears it.
fn step_place(pool: String, variable: String) -> Place<Id<Pool>> {
    if !variable.trim().is_empty() {
        Place::Variable(variable)
    } else if !pool.trim().is_empty() {
        Place::Pool(Id::new(pool))
    } else {
        Place::DefaultPool
    }
}

/// Returns the parameters that may name a pool: a slug or an id contains no white space. For a process template
/// all are kept, since it matters which parameters are set.
fn pool_parameters(
    action_type: &str,
    mut parameters: Vec<(String, String)>,
) -> Vec<(String, String)> {
    if !eq_ignoring_case(action_type, PROCESS_TEMPLATE) {
        parameters.retain(|(_, value)| !value.trim().contains(char::is_whitespace));
    }
    parameters
}

fn live_container(container: wire::DeploymentActionContainerResource) -> Option<Container<String>> {
    let wire::DeploymentActionContainerResource { image, feed_id, dockerfile, git_url } = container;
    Container { image, feed: feed_id, dockerfile, git_url }.into_option()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(steps: Value) -> Vec<LiveStep> {
        let document = json!({ "Id": "deploymentprocess-Projects-1", "Steps": steps });
        let (project, group) = (Name::new("Web Store"), Name::new("Applications"));
        let owner = ProcessOwner { project, group, runbook: None };
        live_process(serde_json::from_value(document).unwrap(), owner).steps
    }

    fn placed(action: Value) -> Place<Id<Pool>> {
        let mut action = action;
        action["Id"] = json!("a");
        read(json!([{ "Name": "Deploy", "Actions": [action] }])).remove(0).place
    }

    #[test]
    fn absent_null_and_empty_pools_all_mean_the_default_pool() {
        for action in [
            json!({}),
            json!({ "WorkerPoolId": null, "WorkerPoolVariable": null }),
            json!({ "WorkerPoolId": "", "WorkerPoolVariable": "" }),
        ] {
            assert_eq!(placed(action), Place::DefaultPool);
        }
    }

    #[test]
    fn a_variable_wins_over_a_pool() {
        let pool = json!({ "WorkerPoolId": "WorkerPools-1", "WorkerPoolVariable": "" });
        assert_eq!(placed(pool), Place::Pool(Id::new("WorkerPools-1")));
        let both = json!({ "WorkerPoolId": "WorkerPools-1", "WorkerPoolVariable": "Pool" });
        assert_eq!(placed(both), Place::Variable("Pool".to_owned()));
    }

    #[test]
    fn a_step_with_two_actions_becomes_two_entries_with_its_tags() {
        let action = |name: &str, on_server: &str| {
            json!({
                "Id": name, "Name": name, "ActionType": "Octopus.Script", "IsDisabled": true,
                "Properties": { "Octopus.Action.RunOnServer": on_server },
            })
        };
        let steps = read(json!([{
            "Name": "Roll", "Properties": { "Octopus.Action.TargetRoles": "web" },
            "Actions": [action("Drain", "True"), action("Restart", "false")],
        }]));
        let described = steps.iter().map(|step| {
            (step.display_name().as_str(), step.run_on_server, step.target_roles.as_str())
        });
        let described: Vec<_> = described.collect();
        assert!(steps.iter().all(|it| it.disabled));
        assert_eq!(described, [("Drain", Some(true), "web"), ("Restart", Some(false), "web")]);
    }

    #[test]
    fn target_tags_on_an_action_are_read_in_old_data() {
        let steps = read(json!([{ "Name": "Deploy", "Actions": [{
            "Id": "a", "Properties": { "Octopus.Action.TargetRoles": "web" },
            "Container": { "Image": "octopuslabs/tools:1", "FeedId": "Feeds-1" },
        }] }]));
        assert_eq!((steps[0].target_roles.as_str(), steps[0].action.as_str()), ("web", "Deploy"));
        assert_eq!(steps[0].container.as_ref().unwrap().feed, "Feeds-1");
    }
}
