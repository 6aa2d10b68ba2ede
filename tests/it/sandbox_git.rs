//! Version-controlled projects of the sandbox, as any client sees them.

use crate::sandbox::{Bench, names};
use octopus_sandbox::Seed;
use serde_json::{Value, json};

/// The seed's projects in Git: a writable one, one with a protected default branch, and an unreachable one.
struct Git {
    bench: Bench,
    checkout: String,
    payments: String,
    lost: String,
}

impl Git {
    async fn new() -> Self {
        let bench = Bench::new(Seed::Acme).await;
        let all = bench.get("/api/Spaces-1/projects/all").await;
        let find = |name: &str| {
            let project = all.as_array().unwrap().iter().find(|value| value["Name"] == name);
            format!("/api/Spaces-1/projects/{}", project.unwrap()["Id"].as_str().unwrap())
        };
        let (checkout, payments) = (find("Checkout"), find("Payments"));
        Self { checkout, payments, lost: find("Lost and found"), bench }
    }

    /// The first step's pool on a ref.
    async fn pool(&self, at: &str) -> Value {
        let path = format!("{}/{at}/deploymentprocesses", self.checkout);
        self.bench.get(&path).await["Steps"][0]["Actions"][0]["WorkerPoolId"].clone()
    }

    /// Saves the process of a ref with its first step in a pool.
    async fn place(&self, project: &str, at: &str, pool: &str) -> (u16, Value) {
        let path = format!("{project}/{at}/deploymentprocesses");
        let mut process = self.bench.get(&path).await;
        process["Steps"][0]["Actions"][0]["WorkerPoolId"] = json!(pool);
        process["ChangeDescription"] = json!("Move the build");
        process["GitRef"] = json!("refs/heads/main");
        self.bench.send("PUT", &path, process).await
    }
}

#[tokio::test]
async fn a_project_in_git_shows_its_repository() {
    let git = Git::new().await;
    let project = git.bench.get(&git.checkout).await;
    assert_eq!(project["IsVersionControlled"], true);
    assert_eq!(project["PersistenceSettings"]["DefaultBranch"], "main");
    let link = project["Links"]["DeploymentProcess"].as_str().unwrap();
    assert!(link.ends_with("/{gitRef}/deploymentprocesses"), "{link}");
}

#[tokio::test]
async fn branches_are_listed_found_and_created() {
    let git = Git::new().await;
    let at = format!("{}/git/branches", git.checkout);
    let list = git.bench.get(&at).await;
    assert_eq!(
        (names(&list["Items"]), &list["TotalResults"]),
        ("develop, main, release/1.0".into(), &json!(3))
    );
    let list = git.bench.get(&format!("{at}?searchByName=RELEASE&skip=0&take=5")).await;
    assert_eq!(list["Items"][0]["CanonicalName"], "refs/heads/release/1.0");
    assert_eq!(list["Items"][0]["IsProtected"], true);
    for name in ["main", "refs%2Fheads%2Fmain", "MAIN"] {
        assert_eq!(git.bench.get(&format!("{at}/{name}")).await["Name"], "main", "{name}");
    }
    assert_eq!(git.bench.send("GET", &format!("{at}/nope"), Value::Null).await.0, 404);
    let new = |name: &str, base: &str| json!({ "NewBranchName": name, "BaseGitRef": base });
    let made =
        git.bench.send("POST", &format!("{at}/v2"), new("moves/1", "refs/heads/develop")).await;
    assert_eq!((made.0, &made.1["CanonicalName"]), (200, &json!("refs/heads/moves/1")));
    assert_eq!(git.pool("moves%2F1").await, git.pool("develop").await);
    let refused = |body| async { git.bench.refused("POST", &format!("{at}/v2"), body).await };
    insta::assert_snapshot!(refused(new("main", "develop")).await, @"400: A branch named 'main' already exists.");
    insta::assert_snapshot!(refused(new("x", "nope")).await, @"400: The Git reference 'nope' could not be found.");
    insta::assert_snapshot!(refused(new("a b", "main")).await, @"400: 'a b' is not a valid branch name.");
}

#[tokio::test]
async fn each_ref_has_its_own_process() {
    let git = Git::new().await;
    let (main, develop) = (git.pool("main").await, git.pool("refs%2Fheads%2Fdevelop").await);
    assert!(main != develop && git.pool("release%2F1.0").await.is_null());
    assert_eq!(git.pool("refs%2Ftags%2Fv1.0.0").await, Value::Null);
    let (status, _) = git.place(&git.checkout, "main", develop.as_str().unwrap()).await;
    assert_eq!((status, git.pool("main").await), (200, develop.clone()));
    assert_eq!(git.pool("develop").await, develop);
}

