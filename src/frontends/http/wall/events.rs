//! `/events`: server-sent events, which start after `Last-Event-ID` or the parameter `after`.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{
        HeaderMap, HeaderName, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use futures_util::stream;
use url::form_urlencoded;

use super::state::Wall;
use crate::watch::Subscription;

pub(super) async fn stream(State(wall): State<Wall>, uri: Uri, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let after = || form_urlencoded::parse(uri.query()?.as_bytes()).find(|(name, _)| name == "after").map(|(_, id)| id.into_owned());
    let after = last.or_else(after);
    let permit = wall.streams.clone().try_acquire_owned().ok();
    let subscription = permit.and_then(|permit| Some((Subscription::begin(wall.board, after.as_deref())?, permit)));
    let Some(subscription) = subscription else {
        let text = "too many clients follow the board, or it is closing\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10"), (CACHE_CONTROL, "no-store")], text).into_response();
    };
    // The body is read only as fast as the client reads. A client that lags too much loses its subscription
    let messages = stream::unfold(subscription, |(mut subscription, permit)| async move {
        let message = subscription.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(message), (subscription, permit)))
    });
    // Keeps nginx from buffering the stream
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), unbuffered];
    (headers, Body::from_stream(messages)).into_response()
}
