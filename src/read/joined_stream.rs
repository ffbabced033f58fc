//! Joins the clear bytes of all spans into the stream that the demuxer reads, and records the offset of each segment in it.

use bytes::Bytes;

use super::{byte_spans::ByteSpan, init_filter::InitFilter};
use crate::protection::SegmentOffsets;

/// One stream made of an init and segments.
#[derive(Default)]
pub(super) struct JoinedStream {
    init_filter: InitFilter,
    /// The number of bytes returned or held: the offset of the next byte.
    length: u64,
    offsets: SegmentOffsets,
}

impl JoinedStream {
    /// The offset of each segment. Clones share their content.
    pub fn offsets(&self) -> &SegmentOffsets {
        &self.offsets
    }

    /// Marks the start of a span, before its first byte.
    pub fn begin_span(&mut self, span: &ByteSpan) {
        self.offsets.begin(self.length, span.key_ref.as_ref(), span.segment);
    }

    /// Adds clear bytes of a span, the last of the first `received` ones; returns those that are ready for the demuxer. The init ends at
    /// its media, and is held until the media is known to need it. `at_end`: the span has no more.
    pub fn push(&mut self, span: &ByteSpan, mut clear: Bytes, received: u64, at_end: bool) -> Option<Bytes> {
        let count = clear.len() as u64;
        self.length += count;
        let start = received.saturating_sub(count);
        let init_count = if span.is_init { count } else { span.init_length.saturating_sub(start).min(count) };
        let init = clear.split_to(usize::try_from(init_count).unwrap_or(clear.len()));
        if span.is_init || init_count > 0 {
            let ends_here = at_end || (!span.is_init && start + init_count == span.init_length);
            let kept = self.init_filter.push_init(&init, ends_here);
            self.length = (self.length + kept).saturating_sub(init_count);
        }
        if span.is_init || (clear.is_empty() && !at_end) {
            return None;
        }
        let (ready, dropped) = self.init_filter.push_media(clear, at_end)?;
        if dropped > 0 {
            self.length = self.length.saturating_sub(dropped);
            self.offsets.restart(span.key_ref.as_ref(), span.segment);
        }
        (!ready.is_empty()).then_some(ready)
    }

    /// Adds the clear bytes of the last span, which is complete, and ends the stream.
    pub fn push_last(&mut self, clear: &[u8]) -> Option<Bytes> {
        self.length += clear.len() as u64;
        let joined = [&self.finish().unwrap_or_default(), clear].concat();
        (!joined.is_empty()).then(|| joined.into())
    }

    /// Whether the init has ended, even if its resource goes on.
    pub fn is_init_over(&self) -> bool {
        self.init_filter.is_init_over()
    }

    /// The bytes still held after the last span.
    pub fn finish(&mut self) -> Option<Bytes> {
        self.init_filter.finish()
    }
}
