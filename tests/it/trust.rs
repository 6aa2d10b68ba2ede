//! A key belongs to a host: where credentials go, whoever names the server.

use crate::{
    client::Stub,
    workbench::{Output, Workbench, output, program},
};
use octopus_sandbox::ADMIN_KEY;
use std::process::Command;

const POOL: &str = "[pools.sql]\nname = \"SQL\"\n";

/// A folder whose file names the sandbox, and nothing else does.
struct Checkout(Workbench);

impl Checkout {
    fn new() -> Self {
        let workbench = Workbench::chapter("");
        let url = workbench.bench.sandbox.url().to_owned();
        workbench.write("workers.toml", &format!("version = 1\n[octopus]\nurl = {url:?}\n{POOL}"));
        Self(workbench)
    }

    fn host(&self) -> &str {
        self.0.bench.sandbox.url().trim_start_matches("http://")
    }

    /// The variable that holds the key of the sandbox.
    fn variable(&self) -> String {
        format!("OCTOPUS_API_KEY_{}", self.host().replace(['.', ':'], "_"))
    }

    /// A command with these variables, and no other that it reads.
    fn command(&self, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = program(self.0.folder.path(), args);
        command.env("XDG_CONFIG_HOME", self.0.folder.path().join("config"));
        command.envs(variables.iter().copied());
        command
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        output(&mut self.command(args, variables))
    }

    fn requests(&self) -> usize {
        self.0.bench.sandbox.recent_requests().len()
    }

    /// Expects a refusal that names the host, before anything is sent.
    #[track_caller]
    fn refused(&self, args: &[&str], variables: &[(&str, &str)]) -> String {
        let before = self.requests();
        let Output { stderr, .. } = self.run(args, variables).expect(1);
        assert_eq!(self.requests(), before, "{args:?}: {stderr}");
        assert!(stderr.contains(self.host()), "{args:?}: {stderr}");
        stderr.replace(self.host(), "HOST").replace(&self.variable(), "OCTOPUS_API_KEY_HOST")
    }
}

const CREDENTIALS: [&[(&str, &str)]; 4] = [
    &[("OCTOPUS_API_KEY", ADMIN_KEY)],
    &[("OCTOPUS_ACCESS_TOKEN", "token")],
    &[("OCTOPUS_SERVICE_ACCOUNT_ID", "account"), ("OCTOPUS_ID_TOKEN", "a.b.c")],
    &[("OCTOPUS_API_KEY", ADMIN_KEY), ("OCTOPUS_ALLOWED_HOSTS", "octopus.example, 127.0.0.1:9")],
];

