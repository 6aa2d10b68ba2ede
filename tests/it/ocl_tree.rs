//! `poolwright ocl`: which files of a working tree are its own, whose they are, and what is written into them.

use crate::ocl_command::{octopus, run, step};
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

const RULES: &str = "version = 1\n[pools]\nnew = { name = \"New\", slug = \"new\" }\n[[placements]]\nprocess = \"any\"\npool = \"new\"\n";
const TO_DEFAULT: &str =
    "version = 1\n[[placements]]\nprocess = \"any\"\nstep = \"*\"\ndefault_pool = true\n";

fn git(folder: &Path, args: &[&str]) {
    let identity =
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always"];
    let output = Command::new("git").arg("-C").arg(folder).args(identity).args(args).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn moved(folder: &TempDir, name: &str) -> bool {
    fs::read_to_string(folder.path().join(name)).unwrap().contains("\"new\"")
}

#[test]
fn only_the_files_of_the_repository_itself_are_edited() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let process = step("a", "");
    put(other.path(), ".octopus/deployment_process.ocl", &process);
    for args in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "a"]] {
        git(other.path(), args);
    }
    let root = folder.path();
    git(root, &["init", "-q"]);
    put(root, "workers.toml", RULES);
    put(root, ".gitignore", "build/\nignored.ocl\n");
    for name in [
        ".octopus/deployment_process.ocl",
        ".octopus/ignored.ocl",
        "services/web/.octopus/deployment_process.ocl",
        "build/.octopus/deployment_process.ocl",
        "elsewhere/deployment_process.ocl",
    ] {
        put(root, name, &process);
    }
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "a"]);
    git(root, &["submodule", "add", "-q", other.path().to_str().unwrap(), "module"]);
    git(root, &["worktree", "add", "-q", "nested"]);
    put(root, ".octopus/runbooks/untracked.ocl", &process);
    let (code, text) = run(&folder, &["apply"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 steps in 3 of 3 files"), "{text}");
    assert!(text.contains("`elsewhere/deployment_process.ocl` is outside `.octopus`"), "{text}");
    for (name, is_own) in [
        (".octopus/deployment_process.ocl", true),
        (".octopus/runbooks/untracked.ocl", true),
        ("services/web/.octopus/deployment_process.ocl", true),
        (".octopus/ignored.ocl", false),
        ("build/.octopus/deployment_process.ocl", false),
        ("elsewhere/deployment_process.ocl", false),
        ("module/.octopus/deployment_process.ocl", false),
        ("nested/.octopus/deployment_process.ocl", false),
    ] {
        assert_eq!(moved(&folder, name), is_own, "{name}");
    }
    // What is named is edited, wherever it is.
    let named = "elsewhere/deployment_process.ocl";
    assert_eq!(run(&folder, &["apply", named]).0, 0);
    assert!(moved(&folder, named));
    assert_eq!(run(&folder, &["apply", "module"]).0, 0);
    assert!(moved(&folder, "module/.octopus/deployment_process.ocl"));
}

#[test]
fn a_nested_repository_in_a_folder_without_git_is_not_edited() {
    let folder = octopus(RULES, &[("deployment_process.ocl", &step("a", ""))]);
    let inside = "vendor/other/.octopus/deployment_process.ocl";
    put(folder.path(), inside, &step("a", ""));
    put(folder.path(), "vendor/other/.git", "gitdir: somewhere\n");
    let (code, text) = run(&folder, &["apply"]);
    assert!(code == 0 && text.contains("1 step in 1 of 1 file"), "{text}");
    assert!(!moved(&folder, inside));
}

#[test]
fn the_file_maps_folders_to_projects() {
    let rules = "version = 1\n[pools]\nnew = { name = \"New\", slug = \"new\" }\n\
        [ocl.folders]\n\".octopus\" = \"Shop\"\n\".octopus/billing\" = \"Billing\"\n\
        [[placements]]\nproject = \"Billing\"\npool = \"new\"\n";
    let files = [
        ("deployment_process.ocl", &*step("a", "")),
        ("billing/deployment_process.ocl", &step("b", "")),
    ];
    let folder = octopus(rules, &files);
    let (code, text) = run(&folder, &["plan", "--exit-code"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"));
}

/// A script whose action has these lines, and no other property.
fn script(lines: &str) -> String {
    format!(
        "step \"a\" {{\n    name = \"A\"\n\n    action {{\n        action_type = \"Octopus.Script\"\n{lines}    }}\n}}\n"
    )
}

#[test]
fn a_step_that_moves_to_the_default_pool_says_that_it_runs_on_a_worker() {
    let lines = "        properties = {\n            Octopus.Action.RunOnServer = \"\"\n            Z = \"1\"\n        }\n        worker_pool = \"old\"\n";
    let folder = octopus(TO_DEFAULT, &[("deployment_process.ocl", &script(lines))]);
    let (code, text) = run(&folder, &["plan"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"));
    for (lines, after) in [
        (lines, lines.replace("\"\"", "\"true\"").replace("        worker_pool = \"old\"\n", "")),
        (
            "        worker_pool_variable = \"P\"\n",
            "        properties = {\n            Octopus.Action.RunOnServer = \"true\"\n        }\n".to_owned(),
        ),
    ] {
        for end in ["\n", "\r\n"] {
            let text = script(lines).replace('\n', end);
            let folder = octopus(TO_DEFAULT, &[("deployment_process.ocl", &text)]);
            assert_eq!(run(&folder, &["apply"]).0, 0);
            let path = folder.path().join(".octopus/deployment_process.ocl");
            assert_eq!(fs::read_to_string(path).unwrap(), script(&after).replace('\n', end));
            let (_, again) = run(&folder, &["plan"]);
            assert!(again.contains("No changes: 1 file checked\n"), "{again}");
        }
    }
}

#[test]
fn a_doubtful_slug_is_an_error_and_never_written() {
    let rules = |pool: &str| {
        format!("version = 1\n[pools.p]\n{pool}\n[[placements]]\nprocess = \"any\"\npool = \"p\"\n")
    };
    let file = step("a", "worker_pool = \"other\"\n");
    for name in ["All", "東京", "Tür", "!!!", "🚀"] {
        let folder =
            octopus(&rules(&format!("name = {name:?}")), &[("deployment_process.ocl", &file)]);
        let (code, text) = run(&folder, &["apply"]);
        assert_eq!(code, 1, "{name}: {text}");
        assert!(text.contains("error[doubtful-slug]") && text.contains("[pools.p]"), "{text}");
        let path = folder.path().join(".octopus/deployment_process.ocl");
        assert_eq!(fs::read_to_string(path).unwrap(), file);
        let slug = format!("name = {name:?}\nslug = \"new\"");
        fs::write(folder.path().join("workers.toml"), rules(&slug)).unwrap();
        assert_eq!(run(&folder, &["apply"]).0, 0);
        assert!(moved(&folder, ".octopus/deployment_process.ocl"));
    }
    let two = "name = \"A B\"\n[pools.q]\nname = \"A-B\"";
    let folder =
        octopus(&rules(two), &[("deployment_process.ocl", &step("a", "worker_pool = \"a-b\"\n"))]);
    let (code, text) = run(&folder, &["plan"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"));
    // A derived slug that no file has is told, with the one that looks like it.
    let default = "name = \"Default Worker Pool\"";
    let file = step("a", "worker_pool = \"default-worker-pool-1\"\n");
    let folder = octopus(&rules(default), &[("deployment_process.ocl", &file)]);
    let (code, text) = run(&folder, &["plan"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"));
}

#[test]
fn the_version_of_the_schema_decides_between_names_and_slugs() {
    let rules = "version = 1\n[pools]\np = { name = \"My Pool\", slug = \"my-pool\" }\n[[placements]]\npool = \"p\"\n";
    for (version, written) in
        [("10", "my-pool"), ("5", "my-pool"), ("3", "My Pool"), ("1", "My Pool")]
    {
        let schema = format!("version = {version}");
        let file =
            step("Hello world (using PowerShell)", "worker_pool = \"raspberry-pi-cluster\"\n");
        let folder =
            octopus(rules, &[("schema_version.ocl", &schema), ("deployment_process.ocl", &file)]);
        assert_eq!(run(&folder, &["apply"]).0, 0);
        let path = folder.path().join(".octopus/deployment_process.ocl");
        let after = fs::read_to_string(path).unwrap();
        assert_eq!(after, file.replace("raspberry-pi-cluster", written), "{version}");
    }
}

#[test]
fn only_a_template_parameter_can_place_template_steps() {
    let parameters = "parameter \"Worker Pool\" {\n    display_settings = {\n        Octopus.ControlType = \"WorkerPool\"\n    }\n}\n";
    let process = step("a", "worker_pool_variable = \"#{Old}\"\n");
    let project = [
        ("project-templates/svc/deployment_process.ocl", process.clone()),
        ("project-templates/svc/parameters.ocl", parameters.to_owned()),
        ("project-templates/svc/template.ocl", "name = \"Svc\"\n".to_owned()),
    ];
    let process = [("process-templates/t.ocl", format!("name = \"T\"\n{process}\n{parameters}"))];
    for files in [&project[..], &process[..]] {
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
        for (target, moves) in [
            ("pool_variable = \"#{Worker Pool}\"", true),
            ("pool_variable = \"#{Pool}\"", false),
            ("pool_variable = \"Project.WorkerPool\"", false),
            ("pool = \"new\"", false),
            ("default_pool = true", false),
        ] {
            let folder = octopus(&RULES.replace("pool = \"new\"", target), &files);
            let (code, text) = run(&folder, &["plan"]);
            assert_eq!(code, 0, "{text}");
            assert_eq!(text.contains("1 step in 1 of"), moves, "{target}: {text}");
            let is_told = text.contains("warning[process-template]")
                && text.contains("`pool_variable = \"#{Worker Pool}\"`")
                && text.contains("not all is as the rules say");
            assert_eq!(is_told, !moves, "{target}: {text}");
        }
    }
}

#[test]
fn pool_variable_values_are_edited_or_reported() {
    let variables = "variable \"Project.WorkerPool\" {\r\n    type = \"WorkerPool\"\r\n\r\n    value \"old-pool\" {\r\n        environment = [\"production\"]\r\n    }\r\n\r\n    value \"other\" {}\r\n}\r\n\r\nvariable \"Text\" {\r\n    value \"x\" {}\r\n}";
    let process = step("a", "worker_pool_variable = \"Project.WorkerPool\"\n");
    let files = [("variables.ocl", variables), ("deployment_process.ocl", &*process)];
    let rule = |lines: &str| {
        format!(
            "version = 1\n[pools]\nnew = {{ name = \"New\", slug = \"new\" }}\n[[pool_variables]]\nproject = \"Web Store\"\n{lines}\n"
        )
    };
    let args = |command| [command, "--project", "Web Store"];
    let set =
        rule("variable = \"project.workerpool\"\nenvironment = \"Production\"\npool = \"new\"");
    let folder = octopus(&set, &files);
    let (code, text) = run(&folder, &args("plan"));
    insta::assert_snapshot!(format!("{text}exit code {code}"));
    assert_eq!(run(&folder, &args("apply")).0, 0);
    let path = folder.path().join(".octopus/variables.ocl");
    assert_eq!(fs::read_to_string(&path).unwrap(), variables.replace("old-pool", "new"));
    let (_, again) = run(&folder, &args("plan"));
    assert!(again.contains("No changes: 2 files checked\n"), "{again}");
    for (lines, told) in [
        (
            "variable = \"Project.WorkerPool\"\nenvironment = \"Test\"\npool = \"new\"",
            "has no value for environment Test",
        ),
        (
            "variable = \"Missing\"\npool = \"new\"",
            "no file of the project has the variable `Missing`",
        ),
        ("variable = \"Text\"\npool = \"new\"", "the variable is not a worker pool"),
        (
            "variable = \"Project.WorkerPool\"\nremove = true",
            "its value without a scope is not removed",
        ),
    ] {
        let folder = octopus(&rule(lines), &files);
        let (code, text) = run(&folder, &args("plan"));
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("warning[unedited-value]") && text.contains(told), "{told}: {text}");
        assert!(text.contains("not all is as the rules say"), "{text}");
    }
    // Without a project nothing is changed, and that is told.
    let folder = octopus(&set, &files);
    let (_, text) = run(&folder, &["plan"]);
    assert!(text.contains("the project of these files is unknown"), "{text}");
    // Another project's value is none of this one's.
    let folder = octopus(&set, &files);
    let (_, text) = run(&folder, &["plan", "--project", "Billing"]);
    assert!(text.contains("No changes: 2 files checked") && !text.contains("unedited"), "{text}");
}

#[test]
fn target_steps_that_a_tree_cannot_resolve_are_noted() {
    let tagged = step("a", "worker_pool = \"old\"\n")
        .replace("action {", "properties = {\nOctopus.Action.TargetRoles = \"web\"\n}\naction {");
    let folder = octopus(RULES, &[("deployment_process.ocl", &tagged)]);
    let (_, text) = run(&folder, &["plan"]);
    assert!(
        text.contains("note: 1 step acts on deployment targets")
            && text.contains("Kubernetes agent"),
        "{text}"
    );
    let (_, json) = run(&folder, &["plan", "--format", "json"]);
    assert!(json.contains("\"notes\""), "{json}");
}
