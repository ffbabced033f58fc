//! The picture at a moment: the run of packets that it takes, found on their times alone, and the frame that is shown then.

use ffmpeg_next as ff;

use super::{
    frame::Frame,
    search::{Attempt, BEHIND_A_KEY, Outcome, ROUNDING, Start, unclean},
};
use crate::error::{Error, ErrorKind};

/// So many packets in a row may be shown after a moment before one comes that is shown at it: the depth of B-pyramids.
const MOST_PYRAMID: usize = 4;
/// So far past the end that a container tells, a moment is still its end.
const PAST_THE_END: f64 = 0.5;
/// In a file with an index, a moment this far in is seeked instead of read up to.
const WORTH_A_SEEK: f64 = 1.0;

impl Attempt<'_> {
    /// Seconds after the first packet.
    pub(super) fn moment(&self, moment: Start) -> Result<f64, Error> {
        let duration = self.demuxer.duration().filter(|_| self.whole);
        let needed = || Error::new(ErrorKind::Unsupported, "this file does not tell its duration").hint("give a time from the start");
        let seconds = match moment {
            Start::FromStart(seconds) => seconds,
            Start::FromEnd(back) => duration.ok_or_else(needed)? - back,
            Start::Part(part) => duration.ok_or_else(needed)? * part,
        };
        match duration {
            Some(end) if seconds > end + PAST_THE_END || seconds < -ROUNDING => {
                Err(Error::new(ErrorKind::NotFound, format!("there is no picture at {seconds:.3} s: the file lasts {end:.3} s")))
            }
            _ => Ok(seconds),
        }
    }

    /// The last frame, or key frame, at or before `moment`.
    pub(super) fn at(&mut self, moment: f64, key_only: bool) -> Result<Outcome, Error> {
        let mut run = self.packets_up_to(moment)?;
        self.forgive(&mut run);
        let Some(key) = run.first() else {
            return if self.first.is_some() { Ok(Outcome::Earlier) } else { Err(self.nothing("no key frame was found")) };
        };
        let time = self.since_first(self.demuxer.pts(key));
        if key_only {
            let few = run.get(..run.len().min(1 + BEHIND_A_KEY)).unwrap_or_default();
            return match self.key_frame_of(few)? {
                Some(frame) => Ok(Outcome::Found(self.found(frame))),
                None => Err(unclean("the key frame is not clean")),
            };
        }
        // Frames that were decoded behind a damaged one may lean on it, and nothing marks them
        let mut whole = run.len();
        loop {
            let mut best: Option<(Frame, f64, usize)> = None;
            let broken = self.decode(&run, |frame, since, place| {
                // Frames before the key frame lean on what is not here
                let shown = since >= time - ROUNDING && since <= moment + ROUNDING && best.as_ref().is_none_or(|best| since >= best.1);
                if shown && (moment.is_finite() || place < whole) {
                    best = Some((frame, since, place));
                }
            })?;
            let whole_before = whole;
            whole = whole.min(broken);
            // Of a damaged frame nothing may be left to be shown: then an earlier one stands in its place
            let lost = |since: f64| {
                let behind = run.get(broken..).unwrap_or_default().iter().map(|packet| self.since_first(self.demuxer.pts(packet)));
                moment.is_finite() && behind.into_iter().any(|other| other > since + ROUNDING && other <= moment + ROUNDING)
            };
            match best {
                Some((frame, since, place)) if place < whole && frame.is_clean() && !lost(since) => {
                    self.prove(&run)?;
                    return Ok(Outcome::Found(self.found(frame)));
                }
                Some(_) if moment.is_infinite() && whole < whole_before && whole > 0 => {}
                _ => return Err(unclean("the frame at that moment is not clean")),
            }
        }
    }

    /// From the last key frame at or before `moment` on, every packet that a frame at or before it may need.
    fn packets_up_to(&mut self, moment: f64) -> Result<Vec<ff::Packet>, Error> {
        let mut run: Vec<ff::Packet> = Vec::new();
        let mut seeked = !self.whole;
        let mut late = 0;
        while let Some(packet) = self.packet()? {
            if !seeked && let Some(first) = self.first {
                seeked = true;
                let far = moment > WORTH_A_SEEK && self.demuxer.has_index();
                // Without an end in sight the last key frame is asked for by the duration
                let target = if moment.is_finite() { moment } else { self.demuxer.duration().unwrap_or(0.0) };
                if far && self.demuxer.seek(first.plus(target)) {
                    continue;
                }
            }
            let shown = self.since_first(self.demuxer.pts(&packet));
            let decoded = self.since_first(self.demuxer.dts(&packet));
            late = if shown > moment + ROUNDING { late + 1 } else { 0 };
            // dts alone would do, were it always there and always right
            if late > MOST_PYRAMID && decoded.min(shown) > moment + ROUNDING {
                return Ok(run);
            }
            let is_key = packet.is_key() && late == 0;
            if is_key {
                run.clear();
            }
            if is_key || !run.is_empty() {
                run.push(packet);
            }
        }
        Ok(run)
    }
}
