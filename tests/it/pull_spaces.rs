//! `pull` → `plan` is empty on spaces of any content, by real HTTP, and with keys that do not see all.
//!
//! `PULL_SPACES=400 cargo test --test it pull_spaces` looks at more of them.

use crate::{sandbox::pool, workbench::Workbench};
use octopus_sandbox::Seed;
use serde_json::{Value, json};

const SPACE: &str = "/api/Spaces-1";

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

const NAMES: [&str; 22] = [
    "default",
    "server",
    "variable",
    "a*",
    "?b",
    "!a",
    "w-[1..2]",
    "w-[a,b]",
    "${x}",
    "{n}",
    "a.b",
    "a/b \"q\" \\",
    "# c",
    "\u{1f9ed} pool",
    "שרת",
    "数据库",
    "Kubernetes Workers",
    "Team Blue",
    "Deploy database",
    "Migrate database",
    "Report database",
    "WorkerPools-1",
];

const TYPES: [&str; 8] = [
    "Octopus.Script",
    "Octopus.AzurePowerShell",
    "Octopus.KubernetesRunScript",
    "Octopus.KubernetesDeployRawYaml",
    "Octopus.Email",
    "Octopus.TentaclePackage",
    "Octopus.TerraformPlan",
    "Acme.Custom",
];

/// Puts something there, if the server takes it; its id.
fn put(workbench: &Workbench, kind: &str, body: Value) -> Option<String> {
    let (status, made) = workbench.try_send("POST", &format!("{SPACE}/{kind}"), body);
    (status < 300).then(|| made["Id"].as_str().unwrap().to_owned())
}

/// Fills a space with whatever the dice say.
fn fill(workbench: &Workbench, dice: &mut Dice) {
    let count = dice.roll(5) + 1;
    let pools: Vec<String> =
        (0..count).filter_map(|_| put(workbench, "workerpools", pool(dice.of(&NAMES)))).collect();
    let Some(first) = pools.first() else { return };
    for number in 0..dice.roll(6) {
        let name =
            if dice.roll(2) == 0 { format!("w-0{number}") } else { dice.of(&NAMES).to_owned() };
        let thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F";
        let endpoint = match dice.roll(2) {
            0 => {
                json!({ "CommunicationStyle": "TentaclePassive", "Uri": format!("https://{number}.acme:10933/"), "Thumbprint": thumbprint })
            }
            _ => {
                json!({ "CommunicationStyle": "TentacleActive", "Uri": format!("poll://queue{number}/"), "Thumbprint": thumbprint })
            }
        };
        let of = [first, &pools[dice.roll(pools.len())]];
        let of = &of[dice.roll(2)..];
        put(
            workbench,
            "workers",
            json!({
                "Name": name, "WorkerPoolIds": of, "MachinePolicyId": "MachinePolicies-1",
                "IsDisabled": dice.roll(4) == 0, "Endpoint": endpoint,
            }),
        );
    }
    let groups: Vec<String> = (0..3)
        .filter_map(|_| put(workbench, "projectgroups", json!({ "Name": dice.of(&NAMES) })))
        .collect();
    for _ in 0..dice.roll(6) {
        let Some(group) = groups.get(dice.roll(3)) else { continue };
        let project = json!({ "Name": dice.of(&NAMES), "ProjectGroupId": group, "LifecycleId": "Lifecycles-1" });
        let Some(project) = put(workbench, "projects", project) else { continue };
        steps(workbench, dice, &format!("deploymentprocesses/deploymentprocess-{project}"), &pools);
        for _ in 0..dice.roll(3) {
            let book = json!({ "Name": dice.of(&NAMES), "ProjectId": project });
            let Some(book) = put(workbench, "runbooks", book) else { continue };
            steps(workbench, dice, &format!("runbookProcesses/RunbookProcess-{book}"), &pools);
        }
    }
}

