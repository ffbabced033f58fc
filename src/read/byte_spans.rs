//! Plans which byte spans make one stream for the demuxer: the init, a segment, and the segments that continue it.

use std::time::Duration;

use url::Url;

use crate::{
    error::Error,
    fetch::Range,
    hls::{self, ByteRange, Init, MediaPlaylist, Segment},
    protection::{Cipher, KeyRef, Keyring},
};

/// A contiguous run of bytes of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByteSpan {
    pub url: Url,
    /// First byte in the resource.
    pub offset: u64,
    /// Length in bytes; `None` reaches to the end of the resource.
    pub length: Option<u64>,
    /// Whether the span is a Media Initialization Section alone.
    pub is_init: bool,
    /// Length in bytes of a Media Initialization Section that was joined to the start.
    pub init_length: u64,
    /// The span may not exist yet: wait this long for it, then end the stream without it.
    pub hint_timeout: Option<Duration>,
    /// How the span is encrypted.
    pub key_ref: Option<KeyRef>,
    /// Index of its segment in the [`SegmentSpan`].
    pub segment: usize,
}

impl ByteSpan {
    /// All bytes of a clear resource.
    pub fn whole(url: &Url) -> Self {
        Self { url: url.clone(), offset: 0, length: None, is_init: false, init_length: 0, hint_timeout: None, key_ref: None, segment: 0 }
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

    /// Joins the media that follows an init in the same resource, so that one request fetches both. Returns whether it did.
    fn join(&mut self, next: &Self) -> bool {
        let is_separate = self.cipher().is_some() || next.cipher().is_some();
        let joins = self.is_init && !is_separate && self.url == next.url && self.end() == Some(next.offset);
        if joins {
            self.init_length = self.length.unwrap_or_default();
            self.key_ref.clone_from(&next.key_ref);
            self.length = next.length.and_then(|length| self.length?.checked_add(length));
            self.is_init = false;
        }
        joins
    }

    /// The cipher, if the span is encrypted as a whole.
    fn cipher(&self) -> Option<Cipher> {
        self.key_ref.as_ref().and_then(KeyRef::cipher)
    }

    /// Whether decryption returns nothing before the last byte arrives.
    pub(super) fn needs_all_bytes(&self) -> bool {
        self.cipher().is_some_and(Cipher::needs_all)
    }

    /// The range of the resource from `position` in the span on, at most `max` bytes.
    pub(super) fn range_from(&self, position: u64, max: Option<u64>) -> Range {
        let first = self.offset.saturating_add(position);
        let rest = self.length.map(|length| length.saturating_sub(position));
        match (rest, max) {
            (None, None) => Range { first, last: None },
            (Some(rest), Some(max)) => Range::of(first, rest.min(max)),
            (Some(length), None) | (None, Some(length)) => Range::of(first, length),
        }
    }
}

/// Consecutive segments that a decoder can decode without a reset.
#[derive(Debug)]
pub(crate) struct SegmentSpan {
    pub segments: Vec<Segment>,
    /// PAT and PMT of a transport stream whose byte ranges hold I-frames alone.
    tables: Option<ByteSpan>,
    /// The Partial Segment of EXT-X-PRELOAD-HINT.
    hinted: Option<ByteSpan>,
}

/// Maximum size of PAT and PMT, in bytes.
const MAX_TABLES_BYTES: u64 = 64 << 10;
/// How long to wait for a hinted Part, in part target durations: it is due after one, and a little later is still in time.
const HINT_TIMEOUT_PARTS: f64 = 1.5;

impl SegmentSpan {
    /// The segments from `start` up to the one with the index `last`, or up to a discontinuity.
    pub fn new(playlist: &MediaPlaylist, start: hls::SearchStart, last: usize) -> Self {
        // Each entry of an I-frame Playlist is decoded alone
        let last = if playlist.i_frames_only { start.segment } else { last };
        let segments = playlist.segments.get(start.segment..).unwrap_or_default();
        let continuations = segments.windows(2).take_while(|pair| matches!(pair, [one, next] if continues(one, next))).count();
        let count = (continuations + 1).min(last.saturating_sub(start.segment) + 1).min(segments.len());
        let mut segments = segments.get(..count).unwrap_or_default().to_vec();
        if let Some(first) = segments.first_mut().filter(|_| start.part > 0) {
            *first = first.from_part(start.part);
        }
        let tables = segments.first().filter(|_| playlist.i_frames_only).and_then(|segment| tables(playlist, segment));
        Self { segments, tables, hinted: None }
    }

