//! `pull --keep` where a file says what chooses a pool beside a step: values of variables, and targets.

use crate::{
    keep::{changed, commented, judge, kept, kept_or_unread},
    spaces_choosers::any_live_with_choosers,
    workbench::Workbench,
};
use octopus_sandbox::{ADMIN_KEY, Seed};
use poolwright_core::{
    finding::Level,
    live::{IndirectPools, Live, TargetReach, VariableOwner, VariableStore},
    model::Id,
    pull::{RuleCoverage, render_config},
};

use proptest::{collection::vec, option, prelude::*, sample::Index};
use serde_json::{Value, json};

/// A text of the language, with what stands for something else in it doubled.
fn quoted(text: &str) -> String {
    toml::Value::String(text.replace("${", "$${")).to_string()
}

/// A rule that a person might have written about a value: which value, how its owner is said, what becomes of it.
type Written = (Index, u8, Option<usize>);

fn written(rules: &[Written], live: &Live) -> String {
    let mut text = String::new();
    let values = &live.indirect.variables;
    for (which, form, pool) in rules.iter().filter(|_| !values.is_empty()) {
        let variable = which.get(values);
        let other = values.iter().map(|it| &it.owner).rfind(|owner| **owner != variable.owner);
        let key = match variable.owner {
            VariableOwner::Project(_) => "project",
            VariableOwner::Library(_) => "library_set",
        };
        let name = variable.owner.name().as_str();
        let other = quoted(other.map_or("gone", |it| it.name().as_str()));
        let first: String = name.chars().take(1).collect();
        let owners = match form % 6 {
            0 => quoted(name),
            1 => format!("[{}, {other}]", quoted(name)),
            2 => "\"*\"".to_owned(),
            3 => format!("[\"*\", {} # not this one\n]", other.replacen('"', "\"!", 1)),
            4 => quoted(&format!("{first}*")),
            _ => format!("[\n  {other}, # the other\n  {}, # this\n]", quoted(name)),
        };
        let scope: Vec<_> = variable.scope.environments.iter().map(|it| quoted(it)).collect();
        let verdict =
            pool.map_or("remove = true".to_owned(), |at| format!("pool = \"WorkerPools-{at}\""));
        let scope = if scope.is_empty() {
            String::new()
        } else {
            format!("environment = [{}]\n", scope.join(", "))
        };
        text.push_str(&format!(
            "\n[[pool_variables]]\n{key} = {owners}\nvariable = {}\n{scope}{verdict}\n",
            quoted(variable.name.as_str())
        ));
    }
    for (which, form, pool) in rules.iter().filter(|_| !live.indirect.targets.is_empty()) {
        let name = quoted(which.get(&live.indirect.targets).name.as_str());
        let target = match form % 5 {
            0 => format!("target = {name}"),
            1 => format!("target = [{name}, \"gone\"] # two"),
            2 => "target = \"*\"".to_owned(),
            3 => "target_tag = [\"w*\", \"db\"]".to_owned(),
            _ => format!("target = [\"*\", {}]", name.replacen('"', "\"!", 1)),
        };
        let verdict = pool.map_or(
            ["default_pool", "leave"][usize::from(form % 2)].to_owned() + " = true",
            |at| format!("pool = \"WorkerPools-{at}\""),
        );
        text.push_str(&format!("\n[[target_pools]]\n{target}\n{verdict}\n"));
    }
    text
}

