//! A series: pictures at a regular interval, of a recording as fast as possible, of a live stream at its own pace.

use std::{
    collections::BTreeSet,
    pin::pin,
    time::{Duration, Instant},
};

use futures_util::{
    Stream, StreamExt,
    stream::{self, FuturesOrdered},
};

use super::{
    collection::Progress,
    picture_log::{Dimensions, PictureLog, StreamFacts},
    series_schedule::{LiveSchedule, NumberedMoment},
};
use crate::{
    capture::{Capture, FinishedSnapshot, Interruption, LiveFollower, MomentCapture, Presentation, TimeRange, Track, live_end, live_start},
    error::{Error, ErrorKind},
    fetch::Client,
    render,
    report::PicturesReport,
    request::{Pace, ReferencePicture, SeriesRequest},
};

/// A picture of a series, ready to be written.
pub(crate) struct SeriesPicture {
    pub moment: NumberedMoment,
    pub finished: FinishedSnapshot,
}

/// Where a series goes.
pub(crate) trait SeriesSink {
    /// Writes a picture, and returns the name of its file; `None` if it has none.
    async fn write(&mut self, picture: SeriesPicture) -> Result<Option<String>, Error>;

    /// A picture could not be had, or not be written.
    fn miss(&mut self, moment: NumberedMoment, error: &Error) -> Result<(), Error>;

    /// An outage of a live stream began or ended.
    fn interrupt(&mut self, interruption: &Interruption);

    /// A moment of a recording is done.
    fn progress(&mut self, progress: Progress);

    /// Whether pictures keep their frames, so that their pixels can be rendered later.
    fn keeps_frames(&self) -> bool {
        false
    }
}

/// What became of a series that ended by itself.
pub(crate) struct SeriesResult {
    pub report: PicturesReport,
    /// Pictures that could not be had.
    pub failures: usize,
    /// The content checks that pictures failed.
    pub failed_checks: BTreeSet<&'static str>,
}

/// Pictures that are encoded while the next one is captured.
const ENCODED_AT_ONCE: usize = 2;
/// The report lists at most this many pictures.
const MAX_LISTED: usize = 1000;

/// Takes a series until it ends. A picture that cannot be had does not end it, unless the request is strict, or there is no other one.
///
/// Fails with `unsupported` for a media file, and with `timeout` if a live stream is silent for longer than the request's timeout.
pub(crate) async fn take_series(request: &SeriesRequest, client: &Client, sink: &mut impl SeriesSink) -> Result<SeriesResult, Error> {
    let started_at = Instant::now();
    let presentation = Presentation::open(&request.pictures.snapshot, client).await?;
    let presentation = presentation.with_limits_per_picture().with_frames(sink.keeps_frames());
    let Some(track) = presentation.track().await? else {
        return Err(Error::new(ErrorKind::Unsupported, "a series of a single media file is not supported yet")
            .with_hint("give the URL of a playlist"));
    };
    let log = PictureLog::new(request.pictures.strict, &track.notes);
    let series = Series { request, sink, log, started_at, last: None, size: (0, 0), bytes: 0, written: 0, failed_checks: BTreeSet::new() };
    if presentation.can_follow(&track) {
        let timeout = request.pictures.snapshot.limits.timeout;
        let max_silence = Some(timeout).filter(|timeout| *timeout < Duration::MAX);
        series.follow(LiveFollower::new(presentation, track, max_silence)).await
    } else {
        series.record(&presentation, &track).await
    }
}

/// A series in progress.
struct Series<'a, S> {
    request: &'a SeriesRequest,
    sink: &'a mut S,
    log: PictureLog,
    started_at: Instant,
    /// The last picture, with `only_changed`.
    last: Option<ReferencePicture>,
    size: (u32, u32),
    bytes: u64,
    written: usize,
    failed_checks: BTreeSet<&'static str>,
}

