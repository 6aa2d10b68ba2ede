//! Bad input of every kind: what is told first, that help follows, and that nothing is written.

use crate::workbench::{Output, Workbench};
use octopus_sandbox::{ADMIN_KEY, Fault, FaultKind, NO_WORKERS_KEY, READER_KEY, Seed};
use std::{fmt::Write as _, thread};

/// A file that is fine, and has something to do.
const FINE: &str =
    "version = 1\n[pools.sql]\n[[placements]]\npool = \"sql\"\n[gates]\nempty-pool = \"allow\"\n";

/// Runs `plan` and `apply`, which fail alike; the first line that they tell, and the first help.
fn told(workbench: &Workbench, args: &[&str]) -> String {
    let mut told = Vec::new();
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let args = [command, args].concat();
        let Output { code, stdout, stderr } = workbench.run(&args);
        assert_eq!(code, 1, "{args:?}\n{stdout}\n{stderr}");
        for key in [ADMIN_KEY, READER_KEY, NO_WORKERS_KEY, "API-"] {
            let shown = format!("{stdout}{stderr}");
            assert!(!shown.replace("`API-`", "").contains(key), "{shown}");
        }
        assert_eq!(workbench.writes(), [""; 0]);
        assert_eq!(workbench.receipts().len(), 0);
        assert!(stderr.contains("help: "), "no help\n{stderr}");
        told.push(stderr.lines().next().unwrap_or_default().to_owned());
    }
    assert_eq!(told[0], told[1]);
    // The number that a system gives an error is its own.
    let words = told[0].split(" (os error").next().unwrap_or_default();
    words.replace(workbench.bench.sandbox.url(), "URL")
}

/// Files that are wrong, each in its own way.
const FILES: [&str; 30] = [
    "",
    "version = 1\n[pools",
    "version = 2",
    "version = \"1\"",
    "version = 1\npools = 3",
    "version = 1\n[pools.sql]\nname = 3",
    "version = 1\n[pools.sql]\nname = \"\"",
    "version = 1\n[pools.sql]\ndescripton = \"x\"",
    "version = 1\n[pool.sql]",
    "version = 1\n[pools.sql]\n[pools.sql]",
    "version = 1\n[pools.a]\nname = \"SQL\"\n[pools.b]\nname = \"sql\"",
    "version = 1\n[pools.a]\ndefault = true\n[pools.b]\ndefault = true",
    "version = 1\n[workers.w]\npools = [\"a\"]",
    "version = 1\n[workers.w]\npools = [\"sqll\"]\npolling = { subscription = \"poll://x/\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }",
    "version = 1\n[workers.w]\npools = [\"Default Worker Pool\"]\npolicy = \"No such\"\npolling = { subscription = \"poll://ih8pbyo8vxqjv0kbwwzc/\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }",
    "version = 1\n[workers.w]\npools = []\npolling = { subscription = \"poll://ih8pbyo8vxqjv0kbwwzc/\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }",
    "version = 1\n[workers.w]\npools = [\"a\"]\nlistening = { url = \"http://x\", thumbprint = \"12\" }",
    "version = 1\n[workers.\"w[1..]\"]\npools = [\"a\"]\nlistening = { url = \"https://x\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }",
    "version = 1\n[[placements]]\npool = \"sqll\"",
    "version = 1\n[[placements]]\nproject = \"Web Stor\"\npool = \"Default Worker Pool\"",
    "version = 1\n[[placements]]\nproject = \"Web Store\"\nstep = \"Deploy to ASK\"\npool = \"Default Worker Pool\"",
    "version = 1\n[[placements]]\nproject = \"Web Store\"\nstep = \"Approve\"\npool = \"Default Worker Pool\"",
    "version = 1\n[[placements]]\nproject = \"*\"",
    "version = 1\n[[placements]]\npool = \"x\"\ndefault_pool = true",
    "version = 1\n[octopus]\napi_key = \"API-SECRETSECRETSECRET\"",
    "version = 1\n[octopus]\nurl = \"https://user:API-SECRET@host\"",
    "version = 1\n[octopus]\nspace = \"No such\"",
    "version = 1\n[removed]\npool = \"x\"",
    "version = 1\n[gates]\nempty-pool = \"no\"",
    "version = 1\n[pools.u]\nimage = \"NoSuchImage\"",
];

