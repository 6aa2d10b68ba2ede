//! Lists, as servers of several ages give them: whole, in pages of any size, by ids or not.

use crate::client::{Stub, connect, told};
use axum::{
    Router,
    http::{StatusCode, header},
};
use flate2::{Compression, write::GzEncoder};
use octopus_sandbox::ADMIN_KEY;
use poolwright_client::octopus::ClientError;
use poolwright_core::model::{Id, ProcessKind};

use serde_json::{Value, json};
use std::{
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};
use tokio::net::TcpListener;

/// The items of a list that the server gives in pages of two, whatever is asked.
fn clamped(path: &str, of: usize) -> Value {
    let number = |name: &str| {
        let value = path.split(&format!("{name}=")).nth(1)?.split('&').next()?;
        value.parse::<usize>().ok()
    };
    let skip = number("skip").unwrap_or(0);
    let items = (skip..of.min(skip + 2)).map(|n| json!({ "Id": format!("X-{n}"), "Name": "x" }));
    json!({ "TotalResults": of, "Items": items.collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_list_is_read_with_any_page_size() {
    let server = Stub::new(|path| match path.ends_with("/all") {
        true => (StatusCode::NOT_FOUND, json!({ "ErrorMessage": "x" }).to_string()),
        false => (StatusCode::OK, clamped(path, 5).to_string()),
    })
    .await;
    assert_eq!(server.reader().list_project_groups().await.unwrap().len(), 5);
    assert_eq!(server.reader().list_feeds().await.unwrap().len(), 5);
    assert_eq!(server.paths()[2], "/api/Spaces-1/projectgroups?skip=4&take=1000");
}

#[tokio::test]
async fn a_list_that_stops_short_is_an_error() {
    let server = Stub::new(|_| clamped("skip=0", 5).to_string()).await;
    insta::assert_snapshot!(told(server.reader().list_runbooks().await), @"
    GET /api/Spaces-1/runbooks returned an unexpected response: the list ends after 2 of 5
    help: upgrade poolwright if the server is newer than the versions it supports
    ");
}

/// The items of a page, from a number on.
fn page(first: usize, count: usize) -> Vec<Value> {
    (first..first + count).map(|n| json!({ "Id": format!("X-{n}"), "Name": "x" })).collect()
}

fn skipped(path: &str) -> usize {
    let skip = path.split("skip=").nth(1).and_then(|it| it.split('&').next());
    skip.and_then(|it| it.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn an_endless_list_stops_at_a_limit() {
    let next = json!({ "Page.Next": "https://elsewhere.example/api?skip=1" });
    let all = [
        // Always new, with a total that is never reached, or none.
        Stub::new(|path| {
            json!({ "TotalResults": u64::MAX, "Items": page(skipped(path), 1000) }).to_string()
        })
        .await,
        Stub::new(|path| json!({ "Items": page(skipped(path), 1000) }).to_string()).await,
    ];
    for server in &all {
        let told = told(server.reader().list_project_groups().await);
        assert!(told.contains("the list does not end"), "{told}");
        assert!(server.paths().len() <= 300, "{}", server.paths().len());
    }
    // The same page again and again, whatever is asked.
    let links = next.clone();
    let same = Stub::new(move |_| {
        json!({ "TotalResults": 900, "Items": page(0, 2), "Links": links }).to_string()
    })
    .await;
    insta::assert_snapshot!(told(same.reader().list_project_groups().await), @"
    GET /api/Spaces-1/projectgroups returned an unexpected response: the list ends after 2 of 900
    help: upgrade poolwright if the server is newer than the versions it supports
    ");
    assert_eq!(same.paths().len(), 2);
    // A total that is too small, and a link that contradicts it.
    let links = next.clone();
    let more = Stub::new(move |path| {
        let skip = skipped(path);
        json!({ "TotalResults": 2, "Items": page(skip, 2.min(5 - skip.min(5))), "Links": links })
            .to_string()
    })
    .await;
    assert_eq!(more.reader().list_project_groups().await.unwrap().len(), 5);
}

#[tokio::test]
async fn extreme_numbers_and_nesting_do_not_crash() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!(r#"{{"Items":[{{"Id":"X-1","Name":"x","Deep":{deep}}}]}}"#);
    let bodies = [
        (r#"{"TotalResults":-1,"Items":[]}"#.to_owned(), false),
        (r#"{"TotalResults":1.5,"Items":[]}"#.to_owned(), false),
        (r#"{"TotalResults":1e400,"Items":[]}"#.to_owned(), false),
        (r#"{"TotalResults":"many","Items":[]}"#.to_owned(), false),
        (r#"{"TotalResults":99999999999999999999999,"Items":[]}"#.to_owned(), false),
        (
            r#"{"TotalResults":null,"ItemsPerPage":0,"NumberOfPages":1000000000,"Items":[]}"#
                .to_owned(),
            true,
        ),
        (r#"{"Items":null}"#.to_owned(), false),
        (r#"{"Items":[null]}"#.to_owned(), false),
        (r#"{"Items":{}}"#.to_owned(), false),
        (r#"{"Items":[],"Items":[]}"#.to_owned(), false),
        (r#"{"Items":[{"Id":"X-1","Id":"X-2","Name":"x"}]}"#.to_owned(), false),
        (r#"{"Items":[{"Id":null,"Name":"x"}]}"#.to_owned(), false),
        ("[{\"Id\":\"\u{fffd}\",\"Name\":\"\\ud800\"}]".to_owned(), false),
        (nested, true),
        (deep, false),
        ("{}".to_owned(), false),
        ("null".to_owned(), false),
        (String::new(), false),
    ];
    for (body, is_read) in bodies {
        let sent = body.clone();
        let server = Stub::new(move |_| sent.clone()).await;
        let answer = server.reader().list_project_groups().await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!(answer.is_ok(), is_read, "{shown}: {answer:?}");
        if let Err(error) = answer {
            assert!(error.to_string().chars().count() < 1500, "{shown}");
        }
        // A broken answer is asked for again; that is all.
        assert!(server.paths().len() <= 6, "{shown}: {:?}", server.paths());
    }
    let server = Stub::new(|_| b"[{\"Id\":\"\xff\",\"Name\":\"x\"}]".to_vec()).await;
    assert!(server.reader().list_project_groups().await.is_err());
}

#[tokio::test]
async fn an_id_that_is_not_a_path_segment_is_not_sent() {
    let server = Stub::new(|path| match path.contains("ids=") {
        true => (StatusCode::OK, r#"{"Items":[]}"#),
        false => (StatusCode::OK, r#"{"Id":"x","Steps":[]}"#),
    })
    .await;
    let ids = ["..", "../../spaces/Spaces-2", ".", ""].map(str::to_owned);
    let (found, unread) = server.reader().processes_by_ids(ProcessKind::Deployment, &ids).await;
    assert_eq!((found.len(), unread.len()), (0, 4));
    let alone: Vec<String> = server.paths().into_iter().filter(|it| !it.contains("ids=")).collect();
    assert_eq!(alone, [""; 0]);
    insta::assert_snapshot!(unread[1].error, @"`../../spaces/Spaces-2` cannot be an id in a URL");
}

#[tokio::test]
async fn a_long_error_body_is_shown_in_part() {
    // 20 MB of an error, and an error of many words.
    let errors: [(StatusCode, String); 3] = [
        (StatusCode::BAD_REQUEST, format!(r#"{{"ErrorMessage":"{}"}}"#, "x".repeat(20 << 20))),
        (StatusCode::FORBIDDEN, "y".repeat(20 << 20)),
        (
            StatusCode::BAD_REQUEST,
            format!(r#"{{"ErrorMessage":"z","Errors":["{}"]}}"#, "z".repeat(9000)),
        ),
    ];
    for error in errors {
        let server = Stub::new(move |_| error.clone()).await;
        let told = told(server.reader().list_project_groups().await);
        assert!(told.chars().count() < 2500, "{}", told.len());
    }
}

/// Megabytes of white space, packed.
fn packed(megabytes: usize) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    (0..megabytes).for_each(|_| packer.write_all(&[b' '; 1 << 20]).unwrap());
    packer.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_body_is_limited_by_its_decompressed_size() {
    let bomb = packed(300);
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    for (status, said) in [
        (StatusCode::OK, "is larger than 256 MB"),
        (StatusCode::BAD_REQUEST, "the server returned 400"),
    ] {
        let body = bomb.clone();
        let server =
            Stub::new(move |_| (status, [(header::CONTENT_ENCODING, "gzip")], body.clone())).await;
        let told = told(server.reader().list_project_groups().await);
        assert!(told.contains(said), "{told}");
        // It would be as large if it were asked for again.
        assert_eq!(server.paths().len(), 1, "{told}");
    }
}

fn process(id: &str) -> Value {
    json!({ "Id": id, "Steps": [] })
}

#[tokio::test]
async fn items_missing_from_a_list_by_ids_are_read_one_by_one() {
    let server = Stub::new(|path| match path.rsplit('/').next().unwrap() {
        "P-3" => (StatusCode::OK, process("P-3").to_string()),
        "P-4" => {
            let text = "You do not have permission to perform this action. Missing permission: ProcessView";
            (StatusCode::FORBIDDEN, json!({ "ErrorMessage": text }).to_string())
        }
        list if list.contains('?') => {
            // A server that knows no `take`, and has frozen processes of nobody's in its list.
            let items = [process("P-1"), process("P-1-s-3-AB"), process("p-2")];
            (StatusCode::OK, json!({ "TotalResults": 3, "Items": items }).to_string())
        }
        _ => (StatusCode::NOT_FOUND, String::new()),
    })
    .await;
    let ids = ["P-1", "P-2", "P-3", "P-4", "P-5"].map(str::to_owned);
    let (found, unread) = server.reader().processes_by_ids(ProcessKind::Deployment, &ids).await;
    let found: Vec<_> = found.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(found, ["P-1", "p-2", "P-3"]);
    let unread: Vec<_> =
        unread.iter().map(|unread| format!("{}: {}", unread.id, unread.error)).collect();
    insta::assert_snapshot!(unread.join("\n"), @"
    P-4: the server returned 403: Missing permission: ProcessView
    P-5: the server returned 404: Not Found
    ");
}

#[tokio::test]
async fn one_process_that_cannot_be_read_does_not_hide_the_others() {
    let server = Stub::new(|path| match path {
        path if path.contains('?') => r#"{"Items":[{"Id":"P-1"},{"Id":7}]}"#,
        path if path.ends_with("P-1") => r#"{"Id":"P-1"}"#,
        _ => r#"{"Id":7}"#,
    })
    .await;
    let ids = ["P-1", "P-2"].map(str::to_owned);
    let (found, unread) = server.reader().processes_by_ids(ProcessKind::Runbook, &ids).await;
    assert_eq!((found.len(), unread.len()), (1, 1));
    assert!(matches!(unread[0].error, ClientError::Malformed { .. }), "{unread:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_run_a_few_at_a_time() {
    static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let slow = || async {
        MOST.fetch_max(UNDER_WAY.fetch_add(1, SeqCst) + 1, SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
        UNDER_WAY.fetch_sub(1, SeqCst);
        "[]"
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(slow)).await });
    let reader = connect(&url, ADMIN_KEY).reader().in_space(&Id::new("Spaces-1"));
    let answers = (0..200).map(|_| reader.list_worker_pools());
    assert!(futures_util::future::join_all(answers).await.iter().all(Result::is_ok));
    assert!((2..=8).contains(&MOST.load(SeqCst)), "{MOST:?}");
}
