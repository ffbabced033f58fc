//! Decides whether a channel's picture is still, by comparing key frames of different segments.

use std::collections::VecDeque;

use super::{
    clock::{Moment, Tick},
    condition::Evidence,
    sample::PictureSample,
};
use crate::{
    render::{self, Likeness},
    request::ReferencePicture,
};

/// How many coded pictures of a static channel are remembered. Encoders that alternate the numbers of key frames repeat every second one.
const REMEMBERED: usize = 4;

/// Pictures with different grain must be alike for this many times as long: an empty street at night is not frozen.
pub const GRAIN_PATIENCE: f64 = 3.0;
/// At least this many comparisons must find them alike.
pub const GRAIN_SAMPLES: u32 = 5;

/// Evidence that the picture is still.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standstill {
    /// The evidence of the sample.
    pub evidence: Evidence,
    /// Whether the grain changes, as that of a live camera does.
    pub is_grainy: bool,
}

/// A key frame to compare with.
#[derive(Debug)]
struct KeyFrame {
    seen: Moment,
    number: Option<u64>,
    coded_hash: Option<u64>,
    fingerprint: ReferencePicture,
}

impl KeyFrame {
    fn compare(&self, picture: &PictureSample) -> Likeness {
        let is_same_coded = self.coded_hash.is_some() && self.coded_hash == picture.coded_hash;
        if is_same_coded { Likeness::Identical } else { render::compare_pictures(&self.fingerprint, &picture.fingerprint) }
    }
}

/// Compares each key frame with earlier ones.
#[derive(Debug, Default)]
pub struct Stillness {
    /// The first of the pictures that are alike. If only neighbors were compared, a slow fade would count as still.
    first: Option<KeyFrame>,
    previous: Option<KeyFrame>,
    /// Of the pictures since `first`: the number identical to it or to the previous one, minus the number with other grain.
    identical: i32,
    /// The last picture, in seconds of the clock.
    last: Option<f64>,
    /// For a static channel: coded key frame and bits of the segment.
    coded: VecDeque<(u64, Option<u64>)>,
}

impl Stillness {
    /// After a gap, the time until now does not count.
    fn restart(&mut self, now: Moment) {
        for key_frame in self.first.iter_mut().chain(&mut self.previous) {
            key_frame.seen = now;
        }
    }

    /// Compares a picture with earlier ones. A segment that was seen already is no new evidence.
    pub fn observe(&mut self, picture: &PictureSample, tick: &Tick, is_static: bool) -> Standstill {
        let now = tick.now;
        let last = self.last.replace(now.seconds);
        if tick.is_gap || last.is_some_and(|last| tick.is_long_since(last)) {
            self.restart(now);
        }
        let key_frame = || KeyFrame {
            seen: now,
            number: picture.media_sequence_number,
            coded_hash: picture.coded_hash,
            fingerprint: picture.fingerprint.clone(),
        };
        let previous = self.previous.replace(key_frame());
        let is_same_segment = |previous: &KeyFrame| previous.number.is_some() && previous.number == picture.media_sequence_number;
        if let Some(previous) = previous.as_ref().filter(|previous| is_same_segment(previous) && previous.coded_hash == picture.coded_hash)
        {
            let seen = previous.seen;
            self.previous = Some(KeyFrame { seen, ..key_frame() });
            return Standstill { evidence: Evidence::Unchanged, is_grainy: false };
        }
        if is_static {
            let seen = previous.map_or(now, |previous| previous.seen);
            return Standstill { evidence: self.compare_coded(picture, seen), is_grainy: false };
        }
        let likeness = self.first.as_ref().map_or(Likeness::Different, |first| first.compare(picture));
        match &self.first {
            Some(first) if likeness != Likeness::Different => {
                let is_as_before = || previous.is_some_and(|previous| previous.compare(picture) == Likeness::Identical);
                let is_identical = likeness == Likeness::Identical || is_as_before();
                self.identical = self.identical.saturating_add(if is_identical { 1 } else { -1 });
                Standstill { evidence: Evidence::For(first.seen), is_grainy: self.identical < 0 }
            }
            _ => {
                (self.first, self.identical) = (Some(key_frame()), 0);
                Standstill { evidence: Evidence::Against, is_grainy: false }
            }
        }
    }

    /// A static channel is fine while its encoder produces new key frames, or at least new segments. If an encoder codes the same picture
    /// to the same bytes, sound still changes the size of its segments.
    fn compare_coded(&mut self, picture: &PictureSample, since: Moment) -> Evidence {
        let Some(hash) = picture.coded_hash else { return Evidence::None };
        let coded = (hash, picture.bits_per_pixel_second.map(f64::to_bits));
        if self.coded.contains(&coded) {
            return Evidence::For(since);
        }
        if self.coded.len() == REMEMBERED {
            self.coded.pop_front();
        }
        self.coded.push_back(coded);
        Evidence::Against
    }
}
