//! `/pictures/{id}.jpg`, the newest picture of a round, and `/pictures/{id}/large.jpg`, a fresh large one.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{
        HeaderMap, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LAST_MODIFIED},
    },
    response::{IntoResponse, Response},
};

use super::state::{Wall, no_such_channel};
use crate::frontends::http::response::{self, problem};

/// The newest picture. Its URL changes with it, so that browsers need not ask again.
pub(super) async fn newest(State(wall): State<Wall>, Path(file): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let id = file.strip_suffix(".jpg").unwrap_or(&file);
    let Some(picture) = wall.board.picture(id) else { return no_such_channel(id) };
    let is_newest = uri.query().and_then(|query| query.strip_prefix("v=")) == Some(picture.version.as_str());
    let caching = if is_newest { "private, max-age=600, immutable" } else { "private, no-cache" };
    let time = httpdate::fmt_http_date(picture.time.into());
    let head = [(CACHE_CONTROL, caching), (ETAG, &picture.etag), (LAST_MODIFIED, &time)];
    if response::is_cached(&headers, &picture.etag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(CONTENT_TYPE, picture.media_type)], Body::from(picture.bytes)).into_response()
}

pub(super) async fn large(State(wall): State<Wall>, Path(id): Path<String>) -> Response {
    let Some(channel) = wall.board.channel_id(&id) else { return no_such_channel(&id) };
    match wall.large.get(channel).await {
        Ok(picture) => ([(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, picture.media_type)], Body::from(picture.bytes)).into_response(),
        Err(error) => problem(&error),
    }
}
