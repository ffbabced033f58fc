//! The facts of a report that travel beside the picture: as metadata of a stored object, as HTTP headers, as metrics.

use crate::{
    report::{Cost, PicturesReport, SnapshotFacts},
    time::milliseconds,
};

/// One fact, under the names that carry it.
struct Fact {
    /// Names of metadata are letters alone, which every object store accepts.
    metadata: Option<&'static str>,
    header: Option<&'static str>,
    text: fn(&SnapshotFacts) -> Option<String>,
}

const FACTS: [Fact; 12] = [
    metadata("url", |f| Some(f.url.clone())),
    both("pdt", "x-hlsnap-program-date-time", |f| f.presentation.date_text()),
    metadata("msn", |f| f.segment.media_sequence_number.map(|number| number.to_string())),
    both("seconds", "x-hlsnap-presentation-seconds", |f| Some(f.presentation.rounded_seconds().to_string())),
    both("width", "x-hlsnap-width", |f| Some(f.size.0.to_string())),
    both("height", "x-hlsnap-height", |f| Some(f.size.1.to_string())),
    metadata("hash", |f| Some(f.verdict.hash.clone())),
    header("x-hlsnap-live", |f| Some(f.live.to_string())),
    header("x-hlsnap-age", |f| f.presentation.age_seconds().map(|seconds| seconds.to_string())),
    header("x-hlsnap-requests", |f| Some(f.cost.requests.to_string())),
    header("x-hlsnap-bytes-received", |f| Some(f.cost.bytes_received.to_string())),
    header("x-hlsnap-total-ms", |f| Some(milliseconds(f.timing.total).to_string())),
];

const fn metadata(name: &'static str, text: fn(&SnapshotFacts) -> Option<String>) -> Fact {
    Fact { metadata: Some(name), header: None, text }
}

const fn header(name: &'static str, text: fn(&SnapshotFacts) -> Option<String>) -> Fact {
    Fact { metadata: None, header: Some(name), text }
}

const fn both(metadata: &'static str, header: &'static str, text: fn(&SnapshotFacts) -> Option<String>) -> Fact {
    Fact { metadata: Some(metadata), header: Some(header), text }
}

/// The metadata of a stored object.
pub(super) fn object_metadata(facts: &SnapshotFacts) -> Vec<(&'static str, String)> {
    named(facts, |fact| fact.metadata).collect()
}

/// The `X-Hlsnap-…` headers of an HTTP response.
pub(super) fn http_headers(facts: &SnapshotFacts) -> impl Iterator<Item = (&'static str, String)> {
    named(facts, |fact| fact.header)
}

/// The `X-Hlsnap-…` headers of many pictures, of which `missing` could not be had.
pub(super) fn http_headers_of_many(report: &PicturesReport, missing: usize) -> Vec<(&'static str, String)> {
    vec![
        ("x-hlsnap-width", report.width.to_string()),
        ("x-hlsnap-height", report.height.to_string()),
        ("x-hlsnap-pictures", report.pictures.len().to_string()),
        ("x-hlsnap-missing", missing.to_string()),
        ("x-hlsnap-live", report.live.to_string()),
        ("x-hlsnap-requests", report.cost.requests.to_string()),
        ("x-hlsnap-bytes-received", report.cost.bytes_received.to_string()),
        ("x-hlsnap-total-ms", report.timing_ms.total.to_string()),
    ]
}

/// The names of all `X-Hlsnap-…` headers.
pub(super) fn http_header_names() -> impl Iterator<Item = &'static str> {
    let of_many = ["x-hlsnap-pictures", "x-hlsnap-missing"];
    FACTS.iter().filter_map(|fact| fact.header).chain(of_many)
}

fn named(facts: &SnapshotFacts, name: fn(&Fact) -> Option<&'static str>) -> impl Iterator<Item = (&'static str, String)> {
    FACTS.iter().filter_map(move |fact| Some((name(fact)?, (fact.text)(facts)?)))
}

/// The cost of one picture.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PictureCost {
    pub requests: u64,
    pub bytes_received: u64,
    pub milliseconds: f64,
}

impl PictureCost {
    /// `milliseconds` is the duration of the whole job.
    pub fn new(cost: Cost, milliseconds: f64) -> Self {
        Self { requests: cost.requests, bytes_received: cost.bytes_received, milliseconds }
    }
}