impl<S: SeriesSink> Series<'_, S> {
    /// Takes the pictures of a recording.
    async fn record(mut self, presentation: &Presentation, track: &Track) -> Result<SeriesResult, Error> {
        let playlist = track.playlist();
        let wanted = &self.request.pictures.moments;
        let pace = wanted.pace.unwrap_or(Pace::Every(self.request.live_interval));
        let range = TimeRange::of(playlist, wanted)?.until(playlist.duration());
        let range = match (pace, self.request.max_pictures) {
            (Pace::Every(every), Some(max)) => range.until(range.start + every.as_secs_f64() * max as f64),
            _ => range,
        };
        let moments = range.moments(pace)?;
        let total = moments.len();
        let numbered = (0..).zip(&moments).map(|(index, seconds)| NumberedMoment { index, seconds: *seconds }).collect();
        let captures = presentation.captures(&moments, self.request.pictures.parallel);
        self.deliver(presentation, numbered, captures, Some(total)).await?;
        self.finish(presentation, playlist.is_live(), playlist.duration())
    }

    /// Takes the pictures of a live stream.
    async fn follow(mut self, mut follower: LiveFollower) -> Result<SeriesResult, Error> {
        let wanted = &self.request.pictures.moments;
        let first = live_start(follower.playlist(), wanted)?;
        let newest = if first.is_none() { Some(follower.newest().await) } else { None };
        let start = first.or(newest.as_ref().map(|newest| newest.moment)).unwrap_or_default();
        let end = live_end(follower.playlist(), wanted, start)?;
        let mut schedule = LiveSchedule::new(start, self.request.live_interval.as_secs_f64(), end, self.request.max_pictures);
        if let Some(newest) = newest
            && let Some(moment) = schedule.take_first()
        {
            self.deliver(follower.presentation(), vec![moment], stream::iter([newest]), None).await?;
        }
        loop {
            self.take_available(&mut schedule, &follower).await?;
            if schedule.is_done() || follower.has_ended() {
                let (live, duration) = (!follower.has_ended(), follower.playlist().duration());
                return self.finish(follower.presentation(), live, duration);
            }
            follower.advance(&mut |interruption| self.sink.interrupt(&interruption)).await?;
        }
    }

    /// Takes the moments that the newest playlist has, and names those that no playlist had.
    async fn take_available(&mut self, schedule: &mut LiveSchedule, follower: &LiveFollower) -> Result<(), Error> {
        loop {
            if let Some(hole) = schedule.take_hole(follower.timeline()) {
                self.store(hole.first, Err(hole.error())).await?;
            }
            let due = schedule.take_available(follower.timeline());
            if due.is_empty() {
                return Ok(());
            }
            let moments: Vec<f64> = due.iter().map(|moment| moment.seconds).collect();
            let captures = follower.captures(&moments, self.request.pictures.parallel);
            self.deliver(follower.presentation(), due, captures, None).await?;
        }
    }

    /// Encodes and writes pictures in order, while the next ones are captured. `total` is the number of pictures of a recording.
    async fn deliver(
        &mut self,
        presentation: &Presentation,
        moments: Vec<NumberedMoment>,
        captures: impl Stream<Item = MomentCapture>,
        total: Option<usize>,
    ) -> Result<(), Error> {
        let mut captures = pin!(stream::iter(moments).zip(captures).fuse());
        let mut encoding = FuturesOrdered::new();
        let mut done = 0;
        loop {
            tokio::select! {
                Some((moment, MomentCapture { capture, .. })) = captures.next(), if encoding.len() < ENCODED_AT_ONCE => {
                    let is_wanted = capture.as_ref().is_ok_and(|capture| self.is_wanted(capture));
                    encoding.push_back(async move {
                        let finished = match capture {
                            Ok(capture) if is_wanted => presentation.finish(capture).await.map(Some),
                            Ok(_) => Ok(None),
                            Err(error) => Err(error),
                        };
                        (moment, finished)
                    });
                }
                Some((moment, finished)) = encoding.next(), if !encoding.is_empty() => {
                    done += 1;
                    if let Some(finished) = finished.transpose() {
                        self.store(moment, finished).await?;
                    }
                    if let Some(total) = total {
                        self.sink.progress(Progress { done, total, bytes: presentation.cost().bytes_received });
                    }
                }
                else => return Ok(()),
            }
        }
    }

    /// Whether a picture belongs to the series. With `only_changed` it must differ from the last one.
    fn is_wanted(&mut self, capture: &Capture) -> bool {
        if !self.request.only_changed {
            return true;
        }
        let image = &capture.picture.image;
        let is_same = self.last.as_ref().is_some_and(|last| render::looks_like(image, last));
        if !is_same {
            self.last = Some(render::fingerprint(image));
        }
        !is_same
    }

    /// Writes a picture, or names it if it is missing. If the first one cannot be written, none can.
    async fn store(&mut self, moment: NumberedMoment, finished: Result<FinishedSnapshot, Error>) -> Result<(), Error> {
        let stored = match finished {
            Ok(finished) => {
                let (facts, bytes) = (finished.facts.clone(), finished.picture.len() as u64);
                self.sink.write(SeriesPicture { moment, finished }).await.map(|name| (name, facts, bytes))
            }
            Err(error) => Err(error),
        };
        match stored {
            Ok((name, facts, bytes)) => {
                self.log.add_finished(moment.seconds, Ok(&facts))?;
                self.log.place_last(name.as_deref(), None);
                (self.size, self.bytes, self.written) = (facts.size, self.bytes + bytes, self.written + 1);
                self.failed_checks.extend(facts.verdict.failed);
            }
            Err(error) if error.kind() == ErrorKind::Output && self.written == 0 => return Err(error),
            Err(error) => {
                self.log.add_finished(moment.seconds, Err(&error))?;
                self.sink.miss(moment, &error)?;
            }
        }
        self.log.keep_last(MAX_LISTED);
        Ok(())
    }

    /// The result. Fails if there is no picture at all.
    fn finish(self, presentation: &Presentation, live: bool, duration: f64) -> Result<SeriesResult, Error> {
        self.log.require_any()?;
        if self.written == 0 {
            return Err(Error::new(ErrorKind::NotFound, "the stream ended before the first moment").with_hint("give an earlier --from"));
        }
        let stream = StreamFacts {
            url: presentation.redacted_url(),
            live,
            duration,
            started_at: self.started_at,
            cost: presentation.cost(),
            timing: presentation.timing(),
        };
        let failures = self.log.failures();
        let format = self.request.pictures.snapshot.encoding.format.name();
        let dimensions = Dimensions { size: self.size, ..Dimensions::default() };
        let report = self.log.report_on("series", format, stream, dimensions, self.bytes);
        Ok(SeriesResult { report, failures, failed_checks: self.failed_checks })
    }
}
