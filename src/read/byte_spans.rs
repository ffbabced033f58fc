//! Which byte ranges make one stream for the demuxer: the init, a segment, and those that continue it.

use std::time::Duration;

use url::Url;

use crate::{
    error::Error,
    fetch::Range,
    hls::{self, ByteRange, Init, MediaPlaylist, Segment},
    protection::{KeyRef, Keyring},
};

/// A stretch of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByteSpan {
    pub url: Url,
    /// Where it begins in the resource, in bytes.
    pub offset: u64,
    /// How long it is; `None` is to the resource's end.
    pub length: Option<u64>,
    /// Whether it is a Media Initialization Section and nothing else.
    pub is_init: bool,
    /// How much of its start is a Media Initialization Section that was joined to it, in bytes.
    pub init_length: u64,
    /// It may not come: then what stands before it is all that there is. So long is waited for it.
    pub may_fail_after: Option<Duration>,
    /// How it is encrypted.
    pub lock: Option<KeyRef>,
    /// The index of its segment in the run.
    pub segment: usize,
}

impl ByteSpan {
    pub fn whole(url: &Url) -> Self {
        Self { url: url.clone(), offset: 0, length: None, is_init: false, init_length: 0, may_fail_after: None, lock: None, segment: 0 }
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
        let is_apart = self.is_whole_locked() || next.is_whole_locked();
        let joins = self.is_init && !is_apart && self.url == next.url && self.end() == Some(next.offset);
        if joins {
            self.init_length = self.length.unwrap_or_default();
            self.lock.clone_from(&next.lock);
            self.length = next.length.and_then(|length| self.length?.checked_add(length));
            self.is_init = false;
        }
        joins
    }

    /// Whether it is encrypted as a whole, so that it is opened by itself.
    fn is_whole_locked(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.cipher().is_some())
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

/// What is read one behind the other: segments without a break between them.
#[derive(Debug)]
pub(crate) struct SegmentSpan {
    pub segments: Vec<Segment>,
    /// Media that may stand before all of it: the tables of a transport stream whose ranges hold I-frames alone.
    tables: Option<ByteSpan>,
    /// The part that the origin is about to have.
    hinted: Option<ByteSpan>,
}

/// Larger than any tables are.
const LARGEST_TABLES: u64 = 64 << 10;
/// A part that is hinted at should be there after one part target; a little later is still in time.
const PARTS_WAITED_FOR: f64 = 1.5;

impl SegmentSpan {
    /// From a place on, up to the segment `last`, or to where a decoder could not go on.
    pub fn new(playlist: &MediaPlaylist, place: hls::PlaylistIndex, last: usize) -> Self {
        // Each entry of an I-frame Playlist stands for itself
        let last = if playlist.i_frames_only { place.segment } else { last };
        let segments = playlist.segments.get(place.segment..).unwrap_or_default();
        let goes_on = segments.windows(2).take_while(|pair| matches!(pair, [one, next] if continues(one, next))).count();
        let count = (goes_on + 1).min(last.saturating_sub(place.segment) + 1).min(segments.len());
        let mut segments = segments.get(..count).unwrap_or_default().to_vec();
        if let Some(first) = segments.first_mut().filter(|_| place.part > 0) {
            *first = first.from_part(place.part);
        }
        let tables = segments.first().filter(|_| playlist.i_frames_only).and_then(|segment| tables(playlist, segment));
        Self { segments, tables, hinted: None }
    }

    /// Where each segment starts in the playlist, in seconds.
    pub fn starts(&self) -> Vec<f64> {
        self.segments.iter().map(|segment| segment.start).collect()
    }

    /// Reads on into the part that the origin hints at.
    #[must_use]
    pub fn with_hint(mut self, playlist: &MediaPlaylist) -> Self {
        self.hinted = playlist.hint.as_ref().zip(playlist.part_target).map(|(hint, target)| ByteSpan {
            offset: hint.offset,
            length: hint.length,
            may_fail_after: Some(Duration::from_secs_f64((target * PARTS_WAITED_FOR).clamp(0.1, 10.0))),
            ..ByteSpan::whole(&hint.url)
        });
        self
    }

    /// The byte ranges with the init, up to the first segment that nothing opens. Fails with `encrypted` where that is the first one, or
    /// the init.
    pub fn parts(&self, keyring: &Keyring) -> Result<Vec<ByteSpan>, Error> {
        let Some(first) = self.segments.first() else { return Ok(Vec::new()) };
        let mut parts = Vec::new();
        if let Some(Init { url, byte_range, key }) = first.init.as_deref() {
            // An init needs an IV of its own; where it has none, the segment's is the best guess
            let lock = keyring.key_ref(key.as_deref(), first.media_sequence_number)?;
            parts.push(ByteSpan { is_init: true, lock, ..ByteSpan::new(url, *byte_range) });
        }
        let mut add = |part: ByteSpan| {
            if !parts.last_mut().is_some_and(|last: &mut ByteSpan| last.join(&part)) {
                parts.push(part);
            }
        };
        for (index, segment) in self.segments.iter().enumerate() {
            let lock = match keyring.key_ref(segment.key.as_deref(), segment.media_sequence_number) {
                Err(_) if index > 0 => return Ok(parts),
                lock => lock?,
            };
            let whole = segment.complete.then(|| ByteSpan::new(&segment.url, segment.byte_range));
            let partial = segment.parts.iter().filter(|part| !segment.complete && !part.gap);
            let media = whole.into_iter().chain(partial.map(|part| ByteSpan::new(&part.url, part.byte_range)));
            let media = media.map(|part| ByteSpan { lock: lock.clone(), segment: index, ..part });
            let tables = self.tables.clone().filter(|_| index == 0 && first.init.is_none());
            // What is encrypted range by range has no clear tables
            let tables = tables.filter(|_| lock.as_ref().is_none_or(|lock| lock.cipher().is_none()));
            tables.into_iter().chain(media).for_each(&mut add);
        }
        if let (Some(hinted), Some(last)) = (&self.hinted, self.segments.last()) {
            let number = last.media_sequence_number + u64::from(last.complete);
            if let Ok(lock) = keyring.key_ref(last.key.as_deref(), number) {
                add(ByteSpan { lock, segment: self.segments.len() - 1, ..hinted.clone() });
            }
        }
        Ok(parts)
    }
}

/// Whether a decoder can go on from one segment to the next.
pub(crate) fn continues(one: &Segment, next: &Segment) -> bool {
    one.discontinuity_sequence_number == next.discontinuity_sequence_number && one.init == next.init && !next.gap
}

/// The bytes of the resource before its first I-frame (section 6.3.3 names no other place for a transport stream's tables).
fn tables(playlist: &MediaPlaylist, segment: &Segment) -> Option<ByteSpan> {
    segment.byte_range.filter(|_| segment.init.is_none())?;
    let in_resource = playlist.segments.iter().filter(|other| other.url == segment.url);
    let first = in_resource.filter_map(|other| other.byte_range).map(|range| range.offset).min()?;
    let range = ByteRange { offset: 0, length: first };
    (1..=LARGEST_TABLES).contains(&first).then(|| ByteSpan { is_init: true, ..ByteSpan::new(&segment.url, Some(range)) })
}
