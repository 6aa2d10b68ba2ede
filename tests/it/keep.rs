//! `pull --keep`: a file that is there says then what is live, and what was still so stays as it was written.

use crate::{
    spaces::{any_live, any_live_with_choosers, read_again},
    workbench::Workbench,
};
use poolwright::{
    config,
    diff::{decisions, diff, unread},
    finding::{Finding, Level, Source, Sources},
    live::{Choosers, Live, Scope, Store, TargetReach, VariableOwner},
    model::Id,
    plan::Header,
    pull::{Judged, KeepError, keep, pull},
    sandbox::Seed,
};
use proptest::{collection::vec, option, prelude::*, sample::Index};

fn judge(text: &str, live: &Live) -> Result<Judged, Finding> {
    let source = Source { path: "workers.toml".to_owned(), text: text.to_owned() };
    let (desired, findings) = config::load(&Sources(vec![source]));
    if let Some(error) = findings.into_iter().find(|it| it.level == Level::Error) {
        return Err(error);
    }
    let header = Header {
        url: String::new(),
        server_version: String::new(),
        space: live.server.space.clone(),
        files: Vec::new(),
        digest: String::new(),
        scope: Scope::default(),
    };
    let skips = desired.version_control.as_ref().is_some_and(|it| it.value.skip_unreachable);
    let live = &read_again(live, skips);
    let plan = diff(&desired, live, header);
    let decided = decisions(&desired, live).into_iter();
    let decided = decided.map(|(address, rule)| (address, rule.at.bytes.start)).collect();
    let unread = unread(&desired, live).into_iter().map(|rule| rule.at.bytes.start).collect();
    Ok(Judged { changes: plan.changes, findings: plan.findings, decided, unread, desired })
}

fn kept(text: &str, live: &Live) -> Result<String, KeepError> {
    keep(text, live, |text| judge(text, live)).map(|it| it.text)
}

/// The same; none where nobody can tell what a rule is about, since something could not be read.
fn kept_or_unread(text: &str, live: &Live) -> Result<Option<String>, TestCaseError> {
    match kept(text, live) {
        Ok(after) => Ok(Some(after)),
        Err(KeepError::Unread { .. }) if !live.gaps.is_empty() => Ok(None),
        Err(error) => Err(TestCaseError::fail(format!("{error}\n{text}"))),
    }
}

/// The text with a comment of its own above and behind every line that may have one.
fn commented(text: &str) -> String {
    let mut commented = String::new();
    let mut in_list = false;
    for (at, line) in text.lines().enumerate() {
        in_list = if in_list { !line.starts_with(']') } else { line.ends_with('[') };
        match line.is_empty() {
            true => commented.push('\n'),
            false => commented.push_str(&format!("# above {at}\n{line} # behind {at}\n")),
        }
    }
    commented
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_of_what_is_kept_is_empty_and_every_comment_is_there(
        before in any_live(), now in any_live(),
    ) {
        let text = commented(&pull(&before, "https://octopus.acme.example"));
        let Some(after) = kept_or_unread(&text, &now)? else { return Ok(()) };
        let judged = judge(&after, &now).map_err(|it| TestCaseError::fail(it.message))?;
        prop_assert!(judged.changes.is_empty());
        let count = |text: &str| (text.matches("# above ").count(), text.matches("# behind ").count());
        prop_assert_eq!(count(&text), count(&after), "{}\n=====\n{}", text, after);
        prop_assert_eq!(kept(&after, &now).unwrap(), after);
    }

    #[test]
    fn a_file_that_says_what_is_live_stays_as_it_is(live in any_live()) {
        let text = commented(&pull(&live, "https://octopus.acme.example"));
        let after = kept(&text, &live).unwrap();
        prop_assert!(after == text, "{}\n=====\n{}", text, after);
    }
}

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

