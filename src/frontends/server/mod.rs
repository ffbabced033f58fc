//! The layers that `hlsnap serve` adds to the router, and the Lambda function does not need: CORS, rate limits, the access log, metrics.
//!
//! ```text
//! request -> client (who sends it?) -> observe (access log, metrics) -> cors -> rate_limit -> router
//! ```

mod access_log;
mod client;
mod cors;
mod query_log;
mod rate_limit;

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{Request, State},
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{
    http,
    metrics::{self, Metrics, ServeMetrics},
    settings::Serving,
};
use crate::error::Error;
use access_log::LogLine;
use client::{Client, Proxies};
use cors::cors;
use rate_limit::RateLimit;

/// Paths without a rate limit and without a line in the access log, because probes and scrapes request them all the time.
const UNLIMITED: [&str; 2] = ["/healthz", METRICS];
const METRICS: &str = "/metrics";

/// The state of the layers around the router.
#[derive(Debug)]
struct Surroundings {
    proxies: Proxies,
    rate_limit: Option<RateLimit>,
    access_log: bool,
    metrics: Arc<ServeMetrics>,
    path_name: fn(&str) -> &'static str,
}

/// Adds `/metrics` and the operator's layers to the router. `path_name` maps a path to one of a few names for the metrics.
///
/// Fails with `usage` for a setting that cannot be read.
pub(super) fn surround(
    router: Router,
    serving: &Serving,
    all: Arc<Metrics>,
    metrics: Arc<ServeMetrics>,
    path_name: fn(&str) -> &'static str,
) -> Result<Router, Error> {
    let surroundings = Arc::new(Surroundings {
        proxies: Proxies::parse(&serving.trusted_proxies)?,
        rate_limit: serving.rate_limit.as_deref().map(str::parse).transpose()?,
        access_log: serving.access_log,
        metrics,
        path_name,
    });
    let router = router.route(METRICS, get(move || async move { metrics_text(&all) }));
    let router = router.layer(from_fn_with_state(Arc::clone(&surroundings), limit));
    let router = match cors(&serving.cors)? {
        Some(cors) => router.layer(cors),
        None => router,
    };
    Ok(router.layer(from_fn_with_state(surroundings, observe)))
}

/// The answer at `/metrics`.
pub(super) fn metrics_text(metrics: &Metrics) -> Response {
    let headers = [(CONTENT_TYPE, metrics::CONTENT_TYPE), (CACHE_CONTROL, "no-store")];
    metrics.text().map_or_else(|e| http::problem(&e), |text| (headers, text).into_response())
}

/// Counts and logs a request.
async fn observe(State(this): State<Arc<Surroundings>>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let client = this.proxies.client(&request);
    request.extensions_mut().insert(client);
    let path = request.uri().path();
    let name = if path == METRICS { METRICS } else { (this.path_name)(path) };
    let is_logged = this.access_log && !UNLIMITED.contains(&name);
    let line = is_logged.then(|| LogLine::new(&request, client));
    let response = next.run(request).await;
    this.metrics.response(name, response.status().as_u16());
    if let Some(line) = line {
        line.write(&response, start.elapsed());
    }
    response
}

/// Answers 429 to a client that sends too many requests.
async fn limit(State(this): State<Arc<Surroundings>>, request: Request, next: Next) -> Response {
    let is_limited = !UNLIMITED.contains(&request.uri().path());
    let client = request.extensions().get::<Client>().copied();
    match (&this.rate_limit, client) {
        (Some(limit), Some(client)) if is_limited => match limit.check(client) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.response(),
        },
        _ => next.run(request).await,
    }
}
