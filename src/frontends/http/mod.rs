//! The HTTP frontend: pictures by URL, for `hlsnap serve` and for Lambda's HTTP events.
//!
//! ```text
//! request -> auth (is it allowed?) -> query -> single_flight (is it running already?) -> response
//! ```

mod auth;
mod query;
mod response;
mod serve;
mod single_flight;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
    routing::get,
};

use crate::{
    error::Error,
    fetch::Client,
    frontends::{remote_source, settings::Settings},
    report::Report,
    request::{Format, Options, SnapshotRequest, Source, options::Commands},
};
use query::Resource;
use single_flight::{SharedSnapshot, SingleFlight};

pub(super) use response::problem;
pub(super) use serve::serve;

/// The state of the router.
#[derive(Debug)]
pub(super) struct HttpFrontend {
    settings: Settings,
    client: Client,
    flights: SingleFlight,
}

impl HttpFrontend {
    /// `jobs` is how many pictures are made at the same time.
    pub fn new(settings: Settings, client: Client, jobs: usize) -> Arc<Self> {
        Arc::new(Self { settings, client, flights: SingleFlight::new(jobs) })
    }

    /// The playlist. Fails with `not_allowed` before the request waits for a job permit.
    fn source(&self, options: &Options) -> Result<Source, Error> {
        let source = remote_source(options)?;
        if let Source::Url(url) = &source {
            self.client.check(url)?;
        }
        Ok(source)
    }
}

/// The contract's routes.
pub(super) fn router(frontend: Arc<HttpFrontend>) -> Router {
    Router::new()
        .route("/snapshot.jpg", get(|state, uri, headers| picture(state, uri, headers, Format::Jpeg)))
        .route("/snapshot.jpeg", get(|state, uri, headers| picture(state, uri, headers, Format::Jpeg)))
        .route("/snapshot.png", get(|state, uri, headers| picture(state, uri, headers, Format::Png)))
        .route("/snapshot.webp", get(|state, uri, headers| picture(state, uri, headers, Format::WebP)))
        .route("/snapshot.avif", get(|state, uri, headers| picture(state, uri, headers, Format::Avif)))
        .route("/report.json", get(report))
        .route("/inspect.json", get(inspect))
        .route("/healthz", get(|| async { response::health() }))
        .fallback(|uri: Uri| async move { response::no_such_path(uri.path()) })
        .method_not_allowed_fallback(|| async { response::no_such_method() })
        .with_state(frontend)
}

async fn picture(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let cache_control = frontend.settings.defaults.cache_control.as_deref();
    let snapshot = snapshot(&frontend, &uri, format).await;
    snapshot.map_or_else(|e| problem(&e), |snapshot| response::picture(&snapshot, cache_control, &headers))
}

async fn report(State(frontend): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let snapshot = snapshot(&frontend, &uri, Format::Jpeg).await;
    let response = snapshot.and_then(|snapshot| {
        let report = Report::new(snapshot.facts.clone(), None);
        Ok(response::json(&report, response::cache_control(&snapshot.facts))?)
    });
    response.unwrap_or_else(|e| problem(&e))
}

async fn inspect(State(frontend): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let response = async {
        auth::check(&frontend.settings, &uri)?;
        let options = query::options(&frontend.settings, &uri, Resource::Playlists)?;
        let request = options.request(frontend.source(&options)?, None);
        let inspection = frontend.flights.inspect(request, &frontend.client).await?;
        response::json(&inspection, response::LIVE)
    };
    response.await.unwrap_or_else(|e: Error| problem(&e))
}

/// Parses a query: the request, and the canonical text that a signature covers.
pub(super) fn read(settings: &Settings, uri: &Uri) -> Result<(SnapshotRequest, String), Error> {
    let canonical = query::canonical(uri);
    auth::check(settings, uri)?;
    let options = query::options(settings, uri, Resource::Pictures(Commands::SNAP))?;
    Ok((options.request(remote_source(&options)?, None), canonical))
}

/// One picture. Equal requests at the same time share it.
async fn snapshot(frontend: &HttpFrontend, uri: &Uri, format: Format) -> Result<Arc<SharedSnapshot>, Arc<Error>> {
    auth::check(&frontend.settings, uri)?;
    let mut options = query::options(&frontend.settings, uri, Resource::Pictures(Commands::SNAP))?;
    options.format = Some(format);
    let key = format!("{format} {}", query::canonical(uri));
    let request = options.request(frontend.source(&options)?, None);
    frontend.flights.join(key, request, frontend.client.clone()).await
}
