//! What a stranger may write into `workers.toml`: nothing of it reads a file, reaches a host or shows a variable.

use crate::workbench::{Output, Workbench, output};

const POOL: &str = "[pools.sql]\nname = \"SQL\"\n";

/// What no output may contain: of a file outside, and of the environment.
const OUTSIDE: &str = "from-outside";
const VARIABLE: &str = "of-the-environment";

struct Stranger(Workbench);

impl Stranger {
    fn new() -> Self {
        let workbench = Workbench::chapter("");
        std::fs::create_dir_all(workbench.folder.path().join("checkout/.octopus")).unwrap();
        std::fs::create_dir_all(workbench.folder.path().join("checkout/.git")).unwrap();
        let outside = format!("version = 1\n[pools.{OUTSIDE}]\nname = \"{OUTSIDE}\"\n");
        workbench.write("outside.toml", &outside);
        workbench.write("checkout/.git/config.toml", &outside);
        workbench.write("key", OUTSIDE);
        Self(workbench)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = self.0.command(args);
        command.current_dir(self.0.folder.path().join("checkout")).env("STRANGE", VARIABLE);
        output(&mut command)
    }

    /// Expects each command to refuse the existing file before it asks the server anything.
    #[track_caller]
    fn expect_refused(&self, what: &str) {
        let before = self.0.bench.sandbox.recent_requests().len();
        for args in [
            &["check", "--untrusted"][..],
            &["plan", "--untrusted"],
            &["plan", "--untrusted", "--format", "json"],
            &["apply", "--untrusted", "--auto-approve"],
        ] {
            let Output { stdout, stderr, .. } = self.run(args).expect(1);
            for hidden in [OUTSIDE, VARIABLE] {
                let shown = stdout.contains(hidden) || stderr.contains(hidden);
                // A path that the stranger wrote may be shown.
                assert!(!shown || what.contains(hidden), "{what}: {args:?}: {stdout}{stderr}");
            }
        }
        assert_eq!(self.0.bench.sandbox.recent_requests().len(), before, "{what}");
    }
}

#[test]
fn an_untrusted_file_cannot_choose_the_server_or_space() {
    let stranger = Stranger::new();
    let url = stranger.0.bench.sandbox.url().to_owned();
    for table in [
        format!("[octopus]\nurl = \"{url}\""),
        "[octopus]\nurl = \"https://eve.example\"".to_owned(),
        "[octopus]\nurl = \"sandbox:../key\"".to_owned(),
        "[octopus]\nspace = \"Default\"".to_owned(),
        "octopus = { url = \"https://eve.example\" }".to_owned(),
        "octopus.url = \"https://eve.example\"".to_owned(),
        "\"octopus\".'url' = \"https://eve.example\"".to_owned(),
        "\"oct\\u006fpus\".space = \"Default\"".to_owned(),
        "[octopus]\nurl = \"\"".to_owned(),
        "[octopus]\napi_key_file = \"../key\"".to_owned(),
        "[octopus]\nca_file = \"../key\"".to_owned(),
    ] {
        stranger.0.write("checkout/workers.toml", &format!("version = 1\n{table}\n{POOL}"));
        stranger.expect_refused(&table);
    }
}

#[test]
fn an_untrusted_file_cannot_include_other_files() {
    let stranger = Stranger::new();
    let outside = stranger.0.folder.path().join("outside.toml");
    for include in [
        "../outside.toml",
        outside.to_str().unwrap(),
        "*.toml",
        ".git/config.toml",
        "https://eve.example/x.toml",
    ] {
        for key in [format!("include = [{include:?}]"), format!("include = {include:?}")] {
            stranger.0.write("checkout/workers.toml", &format!("version = 1\n{key}\n{POOL}"));
            stranger.expect_refused(&key);
        }
    }
}

#[test]
fn an_untrusted_file_cannot_reveal_environment_variables() {
    let stranger = Stranger::new();
    for value in ["${env:STRANGE}", "${env:OCTOPUS_API_KEY}", "x ${env:STRANGE} y", "${STRANGE}"] {
        for file in [
            format!("[pools.sql]\nname = {value:?}"),
            format!("[pools.sql]\ndescription = {value:?}"),
            format!("[pools.{value:?}]"),
            format!("[pools.sql]\n[[placements]]\nproject = {value:?}\npool = \"sql\""),
            format!(
                "[workers.w]\npools = [{value:?}]\nlistening = {{ url = \"https://w\", thumbprint = {value:?} }}"
            ),
        ] {
            stranger.0.write("checkout/workers.toml", &format!("version = 1\n{file}\n"));
            for command in ["check", "plan"] {
                let Output { stdout, stderr, .. } = stranger.run(&[command, "--untrusted"]);
                assert!(
                    !stdout.contains(VARIABLE) && !stderr.contains(VARIABLE),
                    "{file}: {stdout}{stderr}"
                );
                assert!(
                    !stdout.contains(stranger.0.key) && !stderr.contains(stranger.0.key),
                    "{file}"
                );
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn an_untrusted_link_out_of_the_folder_is_refused() {
    use std::os::unix::fs::symlink;
    let stranger = Stranger::new();
    let at = |name: &str| stranger.0.folder.path().join(name);
    let link = at("checkout/workers.toml");
    let absolute = at("outside.toml");
    symlink("..", at("checkout/up")).unwrap();
    symlink("../outside.toml", at("checkout/middle.toml")).unwrap();
    for target in [
        "../outside.toml",
        absolute.to_str().unwrap(),
        "up/outside.toml",
        "middle.toml",
        ".git/config.toml",
        "../key",
        "/proc/self/environ",
        "/dev/zero",
        "/etc/passwd",
        ".octopus",
    ] {
        symlink(target, &link).unwrap();
        stranger.expect_refused(&format!("a link to {target}").replace(OUTSIDE, ""));
        std::fs::remove_file(&link).unwrap();
    }
    // In the folder itself there is nothing to hide.
    stranger.0.write("checkout/real.toml", &format!("version = 1\n{POOL}"));
    symlink("real.toml", &link).unwrap();
    stranger.run(&["check", "--untrusted"]).expect(0);
    stranger.run(&["plan", "--untrusted"]).expect(0);
    // A folder that is a link.
    std::fs::remove_file(&link).unwrap();
    let Output { stderr, .. } =
        stranger.run(&["check", "--untrusted", "-f", "up/outside.toml"]).expect(1);
    assert!(stderr.contains("is a link to") && !stderr.contains("no problems"), "{stderr}");
}
