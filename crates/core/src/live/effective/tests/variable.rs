//! The rows about variables: which of several values holds, case by case (`api.md` 2.12).

use super::*;
use crate::live::{
    BranchRole, LiveBranch, LiveVariableScope, ValueBranch, ValueSource, VariableOwner,
    VariableStore,
};
use crate::model::BranchRef;

/// A value, as `environments | channels | tags | actions | processes | pool`, of the project or a library. The
/// pool may be `ask` or `ask h` (prompted), a tag `of A` (given by tenant `A`), a process `targets`.
pub(super) fn variable(library: bool, text: &str) -> PoolVariable {
    let cells: Vec<&str> = text.split('|').map(|it| cell(it.trim())).collect();
    let list = |at: usize| -> Vec<String> {
        cells[at].split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let web = Name::new("Web");
    let (tenants, tenant_tags) = list(2).into_iter().partition(|it| it.starts_with("of "));
    let (pool, given) = match cells[5].strip_prefix("ask") {
        Some(pool) => (pool.trim(), ValueSource::Prompted),
        None => match cells[5].strip_prefix("template") {
            Some(pool) => (pool.trim(), ValueSource::TemplateDefault),
            None => (cells[5], ValueSource::Set),
        },
    };
    let on_targets = list(4) == ["targets"];
    PoolVariable {
        set: Id::new(""),
        id: Id::new(""),
        name: Name::new("P"),
        owner: match library {
            true => VariableOwner::Library(Name::new("Shared")),
            false => VariableOwner::Project(web.clone()),
        },
        projects: vec![web],
        scope: LiveVariableScope {
            environments: list(0),
            channels: list(1),
            tenant_tags,
            tenants,
            actions: list(3),
            processes: if on_targets { Vec::new() } else { list(4) },
            on_targets,
        },
        pool: (!pool.is_empty()).then(|| Id::new(pool)),
        source: given,
        branch: None,
    }
}

#[test]
fn the_most_specific_value_of_a_variable_decides() {
    let told = |own: &[&str], library: &[&str]| {
        let mut live = world();
        let own = own.iter().map(|it| variable(false, it));
        live.indirect.variables = own.chain(library.iter().map(|it| variable(true, it))).collect();
        let step = step("Octopus.Script", "true", "", Place::Variable("p".to_owned()));
        told(&effective_cases(&process(), &step, &live)).replace(" by variable", "")
    };
    for (own, library, wanted) in [
        (&["-|-|-|-|-|h"][..], &[][..], "pool h"),
        (&["Prod|-|-|-|-|h"], &[], "Prod: pool h; other: nowhere NoValue"),
        (&["Prod|-|-|-|-|h", "-|-|-|-|-|m"], &[], "Prod: pool h; other: pool m"),
        (&["Prod,Test|-|-|-|-|h"], &[], "Prod+Test: pool h; other: nowhere NoValue"),
        // An environment is narrower than a channel, a tenant tag than both, a step than all.
        (
            &["Prod|-|-|-|-|h", "-|Beta|-|-|-|m"],
            &[],
            "Prod: pool h; other,Beta: pool m; other,other: nowhere NoValue",
        ),
        (
            &["Prod|-|-|-|-|h", "-|-|Ring/One|-|-|m"],
            &[],
            "Ring/One: pool m; Prod,other: pool h; other,other: nowhere NoValue",
        ),
        (&["Prod|-|-|-|-|h", "-|-|-|action-1|-|m"], &[], "pool m"),
        // Another step's or another process's value never holds.
        (&["-|-|-|action-2|-|h", "-|-|-|-|-|m"], &[], "pool m"),
        (&["-|-|-|-|Projects-1|h", "-|-|-|-|-|m"], &[], "pool h"),
        (&["-|-|-|-|Runbooks-1|h", "-|-|-|-|-|m"], &[], "pool m"),
        // A project's value beats a library's of the same scope, and no narrower one.
        (&["-|-|-|-|-|h"], &["-|-|-|-|-|m"], "pool h"),
        (&["-|-|-|-|-|h"], &["Prod|-|-|-|-|m"], "Prod: pool m; other: pool h"),
        // Two that are alike: nobody can tell; unless both say the same.
        (&["-|-|-|-|-|h", "-|-|-|-|-|m"], &[], "unknown Ambiguous"),
        (&["-|-|-|-|-|h", "-|-|-|-|-|h"], &[], "pool h"),
        (&["-|-|-|-|-|h", "-|-|-|-|-|h", "-|-|-|-|-|m"], &[], "unknown Ambiguous"),
        // A scope of targets or target tags never holds.
        (&["-|-|-|-|targets|h"], &[], "nowhere NoValue"),
        (&["-|-|-|-|targets|h", "-|-|-|-|-|m"], &[], "pool m"),
        // The narrowest decides, even where it is empty.
        (&["-|-|-|-|-|h", "Prod|-|-|-|-|-"], &[], "Prod: nowhere NoValue; other: pool h"),
        // What a tenant gives is narrower than its tag, and a template is for who gives nothing.
        (
            &["-|-|of A|-|-|h", "-|-|Ring/One|-|-|m", "-|-|-|-|-|template d"],
            &[],
            "of A: pool h; Ring/One,other: pool m; other,other: built-in for d",
        ),
        (
            &["Prod|-|of A|-|-|h"],
            &[],
            "Prod,of A: pool h; other: nowhere NoValue; other,of A: nowhere NoValue",
        ),
        (
            &["-|-|of A,of B|-|-|h", "-|-|-|-|-|template"],
            &[],
            "of A+of B: pool h; other: nowhere NoValue",
        ),
        (&["-|-|-|-|-|template m", "-|-|-|-|-|h"], &[], "pool h"),
        // A value that is asked for is what is given in advance, or anybody's guess.
        (&["-|-|-|-|-|ask h"], &[], "pool h"),
        (&["-|-|-|-|-|ask"], &[], "unknown Prompted"),
        // A value may be an expression.
        (&["-|-|-|-|-|#{Pool}"], &[], "unknown Expression"),
        // What it chooses may be of no use.
        (&["-|-|-|-|-|e"], &[], "nowhere Empty"),
        (&["-|-|-|-|-|gone"], &[], "nowhere NoSuchPool"),
        (&["-|-|-|-|-|-"], &[], "nowhere NoValue"),
    ] {
        assert_eq!(told(own, library), wanted, "{own:?} {library:?}");
    }
}

#[test]
fn no_other_case_remains_if_each_environment_has_a_value() {
    let told = |values: &[&str]| {
        let mut live = world();
        live.indirect.environments = vec!["Prod".to_owned(), "Test".to_owned()];
        live.indirect.variables = values.iter().map(|it| variable(false, it)).collect();
        let step = step("Octopus.Script", "true", "", Place::Variable("P".to_owned()));
        told(&effective_cases(&process(), &step, &live)).replace(" by variable", "")
    };
    assert_eq!(told(&["Prod|-|-|-|-|h", "Test|-|-|-|-|m"]), "Prod: pool h; Test: pool m");
    assert_eq!(told(&["Prod|-|-|-|-|h", "Test|-|-|-|-|h"]), "pool h");
    assert_eq!(told(&["Prod|-|-|-|-|h"]), "Prod: pool h; other: nowhere NoValue");
}

#[test]
fn a_runbook_run_has_no_channel() {
    let mut live = world();
    live.indirect.variables =
        ["-|Beta|-|-|-|h", "-|-|-|-|-|m"].map(|it| variable(false, it)).to_vec();
    let step = step("Octopus.Script", "true", "", Place::Variable("P".to_owned()));
    assert_eq!(
        told(&effective_cases(&process(), &step, &live)),
        "Beta: pool h by variable; other: pool m by variable"
    );
    let mut runbook = process();
    runbook.id = Id::new("RunbookProcess-Runbooks-1");
    runbook.owner.runbook = Some(Name::new("Restart"));
    assert_eq!(told(&effective_cases(&runbook, &step, &live)), "pool m by variable");
}

#[test]
fn variables_of_other_projects_and_excluded_libraries_never_apply() {
    let mut live = world();
    let other = Name::new("Other");
    let mut own = variable(false, "-|-|-|-|-|h");
    (own.owner, own.projects) = (VariableOwner::Project(other.clone()), vec![other]);
    let library = PoolVariable { projects: Vec::new(), ..variable(true, "-|-|-|-|-|h") };
    live.indirect.variables = vec![own, library];
    let step = step("Octopus.Script", "true", "", Place::Variable("P".to_owned()));
    assert_eq!(told(&effective_cases(&process(), &step, &live)), "nowhere NoValue by variable");
}

#[test]
fn too_many_scopes_are_listed_value_by_value() {
    let mut live = world();
    let values = (0..200).flat_map(|at| {
        let tenant = format!("-|-|of T{at}|-|-|h");
        [tenant, format!("E{at}|-|-|-|-|m")]
    });
    live.indirect.variables = values.map(|it| variable(false, &it)).collect();
    let step = step("Octopus.Script", "true", "", Place::Variable("P".to_owned()));
    let cases = effective_cases(&process(), &step, &live);
    assert_eq!(cases.len(), 401);
    assert_eq!(told(&cases[..2]), "of T0: pool h by variable; E0: pool m by variable");
    assert_eq!(told(&cases[400..]), "other,other,other,other: nowhere NoValue by variable");
}

#[test]
fn an_unread_value_makes_the_place_unknown() {
    let mut live = world();
    live.unread.push(UnreadPart::new(String::new(), String::new(), HiddenData::PoolReferences));
    let step = step("Octopus.Script", "true", "", Place::Variable("P".to_owned()));
    assert_eq!(told(&effective_cases(&process(), &step, &live)), "unknown Unread by variable");
    // A template's default is what holds where nobody says another, and so nobody can tell.
    let mut by_default = variable(false, "-|-|-|-|-|h");
    by_default.source = ValueSource::TemplateDefault;
    live.indirect.variables = vec![by_default.clone()];
    assert_eq!(told(&effective_cases(&process(), &step, &live)), "unknown Unread by variable");
    by_default.source = ValueSource::Set;
    live.indirect.variables = vec![by_default];
    assert_eq!(told(&effective_cases(&process(), &step, &live)), "pool h by variable");
    // What is hidden of another project has nothing for this one.
    live.indirect.variables.clear();
    live.unread.iter_mut().for_each(|part| part.project = Some(Name::new("Another")));
    assert_eq!(told(&effective_cases(&process(), &step, &live)), "nowhere NoValue by variable");
}

#[test]
fn a_process_in_git_takes_the_values_of_its_own_branch() {
    let on = |name: &str, pool: &str, is_default| PoolVariable {
        branch: Some(ValueBranch { name: name.to_owned(), is_default }),
        ..variable(false, &format!("-|-|-|-|-|{pool}"))
    };
    let branch_ref = |document: &str, name: &str| BranchRef {
        document: document.to_owned(),
        project: Id::new("Projects-1"),
        repository: String::new(),
        name: name.to_owned(),
    };
    let set = |branch: &str| LiveVariableSet {
        id: branch_ref("variableset-Projects-1", branch).variable_set_id(),
        owner: VariableOwner::Project(Name::new("Web")),
        projects: vec![Name::new("Web")],
        store: VariableStore::OtherBranch(branch.to_owned()),
        on_default_branch: branch == "main",
        other_variables: Vec::new(),
        environments: Vec::new(),
        channels: Vec::new(),
        tenant_tags: Vec::new(),
    };
    let mut live = world();
    live.indirect.variables = vec![on("main", "h", true), on("trial", "m", false)];
    live.indirect.sets = vec![set("main"), set("trial"), set("bare")];
    let step = step("Octopus.Script", "true", "", Place::Variable("P".to_owned()));
    let on_branch = |name: Option<&str>| {
        let branch = name.map(|name| LiveBranch {
            at: branch_ref("deploymentprocess-Projects-1", name),
            role: BranchRole::Open,
        });
        told(&effective_cases(&LiveProcess { git: branch, ..process() }, &step, &live))
    };
    assert_eq!(on_branch(Some("main")), "pool h by variable");
    assert_eq!(on_branch(Some("trial")), "pool m by variable");
    // A branch whose variables are read, and that has none of this name.
    assert_eq!(on_branch(Some("bare")), "nowhere NoValue by variable");
    // One whose variables nobody has read, and a process in the database, as a runbook may be.
    assert_eq!(on_branch(Some("unread")), "pool h by variable");
    assert_eq!(on_branch(None), "pool h by variable");
}