/// What chooses pools, some time later: other pools, other scopes, and what is gone.
fn later(choosers: &IndirectPools, dice: &[usize]) -> IndirectPools {
    let mut later = choosers.clone();
    let mut dice = dice.iter().copied().cycle();
    let mut roll = |sides: usize| dice.next().unwrap_or_default() % sides;
    later.variables.retain(|_| roll(6) != 0);
    for variable in &mut later.variables {
        match roll(10) {
            0 | 1 => variable.pool = Some(Id::new(format!("WorkerPools-{}", roll(6)))),
            2 => variable.pool = None,
            3 => variable.scope.environments.truncate(1),
            4 => variable.id = Id::new(""),
            _ => {}
        }
    }
    for set in &mut later.sets {
        if set.store == VariableStore::Database && roll(9) == 0 {
            set.store = VariableStore::SupersededByGit { unread: None };
        }
        if roll(9) == 0 {
            set.environments.pop();
        }
        if roll(9) == 0 {
            let of_set = choosers.variables.iter().find(|value| value.set == set.id);
            set.other_variables.extend(of_set.map(|value| value.name.clone()));
        }
    }
    later.targets.retain(|_| roll(6) != 0);
    for target in &mut later.targets {
        match roll(6) {
            0 | 1 => target.pool = Some(Id::new(format!("WorkerPools-{}", roll(6)))),
            2 => target.pool = None,
            3 => target.reach = TargetReach::Machine,
            _ => {}
        }
    }
    later
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn an_updated_file_with_pool_variables_plans_no_changes(
        before in any_live_with_choosers(), now in any_live_with_choosers(),
        rules in vec(((any::<Index>(), any::<u8>()), option::weighted(0.8, 0..6_usize)), 0..5),
        dice in vec(0..720_usize, 40), (pulled, moves) in (any::<bool>(), any::<bool>()),
    ) {
        let rules: Vec<Written> = rules.into_iter().map(|((which, form), pool)| (which, form, pool)).collect();
        let written = written(&rules, &before);
        let plain = Live { indirect: IndirectPools::default(), ..before.clone() };
        let text = render_config(if pulled { &before } else { &plain }, "https://octopus.acme.example", RuleCoverage::Seen);
        let text = commented(&format!("{text}{written}"));
        let now = Live { indirect: later(&before.indirect, &dice), ..if moves { now } else { before } };
        prop_assume!(judge(&text, &now).is_ok());
        let Some(after) = kept_or_unread(&text, &now)? else { return Ok(()) };
        let judged = judge(&after, &now).map_err(|it| TestCaseError::fail(it.message))?;
        prop_assert!(judged.changes.is_empty());
        let errors: Vec<_> = judged.findings.iter().filter(|finding| finding.level == Level::Error).collect();
        prop_assert!(errors.is_empty(), "{:#?}", errors);
        let count = |text: &str| (text.matches("# above ").count(), text.matches("# behind ").count(), text.matches("# th").count());
        prop_assert_eq!(count(&text), count(&after), "{}\n=====\n{}", text, after);
        prop_assert_eq!(kept(&after, &now).unwrap(), after);
    }
}

/// Values and targets as a person writes them: little of it is so.
const RULES: &str = r#"# Terraform has a pool of its own.
[[pool_variables]]
project  = "Infrastructure" # one
variable = "Terraform.WorkerPool"
pool     = "windows" # not so

[[pool_variables]]
project  = ["Checkout", "Billing"] # Billing has none
variable = "Build.WorkerPool"
pool     = "linux"

# In every library.
[[pool_variables]]
library_set = "*"
variable    = "Deploy.WorkerPool"
environment = ["test", "Development"]
pool        = "forgotten"

# Nobody has it.
[[pool_variables]]
project  = "Web Store"
variable = "Gone.Pool"
pool     = "gone"

[[pool_variables]]
project  = "Infrastructure"
variable = "Old.WorkerPool"
remove   = true # for good

[[pool_variables]]
library_set = "Worker pools"
variable    = "Deploy.WorkerPool"
environment = "Production"
remove      = true # not so

# Whatever is in a cloud.
[[target_pools]]
target_tag = "*"
pool       = "forgotten"
"#;

/// What is pulled of the server, but with other rules about what chooses pools.
fn pulled_with(workbench: &Workbench, rules: &str) -> String {
    let pulled = workbench.run(&["pull"]).expect(0).stdout;
    let (rest, _) = pulled.split_once("[[pool_variables]]").unwrap();
    let text = format!("{rest}{rules}");
    workbench.write("workers.toml", &text);
    text
}

/// Brings the file to what is live; what was said, and the lines that changed.
fn keep(workbench: &Workbench, before: &str) -> String {
    let writes = workbench.writes();
    let kept = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    workbench.settled();
    assert_eq!(workbench.writes(), writes);
    let told = kept.stderr.lines().filter(|it| !it.starts_with("warning: "));
    let told: Vec<_> = told.collect();
    format!("{}\n{}", told.join("\n"), changed(before, &workbench.read("workers.toml")))
}