#[test]
fn what_is_pulled_on_any_seed_is_kept_as_it_is() {
    for seed in [Seed::Empty, Seed::Chapter, Seed::Acme, Seed::Cloud] {
        let workbench = Workbench::new(seed);
        workbench.run(&["pull", "-o", "workers.toml"]).expect(0);
        let text = workbench.read("workers.toml");
        let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
        // What could not be read is told before it.
        let last = output.stderr.lines().last().unwrap_or_default();
        assert_eq!(last, "workers.toml is as it is live: nothing is written");
        assert_eq!(workbench.read("workers.toml"), text);
    }
}

/// What differs, by lines.
fn changed(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let lines = diff.iter_all_changes().filter(|it| it.tag() != similar::ChangeTag::Equal);
    lines.map(|it| format!("{}{it}", it.tag())).collect()
}

#[test]
fn what_people_wrote_stays_and_what_is_not_so_is_edited() {
    let workbench = Workbench::new(Seed::Chapter);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/chapter/3-steps/workers.toml");
    let before = std::fs::read_to_string(file).unwrap();
    for commit in ["1-pools", "2-workers", "3-steps"] {
        let file = file.replace("3-steps", commit);
        workbench.run(&["apply", "--auto-approve", "-f", &file]).expect(0);
    }
    workbench.write("workers.toml", &before);
    let writes = workbench.writes().len();

    let id = workbench.id("workers", "database-worker-02");
    workbench.edit(&format!("/api/Spaces-1/workers/{id}"), |it| it["IsDisabled"] = true.into());
    let id = workbench.id("workerpools", "Azure Worker Pool");
    workbench.edit(&format!("/api/Spaces-1/workerpools/{id}"), |it| {
        it["Description"] = "az and bicep".into()
    });
    let new =
        serde_json::json!({ "Name": "Java \"8\" Pool", "WorkerPoolType": "StaticWorkerPool" });
    workbench.send("POST", "/api/Spaces-1/workerpools", new);
    let writes = workbench.writes().len().max(writes);

    workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    let after = workbench.read("workers.toml");
    insta::assert_snapshot!(changed(&before, &after));
    workbench.run(&["plan", "--exit-code"]).expect(0);
    assert_eq!(workbench.writes().len(), writes);
}

#[test]
fn what_is_not_live_goes_and_its_comments_stay() {
    let workbench = Workbench::chapter(
        r#"version = 1

# The pools.
[pools.gone] # soon
name = "Gone"
# why
description = "x"

[workers."db-[1..2]"] # two
pools = [
    "gone", # the one
]
polling = { subscription = "poll://x/", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }

[[removed]]
worker = "never-there" # no

# All of them.
[[placements]]
process = "any"
pool = "gone"
"#,
    );
    let before = workbench.read("workers.toml").replace('\n', "\r\n");
    workbench.write("workers.toml", &before);
    let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    insta::assert_snapshot!(output.stderr, @r"
      pool `gone` is gone
      worker `db-[1..2]` is gone
      pool `default` is new
      a rule no longer names what is gone
      1 exception before a rule
    workers.toml is written: a plan of it is empty
    ");
    let after = workbench.read("workers.toml");
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    insta::assert_snapshot!(after.replace('\r', ""));
    workbench.run(&["plan", "--exit-code"]).expect(0);
}

#[test]
fn a_file_that_cannot_be_edited_is_left_as_it_is() {
    let workbench = Workbench::chapter("version = 1\npools = { gone = { name = \"Gone\" } }\n");
    let before = workbench.read("workers.toml");
    let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(1);
    insta::assert_snapshot!(output.stderr, @r"
    error: `the head of the file` is not written as a table of its own, with `[…]` above its lines
    help: nothing was written; pull into a new file, and take from it what is needed
    ");
    assert_eq!(workbench.read("workers.toml"), before);
    let output = workbench.run(&["pull", "--keep", "workers.toml", "-o", "x.toml"]);
    assert_ne!(output.code, 0);
    let output = workbench.run(&["pull", "--keep", "-"]).expect(1);
    insta::assert_snapshot!(output.stderr, @r"
    error: standard input cannot be kept
    help: `--keep FILE` names a file to edit
    ");
}
