//! `/storyboard.jpg`, and the documents that lead to it: `/storyboard.vtt` and `/storyboard.json`. A storyboard is one sprite here.
//!
//! A document's URL of the sprite repeats its own query, signed with the operator's key. Sprite and document come from the same job if the
//! player asks for one right after the other.

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
    response::problem,
    routes::{Document, Resource, SPRITE},
    shared::SharedStoryboard,
};
use crate::{
    compose,
    error::Error,
    request::{Format, Options, options::Commands},
};

/// The parameter that documents alone use.
const BASE: &str = "base";
/// The parameters that make no difference to the pictures.
const FORM: [&str; 2] = [BASE, "expires"];
/// The parameters that say which moments.
const MOMENTS: [&str; 5] = ["from", "to", "for", "every", "count"];

pub(super) async fn sprite(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, format: Format) -> Response {
    let response = async {
        auth::check(&frontend.settings, &uri)?;
        let storyboard = finished(&frontend, &uri, format).await?;
        Ok(storyboard.respond(|storyboard, life| storyboard.sprite_response(&frontend.settings, &headers, life)))
    };
    response.await.unwrap_or_else(|e: Arc<Error>| problem(&e))
}

pub(super) async fn document(State(frontend): State<Arc<HttpFrontend>>, uri: Uri, headers: HeaderMap, kind: Document) -> Response {
    let response = async {
        auth::check(&frontend.settings, &uri)?;
        // Its base is not part of the key
        let options = options(&frontend, &uri, Format::Jpeg)?;
        let storyboard = finished(&frontend, &uri, Format::Jpeg).await?;
        let url = sprite_url(&frontend, &uri, &options, &storyboard).await;
        Ok(storyboard.respond(|storyboard, life| {
            let document = storyboard.document_response(kind, &url, &frontend.settings, &headers, life);
            document.unwrap_or_else(|e| problem(&e))
        }))
    };
    response.await.unwrap_or_else(|e: Arc<Error>| problem(&e))
}

fn options(frontend: &HttpFrontend, uri: &Uri, format: Format) -> Result<Options, Error> {
    let mut options = query::options(&frontend.settings, uri, Resource::Pictures(Commands::STORYBOARD))?;
    options.format = Some(format);
    if options.storyboard_base().is_some_and(|base| base.contains('?')) {
        return Err(Error::usage("the base of the sprite's URL has a query", "give the URL of the folder alone"));
    }
    Ok(options)
}

/// One storyboard. Requests for its sprite and its documents share it.
async fn finished(frontend: &HttpFrontend, uri: &Uri, format: Format) -> Result<Recalled<SharedStoryboard>, Arc<Error>> {
    let key = key(format, &query::canonical_with(uri, &FORM, &[]));
    frontend.storyboards().result(key, || job(frontend, uri, format)).await
}

/// Makes a storyboard.
fn job(
    frontend: &HttpFrontend,
    uri: &Uri,
    format: Format,
) -> Result<impl Future<Output = Result<SharedStoryboard, Error>> + Send + use<>, Error> {
    let options = options(frontend, uri, format)?;
    let mut request = options.storyboard(frontend.source(&options)?);
    frontend.bound(&mut request.pictures);
    let (jobs, observer) = (frontend.jobs(), frontend.observer.clone());
    let job = async move {
        let _permit = jobs.permits.acquire(&mut request.pictures.snapshot.limits.timeout).await?;
        let storyboard = Box::pin(compose::one_sprite(&request, &jobs.client, &|_| {})).await?;
        Ok(SharedStoryboard::new(storyboard, format))
    };
    Ok(async move { observer.job(PictureKind::Storyboard, SharedStoryboard::sprite_len, job).await })
}

fn key(format: Format, canonical: &str) -> String {
    format!("storyboard {format} {canonical}")
}

/// The URL of the sprite: beside the document, or below the request's `base`.
async fn sprite_url(frontend: &HttpFrontend, uri: &Uri, options: &Options, storyboard: &Recalled<SharedStoryboard>) -> String {
    let moments = storyboard.value.absolute_moments();
    let dropped: &[&str] = if moments.is_empty() { &[] } else { &MOMENTS };
    if !moments.is_empty() {
        // The URL leads to this sprite as long as it is kept
        let key = key(Format::Jpeg, &query::canonical_with(uri, &[&FORM[..], dropped].concat(), &moments));
        storyboard.keep(&frontend.storyboard_memory(), key).await;
    }
    let query = query::canonical_with(uri, &[&[BASE], dropped].concat(), &moments);
    let signature = auth::signature(&frontend.settings, SPRITE, &query).map_or_else(String::new, |sig| format!("&sig={sig}"));
    let folder = options.storyboard_base().map_or_else(String::new, |base| format!("{}/", base.trim_end_matches('/')));
    format!("{folder}{}?{query}{signature}", SPRITE.trim_start_matches('/'))
}
