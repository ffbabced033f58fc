//! What is told about a picture: the report's parts.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use url::Url;

use super::Snapshot;
use crate::{
    error::redacted,
    hls::{Key, Method, Variant},
    render,
    report::{Cost, FrameReport, Report, SegmentReport, Timing, VariantReport},
    request::SnapshotRequest,
};

/// A picture was taken.
pub(super) struct Capture {
    pub made: render::EncodedImage,
    pub live: bool,
    pub encrypted: &'static str,
    pub variant: Option<VariantReport>,
    pub segment: SegmentReport,
    pub frame: FrameReport,
    pub notes: Vec<String>,
}

/// Where the time goes.
pub(super) struct JobClock {
    began: Instant,
    pub timing: Timing,
}

impl JobClock {
    pub fn start() -> Self {
        Self { began: Instant::now(), timing: Timing::default() }
    }

    pub fn playlists_read(&mut self) {
        self.timing.playlists = self.at(Instant::now());
    }

    /// Milliseconds from the job's beginning, to a thousandth.
    pub fn at(&self, moment: Instant) -> f64 {
        milliseconds(moment.saturating_duration_since(self.began))
    }
}

/// Milliseconds, to a thousandth.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

pub(super) fn variant(variant: &Variant) -> VariantReport {
    VariantReport {
        index: variant.index,
        bandwidth: variant.bandwidth,
        width: variant.resolution.map(|size| size.0),
        height: variant.resolution.map(|size| size.1),
        frame_rate: variant.frame_rate,
        codecs: variant.codecs.clone(),
        name: variant.name.clone(),
    }
}

/// What the playlist says of a segment's encryption, in the report's words. What is encrypted in samples, only the media tells.
pub(super) fn encrypted(key: &Key) -> Option<&'static str> {
    match key.method {
        Method::Aes128 => Some("aes-128"),
        Method::Aes256 | Method::Aes256Ctr | Method::Aes256Gcm => Some("aes-256"),
        Method::SampleAes | Method::SampleAesCtr | Method::Other(_) => None,
    }
}

/// Program Date Time as RFC 3339, and how old it is.
pub(super) fn program_date_time(segment: Option<DateTime<Utc>>, seconds_in: f64) -> (Option<String>, Option<f64>) {
    #[expect(clippy::cast_possible_truncation, reason = "a float outside of the range is saturated")]
    let moment = segment.and_then(|start| start.checked_add_signed(TimeDelta::microseconds((seconds_in * 1e6).round() as i64)));
    let age = moment.map(|moment| (Utc::now() - moment).num_milliseconds() as f64 / 1000.0);
    (moment.map(|moment| moment.to_rfc3339_opts(SecondsFormat::Millis, true)), age)
}

impl Capture {
    pub(super) fn into_snapshot(self, request: &SnapshotRequest, base: &Url, cost: Cost, clock: &JobClock) -> Snapshot {
        let (width, height) = self.made.size;
        let url = redacted(base);
        let file = if request.encoding.strip {
            self.made.file
        } else {
            let told = render::ImageMetadata {
                time: self.frame.program_date_time.clone(),
                source: request.encoding.describe.then(|| url.clone()),
            };
            let fits = |tagged: &Vec<u8>| request.encoding.max_bytes.is_none_or(|most| tagged.len() as u64 <= most);
            let plain = self.made.file;
            Some(render::embed_exif(plain.clone(), request.encoding.format, &told)).filter(fits).unwrap_or(plain)
        };
        let report = Report {
            url,
            output: None,
            format: request.encoding.format.name(),
            width,
            height,
            bytes: file.len() as u64,
            live: self.live,
            encrypted: self.encrypted,
            variant: self.variant,
            segment: self.segment,
            frame: self.frame,
            verdict: self.made.verdict,
            cost,
            timing_ms: Timing { total: clock.at(Instant::now()), ..clock.timing },
            notes: self.notes,
        };
        Snapshot { picture: file, report }
    }
}
