//! What a run tells each CI system, and that no name tells it anything.

use crate::{
    commands::{EVIL, PRINTABLE, commands, evil_server, rules},
    workbench::{Output, Workbench, output},
};
use std::{fs, path::Path};

const SYSTEMS: [&str; 8] =
    ["github", "gitlab", "azure", "teamcity", "jenkins", "buildkite", "bitbucket", "octopus"];

/// A change, a warning and a gate, each at a line.
const FILE: &str = "version = 1\n[pools.sql]\n[[placements]]\nproject = \"Web Store\"\n\
    step = \"Deploy to AKS\"\npool = \"sql\"\n[[removed]]\npool = \"Gone\"\n";

/// How the program's own commands begin, and the rest of the line; each name is the program's own.
fn split_own(line: &str) -> Option<&str> {
    const OWN: [&str; 17] = [
        "::error ",
        "::warning ",
        "::group::",
        "::endgroup::",
        "##[group]",
        "##[endgroup]",
        "##vso[task.logissue type=error;",
        "##vso[task.logissue type=warning;",
        "##vso[task.setvariable variable=",
        "##vso[task.uploadsummary]",
        "##octopus[stdout-error]",
        "##octopus[stdout-warning]",
        "##octopus[stdout-highlight]",
        "##octopus[stdout-default]",
        "##octopus[setVariable name='",
        "##teamcity[",
        "+++ poolwright plan",
    ];
    let section = line.strip_prefix("\u{1b}[0Ksection_").and_then(|it| it.split_once('\r'));
    section
        .and_then(|(_, rest)| rest.strip_prefix("\u{1b}[0K"))
        .or_else(|| OWN.iter().find_map(|own| line.strip_prefix(own)))
}

/// The commands in a text that are not the program's own.
fn foreign(text: &str) -> Vec<String> {
    let lines = text
        .split('\n')
        .map(|line| split_own(line).map_or(line.to_owned(), |it| format!("own {it}")));
    commands(&lines.collect::<Vec<_>>().join("\n"))
}

fn own(text: &str) -> String {
    let lines = text.lines().filter(|line| split_own(line).is_some());
    let lines: Vec<_> =
        lines.map(|line| line.escape_debug().to_string().replace("\\'", "'")).collect();
    lines.join("\n")
}

#[test]
fn each_ci_system_gets_its_own_commands() {
    let workbench = Workbench::chapter(FILE);
    for system in SYSTEMS {
        let args = ["plan", "--ci", system, "-o", "plan.json"];
        let mut command = workbench.command(&args);
        command.env("AGENT_TEMPDIRECTORY", workbench.folder.path());
        let Output { stdout, stderr, .. } = output(&mut command).expect(3);
        assert_eq!(own(&stderr), "", "{system}");
        let told = own(&stdout);
        let digest = workbench.read("plan.json");
        let digest: serde_json::Value = serde_json::from_str(&digest).unwrap();
        let told = told.replace(digest["digest"].as_str().unwrap(), "DIGEST");
        let told = mask_numbers(&told, "section_start:");
        let told = mask_numbers(&told, "section_end:");
        let told = told.replace(workbench.folder.path().to_str().unwrap(), "TEMP");
        let told: String = told
            .lines()
            .filter(|it| !it.contains("uploadsummary") && !it.contains("ZGlnZXN0"))
            .map(|it| format!("{it}\n"))
            .collect();
        insta::assert_snapshot!(format!("ci_{system}"), told);
    }
    let summaries = fs::read_dir(workbench.folder.path()).unwrap();
    let summary = summaries
        .map(|it| it.unwrap().path())
        .find(|it| it.extension().is_some_and(|it| it == "md"));
    assert!(fs::read_to_string(summary.unwrap()).unwrap().starts_with("## ⛔ Refused by"));
}

