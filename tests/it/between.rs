//! What stands between the program and the server: a gateway that answers itself, or somebody else who writes.

use crate::workbench::{Output, RUNTIME, Workbench, output};
use axum::{
    Router,
    body::Bytes,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use octopus_sandbox::ADMIN_KEY;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

/// What happens to a request.
pub(crate) enum Meddling {
    /// It passes.
    Nothing,
    /// It does not reach the server, and this is answered.
    Answer(u16, &'static str),
    /// It reaches the server, and this is answered nevertheless.
    AnswerOver(u16, &'static str),
    /// Somebody else writes first.
    WriteFirst(Method, String, Value),
}

/// A gateway before a sandbox.
pub(crate) struct Between {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Between {
    /// Starts it. `rule` gets each request as method and path, and how often it came, counted from 1.
    pub(crate) fn new(
        workbench: &Workbench,
        rule: impl Fn(&str, usize) -> Meddling + Clone + Send + Sync + 'static,
    ) -> Self {
        let server = workbench.bench.sandbox.url().to_owned();
        let (client, requests) =
            (workbench.bench.client.clone(), Arc::<Mutex<Vec<String>>>::default());
        let log = Arc::clone(&requests);
        let counts = Arc::<Mutex<HashMap<String, usize>>>::default();
        let handle = move |method: Method, uri: Uri, body: Bytes| {
            let path = uri.path_and_query().unwrap().to_string();
            let line = format!("{method} {path}");
            log.lock().unwrap().push(line.clone());
            let nth =
                *counts.lock().unwrap().entry(line.clone()).and_modify(|it| *it += 1).or_insert(1);
            let meddling = rule(&line, nth);
            let (client, server) = (client.clone(), server.clone());
            let send = move |method: Method, path: String, body: Vec<u8>| {
                let request = client.request(method, format!("{server}{path}"));
                request.header("X-Octopus-ApiKey", ADMIN_KEY).body(body).send()
            };
            meddle(meddling, send, method, path, body)
        };
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        RUNTIME.spawn(async { axum::serve(listener, Router::new().fallback(handle)).await });
        Self { url, requests }
    }

    /// Runs the program against it.
    pub(crate) fn run(&self, workbench: &Workbench, args: &[&str]) -> Output {
        output(workbench.command(args).env("OCTOPUS_URL", &self.url))
    }

    /// The requests that begin so.
    pub(crate) fn requests(&self, on: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|line| line.starts_with(on)).cloned().collect()
    }
}

impl Meddling {
    /// An answer that passes for the server's, or the request passes.
    pub(crate) fn answer_if(applies: bool, (status, body): (u16, &'static str)) -> Self {
        if applies { Self::Answer(status, body) } else { Self::Nothing }
    }
}

fn answer(status: u16, body: &'static str) -> Response {
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

/// Passes a request on, meddled with.
async fn meddle<F>(
    meddling: Meddling,
    send: impl Fn(Method, String, Vec<u8>) -> F,
    method: Method,
    path: String,
    body: Bytes,
) -> Response
where
    F: Future<Output = reqwest::Result<reqwest::Response>>,
{
    let over = match &meddling {
        Meddling::AnswerOver(status, body) => Some((*status, *body)),
        _ => None,
    };
    match meddling {
        Meddling::Answer(status, body) => return answer(status, body),
        Meddling::WriteFirst(method, path, body) => {
            let sent = send(method, path, body.to_string().into_bytes()).await.unwrap();
            assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
        }
        Meddling::Nothing | Meddling::AnswerOver(..) => {}
    }
    let sent = send(method, path, body.to_vec()).await.unwrap();
    if let Some((status, body)) = over {
        return answer(status, body);
    }
    let status = sent.status();
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, sent.bytes().await.unwrap()).into_response()
}
