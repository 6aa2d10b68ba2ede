//! From a CI job's identity to an access token, against a server that exchanges one.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use poolwright_client::octopus::{
    AccessToken, ClientError, Connection, ConnectionOptions, Credentials, Reader, Secret,
    TrustedServer,
    token::{self, IdentitySource, TokenExchange},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
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

async fn exchanged(endpoint: &'static str, identity: &str) -> Result<AccessToken, ClientError> {
    let options = ConnectionOptions::new(
        TrustedServer::named_by_user(server(endpoint).await),
        Credentials::Anonymous,
    );
    token::exchange_identity(options, "5be4ac10", &Secret::from(identity.to_owned())).await
}

#[tokio::test]
async fn an_identity_is_exchanged_for_a_token() {
    let AccessToken { secret, lifetime } = exchanged("/api/token/v1", "a.jwt").await.unwrap();
    assert_eq!(secret, Secret::from("opened".to_owned()));
    assert_eq!(lifetime, Some(Duration::from_secs(3600)));
}

#[tokio::test]
async fn a_refused_exchange_shows_the_servers_message() {
    let error = exchanged("/api/token/v1", "another.jwt").await.unwrap_err().to_string();
    assert!(error.contains("the subject does not match"), "{error}");
    assert!(!error.contains("another.jwt"), "{error}");
}

#[tokio::test]
async fn an_identity_is_not_sent_to_another_host() {
    let error = exchanged("https://elsewhere.example/token", "a.jwt").await.unwrap_err();
    assert!(matches!(error, ClientError::Redirected { .. }), "{error}");
}

/// A server whose tokens are numbered, and that accepts those from a number on.
struct Issuer {
    url: String,
    issued: Arc<AtomicUsize>,
    first_valid: Arc<AtomicUsize>,
    /// The features that were asked for, with a valid token or not.
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn new(lifetime: Value, identity_is_valid: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let [issued, first_valid, asked] = [(); 3].map(|()| Arc::<AtomicUsize>::default());
        let this = Self {
            url: url.clone(),
            issued: Arc::clone(&issued),
            first_valid: Arc::clone(&first_valid),
            asked: Arc::clone(&asked),
        };
        let endpoint = format!("{url}/token");
        let discovery = move || async move { Json(json!({ "token_endpoint": endpoint })) };
        let exchange = move || async move {
            let number = issued.fetch_add(1, SeqCst) + 1;
            match number == 1 || identity_is_valid {
                true => (
                    StatusCode::OK,
                    Json(json!({ "access_token": format!("t{number}"), "expires_in": lifetime })),
                ),
                false => (
                    StatusCode::BAD_REQUEST,
                    Json(
                        json!({ "error": "invalid", "error_description": "the identity has expired" }),
                    ),
                ),
            }
        };
        let features = move |headers: axum::http::HeaderMap| async move {
            asked.fetch_add(1, SeqCst);
            let bearer = headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or("");
            let number: usize = bearer.trim_start_matches("Bearer t").parse().unwrap_or(0);
            match number >= first_valid.load(SeqCst) {
                true => (StatusCode::OK, Json(json!({ "IsBuiltInWorkerEnabled": true }))),
                false => (
                    StatusCode::UNAUTHORIZED,
                    Json(
                        json!({ "ErrorMessage": "You must be logged in to perform this action." }),
                    ),
                ),
            }
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/token", post(exchange))
            .route("/api/featuresconfiguration", get(features));
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    async fn reader(&self) -> Reader {
        let mut options =
            ConnectionOptions::new(TrustedServer::named_by_user(&self.url), Credentials::Anonymous);
        options.retry_limit = Duration::from_secs(5);
        let identity = IdentitySource::Token(Secret::from("a.jwt".to_owned()));
        let exchange = TokenExchange { options: options.clone(), account: "x".into(), identity };
        let token = exchange.exchange(&exchange.identity_token().await.unwrap()).await.unwrap();
        let credentials = Credentials::Exchanged(Arc::new(exchange), token);
        Connection::open(ConnectionOptions { credentials, ..options }).unwrap().reader()
    }

    fn counts(&self) -> (usize, usize) {
        (self.issued.load(SeqCst), self.asked.load(SeqCst))
    }
}

#[tokio::test]
async fn a_token_is_exchanged_again_before_it_expires() {
    // Half of a lifetime of nothing is over at once.
    let short = Issuer::new(json!(0), true).await;
    let reader = short.reader().await;
    for exchanges in [2, 3] {
        reader.read_features().await.unwrap();
        assert_eq!(short.counts(), (exchanges, exchanges - 1));
    }
    for lifetime in [json!(3600), Value::Null, json!(1e300), json!(-5)] {
        let long = Issuer::new(lifetime.clone(), true).await;
        let reader = long.reader().await;
        reader.read_features().await.unwrap();
        reader.read_features().await.unwrap();
        assert_eq!(long.counts(), (1, 2), "{lifetime}");
    }
}

#[tokio::test]
async fn a_refused_token_is_exchanged_again_once() {
    let issuer = Issuer::new(json!(3600), true).await;
    let reader = issuer.reader().await;
    issuer.first_valid.store(2, SeqCst);
    let reads = (0..8).map(|_| reader.read_features());
    let all = futures_util::future::join_all(reads).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(issuer.counts().0, 2);
    issuer.first_valid.store(99, SeqCst);
    let (exchanges, asked) = issuer.counts();
    let error = reader.read_features().await.unwrap_err().to_string();
    assert!(error.contains("You must be logged in"), "{error}");
    assert_eq!(issuer.counts(), (exchanges + 1, asked + 2));
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_reported_with_the_reason() {
    let issuer = Issuer::new(json!(3600), false).await;
    let reader = issuer.reader().await;
    issuer.first_valid.store(2, SeqCst);
    let error = reader.read_features().await.unwrap_err();
    insta::assert_snapshot!(error, @"the access token was refused and cannot be renewed: the server returned 400: the identity has expired");
    assert!(error.help().is_some());
}
