//! The moments of an animation's frames.

use std::time::Duration;

use crate::{
    capture::TimeRange,
    error::{Error, ErrorKind},
    request::Pace,
};

/// The most frames.
const MAX_FRAMES: f64 = 1000.0;

/// The moments of frames in a range. Fails with `too_large` beyond [`MAX_FRAMES`].
pub(super) fn frame_moments(range: TimeRange, interval: f64) -> Result<Vec<f64>, Error> {
    let count = range.length() / interval;
    if count > MAX_FRAMES {
        let message = format!("an animation of {count:.0} frames exceeds the limit of {MAX_FRAMES}");
        return Err(Error::new(ErrorKind::TooLarge, message).with_hint("give a shorter --for, or a lower --fps"));
    }
    range.moments(Pace::Every(Duration::from_secs_f64(interval)))
}
