//! `/inspect.json`: the playlists only.

use std::sync::Arc;

use axum::{extract::State, http::Uri, response::Response};

use super::{auth, frontend::HttpFrontend, observer::PictureKind, query, response, routes::Resource};
use crate::{capture, error::Error};

pub(super) async fn inspect(State(frontend): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let response = async {
        auth::check(&frontend.settings, &uri)?;
        let options = query::options(&frontend.settings, &uri, Resource::Playlists)?;
        let mut request = options.request(frontend.source(&options)?, None);
        let job = async {
            let _permit = frontend.permits.acquire(&mut request.limits.timeout).await?;
            Box::pin(capture::inspect(&request, &frontend.client)).await
        };
        let inspection = frontend.observer.job(PictureKind::Inspect, |_| 0, job).await?;
        response::json(&inspection, response::LIVE)
    };
    response.await.unwrap_or_else(|e: Error| response::problem(&e))
}
