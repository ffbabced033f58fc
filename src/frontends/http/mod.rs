//! The HTTP frontend: pictures by URL, for `hlsnap serve` and for Lambda's HTTP events.
//!
//! ```text
//! request -> auth (is it allowed?) -> recall (is it known, or running already?) -> query -> snapshots | many | storyboards -> response
//! ```

mod auth;
#[cfg(feature = "fleet")]
mod byte_cache;
mod frontend;
mod inspections;
mod job_permits;
mod life;
mod many;
mod memory;
mod observer;
mod openapi;
#[cfg(feature = "fleet")]
mod page;
mod query;
mod recall;
mod recent;
mod response;
mod routes;
mod serve;
#[cfg(feature = "fleet")]
mod server_memory;
mod shared;
mod sign;
mod single_flight;
mod snapshots;
mod storyboards;
#[cfg(feature = "fleet")]
pub(super) mod try_page;
#[cfg(feature = "fleet")]
pub mod wall;

use std::sync::Arc;

use axum::{
    Router,
    http::Uri,
    routing::{MethodRouter, get},
};

use crate::{
    error::Error,
    frontends::{remote_source, settings::Settings},
    request::{SnapshotRequest, options::Commands},
};
use routes::{Endpoint, ROUTES, Resource};

pub(super) use frontend::HttpFrontend;
pub(super) use memory::PictureMemory;
pub(super) use observer::{Observe, Observer, PictureKind};
pub(super) use recall::CACHE_HEADER;
pub(super) use response::{problem, with_status};
pub(super) use routes::path_name;
pub(super) use serve::{Peer, serve};
#[cfg(feature = "fleet")]
pub(super) use server_memory::ServerMemory;
pub(super) use sign::signed;

/// The contract's routes.
pub(super) fn router(frontend: Arc<HttpFrontend>) -> Router {
    let routed = ROUTES.iter().fold(Router::new(), |router, route| router.route(route.path, handler(route.endpoint)));
    routed
        .fallback(|uri: Uri| async move { response::no_such_path(uri.path()) })
        .method_not_allowed_fallback(|| async { response::no_such_method() })
        .with_state(frontend)
}

fn handler(endpoint: Endpoint) -> MethodRouter<Arc<HttpFrontend>> {
    match endpoint {
        Endpoint::Snapshot(format) => get(move |state, uri, headers| snapshots::picture(state, uri, headers, format)),
        Endpoint::Report => get(snapshots::report),
        Endpoint::Sheet(format) => get(move |state, uri, headers| many::sheet(state, uri, headers, format)),
        Endpoint::Sprite(format) => get(move |state, uri, headers| storyboards::sprite(state, uri, headers, format)),
        Endpoint::Document(kind) => get(move |state, uri, headers| storyboards::document(state, uri, headers, kind)),
        Endpoint::Animation { is_gif } => get(move |state, uri, headers| many::animation(state, uri, headers, is_gif)),
        Endpoint::Inspection => get(inspections::inspect),
        Endpoint::OpenApi => get(openapi::answer),
        Endpoint::Health => get(|| async { response::health() }),
    }
}

/// Parses a query: the request, and the canonical text that a signature covers.
pub(super) fn read(settings: &Settings, uri: &Uri) -> Result<(SnapshotRequest, String), Error> {
    let canonical = query::canonical(uri);
    auth::check(settings, uri)?;
    let options = query::options(settings, uri, Resource::Pictures(Commands::SNAP))?;
    Ok((options.request(remote_source(&options)?, None), canonical))
}
