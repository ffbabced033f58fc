//! What the documents say: sheets, their tiles, and the time that each tile stands for.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::request::Format;

/// File name of the Media Initialization Section of all I-frames.
pub const I_FRAME_INIT: &str = "storyboard-init.mp4";

/// A series of sheets, each a grid of small pictures (tiles), row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Storyboard {
    /// Width and height of a tile in pixels.
    pub tile: (u32, u32),
    /// Tiles in a row of a sheet.
    pub columns: u32,
    /// Tiles in a column of a sheet.
    pub rows: u32,
    /// The sheets' file format.
    pub format: Format,
    /// Seconds from one tile to the next: tile `i` of a sheet starts `i * interval` seconds after the sheet.
    pub interval: f64,
    /// End of the last tile, and of the video, in seconds.
    pub end: f64,
    /// Whether sheets are still added, and old ones removed.
    pub is_live: bool,
    /// Discontinuity Sequence Number of the first sheet.
    pub discontinuity_sequence: u64,
    /// How many tiles earlier sheets had. They are no longer in the window of a live storyboard.
    pub tiles_before: u64,
    /// When the discontinuity domain of the first sheet began. `None`: with that sheet.
    pub domain_start: Option<DateTime<Utc>>,
    /// In the order of time. Those of a live storyboard are final, because a sheet that players know must not change; in a discontinuity
    /// domain they follow each other without a gap: tiles that could not be had are missing ones.
    pub sheets: Vec<Sheet>,
}

/// One image with tiles of one discontinuity domain. The image has room for `columns * rows` tiles, even if it has fewer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Number in the file name. The next sheet's is one higher; that of a live storyboard is also the Media Sequence Number.
    pub number: u64,
    /// Size of the image in bytes.
    pub bytes: u64,
    /// At least one, and at most `columns * rows`.
    pub tiles: Vec<Tile>,
    /// Program Date Time of the first tile.
    pub program_date_time: Option<DateTime<Utc>>,
    /// Whether a discontinuity precedes the sheet. Ignored for the first sheet, because nothing precedes it.
    pub follows_discontinuity: bool,
}

/// One picture of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// The first moment that it stands for, in seconds from the start of the playlist's first segment.
    pub start: f64,
    /// The moment of the next tile, or the end of the video.
    pub end: f64,
    /// Whether no picture could be had, so that its place is empty.
    pub is_missing: bool,
    /// The bytes of its fragment in the sheet's file of I-frames; `None` if there is no such file, or no picture.
    pub i_frame: Option<Range<u64>>,
}

/// File name of the sheet with a number: `storyboard-000.jpg`.
pub fn sheet_name(number: u64, format: Format) -> String {
    format!("storyboard-{number:03}.{}", format.extension())
}

impl Storyboard {
    /// Width and height of each sheet in pixels.
    pub(super) fn sheet_size(&self) -> (u64, u64) {
        (u64::from(self.tile.0) * u64::from(self.columns), u64::from(self.tile.1) * u64::from(self.rows))
    }

    /// Seconds that a full sheet stands for.
    pub(super) fn sheet_duration(&self) -> f64 {
        f64::from(self.columns) * f64::from(self.rows) * self.interval
    }

    /// File name of a sheet: `storyboard-000.jpg`.
    pub fn sheet_name(&self, sheet: &Sheet) -> String {
        sheet_name(sheet.number, self.format)
    }

    /// The tiles that have a picture, each with its sheet and its position in it, in pixels.
    pub(super) fn pictures(&self) -> impl Iterator<Item = (&Sheet, &Tile, (u64, u64))> {
        self.sheets.iter().flat_map(move |sheet| {
            let positions = (0_u64..).map(|index| self.position(index));
            let tiles = sheet.tiles.iter().zip(positions).filter(|(tile, _)| !tile.is_missing);
            tiles.map(move |(tile, position)| (sheet, tile, position))
        })
    }

    /// Left and top edge of the tile with this index in its sheet, in pixels.
    fn position(&self, index: u64) -> (u64, u64) {
        let columns = u64::from(self.columns.max(1));
        (index % columns * u64::from(self.tile.0), index / columns * u64::from(self.tile.1))
    }
}

impl Sheet {
    /// Start of the first tile in seconds.
    pub(super) fn start(&self) -> f64 {
        self.tiles.first().map_or(0.0, |tile| tile.start)
    }

    /// End of the last tile in seconds.
    pub(super) fn end(&self) -> f64 {
        self.tiles.last().map_or(0.0, |tile| tile.end)
    }

    /// Whether no tile has a picture, so that there is no image.
    pub(super) fn is_missing(&self) -> bool {
        self.tiles.iter().all(|tile| tile.is_missing)
    }

    /// File name of the I-frames of the tiles: `storyboard-000.mp4`.
    pub fn i_frame_name(&self) -> String {
        format!("storyboard-{:03}.mp4", self.number)
    }
}
