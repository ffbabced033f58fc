//! A storyboard of a single sprite, for servers. Its documents name the sprite by a URL of the server's.

use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;

use super::{
    collection::{Collection, Progress, ReportProgress},
    picture_log::{Dimensions, PictureLog},
    sprite::SpriteBuilder,
    storyboard::{empty_storyboard, tile_request},
};
use crate::{
    capture::TimeRange,
    error::Error,
    fetch::Client,
    report::PicturesReport,
    request::{GridChoice, Pace, StoryboardRequest},
    storyboard::{self, Storyboard, UrlForm},
};

/// A finished sprite.
#[derive(Debug)]
pub(crate) struct OneSprite {
    /// The bytes of the sprite.
    pub file: Vec<u8>,
    pub report: PicturesReport,
    /// How many tiles are empty.
    pub failures: usize,
    storyboard: Storyboard,
}

/// Tiles unless the request says otherwise, as Mux has them: fewer up to this length in seconds, more beyond.
const SHORT_VIDEO: f64 = 15.0 * 60.0;
const TILES_OF_SHORT_VIDEO: u32 = 50;
const TILES_OF_LONG_VIDEO: u32 = 100;
const COLUMNS_OF_SHORT_VIDEO: u32 = 5;
const COLUMNS_OF_LONG_VIDEO: u32 = 10;

impl OneSprite {
    /// The WebVTT, whose cues name the sprite by this URL. Fails with `usage` if the URL has a character that no URL has.
    pub fn webvtt(&self, url: &str) -> Result<String, Error> {
        Ok(storyboard::webvtt(&self.storyboard, &UrlForm::fixed(url)?))
    }

    /// The JSON in Mux's form. Fails as [`webvtt`](Self::webvtt) does.
    pub fn json(&self, url: &str) -> Result<String, Error> {
        Ok(storyboard::mux_json(&self.storyboard, &UrlForm::fixed(url)?))
    }

    /// Program Date Time of the first tile.
    pub fn first_date(&self) -> Option<DateTime<Utc>> {
        self.storyboard.sheets.first().and_then(|sheet| sheet.program_date_time)
    }

    /// Seconds from one tile to the next.
    pub fn interval(&self) -> f64 {
        self.storyboard.interval
    }
}

/// Makes a storyboard of a single sprite. A tile whose picture cannot be had stays empty.
///
/// Fails as a snapshot does if no picture can be had, or, with `strict`, if one cannot; with `too_large` if the sprite exceeds a limit.
pub(crate) async fn one_sprite(request: &StoryboardRequest, client: &Client, progress: &ReportProgress<'_>) -> Result<OneSprite, Error> {
    let pictures = tile_request(request)?;
    let snapshot = &pictures.snapshot;
    let collection = Collection::open_with_pace(&pictures, client, |range| default_pace(request.grid, range)).await?.with_pixels();
    let count = collection.moments.len();
    let grid = request.grid.for_tiles(count, usual_columns(count))?;
    let mut builder = SpriteBuilder::new(grid, snapshot.encoding, snapshot.limits.max_pixels).without_i_frames();
    let mut log = PictureLog::new(pictures.strict, &collection.track.notes);
    let mut captures = pin!(collection.presentation.captures(&collection.moments, pictures.parallel));
    let mut done = 0;
    while let Some(captured) = captures.next().await {
        let moment = captured.moment;
        let placed = builder.add(moment, collection.end_of(moment), log.add(captured)?)?;
        log.place_last(None, placed.map(|placed| placed.position));
        done += 1;
        progress(Progress { done, total: collection.moments.len(), bytes: collection.presentation.cost().bytes_received });
    }
    log.require_any()?;
    let (tile, size) = (builder.tile_size(), builder.sprite_size());
    let finished = builder.finish()?.and_then(|sprite| Some((sprite.sheet, sprite.image?)));
    let (sheet, file) = finished.ok_or_else(|| Error::internal("a sprite has no tiles"))?;
    let mut storyboard = empty_storyboard(&collection, grid, snapshot.encoding.format);
    storyboard.tile = tile;
    storyboard.sheets.push(sheet);
    let dimensions = Dimensions { size, grid: Some(grid), tile: Some(tile) };
    let failures = log.failures();
    let report = log.report("storyboard", snapshot.encoding.format.name(), &collection, dimensions, file.len() as u64);
    Ok(OneSprite { file, report, failures, storyboard })
}

/// As many moments as a given grid has tiles, or as suit the length of the range.
fn default_pace(grid: GridChoice, range: TimeRange) -> Pace {
    let count = match (grid.columns, grid.rows) {
        (Some(columns), Some(rows)) => columns.saturating_mul(rows),
        _ if range.length() <= SHORT_VIDEO => TILES_OF_SHORT_VIDEO,
        _ => TILES_OF_LONG_VIDEO,
    };
    Pace::Count(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The columns of a grid with `count` tiles, unless the request gives some.
fn usual_columns(count: usize) -> u32 {
    let is_short = u32::try_from(count).is_ok_and(|count| count <= TILES_OF_SHORT_VIDEO);
    if is_short { COLUMNS_OF_SHORT_VIDEO } else { COLUMNS_OF_LONG_VIDEO }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn grid(columns: Option<u32>, rows: Option<u32>) -> GridChoice {
        GridChoice { columns, rows, tile_width: None }
    }

    #[test]
    fn the_number_of_tiles_follows_from_the_length() {
        let count = |grid, end| default_pace(grid, TimeRange { start: 0.0, end });
        assert_eq!(count(grid(None, None), 900.0), Pace::Count(50));
        assert_eq!(count(grid(Some(3), None), 900.1), Pace::Count(100));
        assert_eq!(count(grid(Some(3), Some(4)), 7200.0), Pace::Count(12));
    }

    #[test]
    fn every_tile_has_a_place_in_the_grid() {
        let sizes = [(1, (1, 1)), (4, (4, 1)), (50, (5, 10)), (51, (10, 6)), (100, (10, 10)), (400, (10, 40))] as [(u16, _); 6];
        for (count, size) in sizes {
            let count = usize::from(count);
            assert_eq!(grid(None, None).for_tiles(count, usual_columns(count)).ok(), Some(size));
        }
        assert_eq!(grid(Some(4), None).for_tiles(10, 5).ok(), Some((4, 3)));
        assert_eq!(grid(None, Some(4)).for_tiles(10, 5).ok(), Some((3, 4)));
        let too_small = grid(Some(2), Some(2)).for_tiles(5, 5).map_err(|e| e.kind());
        assert_eq!(too_small, Err(ErrorKind::Usage));
    }
}
