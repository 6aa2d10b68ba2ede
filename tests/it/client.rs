//! The client against a server that has bad days, and against what is no Octopus Server at all.

use axum::{
    Router,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use octopus_sandbox::{self as sandbox, ADMIN_KEY, Fault, FaultKind, Sandbox, Seed};
use poolwright_client::octopus::{
    ClientError, Connection, ConnectionOptions, Credentials, Resource, Secret, SpaceReader,
    TrustedServer,
};
use poolwright_core::model::Id;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// A connection with the patience that users get: a busy machine needs it.
pub(crate) fn connect(url: &str, key: &str) -> Connection {
    let options = ConnectionOptions::new(
        TrustedServer::named_by_user(url),
        Credentials::ApiKey(Secret::from(key.to_owned())),
    );
    Connection::open(options).unwrap()
}

async fn failing(on: &str, faults: &[FaultKind]) -> Sandbox {
    let faults = faults.iter().enumerate().map(|(index, what)| Fault {
        // A fault counts the requests that match, so each meets one try of the same request.
        nth: index + 1,
        requests: Some(on.to_owned()),
        fault: what.clone(),
    });
    let options = sandbox::SandboxOptions {
        seed: Seed::Chapter,
        faults: faults.collect(),
        ..Default::default()
    };
    sandbox::start_server(options, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap()
}

fn reader(connection: &Connection) -> SpaceReader {
    connection.reader().in_space(&Id::new("Spaces-1"))
}

pub(crate) fn told<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    let error = answer.unwrap_err();
    format!("{error}\nhelp: {}", error.help().unwrap_or_default())
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, retry_after: None }
}

/// A server that is none: it answers as a test says, and remembers who asked.
pub(crate) struct Stub {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Stub {
    pub(crate) async fn new<F, R>(answer: F) -> Self
    where
        F: Fn(&str) -> R + Clone + Send + Sync + 'static,
        R: IntoResponse,
    {
        let asked = Arc::<Mutex<Vec<(String, HeaderMap)>>>::default();
        let memory = Arc::clone(&asked);
        let handle = move |uri: Uri, headers: HeaderMap| {
            let path = uri.path_and_query().unwrap().to_string();
            let response: Response = answer(&path).into_response();
            memory.lock().unwrap().push((path, headers));
            std::future::ready(response)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle);
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, asked }
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    pub(crate) fn reader(&self) -> SpaceReader {
        reader(&connect(&self.url, ADMIN_KEY))
    }
}

fn redirect(to: &str) -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.to_owned())]).into_response()
}

#[tokio::test]
async fn a_read_survives_transient_faults() {
    let on = "GET /api/Spaces-1/workerpools/all";
    let day = [status(503), FaultKind::DropBefore, FaultKind::Truncate, FaultKind::Html(502)];
    let server = failing(on, &day).await;
    let pools = reader(&connect(server.url(), ADMIN_KEY)).list_worker_pools().await.unwrap();
    assert_eq!(pools[0].name, "Default Worker Pool");
    assert_eq!(server.recent_requests().len(), 5);
}

#[tokio::test]
async fn a_read_waits_as_long_as_the_server_asks() {
    let busy = FaultKind::Status { code: 429, retry_after: Some(1) };
    let server = failing("GET /api", &[busy]).await;
    let since = Instant::now();
    connect(server.url(), ADMIN_KEY).reader().read_server_root().await.unwrap();
    assert!(Duration::from_secs(1) <= since.elapsed());
}

