//! The JSON report on a snapshot, identical in every frontend.
//!
//! A job collects typed facts; only the report rounds numbers and formats text.

mod parts;
mod pictures;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use crate::{
    request::Format,
    time::{milliseconds, rfc3339, round_to_microsecond, seconds_between},
};

pub use parts::{ColorReport, Cost, ErrorReport, SegmentReport, Timing, VariantReport, Verdict};
pub use pictures::{PictureReport, PicturesReport, PicturesTiming, SeriesPictureReport};

/// The report on one snapshot.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// The requested URL, redacted.
    pub url: String,
    /// The picture's destination; `None` before it is stored.
    pub output: Option<String>,
    /// `jpeg`, `png`, `webp` or `avif`.
    #[serde(serialize_with = "format_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub format: Format,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Size of the encoded picture in bytes.
    pub bytes: u64,
    /// Whether the playlist may still grow.
    pub live: bool,
    /// Encryption of the frame's segment: `none`, `aes-128`, `aes-256`, `sample-aes`, `cenc` or `cbcs`.
    pub encrypted: &'static str,
    /// The selected Variant; `None` without a Multivariant Playlist.
    pub variant: Option<VariantReport>,
    /// The Media Segment that holds the frame.
    pub segment: SegmentReport,
    /// The decoded frame.
    pub frame: FrameReport,
    /// Measurements of the picture's content.
    pub verdict: Verdict,
    /// Network usage.
    pub cost: Cost,
    /// Elapsed times, in milliseconds.
    pub timing_ms: Timing,
    /// Remarks, such as a clamped position or a skipped Variant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Report {
    /// Formats the facts about a snapshot; `delivery` says where it was stored, if it was.
    pub(crate) fn new(facts: SnapshotFacts, delivery: Option<DeliveryFacts>) -> Self {
        let SnapshotFacts { segment, frame, presentation, timing, .. } = facts;
        let (output, store, total) = match delivery {
            Some(DeliveryFacts { output, store, total }) => (Some(output), store, total),
            None => (None, Duration::ZERO, timing.total),
        };
        Self {
            url: facts.url,
            output,
            format: facts.format,
            width: facts.size.0,
            height: facts.size.1,
            bytes: facts.bytes,
            live: facts.live,
            encrypted: facts.encryption.name(),
            variant: facts.variant,
            segment,
            frame: FrameReport::new(frame, &presentation),
            verdict: facts.verdict,
            cost: facts.cost,
            timing_ms: Timing {
                playlists: milliseconds(timing.playlists),
                first_byte: milliseconds(timing.first_byte),
                frame: milliseconds(timing.frame),
                encode: milliseconds(timing.encode),
                store: milliseconds(store),
                total: milliseconds(total),
            },
            notes: facts.notes,
        }
    }
}

/// Serializes a format as its name.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn format_name<S: Serializer>(format: &Format, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(format.name())
}

/// Everything known about a snapshot before it is stored.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotFacts {
    /// The requested URL, redacted.
    pub url: String,
    /// The picture's file format.
    pub format: Format,
    /// Pixels across and down.
    pub size: (u32, u32),
    /// Size of the encoded picture in bytes.
    pub bytes: u64,
    /// Whether the playlist may still grow.
    pub live: bool,
    /// Encryption of the frame's segment.
    pub encryption: Encryption,
    /// The selected Variant; `None` without a Multivariant Playlist.
    pub variant: Option<VariantReport>,
    /// The Media Segment that holds the frame.
    pub segment: SegmentReport,
    /// The decoded frame.
    pub frame: FrameFacts,
    /// When the frame is presented.
    pub presentation: Presentation,
    /// Measurements of the picture's content.
    pub verdict: Verdict,
    /// Network usage.
    pub cost: Cost,
    /// Elapsed times.
    pub timing: TimingFacts,
    /// Remarks, such as a clamped position or a skipped Variant.
    pub notes: Vec<String>,
}

/// The delivery of a picture.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryFacts {
    /// Name of the output.
    pub output: String,
    /// Duration of the write.
    pub store: Duration,
    /// Duration of the whole job, the write included.
    pub total: Duration,
}

/// Encryption of a Media Segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Clear.
    None,
    /// AES-128 in CBC mode over the whole segment.
    Aes128,
    /// AES-256, in any mode, over the whole segment.
    Aes256,
    /// SAMPLE-AES in a transport stream.
    SampleAes,
    /// Common Encryption in counter mode.
    Cenc,
    /// Common Encryption in CBC mode.
    Cbcs,
}

