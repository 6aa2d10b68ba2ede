//! `poolwright ocl`: whose files a tree has, and the steps that stay where they are.

use crate::ocl_command::{PROJECT, RULES, octopus, run, step};
use std::fs;
use tempfile::TempDir;

#[test]
fn a_project_uses_the_folder_with_its_name_among_several() {
    let folder = TempDir::new().unwrap();
    for project in ["web-store", "billing"] {
        let octopus = folder.path().join(".octopus").join(project);
        fs::create_dir_all(&octopus).unwrap();
        fs::write(octopus.join("deployment_process.ocl"), step("a", "")).unwrap();
    }
    fs::write(folder.path().join("workers.toml"), RULES).unwrap();
    let (code, text) = run(&folder, &[&["plan", "--exit-code"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
      ~ deployment.steps["a"]  # workers.toml:4 "all"
          pool  default → kubernetes-worker-pool

      --- a/.octopus/web-store/deployment_process.ocl
      +++ b/.octopus/web-store/deployment_process.ocl
      @@ -5,4 +5,5 @@
       Octopus.Action.RunOnServer = "true"
       }
      +worker_pool = "kubernetes-worker-pool"
       }
       }

    1 step in 1 of 1 file
    warning[several-projects]: found 2 projects; 1 file outside `web store` will not change

    1 warning
    exit code 2
    "#);
    let rules = RULES.replace("Web Store", "Shop");
    fs::write(folder.path().join("workers.toml"), rules).unwrap();
    let (code, text) = run(&folder, &["plan", "--project", "Shop", "."]);
    insta::assert_snapshot!(format!("{text}exit code {code}"), @"
    error[several-projects]: found 2 projects, but cannot tell which files belong to `Shop`
     |
     = note: .octopus/billing
             .octopus/web-store
     = help: name the project's folder, `poolwright ocl plan --project NAME FOLDER`, or declare the project of each folder under `[ocl.folders]`

    1 error
    exit code 1
    ");
}

#[test]
fn a_template_step_without_a_pool_is_an_error() {
    let template = "step \"call\" {\n    name = \"Call\"\n\n    action {\n        properties = {\n            \
                    Octopus.Action.Template.Id = \"ActionTemplates-1\"\n        }\n    }\n}\n";
    let file = format!("{}{template}", step("a", ""));
    let folder = octopus(RULES, &[("deployment_process.ocl", &file)]);
    let (code, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
      ~ deployment.steps["a"]  # workers.toml:4 "all"
          pool  default → kubernetes-worker-pool

      --- a/.octopus/deployment_process.ocl
      +++ b/.octopus/deployment_process.ocl
      @@ -5,4 +5,5 @@
       Octopus.Action.RunOnServer = "true"
       }
      +worker_pool = "kubernetes-worker-pool"
       }
       }

    1 step in 1 of 1 file; not all is as the rules say, see the warnings
    warning[template-step]: 1 step from step templates, without a pool, stays unchanged
      --> .octopus/deployment_process.ocl:12:5
       |
    12 |     action {
       |     ^^^^^^^^
       |
       = note: "Call"
       = help: the file does not say whether a worker runs these steps; choose their pools once in Octopus

    1 warning
    exit code 0
    "#);
    let named = RULES.replace("process = \"any\"", "step = \"call\"");
    fs::write(folder.path().join("workers.toml"), named).unwrap();
    let (code, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
    error[unmanaged-step]: step `call` uses a step template that is missing here, and names no pool
     --> workers.toml:7:8
      |
    7 | step = "call"
      |        ^^^^^^ only the template determines whether it runs on a worker
      |
      = help: choose its pool once in Octopus: a step that names a pool can be moved

    1 error
    exit code 1
    "#);
}

#[test]
fn a_step_that_loses_its_pool_is_set_to_run_on_a_worker() {
    let template = "step \"call\" {\n    name = \"Call\"\n\n    action {\n        worker_pool = \"k\"\n    }\n}\n";
    let file = format!("{}{template}", step("a", "        worker_pool = \"k\"\n"));
    let rules = "version = 1\n[[placements]]\ndefault_pool = true\n";
    let folder = octopus(rules, &[("deployment_process.ocl", &file)]);
    let (code, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
      ~ deployment.steps["a"]  # workers.toml:2
          pool  k → default
      ~ deployment.steps["Call"]  # workers.toml:2
          pool  k → default
          Octopus.Action.RunOnServer  unset → true  # only the pool implied it

      --- a/.octopus/deployment_process.ocl
      +++ b/.octopus/deployment_process.ocl
      @@ -5,5 +5,4 @@
       Octopus.Action.RunOnServer = "true"
       }
      -        worker_pool = "k"
       }
       }
      @@ -12,5 +11,7 @@
       
           action {
      -        worker_pool = "k"
      +        properties = {
      +            Octopus.Action.RunOnServer = "true"
      +        }
           }
       }

    2 steps in 1 of 1 file
    exit code 0
    "#);
}

#[test]
fn a_target_script_with_only_a_pool_counts_as_a_worker_step() {
    let script = |flag: &str| {
        format!(
            "step \"a\" {{\n    properties = {{\n        Octopus.Action.TargetRoles = \"web\"\n    }}\n\n    action {{\n        action_type = \"Octopus.Script\"\n        properties = {{\n            {flag}\n        }}\n        worker_pool = \"k\"\n    }}\n}}\n"
        )
    };
    let rules =
        "version = 1\n[pools.new]\nname = \"New\"\n[[placements]]\nstep = \"*\"\npool = \"new\"\n";
    for (flag, moves) in [("X = \"\"", true), ("Octopus.Action.RunOnServer = \"false\"", false)] {
        let before = script(flag);
        let folder = octopus(rules, &[("deployment_process.ocl", &before)]);
        let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
        assert_eq!(code, 0, "{text}");
        let after =
            fs::read_to_string(folder.path().join(".octopus/deployment_process.ocl")).unwrap();
        let moved = before.replace("worker_pool = \"k\"", "worker_pool = \"new\"");
        assert_eq!(after, if moves { moved } else { before }, "{text}");
    }
}

