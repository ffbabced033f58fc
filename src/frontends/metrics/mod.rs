//! Metrics in Prometheus's text format: of `hlsnap serve`, of `hlsnap watch`, and of the process.
//!
//! A command makes one [`Metrics`], adds the families that it counts, and serves [`Metrics::text`] at `/metrics`.

mod labels;
mod process;
mod serve;
mod watch;

use prometheus_client::{
    encoding::prometheus_text,
    metrics::{family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::error::Error;
use process::ProcessMetrics;
pub(super) use serve::{QueueSize, ServeMetrics};
pub(super) use watch::{ChannelFacts, DeliveryCounts, WatchMetrics};

/// The media type of [`Metrics::text`].
pub(super) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// The metrics of one process.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Has the version and the `process_` families. Made before the sandbox is entered, which closes `/proc`.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let info = Family::<Vec<(&str, &str)>, Gauge>::default();
        info.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("hlsnap_build_info", "The version of hlsnap, always 1", info);
        registry.register_collector(Box::new(ProcessMetrics::open()));
        Self { registry }
    }

    /// All families as text.
    pub fn text(&self) -> Result<String, Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).map_err(|e| Error::internal("the metrics cannot be written").with_source(e))?;
        Ok(text)
    }
}

/// Buckets in seconds: from a cached picture to the timeout of many pictures.
fn seconds() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0])
}

/// Buckets in bytes: from a thumbnail to a large PNG.
fn bytes() -> Histogram {
    Histogram::new([4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6])
}
