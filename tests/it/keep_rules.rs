//! `pull --keep` where rules and waves name what is not there, or what no rule can name.

use crate::{
    keep::{changed, judge},
    workbench::Workbench,
};
use octopus_sandbox::Seed;
use poolwright_core::{
    live::{Directory, Live, LiveProject, LiveServer},
    model::{Linked, Name},
    pull::keep_text,
};

/// What is pulled of the chapter's company, with other tables before its rules.
fn pulled_with(workbench: &Workbench, tables: &str) -> String {
    let pulled = workbench.run(&["pull"]).expect(0).stdout;
    let (rest, rules) = pulled.split_once("\n# Where steps run").unwrap();
    let text = format!("{rest}{tables}\n# Where steps run{rules}");
    workbench.write("workers.toml", &text);
    text
}

/// Brings the file to what is live; what was said, and the lines that changed.
fn keeping(workbench: &Workbench, before: &str) -> String {
    let kept = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    workbench.settled();
    let after = workbench.read("workers.toml");
    let again = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    assert!(
        again.stderr.ends_with("already matches the server; nothing was written\n"),
        "{}",
        again.stderr
    );
    format!("{}\n{}", kept.stderr, changed(before, &after))
}

#[test]
fn a_missing_name_leaves_its_wave_without_renumbering_waves() {
    let workbench = Workbench::new(Seed::Chapter);
    let waves = r#"
[[waves]] # first
label   = "pilot"
project = ["Gone", "Web Store"] # two

[[waves]]
project       = "Gone too" # none is left
project_group = "*"

[[waves]]
label   = "rest"
project = ["*", "!Billing", "!Gone"]

[[waves]] # last
project = [
    "Gone", # before
]
"#;
    let before = pulled_with(&workbench, waves);
    insta::assert_snapshot!(keeping(&workbench, &before));
    let top = "waves = [{ project = [\"Gone\", \"Billing\"] }, { project = \"Gone\" }]\n";
    let before =
        before.replace(waves, "").replacen("version = 1\n", &format!("version = 1\n{top}"), 1);
    workbench.write("workers.toml", &before);
    insta::assert_snapshot!(keeping(&workbench, &before), @r#"
      removed from wave 1: there is no project `Gone`
      removed wave 2, the last one: there is no project `Gone`
    saved to workers.toml; check it with `poolwright plan`

    -waves = [{ project = ["Gone", "Billing"] }, { project = "Gone" }]
    +waves = [{ project = ["Billing"] }]
    "#);
}

/// A server of two projects that have one name, but for its case.
fn twins() -> Live {
    let project = |name: &str| LiveProject {
        name: Name::new(name),
        group: Name::new("All"),
        tags: Vec::new(),
        git: false,
    };
    Live {
        server: LiveServer {
            url: String::new(),
            version: String::new(),
            space: Linked::new("Spaces-1", "Default"),
            built_in_worker: None,
        },
        pools: Vec::new(),
        workers: Vec::new(),
        projects: vec![project("Web Store"), project("web store"), project("Billing")],
        processes: Vec::new(),
        directory: Directory::default(),
        references: Vec::new(),
        indirect: Default::default(),
        snapshots: Vec::new(),
        other_spaces: Vec::new(),
        unread: Vec::new(),
    }
}

#[test]
fn an_ambiguous_project_name_is_removed_but_not_called_missing() {
    let live = twins();
    let text = r#"version = 1

[[placements]]
project = ["Web Store", "Billing", "Gone"] # two
default_pool = true

[[placements]] # one
project = "Web Store"
default_pool = true
"#;
    let kept = keep_text(text, &live, |text| judge(text, &live)).unwrap();
    insta::assert_snapshot!(format!("{}\n{}", kept.edit_notes.join("\n"), changed(text, &kept.text)), @r#"
    removed part of a rule: project `Web Store` could be any of `Web Store`, `web store`
    removed part of a rule: there is no project `Gone`
    removed a rule: project `Web Store` could be any of `Web Store`, `web store`
    -project = ["Web Store", "Billing", "Gone"] # two
    +project = ["Billing"] # two
    -[[placements]] # one
    -project = "Web Store"
    -default_pool = true
    +# one
    "#);
}

#[test]
fn an_invalid_rule_is_removed_with_its_actual_reason() {
    let workbench = Workbench::new(Seed::Chapter);
    let rules = r#"
[[placements]]
project = "Web Store"
step    = "Approve" # by hand
leave   = true

[[placements]]
project = "Web Store"
step    = "Approve"
default_pool = true

[[placements]]
project = "Web Store"
step = "Deploy web app"
default_pool = true
[placements.container] # of old
image = "x:1"
feed = "No such feed"
"#;
    let before = pulled_with(&workbench, rules);
    insta::assert_snapshot!(keeping(&workbench, &before));
}

#[test]
fn rules_for_a_protected_branch_stay_before_its_stand_in_exists() {
    let workbench = Workbench::new(Seed::Acme);
    let pulled = workbench.run(&["pull"]).expect(0).stdout;
    let (rest, _) = pulled.split_once("\n# Where steps run").unwrap();
    let skip = "on_unreachable = \"skip\"\n";
    let rest = rest.replacen(skip, &format!("{skip}on_protected = \"branch:pools\"\n"), 1);
    let rule = "\n[[placements]]\nprocess = \"any\" # all\npool = \"forgotten\"\n";
    let value = "\n[[pool_variables]]\nproject = \"*\" # all\nvariable = \"Build.WorkerPool\"\npool = \"forgotten\"\n";
    for rules in [rule, value] {
        let before = format!("{rest}{rules}");
        workbench.write("workers.toml", &before);
        keeping(&workbench, &before);
        let after = workbench.read("workers.toml");
        assert!(after.contains(rules.lines().nth(2).unwrap()), "{after}");
    }
}

#[test]
fn a_matching_container_stays_unchanged() {
    let workbench = Workbench::new(Seed::Chapter);
    let project = workbench.get("/api/Spaces-1/projects/all")[0].clone();
    let feed = workbench.get("/api/Spaces-1/feeds/all")[0].clone();
    let process = project["Links"]["DeploymentProcess"].as_str().unwrap().to_owned();
    let mut step = String::new();
    workbench.edit(&process, |value| {
        let action = &mut value["Steps"][0]["Actions"][0];
        action["Container"] = serde_json::json!({ "Image": "tools:1", "FeedId": feed["Id"] });
        step = action["Name"].as_str().unwrap().to_owned();
    });
    let rules = format!(
        "\n[[placements]]\nproject = {}\nstep = \"{step}\"\ndefault_pool = true\ncontainer = {{ image = \"tools:1\", feed = {} }} # ours\n",
        project["Name"], feed["Name"]
    );
    let before = pulled_with(&workbench, &rules);
    workbench.settled();
    assert_eq!(
        keeping(&workbench, &before),
        "workers.toml already matches the server; nothing was written\n\n"
    );
}

#[test]
fn a_rule_is_kept_if_some_steps_cannot_run_as_it_says() {
    let workbench = Workbench::new(Seed::Acme);
    for execution in ["once", "per-target"] {
        let rule = format!(
            "\n[[placements]]\nprocess = \"any\" # all\nexecution = \"{execution}\"\npool = \"Linux\"\n"
        );
        let before = format!("version = 1\n{rule}");
        workbench.write("workers.toml", &before);
        let told = keeping(&workbench, &before);
        assert!(!told.contains("removed a rule"), "{told}");
        assert!(workbench.read("workers.toml").contains("process = \"any\" # all"), "{told}");
    }
}

#[test]
fn new_rules_are_left_out_where_an_existing_rule_would_apply() {
    let rule = |condition: &str, pool: &str| {
        let head =
            "version = 1\n[gates]\nempty-pool = \"allow\"\n[pools.new]\n[pools.other]\n# Ours.\n";
        format!("{head}[[placements]]\nproject = \"Web Store\"\n{condition}pool = \"{pool}\"\n")
    };
    let workbench = Workbench::chapter(&rule("", "new"));
    workbench.apply();
    // No step is limited to a channel, so the rule matches none today.
    workbench.write("workers.toml", &rule("channel = \"*\"\ncurrently = \"new\"\n", "other"));
    workbench.run(&["plan", "--exit-code"]).expect(0);
    let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    let text = workbench.read("workers.toml");
    assert!(text.contains("# Ours.\n[[placements]]\nproject = \"Web Store\"\nchannel"), "{text}");
    workbench.run(&["plan", "--exit-code"]).expect(0);
    assert!(output.stderr.contains("was not added: "), "{}", output.stderr);
    // Told again, though there is nothing more to write.
    let again = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    assert!(again.stderr.contains("was not added: "), "{}", again.stderr);
    assert_eq!(workbench.read("workers.toml"), text);
    let gone = workbench.run(&["pull", "--keep", "nothing.toml"]).expect(1);
    assert!(
        gone.stderr.contains("help: write a new file with `poolwright pull -o FILE`"),
        "{}",
        gone.stderr
    );
}
