//! No secret of a file, of the environment or of a server's answer is printed or saved.

use crate::workbench::{Output, Workbench, output, program, text_at};
use octopus_sandbox::{ADMIN_KEY, Seed};
use std::fs;

/// What no output may contain.
const HIDDEN: &str = "hunter2";

fn text(run: &Output) -> String {
    format!("{}{}", run.stdout, run.stderr)
}

#[test]
fn no_excerpt_shows_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        "version = 1\n[octopus]\napi_key = API-HUNTER2HUNTER2HUNTER2\n",
        "version = 1\n[octopus]\napi_key = hunter2\n",
        "version = 1\n[octopus]\napi_key = \"hunter2\nspace = \"x\"\n",
        "version = 1\n[octopus]\npasword = \"hunter2\"\n",
        "version = 1\n[octopus]\ntoken = [\n  \"hunter2\"\n  \"hunter2\"\n]\n",
        "version = 1\n[octopus]\nurl = \"https://me:hunter2@octopus.example\"\n",
        "version = 1\n[octopus]\nurl = https://me:hunter2@octopus.example\n",
        "version = 1\n[octopus]\nurl = \"htps://me:hunter2@octopus.example\"\n",
        "version = 1\n[octopus]\nurl = \"https://octopus.example/?apikey=hunter2\"\n",
        "version = 1\n[octopus]\nurl = \"https://octopus.example/api?a=b&token=hunter2\"\n",
        "version = 1\n[octopus]\nurl = \"ftp://octopus.example/?apikey=hunter2\"\n",
        "version = 1\n[workers.a]\npools = [\"p\"]\nssh = { hots = \"h\", account = \"a\", password = \"hunter2\" }\n",
        "version = 1\n[workers.a]\npools = [\"p\"]\nssh = { host = \"h\" account = \"a\", secret = \"hunter2\" }\n",
        "version = 1\n[workers.a]\npools = [\"p\"]\nssh = { host = \"h\", key = 'hunter2', fingerprint = 5 }\n",
        "version = 1\n[workers.a]\npools = [\"p\"]\nssh = { host = \"h\", password = \"\"\"\nuser = 1\nhunter2 \\q\n\"\"\" }\n",
        "version = 1\n[pools.a]\ndescription = \"\"\"\n-----BEGIN RSA PRIVATE KEY-----\nhunter2 \\q\n-----END\"\"\"\n",
        "version = 1\n[pools.a]\nname = 5 # password: hunter2\n",
        "version = 1\n[pools.a]\nnam = \"Bearer hunter2hunter2\"\n",
        "version = 1\nAPI-HUNTER2HUNTER2HUNTER2\n",
        "version = 1\n[pools.a]\nprotect = \"API-HUNTER2HUNTER2HUNTER2\"\n",
        "version = 1\n[pools.a]\nmembers = \"eyJhbGciOiJIUzI1NiJ9.hunter2.hunter2\"\n",
    ];
    for file in files {
        fs::write(folder.path().join("workers.toml"), file).unwrap();
        let run = output(&mut program(folder.path(), &["check"])).expect(1);
        let text = text(&run);
        assert!(!text.to_lowercase().contains(HIDDEN), "{file}\n{text}");
        assert!(text.contains("workers.toml:"), "the place is missing: {text}");
    }
    fs::write(folder.path().join("workers.toml"), files[11]).unwrap();
    let run = output(&mut program(folder.path(), &["check"])).expect(1);
    insta::assert_snapshot!(run.stderr, @"
    error[missing-key]: `fingerprint` is missing
    --> workers.toml:4
     = note: the line is not shown, because it may contain a secret
     = help: add `fingerprint`, the fingerprint of the host's key, as the server shows it

    error[unknown-key]: unknown key `hots`
    --> workers.toml:4
     = note: the line is not shown, because it may contain a secret
     = help: a key with a similar name exists: `host`

    error[secret-in-file]: `password` is a secret and must not be in a file
    --> workers.toml:4
     = help: remove it; a machine's secret belongs in the account, in Octopus

    3 errors
    ");
}

#[test]
fn ocl_excerpts_and_diffs_never_show_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let rules =
        "version = 1\n[pools.k]\nname = \"K\"\n[[placements]]\nprocess = \"any\"\npool = \"k\"\n";
    fs::write(folder.path().join("workers.toml"), rules).unwrap();
    let action = "    action {\n        action_type = \"Octopus.Script\"\n        Token = \"hunter2\"\n        \
                  worker_pool = \"other\"\n        properties = {\n            Db.Password = \"hunter2\"\n        }\n    }\n";
    let files = [
        format!("step \"a\" {{\n{action}}}\n"),
        "step \"a\" {\n  password = \"hunter2\n".to_owned(),
        "step \"a\" {\n  api_key = API-HUNTER2HUNTER2\n}\n".to_owned(),
    ];
    for file in files {
        fs::write(folder.path().join("deployment_process.ocl"), &file).unwrap();
        let run = output(&mut program(folder.path(), &["ocl", "plan", "deployment_process.ocl"]));
        assert!(!text(&run).to_lowercase().contains(HIDDEN), "{}", text(&run));
    }
}