fn mask_numbers(text: &str, after: &str) -> String {
    let mut parts = text.split(after);
    let mut masked = parts.next().unwrap().to_owned();
    for part in parts {
        masked += &format!("{after}TIME{}", part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    masked
}

#[test]
fn a_ci_job_is_detected_by_its_variable_unless_ci_is_none() {
    let workbench = Workbench::chapter(FILE);
    for (variable, told) in [
        ("GITHUB_ACTIONS", "::error "),
        ("TF_BUILD", "##vso["),
        ("TEAMCITY_VERSION", "##teamcity["),
        ("OctopusCalamariWorkingDirectory", "##octopus["),
        ("BUILDKITE", "+++ "),
        ("GITLAB_CI", "section_start:"),
    ] {
        let run = output(workbench.command(&["plan"]).env(variable, "true")).expect(3);
        assert!(run.stdout.contains(told), "{variable}: {}", run.stdout);
        let run =
            output(workbench.command(&["plan", "--ci", "none"]).env(variable, "true")).expect(3);
        assert!(!run.stdout.contains(told), "{variable}: {}", run.stdout);
    }
}

#[test]
fn github_gets_a_summary_and_outputs() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\n[pools.web]\n");
    let at = |name: &str| workbench.folder.path().join(name);
    workbench.write("summary", "# Earlier\n");
    workbench.write("output", "other=1\n");
    let run = |args: &[&str]| {
        let mut command = workbench.command(args);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", at("output"));
        output(command.env("GITHUB_STEP_SUMMARY", at("summary")))
    };
    run(&["plan", "-o", "plan.json", "--format", "json"]).expect(0);
    let summary = workbench.read("summary");
    assert!(summary.starts_with("# Earlier\n\n## 2 to create"), "{summary}");
    let outputs = workbench.read("output");
    let outputs = outputs.split_once("digest=").unwrap().0;
    insta::assert_snapshot!(outputs, @"
    other=1
    changes=2
    create=2
    update=0
    replace=0
    delete=0
    denied=0
    plan-file=plan.json
    ");
    workbench.write("summary", "");
    run(&["apply", "plan.json"]).expect(0);
    let summary = workbench.read("summary");
    assert!(
        summary.starts_with("\n## 2 to create") && summary.contains("\n## Applied: 2"),
        "{summary}"
    );
    workbench.write("wrong.toml", "version = 1\n[pools.sql]\nnam = 1\n");
    workbench.write("summary", "");
    run(&["check", "-f", "wrong.toml"]).expect(1);
    assert!(workbench.read("summary").contains("unknown key"));
    workbench.write("workers.toml", "version = 1\n[pools.other]\n");
    // A full summary costs no plan.
    workbench.write("summary", &"x".repeat(1024 * 1024));
    let Output { stderr, .. } = run(&["apply", "--auto-approve"]).expect(0);
    assert!(stderr.contains("no room left"), "{stderr}");
    fs::remove_file(at("output")).unwrap();
    fs::create_dir(at("output")).unwrap();
    let Output { stderr, .. } = run(&["plan"]).expect(0);
    assert!(stderr.contains("warning: cannot report everything to the CI system"), "{stderr}");
}

#[test]
fn a_dotenv_file_gets_the_outputs_and_keeps_other_variables() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\n");
    workbench.write("build.env", "VERSION=1.0 x\nPOOLWRIGHT_CHANGES=7\n");
    workbench.run(&["plan", "--ci-dotenv", "build.env", "-o", "a $(b).json"]).expect(0);
    let text = workbench.read("build.env");
    let text = text.split_once("POOLWRIGHT_DIGEST=").unwrap().0;
    insta::assert_snapshot!(text, @"
    VERSION=1.0 x
    POOLWRIGHT_CHANGES=1
    POOLWRIGHT_CREATE=1
    POOLWRIGHT_UPDATE=0
    POOLWRIGHT_REPLACE=0
    POOLWRIGHT_DELETE=0
    POOLWRIGHT_DENIED=0
    ");
    let Output { stderr, .. } = workbench.run(&["plan", "--ci-dotenv", "workers.toml"]).expect(1);
    assert!(stderr.contains("it holds more than variables"), "{stderr}");
    assert_eq!(workbench.read("workers.toml"), "version = 1\n[pools.sql]\n");
}

#[test]
fn check_annotates_at_file_line_and_column() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\nnam = \"é\"\n");
    let Output { stderr, .. } = workbench.run(&["check", "--ci", "github"]).expect(1);
    insta::assert_snapshot!(own(&stderr), @"
    ::group::poolwright: 1 error
    ::error file=workers.toml,line=3,col=1,title=poolwright unknown-key::unknown key `nam`%0Ahelp: a key with a similar name exists: `name`
    ::endgroup::
    ");
}

/// Every place in which a name is printed, in every system, on both streams: what the system reads is our own.
#[test]
fn names_never_become_commands_in_any_ci_system() {
    let workbench = evil_server("chapter");
    workbench.write("workers.toml", &rules());
    let wrong = format!("[[placements]]\nproject = \"{PRINTABLE}\"\npool = \"{PRINTABLE}\"\n");
    workbench.write("wrong.toml", &format!("{}{wrong}", rules()));
    let denied = rules().replace("empty-pool = \"allow\"", "empty-pool = \"deny\"");
    let evil_file = "::error::E ##[error]E ##octopus E].toml";
    workbench.write(evil_file, &denied);
    workbench.write("output", "");
    workbench.write("summary", "");
    let refused = workbench.in_front(|line| {
        line.starts_with("GET /api/Spaces-1/workers").then(|| format!("{EVIL}<html>"))
    });
    let runs: [&[&str]; 7] = [
        &["plan", "-v"],
        &["plan", "-f", evil_file],
        &["plan", "-f", evil_file, "--format", "json"],
        &["plan", "-f", "wrong.toml"],
        &["check", "-f", "wrong.toml"],
        &["plan", "--own-worker", EVIL, "--own-pool", EVIL],
        &["plan", "--url", &refused],
    ];
    for system in SYSTEMS.into_iter().chain(["none"]) {
        for args in runs {
            let mut command = workbench.command(&[args, &["--ci", system]].concat());
            for (variable, file) in
                [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")]
            {
                command.env(variable, workbench.folder.path().join(file));
            }
            let Output { stdout, stderr, .. } = output(&mut command);
            for text in [&stdout, &stderr] {
                assert_eq!(foreign(text), [""; 0], "{system} {args:?}");
            }
            if system == "none" {
                assert_eq!(own(&stdout), "", "{args:?}");
                assert_eq!(own(&stderr), "", "{args:?}");
            }
        }
    }
    let outputs = workbench.read("output");
    assert!(
        outputs.lines().all(|line| line.split_once('=').is_some_and(|(key, _)| !key.contains(':'))),
        "{outputs}"
    );
    assert!(Path::new(&workbench.folder.path().join("summary")).exists());
}

#[test]
fn the_detector_finds_a_foreign_command_inside_an_own_one() {
    assert_eq!(foreign("::error file=a::x\n##teamcity[m t='x']\n"), [""; 0]);
    assert_eq!(foreign("::error file=a::x ##vso[y]").len(), 1);
    assert_eq!(foreign("::add-mask::x").len(), 1);
    assert_eq!(foreign("::error::E").len(), 1);
}
