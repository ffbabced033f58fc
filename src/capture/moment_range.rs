//! From a range and a pace to moments in seconds from the start of the playlist.

use crate::{
    error::{Error, ErrorKind},
    hls::{self, MediaPlaylist},
    request::{MAX_PICTURES, Moments, Pace, Position},
};

/// A part of the timeline, in seconds from the start of the playlist.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TimeRange {
    pub start: f64,
    pub end: f64,
}

/// Rounding of sums of decimal durations, in seconds.
const ROUNDING: f64 = 1e-6;

impl TimeRange {
    /// The range of a playlist that `moments` asks for. It ends where the playlist ends at the latest, unless the stream goes on.
    ///
    /// Fails with `not_found` if the playlist has no media, or does not have its start, and with `usage` if the range is empty.
    pub fn of(playlist: &MediaPlaylist, moments: &Moments) -> Result<Self, Error> {
        hls::check_has_media(playlist).map_err(|error| error.with_url(&playlist.url))?;
        let duration = playlist.duration();
        let start = moments.from.map_or(Ok(0.0), |from| hls::moment_of(playlist, from))?;
        let end = match (moments.to, moments.length) {
            (Some(to), _) => hls::moment_of(playlist, to)?,
            (None, Some(length)) => start + length.as_secs_f64(),
            (None, None) => duration,
        };
        if start > duration + ROUNDING || start < -ROUNDING {
            let message = format!("there is no picture at {start:.3} s: the playlist lasts from 0 to {duration:.3} s");
            return Err(Error::new(ErrorKind::NotFound, message).with_url(&playlist.url));
        }
        if end <= start {
            return Err(Error::usage(format!("the range from {start:.3} s to {end:.3} s is empty"), "give a --to after --from"));
        }
        Ok(Self { start: start.max(0.0), end })
    }

    /// The range up to `end` at most.
    pub fn until(self, end: f64) -> Self {
        Self { end: self.end.min(end), ..self }
    }

    /// Seconds from start to end.
    pub fn length(self) -> f64 {
        (self.end - self.start).max(0.0)
    }

    /// The seconds between moments.
    pub fn interval(self, pace: Pace) -> f64 {
        match pace {
            Pace::Every(every) => every.as_secs_f64(),
            Pace::Count(count) => self.length() / count.max(1) as f64,
        }
    }

    /// The moments from the start on, the end excluded. Fails with `too_large` beyond [`MAX_PICTURES`].
    pub fn moments(self, pace: Pace) -> Result<Vec<f64>, Error> {
        let interval = self.interval(pace);
        let count = match pace {
            Pace::Count(count) => count as f64,
            Pace::Every(_) => (self.length() / interval - ROUNDING).ceil().max(1.0),
        };
        if count > f64::from(MAX_PICTURES) {
            let message = format!("{count} pictures are more than {MAX_PICTURES}");
            return Err(Error::new(ErrorKind::TooLarge, message).with_hint("give a longer --every, or a shorter range"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most MAX_PICTURES")]
        let count = count as u32;
        Ok((0..count).map(|index| self.start + f64::from(index) * interval).collect())
    }
}

/// Where a live series starts, in seconds of `playlist`; `None` is the live edge. A date may lie in the future.
///
/// Fails with `not_found` if the window no longer has the start.
pub(crate) fn live_start(playlist: &MediaPlaylist, moments: &Moments) -> Result<Option<f64>, Error> {
    let start = moments.from.filter(|from| *from != Position::Live).map(|from| live_moment(playlist, from)).transpose()?;
    if let Some(start) = start.filter(|start| *start < -ROUNDING) {
        let message = format!("the live window has nothing at {start:.3} s: it lasts from 0 to {:.3} s", playlist.duration());
        return Err(Error::new(ErrorKind::NotFound, message).with_url(&playlist.url).with_hint("give a later --from"));
    }
    Ok(start.map(|start| start.max(0.0)))
}

/// Where a live series that starts at `start` ends, in seconds of `playlist`. Fails with `usage` if it is empty.
pub(crate) fn live_end(playlist: &MediaPlaylist, moments: &Moments, start: f64) -> Result<f64, Error> {
    let end = match (moments.to, moments.length) {
        (Some(to), _) => live_moment(playlist, to)?,
        (None, Some(length)) => start + length.as_secs_f64(),
        (None, None) => f64::INFINITY,
    };
    if end > start {
        return Ok(end);
    }
    Err(Error::usage(format!("the range from {start:.3} s to {end:.3} s is empty"), "give a --to after --from"))
}

/// A position that may lie beyond the live edge.
fn live_moment(playlist: &MediaPlaylist, position: Position) -> Result<f64, Error> {
    let last = playlist.segments.iter().rev().find_map(|segment| Some((segment, segment.program_date_time?)));
    match (position, last) {
        (Position::ProgramDateTime(date), Some((segment, last))) if date > last => Ok(segment.start + (date - last).as_seconds_f64()),
        _ => hls::moment_of(playlist, position),
    }
}
