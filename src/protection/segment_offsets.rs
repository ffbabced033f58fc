//! Offsets of segments in the demuxer's stream. They map a packet to its segment and key.

use std::sync::{Arc, Mutex, PoisonError};

use super::keyring::KeyRef;

/// Start offsets in stream order. The reader writes them, the sample decryptor reads them; clones share their content.
#[derive(Clone, Default)]
pub(crate) struct SegmentOffsets(Arc<Mutex<Vec<SegmentOffset>>>);

#[derive(Debug, Clone)]
struct SegmentOffset {
    /// First byte in the stream.
    offset: u64,
    /// Key of encrypted samples.
    sample_key: Option<KeyRef>,
    /// Index of the segment.
    segment: usize,
}

impl SegmentOffsets {
    /// Adds a byte span that begins at `offset`.
    pub fn begin(&self, offset: u64, key_ref: Option<&KeyRef>, segment: usize) {
        let sample_key = key_ref.filter(|key_ref| key_ref.cipher().is_none()).cloned();
        let mut offsets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offsets.retain(|earlier| earlier.offset < offset);
        offsets.push(SegmentOffset { offset, sample_key, segment });
    }

    /// Forgets all earlier spans and moves the current one to offset 0: everything before it was dropped.
    pub fn restart(&self, key_ref: Option<&KeyRef>, segment: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.begin(0, key_ref, segment);
    }

    /// The first start offset after `from`, up to and including `to`.
    pub fn start_between(&self, from: u64, to: u64) -> Option<u64> {
        let offsets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offsets.iter().map(|start| start.offset).find(|offset| *offset > from && *offset <= to)
    }

    /// Index of the segment at a position; of the newest one for `None`.
    pub fn segment_at(&self, position: Option<u64>) -> usize {
        self.at(position).map_or(0, |start| start.segment)
    }

    /// Key of the samples at a position; of the newest ones for `None`.
    pub(super) fn sample_key_at(&self, position: Option<u64>) -> Option<KeyRef> {
        self.at(position).and_then(|start| start.sample_key)
    }

    fn at(&self, position: Option<u64>) -> Option<SegmentOffset> {
        let offsets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match position {
            Some(position) => offsets.iter().rfind(|start| start.offset <= position).cloned(),
            None => offsets.last().cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_belongs_to_the_segment_that_begins_at_or_before_it() {
        let offsets = SegmentOffsets::default();
        assert_eq!(offsets.sample_key_at(Some(5)), None);
        offsets.begin(0, None, 0);
        offsets.begin(100, None, 1);
        assert_eq!((offsets.sample_key_at(Some(50)), offsets.segment_at(Some(50)), offsets.segment_at(Some(100))), (None, 0, 1));
        assert_eq!((offsets.start_between(0, 99), offsets.start_between(0, 100), offsets.start_between(100, 200)), (None, Some(100), None));
    }
}
