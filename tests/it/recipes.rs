//! The recipes in `examples/ci` and the GitHub action: their shell parts run against the sandbox.

use crate::workbench::{CI_VARIABLES, Output, Workbench, output};
use octopus_sandbox::Seed;
use serde_json::{Value, json};
use std::{env, fs, path::PathBuf, process::Command};

pub(crate) const FILE: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n";
pub(crate) const LINUX: &str = "poolwright-0.1.0-x86_64-unknown-linux-musl.tar.gz";

/// A workbench next to a folder of releases, with one whose program is the one under test.
pub(crate) struct Recipe {
    pub(crate) workbench: Workbench,
    releases: tempfile::TempDir,
    pub(crate) sha256: String,
}

impl Recipe {
    pub(crate) fn new() -> Self {
        Self::with(Workbench::chapter(FILE))
    }

    fn with(workbench: Workbench) -> Self {
        let releases = tempfile::tempdir().unwrap();
        let folder = releases.path().join("v0.1.0");
        fs::create_dir_all(&folder).unwrap();
        let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_poolwright"));
        fs::write(folder.join("poolwright"), program).unwrap();
        let pack =
            format!("chmod +x poolwright && tar -czf {LINUX} poolwright && sha256sum {LINUX}");
        let packed =
            Command::new("bash").args(["-c", &pack]).current_dir(&folder).output().unwrap();
        let text = String::from_utf8(packed.stdout).unwrap();
        let sha256 = text.split(' ').next().unwrap().to_owned();
        Self { workbench, releases, sha256 }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.workbench.folder.path().join(name)
    }

    /// Runs a script of bash with the variables that the recipes set.
    pub(crate) fn run(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new("bash");
        command.arg("-c").arg(script).current_dir(self.workbench.folder.path());
        for variable in CI_VARIABLES {
            command.env_remove(variable);
        }
        command.env("OCTOPUS_URL", self.workbench.bench.sandbox.url());
        command.env("OCTOPUS_API_KEY", self.workbench.key).env_remove("OCTOPUS_SPACE");
        command.env("POOLWRIGHT_VERSION", "0.1.0").env("POOLWRIGHT_SHA256", &self.sha256);
        command.env("POOLWRIGHT_RELEASES", format!("file://{}", self.releases.path().display()));
        command.env("RUNNER_OS", "Linux").env("RUNNER_ARCH", "X64").env("NO_COLOR", "1");
        command.env("RUNNER_TEMP", self.workbench.folder.path());
        command.envs(variables.iter().copied());
        output(&mut command)
    }

    #[track_caller]
    fn expect_applied(&self) {
        assert!(self.workbench.names("workerpools").contains(&"SQL".to_owned()));
        assert!(self.at("receipt.json").exists());
    }
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

/// The literal blocks of a YAML file, each without its indentation.
pub(crate) fn yaml_blocks(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    // A line of a script may end with a bar too.
    let is_head = |line: &str| [": |", "- |", "&install |"].iter().any(|end| line.ends_with(end));
    let mut blocks = Vec::new();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| is_head(line)) {
        let indent = lines.get(at + 1).map_or(0, |it| depth(it));
        let inside = lines[at + 1..].iter().take_while(|it| it.is_empty() || depth(it) >= indent);
        let inside: Vec<&str> = inside.copied().collect();
        blocks.push(
            inside.iter().map(|it| format!("{}\n", it.get(indent..).unwrap_or_default())).collect(),
        );
    }
    blocks
}