#[test]
fn a_file_alone_does_not_decide_where_credentials_go() {
    let checkout = Checkout::new();
    for variables in CREDENTIALS {
        for args in [
            &["plan"][..],
            &["apply", "--auto-approve"],
            &["explain", "Billing"],
            &["pull", "--keep", "workers.toml"],
        ] {
            checkout.refused(args, variables);
        }
    }
    checkout.0.write("key", ADMIN_KEY);
    checkout.refused(&["plan", "--api-key-file", "key"], &[]);
    checkout.refused(&["plan", "--api-key-file", "key"], &[(&checkout.variable(), ADMIN_KEY)]);
    insta::assert_snapshot!(checkout.refused(&["plan"], CREDENTIALS[0]), @"
    error: no credentials are sent to http://HOST: only the file names it
    help: if you trust it, set OCTOPUS_URL or pass `--url http://HOST`, or add http://HOST to OCTOPUS_ALLOWED_HOSTS, or set OCTOPUS_API_KEY_HOST to its API key
    ");
}

#[test]
fn a_saved_plan_and_a_receipt_do_not_decide_where_credentials_go() {
    let checkout = Checkout::new();
    let url = checkout.0.bench.sandbox.url().to_owned();
    let named = [("OCTOPUS_API_KEY", ADMIN_KEY), ("OCTOPUS_URL", url.as_str())];
    checkout.run(&["plan", "-o", "plan.json"], &named).expect(0);
    let file = checkout.0.folder.path().join("workers.toml");
    std::fs::remove_file(file).unwrap();
    for variables in CREDENTIALS {
        checkout.refused(&["apply", "plan.json"], variables);
    }
    checkout.run(&["apply", "plan.json", "--receipt", "receipt.json"], &named).expect(0);
    for variables in CREDENTIALS {
        checkout.refused(&["rollback", "receipt.json", "--auto-approve"], variables);
    }
    // The hosts that the user named may be chosen from.
    let own = [(checkout.variable(), ADMIN_KEY)];
    let own: Vec<_> = own.iter().map(|(name, key)| (name.as_str(), *key)).collect();
    checkout.run(&["rollback", "receipt.json", "--auto-approve"], &own).expect(0);
}

#[test]
fn a_file_may_name_a_host_that_the_user_has_named() {
    let checkout = Checkout::new();
    let (host, variable) = (checkout.host().to_owned(), checkout.variable());
    let listed = format!("octopus.example,http://{host}");
    for variables in [
        vec![("OCTOPUS_API_KEY", ADMIN_KEY), ("OCTOPUS_ALLOWED_HOSTS", listed.as_str())],
        vec![("OCTOPUS_API_KEY", ADMIN_KEY), ("OCTOPUS_ALLOWED_HOSTS", host.as_str())],
        vec![(variable.as_str(), ADMIN_KEY)],
        // The key of the host goes before the one for all.
        vec![(variable.as_str(), ADMIN_KEY), ("OCTOPUS_API_KEY", "API-OTHER")],
    ] {
        checkout.run(&["plan"], &variables).expect(0);
    }
    checkout.run(&["plan"], &[(&variable.to_uppercase(), ADMIN_KEY)]).expect(0);
    let wrong = [("OCTOPUS_API_KEY", ADMIN_KEY), ("OCTOPUS_ALLOWED_HOSTS", "https://a.example/b")];
    let Output { stderr, .. } = checkout.run(&["plan"], &wrong).expect(1);
    assert!(stderr.contains("OCTOPUS_ALLOWED_HOSTS"), "{stderr}");
}

#[test]
fn a_host_that_was_trusted_at_a_terminal_is_remembered() {
    let checkout = Checkout::new();
    std::fs::create_dir_all(checkout.0.folder.path().join("config/poolwright")).unwrap();
    checkout
        .0
        .write("config/poolwright/hosts", &format!("# a note\n{}\nno host\n", checkout.host()));
    checkout.run(&["plan"], CREDENTIALS[0]).expect(0);
}

#[test]
fn an_untrusted_file_cannot_name_a_server() {
    let checkout = Checkout::new();
    let url = checkout.0.bench.sandbox.url().to_owned();
    let named = [("OCTOPUS_API_KEY", ADMIN_KEY), ("OCTOPUS_URL", url.as_str())];
    for table in [
        "[octopus]\nurl = \"https://octopus.example\"",
        "[octopus]\nurl = \"sandbox:\"",
        "[octopus]\nspace = \"Default\"",
        "octopus.space = \"Default\"",
    ] {
        checkout.0.write("workers.toml", &format!("version = 1\n{table}\n{POOL}"));
        for args in [
            &["check", "--untrusted"][..],
            &["plan", "--untrusted"],
            &["apply", "--untrusted", "--auto-approve"],
        ] {
            let before = checkout.requests();
            let Output { stderr, .. } = checkout.run(args, &named).expect(1);
            assert!(stderr.contains("untrusted-server"), "{args:?} {table}: {stderr}");
            assert_eq!(checkout.requests(), before);
        }
    }
    checkout.0.write("workers.toml", &format!("version = 1\n{POOL}"));
    checkout.run(&["check", "--untrusted"], &[]).expect(0);
    checkout.run(&["plan", "--untrusted"], &named).expect(0);
    checkout.0.write("workers.toml", "version = 1\n[pools.sql]\nname = \"${env:HOME}\"\n");
    checkout.run(&["check", "--untrusted"], &[]).expect(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_never_sends_the_key_to_another_host() {
    let elsewhere = Stub::new(|_| "[]").await;
    let to = elsewhere.url.clone();
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let server = Stub::new(move |path| {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, [(axum::http::header::LOCATION, format!("{to}{path}"))])
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("workers.toml"), format!("version = 1\n{POOL}")).unwrap();
        let mut command = program(folder.path(), &["plan"]);
        command.env("OCTOPUS_URL", &server.url).env("OCTOPUS_API_KEY", ADMIN_KEY);
        let ran = tokio::task::spawn_blocking(move || output(&mut command)).await.unwrap();
        assert!(ran.expect(1).stderr.contains("redirected"), "{status}");
    }
    assert_eq!(elsewhere.paths(), [""; 0]);
}
