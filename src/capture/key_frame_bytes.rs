//! How many bytes of a segment hold the frames up to a moment: learned from the segments read before, so that each takes one bounded
//! request.

use std::sync::atomic::{AtomicU64, Ordering};

/// A moment less than this many seconds after the start of a segment is its start.
pub(super) const AT_START: f64 = 0.001;

/// The bytes of a key frame if nothing is known.
pub(super) const UNKNOWN: u64 = 256 << 10;

/// The size in bytes of a request for a key frame of a stream of `bits` per second. A key frame weighs at most as much as half a second of
/// video; a wrong estimate costs one more request.
pub(super) fn estimate(bits: Option<u64>) -> u64 {
    const MIN: u64 = 64 << 10;
    const MAX: u64 = 2 << 20;
    bits.map_or(UNKNOWN, |bits| bits / 8 * 3 / 5).clamp(MIN, MAX)
}

/// The most bytes that searches have taken until now.
#[derive(Debug, Default)]
pub(super) struct KeyFrameBytes {
    /// Of a segment, for its first key frame.
    first: AtomicU64,
    /// Of a segment, for each second up to a moment.
    per_second: AtomicU64,
}

impl KeyFrameBytes {
    /// Frames differ in size: a second request costs more than these bytes.
    const MARGIN: u64 = 2 << 10;
    const MIN: u64 = 8 << 10;
    /// The first frame of a segment is the largest. Moments less than this many seconds after it say little about the others.
    const MIN_OFFSET: f64 = 0.5;

    /// Adds the bytes from the start of a segment that one search took for a frame `offset` seconds after it.
    pub fn learn(&self, offset: f64, bytes: u64) {
        if offset < AT_START {
            self.first.fetch_max(bytes, Ordering::Relaxed);
        } else if offset >= Self::MIN_OFFSET {
            self.per_second.fetch_max(saturated(bytes as f64 / offset), Ordering::Relaxed);
        }
    }

    /// The size of a first request for the first key frame, in bytes; `None` before anything is known.
    pub fn first_key_frame(&self) -> Option<u64> {
        Self::with_margin(self.first.load(Ordering::Relaxed))
    }

    /// The size of a first request for a frame `offset` seconds after the start of its segment.
    pub fn frame_at(&self, offset: f64) -> Option<u64> {
        let per_second = self.per_second.load(Ordering::Relaxed);
        Self::with_margin(saturated(per_second as f64 * offset.max(Self::MIN_OFFSET)))
    }

    fn with_margin(bytes: u64) -> Option<u64> {
        (bytes > 0).then(|| bytes.saturating_add(bytes / 4).saturating_add(Self::MARGIN).max(Self::MIN))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
fn saturated(bytes: f64) -> u64 {
    bytes as u64
}