#[test]
fn a_project_can_be_given_by_slug_and_an_unmatched_one_is_reported() {
    let rules = "version = 1\n[pools.new]\nname = \"New\"\n[[placements]]\nproject = \"Web Store\"\npool = \"new\"\n";
    for (project, told) in [
        ("web-store", "+"),
        ("WEB STORE", "+"),
        ("Web Stor", "a rule selects a similar name: `Web Store`"),
    ] {
        let folder = octopus(rules, &[("deployment_process.ocl", &step("a", ""))]);
        let (code, text) = run(&folder, &["plan", "--project", project, ".octopus"]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(told) && text.contains("worker_pool") == (told == "+"), "{text}");
    }
}

#[test]
fn a_lingering_pool_on_a_target_step_is_reported_if_a_rule_differs() {
    let script = |name: &str, pool: &str| {
        format!(
            "step \"{name}\" {{\n    properties = {{\n        Octopus.Action.TargetRoles = \"web\"\n    }}\n\n    action {{\n        action_type = \"Octopus.Script\"\n        properties = {{\n            Octopus.Action.RunOnServer = \"false\"\n        }}\n        worker_pool = \"{pool}\"\n    }}\n}}\n"
        )
    };
    let file = [script("a", "old"), script("b", "old"), script("c", "new")].concat();
    let pool = "version = 1\n[pools.new]\nname = \"New\"\n[[placements]]\npool = \"new\"\n";
    for (step, told) in
        [("step = \"a\"", "1 step"), ("step = \"*\"", "2 steps"), ("step = \"c\"", "")]
    {
        let folder = octopus(&format!("{pool}{step}\n"), &[("deployment_process.ocl", &file)]);
        let (code, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
        assert_eq!(code, 0, "{text}");
        assert_eq!(text.contains("warning[lingering-pool]"), !told.is_empty(), "{text}");
        assert!(text.contains(told), "{text}");
    }
    let folder = octopus(&format!("{pool}step = \"*\"\n"), &[("deployment_process.ocl", &file)]);
    let (_, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
    insta::assert_snapshot!(text);
}

#[test]
fn an_untyped_step_is_reported_if_a_rule_selects_by_type() {
    let template = "step \"call\" {\n    name = \"Call\"\n\n    action {\n        worker_pool = \"old\"\n    }\n}\n";
    let file = format!("{}{template}", step("a", ""));
    let pools = "version = 1\n[pools.new]\nname = \"New\"\n[pools.other]\nname = \"Other\"\n";
    let typed = "[[placements]]\naction_type = \"Octopus.Script\"\npool = \"new\"\n";
    let all = "[[placements]]\nstep = \"*\"\npool = \"other\"\n";
    let same = "[[placements]]\nstep = \"*\"\npool = \"new\"\n";
    let told = |rules: &str| {
        let folder = octopus(&format!("{pools}{rules}"), &[("deployment_process.ocl", &file)]);
        let (code, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
        assert_eq!(code, 0, "{text}");
        text
    };
    let is_told = |rules: &str| told(rules).contains("warning[untyped-step]");
    insta::assert_snapshot!(told(&format!("{typed}{all}")));
    assert!(is_told(typed));
    // An earlier rule decides whatever the type is, or what comes later says the same.
    assert!(!is_told(&format!("{all}{typed}")));
    assert!(!is_told(&format!("{typed}{same}")));
    // A rule about other steps, and one about all types.
    assert!(!is_told(&typed.replace("action_type", "step = \"b*\"\naction_type")));
    assert!(!is_told(&typed.replace("Octopus.Script", "*")));
    // Nobody knows whether a type that no file has is one that is excluded.
    let excluding = told(&typed.replace("Octopus.Script", "!Octopus.Manual"));
    assert!(excluding.contains("warning[untyped-step]"), "{excluding}");
    assert!(!excluding.contains("-        worker_pool = \"old\""), "{excluding}");
    let leave = "[[placements]]\naction_type = \"Octopus.Script\"\nleave = true\n";
    assert!(is_told(&format!("{leave}{all}")) && !is_told(leave));
}

#[test]
fn a_target_step_named_by_a_rule_is_reported_without_a_project() {
    let on_targets = |flag: &str| {
        step("a", flag).replace(
            "Octopus.Action.RunOnServer = \"true\"",
            "Octopus.Action.RunOnServer = \"false\"",
        )
    };
    let rules =
        "version = 1\n[pools.new]\nname = \"New\"\n[[placements]]\nstep = \"a\"\npool = \"new\"\n";
    for (line, code) in [("", "target-step"), ("        worker_pool = \"k\"\n", "lingering-pool")] {
        let folder = octopus(rules, &[("deployment_process.ocl", &on_targets(line))]);
        let (exit, text) = run(&folder, &["plan", ".octopus"]);
        assert_eq!(exit, 0, "{text}");
        assert!(
            text.contains(&format!("warning[{code}]")) && !text.contains("projects["),
            "{text}"
        );
    }
}