/// Gives a process steps, in pools or not; those that the server takes.
fn steps(workbench: &Workbench, dice: &mut Dice, process: &str, pools: &[String]) {
    let path = format!("{SPACE}/{process}");
    for _ in 0..dice.roll(5) {
        let mut process = workbench.get(&path);
        let name = dice.of(&NAMES);
        let actions: Vec<Value> = (0..=dice.roll(6) / 5)
            .map(|number| {
                let place = dice.roll(3);
                json!({
                    "Name": if number == 0 { name } else { dice.of(&NAMES) },
                    "ActionType": dice.of(&TYPES),
                    "WorkerPoolId": (place == 1).then(|| &pools[dice.roll(pools.len())]),
                    "WorkerPoolVariable": (place == 2 && dice.roll(3) == 0).then_some("Some.Pool"),
                    "Properties": {
                        "Octopus.Action.RunOnServer": dice.of(&["true", "false"]),
                        "Octopus.Action.Script.ScriptSource": "Inline",
                        "Octopus.Action.Script.ScriptBody": "true",
                    },
                })
            })
            .collect();
        let properties = json!({ "Octopus.Action.TargetRoles": dice.of(&["", "", "web"]) });
        let step = json!({ "Name": name, "Properties": properties, "Actions": actions });
        process["Steps"].as_array_mut().unwrap().push(step);
        workbench.try_send("PUT", &path, process);
    }
}

#[test]
fn a_pulled_file_plans_no_changes_whatever_a_space_contains() {
    let spaces = std::env::vars().find(|(name, _)| name == "PULL_SPACES");
    let spaces = spaces.map_or(6, |(_, number)| number.parse().unwrap());
    let (mut all, mut other) = (String::new(), "version = 1\n".to_owned());
    for seed in 0..spaces {
        let workbench = Workbench::unwatched(Seed::Empty);
        fill(&workbench, &mut Dice(seed));
        let writes = workbench.writes().len();
        workbench.run(&["pull", "-o", "workers.toml"]).expect(0);
        let text = workbench.read("workers.toml");
        let plan = workbench.run(&["plan", "--exit-code"]);
        assert_eq!(plan.code, 0, "space {seed}\n{text}\n{}\n{}", plan.stdout, plan.stderr);
        let kept = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
        assert!(kept.stderr.ends_with("nothing was written\n"), "space {seed}\n{}", kept.stderr);
        assert_eq!(workbench.read("workers.toml"), text);
        // The file of another space comes to be one of this.
        workbench.write("workers.toml", &other);
        workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
        workbench.settled();
        assert_eq!(workbench.writes().len(), writes);
        all.push_str(&text);
        other = text;
    }
    let said = ["[pools.", "[workers.", "pool = ", "pool_variable = "];
    assert!(said.iter().all(|it| all.contains(it)), "{all}");
}

#[test]
fn hidden_parts_are_reported_and_the_pulled_file_plans_no_changes() {
    let mut workbench = Workbench::new(Seed::Acme);
    for (key, lacks) in [
        ("API-SANDBOXWITHOUTWORKERVIEW", "workers"),
        ("API-SANDBOXWITHOUTPROCESSVIEW", "deployment processes"),
        ("API-SANDBOXWITHOUTRUNBOOKVIEW", "runbooks"),
        ("API-SANDBOXWITHOUTPROJECTVIEW", "projects"),
        ("API-SANDBOXWITHOUTMACHINEPOLICYVIEW", "machine policies"),
        ("API-SANDBOXWITHOUTACCOUNTVIEW", "accounts"),
        ("API-SANDBOXWITHOUTPROXYVIEW", "proxies"),
    ] {
        workbench.key = key;
        let pulled = workbench.run(&["pull", "-o", "workers.toml", "--force"]).expect(0);
        let told = format!("the {lacks} of space \"Default\": Missing permission");
        assert!(
            pulled.stderr.contains(&format!("warning: missing from the file: {told}")),
            "{}",
            pulled.stderr
        );
        let text = workbench.read("workers.toml");
        assert!(text.contains(&format!("# Not included: {told}")), "{text}");
        workbench.run(&["plan", "--exit-code"]).expect(0);
        // What is hidden is not taken out of a file.
        workbench.run(&["pull", "--keep", "workers.toml"]).expect(1);
        assert_eq!(workbench.read("workers.toml"), text);
    }
    assert_eq!(workbench.writes(), [""; 0]);
}
