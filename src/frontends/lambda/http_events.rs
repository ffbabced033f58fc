//! HTTP events: function URLs, API Gateway in both versions, and load balancers, answered by the HTTP frontend's router.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use axum::{
    Router,
    body::HttpBody,
    http::{Uri, header::CONTENT_TYPE},
    response::Response,
};
use futures_util::FutureExt;
use lambda_http::{Adapter, Body, Context, IntoResponse, LambdaEvent, Request, RequestExt, request::LambdaRequest, service_fn};
use serde_json::Value;
use tower::ServiceExt;

use super::{direct, metrics::Metrics, worker::Deadline, worker::Worker, worker::out_of_time};
use crate::{
    error::{Error, ErrorKind},
    frontends::{http, report_facts::PictureCost},
};

#[derive(Debug)]
pub(super) struct HttpEvents {
    router: Router,
}

impl HttpEvents {
    pub fn new(worker: &Worker) -> Self {
        Self {
            router: http::router(http::HttpFrontend::new(
                worker.settings.clone(),
                worker.client.clone(),
                worker.jobs(),
                http::Observer::default(),
                None,
            )),
        }
    }

    /// The response in the event sender's format.
    pub async fn respond(
        &self,
        request: LambdaRequest,
        context: Context,
        deadline: Deadline,
        metrics: &mut Metrics,
    ) -> Result<Value, Error> {
        // By its type, the adapter may call its service more than once
        let metrics = Mutex::new(metrics);
        let handler = service_fn(|request: Request| async {
            let response = tokio::time::timeout(deadline.remaining(), self.route(request)).await;
            let response = response.unwrap_or_else(|_| http::problem(&out_of_time()));
            count(&response, &mut metrics.lock().unwrap_or_else(PoisonError::into_inner));
            Ok::<_, std::convert::Infallible>(EventResponse(response))
        });
        // lambda_http panics if the event's parts make no URL
        let response = async { Adapter::from(handler).oneshot(LambdaEvent::new(request, context)).await };
        let invalid = || Error::new(ErrorKind::Usage, "the HTTP event's path or query cannot be read");
        let Ok(response) = AssertUnwindSafe(response).catch_unwind().await.map_err(|_| invalid())?;
        serde_json::to_value(response).map_err(|e| Error::internal("the response cannot be written as JSON").with_source(e))
    }

    async fn route(&self, request: Request) -> Response {
        // Stages and base paths precede the path's last segment
        let last = request.raw_http_path().rsplit('/').next().unwrap_or_default();
        let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
        let Ok(uri) = format!("/{last}{query}").parse::<Uri>() else {
            return http::problem(&Error::new(ErrorKind::Usage, "the path or the query cannot be read"));
        };
        let (mut parts, _) = request.into_parts();
        parts.uri = uri;
        let request = axum::http::Request::from_parts(parts, axum::body::Body::empty());
        let Ok(response) = self.router.clone().oneshot(request).await;
        let bytes = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
        // The size in base64, with room for the headers
        if bytes / 3 * 4 > direct::MAX_RESPONSE - 16_384 { http::problem(&direct::too_large(bytes)) } else { response }
    }
}

/// Counts a picture, whose cost is an extension of the response, or a failure by its status. Reports and inspections do not count.
fn count(response: &Response, metrics: &mut Metrics) {
    let status = response.status();
    match response.extensions().get::<PictureCost>() {
        Some(spent) => metrics.count_picture(*spent),
        None if status.is_client_error() || status.is_server_error() => metrics.count_failure(),
        None => {}
    }
}

/// A response whose media type decides between text and bytes. lambda_http's own conversion would link the tables of every legacy encoding.
struct EventResponse(Response);

impl IntoResponse for EventResponse {
    fn into_response(self) -> Pin<Box<dyn Future<Output = lambda_http::Response<Body>> + Send>> {
        let (parts, body) = self.0.into_parts();
        Box::pin(async move {
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
            let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let is_text = kind.contains("json") || kind.starts_with("text/");
            let body = match String::from_utf8(bytes.into()) {
                Ok(text) if is_text => Body::Text(text),
                Ok(text) => Body::Binary(text.into_bytes()),
                Err(other) => Body::Binary(other.into_bytes()),
            };
            lambda_http::Response::from_parts(parts, body)
        })
    }
}
