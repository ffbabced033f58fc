//! The JSON report on many pictures of one stream.

use serde::Serialize;

use super::parts::{Cost, ErrorReport, VariantReport, Verdict};

/// The report on many pictures of one stream, and on the files that they became.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PicturesReport {
    /// `sheet`, `storyboard`, `series` or `animation`.
    pub kind: &'static str,
    /// The requested URL, redacted.
    pub url: String,
    /// The destination of the files; `None` before they are stored.
    pub output: Option<String>,
    /// The file format of the pictures.
    pub format: &'static str,
    /// Pixels across of a sheet, a sprite, a picture or a frame; 0 before there is one.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bytes of all picture files.
    pub bytes: u64,
    /// Whether the playlist may still grow.
    pub live: bool,
    /// Seconds from the start of the playlist's first segment to the end of the last one.
    pub duration: f64,
    /// The selected Variant; `None` without a Multivariant Playlist.
    pub variant: Option<VariantReport>,
    /// Columns of the grid; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<u32>,
    /// Rows of the grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Pixels across of a tile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tile_width: Option<u32>,
    /// Pixels down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tile_height: Option<u32>,
    /// The pictures, in order of their moments.
    pub pictures: Vec<PictureReport>,
    /// Network usage.
    pub cost: Cost,
    /// Elapsed times, in milliseconds.
    pub timing_ms: PicturesTiming,
    /// Remarks, such as a picture that could not be had.
    pub notes: Vec<String>,
}

/// One of many pictures.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PictureReport {
    /// The moment, in seconds from the start of the playlist's first segment.
    pub seconds: f64,
    /// When its frame is presented, on the same timeline; `None` without a picture.
    pub presentation_seconds: Option<f64>,
    /// RFC 3339, from `EXT-X-PROGRAM-DATE-TIME`.
    pub program_date_time: Option<String>,
    /// Left edge of the tile in its sheet, in pixels; `None` if it is in none.
    pub x: Option<u32>,
    /// Top edge of the tile.
    pub y: Option<u32>,
    /// The file that holds the picture.
    pub sprite: Option<String>,
    /// Why the picture is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// One picture of a series, reported as soon as it is written or cannot be had.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SeriesPictureReport {
    /// The number of the moment, from 0.
    pub index: u64,
    /// The moment, in seconds from the start of the playlist's first segment; of a live stream, of the first playlist.
    pub seconds: f64,
    /// RFC 3339, from `EXT-X-PROGRAM-DATE-TIME`.
    pub program_date_time: Option<String>,
    /// The name of the file; `None` without a picture.
    pub output: Option<String>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Measurements of the picture's content; `None` without a picture.
    pub verdict: Option<Verdict>,
    /// Why the picture is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// Milliseconds since the start of the job, except `total`, which is a duration.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PicturesTiming {
    /// When the last playlist was parsed.
    pub playlists: f64,
    /// When the last picture was captured.
    pub pictures: f64,
    /// Duration of the whole job.
    pub total: f64,
}
