//! The HTTP face: pictures by URL, for `hlsnap serve` and for Lambda's HTTP events alike.
//!
//! ```text
//! request -> gate (may it be asked?) -> question -> flight (is it being answered already?) -> answer
//! ```
//!
//! Nothing is answered until an operator has named hosts, a signing key, or said that anything goes.

mod answer;
mod flight;
mod gate;
mod question;
mod serve;

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
    faces::{facts::Facts, settings::Settings},
    fetch::Client,
    request::{Options, Format, SnapshotRequest, Source},
};
use flight::Flights;

pub(super) use answer::problem;
pub(super) use serve::serve;

/// What every request is answered from.
#[derive(Debug)]
pub(super) struct Face {
    settings: Settings,
    client: Client,
    flights: Flights,
}

impl Face {
    /// `jobs` pictures at once.
    pub fn new(settings: Settings, client: Client, jobs: usize) -> Arc<Self> {
        Arc::new(Self { settings, client, flights: Flights::new(jobs) })
    }

    /// What is asked of. What may not be is refused here, before anybody waits for a place.
    fn source(&self, asked: &Options) -> Result<Source, Error> {
        let source = question::source(asked)?;
        if let Source::Url(url) = &source {
            self.client.check(url)?;
        }
        Ok(source)
    }
}

/// The routes of the contract that every HTTP face has.
pub(super) fn router(face: Arc<Face>) -> Router {
    Router::new()
        .route("/snapshot.jpg", get(|face, uri, headers| picture(face, uri, headers, Format::Jpeg)))
        .route("/snapshot.jpeg", get(|face, uri, headers| picture(face, uri, headers, Format::Jpeg)))
        .route("/snapshot.png", get(|face, uri, headers| picture(face, uri, headers, Format::Png)))
        .route("/snapshot.webp", get(|face, uri, headers| picture(face, uri, headers, Format::WebP)))
        .route("/report.json", get(report))
        .route("/inspect.json", get(inspect))
        .route("/healthz", get(|| async { answer::health() }))
        .fallback(|uri: Uri| async move { answer::no_such_path(uri.path()) })
        .method_not_allowed_fallback(|| async { answer::no_such_method() })
        .with_state(face)
}

async fn picture(State(face): State<Arc<Face>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let cache_control = face.settings.defaults.cache_control.as_deref();
    let taken = snapshot(&face, &uri, format).await;
    taken.map_or_else(|e| answer::problem(&e), |taken| answer::picture(&taken, cache_control, &headers))
}

async fn report(State(face): State<Arc<Face>>, uri: Uri) -> Response {
    let taken = snapshot(&face, &uri, Format::Jpeg).await;
    taken.and_then(|taken| Ok(answer::json(&taken.report, answer::lifetime(&taken.report))?)).unwrap_or_else(|e| answer::problem(&e))
}

async fn inspect(State(face): State<Arc<Face>>, uri: Uri) -> Response {
    let inspected = async {
        gate::check(&face.settings, &uri)?;
        let asked = question::asked(&face.settings, &uri, question::OF_PLAYLISTS)?;
        let request = asked.request(face.source(&asked)?, None);
        let found = face.flights.inspect(request, &face.client).await?;
        answer::json(&Facts::of(&found, Utc::now()), answer::LIVE)
    };
    inspected.await.unwrap_or_else(|e: Error| answer::problem(&e))
}

/// What a query asks for, and what its signature is of.
pub(super) fn read(settings: &Settings, uri: &Uri) -> Result<(SnapshotRequest, String), Error> {
    let signed = question::canonical(uri);
    gate::check(settings, uri)?;
    let asked = question::asked(settings, uri, question::OF_PICTURES)?;
    Ok((asked.request(question::source(&asked)?, None), signed))
}

/// One picture; those who ask for the same at the same time share it.
async fn snapshot(face: &Face, uri: &Uri, format: Format) -> Result<Arc<flight::Taken>, Arc<Error>> {
    gate::check(&face.settings, uri)?;
    let mut asked = question::asked(&face.settings, uri, question::OF_PICTURES)?;
    asked.format = Some(format);
    let same = format!("{format} {}", question::canonical(uri));
    let wanted = asked.request(face.source(&asked)?, None);
    face.flights.join(same, wanted, face.client.clone()).await
}
