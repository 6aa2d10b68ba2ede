//! A fleet that moves wave by wave.

use crate::{rollback::unversioned, workbench::Workbench};
use octopus_sandbox::Seed;
use std::fmt::Write as _;

const FILE: &str = r#"
version = 1

[server]
built_in_worker = false

[gates]
unhealthy-pool = "warn"

[pools.all]

[workers.w]
pools     = ["all"]
listening = { url = "https://w.example:10933", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }

[[waves]]
label   = "pilot"
project = "Web Store"

[[waves]]
project_group = "*"
project       = ["*", "!Billing", "!Legacy*"]

[[placements]]
process     = "any"
currently   = ["server", "default", "variable"]
pool        = "all"
"#;

/// The summary of a plan, and what it says of later waves.
fn planned(workbench: &Workbench, args: &[&str]) -> String {
    let output = workbench.run(&[&["plan"], args].concat());
    let lines = output.stdout.lines().chain(output.stderr.lines());
    let lines = lines.filter(|line| {
        ["Plan", "No changes", "warning[later", "denied", "error"]
            .iter()
            .any(|start| line.starts_with(start))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_wave_includes_the_earlier_ones_and_the_last_change_waits() {
    let workbench = Workbench::chapter(FILE);
    insta::assert_snapshot!(planned(&workbench, &["--wave", "1"]), @"
    warning[later-waves]: wave 1 of 2: 27 steps in 6 projects wait for later waves, along with 1 other change
    Plan: 2 to create, 8 to update; 2 warnings
    ");
    insta::assert_snapshot!(planned(&workbench, &["--wave", "Pilot"]), @"
    warning[later-waves]: wave 1 of 2: 27 steps in 6 projects wait for later waves, along with 1 other change
    Plan: 2 to create, 8 to update; 2 warnings
    ");
    workbench.run(&["apply", "--auto-approve", "--wave", "1"]).expect(0);
    assert_eq!(workbench.get("/api/featuresconfiguration")["IsBuiltInWorkerEnabled"], true);
    insta::assert_snapshot!(planned(&workbench, &["--wave", "1"]), @"
    warning[later-waves]: wave 1 of 2: 27 steps in 6 projects wait for later waves, along with 1 other change
    No changes: the server matches the files; 1 warning
    ");
    insta::assert_snapshot!(planned(&workbench, &["--wave", "2"]), @"
    warning[later-waves]: wave 2 of 2: 6 steps in 1 project are in no wave and wait, along with 1 other change
    Plan: 21 to update; 1 warning
    ");
    workbench.run(&["apply", "--auto-approve", "--wave", "2"]).expect(0);
    // Projects in no wave come last.
    insta::assert_snapshot!(planned(&workbench, &[]), @"Plan: 7 to update");
    workbench.apply();
    workbench.settled();
    assert_eq!(workbench.get("/api/featuresconfiguration")["IsBuiltInWorkerEnabled"], false);
    insta::assert_snapshot!(planned(&workbench, &["--wave", "1"]), @"No changes: the server matches the files");
}

#[test]
fn a_number_selects_a_wave_by_position_and_not_by_label() {
    let workbench = Workbench::chapter(&FILE.replace("\"pilot\"", "\"2\""));
    let told = planned(&workbench, &["--wave", "2"]);
    assert!(told.contains("wave 2 of 2: "), "{told}");
}

#[test]
fn errors_in_waves_are_reported() {
    let mut all = String::new();
    for (waves, wave) in [
        ("[[waves]]\nproject = \"Web Stor\"\n", "1"),
        ("[[waves]]\nproject = \"Web*\"\n[[waves]]\nproject = \"Web Store\"\n", "2"),
        ("[[waves]]\nlabel = \"pilot\"\nproject = \"Web*\"\n", "3"),
        ("[[waves]]\nlabel = \"a\"\n[[waves]]\nlabel = \"A\"\n", "1"),
        ("", "1"),
    ] {
        let rule = "[gates]\nempty-pool = \"allow\"\n[[placements]]\nproject = \"Web Store\"\npool = \"Default Worker Pool\"\n";
        let workbench = Workbench::chapter(&format!("version = 1\n{waves}{rule}"));
        let output = workbench.run(&["plan", "--wave", wave]);
        let told = output.stdout.lines().chain(output.stderr.lines());
        let told: Vec<_> = told
            .filter(|told| {
                told.starts_with("error") || told.starts_with("warning") || told.contains("help:")
            })
            .collect();
        _ = writeln!(all, "{} {}", output.code, told.join(" | "));
    }
    insta::assert_snapshot!(all, @"
    1 error[unknown-project]: there is no project `Web Stor` |   = help: a project with a similar name exists: `Web Store`
    0 warning[idle-wave]: no project is in this wave |   = help: an earlier wave has its projects, or its selectors match none
    1 error[unknown-wave]: there is no wave `3` |  = help: available: 1 (`pilot`)
    1 error[duplicate-wave]: two waves have the label `A` |   = help: give each wave a label of its own
    1 error[unknown-wave]: there is no wave `1` |  = help: the file has no `[[waves]]`
    ");
}

/// The example of an image's end.
const END_OF_IMAGE: &str = include_str!("../../examples/windows-2022.toml");

#[test]
fn an_image_is_retired_wave_by_wave_and_rolled_back() {
    let workbench = Workbench::new(Seed::Cloud);
    workbench.write("workers.toml", END_OF_IMAGE);
    let id = workbench.id("projects", "Compliance");
    let variable = || {
        let set = workbench.get(&format!("/api/Spaces-1/variables/variableset-{id}"));
        set["Variables"][0]["Value"].as_str().unwrap().to_owned()
    };
    let before = (workbench.processes(), variable());
    let on = |pool: &str| {
        let id = workbench.id("workerpools", pool);
        workbench
            .processes()
            .values()
            .map(|process| process.matches(&format!("{id:?}")).count())
            .sum::<usize>()
    };
    assert_eq!(on("Windows 2022"), 4);
    workbench.run(&["apply", "--auto-approve", "--wave", "pilot"]).expect(0);
    assert_eq!((on("Windows 2022"), on("Windows 2025")), (2, 2));
    let pilot = workbench.receipt();
    workbench.apply();
    assert_eq!((on("Windows 2022"), on("Windows 2025")), (0, 4));
    assert_eq!(variable(), workbench.id("workerpools", "Windows 2025"));
    workbench.settled();
    let rest = workbench.receipt();
    for receipt in [rest, pilot] {
        workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    }
    assert_eq!(unversioned(&workbench.processes()), unversioned(&before.0));
    assert_eq!(variable(), before.1);
    assert!(!workbench.names("workerpools").contains(&"Windows 2025".to_owned()));
}
