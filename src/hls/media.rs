//! The Media Playlist (section 4.4.3).

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    attributes::Attributes,
    date,
    low_latency::{Part, PreloadHint, RenditionReport, ServerControl},
    multivariant::StartOffset,
    segment::Segment,
};

/// The flaw that reports mention too, because the picture's date is then unknown.
pub(super) const UNREADABLE_DATE: &str = "an EXT-X-PROGRAM-DATE-TIME cannot be read";

/// Segments of one Variant or Rendition (section 4.1).
#[derive(Debug, Clone)]
pub struct MediaPlaylist {
    /// Its URL after redirects.
    pub url: Url,
    /// EXT-X-TARGETDURATION in seconds, rounded up (section 4.4.3.1); `None` if it is missing or 0.
    pub target_duration: Option<f64>,
    /// Media Sequence Number of the first segment (section 4.4.3.2).
    pub media_sequence: u64,
    /// Discontinuity Sequence Number of the first segment (section 4.4.3.3).
    pub discontinuity_sequence: u64,
    /// In presentation order. The last one may be incomplete: see [`Segment::complete`].
    pub segments: Vec<Segment>,
    /// EXT-X-ENDLIST (section 4.4.3.4).
    pub ended: bool,
    /// EXT-X-PLAYLIST-TYPE (section 4.4.3.5).
    pub playlist_type: Option<PlaylistType>,
    /// EXT-X-I-FRAMES-ONLY (section 4.4.3.6).
    pub i_frames_only: bool,
    /// EXT-X-START (section 4.4.2.2).
    pub start: Option<StartOffset>,
    /// EXT-X-SERVER-CONTROL (section 4.4.3.8).
    pub control: ServerControl,
    /// PART-TARGET of EXT-X-PART-INF in seconds (section 4.4.3.7).
    pub part_target: Option<f64>,
    /// The next Partial Segment, by EXT-X-PRELOAD-HINT (section 4.4.5.3).
    pub hint: Option<PreloadHint>,
    /// EXT-X-RENDITION-REPORT (section 4.4.5.4).
    pub rendition_reports: Vec<RenditionReport>,
    /// EXT-X-DATERANGE (section 4.4.5.1).
    pub date_ranges: Vec<DateRange>,
    /// Number of segments that a delta update omits, by EXT-X-SKIP (section 4.4.5.2).
    pub skipped: u64,
    /// EXT-X-VERSION (section 4.4.1.2).
    pub version: Option<u64>,
    /// EXT-X-INDEPENDENT-SEGMENTS (section 4.4.2.1).
    pub independent_segments: bool,
    /// Flaws of the text itself, one sentence each.
    pub text_flaws: Vec<&'static str>,
}

/// How a playlist may change (section 4.4.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistType {
    /// Segments may be appended.
    Event,
    /// Nothing changes.
    Vod,
}

/// Attributes of a period of time (section 4.4.5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct DateRange {
    /// ID.
    pub id: String,
    /// CLASS.
    pub class: Option<String>,
    /// START-DATE.
    pub start: Option<DateTime<Utc>>,
    /// Seconds by DURATION, else PLANNED-DURATION, else END-DATE.
    pub duration: Option<f64>,
}

impl MediaPlaylist {
    /// Whether segments may still be added (section 6.3.1).
    pub fn is_live(&self) -> bool {
        !self.ended && self.playlist_type != Some(PlaylistType::Vod)
    }

    /// The segments that exist completely.
    pub fn complete_segments(&self) -> &[Segment] {
        match self.segments.split_last() {
            Some((last, others)) if !last.complete => others,
            _ => &self.segments,
        }
    }

    /// Media Sequence Number and part index of the next Partial Segment.
    pub fn next(&self) -> (u64, u64) {
        match self.segments.last() {
            Some(last) if last.complete => (last.media_sequence_number.saturating_add(1), 0),
            Some(last) => (last.media_sequence_number, last.parts.len() as u64),
            None => (self.media_sequence, 0),
        }
    }

    /// The approximate size in memory, in bytes.
    pub fn size(&self) -> usize {
        let segment = |segment: &Segment| size_of::<Segment>() + segment.url.as_str().len() + segment.parts.len() * size_of::<Part>() * 2;
        size_of::<Self>() + self.segments.iter().map(segment).sum::<usize>()
    }

    /// Notes about the text for the report.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.text_flaws.iter().filter(|flaw| **flaw == UNREADABLE_DATE).map(|flaw| (*flaw).to_owned())
    }

    /// Seconds from the start of the first segment to the end of the last one.
    pub fn duration(&self) -> f64 {
        self.segments.last().map_or(0.0, Segment::end)
    }
}

impl DateRange {
    /// Reads EXT-X-DATERANGE. `None` without an ID.
    pub(super) fn of(attributes: &str) -> Option<Self> {
        let list = Attributes::of(attributes);
        let start = list.get("START-DATE").and_then(date::parse);
        let end = list.get("END-DATE").and_then(date::parse);
        let between = || end.zip(start).map(|(end, start)| (end - start).as_seconds_f64());
        Some(Self {
            id: list.get("ID")?.to_owned(),
            class: list.get("CLASS").map(str::to_owned),
            start,
            duration: list.float("DURATION").or_else(|| list.float("PLANNED-DURATION")).or_else(between),
        })
    }
}
