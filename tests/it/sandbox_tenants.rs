//! Variables of tenants.

use crate::sandbox::Bench;
use octopus_sandbox::{READER_KEY, Seed};
use serde_json::{Value, json};

async fn acme() -> (Bench, String) {
    let bench = Bench::new(Seed::Acme).await;
    let tenants = bench.get("/api/Spaces-1/tenants/all").await;
    let contoso =
        tenants.as_array().unwrap().iter().find(|value| value["Name"] == "Contoso").unwrap();
    let path = format!("/api/Spaces-1/tenants/{}/variables", contoso["Id"].as_str().unwrap());
    (bench, path)
}

/// The only entry of an object.
fn only(object: &Value) -> (&String, &Value) {
    let entries = object.as_object().unwrap();
    assert_eq!(entries.len(), 1, "{object}");
    entries.iter().next().unwrap()
}

#[tokio::test]
async fn a_tenant_chooses_a_pool_by_project_environment_and_template() {
    let (bench, path) = acme().await;
    let said = bench.get(&path).await;
    let (_, project) = only(&said["ProjectVariables"]);
    let template = &project["Templates"][0];
    assert_eq!(
        (&template["Name"], &template["DisplaySettings"]["Octopus.ControlType"]),
        (&json!("Tenant.WorkerPool"), &json!("WorkerPool"))
    );
    let (environment, values) = only(&project["Variables"]);
    let (id, pool) = only(values);
    assert_eq!(template["Id"], json!(id));
    assert!(pool.as_str().unwrap().starts_with("WorkerPools-"), "{pool}");
    assert!(environment.starts_with("Environments-"), "{environment}");

    let all = bench.get("/api/Spaces-1/tenantvariables/all").await;
    let names: Vec<_> = all.as_array().unwrap().iter().map(|value| &value["TenantName"]).collect();
    assert_eq!(names, [&json!("Contoso"), &json!("Fabrikam")]);
    assert_eq!(all[0], said);
    let of_none = bench.get("/api/tenantvariables/all?projectId=Projects-1").await;
    assert_eq!(of_none, json!([]));
}

#[tokio::test]
async fn tenant_variables_are_written_as_a_whole_under_their_token() {
    let (mut bench, path) = acme().await;
    let mut said = bench.get(&path).await;
    let (project, _) = only(&said["ProjectVariables"]);
    let project = project.clone();
    let values = &mut said["ProjectVariables"][&project]["Variables"];
    let (environment, _) = only(values);
    let environment = environment.clone();
    values[&environment] =
        json!({ "a": "WorkerPools-1", "b": { "HasValue": true, "NewValue": "secret" } });
    let (status, written) = bench.send("PUT", &path, said.clone()).await;
    assert_eq!(status, 200, "{written}");
    let kept = &written["ProjectVariables"][&project]["Variables"][&environment];
    assert_eq!(kept, &json!({ "a": "WorkerPools-1", "b": { "HasValue": true, "NewValue": null } }));
    assert_ne!(written["ConcurrencyToken"], said["ConcurrencyToken"]);
    assert_eq!(bench.get(&path).await, written);
    insta::assert_snapshot!(bench.refused("PUT", &path, said).await, @"400: The tenant's variables have been changed since they were read. Please read them again.");
    bench.key = READER_KEY;
    assert_eq!(bench.send("PUT", &path, written).await.0, 403);
}
