//! The Media Playlist (sections 4.4.3 to 4.4.5): what [`super::carried`] makes of its tags.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{
    key::Key,
    low_latency::{Part, PreloadHint, RenditionReport, ServerControl},
    multivariant::StartOffset,
    normalise::UNREADABLE_DATE,
};

/// Segments of one Variant or Rendition.
#[derive(Debug, Clone)]
pub struct MediaPlaylist {
    /// Where it came from.
    pub url: Url,
    /// EXT-X-TARGETDURATION in seconds, rounded up; `None` where it is missing or 0.
    pub target_duration: Option<f64>,
    /// The Media Sequence Number of the first segment.
    pub media_sequence: u64,
    /// The Discontinuity Sequence Number of the first segment.
    pub discontinuity_sequence: u64,
    /// In the order of presentation. Of the last one there may only be parts yet: see [`Segment::complete`].
    pub segments: Vec<Segment>,
    /// EXT-X-ENDLIST.
    pub ended: bool,
    /// EXT-X-PLAYLIST-TYPE.
    pub playlist_type: Option<PlaylistType>,
    /// EXT-X-I-FRAMES-ONLY.
    pub i_frames_only: bool,
    /// EXT-X-START.
    pub start: Option<StartOffset>,
    /// EXT-X-SERVER-CONTROL.
    pub control: ServerControl,
    /// PART-TARGET in seconds.
    pub part_target: Option<f64>,
    /// The part that comes next.
    pub hint: Option<PreloadHint>,
    /// EXT-X-RENDITION-REPORT.
    pub rendition_reports: Vec<RenditionReport>,
    /// EXT-X-DATERANGE.
    pub date_ranges: Vec<DateRange>,
    /// Segments that a delta update leaves out (EXT-X-SKIP).
    pub skipped: u64,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// What is wrong with the text as such, for people.
    pub oddities: Vec<&'static str>,
}

/// Something that is told about a stretch of time (section 4.4.5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct DateRange {
    /// ID.
    pub id: String,
    /// CLASS.
    pub class: Option<String>,
    /// START-DATE.
    pub start: Option<DateTime<Utc>>,
    /// DURATION, else PLANNED-DURATION, else what END-DATE makes it, in seconds.
    pub duration: Option<f64>,
}

/// What may still change (section 4.4.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistType {
    /// Segments may be added.
    Event,
    /// Nothing.
    Vod,
}

/// A Media Segment (section 4.4.4).
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The resource that holds it.
    pub url: Url,
    /// Its part of the resource; `None` is the whole.
    pub byte_range: Option<ByteRange>,
    /// Seconds from the start of the playlist's first segment.
    pub start: f64,
    /// Seconds, as EXTINF has them; the target duration in a playlist without any EXTINF.
    pub duration: f64,
    /// Its Media Sequence Number.
    pub media_sequence_number: u64,
    /// Its Discontinuity Sequence Number.
    pub discontinuity_sequence_number: u64,
    /// The Media Initialization Section that applies.
    pub init: Option<Arc<Init>>,
    /// How it is encrypted; `None` where it is clear. Neighbours with the same key share it.
    pub key: Option<Arc<Key>>,
    /// There is no media: EXT-X-GAP, or a URI or byte range that makes no sense.
    pub gap: bool,
    /// The date of its first sample, counted on from the last EXT-X-PROGRAM-DATE-TIME, or back from the first.
    pub program_date_time: Option<DateTime<Utc>>,
    /// EXT-X-BITRATE in thousands of bits a second.
    pub bitrate: Option<u64>,
    /// Its Partial Segments, where they are told.
    pub parts: Vec<Part>,
    /// How pictures lie in an image (EXT-X-TILES); `None` where it is none.
    pub tiles: Option<Tiles>,
    /// Whether it is there as a whole; else `parts` are all that there is, and `url` is the last one's.
    pub complete: bool,
}

/// How pictures lie in an image, row by row (EXT-X-TILES, of Roku's image playlists).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    /// Pictures across and down.
    pub layout: (u32, u32),
    /// Seconds that each stands for.
    pub duration: f64,
}

impl Segment {
    /// What is there of it from the part `index` on, as a segment of its own.
    #[must_use]
    pub fn from_part(&self, index: usize) -> Self {
        let parts: Vec<Part> = self.parts.get(index..).unwrap_or_default().to_vec();
        let start = parts.first().map_or(self.start, |part| part.start);
        let program_date_time = self.program_date_time.and_then(|date| date.checked_add_signed(time_delta(start - self.start)));
        Self { start, duration: (self.end() - start).max(0.0), program_date_time, parts, complete: false, ..self.clone() }
    }

    /// Seconds from the start of the playlist's first segment to its end.
    pub fn end(&self) -> f64 {
        self.start + self.duration
    }
}

/// A Media Initialization Section (section 4.4.4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The resource that holds it.
    pub url: Url,
    /// Its part of the resource; `None` is the whole.
    pub byte_range: Option<ByteRange>,
    /// How it is encrypted.
    pub key: Option<Arc<Key>>,
}

/// A part of a resource, in bytes (section 4.4.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

impl MediaPlaylist {
    /// Whether segments may still be added (section 6.3.1).
    pub fn is_live(&self) -> bool {
        !self.ended && self.playlist_type != Some(PlaylistType::Vod)
    }

    /// The segments that are there as a whole.
    pub fn complete_segments(&self) -> &[Segment] {
        match self.segments.split_last() {
            Some((last, others)) if !last.complete => others,
            _ => &self.segments,
        }
    }

    /// The Media Sequence Number of the segment that comes next, and the index of the part that comes next in it.
    pub fn next(&self) -> (u64, u64) {
        match self.segments.last() {
            Some(last) if last.complete => (last.media_sequence_number.saturating_add(1), 0),
            Some(last) => (last.media_sequence_number, last.parts.len() as u64),
            None => (self.media_sequence, 0),
        }
    }

    /// What a report says about the text.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.oddities.iter().filter(|oddity| **oddity == UNREADABLE_DATE).map(|oddity| (*oddity).to_owned())
    }

    /// Seconds from the first segment's start to the last one's end.
    pub fn duration(&self) -> f64 {
        self.segments.last().map_or(0.0, Segment::end)
    }
}

impl ByteRange {
    /// Whether it holds anything, and ends where a file can end.
    pub(super) fn is_sound(&self) -> bool {
        self.length > 0 && self.offset.checked_add(self.length).is_some()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float outside of the range is saturated")]
pub(super) fn time_delta(seconds: f64) -> TimeDelta {
    TimeDelta::microseconds((seconds * 1e6).round() as i64)
}