/// The texts between two marks.
fn texts_between(text: &str, mark: &str) -> Vec<String> {
    text.split(mark).skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn gitlab_plans_and_applies() {
    let recipe = Recipe::new();
    let text = read("examples/ci/gitlab/templates/poolwright.yml");
    let [install, plan, apply] = yaml_blocks(&text).try_into().unwrap();
    let variables = [("POOLWRIGHT_FILE", "workers.toml"), ("GITLAB_CI", "true")];
    recipe.run(&format!("{install}{plan}"), &variables).expect(0);
    assert!(recipe.workbench.read("poolwright.env").contains("POOLWRIGHT_CHANGES=1\n"));
    assert!(recipe.workbench.read("plan.md").starts_with("## 1 to create"));
    assert!(recipe.at("gl-code-quality-report.json").exists());
    recipe.run(&format!("{install}{apply}"), &variables).expect(0);
    recipe.expect_applied();
}

#[test]
fn azure_plans_and_applies() {
    let recipe = Recipe::new();
    let text = read("examples/ci/azure/poolwright.yml");
    let [install, plan, again, apply] = yaml_blocks(&text).try_into().unwrap();
    assert_eq!(install, again);
    let folder = recipe.workbench.folder.path().to_str().unwrap().to_owned();
    let variables = [
        ("TF_BUILD", "True"),
        ("AGENT_TEMPDIRECTORY", folder.as_str()),
        ("PIPELINE_WORKSPACE", folder.as_str()),
    ];
    let Output { stdout, .. } = recipe.run(&format!("{install}{plan}"), &variables).expect(0);
    assert!(
        stdout.contains("##vso[task.setvariable variable=changes;isOutput=true;]1\n"),
        "{stdout}"
    );
    fs::create_dir(recipe.at("plan")).unwrap();
    fs::rename(recipe.at("plan.json"), recipe.at("plan/plan.json")).unwrap();
    recipe.run(&apply, &variables).expect(0);
    recipe.expect_applied();
}

#[test]
fn jenkins_plans_and_applies() {
    let recipe = Recipe::new();
    let scripts = texts_between(&read("examples/ci/jenkins/Jenkinsfile"), "'''");
    let [install, plan, apply] = scripts.try_into().unwrap();
    let variables = [("JENKINS_URL", "https://jenkins.example/")];
    recipe.run(&install, &variables).expect(0);
    recipe.run(&plan, &variables).expect(0);
    assert!(recipe.workbench.read("plan.xml").contains("<testsuites"));
    recipe.run(&apply, &variables).expect(0);
    recipe.expect_applied();
}

#[test]
fn teamcity_plans_and_applies() {
    let recipe = Recipe::new();
    let text = read("examples/ci/teamcity/settings.kts").replace("${'$'}", "$");
    let [install, plan, apply] = texts_between(&text, "\"\"\"").try_into().unwrap();
    let variables = [("TEAMCITY_VERSION", "2024.12")];
    recipe.run(&install, &variables).expect(0);
    let Output { stdout, .. } = recipe.run(&plan, &variables).expect(0);
    assert!(
        stdout.contains("##teamcity[setParameter name='poolwright.changes' value='1']"),
        "{stdout}"
    );
    recipe.run(&apply, &variables).expect(0);
    recipe.expect_applied();
}

#[test]
fn bitbucket_plans_and_applies() {
    let recipe = Recipe::new();
    let text = read("examples/ci/bitbucket/bitbucket-pipelines.yml");
    let [install, plan, apply] = yaml_blocks(&text).try_into().unwrap();
    let key = recipe.workbench.key;
    let variables = recipe.at("variables").to_str().unwrap().to_owned();
    let variables = [
        ("BITBUCKET_BUILD_NUMBER", "7"),
        ("BITBUCKET_PIPELINES_VARIABLES_PATH", variables.as_str()),
        ("OCTOPUS_READER_KEY", key),
        ("OCTOPUS_WRITER_KEY", key),
    ];
    recipe.run(&format!("{install}{plan}"), &variables).expect(0);
    assert!(recipe.workbench.read("variables").contains("POOLWRIGHT_CHANGES=1\n"));
    recipe.run(&format!("{install}{apply}"), &variables).expect(0);
    recipe.expect_applied();
}

/// The functions of Octopus that the scripts use; the values are in the environment.
const OCTOPUS: &str = r#"
get_octopusvariable() { local name=${1//[^A-Za-z0-9]/_}; printf '%s\n' "${!name-}"; }
new_octopusartifact() { [ -f "$1" ] && echo "artifact $2"; }
fail_step() { echo "failed: $1"; exit 1; }
"#;

fn octopus_variables(recipe: &Recipe) -> Vec<(String, String)> {
    let url = recipe.workbench.bench.sandbox.url().to_owned();
    let releases = format!("file://{}", recipe.releases.path().display());
    let files = recipe.workbench.folder.path().to_str().unwrap().to_owned();
    [
        ("Poolwright_Version", "0.1.0".into()),
        ("Poolwright_Sha256", recipe.sha256.clone()),
        ("Poolwright_Releases", releases),
        ("Poolwright_Url", url),
        ("Poolwright_ApiKey", recipe.workbench.key.into()),
        ("Poolwright_File", "workers.toml".into()),
        ("Poolwright_PlanStep", "Plan workers".into()),
        ("Poolwright_WaitHealthy", "1m".into()),
        ("Octopus_Action_Package_Poolwright_Files__ExtractedPath", files),
        ("Octopus_Space_Id", "Spaces-1".into()),
        ("Octopus_WorkerPool_Name", "Default Worker Pool".into()),
        ("OctopusCalamariWorkingDirectory", "/tmp".into()),
    ]
    .map(|(name, value): (&str, String)| (name.to_owned(), value))
    .to_vec()
}

#[test]
fn octopus_plans_and_applies_what_was_approved() {
    let recipe = Recipe::new();
    let [plan, apply] = ["plan", "apply"]
        .map(|it| format!("{OCTOPUS}{}", read(&format!("examples/ci/octopus/{it}.sh"))));
    let variables = octopus_variables(&recipe);
    let run = |script: &str, approved: &str| {
        let mut variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        variables.push(("Octopus_Action_Plan_workers__Output_digest", approved));
        recipe.run(script, &variables)
    };
    let Output { stdout, .. } = run(&plan, "").expect(0);
    assert!(stdout.contains("artifact plan.json\nartifact plan.md\n"), "{stdout}");
    assert!(stdout.contains("##octopus[stdout-highlight]\n1 to create\n"), "{stdout}");
    for digest in ["", "sha256:other"] {
        let Output { stdout, .. } = run(&apply, digest).expect(1);
        assert!(stdout.contains("failed: the plan is not the approved one"), "{stdout}");
    }
    recipe.workbench.run(&["plan", "--ci-dotenv", "digest.env"]).expect(0);
    let digest = recipe.workbench.read("digest.env");
    let digest = digest.lines().find_map(|line| line.strip_prefix("POOLWRIGHT_DIGEST=")).unwrap();
    // The digest is of what the plan does, wherever it runs.
    let Output { stdout, .. } = run(&apply, digest).expect(0);
    assert!(stdout.contains("artifact receipt.json"), "{stdout}");
    recipe.expect_applied();
}

#[test]
fn octopus_refuses_a_plan_that_removes_its_own_worker() {
    let recipe = Recipe::with(Workbench::new(Seed::Chapter));
    let pool =
        recipe.workbench.send("POST", "/api/Spaces-1/workerpools", crate::sandbox::pool("Own"));
    let worker = crate::sandbox::worker("own", &[pool["Id"].as_str().unwrap()]);
    recipe.workbench.send("POST", "/api/Spaces-1/workers", worker);
    recipe
        .workbench
        .write("workers.toml", "version = 1\n[workers.own]\npools = [\"Own\"]\ndisabled = true\nlistening = { url = \"https://db-worker-01:10933\", thumbprint = \"0E80575D3BD8D30854802A4E8340A2E23AE961FD\" }\n");
    let mut variables = octopus_variables(&recipe);
    variables.push(("Octopus_WorkerPool_Name".into(), "Own".into()));
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let script = format!("{OCTOPUS}{}", read("examples/ci/octopus/plan.sh"));
    let Output { stdout, .. } = recipe.run(&script, &variables).expect(3);
    assert!(stdout.contains("[own-worker] pool `Own`"), "{stdout}");
}

/// The rules of the community library (`spec/step-template-validation-tests.js` of `OctopusDeploy/Library`, and its
/// checklist for contributors).
#[test]
fn the_step_templates_fit_the_community_library() {
    let mut ids = Vec::new();
    for (verb, shell, file) in [
        ("plan", "bash", "plan.sh"),
        ("apply", "bash", "apply.sh"),
        ("plan", "powershell", "plan.ps1"),
        ("apply", "powershell", "apply.ps1"),
    ] {
        let path = format!("examples/ci/octopus/poolwright-{verb}-{shell}.json");
        let mut template: Value = serde_json::from_str(&read(&path)).unwrap();
        let script = read(&format!("examples/ci/octopus/{file}"));
        let body = "Octopus.Action.Script.ScriptBody";
        if env::var_os("UPDATE").is_some() {
            template["Properties"][body] = json!(script);
            fs::write(&path, format!("{template:#}\n")).unwrap();
        }
        assert_eq!(
            template["Properties"][body],
            json!(script),
            "`UPDATE=1 cargo test recipes` packs it anew"
        );
        let name = template["Name"].as_str().unwrap();
        assert!(!name.is_empty() && name.len() <= 200, "{name}");
        assert!(
            template["LastModifiedBy"].is_string() && template["$Meta"]["ExportedAt"].is_string()
        );
        assert_eq!(template["$Meta"]["Type"], "ActionTemplate");
        assert!(template["Version"].as_u64() >= Some(1));
        assert!(template["Packages"][0]["FeedId"].is_null());
        let parameters = template["Parameters"].as_array().unwrap();
        for parameter in parameters {
            let name = parameter["Name"].as_str().unwrap();
            assert!(name.starts_with("Poolwright."), "{name}");
            assert!(script.contains(name), "{path} does not use {name}");
            assert!(!parameter["HelpText"].as_str().unwrap().is_empty());
            assert!(parameter["DisplaySettings"]["Octopus.ControlType"].is_string());
        }
        // What a script reads is a parameter, or a variable of Octopus.
        for name in script.split(['"', '\'']).filter(|it| it.starts_with("Poolwright.")) {
            assert!(parameters.iter().any(|it| it["Name"] == name), "{path}: {name}");
        }
        let all = parameters.iter().chain([&template, &template["Packages"][0]]);
        ids.extend(all.map(|it| it["Id"].as_str().unwrap().to_owned()));
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id is used twice");
}

#[test]
fn every_recipe_pins_what_it_downloads() {
    let mut seen = 0;
    for folder in fs::read_dir("examples/ci").unwrap() {
        for entry in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let lines = text
                .lines()
                .filter(|line| line.trim().trim_start_matches("- ").starts_with("uses:"));
            for line in lines {
                seen += 1;
                let pin = line.split('@').nth(1).unwrap().split(' ').next().unwrap();
                assert!(pin.len() == 40 && line.contains(" # v"), "{}: {line}", path.display());
            }
        }
    }
    assert!(seen > 10);
}
