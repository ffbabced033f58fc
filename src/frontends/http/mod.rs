//! The HTTP face: pictures by URL, for `hlsnap serve` and for Lambda's HTTP events alike.
//!
//! ```text
//! request -> gate (may it be asked?) -> question -> flight (is it being answered already?) -> answer
//! ```
//!
//! Nothing is answered until an operator has named hosts, a signing key, or said that anything goes.

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
use chrono::Utc;

use crate::{
    error::Error,
    fetch::Client,
    frontends::{inspection_report::InspectionReport, settings::Settings},
    request::{Format, Options, SnapshotRequest, Source},
};
use single_flight::SingleFlight;

pub(super) use response::problem;
pub(super) use serve::serve;

/// What every request is answered from.
#[derive(Debug)]
pub(super) struct HttpFrontend {
    settings: Settings,
    client: Client,
    flights: SingleFlight,
}

impl HttpFrontend {
    /// `jobs` pictures at once.
    pub fn new(settings: Settings, client: Client, jobs: usize) -> Arc<Self> {
        Arc::new(Self { settings, client, flights: SingleFlight::new(jobs) })
    }

    /// What is asked of. What may not be is refused here, before anybody waits for a place.
    fn source(&self, asked: &Options) -> Result<Source, Error> {
        let source = query::source(asked)?;
        if let Source::Url(url) = &source {
            self.client.check(url)?;
        }
        Ok(source)
    }
}

/// The routes of the contract that every HTTP face has.
pub(super) fn router(face: Arc<HttpFrontend>) -> Router {
    Router::new()
        .route("/snapshot.jpg", get(|face, uri, headers| picture(face, uri, headers, Format::Jpeg)))
        .route("/snapshot.jpeg", get(|face, uri, headers| picture(face, uri, headers, Format::Jpeg)))
        .route("/snapshot.png", get(|face, uri, headers| picture(face, uri, headers, Format::Png)))
        .route("/snapshot.webp", get(|face, uri, headers| picture(face, uri, headers, Format::WebP)))
        .route("/report.json", get(report))
        .route("/inspect.json", get(inspect))
        .route("/healthz", get(|| async { response::health() }))
        .fallback(|uri: Uri| async move { response::no_such_path(uri.path()) })
        .method_not_allowed_fallback(|| async { response::no_such_method() })
        .with_state(face)
}

async fn picture(State(face): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let cache_control = face.settings.defaults.cache_control.as_deref();
    let taken = snapshot(&face, &uri, format).await;
    taken.map_or_else(|e| response::problem(&e), |taken| response::picture(&taken, cache_control, &headers))
}

async fn report(State(face): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let taken = snapshot(&face, &uri, Format::Jpeg).await;
    taken.and_then(|taken| Ok(response::json(&taken.report, response::lifetime(&taken.report))?)).unwrap_or_else(|e| response::problem(&e))
}

async fn inspect(State(face): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let inspected = async {
        auth::check(&face.settings, &uri)?;
        let asked = query::asked(&face.settings, &uri, query::OF_PLAYLISTS)?;
        let request = asked.request(face.source(&asked)?, None);
        let found = face.flights.inspect(request, &face.client).await?;
        response::json(&InspectionReport::of(&found, Utc::now()), response::LIVE)
    };
    inspected.await.unwrap_or_else(|e: Error| response::problem(&e))
}

/// What a query asks for, and what its signature is of.
pub(super) fn read(settings: &Settings, uri: &Uri) -> Result<(SnapshotRequest, String), Error> {
    let signed = query::canonical(uri);
    auth::check(settings, uri)?;
    let asked = query::asked(settings, uri, query::OF_PICTURES)?;
    Ok((asked.request(query::source(&asked)?, None), signed))
}

/// One picture; those who ask for the same at the same time share it.
async fn snapshot(face: &HttpFrontend, uri: &Uri, format: Format) -> Result<Arc<single_flight::SharedSnapshot>, Arc<Error>> {
    auth::check(&face.settings, uri)?;
    let mut asked = query::asked(&face.settings, uri, query::OF_PICTURES)?;
    asked.format = Some(format);
    let same = format!("{format} {}", query::canonical(uri));
    let wanted = asked.request(face.source(&asked)?, None);
    face.flights.join(same, wanted, face.client.clone()).await
}
