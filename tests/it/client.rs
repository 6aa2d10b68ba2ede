//! The client against a server that has bad days, and against what is no Octopus Server at all.

use axum::{
    Router,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use poolwright::{
    model::Id,
    octopus::{
        Connection, Credentials, Error, Options, Resource, Secret, SpaceReader,
        writer::{Creates, Writer},
    },
    sandbox::{self, ADMIN_KEY, Fault, Misfortune, READER_KEY, Sandbox, Seed},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// A connection that does not wait a minute for what will not come.
pub(crate) fn connect(url: &str, key: &str) -> Connection {
    let mut options = Options::new(url, Credentials::ApiKey(Secret::from(key.to_owned())));
    options.timeout = Duration::from_secs(5);
    options.patience = Duration::from_secs(10);
    Connection::open(options).unwrap()
}

async fn failing(on: &str, faults: &[Misfortune]) -> Sandbox {
    let faults = faults.iter().enumerate().map(|(index, what)| Fault {
        // A fault counts the requests that match, so each meets one try of the same request.
        nth: index + 1,
        on: Some(on.to_owned()),
        what: what.clone(),
    });
    let options =
        sandbox::Options { seed: Seed::Chapter, faults: faults.collect(), ..Default::default() };
    sandbox::start(options, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap()
}

fn reader(connection: &Connection) -> SpaceReader {
    connection.reader().in_space(&Id::new("Spaces-1"))
}

fn writer(connection: &Connection) -> Writer {
    connection.writer(&Id::new("Spaces-1"))
}

pub(crate) fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    let error = answer.unwrap_err();
    format!("{error}\nhelp: {}", error.help().unwrap_or_default())
}

fn status(code: u16) -> Misfortune {
    Misfortune::Status { code, retry_after: None }
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
async fn a_read_outlasts_bad_moments() {
    let on = "GET /api/Spaces-1/workerpools/all";
    let day = [status(503), Misfortune::DropBefore, Misfortune::Truncate, Misfortune::Html(502)];
    let server = failing(on, &day).await;
    let pools = reader(&connect(server.url(), ADMIN_KEY)).worker_pools().await.unwrap();
    assert_eq!(pools[0].name, "Default Worker Pool");
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_read_waits_as_long_as_it_is_asked_to() {
    let busy = Misfortune::Status { code: 429, retry_after: Some(1) };
    let server = failing("GET /api", &[busy]).await;
    let since = Instant::now();
    connect(server.url(), ADMIN_KEY).reader().root().await.unwrap();
    assert!(Duration::from_secs(1) <= since.elapsed());
}

#[tokio::test]
async fn nobody_waits_longer_than_patience_lasts() {
    let busy = Misfortune::Status { code: 429, retry_after: Some(3600) };
    let server = failing("GET /api", &[busy]).await;
    let root = connect(server.url(), ADMIN_KEY).reader().root().await;
    insta::assert_snapshot!(told(root), @r#"
    the server answered 429: Too many requests. Please try again later.
    help: the server limits requests and asks to wait 3600 seconds; `--parallelism` lowers the rate
    "#);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_write_is_sent_again_only_where_nobody_has_processed_it() {
    let pool = json!({ "Name": "SQL", "IsDefault": false, "WorkerPoolType": "StaticWorkerPool" });
    for (what, sent, ambiguous) in [
        (status(429), 2, None),
        (status(503), 1, Some(true)),
        (Misfortune::DropAfter, 1, Some(true)),
        (Misfortune::Truncate, 1, Some(true)),
        (status(500), 1, Some(false)),
    ] {
        let server = failing("POST /api/Spaces-1/workerpools", &[what]).await;
        let connection = connect(server.url(), ADMIN_KEY);
        let answer = writer(&connection).create(Creates::WorkerPool, &pool).await;
        assert_eq!(answer.err().map(|it| it.is_ambiguous()), ambiguous);
        assert_eq!(server.requests().len(), sent);
    }
}

#[tokio::test]
async fn a_delete_is_sent_again_until_it_is_gone() {
    let pool = json!({ "Name": "SQL", "IsDefault": false, "WorkerPoolType": "StaticWorkerPool" });
    let server = failing("DELETE /api", &[Misfortune::DropAfter]).await;
    let writer = writer(&connect(server.url(), ADMIN_KEY));
    let made = writer.create(Creates::WorkerPool, &pool).await.unwrap();
    let made: Value = serde_json::from_str(&made).unwrap();
    let resource = Resource::WorkerPool(made["Id"].as_str().unwrap().to_owned());
    writer.delete(&resource).await.unwrap();
    assert!(writer.reader().document(&resource).await.unwrap_err().is_not_found());
    writer.delete(&resource).await.unwrap();
}

#[tokio::test]
async fn a_document_goes_back_as_it_came() {
    let server = failing("nothing", &[]).await;
    let writer = writer(&connect(server.url(), ADMIN_KEY));
    for (resource, route) in [
        (
            Resource::DeploymentProcess("deploymentprocess-Projects-1".into()),
            "PUT /api/Spaces-1/projects/Projects-1/deploymentprocesses",
        ),
        (
            Resource::RunbookProcess("RunbookProcess-Runbooks-1".into()),
            "PUT /api/Spaces-1/runbookProcesses/RunbookProcess-Runbooks-1",
        ),
        (Resource::Features, "PUT /api/featuresconfiguration"),
        (
            Resource::WorkerPool("WorkerPools-1".into()),
            "PUT /api/Spaces-1/workerpools/WorkerPools-1",
        ),
    ] {
        let text = writer.reader().document(&resource).await.unwrap();
        let versioned = text.contains(r#""Version""#);
        writer.put(&resource, text.clone()).await.unwrap();
        assert_eq!(server.requests().last().unwrap(), route);
        if versioned {
            let stale = writer.put(&resource, text).await.unwrap_err();
            assert!(stale.is_stale() && !stale.is_ambiguous(), "{stale}");
        }
    }
    writer.sort_worker_pools(&["WorkerPools-1".to_owned()]).await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let server = failing("nothing", &[]).await;
    let stranger = connect(server.url(), "API-NOBODY");
    insta::assert_snapshot!(told(stranger.reader().spaces().await), @r#"
    the server answered 401: You must be logged in to perform this action. Please provide a valid API key or log in again.
    help: the key is not valid on this server: it may be of another one, expired or revoked
    "#);
    let guest = writer(&connect(server.url(), READER_KEY));
    let pool = json!({ "Name": "SQL" });
    insta::assert_snapshot!(told(guest.create(Creates::WorkerPool, &pool).await), @r#"
    the server answered 403: Missing permission: WorkerEdit
    help: give the key's user a role with `WorkerEdit` in this space
    "#);
    let admin = writer(&connect(server.url(), ADMIN_KEY));
    let pool = json!({ "Name": "", "WorkerPoolType": "StaticWorkerPool" });
    insta::assert_snapshot!(told(admin.create(Creates::WorkerPool, &pool).await), @r#"
    the server answered 400: There was a problem with your request. Please provide a name for this worker pool.
    help:
    "#);
    let nothing = Resource::Worker("Workers-99".into());
    insta::assert_snapshot!(told(admin.reader().document(&nothing).await), @r#"
    the server answered 404: The resource you requested was not found.
    help: it is gone, or the key's user may not see it
    "#);
}

#[tokio::test]
async fn a_key_goes_to_the_server_and_nowhere_else() {
    let elsewhere = Stub::new(|_| "[]").await;
    let to = format!("{}/api/spaces/all?token=x", elsewhere.url);
    let server = Stub::new(move |_| redirect(&to)).await;
    let connection = connect(&server.url, ADMIN_KEY);
    let error = connection.reader().spaces().await.unwrap_err();
    assert!(matches!(&error, Error::Redirected { to, .. } if to.ends_with("/api/spaces/all")));
    assert_eq!(elsewhere.paths(), [""; 0]);
    let (_, headers) = &server.asked.lock().unwrap()[0];
    assert_eq!(headers["x-octopus-apikey"], ADMIN_KEY);
    assert_eq!(headers["user-agent"], concat!("poolwright/", env!("CARGO_PKG_VERSION")));
    let shown = format!("{connection:?} {error:?} {error}");
    assert!(!shown.contains(ADMIN_KEY), "{shown}");
}

#[tokio::test]
async fn a_read_follows_within_its_server_and_a_write_never() {
    let server = Stub::new(|path| match path {
        "/api/Spaces-1/workerpools/all" => redirect("/there"),
        "/there" => "[]".into_response(),
        _ => redirect("/round"),
    })
    .await;
    assert_eq!(server.reader().worker_pools().await, Ok(Vec::new()));
    let round = server.reader().workers().await.unwrap_err();
    assert!(matches!(round, Error::Redirected { .. }), "{round}");
    let writer = writer(&connect(&server.url, ADMIN_KEY));
    let before = server.paths().len();
    let error = writer.create(Creates::Worker, &json!({})).await.unwrap_err();
    assert!(matches!(error, Error::Redirected { .. }) && !error.is_ambiguous(), "{error}");
    assert_eq!(server.paths().len(), before + 1);
}

#[tokio::test]
async fn an_answer_may_be_packed() {
    const PACKED: [u8; 55] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 139, 174, 86, 242, 76, 81, 178, 82, 10, 46, 72, 76, 78,
        45, 214, 53, 84, 210, 81, 242, 75, 204, 77, 5, 138, 184, 164, 166, 37, 150, 230, 148, 40,
        213, 198, 2, 0, 175, 123, 171, 7, 36, 0, 0, 0,
    ];
    let server = Stub::new(|_| ([(header::CONTENT_ENCODING, "gzip")], PACKED.to_vec())).await;
    let spaces = connect(&server.url, ADMIN_KEY).reader().spaces().await.unwrap();
    assert_eq!(spaces[0].name, "Default");
    let (_, headers) = &server.asked.lock().unwrap()[0];
    assert_eq!(headers["accept-encoding"], "gzip");
}

#[tokio::test]
async fn an_access_token_is_a_bearer_token() {
    let server = Stub::new(|_| r#"{"Version":"2026.2.1"}"#).await;
    let token = Credentials::AccessToken(Secret::from("eyJ.x.y\n".to_owned()));
    let connection = Connection::open(Options::new(&server.url, token)).unwrap();
    assert_eq!(connection.reader().root().await.unwrap().version, "2026.2.1");
    let (_, headers) = &server.asked.lock().unwrap()[0];
    assert_eq!(headers["authorization"], "Bearer eyJ.x.y");
}

#[tokio::test]
async fn what_is_no_octopus_server_is_named_as_what_it_is() {
    let url = "http://127.0.0.1:9";
    let page = Stub::new(|_| "<!DOCTYPE html>\n<title>Log in</title>").await;
    let other = Stub::new(|_| r#"{"name":"something"}"#).await;
    let wrong = Stub::new(|_| r#"{"Version":{"Major":1}}"#).await;
    let told =
        async |url: &str| told(connect(url, ADMIN_KEY).reader().root().await).replace(url, "<url>");
    insta::assert_snapshot!(told(url).await, @r#"
    cannot connect to `<url>`: Connection refused (os error 111)
    help: check the URL and that the server runs; `HTTPS_PROXY` and `NO_PROXY` hold here
    "#);
    insta::assert_snapshot!(told(&page.url).await, @r#"
    GET /api was answered 200 with a page that is no JSON: `<!DOCTYPE html> <title>Log in</title>`
    help: something between here and the server answers in its place: a proxy, or a page to log in
    "#);
    insta::assert_snapshot!(told(&other.url).await, @r#"
    `<url>` is not an Octopus Server
    help: name the URL under which the portal opens, without `/app`
    "#);
    insta::assert_snapshot!(told(&wrong.url).await, @r#"
    GET /api was answered with something unexpected: invalid type: map, expected a string at line 1 column 11
    help: the server may be of a version that this tool does not know yet
    "#);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let server = failing("GET /api", &[Misfortune::Delay(Duration::from_secs(9))]).await;
    let key = Credentials::ApiKey(Secret::from(ADMIN_KEY.to_owned()));
    let mut options = Options::new(server.url(), key);
    options.timeout = Duration::from_millis(200);
    let root = Connection::open(options).unwrap().reader().root().await;
    insta::assert_snapshot!(told(root), @r#"
    no answer to GET /api within 200ms
    help: try again; what stands between here and the server may cut long answers off
    "#);
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_refused() {
    let key = Credentials::ApiKey(Secret::from("API-\nX".to_owned()));
    let error = Connection::open(Options::new("https://octopus.example", key.clone()));
    assert_eq!(error.unwrap_err(), Error::BadCredentials);
    let mut options = Options::new(
        "https://octopus.example",
        Credentials::ApiKey(Secret::from("API-X".to_owned())),
    );
    options.ca_pem = Some(b"no certificate".to_vec());
    insta::assert_snapshot!(Connection::open(options).unwrap_err(), @"the file of certificate authorities holds no certificate: there is no `BEGIN CERTIFICATE` in it");
}
