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
    response::{self, problem},
    routes::Resource,
    shared::SharedSnapshot,
    single_flight::FlightResult,
};
use crate::{
    capture,
    report::Report,
    request::{Format, options::Commands},
};

pub(super) async fn picture(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let snapshot = snapshot(&frontend, &uri, format, PictureKind::Snapshot).await;
    snapshot.map_or_else(|e| problem(&e), |snapshot| snapshot.response(&frontend.settings, &headers))
}

pub(super) async fn report(State(frontend): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let snapshot = snapshot(&frontend, &uri, Format::Jpeg, PictureKind::Report).await;
    let response = snapshot.and_then(|snapshot| {
        let report = Report::new(snapshot.facts.clone(), None);
        Ok(response::json(&report, response::cache_control(snapshot.facts.live))?)
    });
    response.unwrap_or_else(|e| problem(&e))
}

/// One picture. Equal requests at the same time share it.
async fn snapshot(frontend: &HttpFrontend, uri: &Uri, format: Format, kind: PictureKind) -> FlightResult<SharedSnapshot> {
    auth::check(&frontend.settings, uri)?;
    let mut options = query::options(&frontend.settings, uri, Resource::Pictures(Commands::SNAP))?;
    options.format = Some(format);
    let key = format!("{format} {}", query::canonical(uri));
    let mut request = options.request(frontend.source(&options)?, None);
    let (client, permits) = (frontend.client.clone(), frontend.permits.clone());
    let job = async move {
        let _permit = permits.acquire(&mut request.limits.timeout).await?;
        capture::capture(&request, &client).await.map(SharedSnapshot::new)
    };
    let observer = frontend.observer.clone();
    frontend.snapshots.join(key, async move { observer.job(kind, SharedSnapshot::len, job).await }).await
}
