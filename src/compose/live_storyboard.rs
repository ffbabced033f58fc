//! The storyboard of a live stream, as a window that slides with it.

use std::{pin::pin, time::Instant};

use futures_util::StreamExt;

use super::{
    picture_log::{Dimensions, PictureLog, StreamFacts},
    series_schedule::LiveSchedule,
    sprite::SpriteBuilder,
    storyboard::{DEFAULT_EVERY, DEFAULT_SIDE, FinishedStoryboard, tile_request},
    storyboard_writer::{StoryboardFolder, StoryboardWriter},
};
use crate::{
    capture::{Interruption, LiveFollower, MomentCapture, Presentation, live_end, live_start},
    error::Error,
    fetch::Client,
    request::{Pace, PicturesRequest, StoryboardRequest},
    storyboard::{Sheet, Storyboard, UrlForm},
};

/// The report lists at most this many pictures.
const MAX_LISTED: usize = 1000;

/// Makes a storyboard of a live stream and follows it until it ends, until the end of the request's range, or until a signal. `None` if the
/// stream is a recording.
///
/// A sprite is published once it is full, since players keep what they have loaded. Sprites that the stream's window has passed are taken
/// out of the documents, and their files are removed one sprite later. Fails as [`storyboard`](super::storyboard()) does.
pub(crate) async fn follow_storyboard(
    request: &StoryboardRequest,
    client: &Client,
    folder: &impl StoryboardFolder,
    interrupted: &mut dyn FnMut(Interruption),
) -> Result<Option<FinishedStoryboard>, Error> {
    let urls = UrlForm::new(request.base.as_deref(), request.query.as_deref())?;
    let pictures = tile_request(request)?;
    let presentation = Presentation::open(&pictures.snapshot, client).await?.with_pixels().with_limits_per_picture();
    let Some(track) = presentation.track().await?.filter(|track| presentation.can_follow(track)) else { return Ok(None) };
    let log = PictureLog::new(pictures.strict, &track.notes);
    let mut follower = LiveFollower::new(presentation, track, None);
    let mut board = LiveStoryboard::new(request, &pictures, &follower, folder, urls, log)?;
    loop {
        board.take_available(&follower).await?;
        if board.schedule.is_done() || follower.has_ended() {
            return board.finish(&follower).await.map(Some);
        }
        follower.advance(interrupted).await?;
    }
}

/// A live storyboard that is being made.
struct LiveStoryboard<'a, F> {
    pictures: &'a PicturesRequest,
    urls: UrlForm,
    interval: f64,
    schedule: LiveSchedule,
    builder: SpriteBuilder,
    writer: StoryboardWriter<'a, F>,
    log: PictureLog,
    /// Sheets that the documents no longer name.
    outdated: Vec<Sheet>,
    started_at: Instant,
}

impl<'a, F: StoryboardFolder> LiveStoryboard<'a, F> {
    fn new(
        request: &StoryboardRequest,
        pictures: &'a PicturesRequest,
        follower: &LiveFollower,
        folder: &'a F,
        urls: UrlForm,
        log: PictureLog,
    ) -> Result<Self, Error> {
        let interval = match pictures.moments.pace {
            Some(Pace::Every(every)) => every,
            Some(Pace::Count(_)) => return Err(Error::usage("--count has no meaning for a stream that goes on", "give --every")),
            None => DEFAULT_EVERY,
        };
        let interval = interval.as_secs_f64();
        let start = live_start(follower.playlist(), &pictures.moments)?.unwrap_or_default();
        let end = live_end(follower.playlist(), &pictures.moments, start)?;
        let layout = (request.grid.columns.unwrap_or(DEFAULT_SIDE), request.grid.rows.unwrap_or(DEFAULT_SIDE));
        let encoding = pictures.snapshot.encoding;
        let storyboard = Storyboard {
            tile: (0, 0),
            columns: layout.0,
            rows: layout.1,
            format: encoding.format,
            interval,
            end: start,
            is_live: true,
            discontinuity_sequence: follower.playlist().discontinuity_sequence,
            tiles_before: 0,
            domain_start: None,
            sheets: Vec::new(),
        };
        Ok(Self {
            pictures,
            urls,
            interval,
            schedule: LiveSchedule::new(start, interval, end, None),
            builder: SpriteBuilder::new(layout, encoding, pictures.snapshot.limits.max_pixels),
            writer: StoryboardWriter::new(folder, storyboard),
            log,
            outdated: Vec::new(),
            started_at: Instant::now(),
        })
    }

    /// Takes the tiles whose segments the newest playlist has.
    async fn take_available(&mut self, follower: &LiveFollower) -> Result<(), Error> {
        loop {
            if let Some(hole) = self.schedule.take_hole(follower.timeline()) {
                // Nothing is known of the time in between, so the next tiles are another domain
                self.log.add(MomentCapture { moment: hole.first.seconds, capture: Err(hole.error()) })?;
                self.publish(follower).await?;
            }
            let due = self.schedule.take_available(follower.timeline());
            if due.is_empty() {
                return Ok(());
            }
            let moments: Vec<f64> = due.iter().map(|moment| moment.seconds).collect();
            let mut captures = pin!(follower.captures(&moments, self.pictures.parallel));
            while let Some(captured) = captures.next().await {
                self.add(captured, follower).await?;
            }
        }
    }

    async fn add(&mut self, captured: MomentCapture, follower: &LiveFollower) -> Result<(), Error> {
        let moment = captured.moment;
        let capture = self.log.add(captured)?;
        if capture.as_ref().is_some_and(|capture| self.builder.starts_another_domain(capture)) {
            self.publish(follower).await?;
        }
        let placed = self.builder.add(moment, moment + self.interval, capture)?;
        self.log.place_last(placed.as_ref().map(|placed| placed.name.as_str()), placed.as_ref().map(|placed| placed.position));
        self.log.keep_last(MAX_LISTED);
        if self.builder.is_full() {
            self.publish(follower).await?;
        }
        Ok(())
    }

    /// Ends the sprite, and writes it and the documents.
    async fn publish(&mut self, follower: &LiveFollower) -> Result<(), Error> {
        if !self.writer.add(self.builder.finish()?).await? {
            return Ok(());
        }
        let old = self.writer.forget_before(follower.timeline().window_start());
        let board = &mut self.writer.storyboard;
        board.tile = self.builder.tile_size();
        board.end = board.sheets.last().and_then(|sheet| sheet.tiles.last()).map_or(board.end, |last| last.end);
        self.writer.write_documents(&self.urls).await?;
        // Players may still load what the documents before named
        self.writer.remove(&std::mem::replace(&mut self.outdated, old)).await
    }

    async fn finish(mut self, follower: &LiveFollower) -> Result<FinishedStoryboard, Error> {
        self.log.require_any()?;
        self.publish(follower).await?;
        let presentation = follower.presentation();
        let stream = StreamFacts {
            url: presentation.redacted_url(),
            live: !follower.has_ended(),
            duration: follower.playlist().duration(),
            started_at: self.started_at,
            cost: presentation.cost(),
            timing: presentation.timing(),
        };
        let grid = Some((self.writer.storyboard.columns, self.writer.storyboard.rows));
        let dimensions = Dimensions { size: self.builder.sprite_size(), grid, tile: Some(self.builder.tile_size()) };
        let (failures, format) = (self.log.failures(), self.writer.storyboard.format.name());
        Ok(FinishedStoryboard { report: self.log.report_on("storyboard", format, stream, dimensions, self.writer.bytes), failures })
    }
}
