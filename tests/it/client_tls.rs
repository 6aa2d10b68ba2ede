//! The client and certificates: what is trusted, and what an error says where nothing is.

use crate::client::Stub;
use poolwright_client::octopus::{
    ClientError, Connection, ConnectionOptions, Credentials, Secret, TrustedServer,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

/// The authority that signed the server's certificate. Its own key is nowhere.
const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");

/// Serves the same answer over TLS to whoever trusts the authority; the server's URL.
fn serve(answer: &[u8]) -> String {
    let answer = answer.to_vec();
    _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server-key.pem")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // A client that does not trust the certificate hangs up here.
            if stream.read(&mut [0; 4096]).is_ok() {
                _ = stream.write_all(&answer);
                stream.conn.send_close_notify();
                _ = stream.flush();
            }
        }
    });
    url
}

fn connect(url: &str, ca_pem: Option<&[u8]>) -> Connection {
    let key = Credentials::ApiKey(Secret::from("API-TEST".to_owned()));
    let mut options = ConnectionOptions::new(TrustedServer::named_by_user(url), key);
    options.ca_pem = ca_pem.map(<[u8]>::to_vec);
    options.retry_limit = Duration::ZERO;
    Connection::open(options).unwrap()
}

const ROOT: &[u8] =
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 25\r\n\r\n{\"Version\":\"2026.2.9314\"}";

#[tokio::test]
async fn a_certificate_from_a_trusted_authority_is_accepted() {
    let url = serve(ROOT);
    let root = connect(&url, Some(AUTHORITY)).reader().read_server_root().await;
    assert_eq!(root.map(|it| it.version).as_deref(), Ok("2026.2.9314"));
}

#[tokio::test]
async fn an_untrusted_authority_is_named_in_the_error() {
    let url = serve(ROOT);
    let error = connect(&url, None).reader().read_server_root().await.unwrap_err();
    let told = format!("{error}\nhelp: {}", error.help().unwrap());
    insta::assert_snapshot!(told.replace(&url, "<url>"), @"
    cannot connect to `<url>`: invalid peer certificate: UnknownIssuer
    help: trust the server's certificate authority with `--ca-file FILE`
    ");
}

/// The same machine without TLS, or another server on it: a key belongs to neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_never_sends_the_key_outside_tls_or_to_another_port() {
    let plain = Stub::new(|_| r#"{"Version":"2026.2.9314"}"#).await;
    let other = serve(ROOT);
    for to in [&plain.url, &other] {
        let head = "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 0";
        let url = serve(format!("{head}\r\nLocation: {to}/api\r\n\r\n").as_bytes());
        let error = connect(&url, Some(AUTHORITY)).reader().read_server_root().await.unwrap_err();
        assert!(matches!(&error, ClientError::Redirected { .. }), "{to}: {error}");
    }
    assert_eq!(plain.paths(), [""; 0]);
}