#[tokio::test]
async fn a_write_is_a_commit_and_the_old_state_stays_readable() {
    let git = Git::new().await;
    let head = git.bench.get(&format!("{}/git/refs/main", git.checkout)).await;
    assert_eq!(head["CanonicalName"], "refs/heads/main");
    let process = git.bench.get(&format!("{}/main/deploymentprocesses", git.checkout)).await;
    let (status, written) = git.place(&git.checkout, "main", "WorkerPools-1").await;
    assert_eq!(status, 200);
    // The fields of the commit are not kept in the process, and nothing else changes.
    let mut wanted = process.clone();
    wanted["Steps"][0]["Actions"][0]["WorkerPoolId"] = json!("WorkerPools-1");
    assert_eq!(written, wanted);
    let events = git.bench.get("/api/Spaces-1/events?take=1").await;
    assert_eq!(events["Items"][0]["Category"], "Modified", "{events}");
}

#[tokio::test]
async fn refs_that_are_not_branches_refuse_commits() {
    let git = Git::new().await;
    let told = |(status, body): (u16, Value)| {
        format!("{status}: {}", body["Errors"][0].as_str().unwrap_or_default())
    };
    insta::assert_snapshot!(told(git.place(&git.payments, "main", "WorkerPools-1").await), @"400: refs/heads/main is a protected branch. Cannot commit to protected branches. Please create a new branch before committing.");
    insta::assert_snapshot!(told(git.place(&git.checkout, "release%2F1.0", "WorkerPools-1").await), @"400: refs/heads/release/1.0 is a protected branch. Cannot commit to protected branches. Please create a new branch before committing.");
    insta::assert_snapshot!(told(git.place(&git.checkout, "v1.0.0", "WorkerPools-1").await), @"400: 'v1.0.0' is not a branch. Changes can only be committed to a branch.");
    insta::assert_snapshot!(told(git.place(&git.checkout, "main", "WorkerPools-999").await), @"400: The worker pool 'WorkerPools-999' of the step 'Build the image' does not exist.");
    let bare = git
        .bench
        .refused("GET", &format!("{}/deploymentprocesses", git.checkout), Value::Null)
        .await;
    insta::assert_snapshot!(bare, @"400: This project is version controlled: a Git reference is needed in the path.");
    let lost = git
        .bench
        .refused("GET", &format!("{}/main/deploymentprocesses", git.lost), Value::Null)
        .await;
    insta::assert_snapshot!(lost, @"400: Failed to fetch from the Git repository 'https://git.acme.invalid/lost.git': could not resolve host 'git.acme.invalid'");
    let lost = git
        .bench
        .send("GET", &format!("{}/nope/deploymentprocesses", git.checkout), Value::Null)
        .await;
    assert_eq!(lost.0, 404);
}

#[tokio::test]
async fn runbooks_in_git_are_identified_by_their_slugs() {
    let git = Git::new().await;
    let list = git.bench.get(&format!("{}/main/runbooks", git.payments)).await;
    assert_eq!(
        (&list["Items"][0]["Id"], &list["Items"][0]["RunbookProcessId"]),
        (&json!("restart"), &json!("RunbookProcess-restart"))
    );
    let path = format!("{}/main/runbookProcesses/RunbookProcess-restart", git.payments);
    assert_eq!(git.bench.get(&path).await["Steps"][0]["Name"], "Back up database");
    let trial = path.replace("/main/", "/trial/");
    let mut process = git.bench.get(&trial).await;
    process["Steps"][0]["Actions"][0]["WorkerPoolVariable"] = json!("Pool");
    assert_eq!(git.bench.send("PUT", &trial, process).await.0, 200);
    assert_eq!(git.bench.get(&trial).await["Steps"][0]["Actions"][0]["WorkerPoolVariable"], "Pool");
    let bare = git.bench.refused("GET", &format!("{}/runbooks", git.payments), Value::Null).await;
    assert!(bare.starts_with("400"), "{bare}");
}

