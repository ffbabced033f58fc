//! A captured picture with the facts about it, and the finished file.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{context::JobContext, decode_job::encode};
use crate::{
    error::{Error, redacted},
    hls::{Key, Method, Variant},
    libav::SoundFacts,
    render::{self, CheckedPicture},
    report::{Encryption, FrameFacts, Presentation, Report, SegmentReport, SnapshotFacts, VariantReport},
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
}

/// A captured picture with the facts about it.
#[derive(Clone)]
pub(crate) struct Capture {
    pub picture: CheckedPicture,
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
    /// What the downloaded bytes say about sound, if somebody asked.
    pub sound: Option<SoundFacts>,
    pub notes: Vec<String>,
}

impl Capture {
    /// Encodes the picture, adds the metadata to the file, and completes the facts with what the job cost. Fails with `too_large` beyond
    /// `max_bytes`.
    pub(super) async fn finish(self, context: &JobContext, base: &Url) -> Result<FinishedSnapshot, Error> {
        let encoding = &context.request.encoding;
        let url = redacted(base);
        let CheckedPicture { image, avif, verdict } = self.picture;
        let start = Instant::now();
        let (mut picture, size) = if let Some(avif) = avif {
            avif
        } else {
            let size = image.size();
            (encode(context, image).await?, size)
        };
        let encode_time = self.render_time + start.elapsed();
        if !encoding.strip {
            let metadata = render::ImageMetadata { time: self.presentation.date_text(), source: encoding.describe.then(|| url.clone()) };
            let tagged = render::embed_exif(picture.clone(), encoding.format, &metadata);
            if encoding.max_bytes.is_none_or(|max| tagged.len() as u64 <= max) {
                picture = tagged;
            }
        }
        let facts = SnapshotFacts {
            url,
            format: encoding.format,
            size,
            bytes: picture.len() as u64,
            live: self.live,
            encryption: self.encryption,
            variant: self.variant,
            segment: self.segment,
            frame: self.frame,
            presentation: self.presentation,
            verdict,
            cost: context.job.cost(),
            timing: context.timing.finish(self.decoded_at, encode_time),
            notes: self.notes,
        };
        Ok(FinishedSnapshot { picture, facts })
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
