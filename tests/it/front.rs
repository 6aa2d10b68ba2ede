//! A server in front of a sandbox, which has answers of its own to some requests.

use crate::workbench::Workbench;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// An answer to a request, which is its first line; none where the sandbox answers.
type Own = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Workbench {
    /// The URL of a server that answers by itself what `own` has an answer to, in JSON.
    pub(crate) fn in_front(
        &self,
        own: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let behind = self.bench.sandbox.url().trim_start_matches("http://").to_owned();
        let own: Arc<Own> = Arc::new(own);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (behind, own) = (behind.clone(), Arc::clone(&own));
                thread::spawn(move || pass(client, &behind, &*own));
            }
        });
        url
    }
}

/// One request on a connection of its own.
fn pass(client: TcpStream, behind: &str, own: &Own) -> Option<()> {
    let mut head = String::new();
    let mut lines = BufReader::new(client.try_clone().ok()?);
    while lines.read_line(&mut head).ok()? > 2 {}
    let mut answers = client;
    if let Some(answer) = own(head.lines().next()?) {
        let length = answer.len();
        let kind = "Content-Type: application/json";
        let answer = format!(
            "HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
        );
        return answers.write_all(answer.as_bytes()).ok();
    }
    let mut server = TcpStream::connect(behind).ok()?;
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes()).ok()?;
    let mut body = server.try_clone().ok()?;
    // What a request has behind its head goes on as it comes.
    thread::spawn(move || std::io::copy(&mut lines, &mut body));
    std::io::copy(&mut server, &mut answers).ok()?;
    Some(())
}