#[tokio::test]
async fn a_pool_that_only_git_refers_to_can_be_deleted_and_its_process_no_longer_loads() {
    let git = Git::new().await;
    let id = git.bench.pool("Short-lived").await;
    assert_eq!(git.place(&git.checkout, "main", &id).await.0, 200);
    assert_eq!(
        git.bench.send("DELETE", &format!("/api/Spaces-1/workerpools/{id}"), Value::Null).await.0,
        200
    );
    let path = format!("{}/main/deploymentprocesses", git.checkout);
    insta::assert_snapshot!(git.bench.refused("GET", &path, Value::Null).await, @"400: The worker pool of the step 'Build the image' could not be found. Its reference has to be corrected in the Git repository.");
}

#[tokio::test]
async fn a_project_moves_from_the_database_into_git() {
    let git = Git::new().await;
    let at = "/api/Spaces-1/projects/Projects-1";
    let process = git.bench.get(&format!("{at}/deploymentprocesses")).await;
    let settings = json!({
        "Url": "https://git.acme.example/web-store.git", "DefaultBranch": "main", "BasePath": ".octopus",
        "Credentials": { "Type": "UsernamePassword", "Username": "x", "Password": { "NewValue": "secret", "HasValue": true } },
        "ProtectedDefaultBranch": true,
    });
    let body = json!({ "CommitMessage": "Into Git", "InitialCommitBranchName": "octopus", "VersionControlSettings": settings });
    assert_eq!(git.bench.send("POST", &format!("{at}/git/convert"), body.clone()).await.0, 200);
    let project = git.bench.get(at).await;
    assert_eq!(project["IsVersionControlled"], true);
    assert!(!project.to_string().contains("secret"), "{project}");
    let moved = git.bench.get(&format!("{at}/octopus/deploymentprocesses")).await;
    assert_eq!(moved["Steps"], process["Steps"]);
    let (status, _) = git
        .bench
        .send("GET", "/api/Spaces-1/deploymentprocesses/deploymentprocess-Projects-1", Value::Null)
        .await;
    assert_eq!(status, 404);
    let again = git.bench.refused("POST", &format!("{at}/git/convert"), body).await;
    insta::assert_snapshot!(again, @"400: This project is version controlled already.");
}

#[tokio::test]
async fn a_release_freezes_the_commit_that_its_ref_resolves_to() {
    let git = Git::new().await;
    let id = git.checkout.rsplit('/').next().unwrap();
    let release = |version: &str, reference: Value| json!({ "ProjectId": id, "Version": version, "VersionControlReference": reference });
    let made = async |body: Value| {
        let (status, made) = git.bench.send("POST", "/api/Spaces-1/releases", body).await;
        assert_eq!(status, 201, "{made}");
        let id = made["ProjectDeploymentProcessSnapshotId"].as_str().unwrap();
        let frozen = git.bench.get(&format!("/api/Spaces-1/deploymentprocesses/{id}")).await;
        let pool = frozen["Steps"][0]["Actions"][0]["WorkerPoolId"].clone();
        (made["VersionControlReference"].clone(), pool)
    };
    let (main, develop) = (git.pool("main").await, git.pool("develop").await);
    let (reference, pool) = made(release("1.0.0", Value::Null)).await;
    assert_eq!((&reference["GitRef"], &pool), (&json!("refs/heads/main"), &main));
    assert_eq!(reference["GitCommit"].as_str().map(str::len), Some(40));
    let (_, pool) = made(release("1.0.1", json!({ "GitRef": "refs/heads/develop" }))).await;
    assert_eq!(pool, develop);

    // A later commit does not change an earlier release.
    git.place(&git.checkout, "main", "WorkerPools-1").await;
    let old = json!({ "GitRef": "refs/heads/main", "GitCommit": reference["GitCommit"] });
    assert_eq!(made(release("1.0.2", old)).await.1, main);
    let nowhere = release("1.0.3", json!({ "GitRef": "nope" }));
    insta::assert_snapshot!(git.bench.refused("POST", "/api/Spaces-1/releases", nowhere).await, @"400: The Git reference 'nope' could not be found.");
    let lost = json!({ "ProjectId": git.lost.rsplit('/').next(), "Version": "1.0.0" });
    insta::assert_snapshot!(git.bench.refused("POST", "/api/Spaces-1/releases", lost).await, @"400: Failed to fetch from the Git repository 'https://git.acme.invalid/lost.git': could not resolve host 'git.acme.invalid'");
    let by_name =
        json!({ "ProjectName": "Checkout", "GitRef": "develop", "ReleaseVersion": "2.0.0" });
    let (status, made) = git.bench.send("POST", "/api/Spaces-1/releases/create/v1", by_name).await;
    assert_eq!(status, 201, "{made}");
}
