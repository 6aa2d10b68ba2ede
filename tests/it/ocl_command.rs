//! `poolwright ocl`: a working tree, without a server.

use crate::workbench::{output, program};
use std::{fs, path::Path};
use tempfile::TempDir;

pub(crate) const RULES: &str = "version = 1\n[pools]\n\
    k = { name = \"Kubernetes Worker Pool\", slug = \"kubernetes-worker-pool\" }\n\
    [[placements]]\nlabel = \"all\"\nproject = \"Web Store\"\nprocess = \"any\"\npool = \"k\"\n";

/// A working tree with a process and a runbook, and a file of rules.
fn tree(rules: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let octopus = folder.path().join("web/.octopus");
    fs::create_dir_all(octopus.join("runbooks")).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ocl");
    fs::copy(from.join("deployment_process.ocl"), octopus.join("deployment_process.ocl")).unwrap();
    fs::copy(from.join("runbook.ocl"), octopus.join("runbooks/restart.ocl")).unwrap();
    fs::write(folder.path().join("workers.toml"), rules).unwrap();
    folder
}

pub(crate) fn run(folder: &TempDir, args: &[&str]) -> (i32, String) {
    let output = output(&mut program(folder.path(), &[&["ocl"], args].concat()));
    (output.code, format!("{}{}", output.stdout, output.stderr))
}

pub(crate) const PROJECT: [&str; 3] = ["--project", "web store", "."];

