//! How many bytes of a segment hold its first key frame: learned from the segments read before, so that each takes one bounded request.

use std::sync::atomic::{AtomicU64, Ordering};

/// The most bytes that a first key frame has taken until now.
#[derive(Debug, Default)]
pub(super) struct KeyFrameBytes(AtomicU64);

impl KeyFrameBytes {
    /// Key frames differ in size: a second request costs more than these bytes.
    const MARGIN: u64 = 2 << 10;
    const MIN: u64 = 8 << 10;

    /// Adds what one key frame took, in bytes from the start of its segment.
    pub fn learn(&self, bytes: u64) {
        self.0.fetch_max(bytes, Ordering::Relaxed);
    }

    /// The size of the next first request, in bytes; `None` before anything is known.
    pub fn estimate(&self) -> Option<u64> {
        let largest = self.0.load(Ordering::Relaxed);
        (largest > 0).then(|| largest.saturating_add(largest / 4).saturating_add(Self::MARGIN).max(Self::MIN))
    }
}
