//! What is told about a picture: the JSON report of the contract, on every face.

use serde::Serialize;

/// The report of one picture.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The URL that was asked for, redacted.
    pub url: String,
    /// Where the picture was written; `None` until a store has taken it.
    pub output: Option<String>,
    /// `jpeg`, `png` or `webp`.
    pub format: &'static str,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The encoded picture's size.
    pub bytes: u64,
    /// Whether the playlist may still grow.
    pub live: bool,
    /// How the segment of the frame was encrypted: `none`, `aes-128`, `aes-256`, `sample-aes`, `cenc` or `cbcs`.
    pub encrypted: &'static str,
    /// The Variant that was taken, where there was a choice.
    pub variant: Option<VariantReport>,
    /// The Media Segment that held the frame.
    pub segment: SegmentReport,
    /// The decoded frame.
    pub frame: FrameReport,
    /// What the picture shows.
    pub verdict: Verdict,
    /// What the origin saw.
    pub cost: Cost,
    /// Where the time went, in milliseconds.
    pub timing_ms: Timing,
    /// What is worth knowing: a moment that was clamped, a Variant that was passed over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A Variant as the Multivariant Playlist has it.
#[derive(Debug, Clone, Serialize)]
pub struct VariantReport {
    /// Its place in the playlist, from 0.
    pub index: usize,
    /// Peak bits a second.
    pub bandwidth: Option<u64>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
    /// As in the playlist.
    pub codecs: Option<String>,
    /// As in the playlist.
    pub name: Option<String>,
}

/// The Media Segment of the frame.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentReport {
    /// Redacted.
    pub url: String,
    /// `None` for a file that is no playlist's.
    pub media_sequence_number: Option<u64>,
    /// `None` for a file that is no playlist's.
    pub discontinuity_sequence_number: Option<u64>,
    /// The Partial Segment's index, where one was taken.
    pub part: Option<u64>,
    /// Whether it came from an I-frame Playlist.
    pub i_frame: bool,
}

/// The decoded frame, as coded.
#[derive(Debug, Clone, Serialize)]
pub struct FrameReport {
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Pixels across, before cropping and shape.
    pub coded_width: u32,
    /// Pixels down.
    pub coded_height: u32,
    /// `1:1` where the stream names none.
    pub sample_aspect_ratio: String,
    /// Degrees clockwise that the frame was turned to stand upright.
    pub rotation: u16,
    /// Whether the frame is made of two fields.
    pub interlaced: bool,
    /// Whether it is a key frame.
    pub key_frame: bool,
    /// On the stream's own clock.
    pub pts_seconds: Option<f64>,
    /// From the start of the playlist's first segment.
    pub presentation_seconds: Option<f64>,
    /// RFC 3339, from `EXT-X-PROGRAM-DATE-TIME`.
    pub program_date_time: Option<String>,
    /// Now minus Program Date Time.
    pub age_seconds: Option<f64>,
    /// What its numbers mean.
    pub color: ColorReport,
}

/// Colour as the stream signals it, or as it was guessed.
#[derive(Debug, Clone, Serialize)]
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

/// What the picture shows.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// 0 is black, 1 is white.
    pub mean_luma: f64,
    /// Whether it is black all over.
    pub black: bool,
    /// Whether it is of one colour all over.
    pub flat: bool,
    /// Whether it is the same as the one that it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    /// The luma's mean absolute Laplacian, 0 to 1: higher is sharper.
    pub sharpness: f64,
    /// A difference hash of 64 bits, in hexadecimal: near pictures differ in few bits.
    pub hash: String,
    /// Which of the findings that were to be failures it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<&'static str>,
}

/// What the origin saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Requests sent, redirects and retries with them.
    pub requests: u64,
    /// Connections opened.
    pub connections: u64,
    /// Bytes of bodies, before decompression where that can be told.
    pub bytes_received: u64,
    /// Requests that were a second try.
    pub retries: u64,
}

/// Where the time went, in milliseconds since the job began, but for `encode`, `store` and `total`, which are durations.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Timing {
    /// The playlists were read.
    pub playlists: f64,
    /// The first byte of media was there.
    pub first_byte: f64,
    /// The frame was decoded.
    pub frame: f64,
    /// Converting, scaling and encoding took so long.
    pub encode: f64,
    /// Writing took so long.
    pub store: f64,
    /// The whole job took so long.
    pub total: f64,
}
