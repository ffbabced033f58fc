//! Requests for many pictures of one stream: which moments, and what becomes of their pictures.

use std::time::Duration;

use super::{
    background::BackgroundColor,
    picture::Size,
    position::{Position, Precision},
    snapshot_request::SnapshotRequest,
};
use crate::error::Error;

/// The moments of many pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    /// The first moment; `None` is the start of a recording, or of the live window.
    pub from: Option<Position>,
    /// The end; `None` is the end of a recording, or the live edge.
    pub to: Option<Position>,
    /// The length of the range, instead of its end.
    pub length: Option<Duration>,
    /// How the moments are spread over the range; `None` is the default of the kind of picture.
    pub pace: Option<Pace>,
}

/// How moments are spread over a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// One moment in each interval.
    Every(Duration),
    /// This number of moments, spread evenly.
    Count(usize),
}

/// The largest number of pictures of one request.
pub const MAX_PICTURES: u32 = 20_000;

/// Many pictures of one stream.
#[derive(Debug, Clone)]
pub struct PicturesRequest {
    /// How each picture is taken. Its moment is ignored.
    pub snapshot: SnapshotRequest,
    /// The moments.
    pub moments: Moments,
    /// The largest number of pictures; at most [`MAX_PICTURES`].
    pub max_pictures: usize,
    /// How many requests are sent to one origin at a time.
    pub parallel: usize,
    /// Whether the first picture that cannot be had fails the whole.
    pub strict: bool,
    /// Whether to follow a live stream beyond its present edge.
    pub follow: bool,
}

impl PicturesRequest {
    /// The requests at a time unless the caller says otherwise.
    pub const DEFAULT_PARALLEL: usize = 6;

    /// The pictures of `snapshot` at `moments`. They are key frames unless `snapshot` says otherwise.
    pub fn new(snapshot: SnapshotRequest, moments: Moments) -> Self {
        let precision = snapshot.precision.or(Some(Precision::KeyFrame));
        let snapshot = SnapshotRequest { precision, at: None, ..snapshot };
        Self { snapshot, moments, max_pictures: MAX_PICTURES as usize, parallel: Self::DEFAULT_PARALLEL, strict: false, follow: false }
    }
}

/// The grid of a sheet or of a storyboard's sprites.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GridChoice {
    /// `None` is the default of the kind of picture; for a sheet with an interval or a count, as many as it takes.
    pub columns: Option<u32>,
    /// As `columns`.
    pub rows: Option<u32>,
    /// The width of a tile in pixels; `None` is the default of the kind of picture. The height follows.
    pub tile_width: Option<u32>,
}

impl GridChoice {
    /// Columns and rows for `count` tiles; `usual_columns` unless columns or rows are given. Fails with `usage` if the given grid has fewer
    /// tiles.
    pub fn for_tiles(&self, count: usize, usual_columns: u32) -> Result<(u32, u32), Error> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let columns = match (self.columns, self.rows) {
            (Some(columns), _) => columns.max(1),
            (None, Some(rows)) => count.div_ceil(rows.max(1)),
            (None, None) => usual_columns.clamp(1, count),
        };
        let rows = self.rows.unwrap_or_else(|| count.div_ceil(columns));
        if u64::from(columns) * u64::from(rows) < u64::from(count) {
            let message = format!("{count} tiles do not fit into {columns} columns and {rows} rows");
            return Err(Error::usage(message, "leave out --rows, or give fewer tiles"));
        }
        Ok((columns, rows))
    }

    /// The size of a tile: `size`, whose width `tile_width` overrides. Without any, its width is `default`.
    pub fn tile_size(&self, size: Size, default: u32) -> Size {
        let default = Some(default).filter(|_| size.height.is_none());
        Size { width: self.tile_width.or(size.width).or(default), ..size }
    }
}

/// A contact sheet: one picture of many.
#[derive(Debug, Clone)]
pub struct SheetRequest {
    /// The tiles.
    pub pictures: PicturesRequest,
    /// How they are arranged.
    pub grid: GridChoice,
    /// Pixels between the tiles and around them.
    pub gap: u32,
    /// The color between and around the tiles.
    pub background: BackgroundColor,
    /// Whether each tile shows its time.
    pub labels: bool,
    /// Whether a head line describes the stream.
    pub header: bool,
}

/// A storyboard: sprites, and the documents that players read beside them.
#[derive(Debug, Clone)]
pub struct StoryboardRequest {
    /// The tiles.
    pub pictures: PicturesRequest,
    /// How they are arranged in each sprite.
    pub grid: GridChoice,
    /// What the URLs in the documents begin with; `None` leaves them relative.
    pub base: Option<String>,
    /// The query of the URLs in the documents, without `?`.
    pub query: Option<String>,
}

/// Pictures at a regular interval.
#[derive(Debug, Clone)]
pub struct SeriesRequest {
    /// The pictures.
    pub pictures: PicturesRequest,
    /// Between the pictures of a live stream.
    pub live_interval: Duration,
    /// The most moments of the series.
    pub max_pictures: Option<usize>,
    /// Whether to leave out a picture that looks like the one before.
    pub only_changed: bool,
}

/// A moving preview.
#[derive(Debug, Clone)]
pub struct AnimationRequest {
    /// The frames; their pace follows from `frames_per_second`.
    pub pictures: PicturesRequest,
    /// Frames shown in a second.
    pub frames_per_second: f64,
    /// How many scenes of different places to show, instead of one range.
    pub highlights: Option<usize>,
    /// Whether the file is a GIF instead of a WebP.
    pub is_gif: bool,
}

/// Reads a pace of frames: 1 to 50 a second.
pub fn parse_frame_rate(text: &str) -> Result<f64, Error> {
    let rate = text.parse::<f64>().ok().filter(|rate| (1.0..=50.0).contains(rate));
    rate.ok_or_else(|| Error::usage(format!("--fps {text:?} is not a frame rate"), "give 1 to 50 frames a second"))
}
