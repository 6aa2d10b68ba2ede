//! Words of selectors that match nothing, key by key.

use super::{live, plan, plan_of, worker};
use crate::{
    live::{
        HiddenData, Live, LiveTarget, LiveVariableSet, PoolVariable, TargetReach, UnreadPart,
        ValueSource, VariableOwner, VariableStore,
    },
    model::{Id, Name},
};

/// The findings about a rule with these selectors.
fn found(live: &Live, selectors: &str) -> String {
    let rule = format!("[[placements]]\npool = \"SQL\"\n{selectors}\n");
    let told = plan_of(&rule, live);
    let findings: Vec<&str> = told.lines().filter(|it| !it.starts_with(['~', '+'])).collect();
    findings.join("\n")
}

fn help_of(file: &str, live: &Live) -> Vec<String> {
    let text = format!("version = 1\n{file}");
    let sources = crate::finding::Sources(vec![crate::finding::Source::new("w", text)]);
    let (desired, _) = crate::config::load_desired(&sources);
    let plan = crate::diff::laws::plan(&desired, live);
    plan.findings.into_iter().filter_map(|it| it.help).collect()
}

#[test]
fn an_exclusion_that_excludes_nothing_is_reported() {
    let live = live();
    insta::assert_snapshot!(found(&live, "project = [\"*\", \"!web-store\"]"), @"Error unknown-project: no project matches `!web-store`, so it excludes nothing");
    insta::assert_snapshot!(found(&live, "project_group = \"!Shpo\""), @"Error unknown-project-group: no project group matches `!Shpo`, so it excludes nothing");
    insta::assert_snapshot!(found(&live, "step = [\"*\", \"!Biuld\", \"!Old *\"]"), @r"
    Error unknown-step: no step matches `!Biuld`, so it excludes nothing
    Warn unknown-step: no step matches `!Old *`, so it excludes nothing
    ");
    insta::assert_snapshot!(found(&live, "action_type = \"!Octopus.Scirpt\""), @"Warn unknown-action-type: no action type matches `!Octopus.Scirpt`, so it excludes nothing");
    insta::assert_snapshot!(found(&live, "currently = [\"*\", \"!olf*\"]"), @"Warn unknown-pool: no pool matches `olf*`");
    assert_eq!(
        found(&live, "project = [\"*\", \"!bill*\"]\nstep = \"!Drain\""),
        "Warn unknown-project: no project matches `!bill*`, so it excludes nothing"
    );
    let help = help_of("[[placements]]\nstep = [\"*\", \"!Biuld\"]\npool = \"SQL\"", &live);
    assert_eq!(help, ["a similar name exists: `Build`"]);
}

#[test]
fn a_listed_wildcard_that_matches_nothing_gets_a_warning() {
    let live = live();
    insta::assert_snapshot!(found(&live, "step = [\"Bui*\", \"Biu*\"]"), @"Warn unknown-step: no step matches `Biu*`");
    insta::assert_snapshot!(found(&live, "project = [\"Web*\", \"Bill*\"]"), @"Warn unknown-project: no project matches `Bill*`");
    insta::assert_snapshot!(found(&live, "action_type = [\"Octopus.Script\", \"Octopus.Scirpt\"]"), @"Warn unknown-action-type: there is no action type `Octopus.Scirpt`");
    assert_eq!(found(&live, "action_type = [\"Octopus.Script\", \"octopus.terraformapply\"]"), "");
}

#[test]
fn a_misspelt_channel_is_an_error_with_the_nearest_name() {
    let mut live = live();
    live.directory.channels = vec![Name::new("Hotfix"), Name::new("Default")];
    live.processes[0].steps[1].channels = vec!["Hotfix".to_owned()];
    insta::assert_snapshot!(found(&live, "channel = \"Hotfx\""), @"Error unknown-channel: there is no channel `Hotfx`");
    assert_eq!(found(&live, "channel = \"hotfix\""), "");
    let help = help_of("[[placements]]\nchannel = \"Hotfx\"\npool = \"SQL\"", &live);
    assert_eq!(help, ["a channel with a similar name exists: `Hotfix`"]);
    live.unread.push(UnreadPart::new("the channels", "no", HiddenData::Channels));
    live.directory.channels.clear();
    insta::assert_snapshot!(found(&live, "channel = \"Hotfx\""), @r"
    Warn unknown-channel: there is no channel `Hotfx`
    Warn unseen-steps: some processes could not be read, so no rule decides about their steps
    ");
}

#[test]
fn a_misspelt_currently_word_suggests_the_nearest_one() {
    let live = live();
    let help = |word: &str| {
        help_of(&format!("[[placements]]\ncurrently = \"{word}\"\npool = \"SQL\""), &live)
    };
    assert_eq!(help("sever"), ["a pool with a similar name exists: `server`"]);
    assert_eq!(help("!defualt"), ["a pool with a similar name exists: `default`"]);
    assert_eq!(help("Odl")[0], "a pool with a similar name exists: `Old`");
}

#[test]
fn a_misspelt_removal_is_reported_but_a_completed_one_is_not() {
    let mut live = live();
    live.workers.push(worker("db-worker-08", &["Pools-2"]));
    let removed = |what: &str| plan_of(&format!("[[removed]]\n{what}"), &live);
    insta::assert_snapshot!(removed("pool = \"Odl\""), @"Warn idle-removal: there is no pool `Odl` to remove");
    insta::assert_snapshot!(removed("worker = \"db-wroker-08\""), @"Warn idle-removal: there is no worker `db-wroker-08` to remove");
    for done in ["pool = \"Gone\"", "worker = \"db-worker-09\"", "pool = \"Old 2\""] {
        assert_eq!(removed(done), "", "{done}");
    }
}

#[test]
fn a_misspelt_former_name_warns_before_a_pool_is_created() {
    insta::assert_snapshot!(plan("[pools.new]\nname = \"New\"\nrenamed_from = \"Odl\""), @r#"
    + pools.new name →"New"
    Warn idle-rename: there is no pool `Odl` to rename
    "#);
    assert!(!plan("[pools.new]\nname = \"New\"\nrenamed_from = \"Gone\"").contains("Warn"));
}

#[test]
fn a_former_name_still_refers_to_the_renamed_pool() {
    let file = "[pools.new]\nname = \"New\"\nrenamed_from = \"Old\"\n[workers.b]\npools = [\"Old\", \"SQL\"]\npolling = {}\n[[placements]]\nstep = \"Load\"\npool = \"Old\"";
    assert_eq!(plan(file), "~ pools.new name \"Old\"→\"New\"\n");
    let mut live = live();
    live.pools[2].name = Name::new("New");
    assert_eq!(plan_of(file, &live), "");
}

#[test]
fn protect_that_names_nothing_warns() {
    insta::assert_snapshot!(plan("[manage]\nprotect = [\"Odl\", \"SQL\"]"), @"Warn idle-protect: there is no pool or worker `Odl`");
    insta::assert_snapshot!(plan("[manage]\nprotect = \"Datbase*\""), @"Warn idle-protect: no pool or worker matches `Datbase*`");
    assert_eq!(plan("[manage]\nprotect = [\"SQL\", \"a\"]"), "");
}

#[test]
fn names_in_target_and_wave_rules_are_checked_too() {
    let mut live = live();
    live.indirect.targets = vec![LiveTarget {
        id: Id::new("Machines-1"),
        name: Name::new("Web App EU"),
        roles: vec!["web-app".to_owned()],
        reach: TargetReach::Worker,
        pool: None,
        disabled: false,
    }];
    let target = |words: &str| {
        let told = plan_of(&format!("[[target_pools]]\ndefault_pool = true\n{words}"), &live);
        told.trim_end().to_owned()
    };
    insta::assert_snapshot!(target("target = \"Wep App EU\""), @"Error unknown-deployment-target: there is no deployment target `Wep App EU`");
    insta::assert_snapshot!(target("target_tag = \"wep-app\""), @"Error unknown-target-tag: there is no target tag `wep-app`");
    insta::assert_snapshot!(target("target = [\"*\", \"!Web App US\"]"), @"Error unknown-deployment-target: no deployment target matches `!Web App US`, so it excludes nothing");
    insta::assert_snapshot!(plan("[[waves]]\nproject = [\"*\", \"!Bill\"]\nproject_group = \"Shop\""), @"Error unknown-project: no project matches `!Bill`, so it excludes nothing");
    insta::assert_snapshot!(plan("[[waves]]\nproject_group = \"Shpo\""), @"Error unknown-project-group: there is no project group `Shpo`");
}

#[test]
fn a_misspelt_variable_suggests_the_nearest_name() {
    let mut live = live();
    let owner = VariableOwner::Project(Name::new("Web Store"));
    live.indirect.sets = vec![LiveVariableSet {
        id: Id::new("variableset-1"),
        owner: owner.clone(),
        projects: vec![Name::new("Web Store")],
        store: VariableStore::Database,
        on_default_branch: false,
        other_variables: Vec::new(),
        environments: Vec::new(),
        channels: Vec::new(),
        tenant_tags: Vec::new(),
    }];
    live.indirect.variables = vec![PoolVariable {
        set: Id::new("variableset-1"),
        id: Id::new("1"),
        name: Name::new("Tool.Pool"),
        owner,
        projects: vec![Name::new("Web Store")],
        scope: Default::default(),
        pool: Some(Id::new("Pools-2")),
        source: ValueSource::Set,
        branch: None,
    }];
    let rule = "[[pool_variables]]\nproject = \"*\"\nvariable = \"Tool.Pol\"\npool = \"SQL\"";
    assert!(plan_of(rule, &live).contains("Warn idle-rule"));
    assert_eq!(help_of(rule, &live), ["a variable with a similar name exists: `Tool.Pool`"]);
    let removed =
        "[[pool_variables]]\nproject = \"Web Store\"\nvariable = \"Tool.Pol\"\nremove = true";
    insta::assert_snapshot!(plan_of(removed, &live), @"Warn idle-removal: there is no worker pool variable `Tool.Pol`");
    let excluded = "[[pool_variables]]\nproject = [\"*\", \"!Web Stor\"]\nvariable = \"Tool.Pool\"\npool = \"Old\"";
    assert!(
        plan_of(excluded, &live).contains("Error unknown-project: no project matches `!Web Stor`")
    );
}

#[test]
fn unread_parts_are_not_treated_as_absent() {
    let mut live = live();
    let part = |what: &str, hidden| UnreadPart::new(what, "Missing permission: X", hidden);
    live.unread = vec![part("the runbooks", HiddenData::Steps)];
    insta::assert_snapshot!(found(&live, "process = \"runbook\""), @"Warn unseen-steps: some processes could not be read, so no rule decides about their steps");
    insta::assert_snapshot!(found(&live, "runbook = \"Restart\""), @r"
    Warn unknown-runbook: there is no runbook `Restart`
    Warn unseen-steps: some processes could not be read, so no rule decides about their steps
    ");
    live.unread = vec![part("some projects", HiddenData::Projects)];
    insta::assert_snapshot!(found(&live, "project = \"Billing\""), @r"
    Warn unknown-project: there is no project `Billing`
    Warn unseen-steps: some processes could not be read, so no rule decides about their steps
    ");
    insta::assert_snapshot!(found(&live, "project_group = \"Money\""), @r"
    Warn unknown-project-group: there is no project group `Money`
    Warn unseen-steps: some processes could not be read, so no rule decides about their steps
    ");
    let told = plan_of("[workers.b]\npools = [\"SQL\"]\npolling = {}", &live);
    assert!(told.contains("Warn empty-pool: steps that could not be read"), "{told}");
}
