//! `/inspect.json`: the playlists only.

use std::sync::Arc;

use axum::{extract::State, http::Uri, response::Response};

use super::{
    auth,
    frontend::HttpFrontend,
    query::{self, Resource},
    response,
};
use crate::{capture, error::Error};

pub(super) async fn inspect(State(frontend): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let response = async {
        auth::check(&frontend.settings, &uri)?;
        let options = query::options(&frontend.settings, &uri, Resource::Playlists)?;
        let mut request = options.request(frontend.source(&options)?, None);
        let _permit = frontend.permits.acquire(&mut request.limits.timeout).await?;
        let inspection = Box::pin(capture::inspect(&request, &frontend.client)).await?;
        response::json(&inspection, response::LIVE)
    };
    response.await.unwrap_or_else(|e: Error| response::problem(&e))
}
