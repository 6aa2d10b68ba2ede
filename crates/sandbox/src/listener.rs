//! The way in: connections that can be cut.
//!
//! An HTTP server answers, however badly; a broken network does not. So each connection carries a
//! [`ConnectionCut`], and once that is drawn nothing is written to the socket any more and it closes. Never:
//! a decision of when to cut.

use super::{
    portal,
    server::{self, SandboxServer},
};
use axum::{
    Router,
    extract::connect_info::Connected,
    http::{header, request::Parts},
    routing::{any, get},
    serve::IncomingStream,
};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Serves `listener` until `stopped`, then ends the open connections.
pub(super) async fn serve_requests(
    listener: TcpListener,
    server: Arc<SandboxServer>,
    stopped: impl Future<Output = ()> + Send + 'static,
) {
    let routes = Router::new()
        .route("/", get(portal::serve_page).fallback(server::handle_request))
        .route("/sandbox/page.css", get(portal::serve_style))
        .route("/sandbox/page.js", get(portal::serve_script))
        .route("/sandbox/changes", get(portal::serve_changes))
        .route("/sandbox/faults", any(server::handle_control))
        .fallback(server::handle_request)
        .with_state(server);
    let service = routes.into_make_service_with_connect_info::<ConnectionCut>();
    _ = axum::serve(CuttableListener(listener), service).with_graceful_shutdown(stopped).await;
}

/// Whether a browser sends this for a page of another server, which has no business with the sandbox's
/// own routes: those ask for no key.
pub(super) fn is_cross_origin(parts: &Parts) -> bool {
    let header_text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let origin = header_text(header::ORIGIN)
        .map(|text| text.split_once("://").map_or(text, |(_, host)| host));
    origin.is_some_and(|origin| Some(origin) != header_text(header::HOST))
}

/// The switch that cuts one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionCut(Arc<AtomicBool>);

impl ConnectionCut {
    /// From now on the other side gets nothing, and the connection closes.
    pub(super) fn disconnect(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_disconnected(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for ConnectionCut {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cut.clone()
    }
}

struct CuttableListener(TcpListener);

impl axum::serve::Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        // Small answers, many of them: waiting to fill a packet would cost 40 ms each.
        _ = stream.set_nodelay(true);
        (CuttableStream { stream, cut: ConnectionCut::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// One connection.
struct CuttableStream {
    stream: TcpStream,
    cut: ConnectionCut,
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.is_disconnected() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
