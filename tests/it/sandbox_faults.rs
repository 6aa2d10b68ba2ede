//! What goes wrong on demand, as a client sees it.

use crate::sandbox::{Bench, PROCESS, names, pool};
use poolwright::sandbox::{Fault, Misfortune, Options};
use serde_json::json;

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_write() {
    let on = "post /api/Spaces-1/workerpools";
    for (what, written) in [(Misfortune::DropBefore, false), (Misfortune::DropAfter, true)] {
        let bench = Bench::failing(on, what).await;
        let request =
            bench.request("POST", "/api/Spaces-1/workerpools").body(pool("SQL").to_string());
        let error = request.send().await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        let pools = names(&bench.get("/api/workerpools/all").await);
        assert_eq!(pools.contains("SQL"), written, "{pools}");
        bench.pool("Second").await;
    }
}

#[tokio::test]
async fn an_answer_can_be_cut_short() {
    let bench = Bench::failing("GET /api/Spaces-1/workerpools/all", Misfortune::Truncate).await;
    let answer = bench.request("GET", "/api/Spaces-1/workerpools/all").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
}

#[tokio::test]
async fn only_the_nth_request_meets_its_misfortune() {
    let what = Misfortune::Status { code: 429, retry_after: Some(2) };
    let faults = vec![
        Fault { nth: 2, on: None, what },
        Fault { nth: 2, on: Some("GET /api/Spaces-1".to_owned()), what: Misfortune::Html(502) },
    ];
    let bench = Bench::with(Options { faults, ..Options::default() }).await;
    let mut seen = Vec::new();
    for path in ["/api", "/api", "/api/Spaces-1", "/api/Spaces-1", "/api/Spaces-1"] {
        let answer = bench.request("GET", path).send().await.unwrap();
        seen.push(answer.status().as_u16());
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "2");
        }
    }
    assert_eq!(seen, [200, 429, 200, 502, 200]);
    assert_eq!(bench.sandbox.requests()[2], "GET /api/Spaces-1");
}

#[tokio::test]
async fn somebody_else_may_save_first() {
    let bench = Bench::failing(&format!("PUT {PROCESS}"), Misfortune::Edit).await;
    let mut process = bench.get(PROCESS).await;
    let refused = bench.refused("PUT", PROCESS, process.clone()).await;
    assert!(refused.contains("another user has made changes"), "{refused}");
    process["Version"] = json!(2);
    assert_eq!(bench.send("PUT", PROCESS, process).await.0, 200);
}

#[tokio::test]
async fn a_redirect_points_elsewhere() {
    let elsewhere = Misfortune::Redirect("http://evil.invalid/api".to_owned());
    let bench = Bench::failing("GET /api", elsewhere).await;
    let answer = bench.request("GET", "/api").send().await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], "http://evil.invalid/api");
}