#[test]
fn a_file_that_is_not_text_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("workers.toml"), "PATH=x\0PIN=hunter2\0").unwrap();
    let run = output(&mut program(folder.path(), &["check"])).expect(1);
    insta::assert_snapshot!(run.stderr, @"
    error: cannot read `workers.toml`: it is not a text file
    help: name a TOML file with `-f FILE`
    ");
}

#[test]
fn a_response_that_quotes_the_key_is_not_repeated() {
    let workbench = Workbench::chapter("version = 1\n[pools.new]\nname = \"New\"\n");
    let quoted = |answer: &str| answer.replace("KEY", ADMIN_KEY);
    for answer in [
        r#"{"ErrorMessage":"`KEY` is not known","Errors":["KEY"]}"#,
        "<html><title>KEY</title>",
        "<html><title>01234567890123456789012345678901234567890123456789012345678901234567 KEY</title>",
        r#"["KEY"]"#,
        r#"{"Items":"KEY","Version":"KEY","Application":"KEY"}"#,
    ] {
        for path in [
            "GET /api ",
            "GET /api/spaces",
            "GET /api/Spaces-1/work",
            "GET /api/Spaces-1/users",
            "GET /api/Spaces-1/channels",
        ] {
            let (body, start) = (quoted(answer), path.to_owned());
            let url =
                workbench.in_front(move |line| line.starts_with(&start).then(|| body.clone()));
            for args in [
                &["plan", "-vv", "--url", &url, "-o", "plan.json"][..],
                &["apply", "--auto-approve", "--url", &url],
                &["pull", "-o", "pulled.toml", "--force", "--url", &url],
            ] {
                let run = output(workbench.command(args).env("RUST_LOG", "trace"));
                assert!(!text(&run).contains(ADMIN_KEY), "{args:?}: {}", text(&run));
            }
        }
    }
    for entry in walk(workbench.folder.path()) {
        let bytes = fs::read(&entry).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(ADMIN_KEY), "{}", entry.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn help_shows_no_environment_values() {
    let folder = tempfile::tempdir().unwrap();
    for args in
        [&["plan", "--help"][..], &["apply", "-h"], &["sandbox", "--help"], &["--help"], &["man"]]
    {
        let mut command = program(folder.path(), args);
        for name in ["OCTOPUS_URL", "OCTOPUS_SPACE", "OCTOPUS_API_KEY", "OCTOPUS_ACCESS_TOKEN"] {
            command.env(name, "https://hunter2");
        }
        assert!(!text(&output(&mut command).expect(0)).contains(HIDDEN), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_never_names_a_sandbox_outside_the_working_folder() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    let away = outside.path().join("x.db").display().to_string();
    for path in [&away, "../x.db", "a/../../x.db"] {
        let file = format!("version = 1\n[octopus]\nurl = \"sandbox:{path}\"\n[pools.a]\n");
        fs::write(folder.path().join("workers.toml"), file).unwrap();
        let run = output(&mut program(folder.path(), &["check"])).expect(1);
        assert!(run.stderr.contains("a file cannot name a sandbox outside"), "{}", run.stderr);
    }
    let file = "version = 1\n[octopus]\nurl = \"sandbox:link/x.db\"\n[pools.a]\n";
    fs::write(folder.path().join("workers.toml"), file).unwrap();
    let run = output(&mut program(folder.path(), &["plan"])).expect(1);
    assert!(run.stderr.contains("is a link to"), "{}", run.stderr);
    assert_eq!(walk(outside.path()).len(), 0);
    // By the command line it may.
    output(&mut program(folder.path(), &["plan", "--url", &format!("sandbox:{away}")])).expect(0);
}

#[test]
fn a_database_of_another_program_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.db");
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign
        .execute_batch("create table document (id text); insert into document values ('x')")
        .unwrap();
    drop(foreign);
    fs::write(
        folder.path().join("workers.toml"),
        "version = 1\n[octopus]\nurl = \"sandbox:foreign.db\"\n",
    )
    .unwrap();
    fs::write(folder.path().join("notes.txt"), "not a database").unwrap();
    for (file, args) in [
        ("foreign.db", &["plan"][..]),
        ("foreign.db", &["plan", "--url", "sandbox:foreign.db"]),
        ("foreign.db", &["sandbox", "--db", "foreign.db", "--port", "0"]),
        ("foreign.db", &["sandbox", "--db", "foreign.db", "--export", "x.json"]),
        ("notes.txt", &["plan", "--url", "sandbox:notes.txt"]),
    ] {
        let path = folder.path().join(file);
        let before = fs::read(&path).unwrap();
        let run = output(&mut program(folder.path(), args)).expect(1);
        assert!(
            run.stderr.contains(&format!("`{file}` is not a sandbox's database")),
            "{}",
            run.stderr
        );
        assert_eq!(fs::read(&path).unwrap(), before, "{args:?}");
        assert_eq!(walk(folder.path()).len(), 3, "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn files_left_by_a_run_are_private_to_the_user() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("workers.toml"),
        "version = 1\n[pools.a]\n[gates]\nempty-pool = \"allow\"\n",
    )
    .unwrap();
    let run = |args: &[&str]| output(&mut program(folder.path(), args)).expect(0);
    run(&["plan", "--url", "sandbox:", "-o", "plan.json"]);
    run(&["apply", "plan.json", "--url", "sandbox:"]);
    run(&["sandbox", "--export", "state.json"]);
    let mut seen = 0;
    for path in walk(folder.path()).into_iter().filter(|path| !path.ends_with("workers.toml")) {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 4, "plan, state, database and receipt");
}

#[test]
fn a_key_in_a_value_is_kept_in_files_and_never_printed() {
    let workbench = Workbench::new(Seed::Chapter);
    let pools = "/api/Spaces-1/workerpools";
    let old = workbench.send("POST", pools, crate::sandbox::pool("Old"));
    let path = format!("{pools}/{}", text_at(&old, "/Id"));
    let foreign = "API-ZYXWVUTSRQPONMLKJIHG";
    let written = format!("{foreign} and {ADMIN_KEY} of the build");
    workbench.edit(&path, |pool| pool["Description"] = written.clone().into());
    workbench.write("workers.toml", "version = 1\n[pools.Old]\ndescription = \"clean\"\n");
    let shows_nothing = |run: &Output| {
        let told = text(run);
        assert!(!told.contains(foreign) && !told.contains(ADMIN_KEY), "{told}");
    };
    for args in [&["plan"][..], &["plan", "--format", "json"], &["plan", "-o", "plan.json"]] {
        shows_nothing(&workbench.run(args).expect(0));
    }
    shows_nothing(&workbench.run(&["show", "plan.json"]).expect(0));
    let run =
        workbench.run(&["apply", "plan.json", "--auto-approve", "--format", "json"]).expect(0);
    shows_nothing(&run);
    assert!(run.stderr.contains("contains what looks like an API key"), "{}", run.stderr);
    let receipt = workbench.receipt();
    assert!(
        workbench.read(&receipt).contains(foreign) && workbench.read(&receipt).contains(ADMIN_KEY)
    );
    // What was printed cannot be used for a rollback.
    workbench.write("printed.json", &run.stdout);
    let back = workbench.run(&["rollback", "printed.json", "--auto-approve"]).expect(5);
    assert!(text(&back).contains("its former value is withheld"), "{}", text(&back));
    assert_eq!(workbench.get(&path)["Description"], "clean");
    let back = workbench.run(&["rollback", &receipt, "--auto-approve"]).expect(0);
    shows_nothing(&back);
    assert_eq!(workbench.get(&path)["Description"], written);
}

#[test]
fn the_help_about_a_secret_fits_its_kind() {
    for (line, help) in [
        ("api_key = \"API-HIDDEN\"", "OCTOPUS_API_KEY"),
        ("access_token = \"hunter2\"", "OCTOPUS_ACCESS_TOKEN"),
        ("password = \"hunter2\"", "in the account, in Octopus"),
        ("url = \"https://me:hunter2@octopus.example\"", "user name and password"),
        ("url = \"https://octopus.example?apikey=hunter2\"", "OCTOPUS_API_KEY"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("version = 1\n[octopus]\n{line}\n[pools.a]\n");
        fs::write(folder.path().join("workers.toml"), file).unwrap();
        let told = text(&output(&mut program(folder.path(), &["check"])).expect(1));
        let shown = told.lines().find(|line| line.contains("help:")).unwrap_or_default();
        assert!(shown.contains(help), "{line}: {told}");
        assert_eq!(
            shown.contains("OCTOPUS_"),
            !line.contains("pass") && !line.contains("me:"),
            "{told}"
        );
    }
}
