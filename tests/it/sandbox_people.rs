//! Keys, permissions, and access tokens exchanged for an identity.

use crate::{
    sandbox::{Bench, names, pool, worker},
    workbench::{Workbench, output, program},
};
use octopus_sandbox::{
    ADMIN_KEY, NO_WORKERS_KEY, Pace, READER_KEY, SERVICE_ACCOUNT, SandboxOptions, Seed,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The status of an answer, and the permission that a refusal names.
async fn answer(bench: &Bench, method: &str, path: &str, body: Value) -> String {
    let (status, body) = bench.send(method, path, body).await;
    let message = body["ErrorMessage"].as_str().unwrap_or_default();
    let lacking = message.split_once("Missing permission: ").map_or("", |(_, it)| it);
    format!("{status} {lacking}").trim().to_owned()
}

#[tokio::test]
async fn a_key_may_lack_one_permission_and_says_so() {
    let mut bench = Bench::new(Seed::Chapter).await;
    bench.key = "API-SANDBOXWITHOUTWORKEREDIT";
    let me = bench.get("/api/users/me").await;
    assert_eq!((&me["Username"], &me["IsService"]), (&json!("without-workeredit"), &json!(false)));
    for path in ["/api/users/me/permissions", "/api/Spaces-2/users/me/permissions"] {
        let permissions = bench.get(path).await;
        let spaces = &permissions["SpacePermissions"];
        assert!(spaces.get("WorkerEdit").is_none(), "{path}");
        assert_eq!(spaces["WorkerView"][0]["RestrictedToProjectIds"], json!([]), "{path}");
        let system = permissions["SystemPermissions"].as_array().unwrap();
        assert!(system.contains(&json!("ConfigureServer")), "{path}");
    }
    let of_one = bench.get("/api/Spaces-2/users/me/permissions").await;
    assert_eq!(of_one["SpacePermissions"]["WorkerView"].as_array().unwrap().len(), 1);

    assert_eq!(answer(&bench, "POST", "/api/workerpools", pool("Linux")).await, "403 WorkerEdit");
    let change = worker("db-01", &["WorkerPools-1"]);
    assert_eq!(answer(&bench, "POST", "/api/workers", change).await, "403 WorkerEdit");
    bench.get("/api/workers").await;
    let group = json!({ "Name": "Finance" });
    assert_eq!(answer(&bench, "POST", "/api/projectgroups", group).await, "201");
}

#[tokio::test]
async fn permissions_of_others_need_the_permission_to_view_users() {
    let mut bench = Bench::new(Seed::Empty).await;
    bench.key = "API-SANDBOXWITHOUTPROCESSEDIT";
    let id = bench.get("/api/users/me").await["Id"].as_str().unwrap().to_owned();
    let mine = bench.get("/api/users/me/permissions").await;
    bench.key = READER_KEY;
    assert_eq!(bench.get(&format!("/api/users/{id}/permissions")).await, mine);
    assert_eq!(bench.get("/api/users/all").await[2]["Username"], "no-workers");
    bench.key = "API-SANDBOXWITHOUTUSERVIEW";
    assert_eq!(answer(&bench, "GET", "/api/users/Users-1", Value::Null).await, "403 UserView");
    assert_eq!(bench.get("/api/users").await["TotalResults"], 1);
}

#[tokio::test]
async fn creating_and_deleting_have_permissions_of_their_own_where_octopus_has_them() {
    let mut bench = Bench::new(Seed::Chapter).await;
    for (key, method, path, wanted) in [
        (
            "API-SANDBOXWITHOUTMACHINEPOLICYCREATE",
            "POST",
            "machinepolicies",
            "403 MachinePolicyCreate",
        ),
        ("API-SANDBOXWITHOUTPROJECTDELETE", "DELETE", "projects/Projects-1", "403 ProjectDelete"),
        ("API-SANDBOXWITHOUTPROJECTEDIT", "DELETE", "projects/Projects-1", "200"),
        (
            "API-SANDBOXWITHOUTCONFIGURESERVER",
            "PUT",
            "featuresconfiguration",
            "403 ConfigureServer",
        ),
        ("API-SANDBOXWITHOUTSPACECREATE", "POST", "spaces", "403 SpaceCreate"),
        (
            "API-SANDBOXWITHOUTPROCESSVIEW",
            "GET",
            "projects/Projects-2/deploymentprocesses",
            "403 ProcessView",
        ),
        ("API-SANDBOXWITHOUTNOTHING", "GET", "spaces", "401"),
        ("API-SANDBOXWITHOUT", "GET", "spaces", "401"),
    ] {
        bench.key = key;
        let body = json!({ "Name": "Another" });
        assert_eq!(answer(&bench, method, &format!("/api/{path}"), body).await, wanted, "{key}");
    }
}

#[tokio::test]
async fn lists_omit_items_that_the_user_may_not_view() {
    let mut bench = Bench::new(Seed::Chapter).await;
    bench.send("POST", "/api/workers", worker("db-01", &["WorkerPools-1"])).await;
    for (permission, path) in [
        ("WORKERVIEW", "workers/all"),
        ("PROJECTVIEW", "projects/all"),
        ("RUNBOOKVIEW", "runbooks/all"),
        ("VARIABLEVIEW", "variables/all"),
        ("MACHINEVIEW", "machines/all"),
        ("ACCOUNTVIEW", "accounts/all"),
        ("MACHINEPOLICYVIEW", "machinepolicies/all"),
        ("WORKERVIEW", "workers/operatingsystem/names/all"),
    ] {
        let path = format!("/api/Spaces-1/{path}");
        bench.key = ADMIN_KEY;
        assert_ne!(bench.get(&path).await, json!([]), "{path}");
        let key = format!("API-SANDBOXWITHOUT{permission}");
        bench.key = key.leak();
        assert_eq!(bench.get(&path).await, json!([]), "{path}");
    }
    bench.key = NO_WORKERS_KEY;
    assert_eq!(names(&bench.get("/api/workerpools/all").await), "Default Worker Pool");
}

/// An identity token with these claims. Its signature is not checked.
fn identity(claims: &Value) -> String {
    format!("{}.{}.c2lnbmVk", base64(r#"{"alg":"RS256"}"#), base64(&claims.to_string()))
}

/// The alphabet for URLs, without padding.
fn base64(text: &str) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = text.bytes().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    let letter = |six: &[u8]| {
        let number = (0..6).fold(0, |sum, at| sum << 1 | six.get(at).copied().unwrap_or(0));
        char::from(letters[usize::from(number)])
    };
    bits.chunks(6).map(letter).collect()
}

fn job() -> String {
    identity(&json!({ "sub": "repo:acme/infra:ref:refs/heads/main", "aud": SERVICE_ACCOUNT }))
}

fn request(token: &str) -> Value {
    json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": SERVICE_ACCOUNT,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": token,
    })
}

