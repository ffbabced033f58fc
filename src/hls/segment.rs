//! A Media Segment and what belongs to it (section 4.4.4).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    attributes::Attributes,
    byte_range::{ByteRange, ByteRangeTag},
    key::Key,
    low_latency::Part,
};
use crate::time::time_delta;

/// A Media Segment (section 4.4.4).
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The resource that contains it.
    pub url: Url,
    /// Its bytes in the resource (section 4.4.4.2); `None` is the whole resource.
    pub byte_range: Option<ByteRange>,
    /// Seconds from the start of the playlist's first segment.
    pub start: f64,
    /// Seconds by EXTINF (section 4.4.4.1); the target duration if the playlist has no EXTINF.
    pub duration: f64,
    /// Media Sequence Number (section 3).
    pub media_sequence_number: u64,
    /// Discontinuity Sequence Number (section 3).
    pub discontinuity_sequence_number: u64,
    /// The Media Initialization Section that applies (section 4.4.4.5).
    pub init: Option<Arc<Init>>,
    /// Encryption (section 4.4.4.4); `None` if it is clear. Neighbors with the same key share it.
    pub key: Option<Arc<Key>>,
    /// Whether there is no media: EXT-X-GAP (section 4.4.4.7), or an invalid URI or byte range.
    pub gap: bool,
    /// Date of its first sample (section 4.4.4.6), extrapolated from the previous or the first EXT-X-PROGRAM-DATE-TIME.
    pub program_date_time: Option<DateTime<Utc>>,
    /// EXT-X-BITRATE in kilobits per second (section 4.4.4.8).
    pub bitrate: Option<u64>,
    /// Its Partial Segments, if the playlist lists them (section 4.4.4.9).
    pub parts: Vec<Part>,
    /// The tiles of an image; `None` for other media.
    pub tiles: Option<Tiles>,
    /// Whether the whole segment exists. Otherwise it consists of the `parts` published until now, and `url` is that of the last one.
    pub complete: bool,
}

/// How an image is divided into pictures, row by row (EXT-X-TILES of Roku's image playlists).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    /// Columns and rows.
    pub layout: (u32, u32),
    /// Seconds of playback that each picture represents.
    pub duration: f64,
}

/// A Media Initialization Section (section 4.4.4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The resource that contains it.
    pub url: Url,
    /// Its bytes in the resource; `None` is the whole resource.
    pub byte_range: Option<ByteRange>,
    /// Encryption; `None` if it is clear.
    pub key: Option<Arc<Key>>,
}

impl Segment {
    /// The segment without the parts before `index`, in a segment of its own.
    #[must_use]
    pub fn from_part(&self, index: usize) -> Self {
        let parts: Vec<Part> = self.parts.get(index..).unwrap_or_default().to_vec();
        let start = parts.first().map_or(self.start, |part| part.start);
        let program_date_time = self.program_date_time.and_then(|date| date.checked_add_signed(time_delta(start - self.start)));
        Self { start, duration: (self.end() - start).max(0.0), program_date_time, parts, complete: false, ..self.clone() }
    }

    /// End of the segment, in seconds from the start of the playlist's first segment.
    pub fn end(&self) -> f64 {
        self.start + self.duration
    }
}

impl Tiles {
    /// Reads EXT-X-TILES. `None` if LAYOUT or DURATION is missing or invalid.
    pub(super) fn of(attributes: &str) -> Option<Self> {
        let list = Attributes::of(attributes);
        let layout = list.resolution("LAYOUT")?;
        Some(Self { layout, duration: list.float("DURATION").filter(|seconds| *seconds > 0.0)? })
    }
}

impl Init {
    /// Reads EXT-X-MAP. `key` is the one that applies at the tag. `None` if URI is missing or invalid.
    pub(super) fn of(attributes: &str, base: &Url, key: Option<Arc<Key>>) -> Option<Self> {
        let list = Attributes::of(attributes);
        let url = base.join(&list.get("URI")?.replace('"', "")).ok()?;
        let byte_range = list.get("BYTERANGE").and_then(ByteRangeTag::of);
        let byte_range = byte_range.map(|range| ByteRange { offset: range.offset.unwrap_or(0), length: range.length });
        Some(Self { url, byte_range: byte_range.filter(ByteRange::is_valid), key })
    }
}
