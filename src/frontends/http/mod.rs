//! The HTTP frontend: pictures by URL, for `hlsnap serve` and for Lambda's HTTP events.
//!
//! ```text
//! request -> auth (is it allowed?) -> query -> single_flight (is it running already?) -> snapshots | many | storyboards -> response
//! ```

mod auth;
mod frontend;
mod inspections;
mod job_permits;
mod many;
mod query;
mod recent;
mod response;
mod serve;
mod shared;
mod single_flight;
mod snapshots;
mod storyboards;

use std::sync::Arc;

use axum::{Router, http::Uri, routing::get};

use crate::{
    error::Error,
    frontends::{remote_source, settings::Settings},
    request::{Format, SnapshotRequest, options::Commands},
};
use query::Resource;
use shared::Document;

pub(super) use frontend::HttpFrontend;
pub(super) use response::problem;
pub(super) use serve::serve;

/// The contract's routes.
pub(super) fn router(frontend: Arc<HttpFrontend>) -> Router {
    let snapshot = |format| get(move |state, uri, headers| snapshots::picture(state, uri, headers, format));
    let sheet = |format| get(move |state, uri, headers| many::sheet(state, uri, headers, format));
    let sprite = |format| get(move |state, uri, headers| storyboards::sprite(state, uri, headers, format));
    let document = |kind| get(move |state, uri, headers| storyboards::document(state, uri, headers, kind));
    let animation = |is_gif| get(move |state, uri, headers| many::animation(state, uri, headers, is_gif));
    Router::new()
        .route("/snapshot.jpg", snapshot(Format::Jpeg))
        .route("/snapshot.jpeg", snapshot(Format::Jpeg))
        .route("/snapshot.png", snapshot(Format::Png))
        .route("/snapshot.webp", snapshot(Format::WebP))
        .route("/snapshot.avif", snapshot(Format::Avif))
        .route("/report.json", get(snapshots::report))
        .route("/sheet.jpg", sheet(Format::Jpeg))
        .route("/sheet.png", sheet(Format::Png))
        .route("/sheet.webp", sheet(Format::WebP))
        .route(storyboards::SPRITE, sprite(Format::Jpeg))
        .route("/storyboard.webp", sprite(Format::WebP))
        .route("/storyboard.vtt", document(Document::WebVtt))
        .route("/storyboard.json", document(Document::Json))
        .route("/animated.webp", animation(false))
        .route("/animated.gif", animation(true))
        .route("/inspect.json", get(inspections::inspect))
        .route("/healthz", get(|| async { response::health() }))
        .fallback(|uri: Uri| async move { response::no_such_path(uri.path()) })
        .method_not_allowed_fallback(|| async { response::no_such_method() })
        .with_state(frontend)
}

/// Parses a query: the request, and the canonical text that a signature covers.
pub(super) fn read(settings: &Settings, uri: &Uri) -> Result<(SnapshotRequest, String), Error> {
    let canonical = query::canonical(uri);
    auth::check(settings, uri)?;
    let options = query::options(settings, uri, Resource::Pictures(Commands::SNAP))?;
    Ok((options.request(remote_source(&options)?, None), canonical))
}
