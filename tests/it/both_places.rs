//! Findings about two places of a file show both.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;

/// The findings of a code, as the plan or the check of a file shows them.
fn findings(command: &str, code: &str, file: &str) -> String {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write("workers.toml", &format!("version = 1\n{file}"));
    let run = workbench.run(&[command]);
    let all = run.stdout + &run.stderr;
    let blocks = all.split("\n\n").filter(|block| block.contains(&format!("[{code}]")));
    blocks.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn a_rule_that_never_wins_is_shown_with_the_rule_that_takes_everything() {
    let told = findings(
        "plan",
        "shadowed-rule",
        r#"
[[placements]]
project = "Billing"
pool    = "Windows"

[[placements]]
project = "Billing"
step    = "*"
pool    = "Linux"
"#,
    );
    insta::assert_snapshot!(told, @"
    warning[shadowed-rule]: this rule never wins: an earlier rule takes everything it matches
     --> workers.toml:7:1
      |
    7 | [[placements]]
      | ^^^^^^^^^^^^^^ 4 steps
      |
     --> workers.toml:3:1
      |
    3 | [[placements]]
      | -------------- the earlier rule
      |
      = help: the first matching rule decides: move this one before the other
    ");
    let told = findings(
        "plan",
        "shadowed-rule",
        r#"
[[pool_variables]]
project  = "*"
variable = "Build.WorkerPool"
pool     = "Linux"

[[pool_variables]]
project  = "Check*"
variable = "Build.WorkerPool"
pool     = "Windows"
"#,
    );
    insta::assert_snapshot!(told, @"
    warning[shadowed-rule]: this rule never wins: an earlier rule takes everything it matches
     --> workers.toml:8:1
      |
    8 | [[pool_variables]]
      | ^^^^^^^^^^^^^^^^^^ 1 value
      |
     --> workers.toml:3:1
      |
    3 | [[pool_variables]]
      | ------------------ the earlier rule
      |
      = help: the first matching rule decides: move this one before the other
    ");
}

#[test]
fn both_waves_with_the_same_label_are_shown() {
    let told = findings(
        "check",
        "duplicate-wave",
        r#"
[[waves]]
label   = "first"
project = "A*"

[[waves]]
label   = "First"
project = "B*"
"#,
    );
    insta::assert_snapshot!(told, @r#"
    error[duplicate-wave]: two waves have the label `First`
     --> workers.toml:8:11
      |
    8 | label   = "First"
      |           ^^^^^^^
      |
     --> workers.toml:4:11
      |
    4 | label   = "first"
      |           ------- the other wave
      |
      = help: give each wave a label of its own
    "#);
}

#[test]
fn both_rules_for_one_value_are_shown() {
    let told = findings(
        "check",
        "declared-twice",
        r#"
[[pool_variables]]
project  = "Web Store"
variable = "Build.WorkerPool"
pool     = "Linux"

[[pool_variables]]
project  = "web store"
variable = "Build.WorkerPool"
pool     = "Windows"

[ocl.folders]
"deploy/web"   = "Web Store"
"./deploy/web" = "Billing"
"#,
    );
    insta::assert_snapshot!(told, @r#"
    error[declared-twice]: `Build.WorkerPool` already has a value in this scope
     --> workers.toml:8:1
      |
    8 | [[pool_variables]]
      | ^^^^^^^^^^^^^^^^^^
      |
     --> workers.toml:3:1
      |
    3 | [[pool_variables]]
      | ------------------ sets the same variable in the same scope
      |
      = help: remove one of the two

    error[declared-twice]: the folder `deploy/web` has two projects
      --> workers.toml:15:1
       |
    15 | "./deploy/web" = "Billing"
       | ^^^^^^^^^^^^^^
       |
      --> workers.toml:14:1
       |
    14 | "deploy/web"   = "Web Store"
       | ------------ the first project
       |
       = help: keep the entry of the project that the folder belongs to
    "#);
}
