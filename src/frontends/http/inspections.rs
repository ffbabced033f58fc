//! `/inspect.json`: the playlists only.

use std::sync::Arc;

use axum::{extract::State, http::Uri, response::Response};

use super::{auth, frontend::HttpFrontend, observer::PictureKind, query, response, routes::Resource, shared::SharedInspection};
use crate::{capture, error::Error};

pub(super) async fn inspect(State(frontend): State<Arc<HttpFrontend>>, uri: Uri) -> Response {
    let response = async {
        auth::check(&frontend.settings, &uri)?;
        let inspection = frontend.inspections().result(query::key("inspection", &uri), || job(&frontend, &uri)).await?;
        Ok(inspection.respond(SharedInspection::response))
    };
    response.await.unwrap_or_else(|e: Arc<Error>| response::problem(&e))
}

fn job(frontend: &HttpFrontend, uri: &Uri) -> Result<impl Future<Output = Result<SharedInspection, Error>> + Send + use<>, Error> {
    let options = query::options(&frontend.settings, uri, Resource::Playlists)?;
    let mut request = options.request(frontend.source(&options)?, None);
    let (jobs, observer) = (frontend.jobs(), frontend.observer.clone());
    let job = async move {
        let _permit = jobs.permits.acquire(&mut request.limits.timeout).await?;
        SharedInspection::new(&Box::pin(capture::inspect(&request, &jobs.client)).await?)
    };
    Ok(async move { observer.job(PictureKind::Inspect, |_| 0, job).await })
}