#[test]
fn a_plan_shows_the_steps_and_the_lines_and_an_apply_edits_them() {
    let folder = tree(RULES);
    let (code, text) = run(&folder, &[&["plan", "--exit-code"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"));
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
    3 steps in 2 of 2 files; not all is as the rules say, see the warnings
    note: 1 step acts on deployment targets, which are not in the files: on a Kubernetes agent, it runs on the agent and not in the pool
    warning[template-step]: 1 step from step templates, without a pool, stays unchanged
      --> web/.octopus/deployment_process.ocl:73:5
       |
    73 |     action "from-template" {
       |     ^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = note: "Migrate"
       = help: the file does not say whether a worker runs these steps; choose their pools once in Octopus

    1 warning
    edited ./web/.octopus/deployment_process.ocl
    edited ./web/.octopus/runbooks/restart.ocl
    review the edits with `git diff`, and commit them
    exit code 0
    "#);
    // Nothing is written where nothing changes.
    let file = folder.path().join("web/.octopus/deployment_process.ocl");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
    No changes: 2 files checked; not all is as the rules say, see the warnings
    warning[template-step]: 1 step from step templates, without a pool, stays unchanged
      --> web/.octopus/deployment_process.ocl:73:5
       |
    73 |     action "from-template" {
       |     ^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = note: "Migrate"
       = help: the file does not say whether a worker runs these steps; choose their pools once in Octopus

    1 warning
    exit code 0
    "#);
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
}

#[test]
fn a_plan_can_be_written_as_json() {
    let folder = octopus(RULES, &[("deployment_process.ocl", &step("a", ""))]);
    let (code, text) = run(&folder, &[&["plan", "--format", "json"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
    {
      "format_version": "1.0",
      "changes": [
        {
          "file": "./.octopus/deployment_process.ocl",
          "address": "deployment.steps[\"a\"]",
          "before": "default",
          "after": "kubernetes-worker-pool",
          "because": "workers.toml:4 \"all\""
        }
      ],
      "files": [
        "./.octopus/deployment_process.ocl"
      ]
    }
    exit code 0
    "#);
}

#[test]
fn conditions_that_a_working_tree_cannot_evaluate_are_reported() {
    let folder =
        tree(&RULES.replace("label = \"all\"", "project_group = \"Shop\"\ncurrently = \"server\""));
    let (code, text) = run(&folder, &["plan"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"));
}

#[test]
fn files_that_are_not_ocl_or_not_text_are_reported() {
    let folder = tree(RULES);
    let octopus = folder.path().join("web/.octopus");
    let all: [(&str, &[u8]); 2] = [("x.ocl", b"step \"a\" {"), ("x.ocl", b"\xff\xfes\0\n\0s")];
    let told = all.map(|(name, bytes)| {
        fs::write(octopus.join(name), bytes).unwrap();
        let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
        format!("{text}exit code {code}")
    });
    insta::assert_snapshot!(told.join("\n\n"));
    let (code, text) = run(&folder, &["plan", "nowhere"]);
    insta::assert_snapshot!(format!("{text}exit code {code}"), @"
    error: cannot read `nowhere`: No such file or directory (os error 2)
    help: name an OCL file or a folder that contains `.octopus`
    exit code 1
    ");
}

#[cfg(unix)]
#[test]
fn a_link_to_an_ocl_file_in_the_tree_is_followed_and_keeps_its_mode() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tree(RULES);
    let file = folder.path().join("web/.octopus/runbooks/restart.ocl");
    let real = folder.path().join("real.ocl");
    fs::rename(&file, &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &file).unwrap();
    assert_eq!(run(&folder, &[&["apply"], &PROJECT[..]].concat()).0, 0);
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("kubernetes-worker-pool"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn a_link_to_anything_else_is_neither_read_nor_edited() {
    use std::os::unix::fs::symlink;
    let outside = TempDir::new().unwrap();
    let process = step("a", "");
    fs::write(outside.path().join("process.ocl"), &process).unwrap();
    fs::write(outside.path().join("secret.txt"), "hunter2 {\n").unwrap();
    let folder = octopus(RULES, &[("deployment_process.ocl", &step("here", ""))]);
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at(".git")).unwrap();
    fs::write(at(".git/config.ocl"), "hunter2 {\n").unwrap();
    fs::write(at("notes.txt"), "hunter2 {\n").unwrap();
    let targets = [
        (outside.path().join("process.ocl"), "file.ocl"),
        (outside.path().join("secret.txt"), "secret.ocl"),
        (outside.path().to_owned(), "folder"),
        (outside.path().join("nothing.ocl"), "dangling.ocl"),
        ("/proc/self/environ".into(), "environ.ocl"),
        (at(".git/config.ocl"), "git.ocl"),
        (at("notes.txt"), "notes.ocl"),
    ];
    for (target, link) in &targets {
        symlink(target, at(".octopus").join(link)).unwrap();
    }
    // By the tree: it is told, and the rest is done.
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    assert_eq!(code, 0, "{text}");
    for (_, link) in &targets {
        let told =
            format!("warning: `.octopus/{link}` is a link, and does not lead to an OCL file");
        assert!(text.contains(&told), "{link}: {text}");
    }
    assert!(text.contains("1 step in 1 of 1 file\n"), "{text}");
    // By its own name: the link is the tree's, whoever names it.
    for (_, link) in targets.iter().filter(|(target, _)| target.exists()) {
        let path = format!(".octopus/{link}");
        let (code, text) = run(&folder, &["apply", "--project", "Web Store", &path]);
        assert_eq!(code, 1, "{link}: {text}");
        assert!(text.contains(&format!("error: `{path}` is a link to `")), "{link}: {text}");
        assert!(!text.contains("hunter2"), "{link}: {text}");
    }
    // So is a folder on the way.
    let path = ".octopus/folder/process.ocl";
    assert_eq!(run(&folder, &["apply", "--project", "Web Store", path]).0, 1);
    assert_eq!(fs::read_to_string(outside.path().join("process.ocl")).unwrap(), process);
    // Outside, by its own name, it is what the user wants.
    let named = outside.path().join("process.ocl");
    let (code, text) = run(&folder, &["apply", "--project", "Web Store", named.to_str().unwrap()]);
    assert_eq!((code, text.contains("edited ")), (0, true), "{text}");
}

/// The lines of a file in which a pool is chosen.
fn lines(folder: &TempDir, file: &str) -> String {
    let text = fs::read_to_string(folder.path().join(file)).unwrap();
    let lines = text.lines().filter(|it| it.trim_start().starts_with("worker_pool"));
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

/// A working tree with these files in its `.octopus`.
pub(crate) fn octopus(rules: &str, files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("workers.toml"), rules).unwrap();
    for (name, text) in files {
        let path = folder.path().join(".octopus").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A step that runs on a worker, with what chooses its pool.
pub(crate) fn step(label: &str, lines: &str) -> String {
    let properties = "properties = {\nOctopus.Action.RunOnServer = \"true\"\n}";
    let action = format!("action {{\naction_type = \"Octopus.Script\"\n{properties}\n{lines}}}");
    format!("step \"{label}\" {{\n{action}\n}}\n")
}

#[test]
fn a_file_that_refers_to_pools_by_name_keeps_using_names() {
    let named = [
        step("Build all", "worker_pool = \"Hosted Ubuntu\"\n"),
        step("Drain", ""),
        step("There already", "worker_pool = \"kubernetes worker Pool\"\n"),
    ];
    let slugs = format!("name = \"Restart\"\nprocess {{\n{}}}\n", step("restart", ""))
        .replace("action {", "name = \"Restart it\"\naction {");
    let files = [("deployment_process.ocl", &*named.concat()), ("runbooks/restart.ocl", &*slugs)];
    let folder = octopus(RULES, &files);
    assert_eq!(run(&folder, &[&["apply"], &PROJECT[..]].concat()).0, 0);
    insta::assert_snapshot!(lines(&folder, ".octopus/deployment_process.ocl"), @r#"
    worker_pool = "Kubernetes Worker Pool"
    worker_pool = "Kubernetes Worker Pool"
    worker_pool = "kubernetes worker Pool"
    "#);
    insta::assert_snapshot!(lines(&folder, ".octopus/runbooks/restart.ocl"), @r#"worker_pool = "kubernetes-worker-pool""#);
    // What a rule says by slug is written as the files spell it.
    let back = RULES.replace("pool = \"k\"", "pool = \"hosted-ubuntu\"");
    let folder = octopus(&back, &files);
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    assert_eq!((code, text.contains("unknown-pool")), (0, false), "{text}");
    insta::assert_snapshot!(lines(&folder, ".octopus/deployment_process.ocl"), @r#"
    worker_pool = "Hosted Ubuntu"
    worker_pool = "Hosted Ubuntu"
    worker_pool = "Hosted Ubuntu"
    "#);
}

#[test]
fn a_renamed_pool_keeps_the_slug_that_the_files_use() {
    let rules = RULES.replace("slug = \"kubernetes-worker-pool\"", "renamed_from = \"Old Pool\"");
    let steps = [step("a", "worker_pool = \"old-pool\"\n"), step("b", "worker_pool = \"other\"\n")];
    let folder = octopus(&rules, &[("deployment_process.ocl", &steps.concat())]);
    assert_eq!(run(&folder, &[&["apply"], &PROJECT[..]].concat()).0, 0);
    insta::assert_snapshot!(lines(&folder, ".octopus/deployment_process.ocl"), @r#"
    worker_pool = "old-pool"
    worker_pool = "old-pool"
    "#);
}

#[test]
fn a_slug_not_derived_from_a_name_is_written_verbatim() {
    let rules = RULES.replace("pool = \"k\"", "pool = \"my_pool\"");
    for first in ["worker_pool = \"my_pool\"\n", "worker_pool = \"#{Pool}\"\n"] {
        let steps = [step("a", first), step("b", "worker_pool = \"other\"\n")];
        let folder = octopus(&rules, &[("deployment_process.ocl", &steps.concat())]);
        assert_eq!(run(&folder, &[&["apply"], &PROJECT[..]].concat()).0, 0);
        let lines = lines(&folder, ".octopus/deployment_process.ocl");
        assert_eq!(lines, "worker_pool = \"my_pool\"\n".repeat(2));
        // Nor is it a name: the file has slugs.
        let folder = octopus(RULES, &[("deployment_process.ocl", &steps.concat())]);
        assert_eq!(run(&folder, &[&["apply"], &PROJECT[..]].concat()).0, 0);
        let lines = self::lines(&folder, ".octopus/deployment_process.ocl");
        assert_eq!(lines, "worker_pool = \"kubernetes-worker-pool\"\n".repeat(2));
    }
}

#[test]
fn an_unknown_pool_is_reported() {
    let rules = RULES.replace("pool = \"k\"", "pool = \"kubernetes-woker-pool\"");
    // A rule that is for another project is no matter.
    let rules = format!("{rules}[[placements]]\nstep = \"Elsewhere\"\npool = \"nobody-here\"\n");
    let folder = octopus(&rules, &[("deployment_process.ocl", &step("a", ""))]);
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"));
}

#[test]
fn runbook_drafts_count_as_runbooks_and_templates_use_parameters() {
    let draft = format!("name = \"Restart\"\nprocess {{\n{}}}\n", step("restart", ""));
    let template = format!(
        "name = \"T\"\nicon {{\n}}\n{}parameter \"Q\" {{\n}}\n",
        step("a", "worker_pool_variable = \"#{P}\"\n")
    );
    let files = [
        ("runbooks/migrated-drafts/restart.ocl", &*draft),
        ("process-templates/t.ocl", &*template),
    ];
    let folder = octopus(RULES, &files);
    let (code, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"));
    // By a variable it is placed as every step is.
    let rules = RULES.replace("pool = \"k\"", "pool_variable = \"#{Q}\"");
    let folder = octopus(&rules, &files);
    assert_eq!(run(&folder, &[&["apply"], &PROJECT[..]].concat()).0, 0);
    insta::assert_snapshot!(lines(&folder, ".octopus/process-templates/t.ocl"), @r##"worker_pool_variable = "#{Q}""##);
}

#[test]
fn files_in_other_languages_are_ignored_beside_an_octopus_folder() {
    let folder = octopus(RULES, &[("deployment_process.ocl", &step("a", ""))]);
    let other = folder.path().join("model.ocl");
    fs::write(&other, "context Person inv: self.age >= 0\n").unwrap();
    let (code, text) = run(&folder, &[&["plan"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"));
    // Named, it is meant.
    assert_eq!(run(&folder, &["plan", "--project", "Web Store", "model.ocl"]).0, 1);
    // Where there is no such folder, every file counts: the folder of a project may have any name.
    fs::rename(folder.path().join(".octopus"), folder.path().join("octopus")).unwrap();
    assert_eq!(run(&folder, &[&["plan"], &PROJECT[..]].concat()).0, 1);
}

#[test]
fn edits_preserve_other_bytes_in_every_encoding() {
    let text = step("a", "# w\u{e4}r \u{e9}\nworker_pool = \"other\"\n").replace('\n', "\r\n");
    let moved = text.replace("\"other\"", "\"kubernetes-worker-pool\"");
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    let latin1 = |text: &str| -> Vec<u8> { text.chars().map(|it| u32::from(it) as u8).collect() };
    let table = [
        (text.clone().into_bytes(), moved.clone().into_bytes()),
        (format!("\u{feff}{text}").into_bytes(), format!("\u{feff}{moved}").into_bytes()),
        (utf16(&text, u16::to_le_bytes), utf16(&moved, u16::to_le_bytes)),
        (utf16(&text, u16::to_be_bytes), utf16(&moved, u16::to_be_bytes)),
        (latin1(&text), latin1(&moved)),
    ];
    for (before, after) in table {
        let folder = octopus(RULES, &[("deployment_process.ocl", "")]);
        let file = folder.path().join(".octopus/deployment_process.ocl");
        fs::write(&file, before).unwrap();
        let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
        assert_eq!((code, fs::read(&file).unwrap()), (0, after), "{text}");
    }
}

#[test]
fn a_file_that_is_read_only_is_not_replaced_and_no_other_is_edited() {
    let folder = tree(RULES);
    let runbook = folder.path().join("web/.octopus/runbooks/restart.ocl");
    let mut rights = fs::metadata(&runbook).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&runbook, rights).unwrap();
    let (code, text) = run(&folder, &[&["apply"], &PROJECT[..]].concat());
    insta::assert_snapshot!(format!("{text}exit code {code}"), @r#"
    warning[template-step]: 1 step from step templates, without a pool, stays unchanged
      --> web/.octopus/deployment_process.ocl:73:5
       |
    73 |     action "from-template" {
       |     ^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = note: "Migrate"
       = help: the file does not say whether a worker runs these steps; choose their pools once in Octopus

    1 warning
    error: cannot write `./web/.octopus/runbooks/restart.ocl`: it is read-only; nothing was edited
    help: make it writable, or name only the other files
    exit code 1
    "#);
    assert!(!lines(&folder, "web/.octopus/deployment_process.ocl").contains("kubernetes"));
}

#[cfg(unix)]
#[test]
fn a_file_that_is_found_twice_is_edited_once() {
    let folder = tree(RULES);
    let file = folder.path().join("web/.octopus/runbooks/restart.ocl");
    std::os::unix::fs::symlink(&file, folder.path().join("again.ocl")).unwrap();
    let args = ["plan", "--project", "Web Store", ".", "web", "web/.octopus/runbooks/restart.ocl"];
    let (code, text) = run(&folder, &args);
    assert!(text.contains("3 steps in 2 of 2 files;"), "{text}{code}");
}