#[tokio::test]
async fn a_wait_beyond_the_retry_limit_is_not_started() {
    let busy = FaultKind::Status { code: 429, retry_after: Some(3600) };
    let server = failing("GET /api", &[busy]).await;
    let root = connect(server.url(), ADMIN_KEY).reader().read_server_root().await;
    insta::assert_snapshot!(told(root), @"
    the server returned 429: Too many requests. Please try again later.
    help: wait 3600 seconds, as the server asks, or lower the request rate with `--parallelism`
    ");
    assert_eq!(server.recent_requests().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_reported_in_the_servers_words() {
    let server = failing("nothing", &[]).await;
    let stranger = connect(server.url(), "API-NOBODY");
    insta::assert_snapshot!(told(stranger.reader().list_spaces().await), @"
    the server returned 401: You must be logged in to perform this action. Please provide a valid API key or log in again.
    help: check the key: it may have expired, been revoked or belong to a different server
    ");
    let admin = reader(&connect(server.url(), ADMIN_KEY));
    let nothing = Resource::Worker("Workers-99".into());
    insta::assert_snapshot!(told(admin.read_document(&nothing).await), @"
    the server returned 404: The resource you requested was not found.
    help: check that the resource still exists and that the key's user may see it
    ");
}

#[tokio::test]
async fn a_key_goes_to_the_server_and_nowhere_else() {
    let elsewhere = Stub::new(|_| "[]").await;
    let to = format!("{}/api/spaces/all?token=x", elsewhere.url);
    let server = Stub::new(move |_| redirect(&to)).await;
    let connection = connect(&server.url, ADMIN_KEY);
    let error = connection.reader().list_spaces().await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Redirected { to, .. } if to.ends_with("/api/spaces/all"))
    );
    assert_eq!(elsewhere.paths(), [""; 0]);
    let (_, headers) = &server.asked.lock().unwrap()[0];
    assert_eq!(headers["x-octopus-apikey"], ADMIN_KEY);
    assert_eq!(headers["user-agent"], concat!("poolwright/", env!("CARGO_PKG_VERSION")));
    let shown = format!("{connection:?} {error:?} {error}");
    assert!(!shown.contains(ADMIN_KEY), "{shown}");
}

#[tokio::test]
async fn a_read_follows_redirects_within_its_server() {
    let server = Stub::new(|path| match path {
        "/api/Spaces-1/workerpools/all" => redirect("/there"),
        "/there" => "[]".into_response(),
        _ => redirect("/round"),
    })
    .await;
    assert_eq!(server.reader().list_worker_pools().await, Ok(Vec::new()));
    let round = server.reader().list_workers().await.unwrap_err();
    assert!(matches!(round, ClientError::Redirected { .. }), "{round}");
}

#[tokio::test]
async fn a_gzip_response_is_decoded() {
    const PACKED: [u8; 55] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 139, 174, 86, 242, 76, 81, 178, 82, 10, 46, 72, 76, 78,
        45, 214, 53, 84, 210, 81, 242, 75, 204, 77, 5, 138, 184, 164, 166, 37, 150, 230, 148, 40,
        213, 198, 2, 0, 175, 123, 171, 7, 36, 0, 0, 0,
    ];
    let server = Stub::new(|_| ([(header::CONTENT_ENCODING, "gzip")], PACKED.to_vec())).await;
    let spaces = connect(&server.url, ADMIN_KEY).reader().list_spaces().await.unwrap();
    assert_eq!(spaces[0].name, "Default");
    let (_, headers) = &server.asked.lock().unwrap()[0];
    assert_eq!(headers["accept-encoding"], "gzip");
}

#[tokio::test]
async fn an_access_token_is_a_bearer_token() {
    let server = Stub::new(|_| r#"{"Version":"2026.2.1"}"#).await;
    let token = Credentials::AccessToken(Secret::from("eyJ.x.y\n".to_owned()));
    let connection =
        Connection::open(ConnectionOptions::new(TrustedServer::named_by_user(&server.url), token))
            .unwrap();
    assert_eq!(connection.reader().read_server_root().await.unwrap().version, "2026.2.1");
    let (_, headers) = &server.asked.lock().unwrap()[0];
    assert_eq!(headers["authorization"], "Bearer eyJ.x.y");
}

#[tokio::test]
async fn a_server_that_is_not_octopus_is_described() {
    let url = "http://127.0.0.1:9";
    let page = Stub::new(|_| "<!DOCTYPE html>\n<title>Log in</title>").await;
    let other = Stub::new(|_| r#"{"name":"something"}"#).await;
    let wrong = Stub::new(|_| r#"{"Version":{"Major":1}}"#).await;
    let told = async |url: &str| {
        told(connect(url, ADMIN_KEY).reader().read_server_root().await).replace(url, "<url>")
    };
    insta::assert_snapshot!(told(url).await, @"
    cannot connect to `<url>`: Connection refused (os error 111)
    help: check the URL and that the server is running; `HTTPS_PROXY` and `NO_PROXY` are honoured
    ");
    insta::assert_snapshot!(told(&page.url).await, @"
    GET /api returned 200 with a body that is not JSON: `<!DOCTYPE html> <title>Log in</title>`
    help: check the URL and the network; a proxy or a login page may be answering instead of the server
    ");
    insta::assert_snapshot!(told(&other.url).await, @"
    `<url>` is not an Octopus Server
    help: use the URL of the server's web portal, without `/app`
    ");
    insta::assert_snapshot!(told(&wrong.url).await, @"
    GET /api returned an unexpected response: there is an object, not a text at line 1, column 11
    help: upgrade poolwright if the server is newer than the versions it supports
    ");
}

#[tokio::test]
async fn a_late_response_times_out() {
    let server = failing("GET /api", &[FaultKind::Delay(Duration::from_secs(9))]).await;
    let key = Credentials::ApiKey(Secret::from(ADMIN_KEY.to_owned()));
    let mut options = ConnectionOptions::new(TrustedServer::named_by_user(server.url()), key);
    options.timeout = Duration::from_millis(200);
    let root = Connection::open(options).unwrap().reader().read_server_root().await;
    insta::assert_snapshot!(told(root), @"
    GET /api timed out after 200ms
    help: try again; a proxy or gateway may be cutting off long responses
    ");
}

#[tokio::test]
async fn a_key_that_is_invalid_in_a_header_is_refused() {
    let key = Credentials::ApiKey(Secret::from("API-\nX".to_owned()));
    let error = Connection::open(ConnectionOptions::new(
        TrustedServer::named_by_user("https://octopus.example"),
        key.clone(),
    ));
    assert_eq!(error.unwrap_err(), ClientError::BadCredentials);
    let mut options = ConnectionOptions::new(
        TrustedServer::named_by_user("https://octopus.example"),
        Credentials::ApiKey(Secret::from("API-X".to_owned())),
    );
    options.ca_pem = Some(b"no certificate".to_vec());
    insta::assert_snapshot!(Connection::open(options).unwrap_err(), @"the certificate authority file has no valid certificate: it contains no `BEGIN CERTIFICATE`");
}
