//! A storyboard: sprites of small pictures, and the documents that players read beside them. Files are passed on as soon as they are
//! complete, so that the memory does not grow with the recording.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt;

use super::{
    collection::{Collection, Progress, ReportProgress},
    picture_log::{Dimensions, PictureLog},
    sprite::SpriteBuilder,
    storyboard_writer::{StoryboardFolder, StoryboardWriter},
};
use crate::{
    error::Error,
    fetch::Client,
    report::PicturesReport,
    request::{Format, Pace, PicturesRequest, SnapshotRequest, StoryboardRequest},
    storyboard::{Storyboard, UrlForm},
};

/// A finished storyboard, whose files were passed on.
pub(crate) struct FinishedStoryboard {
    pub report: PicturesReport,
    /// How many tiles are empty.
    pub failures: usize,
}

pub(super) const DEFAULT_SIDE: u32 = 5;
const DEFAULT_TILE_WIDTH: u32 = 160;
pub(super) const DEFAULT_EVERY: Duration = Duration::from_secs(10);

/// Makes a storyboard of what the stream has now, and writes each file to `folder`: the sprites first, the documents last.
///
/// Fails as a snapshot does if no picture can be had, or, with `strict`, if one cannot; with `too_large` if a sprite exceeds a limit; and
/// as `folder` does.
pub(crate) async fn storyboard(
    request: &StoryboardRequest,
    client: &Client,
    progress: &ReportProgress<'_>,
    folder: &impl StoryboardFolder,
) -> Result<FinishedStoryboard, Error> {
    let urls = UrlForm::new(request.base.as_deref(), request.query.as_deref())?;
    let pictures = tile_request(request)?;
    let encoding = pictures.snapshot.encoding;
    let collection = Box::pin(Collection::open(&pictures, client, Pace::Every(DEFAULT_EVERY))).await?.with_pixels();
    let grid = (request.grid.columns.unwrap_or(DEFAULT_SIDE), request.grid.rows.unwrap_or(DEFAULT_SIDE));
    let mut builder = SpriteBuilder::new(grid, encoding, pictures.snapshot.limits.max_pixels);
    let mut board = StoryboardWriter::new(folder, empty_storyboard(&collection, grid, encoding.format));
    let mut log = PictureLog::new(pictures.strict, &collection.track.notes);
    let mut captures = pin!(collection.presentation.captures(&collection.moments, pictures.parallel));
    let mut done = 0;
    while let Some(captured) = captures.next().await {
        let moment = captured.moment;
        let capture = log.add(captured)?;
        if let Some(capture) = &capture
            && builder.starts_another_domain(capture)
        {
            board.add(builder.finish()?).await?;
        }
        let placed = builder.add(moment, collection.end_of(moment), capture)?;
        log.place_last(placed.as_ref().map(|placed| placed.name.as_str()), placed.as_ref().map(|placed| placed.position));
        if builder.is_full() {
            board.add(builder.finish()?).await?;
        }
        done += 1;
        progress(Progress { done, total: collection.moments.len(), bytes: collection.presentation.cost().bytes_received });
    }
    log.require_any()?;
    board.add(builder.finish()?).await?;
    board.storyboard.tile = builder.tile_size();
    board.write_documents(&urls).await?;
    let dimensions = Dimensions { size: builder.sprite_size(), grid: Some(grid), tile: Some(builder.tile_size()) };
    let failures = log.failures();
    Ok(FinishedStoryboard { report: log.report("storyboard", encoding.format.name(), &collection, dimensions, board.bytes), failures })
}

/// The request of the tiles. Fails with `usage` if they are neither JPEGs nor WebPs.
pub(super) fn tile_request(request: &StoryboardRequest) -> Result<PicturesRequest, Error> {
    let pictures = request.pictures.clone();
    let format = pictures.snapshot.encoding.format;
    if !matches!(format, Format::Jpeg | Format::WebP) {
        return Err(Error::usage(format!("the sprites of a storyboard cannot be {format}"), "give jpeg or webp as --format"));
    }
    let size = request.grid.tile_size(pictures.snapshot.size, DEFAULT_TILE_WIDTH);
    Ok(PicturesRequest { snapshot: SnapshotRequest { size, ..pictures.snapshot }, ..pictures })
}

/// A storyboard without sheets.
pub(super) fn empty_storyboard(collection: &Collection, (columns, rows): (u32, u32), format: Format) -> Storyboard {
    Storyboard {
        tile: (0, 0),
        columns,
        rows,
        format,
        interval: collection.interval,
        end: collection.range.end,
        is_live: collection.track.playlist().is_live(),
        discontinuity_sequence: collection.track.playlist().discontinuity_sequence,
        tiles_before: 0,
        domain_start: None,
        sheets: Vec::new(),
    }
}
