//! `/snapshot.jpg` and its report: one picture.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};

use super::{
    auth,
    frontend::HttpFrontend,
    observer::PictureKind,
    query,
    recall::Recalled,
    response::{self, Caching, problem},
    routes::Resource,
    shared::SharedSnapshot,
};
use crate::{
    error::Error,
    report::Report,
    request::{Format, options::Commands},
};

pub(super) async fn picture(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let snapshot = snapshot(&frontend, &uri, format, PictureKind::Snapshot).await;
    snapshot.map_or_else(|e| problem(&e), |snapshot| snapshot.respond(|picture, life| picture.response(&frontend.settings, &headers, life)))
}

pub(super) async fn report(State(frontend): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let snapshot = snapshot(&frontend, &uri, Format::Jpeg, PictureKind::Report).await;
    let json = |snapshot: &SharedSnapshot, life| {
        let facts = &snapshot.facts;
        response::json(&Report::new(facts.clone(), None), &Caching::of_document(facts.live, life)).unwrap_or_else(|e| problem(&e))
    };
    snapshot.map_or_else(|e| problem(&e), |snapshot| snapshot.respond(json))
}

/// One picture. Equal requests share it.
async fn snapshot(frontend: &HttpFrontend, uri: &Uri, format: Format, kind: PictureKind) -> Result<Recalled<SharedSnapshot>, Arc<Error>> {
    auth::check(&frontend.settings, uri)?;
    frontend.snapshots().result(query::key(format.name(), uri), || job(frontend, uri, format, kind)).await
}

/// Takes a snapshot.
fn job(
    frontend: &HttpFrontend,
    uri: &Uri,
    format: Format,
    kind: PictureKind,
) -> Result<impl Future<Output = Result<SharedSnapshot, Error>> + Send + use<>, Error> {
    let mut options = query::options(&frontend.settings, uri, Resource::Pictures(Commands::SNAP))?;
    options.format = Some(format);
    let request = options.request(frontend.source(&options)?, None);
    let (jobs, observer, memory) = (frontend.jobs(), frontend.observer.clone(), frontend.memory.clone());
    let job = async move {
        let snapshot = match memory {
            Some(memory) => memory.snapshot(request, &jobs).await,
            None => jobs.snapshot(request).await,
        };
        snapshot.map(SharedSnapshot::new)
    };
    Ok(async move { observer.job(kind, SharedSnapshot::len, job).await })
}
