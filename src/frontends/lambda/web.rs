//! HTTP events: function URLs, API Gateway in both versions, and load balancers, answered by the HTTP face's router.

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
    frontends::http,
};

#[derive(Debug)]
pub(super) struct Web {
    router: Router,
}

impl Web {
    pub fn new(works: &Worker) -> Self {
        Self { router: http::router(http::HttpFrontend::new(works.settings.clone(), works.client.clone(), works.jobs())) }
    }

    /// The answer in the form of whoever sent the event.
    pub async fn answer(
        &self,
        request: LambdaRequest,
        context: Context,
        deadline: Deadline,
        metrics: &mut Metrics,
    ) -> Result<Value, Error> {
        // The adapter may call its service more than once, as far as types go
        let metrics = Mutex::new(metrics);
        let handler = service_fn(|request: Request| async {
            let answer = tokio::time::timeout(deadline.left(), self.routed(request)).await;
            let answer = answer.unwrap_or_else(|_| http::problem(&out_of_time()));
            metrics.lock().unwrap_or_else(PoisonError::into_inner).count_answer(answer.status(), answer.headers());
            Ok::<_, std::convert::Infallible>(WebResponse(answer))
        });
        // lambda_http panics where what it was given makes no URL
        let answer = async { Adapter::from(handler).oneshot(LambdaEvent::new(request, context)).await };
        let unreadable = || Error::new(ErrorKind::Usage, "the HTTP event's path or query cannot be read");
        let Ok(answer) = AssertUnwindSafe(answer).catch_unwind().await.map_err(|_| unreadable())?;
        serde_json::to_value(answer).map_err(|e| Error::internal("the answer cannot be written as JSON").with_source(e))
    }

    async fn routed(&self, request: Request) -> Response {
        // Stages and base paths stand before what is ours
        let last = request.raw_http_path().rsplit('/').next().unwrap_or_default();
        let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
        let Ok(uri) = format!("/{last}{query}").parse::<Uri>() else {
            return http::problem(&Error::new(ErrorKind::Usage, "the path or the query cannot be read"));
        };
        let (mut parts, _) = request.into_parts();
        parts.uri = uri;
        let request = axum::http::Request::from_parts(parts, axum::body::Body::empty());
        let Ok(answer) = self.router.clone().oneshot(request).await;
        let bytes = usize::try_from(answer.body().size_hint().lower()).unwrap_or(usize::MAX);
        // In base64, with room for the headers
        if bytes / 3 * 4 > direct::MOST_ANSWER - 16_384 { http::problem(&direct::too_large(bytes)) } else { answer }
    }
}

/// An answer whose body is text or bytes by what we know of it. The crate's own conversion brings every legacy encoding's tables along.
struct WebResponse(Response);

impl IntoResponse for WebResponse {
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
