//! What the repository of a version-controlled project keeps: commits, tags, and a document for each ref.

use crate::sandbox::{Bench, names};
use octopus_sandbox::{READER_KEY, Seed};
use serde_json::{Value, json};

/// A bench with the larger company, and the path of one of its projects.
async fn bench(project: &str) -> (Bench, String) {
    let bench = Bench::new(Seed::Acme).await;
    let all = bench.get("/api/Spaces-1/projects/all").await;
    let found = all.as_array().unwrap().iter().find(|value| value["Name"] == project).unwrap();
    let path = found["Links"]["Self"].as_str().unwrap().to_owned();
    (bench, path)
}

/// Saves the document at a path unchanged, with a message.
async fn save(bench: &Bench, path: &str, message: &str) -> Value {
    let mut document = bench.get(path).await;
    document["ChangeDescription"] = json!(message);
    let (status, saved) = bench.send("PUT", path, document).await;
    assert_eq!(status, 200, "{saved}");
    saved
}

#[tokio::test]
async fn a_write_makes_a_commit_with_its_message_and_its_author() {
    let (bench, project) = bench("Checkout").await;
    let commits = format!("{project}/git/commits");
    let before = bench.get(&commits).await;
    save(&bench, &format!("{project}/main/deploymentprocesses"), "Say why").await;
    save(&bench, &format!("{project}/main/deploymentprocesses"), " ").await;
    let after = bench.get(&commits).await;
    assert_eq!(after["TotalResults"], before["TotalResults"].as_i64().unwrap() + 2);
    let [last, first] = [&after["Items"][0], &after["Items"][1]];
    assert_eq!((&first["Message"], &first["Author"]), (&json!("Say why"), &json!("admin")));
    assert_eq!(last["Message"], "Updated deployment process");
    assert_eq!(last["Parent"], first["Name"]);
    let hash = first["Name"].as_str().unwrap();
    assert_eq!(hash.len(), 40);
    assert_eq!(&bench.get(&format!("{commits}/{hash}")).await, first);
}

#[tokio::test]
async fn the_commits_of_a_seed_are_the_same_at_each_start() {
    let (one, path) = bench("Payments").await;
    let (two, _) = bench("Payments").await;
    let path = format!("{path}/git/commits");
    assert_eq!(one.get(&path).await, two.get(&path).await);
}

#[tokio::test]
async fn an_old_commit_is_readable_but_accepts_no_commits() {
    let (bench, project) = bench("Checkout").await;
    let main = format!("{project}/main/deploymentprocesses");
    let hash = save(&bench, &main, "As it is").await;
    let newest = bench.get(&format!("{project}/git/commits?take=1")).await;
    let path = newest["Items"][0]["Links"]["DeploymentProcess"].as_str().unwrap().to_owned();
    let mut changed = hash.clone();
    changed["Steps"] = json!([]);
    assert_eq!(bench.send("PUT", &main, changed.clone()).await.0, 200);
    assert_eq!(bench.get(&main).await["Steps"], json!([]));
    assert_eq!(bench.get(&path).await["Steps"], hash["Steps"]);
    let refused = bench.refused("PUT", &path, changed).await;
    assert!(refused.starts_with("400: ") && refused.contains("is not a branch"), "{refused}");
}

#[tokio::test]
async fn a_document_links_to_itself_on_its_ref() {
    let (bench, project) = bench("Payments").await;
    for below in [
        "deploymentprocesses",
        "runbooks/restart",
        "runbookProcesses/RunbookProcess-restart",
        "variables",
    ] {
        let document = bench.get(&format!("{project}/trial/{below}")).await;
        let link = document["Links"]["Self"].as_str().unwrap();
        assert_eq!(link, format!("{project}/refs%2Fheads%2Ftrial/{below}"));
        assert_eq!(bench.get(link).await, document);
    }
    let runbook = bench.get(&format!("{project}/trial/runbooks/restart")).await;
    let process = bench.get(runbook["Links"]["RunbookProcesses"].as_str().unwrap()).await;
    assert_eq!(process["RunbookId"], "restart");
}

#[tokio::test]
async fn variables_in_git_differ_by_branch_and_those_in_the_database_have_no_ref() {
    let (bench, project) = bench("Payments").await;
    let path = format!("{project}/trial/variables");
    let mut set = bench.get(&path).await;
    set["Variables"][0]["Value"] = json!("WorkerPools-1");
    assert_eq!(bench.send("PUT", &path, set.clone()).await.0, 200);
    assert_eq!(bench.get(&path).await["Variables"][0]["Value"], "WorkerPools-1");
    let main = format!("{project}/main/variables");
    assert_ne!(bench.get(&main).await["Variables"][0]["Value"], "WorkerPools-1");
    let refused = bench.refused("PUT", &main, set).await;
    assert!(refused.contains("refs/heads/main is a protected branch"), "{refused}");
    let (bench, project) = self::bench("Checkout").await;
    assert_eq!(bench.send("GET", &format!("{project}/main/variables"), json!(null)).await.0, 404);
    let set = bench.get(&format!("{project}/variables")).await;
    assert_eq!(names(&set["Variables"]), "Build.WorkerPool");
    assert_eq!(names(&bench.get(&format!("{project}/runbooks")).await["Items"]), "Empty the carts");
}