#[test]
fn changed_pools_are_edited_and_rules_for_missing_values_removed() {
    let workbench = Workbench::new(Seed::Acme);
    let before = pulled_with(&workbench, RULES);
    insta::assert_snapshot!(keep(&workbench, &before));
}

#[test]
fn values_that_a_wildcard_gets_wrong_become_exceptions_or_exclusions() {
    let workbench = Workbench::new(Seed::Acme);
    let linux = workbench.id("workerpools", "Linux");
    for (project, pool) in
        [("Billing", json!(linux)), ("Web Store", Value::Null), ("Infrastructure", json!(linux))]
    {
        let id = workbench.id("projects", project);
        workbench.edit(&format!("/api/Spaces-1/projects/{id}/variables"), |set| {
            let value = json!({ "Name": "Build.WorkerPool", "Type": "WorkerPool", "Value": pool, "Scope": {} });
            set["Variables"].as_array_mut().unwrap().push(value);
        });
    }
    let rules = "[[pool_variables]]\nproject = \"*\" # all\nvariable = \"Build.WorkerPool\"\npool = \"linux\"\n";
    let before = pulled_with(&workbench, rules);
    let left_out = keep(&workbench, &before);
    let checkout = workbench.id("projects", "Checkout");
    let windows = workbench.id("workerpools", "Windows");
    workbench.edit(&format!("/api/Spaces-1/projects/{checkout}/variables"), |set| {
        set["Variables"][0]["Value"] = json!(windows);
    });
    let before = workbench.read("workers.toml");
    insta::assert_snapshot!(format!("{left_out}\n{}", keep(&workbench, &before)));
}

