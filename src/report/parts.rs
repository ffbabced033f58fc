//! The parts of reports that hold no other part.

use serde::Serialize;

use crate::error::Error;

/// A Variant's attributes in the Multivariant Playlist.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct VariantReport {
    /// Index in the playlist, from 0.
    pub index: usize,
    /// BANDWIDTH, in bits per second.
    pub bandwidth: Option<u64>,
    /// Pixels across, from RESOLUTION.
    pub width: Option<u32>,
    /// Pixels down, from RESOLUTION.
    pub height: Option<u32>,
    /// FRAME-RATE, in frames per second.
    pub frame_rate: Option<f64>,
    /// CODECS.
    pub codecs: Option<String>,
    /// NAME.
    pub name: Option<String>,
}

/// The Media Segment of the frame.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SegmentReport {
    /// Redacted.
    pub url: String,
    /// `None` for a media file.
    pub media_sequence_number: Option<u64>,
    /// `None` for a media file.
    pub discontinuity_sequence_number: Option<u64>,
    /// Index of the Partial Segment; `None` if the whole segment was available.
    pub part: Option<u64>,
    /// Whether it came from an I-frame Playlist.
    pub i_frame: bool,
}

/// Color as signalled by the stream, or inferred.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ColorReport {
    /// libavutil's name.
    pub matrix: String,
    /// libavutil's name.
    pub primaries: String,
    /// libavutil's name.
    pub transfer: String,
    /// `limited` or `full`.
    pub range: &'static str,
    /// Which of the four the stream does not signal.
    pub guessed: Vec<&'static str>,
}

/// Measurements of the picture's content.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Verdict {
    /// 0 is black, 1 is white.
    pub mean_luma: f64,
    /// Whether the picture is entirely black.
    pub black: bool,
    /// Whether the picture has a single color.
    pub flat: bool,
    /// Whether it equals the reference picture; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    /// Mean absolute Laplacian of the luma, 0 to 1: higher is sharper.
    pub sharpness: f64,
    /// 64-bit difference hash in hexadecimal; similar pictures differ in few bits.
    pub hash: String,
    /// [ThumbHash](https://evanw.github.io/thumbhash/) of the picture without black bars at its edges, in base64 with padding.
    pub thumbhash: String,
    /// The most frequent color of the picture without black bars at its edges, as `#rrggbb`.
    pub dominant_color: String,
    /// Failed content checks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<&'static str>,
}

/// Network usage of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Cost {
    /// Requests sent, including redirects and retries.
    pub requests: u64,
    /// Connections opened.
    pub connections: u64,
    /// Bytes of response bodies, after decompression.
    pub bytes_received: u64,
    /// Requests that repeated a failed one.
    pub retries: u64,
}

/// Milliseconds since the start of the job, except `encode`, `store` and `total`, which are durations.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Timing {
    /// When the last playlist was parsed.
    pub playlists: f64,
    /// When the first byte of media arrived.
    pub first_byte: f64,
    /// When the frame was decoded.
    pub frame: f64,
    /// Duration of conversion, scaling and encoding.
    pub encode: f64,
    /// Duration of the write.
    pub store: f64,
    /// Duration of the whole job.
    pub total: f64,
}

/// An error in JSON.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ErrorReport {
    /// [`ErrorKind::name`](crate::ErrorKind::name).
    pub kind: &'static str,
    /// Describes what happened, with its causes.
    pub message: String,
    /// The URL it happened at, redacted.
    pub url: Option<String>,
    /// The status of the origin's response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Error> for ErrorReport {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind().name(),
            message: error.message(),
            url: error.url().map(str::to_owned),
            status: error.origin_status(),
            hint: error.hint().map(str::to_owned),
        }
    }
}