    /// The start of each segment in the playlist, in seconds.
    pub fn starts(&self) -> Vec<f64> {
        self.segments.iter().map(|segment| segment.start).collect()
    }

    /// Appends the Partial Segment of EXT-X-PRELOAD-HINT, if the playlist has one.
    #[must_use]
    pub fn with_hint(mut self, playlist: &MediaPlaylist) -> Self {
        self.hinted = playlist.hint.as_ref().zip(playlist.part_target).map(|(hint, target)| ByteSpan {
            offset: hint.offset,
            length: hint.length,
            hint_timeout: Some(Duration::from_secs_f64((target * HINT_TIMEOUT_PARTS).clamp(0.1, 10.0))),
            ..ByteSpan::whole(&hint.url)
        });
        self
    }

    /// The byte spans of the init and the segments, up to the first segment without a key. Fails with `encrypted` if the init or the first
    /// segment has none.
    pub fn byte_spans(&self, keyring: &Keyring) -> Result<Vec<ByteSpan>, Error> {
        let Some(first) = self.segments.first() else { return Ok(Vec::new()) };
        let mut spans = Vec::new();
        if let Some(Init { url, byte_range, key }) = first.init.as_deref() {
            // An encrypted init needs an IV attribute; without one, the segment's number is the best guess
            let key_ref = keyring.key_ref(key.as_deref(), first.media_sequence_number)?;
            spans.push(ByteSpan { is_init: true, key_ref, ..ByteSpan::new(url, *byte_range) });
        }
        let mut add = |span: ByteSpan| {
            if !spans.last_mut().is_some_and(|last: &mut ByteSpan| last.join(&span)) {
                spans.push(span);
            }
        };
        for (index, segment) in self.segments.iter().enumerate() {
            let key_ref = match keyring.key_ref(segment.key.as_deref(), segment.media_sequence_number) {
                Err(_) if index > 0 => return Ok(spans),
                key_ref => key_ref?,
            };
            let tables = self.tables.clone().filter(|_| index == 0 && first.init.is_none());
            // Ranges that are encrypted one by one have no clear tables
            let tables = tables.filter(|_| key_ref.as_ref().and_then(KeyRef::cipher).is_none());
            let media = media_spans(segment).map(|span| ByteSpan { key_ref: key_ref.clone(), segment: index, ..span });
            tables.into_iter().chain(media).for_each(&mut add);
        }
        if let (Some(hinted), Some(last)) = (&self.hinted, self.segments.last()) {
            let number = last.media_sequence_number + u64::from(last.complete);
            if let Ok(key_ref) = keyring.key_ref(last.key.as_deref(), number) {
                add(ByteSpan { key_ref, segment: self.segments.len() - 1, ..hinted.clone() });
            }
        }
        Ok(spans)
    }
}

/// The whole segment, or its Partial Segments while it is incomplete.
fn media_spans(segment: &Segment) -> impl Iterator<Item = ByteSpan> {
    let whole = segment.complete.then(|| ByteSpan::new(&segment.url, segment.byte_range));
    let parts = segment.parts.iter().filter(|part| !segment.complete && !part.gap);
    whole.into_iter().chain(parts.map(|part| ByteSpan::new(&part.url, part.byte_range)))
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
    (1..=MAX_TABLES_BYTES).contains(&first).then(|| ByteSpan { is_init: true, ..ByteSpan::new(&segment.url, Some(range)) })
}
