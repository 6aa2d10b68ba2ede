//! Tables of where steps run.

use super::*;

fn pool(id: &str, is_default: bool, image: Option<&str>) -> PlacementPool {
    let image = image.map(str::to_owned);
    PlacementPool {
        id: id.to_owned(),
        name: id.to_uppercase(),
        slug: format!("{id}-slug"),
        is_default,
        image,
    }
}

fn worker(name: &str, pools: &[&str], is_ready: bool) -> PlacementWorker {
    PlacementWorker {
        id: name.to_owned(),
        name: name.to_owned(),
        pools: pools.iter().map(|&it| it.to_owned()).collect(),
        is_ready,
        ..PlacementWorker::default()
    }
}

/// An empty default pool, a healthy pool, an unhealthy one, another empty one, and a dynamic one.
fn available() -> AvailableWorkers {
    AvailableWorkers {
        pools: vec![
            pool("default", true, None),
            pool("linux", false, None),
            pool("ill", false, None),
            pool("empty", false, None),
            pool("hosted", false, Some("UbuntuDefault")),
        ],
        workers: vec![
            worker("a", &["linux"], false),
            worker("b", &["linux", "ill"], false),
            worker("c", &["LINUX"], true),
            worker("d", &["linux"], true),
        ],
        built_in: true,
    }
}

/// A place in a word: `server`, `target`, `built-in`, `c of linux`, `nowhere`, or `! why`.
fn place(step: &StepToPlace<'_>, available: &AvailableWorkers) -> String {
    match resolve_place(step, available) {
        Ok(RunPlace::Server) => "server".to_owned(),
        Ok(RunPlace::Target) => "target".to_owned(),
        Ok(RunPlace::BuiltIn) => "built-in".to_owned(),
        Ok(RunPlace::NoTarget) => "nowhere".to_owned(),
        Ok(RunPlace::Worker { worker, pool }) => format!("{} of {}", worker.name, pool.id),
        Ok(RunPlace::Dynamic { pool, image }) => format!("{image} of {}", pool.id),
        Err(trouble) => {
            let trouble = format!("{trouble:?}");
            format!("! {}", trouble.split([' ', '(']).next().unwrap_or_default())
        }
    }
}

const SCRIPT: &str = "Octopus.Script";

#[test]
fn step_type_and_target_decide_where_a_step_runs() {
    // Columns: the type, whether `RunOnServer` says so, the style of the target, and where it runs.
    let table = "
        Octopus.Manual                   yes  -                  server
        Octopus.Email                    no   TentaclePassive    server
        octopus.manual                   yes  -                  server
        Octopus.Certificate.Import       no   TentaclePassive    server
        Octopus.Script                   yes  -                  built-in
        Octopus.Script                   yes  TentaclePassive    built-in
        Octopus.Script                   no   TentaclePassive    target
        Octopus.Script                   no   TentacleActive     target
        Octopus.Script                   no   Ssh                target
        Octopus.Script                   no   OfflineDrop        target
        Octopus.Script                   no   KubernetesTentacle target
        Octopus.Script                   no   None               built-in
        Octopus.Script                   no   AzureWebApp        built-in
        Octopus.Script                   no   -                  nowhere
        Octopus.AzurePowerShell          no   -                  built-in
        Octopus.AzureWebApp              no   AzureWebApp        built-in
        Octopus.AwsUploadS3              no   TentaclePassive    target
        Octopus.AwsUploadS3              yes  -                  built-in
        Octopus.TerraformPlanDestroy     no   -                  built-in
        Octopus.KubernetesRunScript      yes  Kubernetes         built-in
        Octopus.KubernetesRunScript      yes  KubernetesTentacle target
        Octopus.HelmChartUpgrade         yes  KubernetesTentacle target
        Octopus.HelmChartUpgrade         yes  -                  built-in
        Octopus.TentaclePackage          yes  TentaclePassive    target
        Octopus.TentaclePackage          no   None               built-in
        Octopus.IIS                      no   -                  nowhere
        Octopus.DockerRun                yes  Ssh                target
        Octopus.TomcatDeploy             yes  Ssh                built-in
        aws-ecs                          no   -                  built-in
        Somebody.Else.Made.This          yes  -                  built-in
        Somebody.Else.Made.This          no   Ssh                target
    ";
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap_or_default();
        let (action, on_server, style, wanted) = (word(), word() == "yes", word(), word());
        let target = (style != "-").then_some(PlacementTarget { style, pool: "" });
        let step = StepToPlace { name: "s", action, on_server, target, ..StepToPlace::default() };
        assert_eq!(place(&step, &available()), wanted, "{line}");
    }
}

