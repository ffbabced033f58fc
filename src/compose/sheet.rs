//! A contact sheet: one picture of many.

use std::pin::pin;

use futures_util::StreamExt;
use image::RgbImage;

use super::{
    collection::{Collection, Progress, ReportProgress},
    picture_log::{Dimensions, PictureLog},
    sheet_header, tile,
};
use crate::{
    error::Error,
    fetch::Client,
    render::{self, Canvas, Grid, Header, time_label},
    report::PicturesReport,
    request::{Pace, PicturesRequest, SheetRequest, SnapshotRequest},
};

/// A finished sheet.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The bytes of the file.
    pub file: Vec<u8>,
    pub report: PicturesReport,
    /// How many tiles are empty.
    pub failures: usize,
}

const DEFAULT_COLUMNS: u32 = 5;
const DEFAULT_ROWS: u32 = 4;
const DEFAULT_TILE_WIDTH: u32 = 320;

/// Makes a sheet. A tile whose picture cannot be had stays empty.
///
/// Fails as a snapshot does if no picture can be had, or, with `strict`, if one cannot; with `too_large` if the sheet exceeds a limit.
pub(crate) async fn sheet(request: &SheetRequest, client: &Client, progress: &ReportProgress<'_>) -> Result<Sheet, Error> {
    let pictures = tile_request(request);
    let snapshot = &pictures.snapshot;
    let collection = Box::pin(Collection::open(&pictures, client, Pace::Count(default_count(request)))).await?.with_pixels();
    let (columns, rows) = request.grid.for_tiles(collection.moments.len(), DEFAULT_COLUMNS)?;
    let mut log = PictureLog::new(pictures.strict, &collection.track.notes);
    let (mut tiles, mut facts, mut tile_size) = (Vec::new(), None, None);
    let mut captures = pin!(collection.presentation.captures(&collection.moments, pictures.parallel));
    while let Some(captured) = captures.next().await {
        let tile = match log.add(captured)? {
            Some(capture) => {
                facts.get_or_insert_with(|| capture.frame.clone());
                let picture = tile::pixels(capture)?;
                let size = *tile_size.get_or_insert(picture.dimensions());
                // A sheet that would be too large fails before the other tiles are read
                Grid { columns, rows, tile: size, gap: request.gap, header: 0 }
                    .within_limits(snapshot.limits.max_pixels, snapshot.encoding.format)?;
                Some(tile::fitted(picture, size)?)
            }
            None => None,
        };
        tiles.push(tile);
        progress(Progress { done: tiles.len(), total: collection.moments.len(), bytes: collection.presentation.cost().bytes_received });
    }
    log.require_any()?;
    let tile_size = tile_size.unwrap_or_default();
    let header = request.header.then(|| sheet_header::header(&collection, facts.as_ref(), tile_size.0));
    let grid = Grid { columns, rows, tile: tile_size, gap: request.gap, header: header.as_ref().map_or(0, Header::height) };
    let grid = grid.within_limits(snapshot.limits.max_pixels, snapshot.encoding.format)?;
    for (index, tile) in tiles.iter().enumerate() {
        log.place(index, tile.is_some().then(|| grid.position(index)).flatten());
    }
    let canvas = draw(request, grid, header.as_ref(), &tiles, &collection.moments);
    let file = render::encode_rgb(canvas, &snapshot.encoding)?;
    let dimensions = Dimensions { size: grid.size(), grid: Some((columns, rows)), tile: Some(tile_size) };
    let failures = log.failures();
    let report = log.report("sheet", snapshot.encoding.format.name(), &collection, dimensions, file.len() as u64);
    Ok(Sheet { file, report, failures })
}

/// The request of the tiles.
fn tile_request(request: &SheetRequest) -> PicturesRequest {
    let pictures = request.pictures.clone();
    let size = request.grid.tile_size(pictures.snapshot.size, DEFAULT_TILE_WIDTH);
    PicturesRequest { snapshot: SnapshotRequest { size, ..pictures.snapshot }, ..pictures }
}

/// The number of tiles unless the request has an interval or a count: those of the grid.
fn default_count(request: &SheetRequest) -> usize {
    let (columns, rows) = (request.grid.columns.unwrap_or(DEFAULT_COLUMNS), request.grid.rows.unwrap_or(DEFAULT_ROWS));
    usize::try_from(u64::from(columns) * u64::from(rows)).unwrap_or(usize::MAX)
}

fn draw(request: &SheetRequest, grid: Grid, header: Option<&Header>, tiles: &[Option<RgbImage>], moments: &[f64]) -> RgbImage {
    let mut canvas = Canvas::new(grid.size(), request.background);
    if let Some(header) = header {
        canvas.draw_header(header);
    }
    // Moments that are close together differ by tenths
    let tenths = moments.windows(2).any(|pair| matches!(pair, [one, next] if next - one < 1.0));
    for (index, (tile, moment)) in tiles.iter().zip(moments).enumerate() {
        let Some(area) = grid.area(index) else { continue };
        match tile {
            Some(tile) => canvas.draw_tile(tile, area),
            None => canvas.draw_empty_tile(area),
        }
        if request.labels {
            canvas.draw_label(&time_label(*moment, tenths), area);
        }
    }
    canvas.into_image()
}
