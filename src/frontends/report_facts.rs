//! The facts of a report that travel beside the picture: as metadata of a stored object, as HTTP headers, as metrics.

use crate::report::Report;

/// One fact, under the names that carry it.
struct Fact {
    /// Names of metadata are letters alone, which every object store accepts.
    metadata: Option<&'static str>,
    header: Option<&'static str>,
    text: fn(&Report) -> Option<String>,
}

const FACTS: [Fact; 12] = [
    metadata("url", |r| Some(r.url.clone())),
    both("pdt", "x-hlsnap-program-date-time", |r| r.frame.program_date_time.clone()),
    metadata("msn", |r| r.segment.media_sequence_number.map(|number| number.to_string())),
    both("seconds", "x-hlsnap-presentation-seconds", |r| r.frame.presentation_seconds.map(|seconds| seconds.to_string())),
    both("width", "x-hlsnap-width", |r| Some(r.width.to_string())),
    both("height", "x-hlsnap-height", |r| Some(r.height.to_string())),
    metadata("hash", |r| Some(r.verdict.hash.clone())),
    header("x-hlsnap-live", |r| Some(r.live.to_string())),
    header("x-hlsnap-age", |r| r.frame.age_seconds.map(|seconds| seconds.to_string())),
    header("x-hlsnap-requests", |r| Some(PictureCost::of(r).requests.to_string())),
    header("x-hlsnap-bytes-received", |r| Some(PictureCost::of(r).bytes_received.to_string())),
    header("x-hlsnap-total-ms", |r| Some(PictureCost::of(r).milliseconds.to_string())),
];

const fn metadata(name: &'static str, text: fn(&Report) -> Option<String>) -> Fact {
    Fact { metadata: Some(name), header: None, text }
}

const fn header(name: &'static str, text: fn(&Report) -> Option<String>) -> Fact {
    Fact { metadata: None, header: Some(name), text }
}

const fn both(metadata: &'static str, header: &'static str, text: fn(&Report) -> Option<String>) -> Fact {
    Fact { metadata: Some(metadata), header: Some(header), text }
}

/// The metadata of a stored object.
pub(super) fn object_metadata(report: &Report) -> Vec<(&'static str, String)> {
    named(report, |fact| fact.metadata).collect()
}

/// The `X-Hlsnap-…` headers of an HTTP response.
pub(super) fn http_headers(report: &Report) -> impl Iterator<Item = (&'static str, String)> {
    named(report, |fact| fact.header)
}

fn named(report: &Report, name: fn(&Fact) -> Option<&'static str>) -> impl Iterator<Item = (&'static str, String)> {
    FACTS.iter().filter_map(move |fact| Some((name(fact)?, (fact.text)(report)?)))
}

/// What one picture cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PictureCost {
    pub requests: u64,
    pub bytes_received: u64,
    pub milliseconds: f64,
}

impl PictureCost {
    pub fn of(report: &Report) -> Self {
        Self { requests: report.cost.requests, bytes_received: report.cost.bytes_received, milliseconds: report.timing_ms.total }
    }
}