#[tokio::test]
async fn tags_and_refs_are_found_by_short_and_canonical_names() {
    let (bench, project) = bench("Checkout").await;
    let tags = bench.get(&format!("{project}/git/tags")).await;
    assert_eq!((names(&tags["Items"]), &tags["ItemType"]), ("v1.0.0".into(), &json!("GitTag")));
    for path in ["tags/v1.0.0", "tags/refs%2Ftags%2Fv1.0.0", "refs/refs%2Ftags%2Fv1.0.0"] {
        let tag = bench.get(&format!("{project}/git/{path}")).await;
        assert_eq!(tag["CanonicalName"], "refs/tags/v1.0.0", "{path}");
    }
    assert_eq!(
        bench.send("GET", &format!("{project}/git/branches/v1.0.0"), json!(null)).await.0,
        404
    );
    assert_eq!(bench.send("GET", &format!("{project}/git/tags/main"), json!(null)).await.0, 404);
}

#[tokio::test]
async fn a_commit_needs_the_permission_to_edit_what_it_changes() {
    let (mut bench, project) = bench("Checkout").await;
    let path = format!("{project}/develop/deploymentprocesses");
    let process = bench.get(&path).await;
    bench.key = READER_KEY;
    assert_eq!(bench.get(&path).await, process);
    assert_eq!(bench.send("PUT", &path, process).await.0, 403);
    let branch = json!({ "NewBranchName": "mine", "BaseGitRef": "main" });
    assert_eq!(bench.send("POST", &format!("{project}/git/branches/v2"), branch).await.0, 403);
}

#[tokio::test]
async fn saving_a_project_moves_it_neither_into_git_nor_out_of_it() {
    let (bench, path) = bench("Checkout").await;
    let mut project = bench.get(&path).await;
    project["PersistenceSettings"]["ProtectedDefaultBranch"] = json!(true);
    project.as_object_mut().unwrap().remove("IsVersionControlled");
    let (_, saved) = bench.send("PUT", &path, project.clone()).await;
    assert_eq!(saved["IsVersionControlled"], true);
    assert_eq!(bench.get(&format!("{path}/git/branches/main")).await["IsProtected"], true);
    project["PersistenceSettings"] = json!({ "Type": "Database" });
    let (_, kept) = bench.send("PUT", &path, project.clone()).await;
    assert_eq!(kept["PersistenceSettings"], saved["PersistenceSettings"]);
    project["PersistenceSettings"] = saved["PersistenceSettings"].clone();
    project["Name"] = json!("Another");
    project["Slug"] = json!("another");
    let (status, made) = bench.send("POST", "/api/Spaces-1/projects", project).await;
    assert_eq!((status, &made["PersistenceSettings"]["Type"]), (201, &json!("Database")));
}

#[tokio::test]
async fn deleting_a_project_deletes_its_repository() {
    let (bench, path) = bench("Checkout").await;
    assert_eq!(bench.send("DELETE", &path, json!(null)).await.0, 200);
    for below in ["", "/git/branches", "/main/deploymentprocesses"] {
        assert_eq!(bench.send("GET", &format!("{path}{below}"), json!(null)).await.0, 404);
    }
}

#[tokio::test]
async fn a_commit_repairs_a_process_that_no_longer_loads() {
    let (bench, project) = bench("Checkout").await;
    let path = format!("{project}/main/deploymentprocesses");
    let pool = bench.pool("Short-lived").await;
    let mut process = bench.get(&path).await;
    process["Steps"][0]["Actions"][0]["WorkerPoolId"] = json!(pool);
    assert_eq!(bench.send("PUT", &path, process.clone()).await.0, 200);
    let pool = format!("/api/Spaces-1/workerpools/{pool}");
    assert_eq!(bench.send("DELETE", &pool, json!(null)).await.0, 200);
    assert_eq!(bench.send("GET", &path, json!(null)).await.0, 400);
    process["Steps"][0]["Actions"][0]["WorkerPoolId"] = json!(null);
    assert_eq!(bench.send("PUT", &path, process).await.0, 200);
    assert_eq!(bench.get(&path).await["Steps"][0]["Actions"][0]["WorkerPoolId"], json!(null));
}
