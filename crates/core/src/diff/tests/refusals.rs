//! What the server would refuse, or could not tell apart: found before anything is written.

use super::{live, plan, plan_of};
use crate::{
    config,
    finding::{Source, Sources},
    live::{Live, LiveProcess},
    model::{Container, Id, Linked, LiveEndpoint, Name, Place},
};

const RULE: &str = "[[placements]]\nproject = \"*\"\nstep = [\"Build\", \"Load\"]\npool = \"SQL\"";

/// A second project with the same steps.
fn with_second_project() -> Live {
    let mut live = live();
    let mut process: LiveProcess = live.processes[0].clone();
    process.id = Id::new("process-2");
    process.owner.project = Name::new("Billing");
    let mut project = live.projects[0].clone();
    project.name = Name::new("Billing");
    live.projects.push(project);
    live.processes.push(process);
    live
}

#[test]
fn a_process_with_duplicate_step_names_is_skipped_and_others_move() {
    let mut live = with_second_project();
    live.processes[0].steps[0].step = Name::new("load");
    live.processes[0].steps[0].id = Id::new("other");
    insta::assert_snapshot!(plan_of(RULE, &live), @r#"
    ~ projects["Billing"].deployment.steps["Build"] pool "default"→"pools.SQL"
    ~ projects["Billing"].deployment.steps["Load"] pool "pools.Old"→"pools.SQL"
    Warn refused-process: 2 steps stay unchanged: the server would refuse to save their processes
    "#);
}

#[test]
fn a_process_with_duplicate_child_names_is_skipped() {
    let mut live = live();
    for step in &mut live.processes[0].steps[1..3] {
        step.position = 1;
        step.has_siblings = true;
        step.step = Name::new("Rolling");
        step.action = Name::new("Child");
    }
    let process = &live.processes[0];
    let addresses: Vec<String> =
        process.steps[1..3].iter().map(|step| process.step_address(step).to_string()).collect();
    assert_eq!(
        addresses,
        [
            "projects[\"Web Store\"].deployment.steps[\"Rolling / Child (1)\"]",
            "projects[\"Web Store\"].deployment.steps[\"Rolling / Child (2)\"]"
        ]
    );
    insta::assert_snapshot!(plan_of("[[placements]]\nstep = \"Child\"\npool = \"SQL\"", &live), @"Warn refused-process: 2 steps stay unchanged: the server would refuse to save their processes");
}

#[test]
fn a_process_using_a_deleted_pool_is_skipped_unless_that_step_moves() {
    let mut live = live();
    live.processes[0].steps[2].place = Place::Pool(Id::new("Pools-99"));
    let build = "[[placements]]\nstep = \"Build\"\npool = \"SQL\"";
    insta::assert_snapshot!(plan_of(build, &live), @"Warn refused-process: 1 step stays unchanged: the server would refuse to save their processes");
    assert!(!plan_of(RULE, &live).contains("Warn"), "{}", plan_of(RULE, &live));
    live.processes[0].steps[2].place = Place::Variable("Pool".into());
    live.processes[0].steps[2].names_both = true;
    assert!(plan_of(build, &live).contains("Warn refused-process"));
    assert!(!plan_of(RULE, &live).contains("Warn"), "{}", plan_of(RULE, &live));
}

/// The errors in a file.
fn errors(file: &str) -> Vec<String> {
    let text = format!("version = 1\n{file}");
    let (_, findings) = config::load_desired(&Sources(vec![Source::new("w", text)]));
    findings.iter().map(|it| format!("{}: {}", it.code, it.message)).collect()
}

const LISTENING: &str = "thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }";

#[test]
fn two_workers_with_one_endpoint_are_an_error_that_names_both() {
    let worker = |name: &str, url: &str| {
        format!(
            "[workers.\"{name}\"]\npools = [\"p\"]\nlistening = {{ url = \"{url}\", {LISTENING}\n"
        )
    };
    let two = worker("a", "https://host") + &worker("b", "https://HOST:10933/");
    insta::assert_debug_snapshot!(errors(&two), @r#"
    [
        "same-endpoint: workers `a` and `b` have the same endpoint, `https://host:10933`",
    ]
    "#);
    insta::assert_debug_snapshot!(errors(&worker("db-[01..03]", "https://db.acme")), @r#"
    [
        "same-endpoint: workers `db-01` and `db-02` have the same endpoint, `https://db.acme:10933`",
    ]
    "#);
    assert_eq!(errors(&worker("db-[01..03]", "https://db-{n}.acme")), [""; 0]);
    assert_eq!(errors(&worker("win-[a]", "https://win-{n}.acme")), [""; 0]);
    assert_eq!(
        errors(&worker("win-[1-3]", "https://x"))[0],
        "bad-range: `[1-3]` is neither a range nor a list"
    );
}

#[test]
fn a_worker_with_the_endpoint_of_a_live_one_is_an_error_that_names_both() {
    let polling = |name: &str, id: &str| {
        format!(
            "[workers.{name}]\npools = [\"SQL\"]\npolling = {{ subscription = \"poll://{id}/\", thumbprint = \"{}\" }}\n",
            "8A".repeat(20)
        )
    };
    insta::assert_snapshot!(plan(&polling("new", "b")), @r#"
    + workers.new name →"new" pools →["pools.SQL"] polling.subscription →"poll://b/" polling.thumbprint →"8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A8A"
    Error same-endpoint: worker `new` would have the endpoint of `b`, `poll://b/`
    "#);
    assert_eq!(plan(&polling("a", "a")), "");
    let removed =
        polling("new", "b") + "[gates]\nempty-pool = \"allow\"\n[[removed]]\nworker = \"b\"";
    assert!(!plan(&removed).contains("Error"), "{}", plan(&removed));
}

#[test]
fn a_one_item_list_declares_one_worker() {
    let file = "[workers.\"[b]\"]\npools = [\"SQL\", \"Old\"]\npolling = {}";
    assert_eq!(plan(file), "");
}

#[test]
fn a_proxy_a_platform_and_a_container_can_be_cleared() {
    let mut live = live();
    live.workers[0].endpoint = LiveEndpoint::Ssh {
        host: "a".into(),
        port: 22,
        account: Linked::new("Accounts-1", "deploy"),
        fingerprint: format!("SHA256:{}", "a".repeat(43)),
        platform: Some("linux-x64".into()),
        proxy: Some(Linked::new("Proxies-1", "squid")),
    };
    live.directory.accounts = vec![crate::live::DirectoryEntry {
        id: "accounts-1".into(),
        name: Name::new("deploy"),
        slug: String::new(),
        default: false,
    }];
    let worker = |more: &str| {
        let fingerprint = format!("SHA256:{}", "a".repeat(43));
        format!(
            "[workers.a]\npools = [\"SQL\"]\nssh = {{ host = \"a\", account = \"deploy\", fingerprint = \"{fingerprint}\"{more} }}"
        )
    };
    assert_eq!(plan_of(&worker(""), &live), "");
    insta::assert_snapshot!(plan_of(&worker(", proxy = \"\", platform = \"\""), &live), @r#"~ workers.a ssh.platform "linux-x64"→null ssh.proxy "squid"→null"#);

    let step = &mut live.processes[0].steps[1];
    step.container = Some(Container::from_image("tools:1", "Feeds-1"));
    let rule = |container: &str| {
        format!("[[placements]]\nstep = \"Build\"\npool = \"SQL\"\ncontainer = {container}")
    };
    insta::assert_snapshot!(plan_of(&rule("false"), &live), @r#"~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL" container.image "tools:1"→null container.feed "Feeds-1"→null"#);
}

#[test]
fn an_image_replaces_the_build_source_of_a_container() {
    let mut live = live();
    live.directory.feeds = vec![crate::live::DirectoryEntry {
        id: "Feeds-1".into(),
        name: Name::new("Docker"),
        slug: String::new(),
        default: false,
    }];
    live.processes[0].steps[1].container = Some(Container {
        image: String::new(),
        feed: String::new(),
        dockerfile: "FROM alpine".into(),
        git_url: "https://git.acme/tools".into(),
    });
    let rule = "[[placements]]\nstep = \"Build\"\npool = \"SQL\"\ncontainer = { image = \"tools:2\", feed = \"docker\" }";
    insta::assert_snapshot!(plan_of(rule, &live), @r#"~ projects["Web Store"].deployment.steps["Build"] pool "default"→"pools.SQL" container.image null→"tools:2" container.feed null→"Docker" container.dockerfile "FROM alpine"→null container.git_url "https://git.acme/tools"→null"#);
}

#[test]
fn ids_are_compared_ignoring_case() {
    let mut live = live();
    live.processes[0].steps[2].place = Place::Pool(Id::new("POOLS-3"));
    live.workers[1].pools = vec![Id::new("pools-2"), Id::new("pools-3")];
    assert_eq!(
        plan_of(
            "[[placements]]\nstep = \"Load\"\npool = \"Old\"\n[workers.b]\npools = [\"SQL\", \"Old\"]\npolling = {}",
            &live
        ),
        ""
    );
    assert!(plan_of("[[removed]]\npool = \"Old\"", &live).contains("2 things still use it"));
}

#[test]
fn an_escaped_wildcard_is_part_of_a_name() {
    let mut live = live();
    live.processes[0].steps[1].step = Name::new("Build *");
    live.processes[0].steps[1].action = Name::new("Build *");
    live.processes[0].steps[2].step = Name::new("Build all");
    live.processes[0].steps[2].action = Name::new("Build all");
    insta::assert_snapshot!(plan_of("[[placements]]\nstep = 'Build \\*'\npool = \"SQL\"", &live), @r#"~ projects["Web Store"].deployment.steps["Build *"] pool "default"→"pools.SQL""#);
}
