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

use super::{auth, frontend::HttpFrontend, observer::PictureKind, query, response::problem, routes::Resource, shared::SharedFile};
use crate::{
    error::Error,
    frontends::one_file::OneFileRequest,
    request::{Format, Options, Source, options::Commands},
};

pub(super) async fn sheet(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let make = |options: &mut Options, source| {
        options.format = Some(format);
        OneFileRequest::Sheet(options.sheet(source, None))
    };
    respond(&frontend, &uri, &headers, Commands::SHEET, &make).await
}

pub(super) async fn animation(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, is_gif: bool) -> Response {
    let make = |options: &mut Options, source| OneFileRequest::Animation(options.animation(source, is_gif));
    respond(&frontend, &uri, &headers, Commands::ANIMATE, &make).await
}

async fn respond(
    frontend: &HttpFrontend,
    uri: &Uri,
    headers: &HeaderMap,
    commands: Commands,
    make: &(dyn Fn(&mut Options, Source) -> OneFileRequest + Sync),
) -> Response {
    let response = async {
        auth::check(&frontend.settings, uri)?;
        let file = frontend.files().result(query::key(uri.path(), uri), || job(frontend, uri, commands, make)).await?;
        Ok(file.respond(|file, life| file.response(&frontend.settings, headers, life)))
    };
    response.await.unwrap_or_else(|e: Arc<Error>| problem(&e))
}

/// Makes one file.
fn job(
    frontend: &HttpFrontend,
    uri: &Uri,
    commands: Commands,
    make: &(dyn Fn(&mut Options, Source) -> OneFileRequest + Sync),
) -> Result<impl Future<Output = Result<SharedFile, Error>> + Send + use<>, Error> {
    let mut options = query::options(&frontend.settings, uri, Resource::Pictures(commands))?;
    let source = frontend.source(&options)?;
    let mut request = make(&mut options, source);
    frontend.bound(request.pictures_mut());
    let (jobs, observer) = (frontend.jobs(), frontend.observer.clone());
    let kind = if commands == Commands::SHEET { PictureKind::Sheet } else { PictureKind::Animation };
    let job = async move {
        let _permit = jobs.permits.acquire(&mut request.pictures_mut().snapshot.limits.timeout).await?;
        request.make(&jobs.client, &|_| {}).await.map(SharedFile::new)
    };
    Ok(async move { observer.job(kind, SharedFile::len, job).await })
}
