//! `pull --keep` where a file says what chooses a pool beside a step: values of variables, and targets.

use crate::{
    keep::{changed, commented, judge, kept, kept_or_unread},
    spaces::any_live_with_choosers,
    workbench::Workbench,
};
use poolwright::{
    finding::Level,
    live::{Choosers, Gap, Hides, Live, Store, TargetReach, VariableOwner},
    model::Id,
    pull::{KeepError, pull},
    sandbox::Seed,
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
    let values = &live.choosers.variables;
    for (which, form, pool) in rules.iter().filter(|_| !values.is_empty()) {
        let it = which.get(values);
        let other = values.iter().map(|it| &it.owner).rfind(|owner| **owner != it.owner);
        let key = match it.owner {
            VariableOwner::Project(_) => "project",
            VariableOwner::Library(_) => "library_set",
        };
        let name = it.owner.name().as_str();
        let other = quoted(other.map_or("gone", |it| it.name().as_str()));
        let first: String = name.chars().take(1).collect();
        let owners = match form % 6 {
            0 => quoted(name),
            1 => format!("[{}, {other}]", quoted(name)),
            2 => "\"*\"".to_owned(),
            3 => format!("[\"*\", \"!\" # not this one\n]")
                .replace("\"!\"", &other.replacen('"', "\"!", 1)),
            4 => quoted(&format!("{first}*")),
            _ => format!("[\n  {other}, # the other\n  {}, # this\n]", quoted(name)),
        };
        let scope: Vec<_> = it.scope.environments.iter().map(|it| quoted(it)).collect();
        let verdict =
            pool.map_or("remove = true".to_owned(), |at| format!("pool = \"WorkerPools-{at}\""));
        let scope = if scope.is_empty() {
            String::new()
        } else {
            format!("environment = [{}]\n", scope.join(", "))
        };
        text.push_str(&format!(
            "\n[[pool_variables]]\n{key} = {owners}\nvariable = {}\n{scope}{verdict}\n",
            quoted(it.name.as_str())
        ));
    }
    for (which, form, pool) in rules.iter().filter(|_| !live.choosers.targets.is_empty()) {
        let name = quoted(which.get(&live.choosers.targets).name.as_str());
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
fn later(choosers: &Choosers, dice: &[usize]) -> Choosers {
    let mut later = choosers.clone();
    let mut dice = dice.iter().copied().cycle();
    let mut roll = |sides: usize| dice.next().unwrap_or_default() % sides;
    later.variables.retain(|_| roll(6) != 0);
    for it in &mut later.variables {
        match roll(10) {
            0 | 1 => it.pool = Some(Id::new(format!("WorkerPools-{}", roll(6)))),
            2 => it.pool = None,
            3 => it.scope.environments.truncate(1),
            4 => it.id = Id::new(""),
            _ => {}
        }
    }
    for it in &mut later.sets {
        if it.store == Store::Database && roll(9) == 0 {
            it.store = Store::BesideGit { unread: None };
        }
        if roll(9) == 0 {
            it.environments.pop();
        }
        if roll(9) == 0 {
            let of_set = choosers.variables.iter().find(|value| value.set == it.id);
            it.others.extend(of_set.map(|value| value.name.clone()));
        }
    }
    later.targets.retain(|_| roll(6) != 0);
    for it in &mut later.targets {
        match roll(6) {
            0 | 1 => it.pool = Some(Id::new(format!("WorkerPools-{}", roll(6)))),
            2 => it.pool = None,
            3 => it.reach = TargetReach::Machine,
            _ => {}
        }
    }
    later
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_of_what_is_kept_of_any_file_is_empty_whatever_chooses_pools(
        before in any_live_with_choosers(), now in any_live_with_choosers(),
        rules in vec(((any::<Index>(), any::<u8>()), option::weighted(0.8, 0..6_usize)), 0..5),
        dice in vec(0..720_usize, 40), (pulled, moves) in (any::<bool>(), any::<bool>()),
    ) {
        let rules: Vec<Written> = rules.into_iter().map(|((which, form), pool)| (which, form, pool)).collect();
        let written = written(&rules, &before);
        let plain = Live { choosers: Choosers::default(), ..before.clone() };
        let text = pull(if pulled { &before } else { &plain }, "https://octopus.acme.example");
        let text = commented(&format!("{text}{written}"));
        let now = Live { choosers: later(&before.choosers, &dice), ..if moves { now } else { before } };
        prop_assume!(judge(&text, &now).is_ok());
        let Some(after) = kept_or_unread(&text, &now)? else { return Ok(()) };
        let judged = judge(&after, &now).map_err(|it| TestCaseError::fail(it.message))?;
        prop_assert!(judged.changes.is_empty());
        let errors: Vec<_> = judged.findings.iter().filter(|it| it.level == Level::Error).collect();
        prop_assert!(errors.is_empty(), "{:#?}", errors);
        let count = |text: &str| (text.matches("# above ").count(), text.matches("# behind ").count(), text.matches("# th").count());
        prop_assert_eq!(count(&text), count(&after), "{}\n=====\n{}", text, after);
        prop_assert_eq!(kept(&after, &now).unwrap(), after);
    }
}

/// Values and targets as a person writes them.
const RULES: &str = r#"version = 1

# Terraform has a pool of its own.
[[pool_variables]]
project  = "Infrastructure" # one
variable = "Terraform.WorkerPool"
pool     = "Windows" # not so
"#;

#[test]
fn show() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write("workers.toml", RULES);
    let output = workbench.run(&["pull", "--keep", "workers.toml"]);
    println!("{}\n{}\n{}", output.code, output.stderr, workbench.read("workers.toml"));
    panic!();
}