#[test]
fn an_invalid_file_is_reported() {
    let mut all = String::new();
    let workbench = Workbench::new(Seed::Chapter);
    for file in FILES {
        workbench.write("workers.toml", file);
        _ = writeln!(all, "{}", told(&workbench, &[]));
    }
    insta::assert_snapshot!(all, @"
    error[missing-key]: `version` is missing
    error[syntax]: the header has no closing `]`
    error[unknown-version]: this file is written for version 2, but this tool reads version 1
    error[wrong-type]: expected a whole number, found a string
    error[wrong-type]: expected a table of tables, found an integer
    error[wrong-type]: expected a string, found an integer
    error[empty-text]: the text is empty
    error[unknown-key]: unknown key `descripton`
    error[unknown-key]: unknown key `pool`
    error[syntax]: `sql` is declared twice
    error[duplicate-pool]: two pools are named `sql`
    error[duplicate-default]: two pools are declared as the default pool
    error[missing-key]: one of `listening`, `polling`, `ssh`, `kubernetes` is missing
    error[unknown-pool]: there is no pool `sqll`
    error[unknown-machine-policy]: there is no machine policy `No such`
    error[empty-list]: `pools` is an empty list
    error[bad-url]: a listening Tentacle's URL starts with `https://`
    error[bad-range]: a range needs two numbers; `` is not a number
    error[unknown-pool]: there is no pool `sqll`
    error[unknown-project]: there is no project `Web Stor`
    error[unknown-step]: there is no step `Deploy to ASK`
    error[server-side-step]: step `Approve` always runs inside the Octopus Server, never on a worker
    error[missing-key]: one of `pool`, `pool_variable`, `default_pool`, `leave` is missing
    error[conflicting-keys]: `pool` and `default_pool` exclude each other
    error[secret-in-file]: `api_key` is a secret and must not be in a file
    error[secret-in-file]: the URL contains a user name or a password, which must not be in a file
    error: there is no space `No such`
    error[wrong-type]: expected a list of tables, such as `[[placements]]`, found a table
    error[unknown-word]: `no` is not one of `deny`, `warn`, `allow`
    error[unknown-image]: this server has no images for dynamic worker pools
    ");
}

#[test]
fn unreadable_files_are_reported() {
    let workbench = Workbench::new(Seed::Chapter);
    let mut all = String::new();
    _ = writeln!(all, "{}", told(&workbench, &[]));
    std::fs::write(workbench.folder.path().join("latin.toml"), b"version = 1 # \xe4\n").unwrap();
    std::fs::create_dir(workbench.folder.path().join("folder")).unwrap();
    for file in ["latin.toml", "folder", "/no/such.toml"] {
        _ = writeln!(all, "{}", told(&workbench, &["-f", file]));
    }
    insta::assert_snapshot!(all, @"
    error: cannot read `workers.toml`: No such file or directory
    error: cannot read `latin.toml`: line 1 is not UTF-8
    error: there is no `*.toml` file in `folder`
    error: cannot read `/no/such.toml`: No such file or directory
    ");
}

#[test]
fn a_server_that_cannot_answer_is_reported() {
    let status = |code| FaultKind::Status { code, retry_after: Some(0) };
    let table = [
        ("GET /api", FaultKind::Html(200)),
        ("GET /api", FaultKind::Status { code: 429, retry_after: Some(3600) }),
        ("GET /api", FaultKind::Status { code: 503, retry_after: Some(3600) }),
        ("GET /api/spaces", FaultKind::Html(403)),
        ("GET /api/Spaces-1/workerpools", status(401)),
        ("GET /api/Spaces-1/workerpools", status(403)),
        ("GET /api/Spaces-1/workerpools", status(404)),
        ("GET /api/Spaces-1/workerpools", status(500)),
        ("GET /api/Spaces-1/projects", status(500)),
        ("GET /api/Spaces-1/deploymentprocesses", status(403)),
        ("GET /api/Spaces-1/deploymentprocesses", status(404)),
        ("GET /api/Spaces-1/deploymentprocesses", status(500)),
        ("GET /api/Spaces-1/deploymentprocesses", FaultKind::Html(200)),
        ("GET /api/Spaces-1/deploymentprocesses", FaultKind::Truncate),
        ("GET /api/Spaces-1/workers", FaultKind::Html(200)),
        ("GET /api/Spaces-1/workers", FaultKind::Redirect("https://login.example/?key=1".into())),
    ];
    let told = |(on, what): &(&str, FaultKind)| {
        let fault = |nth| Fault { nth, requests: Some((*on).to_owned()), fault: what.clone() };
        let workbench = Workbench::failing(Seed::Chapter, (1..=40).map(fault).collect());
        workbench.write("workers.toml", FINE);
        format!("{on}: {}\n", self::told(&workbench, &[]))
    };
    let all = thread::scope(|scope| {
        let told: Vec<_> = table.iter().map(|row| scope.spawn(move || told(row))).collect();
        told.into_iter().map(|it| it.join().unwrap()).collect::<String>()
    });
    insta::assert_snapshot!(all, @"
    GET /api: error: cannot read the spaces: GET /api/spaces/all returned 200 with a body that is not JSON: `<!DOCTYPE html> <html><head><title>200 OK</title></head><body><h1>OK</h1><hr><ce…`
    GET /api: error: cannot read the spaces: the server returned 429: Too many requests. Please try again later.
    GET /api: error: cannot read the spaces: the server returned 503: The Octopus Server is starting or in maintenance mode.
    GET /api/spaces: error: cannot read the spaces: GET /api/spaces/all returned 403 with a body that is not JSON: `<!DOCTYPE html> <html><head><title>403 Forbidden</title></head><body><h1>Forbidd…`
    GET /api/Spaces-1/workerpools: error: cannot read the worker pools of space `Default`: the server returned 401: You must be logged in to perform this action. Please provide a valid API key or log in again.
    GET /api/Spaces-1/workerpools: error: cannot read the worker pools of space `Default`: the server returned 403: Forbidden
    GET /api/Spaces-1/workerpools: error: cannot read the worker pools of space `Default`: the server returned 404: Not Found
    GET /api/Spaces-1/workerpools: error: cannot read the worker pools of space `Default`: the server returned 500: Internal Server Error
    GET /api/Spaces-1/projects: error: cannot read the projects of space `Default`: the server returned 500: Internal Server Error
    GET /api/Spaces-1/deploymentprocesses: error: cannot read the processes of space `Default`: the server returned 403: Forbidden
    GET /api/Spaces-1/deploymentprocesses: error: cannot read the processes of space `Default`: the server returned 404: Not Found
    GET /api/Spaces-1/deploymentprocesses: error: cannot read the processes of space `Default`: the server returned 500: Internal Server Error
    GET /api/Spaces-1/deploymentprocesses: error: cannot read the processes of space `Default`: GET /api/Spaces-1/deploymentprocesses/deploymentprocess-Projects-5 returned 200 with a body that is not JSON: `<!DOCTYPE html> <html><head><title>200 OK</title></head><body><h1>OK</h1><hr><ce…`
    GET /api/Spaces-1/deploymentprocesses: error: cannot read the processes of space `Default`: lost the connection during GET /api/Spaces-1/deploymentprocesses: end of file before message length reached
    GET /api/Spaces-1/workers: error: cannot read the workers of space `Default`: GET /api/Spaces-1/workers/all returned 200 with a body that is not JSON: `<!DOCTYPE html> <html><head><title>200 OK</title></head><body><h1>OK</h1><hr><ce…`
    GET /api/Spaces-1/workers: error: cannot read the workers of space `Default`: GET /api/Spaces-1/workers/all was redirected to `https://login.example/`, which is not followed
    ");
}

#[test]
fn transient_faults_are_retried() {
    let passes = [
        FaultKind::Truncate,
        FaultKind::DropAfter,
        FaultKind::Html(502),
        FaultKind::Status { code: 429, retry_after: None },
    ];
    for what in passes {
        let fault = |on: &str| Fault { nth: 1, requests: Some(on.to_owned()), fault: what.clone() };
        let faults = ["GET /api/spaces", "GET /api/Spaces-1/w", "GET /api/Spaces-1/projects"];
        let workbench = Workbench::failing(Seed::Chapter, faults.map(fault).to_vec());
        workbench.write("workers.toml", FINE);
        workbench.run(&["plan", "--exit-code"]).expect(2);
    }
}

#[test]
fn missing_write_permissions_are_reported_before_the_first_write() {
    let mut all = String::new();
    for key in [READER_KEY, "API-SANDBOXWITHOUTPROCESSEDIT"] {
        let mut workbench = Workbench::chapter(FINE);
        workbench.key = key;
        let applied = workbench.run(&["apply", "--auto-approve", "--format", "json"]);
        let warnings = applied.stderr.lines().filter(|it| it.starts_with("warning"));
        _ = writeln!(all, "{} {}", applied.code, warnings.collect::<Vec<_>>().join("\n  "));
    }
    insta::assert_snapshot!(all, @"
    1 warning: the API key's user lacks ProcessEdit; the server will refuse 23 changes
      warning: the API key's user lacks WorkerEdit; the server will refuse 1 change
    5 warning: the API key's user lacks ProcessEdit; the server will refuse 23 changes
    ");
}

#[test]
fn an_invalid_or_unprivileged_key_is_reported() {
    let mut all = String::new();
    for key in ["API-NOBODY", "not a key", "", NO_WORKERS_KEY] {
        let mut workbench = Workbench::chapter(FINE);
        workbench.key = key;
        _ = writeln!(all, "{}", told(&workbench, &[]));
    }
    insta::assert_snapshot!(all, @"
    error: cannot read the spaces: the server returned 401: You must be logged in to perform this action. Please provide a valid API key or log in again.
    error: cannot read the spaces: the server returned 401: You must be logged in to perform this action. Please provide a valid API key or log in again.
    error: no API key is set
    error: cannot read the workers of space `Default`: Missing permission: WorkerView
    ");
}

#[test]
fn unusable_connection_settings_are_reported() {
    let workbench = Workbench::chapter(FINE);
    let mut all = String::new();
    for url in ["http://127.0.0.1:1", "http://octopus.invalid", "ftp://x", "nonsense", "https://"] {
        _ = writeln!(all, "{}", told(&workbench, &["--url", url]));
    }
    _ = writeln!(all, "{}", told(&workbench, &["--api-key-file", "no-such-file"]));
    _ = writeln!(all, "{}", told(&workbench, &["--ca-file", "workers.toml"]));
    insta::assert_snapshot!(all, @"
    error: cannot read the spaces: cannot connect to `http://127.0.0.1:1`: Connection refused
    error: `http://octopus.invalid` is not an https URL, so the key would be sent in the clear
    error: `ftp://x` is not a valid Octopus Server URL: it starts with neither `https://` nor `http://`
    error: `nonsense` is not a valid Octopus Server URL: it starts with neither `https://` nor `http://`
    error: `https://` is not a valid Octopus Server URL: empty host
    error: cannot read the key from `no-such-file`: No such file or directory
    error: the certificate authority file has no valid certificate: it contains no `BEGIN CERTIFICATE`
    ");
}

#[test]
fn a_closed_stdout_does_not_cause_a_panic() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\n");
    for args in [&["plan"][..], &["schema"], &["completions", "bash"], &["man"], &["--help"]] {
        let mut command = workbench.command(args);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    }
}
