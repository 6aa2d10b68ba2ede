//! The page at `/` for people: pools, workers, where steps run, and the latest events.
//!
//! The server renders all of it; a small script fetches it again when `/sandbox/changes` reports a change. The
//! page is read-only, and loads nothing from other hosts.

mod html;
mod place;
mod process;
mod view;

use crate::{portal::view::PortalView, reply, server::SandboxServer, url};
use axum::{
    extract::{RawQuery, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{
        Html, IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream::{self, Stream};
use std::{convert::Infallible, sync::Arc, time::Duration};

/// The shortest time between two reports of a change.
const PAUSE: Duration = Duration::from_millis(100);

/// The page may load its own style and script, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`, for the space whose id or slug is in `?space=`, or the default one.
pub(crate) async fn serve_page(
    State(server): State<Arc<SandboxServer>>,
    RawQuery(query): RawQuery,
) -> Response {
    let pairs = url::query_pairs(query.as_deref().unwrap_or_default());
    let space = pairs.into_iter().find(|(name, _)| name == "space").map(|(_, value)| value);
    // Counted before the read, so that a change in between is reported again.
    let change = server.news().change_count();
    let (news, faults) = (server.news().latest_requests(), server.fault_counts());
    let view =
        server.read_current(move |db| PortalView::read_space(db, space.as_deref(), news)).await;
    let page = view.map(|view| Html(html::render_page(&view, change, &faults)));
    add_security_headers(page.map_err(reply::refusal_response).into_response())
}

/// `GET /sandbox/page.css`.
pub(crate) async fn serve_style() -> Response {
    static_file("text/css; charset=utf-8", include_str!("portal/page.css"))
}

/// `GET /sandbox/page.js`.
pub(crate) async fn serve_script() -> Response {
    static_file("text/javascript; charset=utf-8", include_str!("portal/page.js"))
}

/// `GET /sandbox/changes`: server-sent events, one at once and one after each change.
pub(crate) async fn serve_changes(
    State(server): State<Arc<SandboxServer>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut bell = server.news().subscribe();
    bell.mark_changed();
    let rings = stream::unfold(bell, async |mut bell| {
        bell.changed().await.ok()?;
        // Writes come in bursts, and the page need not follow each.
        tokio::time::sleep(PAUSE).await;
        let ring = *bell.borrow_and_update();
        let event = Event::default().event("change").data(ring.count.to_string());
        (!ring.is_last).then_some((Ok(event), bell))
    });
    Sse::new(rings).keep_alive(KeepAlive::default())
}

fn static_file(kind: &'static str, text: &'static str) -> Response {
    add_security_headers((StatusCode::OK, [(header::CONTENT_TYPE, kind)], text).into_response())
}

fn add_security_headers(mut response: Response) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
