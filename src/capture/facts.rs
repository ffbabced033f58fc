//! A captured picture with the facts about it, and the finished file.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{
    context::JobContext,
    decode_job::encode,
    freshness::Freshness,
    kept_frame::{KeptFrame, PicturePixels},
};
use crate::{
    error::{Error, redacted},
    hls::{Key, Method, Variant},
    libav::SoundFacts,
    render::{self, CheckedPicture},
    report::{Encryption, FrameFacts, Presentation, Report, SegmentReport, SnapshotFacts, VariantReport},
    request::Encoding,
};

/// A picture and the report on it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Snapshot {
    /// The encoded file.
    pub picture: Vec<u8>,
    /// The picture's properties, source and cost.
    pub report: Report,
}

/// A finished file and the facts about it, before it is delivered.
#[derive(Debug, Clone)]
pub(crate) struct FinishedSnapshot {
    /// The encoded file.
    pub picture: Vec<u8>,
    /// The input of [`Report::new`](crate::Report::new).
    pub facts: SnapshotFacts,
    /// Until when the stream shows nothing newer; `None` for a recording, and if unknown.
    #[cfg_attr(not(feature = "fleet"), allow(dead_code, reason = "a server that remembers reads it"))]
    pub freshness: Option<Freshness>,
    /// The pixels, if the job keeps frames.
    #[cfg_attr(not(feature = "frontends"), allow(dead_code, reason = "programs in other languages read them"))]
    pub pixels: Option<PicturePixels>,
}

/// A captured picture with the facts about it.
#[derive(Clone)]
pub(crate) struct Capture {
    pub picture: CheckedPicture,
    /// The frame itself, if the job keeps frames.
    #[cfg_attr(not(feature = "fleet"), allow(dead_code, reason = "a server that remembers reads it"))]
    pub kept: Option<Arc<KeptFrame>>,
    /// Until when the stream shows nothing newer; `None` for a recording, and if unknown.
    pub freshness: Option<Freshness>,
    /// When its frame was decoded.
    pub decoded_at: Instant,
    /// How long rendering took.
    pub render_time: Duration,
    pub live: bool,
    pub encryption: Encryption,
    pub variant: Option<VariantReport>,
    pub segment: SegmentReport,
    pub frame: FrameFacts,
    pub presentation: Presentation,
    /// The sound in the downloaded bytes, if it was requested.
    pub sound: Option<SoundFacts>,
    pub notes: Vec<String>,
}

impl Capture {
    /// Encodes the picture, adds the metadata to the file, and completes the facts with what the job cost. Fails with `too_large` beyond
    /// `max_bytes`.
    pub(super) async fn finish(self, context: &JobContext, base: &Url) -> Result<FinishedSnapshot, Error> {
        let facts = self.facts(context, base);
        let pixels = self.kept.map(|frame| PicturePixels::new(frame, Arc::clone(&context.request)));
        let start = Instant::now();
        let (file, size) = match self.picture {
            CheckedPicture { avif: Some(avif), .. } => avif,
            CheckedPicture { image, .. } => {
                let size = image.size();
                (encode(context, image).await?, size)
            }
        };
        let encode_time = self.render_time + start.elapsed();
        let picture = with_metadata(file, &context.request.encoding, &facts);
        let timing = context.timing.finish(self.decoded_at, encode_time);
        let facts = SnapshotFacts { size, bytes: picture.len() as u64, cost: context.job.cost(), timing, ..facts };
        Ok(FinishedSnapshot { picture, facts, freshness: self.freshness, pixels })
    }

    /// The facts before the picture is encoded.
    pub(super) fn facts(&self, context: &JobContext, base: &Url) -> SnapshotFacts {
        SnapshotFacts {
            url: redacted(base),
            format: context.request.encoding.format,
            size: self.picture.image.size(),
            bytes: 0,
            live: self.live,
            encryption: self.encryption,
            variant: self.variant.clone(),
            segment: self.segment.clone(),
            frame: self.frame.clone(),
            presentation: self.presentation,
            verdict: self.picture.verdict.clone(),
            cost: context.job.cost(),
            timing: context.timing.finish(self.decoded_at, self.render_time),
            notes: self.notes.clone(),
        }
    }
}

/// Adds metadata to the file, unless the encoding omits them or they would exceed `max_bytes`.
pub(super) fn with_metadata(file: Vec<u8>, encoding: &Encoding, facts: &SnapshotFacts) -> Vec<u8> {
    if encoding.strip {
        return file;
    }
    let source = encoding.describe.then(|| facts.url.clone());
    let metadata = render::ImageMetadata { time: facts.presentation.date_text(), source };
    match encoding.max_bytes {
        None => render::embed_exif(file, encoding.format, &metadata),
        Some(max_bytes) => {
            let tagged = render::embed_exif(file.clone(), encoding.format, &metadata);
            if tagged.len() as u64 <= max_bytes { tagged } else { file }
        }
    }
}

pub(super) fn variant_report(variant: &Variant) -> VariantReport {
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

/// The encryption that EXT-X-KEY declares for whole segments. That of samples is only known from the media.
pub(super) fn segment_encryption(key: &Key) -> Option<Encryption> {
    match key.method {
        Method::Aes128 => Some(Encryption::Aes128),
        Method::Aes256 | Method::Aes256Ctr | Method::Aes256Gcm => Some(Encryption::Aes256),
        Method::SampleAes | Method::SampleAesCtr | Method::Other(_) => None,
    }
}

/// The presentation of a frame `seconds` from the playlist's start, in a segment that begins at `segment_start` and at `segment_date`.
pub(super) fn presentation(seconds: f64, segment_start: f64, segment_date: Option<DateTime<Utc>>) -> Presentation {
    #[expect(clippy::cast_possible_truncation, reason = "a float outside of the range is saturated")]
    let offset = TimeDelta::microseconds(((seconds - segment_start) * 1e6).round() as i64);
    let program_date_time = segment_date.and_then(|date| date.checked_add_signed(offset));
    Presentation { seconds, program_date_time, captured_at: Utc::now() }
}
