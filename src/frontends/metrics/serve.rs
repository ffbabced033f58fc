//! The metrics of `hlsnap serve`.

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
};

use super::{
    Metrics, bytes,
    labels::{CacheAnswer, Kind, Outcome, Response},
    seconds,
};
use crate::{
    error::ErrorKind,
    fetch::Traffic,
    frontends::http::{Observe, PictureKind},
};

/// The number of running jobs, and of jobs that wait for a permit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::frontends) struct QueueSize {
    pub running: usize,
    pub waiting: usize,
}

/// The metrics of the HTTP frontend, which reports to it.
#[derive(Debug)]
pub(in crate::frontends) struct ServeMetrics {
    responses: Family<Response, Counter>,
    pictures: Family<Outcome, Counter>,
    durations: Family<Kind, Histogram>,
    sizes: Family<Kind, Histogram>,
    cache_answers: Family<CacheAnswer, Counter>,
    cache_bytes: Gauge,
}

impl ServeMetrics {
    /// Registers the metrics. `traffic` is read at each scrape.
    pub fn new(metrics: &mut Metrics, traffic: &Arc<Traffic>) -> Arc<Self> {
        let this = Self {
            responses: Family::default(),
            pictures: Family::default(),
            durations: Family::new_with_constructor(seconds),
            sizes: Family::new_with_constructor(bytes),
            cache_answers: Family::default(),
            cache_bytes: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("hlsnap_http_requests", "HTTP requests by route and status", this.responses.clone());
        registry.register(
            "hlsnap_pictures",
            "Jobs by what they make and how they end. Requests that share a job or a cached picture count once",
            this.pictures.clone(),
        );
        registry.register(
            "hlsnap_picture_duration_seconds",
            "Time from a request to its picture, including the wait for a permit",
            this.durations.clone(),
        );
        registry.register("hlsnap_picture_bytes", "Sizes of the pictures that jobs made", this.sizes.clone());
        registry.register("hlsnap_cache_requests", "Requests to the caches by cache and result", this.cache_answers.clone());
        registry.register("hlsnap_cache_bytes", "Bytes that the caches hold", this.cache_bytes.clone());
        registry.register_collector(Box::new(TrafficCollector(Arc::clone(traffic))));
        Arc::new(this)
    }

    /// Counts one response. `route` is one of a few names.
    pub fn response(&self, route: &'static str, status: u16) {
        self.responses.get_or_create(&Response { route, status }).inc();
    }
}

impl Observe for ServeMetrics {
    fn picture(&self, kind: PictureKind, duration: Duration, outcome: Result<usize, ErrorKind>) {
        let kind = kind.name();
        let result = outcome.map_or_else(ErrorKind::name, |_| "ok");
        self.pictures.get_or_create(&Outcome { kind, result }).inc();
        self.durations.get_or_create(&Kind { kind }).observe(duration.as_secs_f64());
        if let Ok(bytes) = outcome {
            self.sizes.get_or_create(&Kind { kind }).observe(bytes as f64);
        }
    }

    fn cache(&self, cache: &'static str, result: &'static str) {
        self.cache_answers.get_or_create(&CacheAnswer { cache, result }).inc();
    }

    fn cache_bytes(&self, bytes: u64) {
        self.cache_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

impl Metrics {
    /// Adds the gauges of the queue, which is read at each scrape.
    pub fn add_queue(&mut self, queue: impl Fn() -> QueueSize + Send + Sync + 'static) {
        self.registry.register_collector(Box::new(QueueCollector(queue)));
    }
}

#[derive(Debug)]
struct TrafficCollector(Arc<Traffic>);

impl Collector for TrafficCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut counter = |name: &str, help: &str, value: u64| {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        };
        counter("hlsnap_origin_requests", "Requests sent to origins, retries and redirects included", self.0.requests())?;
        counter("hlsnap_received_bytes", "Bytes received from origins", self.0.bytes_received())
    }
}

struct QueueCollector<F>(F);

impl<F> fmt::Debug for QueueCollector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueCollector")
    }
}

impl<F: Fn() -> QueueSize + Send + Sync + 'static> Collector for QueueCollector<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let QueueSize { running, waiting } = (self.0)();
        let mut gauge = |name: &str, help: &str, value: usize| {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("hlsnap_jobs_running", "Jobs that run", running)?;
        gauge("hlsnap_jobs_waiting", "Jobs that wait until another one ends", waiting)
    }
}
