//! Which byte ranges make one stream for the demuxer: the init, a segment, and those that continue it.

use url::Url;

use crate::{
    fetch::Range,
    hls::{ByteRange, Init, MediaPlaylist, Segment},
};

/// A stretch of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub url: Url,
    /// Where it begins in the resource, in bytes.
    pub offset: u64,
    /// How long it is; `None` is to the resource's end.
    pub length: Option<u64>,
    /// Whether it is a Media Initialization Section and nothing else.
    pub is_init: bool,
}

impl Part {
    pub fn whole(url: &Url) -> Self {
        Self { url: url.clone(), offset: 0, length: None, is_init: false }
    }

    fn new(url: &Url, range: Option<ByteRange>) -> Self {
        match range {
            Some(ByteRange { offset, length }) => Self { offset, length: Some(length), ..Self::whole(url) },
            None => Self::whole(url),
        }
    }

    fn end(&self) -> Option<u64> {
        self.length.and_then(|length| self.offset.checked_add(length))
    }

    /// Joins an init and the segment that goes on where it ends in the same resource: one request instead of two.
    fn join(&mut self, next: &Self) -> bool {
        let joins = self.is_init && self.url == next.url && self.end() == Some(next.offset);
        if joins {
            self.length = next.length.and_then(|length| self.length?.checked_add(length));
            self.is_init = false;
        }
        joins
    }

    /// The range from `done` bytes on, at most `most` bytes.
    pub fn rest(&self, done: u64, most: Option<u64>) -> Range {
        let first = self.offset.saturating_add(done);
        let left = self.length.map(|length| length.saturating_sub(done));
        match (left, most) {
            (None, None) => Range { first, last: None },
            (Some(left), Some(most)) => Range::of(first, left.min(most)),
            (Some(length), None) | (None, Some(length)) => Range::of(first, length),
        }
    }
}

/// The segments that follow `index` without a break: the same init, the same discontinuity sequence, nothing missing, nothing encrypted.
pub(super) fn run_from(playlist: &MediaPlaylist, index: usize, most: usize) -> &[Segment] {
    let segments = playlist.segments.get(index..).unwrap_or_default();
    let goes_on = segments.windows(2).take_while(|pair| matches!(pair, [one, next] if continues(one, next))).count();
    segments.get(..(goes_on + 1).min(most).min(segments.len())).unwrap_or_default()
}

/// Whether a decoder can go on from one segment to the next.
pub(super) fn continues(one: &Segment, next: &Segment) -> bool {
    one.discontinuity_sequence_number == next.discontinuity_sequence_number && one.init == next.init && !next.gap && next.key.is_none()
}

/// The parts of a run of segments, with its init.
pub(super) fn of(segments: &[Segment]) -> Vec<Part> {
    let init = segments.first().and_then(|segment| segment.init.as_deref());
    let init = init.map(|Init { url, byte_range, .. }| Part { is_init: true, ..Part::new(url, *byte_range) });
    let mut parts: Vec<Part> = init.into_iter().collect();
    for segment in segments {
        let part = Part::new(&segment.url, segment.byte_range);
        if !parts.last_mut().is_some_and(|last| last.join(&part)) {
            parts.push(part);
        }
    }
    parts
}
