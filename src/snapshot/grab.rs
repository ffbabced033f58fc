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
    libav::{self, Found, Fragments, Outcome, Search, Source},
    report::FrameReport,
    request::Crop,
};

/// What a search on the decoding thread brought.
pub(super) struct Grabbed {
    pub made: Made,
    pub frame: FrameReport,
    /// Seconds after the first video packet.
    pub since_first: f64,
    /// What was found to be encrypted in the samples, in the report's words.
    pub sealed: Option<&'static str>,
}

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

/// Searches, converts and encodes on a thread that may block. `None`: what is before these bytes is needed.
pub(super) async fn grab(work: &Work<'_>, feed: Feed, kind: Kind, wanted: Search, clock: &mut Clock) -> Result<Option<Grabbed>, Error> {
    let request = work.request;
    let tile = if let Kind::Tile(part) = kind { part } else { Crop::ALL };
    let (limits, development) = (request.limits, Development::of(request, tile));
    let bounds = libav::Bounds { pixels: limits.coded_pixels, frames: limits.frames };
    let (first_byte, turn) = (feed.first_byte(), feed.turn());
    let unlocker = Unlocker::new(work.keyring, feed.marks());
    let search = move || -> Result<Option<(Grabbed, Instant, Duration)>, Error> {
        // Until the picture is made
        let _turn = turn;
        let source = if kind == Kind::Fragments { Source::new(Fragments::new(feed)) } else { Source::new(feed) };
        match libav::search(&source, wanted, kind == Kind::File, bounds, &unlocker)? {
            Outcome::Found(found) => {
                source.pause();
                drop(source);
                let decoded = Instant::now();
                let grabbed = Grabbed { sealed: unlocker.seen(), ..grabbed(found, &development)? };
                Ok(Some((grabbed, decoded, decoded.elapsed())))
            }
            Outcome::Earlier => Ok(None),
        }
    };
    let done = tokio::task::spawn_blocking(search).await.map_err(|e| Error::internal("the decoding thread failed").because(e))?;
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
    let Found { frame, since_first } = found;
    let facts = facts(&frame);
    Ok(Grabbed { made: development.make(frame)?, frame: facts, since_first, sealed: None })
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
        pts_seconds: frame.pts.map(|pts| rounded(pts.seconds())),
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