/// Exchanges an identity without a key, at the discovered endpoint.
async fn exchange(bench: &Bench, body: &Value) -> (u16, Value) {
    let at = format!("{}/.well-known/openid-configuration", bench.sandbox.url());
    let discovery: Value = bench.client.get(at).send().await.unwrap().json().await.unwrap();
    let endpoint = discovery["token_endpoint"].as_str().unwrap();
    assert_eq!(endpoint, format!("{}/api/token/v1", bench.sandbox.url()));
    let answer = bench.client.post(endpoint).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn username(bench: &Bench, token: &str) -> (u16, Value) {
    let at = format!("{}/api/users/me", bench.sandbox.url());
    let answer = bench.client.get(at).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["Username"].clone())
}

#[tokio::test]
async fn an_identity_is_exchanged_for_a_token_of_the_service_account() {
    let bench = Bench::new(Seed::Empty).await;
    let (status, answer) = exchange(&bench, &request(&job())).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["expires_in"], &answer["token_type"]), (&json!(3600), &json!("Bearer")));
    assert_eq!(answer["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(username(&bench, token).await, (200, json!("ci")));
    let several = identity(&json!({ "aud": ["elsewhere", SERVICE_ACCOUNT.to_uppercase()] }));
    assert_eq!(exchange(&bench, &request(&several)).await.0, 200);
}

#[tokio::test]
async fn a_token_that_has_expired_is_refused() {
    let pace = Pace { token: Duration::ZERO, ..Pace::default() };
    let bench =
        Bench::with(SandboxOptions { seed: Seed::Empty, pace, ..SandboxOptions::default() }).await;
    let (_, answer) = exchange(&bench, &request(&job())).await;
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(username(&bench, token).await.0, 401);
}

#[tokio::test]
async fn an_invalid_token_request_is_refused_as_oauth_prescribes() {
    let bench = Bench::new(Seed::Empty).await;
    let changed = |name: &str, value: &str| {
        let mut body = request(&job());
        body[name] = json!(value);
        body
    };
    let past = identity(&json!({ "aud": SERVICE_ACCOUNT, "exp": 1_000_000_000 }));
    let other = identity(&json!({ "aud": "another" }));
    let mut lines = Vec::new();
    for body in [
        json!({}),
        changed("grant_type", "password"),
        changed("subject_token_type", "saml"),
        changed("audience", "nobody"),
        changed("subject_token", "a.jwt"),
        changed("subject_token", &past),
        changed("subject_token", &other),
    ] {
        let (status, body) = exchange(&bench, &body).await;
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        lines.push(format!("{status} {}: {}", text("error"), text("error_description")));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    400 invalid_request: The parameter grant_type is missing.
    400 unsupported_grant_type: The grant type must be urn:ietf:params:oauth:grant-type:token-exchange.
    400 invalid_request: The subject token type must be urn:ietf:params:oauth:token-type:jwt.
    400 invalid_request: There is no service account 'nobody'.
    400 invalid_request: The subject token is not a JSON Web Token.
    400 invalid_request: The subject token has expired.
    400 invalid_request: The audience of the subject token is not the service account.
    ");
}

#[test]
fn the_program_plans_with_the_identity_of_a_job() {
    let workbench = Workbench::chapter("version = 1\n[pools.linux]\nname = \"Linux\"\n");
    for args in [&["plan", "--exit-code"][..], &["apply", "--auto-approve"]] {
        let mut command = program(workbench.folder.path(), args);
        command.env("OCTOPUS_URL", workbench.bench.sandbox.url());
        command.env("OCTOPUS_SERVICE_ACCOUNT_ID", SERVICE_ACCOUNT).env("OCTOPUS_ID_TOKEN", job());
        output(&mut command).expect(if args[0] == "plan" { 2 } else { 0 });
    }
    assert_eq!(workbench.count("POST /api/token/v1"), 2);
    let event = &workbench.get("/api/events?take=1")["Items"][0];
    assert_eq!((&event["Username"], &event["IsService"]), (&json!("ci"), &json!(true)));
    assert_eq!(event["IdentityEstablishedWith"], "OpenID Connect");
}

#[test]
fn the_program_says_why_an_identity_is_refused() {
    let workbench = Workbench::chapter("version = 1\n");
    let mut command = program(workbench.folder.path(), &["plan"]);
    command.env("OCTOPUS_URL", workbench.bench.sandbox.url());
    command.env("OCTOPUS_SERVICE_ACCOUNT_ID", "nobody").env("OCTOPUS_ID_TOKEN", job());
    let failed = output(&mut command).expect(1);
    assert!(failed.stderr.contains("There is no service account 'nobody'."), "{}", failed.stderr);
}
