//! What people type who come from other tools: understood, or refused with what to type instead.

use crate::workbench::{Output, Workbench, output, program};
use std::{fmt::Write as _, fs};

const POOLS: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n[pools.web]\nname = \"Web\"\n";

#[test]
fn single_dash_options_work_like_double_dash_ones() {
    let workbench = Workbench::chapter(POOLS);
    let Output { stdout, .. } =
        workbench.run(&["plan", "-out=plan2.json", "-target=pools.sql", "-exit-code"]).expect(2);
    assert!(stdout.ends_with("Plan: 1 to create\n"), "{stdout}");
    let names = fs::read_dir(workbench.folder.path()).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["plan2.json", "workers.toml"]);
    workbench.run(&["plan", "-out", "plan3.json"]).expect(0);
    workbench.run(&["apply", "-auto-approve", "plan3.json"]).expect(0);
    workbench.write("workers.toml", &format!("{POOLS}[pools.more]\n"));
    workbench.run(&["apply", "-y"]).expect(0);
    workbench.write("workers.toml", &format!("{POOLS}[pools.more]\n[pools.evenmore]\n"));
    workbench.run(&["apply", "--yes"]).expect(0);
}

#[test]
fn options_of_other_tools_are_refused_with_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = String::new();
    for line in [
        "plan -json",
        "plan -var=a=b",
        "plan -detailed-exitcode",
        "plan --dry-run",
        "plan -refresh=false",
        "apply -out=x",
        "apply -input=false",
        "plan -outt=plan.json",
        "plan -formt=json",
        "plan --no-color",
        "apply -api-key=API-SECRET",
        "diff",
        "validate",
        "dump",
        "sync",
        "destroy",
        "import",
        "state list",
        "get pools",
        "aply",
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let run = output(&mut program(folder.path(), &args)).expect(1);
        let lines =
            run.stderr.lines().filter(|line| line.starts_with("error") || line.contains("tip:"));
        let lines: Vec<&str> = lines.map(str::trim).collect();
        _ = writeln!(told, "{line}\n  {}", lines.join("\n  "));
        assert!(!run.stderr.contains("SECRET"), "{}", run.stderr);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    insta::assert_snapshot!(told);
}

#[test]
fn a_folder_argument_means_its_files() {
    let workbench = Workbench::chapter("");
    fs::remove_file(workbench.folder.path().join("workers.toml")).unwrap();
    for folder in ["conf", "conf/below", "conf/folder.toml", "empty"] {
        fs::create_dir_all(workbench.folder.path().join(folder)).unwrap();
    }
    workbench.write("conf/b.toml", "version = 1\n[pools.b]\n");
    workbench.write("conf/a.toml", "version = 1\n[pools.a]\n");
    for name in ["conf/.hidden.toml", "conf/below/c.toml", "conf/notes.txt"] {
        workbench.write(name, "this is not TOML");
    }
    let Output { stdout, .. } = workbench.run(&["check", "-f", "conf"]).expect(0);
    assert_eq!(
        stdout,
        "conf/a.toml, conf/b.toml: 2 pools, 0 workers, 0 rules: no problems found\n"
    );
    workbench.run(&["plan", "-f", "conf", "-o", "plan.json"]).expect(0);
    workbench.run(&["apply", "plan.json"]).expect(0);
    workbench.run(&["explain", "-f", "conf", "--pool", "a"]).expect(0);
    let Output { stderr, .. } = workbench.run(&["plan", "-f", "empty"]).expect(1);
    insta::assert_snapshot!(stderr, @"
    error: there is no `*.toml` file in `empty`
    help: run `poolwright init` there to write a starter file; files in folders below are not read
    ");
}

#[test]
fn an_unknown_target_is_an_error_with_the_nearest_address() {
    let workbench = Workbench::chapter(POOLS);
    let mut told = String::new();
    for target in [
        "pools.sq",
        "pool.sql",
        "pool.*",
        "workers.nobody",
        "projects[\"Web\"].deployment.steps[\"x\"]",
    ] {
        let Output { stderr, .. } = workbench.run(&["plan", "--target", target]).expect(1);
        let lines = stderr.lines().filter(|line| line.contains("error") || line.contains("help:"));
        lines.for_each(|line| _ = writeln!(told, "{}", line.trim()));
    }
    insta::assert_snapshot!(told, @r#"
    error[unknown-target]: there is nothing at the address `pools.sq`
    = help: a similar address exists: `pools.sql`
    1 error
    error: `pool.sql` is not a valid address: expected `pools`, `workers`, `projects`, `library_sets`, `targets` or `server.built_in_worker` after character 0
    help: a similar address exists: `pools.sql`
    error: `pool.*` is not a valid address: expected `pools`, `workers`, `projects`, `library_sets`, `targets` or `server.built_in_worker` after character 0
    help: a similar address exists: `pools.web`
    error[unknown-target]: the files say nothing about the address `workers.nobody`
    1 error
    error[unknown-target]: the files say nothing about the address `projects["Web"].deployment.steps["x"]`
    1 error
    "#);
}

#[test]
fn the_page_about_a_code_needs_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| output(&mut program(folder.path(), args));
    let Output { stdout, .. } = run(&["explain", "--code", "empty-pool"]).expect(0);
    assert!(stdout.starts_with("empty-pool\n\nSteps would run in a pool"), "{stdout}");
    let Output { stdout, .. } = run(&["explain", "--code"]).expect(0);
    assert!(stdout.lines().any(|line| line.starts_with("empty-pool ")), "{stdout}");
    let Output { stderr, .. } = run(&["explain", "--code", "empty-pol"]).expect(1);
    insta::assert_snapshot!(stderr, @"
    error: `empty-pol` is not the code of a finding
    help: a code with a similar name exists: `empty-pool`
    ");
}
