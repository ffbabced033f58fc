//! One search on the thread that decodes: bytes in, the encoded picture out.

use std::time::{Duration, Instant};

use super::{
    Work,
    develop::Development,
    feed::Feed,
    told::{Clock, Made, milliseconds},
    unlock::Unlocker,
};
use crate::{
    error::Error,
    libav::{self, Found, Fragments, Memory, Normalised, Outcome, Search, Source},
    report::FrameReport,
    request::Crop,
};

/// What a search on the decoding thread brought.
pub(super) struct Grabbed {
    pub made: Made,
    pub frame: FrameReport,
    /// Seconds from the start of the playlist's first segment, or of the file.
    pub seconds: f64,
    /// The index of the segment that holds it.
    pub segment: usize,
    /// What was found to be encrypted in the samples, in the report's words.
    pub sealed: Option<&'static str>,
}

/// What was found, when it was decoded, and how long the encoding took.
type Timed = (Grabbed, Instant, Duration);

/// What a feed is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Segments that stand by themselves.
    Plain,
    /// An init and the movie fragments that belong to it.
    Fragments,
    /// One whole file.
    File,
    /// An image that holds the picture in this part of it.
    Tile(Crop),
}

/// Searches, converts and encodes on a thread that may block. `starts` are those of the segments in the playlist, in seconds. `None`: what is
/// before these bytes is needed.
pub(super) async fn grab(
    work: &Work<'_>,
    feed: Feed,
    kind: Kind,
    wanted: Search,
    starts: Vec<f64>,
    memory: &mut Memory,
    clock: &mut Clock,
) -> Result<Option<Grabbed>, Error> {
    let request = work.request;
    let tile = if let Kind::Tile(part) = kind { part } else { Crop::ALL };
    let (limits, development) = (request.limits, Development::of(request, tile));
    let bounds = libav::Bounds { pixels: limits.coded_pixels, frames: limits.frames };
    let (first_byte, turn) = (feed.first_byte(), feed.turn());
    let marks = feed.marks();
    let unlocker = Unlocker::new(work.keyring, marks.clone(), starts);
    let mut known = memory.clone();
    let search = move || -> (Memory, Result<Option<Timed>, Error>) {
        // Until the picture is made
        let _turn = turn;
        let source =
            if kind == Kind::Fragments { Source::new(Normalised::new(Fragments::new(feed))) } else { Source::new(Normalised::new(feed)) };
        let taken_for = match kind {
            Kind::Plain | Kind::Fragments => libav::Kind::Segments,
            Kind::File => libav::Kind::File,
            Kind::Tile(_) => libav::Kind::Image,
        };
        let found = match libav::search(&source, wanted, taken_for, bounds, &unlocker, &mut known) {
            Ok(Outcome::Found(found)) => found,
            Ok(Outcome::Earlier) => return (known, Ok(None)),
            Err(error) => return (known, Err(error)),
        };
        source.pause();
        drop(source);
        let decoded = Instant::now();
        let segment = marks.segment_at(found.position);
        let made = grabbed(*found, &development).map(|grabbed| Grabbed { sealed: unlocker.seen(), segment, ..grabbed });
        (known, made.map(|grabbed| Some((grabbed, decoded, decoded.elapsed()))))
    };
    let done = tokio::task::spawn_blocking(search).await.map_err(|e| Error::internal("the decoding thread failed").because(e))?;
    let (known, done) = done;
    *memory = known;
    if let Some(moment) = first_byte.get() {
        clock.timing.first_byte = clock.at(*moment);
    }
    Ok(done?.map(|(grabbed, decoded, encoding)| {
        clock.timing.frame = clock.at(decoded);
        clock.timing.encode = milliseconds(encoding);
        grabbed
    }))
}

fn grabbed(found: Found, development: &Development) -> Result<Grabbed, Error> {
    let Found { frame, seconds, media_seconds, .. } = found;
    let facts = FrameReport { pts_seconds: media_seconds.map(rounded), ..facts(&frame) };
    Ok(Grabbed { made: development.make(frame)?, frame: facts, seconds, segment: 0, sealed: None })
}

fn facts(frame: &libav::Frame) -> FrameReport {
    let (across, down) = frame.shape.sample_aspect_ratio;
    FrameReport {
        codec: frame.codec,
        coded_width: frame.coded.0,
        coded_height: frame.coded.1,
        sample_aspect_ratio: format!("{across}:{down}"),
        rotation: frame.shape.orientation.degrees(),
        interlaced: frame.is_interlaced(),
        key_frame: frame.is_key(),
        pts_seconds: None,
        presentation_seconds: None,
        program_date_time: None,
        age_seconds: None,
        color: frame.colour().report(),
    }
}

/// To a millionth.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