#[test]
fn the_pool_comes_from_the_step_variable_target_or_default_in_order() {
    // Columns: pool, variable, the target's pool (`none` is no target), and where it runs.
    let table = "
        linux  -       none    c of linux
        LINUX  -       none    c of linux
        -      where   none    c of linux
        -      slug    none    ! NoHealthyWorker
        -      blank   none    ! NoVariable
        -      unset   none    ! NoVariable
        -      gone    none    ! NoPool
        gone   -       none    ! NoPool
        -      -       linux   c of linux
        -      -       gone    ! NoPool
        empty  -       linux   ! NoWorker
        hosted -       linux   UbuntuDefault of hosted
        -      where   empty   c of linux
        -      -       -       built-in
        -      -       none    built-in
        default -      none    built-in
        ill    -       none    ! NoHealthyWorker
        empty  -       none    ! NoWorker
    ";
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [pool, variable, of_target, wanted @ ..] = words.as_slice() else { panic!("{line}") };
        let said = |word: &&'static str| if *word == "-" { "" } else { *word };
        let target = PlacementTarget { style: "AzureWebApp", pool: said(of_target) };
        let target = (*of_target != "none").then_some(target);
        let value = match *variable {
            "where" => Some("linux"),
            "slug" => Some("ill-slug"),
            "blank" => Some(""),
            "gone" => Some("x"),
            _ => None,
        };
        let (pool, variable) = (said(pool), said(variable));
        let step = StepToPlace {
            name: "s",
            action: SCRIPT,
            on_server: true,
            pool,
            variable,
            value,
            target,
        };
        assert_eq!(place(&step, &available()), wanted.join(" "), "{line}");
    }
}

fn in_pool(pool: &'static str) -> StepToPlace<'static> {
    StepToPlace { name: "s", action: SCRIPT, on_server: true, pool, ..StepToPlace::default() }
}

#[test]
fn the_built_in_worker_only_serves_an_empty_default_pool() {
    let mut available = available();
    assert_eq!(place(&in_pool(""), &available), "built-in");
    available.built_in = false;
    assert_eq!(place(&in_pool(""), &available), "! NoBuiltIn");
    available.built_in = true;
    available.workers.push(worker("e", &["default"], false));
    assert_eq!(place(&in_pool(""), &available), "! NoHealthyWorker");
    available.workers.push(worker("f", &["default"], true));
    assert_eq!(place(&in_pool(""), &available), "f of default");
}

#[test]
fn the_least_leased_worker_is_chosen_and_exclusive_leases_block() {
    let mut available = available();
    available.workers[2].leases = 2;
    assert_eq!(place(&in_pool("linux"), &available), "d of linux");
    available.workers[3].is_taken = true;
    assert_eq!(place(&in_pool("linux"), &available), "c of linux");
    available.workers[2].is_taken = true;
    assert_eq!(place(&in_pool("linux"), &available), "! Taken");
}

#[test]
fn a_placement_error_uses_the_servers_wording() {
    let step = StepToPlace { name: "Migrate", variable: "Pool", ..in_pool("") };
    insta::assert_snapshot!(resolve_place(&step, &available()).unwrap_err(), @"No variable named `Pool` was in scope and set to value for `Migrate` so could not determine which worker pool to use.");
}