impl Encryption {
    /// The name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aes128 => "aes-128",
            Self::Aes256 => "aes-256",
            Self::SampleAes => "sample-aes",
            Self::Cenc => "cenc",
            Self::Cbcs => "cbcs",
        }
    }
}

/// The frame as the decoder gave it.
#[derive(Debug, Clone)]
pub(crate) struct FrameFacts {
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Pixels across and down as coded, before cropping.
    pub coded_size: (u32, u32),
    /// Width to height of one sample.
    pub sample_aspect_ratio: (u32, u32),
    /// Clockwise rotation to upright, in degrees.
    pub rotation: u16,
    /// Whether the frame holds two fields.
    pub is_interlaced: bool,
    /// Whether it is a key frame.
    pub is_key: bool,
    /// The frame's pts in seconds; `None` if the container has none.
    pub pts_seconds: Option<f64>,
    /// Interpretation of the sample values.
    pub color: ColorReport,
}

/// When a frame is presented.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presentation {
    /// Seconds from the start of the playlist's first segment, or of the file.
    pub seconds: f64,
    /// From `EXT-X-PROGRAM-DATE-TIME`.
    pub program_date_time: Option<DateTime<Utc>>,
    /// When the frame was captured.
    pub captured_at: DateTime<Utc>,
}

impl Presentation {
    /// [`Presentation::seconds`] rounded to a microsecond.
    pub fn rounded_seconds(&self) -> f64 {
        round_to_microsecond(self.seconds)
    }

    /// The Program Date Time of another moment, in seconds on the same timeline.
    pub fn date_at(&self, seconds: f64) -> Option<DateTime<Utc>> {
        let offset = Duration::try_from_secs_f64((seconds - self.seconds).abs()).ok()?;
        let date = self.program_date_time?;
        if seconds < self.seconds {
            date.checked_sub_signed(TimeDelta::from_std(offset).ok()?)
        } else {
            date.checked_add_signed(TimeDelta::from_std(offset).ok()?)
        }
    }

    /// The age of the frame when it was captured, in seconds.
    pub fn age_seconds(&self) -> Option<f64> {
        self.program_date_time.map(|date| seconds_between(date, self.captured_at))
    }

    /// The Program Date Time in RFC 3339, UTC, with milliseconds.
    pub fn date_text(&self) -> Option<String> {
        self.program_date_time.map(rfc3339)
    }
}

/// Elapsed times since the start of the job, except `encode`, which is a duration.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimingFacts {
    /// When the last playlist was parsed.
    pub playlists: Duration,
    /// When the first byte of media arrived.
    pub first_byte: Duration,
    /// When the frame was decoded.
    pub frame: Duration,
    /// Duration of conversion, scaling and encoding.
    pub encode: Duration,
    /// When the picture was ready.
    pub total: Duration,
}

/// The decoded frame.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct FrameReport {
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Pixels across as coded, before cropping.
    pub coded_width: u32,
    /// Pixels down.
    pub coded_height: u32,
    /// `1:1` if the stream signals none.
    pub sample_aspect_ratio: String,
    /// Clockwise rotation to upright, in degrees.
    pub rotation: u16,
    /// Whether the frame holds two fields.
    pub interlaced: bool,
    /// Whether it is a key frame.
    pub key_frame: bool,
    /// The frame's pts in seconds.
    pub pts_seconds: Option<f64>,
    /// Seconds from the start of the playlist's first segment.
    pub presentation_seconds: Option<f64>,
    /// RFC 3339, from `EXT-X-PROGRAM-DATE-TIME`.
    pub program_date_time: Option<String>,
    /// Time of capture minus Program Date Time, in seconds.
    pub age_seconds: Option<f64>,
    /// Interpretation of the sample values.
    pub color: ColorReport,
}

impl FrameReport {
    pub(crate) fn new(frame: FrameFacts, presentation: &Presentation) -> Self {
        let (across, down) = frame.sample_aspect_ratio;
        Self {
            codec: frame.codec,
            coded_width: frame.coded_size.0,
            coded_height: frame.coded_size.1,
            sample_aspect_ratio: format!("{across}:{down}"),
            rotation: frame.rotation,
            interlaced: frame.is_interlaced,
            key_frame: frame.is_key,
            pts_seconds: frame.pts_seconds.map(round_to_microsecond),
            presentation_seconds: Some(presentation.rounded_seconds()),
            program_date_time: presentation.date_text(),
            age_seconds: presentation.age_seconds(),
            color: frame.color,
        }
    }
}
