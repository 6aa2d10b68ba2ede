//! From a CI job's identity to an access token, against a server that exchanges one.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use poolwright_client::octopus::{
    ClientError, ConnectionOptions, Credentials, Secret, TrustedServer, token,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Serves the discovery, with this endpoint below its own URL or as it is, and an exchange.
async fn server(endpoint: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let named =
        if endpoint.starts_with('/') { format!("{url}{endpoint}") } else { endpoint.to_owned() };
    let discovery = move || async move { Json(json!({ "token_endpoint": named })) };
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/api/token/v1", post(exchange));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn exchange(Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let trusted = body["subject_token"] == "a.jwt" && body["audience"] == "5be4ac10";
    match trusted && body["grant_type"].as_str().is_some_and(|it| it.ends_with(":token-exchange")) {
        true => (StatusCode::OK, Json(json!({ "access_token": "opened", "expires_in": 3600 }))),
        false => {
            let why = "the subject does not match";
            (
                StatusCode::BAD_REQUEST,
                Json(json!({ "error": "invalid_request", "error_description": why })),
            )
        }
    }
}

async fn exchanged(endpoint: &'static str, identity: &str) -> Result<Secret, ClientError> {
    let options = ConnectionOptions::new(
        TrustedServer::named_by_user(server(endpoint).await),
        Credentials::Anonymous,
    );
    token::exchange_identity(options, "5be4ac10", &Secret::from(identity.to_owned())).await
}

#[tokio::test]
async fn an_identity_is_exchanged_for_a_token() {
    let token = exchanged("/api/token/v1", "a.jwt").await.unwrap();
    assert_eq!(token, Secret::from("opened".to_owned()));
}

#[tokio::test]
async fn a_refusal_says_what_the_server_says() {
    let error = exchanged("/api/token/v1", "another.jwt").await.unwrap_err().to_string();
    assert!(error.contains("the subject does not match"), "{error}");
    assert!(!error.contains("another.jwt"), "{error}");
}

#[tokio::test]
async fn an_identity_is_not_sent_to_another_host() {
    let error = exchanged("https://elsewhere.example/token", "a.jwt").await.unwrap_err();
    assert!(matches!(error, ClientError::Redirected { .. }), "{error}");
}
