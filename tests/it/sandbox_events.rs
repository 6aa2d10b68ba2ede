//! The audit log: an event for each document that a write touches, and nothing else.

use crate::sandbox::{Bench, PROCESS, pool, worker};
use octopus_sandbox::{READER_KEY, Seed};
use serde_json::{Value, json};

/// The events of a path, newest first, one on each line: category, message, author.
async fn log(bench: &Bench, path: &str) -> String {
    let page = bench.get(path).await;
    let line = |event: &Value| {
        let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        format!("{}: {} ({})", text("Category"), text("Message"), text("Username"))
    };
    page["Items"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_seed_leaves_no_event() {
    let bench = Bench::new(Seed::Chapter).await;
    assert_eq!(bench.get("/api/events").await["TotalResults"], 0);
}

#[tokio::test]
async fn each_write_leaves_an_event_with_its_author_newest_first() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("Linux").await;
    let mut changed = pool("Linux");
    changed["IsDefault"] = json!(true);
    bench.send("PUT", &format!("/api/Spaces-1/workerpools/{id}"), changed).await;
    bench.send("POST", "/api/Spaces-1/workers", worker("db-01", &[&id])).await;
    bench.send("DELETE", "/api/Spaces-1/workers/Workers-1", Value::Null).await;
    insta::assert_snapshot!(log(&bench, "/api/Spaces-1/events").await, @r"
    Deleted: Worker db-01 was deleted (admin)
    MachineHealthChanged: Worker db-01 is now Healthy (system)
    Created: Worker db-01 was created (admin)
    Modified: Worker Pool Linux was modified (admin)
    Modified: Worker Pool Default Worker Pool was modified (admin)
    Created: Worker Pool Linux was created (admin)
    ");
    let page = bench.get("/api/Spaces-1/events?skip=1&take=1").await;
    assert_eq!((&page["TotalResults"], &page["ItemsPerPage"]), (&json!(6), &json!(1)));
}

#[tokio::test]
async fn an_event_has_its_time_client_and_difference() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("Linux & more").await;
    let path = format!("/api/Spaces-1/workerpools/{id}");
    let body = pool("BSD").to_string();
    let request = bench.request("PUT", &path).header("User-Agent", "curl/8.7.1").body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let mut event = bench.get("/api/events?take=1").await["Items"][0].clone();
    assert!(event["Occurred"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    event["Occurred"] = json!("now");
    assert_eq!(bench.get("/api/events/Events-2").await["Id"], event["Id"]);
    assert_eq!(bench.get("/api/Spaces-1/events/Events-2").await["Id"], event["Id"]);
    assert_eq!(bench.send("GET", "/api/Spaces-2/events/Events-2", Value::Null).await.0, 404);
    insta::assert_snapshot!(serde_json::to_string_pretty(&event).unwrap(), @r#"
    {
      "Id": "Events-2",
      "SpaceId": "Spaces-1",
      "RelatedDocumentIds": [
        "WorkerPools-3"
      ],
      "Category": "Modified",
      "UserId": "Users-1",
      "Username": "admin",
      "IsService": false,
      "IdentityEstablishedWith": "API key",
      "UserAgent": "curl/8.7.1",
      "Occurred": "now",
      "Message": "Worker Pool BSD was modified",
      "MessageHtml": "Worker Pool <a href='/api/Spaces-1/workerpools/WorkerPools-3'>BSD</a> was modified",
      "MessageReferences": [
        {
          "ReferencedDocumentId": "WorkerPools-3",
          "StartIndex": 12,
          "Length": 3
        }
      ],
      "Comments": null,
      "Details": null,
      "ChangeDetails": {
        "DocumentContext": {
          "Id": "WorkerPools-3",
          "Name": "BSD"
        },
        "Differences": [
          {
            "op": "replace",
            "path": "/Name",
            "value": "BSD"
          }
        ]
      },
      "IpAddress": "127.0.0.1",
      "ApiKeyId": null,
      "ApiKeyHint": null,
      "Links": {
        "Self": "/api/Spaces-1/events/Events-2"
      }
    }
    "#);
    assert_eq!(bench.get("/api/events/agents").await[0]["Id"], "");
    assert_eq!(bench.get("/api/events/agents").await[1]["Id"], "curl/8.7.1");
}

#[tokio::test]
async fn a_process_change_names_its_project_and_leaves_one_event_per_version() {
    let bench = Bench::new(Seed::Chapter).await;
    let process = bench.get(PROCESS).await;
    assert_eq!(bench.send("PUT", PROCESS, process.clone()).await.0, 200);
    assert_eq!(bench.send("PUT", PROCESS, process).await.0, 400);
    insta::assert_snapshot!(log(&bench, "/api/events?projects=Projects-1").await, @"Modified: Deployment Process for Web Store was modified (admin)");
    let event = &bench.get("/api/events").await["Items"][0];
    assert_eq!(event["RelatedDocumentIds"], json!(["deploymentprocess-Projects-1", "Projects-1"]));
}

#[tokio::test]
async fn objects_deleted_with_a_project_leave_events_too() {
    let bench = Bench::new(Seed::Empty).await;
    bench.send("POST", "/api/Spaces-1/projects", json!({ "Name": "Shop" })).await;
    bench.send("DELETE", "/api/Spaces-1/projects/Projects-1", Value::Null).await;
    insta::assert_snapshot!(log(&bench, "/api/events").await, @r"
    Deleted: Project Shop was deleted (admin)
    Deleted: Channel Default was deleted (admin)
    Deleted: Variable Set for Shop was deleted (admin)
    Deleted: Deployment Process for Shop was deleted (admin)
    Created: Channel Default was created (admin)
    Created: Variable Set for Shop was created (admin)
    Created: Deployment Process for Shop was created (admin)
    Created: Project Shop was created (admin)
    ");
}

#[tokio::test]
async fn a_refused_write_and_a_read_leave_no_event() {
    let bench = Bench::new(Seed::Empty).await;
    bench.get("/api/Spaces-1/workerpools").await;
    let refused = bench.refused("POST", "/api/Spaces-1/workerpools", pool("Default Worker Pool"));
    assert!(refused.await.starts_with("400"));
    assert_eq!(bench.get("/api/events").await["TotalResults"], 0);
}

#[tokio::test]
async fn the_event_log_can_be_filtered_by_its_subject() {
    let bench = Bench::new(Seed::Empty).await;
    let (linux, bsd) = (bench.pool("Linux").await, bench.pool("BSD").await);
    bench.send("POST", "/api/Spaces-1/workers", worker("db-01", &[&linux])).await;
    bench.send("POST", "/api/Spaces-2/projects", json!({ "Name": "Shop" })).await;
    let features = bench.get("/api/featuresconfiguration").await;
    bench.send("PUT", "/api/featuresconfiguration", features).await;
    let middle = bench.get("/api/events/Events-2").await["Occurred"].as_str().unwrap().to_owned();
    for (query, wanted) in [
        (format!("regarding={linux}"), 1),
        (format!("regarding={linux},{bsd}"), 0),
        (format!("regardingAny={linux},{bsd}"), 2),
        ("documentTypes=WorkerPools".to_owned(), 2),
        ("documentTypes=workers,projects".to_owned(), 3),
        ("spaces=Spaces-2&includeSystem=false".to_owned(), 4),
        ("spaces=Spaces-2".to_owned(), 5),
        ("includeSystem=false".to_owned(), 8),
        ("users=Users-1".to_owned(), 8),
        ("users=users-system".to_owned(), 1),
        ("users=Users-2".to_owned(), 0),
        ("eventCategories=Created".to_owned(), 7),
        ("eventGroups=Machine".to_owned(), 1),
        ("eventGroups=Nothing".to_owned(), 0),
        ("ids=Events-1,Events-3".to_owned(), 2),
        ("fromAutoId=2&toAutoId=4".to_owned(), 1),
        (format!("to={}", middle.replace('+', "%2B")), 2),
        (format!("from={middle}&regarding={linux}"), 0),
        ("from=2001-01-01".to_owned(), 9),
        ("to=2001-01-01T00:00:00".to_owned(), 0),
    ] {
        // Times have milliseconds, and two events may share one.
        let found = bench.get(&format!("/api/events?{query}")).await;
        let found = found["TotalResults"].as_i64().unwrap();
        let is_time = query.starts_with("to=20") || query.starts_with("from=20");
        assert!(found == wanted || (is_time && found >= wanted), "{query}: {found}");
    }
    let brief = bench.get("/api/events?excludeDifference=true&ids=Events-1").await;
    assert_eq!(brief["Items"][0]["ChangeDetails"], Value::Null);
    let refused = bench.refused("GET", "/api/events?from=yesterday", Value::Null).await;
    assert_eq!(refused, "400: The value 'yesterday' is not valid for from.");
}

#[tokio::test]
async fn a_key_without_event_view_sees_no_events() {
    let mut bench = Bench::new(Seed::Empty).await;
    bench.pool("Linux").await;
    bench.key = READER_KEY;
    assert_eq!(bench.get("/api/events").await["TotalResults"], 1);
    bench.key = "API-SANDBOXWITHOUTEVENTVIEW";
    assert_eq!(bench.get("/api/events").await["TotalResults"], 0);
    let (status, body) = bench.send("GET", "/api/events/Events-1", Value::Null).await;
    assert_eq!(status, 403);
    assert!(body["ErrorMessage"].as_str().unwrap().ends_with("Missing permission: EventView"));
}

#[tokio::test]
async fn categories_and_types_of_events_are_listed() {
    let bench = Bench::new(Seed::Empty).await;
    for (path, wanted) in [
        ("categories", json!({ "Id": "Created", "Name": "Document created", "Links": null })),
        ("documenttypes", json!({ "Id": "Accounts", "Name": "Account" })),
        (
            "groups",
            json!({
                "Id": "Document", "Name": "Document events",
                "EventCategories": ["Created", "Modified", "Deleted"], "Links": null,
            }),
        ),
    ] {
        assert_eq!(bench.get(&format!("/api/Spaces-1/events/{path}")).await[0], wanted, "{path}");
    }
    assert_eq!(bench.send("POST", "/api/events", json!({})).await.0, 405);
}
