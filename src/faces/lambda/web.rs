//! HTTP events: function URLs, API Gateway in both versions, and load balancers, answered by the HTTP face's router.

use std::sync::{Mutex, PoisonError};

use axum::{Router, body::HttpBody, http::Uri, response::Response};
use lambda_http::{Adapter, Context, LambdaEvent, Request, RequestExt, request::LambdaRequest, service_fn};
use serde_json::Value;
use tower::ServiceExt;

use super::{direct, metrics::Metrics, work::Deadline, work::Works, work::out_of_time};
use crate::{error::Error, faces::http};

#[derive(Debug)]
pub(super) struct Web {
    router: Router,
}

impl Web {
    pub fn new(works: &Works) -> Self {
        Self { router: http::router(http::Face::new(works.settings.clone(), works.client.clone(), works.jobs())) }
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
            Ok::<_, std::convert::Infallible>(answer)
        });
        let Ok(answer) = Adapter::from(handler).oneshot(LambdaEvent::new(request, context)).await;
        serde_json::to_value(answer).map_err(|e| Error::internal("the answer cannot be written as JSON").because(e))
    }

    async fn routed(&self, request: Request) -> Response {
        // Stages and base paths stand before what is ours
        let last = request.raw_http_path().rsplit('/').next().unwrap_or_default();
        let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
        let Ok(uri) = format!("/{last}{query}").parse::<Uri>() else {
            return http::problem(&Error::new(crate::error::ErrorKind::Usage, "the path or the query cannot be read"));
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