#[test]
fn a_removing_wildcard_sets_a_pool_if_all_its_matches_share_it() {
    let workbench = Workbench::new(Seed::Acme);
    let some = "[[pool_variables]]\nproject = \"*\" # some have it\nvariable = \"Build.WorkerPool\"\nremove = true # nobody else\n";
    let all = "[[pool_variables]]\nproject = \"Check*\" # it has it\nvariable = \"Build.WorkerPool\"\nremove = true\n";
    let mut told = String::new();
    for rules in [some, all] {
        let before = pulled_with(&workbench, rules);
        told.push_str(&format!("{rules}==>\n{}\n", keep(&workbench, &before)));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn new_items_are_added_only_if_the_file_has_rules_of_their_kind() {
    let workbench = Workbench::new(Seed::Acme);
    let rules = "[[pool_variables]]\nproject = \"Infrastructure\"\nvariable = \"Terraform.WorkerPool\"\npool = \"default\"\n";
    let before = pulled_with(&workbench, rules);
    insta::assert_snapshot!(keep(&workbench, &before));
    let before = pulled_with(&workbench, "[[target_pools]]\ntarget = \"none*\"\nleave = true\n");
    insta::assert_snapshot!(keep(&workbench, &before));
    let before = pulled_with(&workbench, "");
    assert_eq!(
        keep(&workbench, &before),
        "workers.toml already matches the server; nothing was written\n"
    );
}

#[test]
fn a_rule_is_kept_if_its_subject_cannot_be_read() {
    let mut workbench = Workbench::new(Seed::Acme);
    let value = RULES.split("\n\n").next().unwrap();
    let target = "[[target_pools]]\ntarget = \"search-app\"\npool = \"windows\"\n";
    let library = "[[pool_variables]]\nlibrary_set = \"Worker pools\"\nvariable = \"Deploy.WorkerPool\"\nremove = true\n";
    let named = [
        ("VARIABLE", value.to_owned()),
        ("VARIABLE", value.replace("\"windows\"", "\"gone\"")),
        (
            "VARIABLE",
            value.replace("\"Infrastructure\"", "\"*\"").replace("\"windows\"", "\"gone\""),
        ),
        ("LIBRARYVARIABLESET", library.to_owned()),
        ("MACHINE", target.to_owned()),
        ("MACHINE", target.replace("\"windows\"", "\"gone\"").replace("search-app", "*")),
    ];
    let mut told = String::new();
    for (lacks, rules) in named {
        workbench.key = ADMIN_KEY;
        let before = pulled_with(&workbench, &rules);
        workbench.key = match lacks {
            "VARIABLE" => "API-SANDBOXWITHOUTVARIABLEVIEW",
            "LIBRARYVARIABLESET" => "API-SANDBOXWITHOUTLIBRARYVARIABLESETVIEW",
            _ => "API-SANDBOXWITHOUTMACHINEVIEW",
        };
        let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(1);
        told.push_str(output.stderr.lines().find(|it| it.starts_with("error[not-kept]")).unwrap());
        told.push('\n');
        assert_eq!(workbench.read("workers.toml"), before);
        // A wildcard is about what can be seen, as far as anybody can tell.
        let rules =
            rules.replace("\"Infrastructure\"", "\"*\"").replace("\"Worker pools\"", "\"*\"");
        let rules = rules.replace("search-app", "*").replace("\"gone\"", "\"windows\"");
        let key = std::mem::replace(&mut workbench.key, ADMIN_KEY);
        pulled_with(&workbench, &rules);
        workbench.key = key;
        workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
        assert!(workbench.read("workers.toml").contains(&rules), "{rules}");
    }
    insta::assert_snapshot!(told);
}

/// Rules about a project whose repository cannot be reached.
const LOST: &str = r#"
[version_control]
on_unreachable = "skip"
on_protected   = "skip"

[[placements]]
project = "Lost and found"
step    = "Deploy to AKS"
pool    = "linux"

[[placements]]
process = "any"
step    = ["Deploy to AKS", "Only in the lost one"]
leave   = true
"#;

#[test]
fn rules_about_a_repository_that_cannot_be_reached_stay() {
    let workbench = Workbench::new(Seed::Acme);
    let pulled = workbench.run(&["pull"]).expect(0).stdout;
    let (rest, _) = pulled.split_once("\n[version_control]").unwrap();
    let (_, tables) = pulled.split_once("on_unreachable = \"skip\"\n").unwrap();
    let (tables, _) = tables.split_once("\n# Where steps run").unwrap();
    let leave = "\n[[placements]]\nprocess = \"any\"\nleave = true\n";
    let text = format!("{rest}{LOST}{tables}{leave}");
    workbench.write("workers.toml", &text);
    workbench.settled();
    let kept = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    assert_eq!(workbench.read("workers.toml"), text, "{}", kept.stderr);

    // Where what it names is in a pool that is gone, nobody can tell which it is in now.
    let before = text.replacen("pool    = \"linux\"", "pool    = \"gone\"", 1);
    workbench.write("workers.toml", &before);
    let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(1);
    insta::assert_snapshot!(output.stderr);
    assert_eq!(workbench.read("workers.toml"), before);
}

#[test]
fn a_missing_environment_is_removed_from_a_rules_scope() {
    let workbench = Workbench::new(Seed::Acme);
    let rules = "[[pool_variables]]\nlibrary_set = \"Worker pools\"\nvariable = \"Deploy.WorkerPool\"\nenvironment = [\"Gone\", \"Production\"] # two\npool = \"linux\"\n";
    let before = pulled_with(&workbench, rules);
    let kept = keep(&workbench, &before);
    let (told, _) = kept.split_once("+\n").unwrap();
    insta::assert_snapshot!(told, @r#"
      removed part of a rule about values: there is no environment `Gone`
      set values of `Deploy.WorkerPool` to "windows"
      added rules for values that no rule matched
    saved to workers.toml; check it with `poolwright plan`
    -environment = ["Gone", "Production"] # two
    +environment = ["Production"] # two
    +pool = "windows"
    "#);
}

#[test]
fn a_plan_that_is_refused_without_changes_is_reported() {
    let workbench = Workbench::new(Seed::Acme);
    let pulled = workbench.run(&["pull", "--closed"]).expect(0).stdout;
    workbench.write("workers.toml", &pulled.replacen("on_unreachable = \"skip\"\n", "", 1));
    let kept = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    let (_, told) = kept.stderr.split_once("workers.toml already matches").unwrap();
    insta::assert_snapshot!(told);
    workbench.run(&["plan"]).expect(3);
}
