//! A storyboard: sprites of small pictures, and the documents that players read beside them. Files are passed on as soon as they are
//! complete, so that the memory does not grow with the recording.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt;

use super::{
    collection::{Collection, Progress, ReportProgress},
    picture_log::{Dimensions, PictureLog},
    sprite::{FinishedSprite, SpriteBuilder},
};
use crate::{
    error::Error,
    fetch::Client,
    report::PicturesReport,
    request::{Format, Pace, PicturesRequest, SnapshotRequest, StoryboardRequest},
    storyboard::{self, I_FRAME_INIT, Storyboard, UrlForm},
};

/// A file of a storyboard, by its name in the storyboard's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputFile {
    pub name: String,
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
}

/// A finished storyboard, whose files were passed on.
pub(crate) struct FinishedStoryboard {
    pub report: PicturesReport,
    /// How many tiles are empty.
    pub failures: usize,
}

const DEFAULT_SIDE: u32 = 5;
const DEFAULT_TILE_WIDTH: u32 = 160;
const DEFAULT_EVERY: Duration = Duration::from_secs(10);

/// Makes a storyboard, and passes each file to `put`: the sprites first, the documents last.
///
/// Fails as a snapshot does if no picture can be had, or, with `strict`, if one cannot; with `too_large` if a sprite exceeds a limit; and
/// as `put` does.
pub(crate) async fn storyboard(
    request: &StoryboardRequest,
    client: &Client,
    progress: &ReportProgress<'_>,
    put: impl AsyncFn(OutputFile) -> Result<(), Error>,
) -> Result<FinishedStoryboard, Error> {
    let urls = UrlForm::new(request.base.as_deref(), request.query.as_deref())?;
    let pictures = tile_request(request)?;
    let encoding = pictures.snapshot.encoding;
    let collection = Collection::open(&pictures, client, Pace::Every(DEFAULT_EVERY)).await?.with_pixels();
    let grid = (request.grid.columns.unwrap_or(DEFAULT_SIDE), request.grid.rows.unwrap_or(DEFAULT_SIDE));
    let mut builder = SpriteBuilder::new(grid, encoding, pictures.snapshot.limits.max_pixels);
    let mut board = StoryboardWriter { put, storyboard: empty_storyboard(&collection, grid, encoding.format), bytes: 0 };
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
    board.put_documents(&urls).await?;
    let dimensions = Dimensions { size: builder.sprite_size(), grid: Some(grid), tile: Some(builder.tile_size()) };
    let failures = log.failures();
    Ok(FinishedStoryboard { report: log.report("storyboard", encoding.format.name(), &collection, dimensions, board.bytes), failures })
}

/// The request of the tiles. Fails with `usage` if they are neither JPEGs nor WebPs.
fn tile_request(request: &StoryboardRequest) -> Result<PicturesRequest, Error> {
    let pictures = request.pictures.clone();
    let format = pictures.snapshot.encoding.format;
    if !matches!(format, Format::Jpeg | Format::WebP) {
        return Err(Error::usage(format!("the sprites of a storyboard cannot be {format}"), "give jpeg or webp as --format"));
    }
    let size = request.grid.tile_size(pictures.snapshot.size, DEFAULT_TILE_WIDTH);
    Ok(PicturesRequest { snapshot: SnapshotRequest { size, ..pictures.snapshot }, ..pictures })
}

fn empty_storyboard(collection: &Collection, (columns, rows): (u32, u32), format: Format) -> Storyboard {
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

/// Passes on files, and remembers what the documents say about them.
struct StoryboardWriter<P> {
    put: P,
    storyboard: Storyboard,
    /// Bytes of the sprites.
    bytes: u64,
}

impl<P: AsyncFn(OutputFile) -> Result<(), Error>> StoryboardWriter<P> {
    async fn add(&mut self, sprite: Option<FinishedSprite>) -> Result<(), Error> {
        let Some(FinishedSprite { sheet, image, i_frames }) = sprite else { return Ok(()) };
        if let Some(image) = image {
            self.bytes += image.len() as u64;
            let media_type = self.storyboard.format.media_type();
            (self.put)(OutputFile { name: self.storyboard.sheet_name(&sheet), bytes: image, media_type }).await?;
            (self.put)(OutputFile { name: sheet.i_frame_name(), bytes: i_frames, media_type: "video/mp4" }).await?;
        }
        self.storyboard.sheets.push(sheet);
        Ok(())
    }

    async fn put_documents(&self, urls: &UrlForm) -> Result<(), Error> {
        let board = &self.storyboard;
        let playlist = "application/vnd.apple.mpegurl";
        let init = storyboard::init_segment(board.tile);
        let text = |name: &str, text: String, media_type| OutputFile { name: name.to_owned(), bytes: text.into_bytes(), media_type };
        let mut files = vec![
            OutputFile { name: I_FRAME_INIT.to_owned(), bytes: init, media_type: "video/mp4" },
            text("storyboard.vtt", storyboard::webvtt(board, urls), "text/vtt"),
            text("storyboard.json", storyboard::mux_json(board, urls), "application/json"),
            text("images.m3u8", storyboard::image_playlist(board, urls), playlist),
            text("iframes.m3u8", storyboard::i_frame_playlist(board, urls), playlist),
            text("storyboard.m3u8", storyboard::multivariant(board, urls), playlist),
        ];
        files.extend(storyboard::mpd(board, urls).map(|mpd| text("thumbnails.mpd", mpd, "application/dash+xml")));
        for file in files {
            (self.put)(file).await?;
        }
        Ok(())
    }
}
