//! The HTTP server: which handler serves which path.

use crate::{
    connection::{ConnectionCut, CuttableListener},
    host::{self, AllowedHosts},
    portal,
    server::{self, SandboxServer},
};
use axum::{
    Router, middleware,
    routing::{any, get},
};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves `listener` until `stopped`, then ends the open connections.
pub(crate) async fn serve_requests(
    listener: TcpListener,
    server: Arc<SandboxServer>,
    hosts: AllowedHosts,
    stopped: impl Future<Output = ()> + Send + 'static,
) {
    let routes = Router::new()
        .route("/", get(portal::serve_page).fallback(server::handle_request))
        .route("/sandbox/page.css", get(portal::serve_style))
        .route("/sandbox/page.js", get(portal::serve_script))
        .route("/sandbox/changes", get(portal::serve_changes))
        .route("/sandbox/faults", any(server::handle_control))
        .fallback(server::handle_request)
        .with_state(server)
        .layer(middleware::from_fn_with_state(Arc::new(hosts), host::check_request));
    let service = routes.into_make_service_with_connect_info::<ConnectionCut>();
    _ = axum::serve(CuttableListener(listener), service).with_graceful_shutdown(stopped).await;
}
