//! `/sheet.jpg` and `/animated.webp`: one file of many pictures.
//!
//! A file with empty places has the status 200, a header with their number, and a short `Cache-Control`, so that no cache keeps it. With
//! `strict`, the first picture that cannot be had fails the request instead.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};

use super::{
    auth, frontend::HttpFrontend, observer::PictureKind, query, response::problem, routes::Resource, shared::SharedFile,
    single_flight::FlightResult,
};
use crate::{
    frontends::one_file::OneFileRequest,
    request::{Format, Options, Source, options::Commands},
};

pub(super) async fn sheet(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let make = |options: &mut Options, source| {
        options.format = Some(format);
        OneFileRequest::Sheet(options.sheet(source, None))
    };
    let file = finished(&frontend, &uri, Commands::SHEET, make).await;
    file.map_or_else(|e| problem(&e), |file| file.response(&frontend.settings, &headers))
}

pub(super) async fn animation(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, is_gif: bool) -> Response {
    let make = |options: &mut Options, source| OneFileRequest::Animation(options.animation(source, is_gif));
    let file = finished(&frontend, &uri, Commands::ANIMATE, make).await;
    file.map_or_else(|e| problem(&e), |file| file.response(&frontend.settings, &headers))
}

/// One file. Equal requests at the same time share it.
async fn finished(
    frontend: &HttpFrontend,
    uri: &Uri,
    commands: Commands,
    make: impl FnOnce(&mut Options, Source) -> OneFileRequest,
) -> FlightResult<SharedFile> {
    auth::check(&frontend.settings, uri)?;
    let mut options = query::options(&frontend.settings, uri, Resource::Pictures(commands))?;
    let source = frontend.source(&options)?;
    let mut request = make(&mut options, source);
    frontend.bound(request.pictures_mut());
    let key = format!("{} {}", uri.path(), query::canonical_with(uri, &["expires"], &[]));
    let (client, permits) = (frontend.client.clone(), frontend.permits.clone());
    let kind = if commands == Commands::SHEET { PictureKind::Sheet } else { PictureKind::Animation };
    let job = async move {
        let _permit = permits.acquire(&mut request.pictures_mut().snapshot.limits.timeout).await?;
        request.make(&client, &|_| {}).await.map(SharedFile::new)
    };
    let observer = frontend.observer.clone();
    frontend.files.join(key, async move { observer.job(kind, SharedFile::len, job).await }).await
}
