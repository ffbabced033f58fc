//! The Media Playlist (section 4.4.3 and 4.4.4), with what tags carry forward spelled out on every segment.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use m3u8_rs::{ExtTag, MediaPlaylistType, MediaSegment};
use url::Url;

use super::{
    key::{Key, Keys},
    multivariant::Start,
    normalise,
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
    /// In the order of presentation.
    pub segments: Vec<Segment>,
    /// EXT-X-ENDLIST.
    pub ended: bool,
    /// EXT-X-PLAYLIST-TYPE.
    pub playlist_type: Option<PlaylistType>,
    /// EXT-X-I-FRAMES-ONLY.
    pub i_frames_only: bool,
    /// EXT-X-START.
    pub start: Option<Start>,
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
}

impl Segment {
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

    /// Seconds from the first segment's start to the last one's end.
    pub fn duration(&self) -> f64 {
        self.segments.last().map_or(0.0, Segment::end)
    }

    pub(super) fn of(tokens: m3u8_rs::MediaPlaylist, url: &Url) -> Self {
        let target_duration = Some(tokens.target_duration as f64).filter(|seconds| *seconds > 0.0);
        let mut carried = Carried {
            base: url.clone(),
            usual_duration: target_duration.unwrap_or_default(),
            start: 0.0,
            number: tokens.media_sequence,
            discontinuity: tokens.discontinuity_sequence,
            date: None,
            keys: Keys::default(),
            init: None,
            range_end: None,
            bitrate: None,
        };
        // Where EXTINF is used, a line without one is no segment, but something that strayed into the text
        let needs_extinf = tokens.segments.iter().any(has_extinf);
        let mut segments = Vec::with_capacity(tokens.segments.len());
        for token in &tokens.segments {
            let tags = carried.take_tags(token);
            if has_extinf(token) || !needs_extinf {
                segments.push(carried.segment(token, tags));
            }
        }
        date_backwards(&mut segments);
        Self {
            url: url.clone(),
            target_duration,
            media_sequence: tokens.media_sequence,
            discontinuity_sequence: tokens.discontinuity_sequence,
            segments,
            ended: tokens.end_list,
            playlist_type: tokens.playlist_type.and_then(|kind| match kind {
                MediaPlaylistType::Event => Some(PlaylistType::Event),
                MediaPlaylistType::Vod => Some(PlaylistType::Vod),
                MediaPlaylistType::Other(_) => None,
            }),
            i_frames_only: tokens.i_frames_only,
            start: tokens.start.map(Start::from),
        }
    }
}

/// What one segment hands on to the next.
struct Carried {
    base: Url,
    /// Seconds of a segment that tells none: the target duration.
    usual_duration: f64,
    start: f64,
    number: u64,
    discontinuity: u64,
    date: Option<DateTime<Utc>>,
    keys: Keys,
    init: Option<Arc<Init>>,
    /// Where the last range ended, and in which resource.
    range_end: Option<(Url, u64)>,
    bitrate: Option<u64>,
}

fn has_extinf(token: &MediaSegment) -> bool {
    token.title.is_some()
}

/// What tags say of one segment alone.
struct Tags {
    duration: f64,
    gap: bool,
}

impl Carried {
    fn take_tags(&mut self, token: &MediaSegment) -> Tags {
        let duration = token.title.as_deref().map_or(self.usual_duration, |digits| digits.parse().unwrap_or_default());
        let mut tags = Tags { duration, gap: false };
        for ExtTag { tag, rest } in &token.unknown_tags {
            let value = rest.as_deref().unwrap_or_default();
            match tag.as_str() {
                normalise::KEY => self.keys.take(value, &self.base),
                normalise::INIT => self.take_init(token.map.as_ref()),
                normalise::SKIPPED => self.number = self.number.saturating_add(value.parse().unwrap_or_default()),
                "X-GAP" => tags.gap = true,
                "X-BITRATE" => self.bitrate = value.parse().ok(),
                _ => {}
            }
        }
        if token.discontinuity {
            self.discontinuity = self.discontinuity.saturating_add(1);
        }
        if let Some(date) = token.program_date_time {
            self.date = Some(date.to_utc());
        }
        tags
    }

    fn segment(&mut self, token: &MediaSegment, Tags { duration, mut gap }: Tags) -> Segment {
        // Where URI or range make no sense, there is no media that could be asked for
        let url = self.base.join(&token.uri);
        gap |= url.is_err();
        let url = url.unwrap_or_else(|_| self.base.clone());
        let byte_range = token.byte_range.as_ref().and_then(|range| {
            let resolved = self.resolve(range, &url);
            gap |= resolved.is_none();
            resolved
        });
        self.range_end = byte_range.map(|range| (url.clone(), range.offset.saturating_add(range.length)));
        let segment = Segment {
            url,
            byte_range,
            start: self.start,
            duration,
            media_sequence_number: self.number,
            discontinuity_sequence_number: self.discontinuity,
            init: self.init.clone(),
            key: self.keys.current(),
            gap,
            program_date_time: self.date,
            bitrate: self.bitrate.filter(|_| byte_range.is_none()),
        };
        self.start += duration;
        self.number = self.number.saturating_add(1);
        self.date = self.date.and_then(|date| date.checked_add_signed(time_delta(duration)));
        segment
    }

    /// An init is encrypted by the key that stands before it, not by one between it and the segment.
    fn take_init(&mut self, map: Option<&m3u8_rs::Map>) {
        let Some((map, url)) = map.and_then(|map| Some((map, self.base.join(&map.uri).ok()?))) else { return };
        let byte_range = map.byte_range.as_ref();
        let byte_range = byte_range.map(|range| ByteRange { offset: range.offset.unwrap_or(0), length: range.length });
        let init = Init { url, byte_range: byte_range.filter(ByteRange::is_sound), key: self.keys.current() };
        if self.init.as_deref() != Some(&init) {
            self.init = Some(Arc::new(init));
        }
    }

    /// Without an offset a range goes on where the one before it ended, if that was in the same resource. `None` where it holds nothing, or
    /// would end beyond every file.
    fn resolve(&self, range: &m3u8_rs::ByteRange, url: &Url) -> Option<ByteRange> {
        let follows = self.range_end.as_ref().filter(|(before, _)| before == url).map(|(_, end)| *end);
        let after_init = || {
            let init = self.init.as_ref().filter(|init| init.url == *url)?;
            init.byte_range.map(|range| range.offset.saturating_add(range.length))
        };
        let offset = range.offset.or(follows).or_else(after_init).unwrap_or(0);
        Some(ByteRange { offset, length: range.length }).filter(ByteRange::is_sound)
    }
}

impl ByteRange {
    fn is_sound(&self) -> bool {
        self.length > 0 && self.offset.checked_add(self.length).is_some()
    }
}

/// Segments before the first EXT-X-PROGRAM-DATE-TIME are dated back from it (section 4.4.4.6).
fn date_backwards(segments: &mut [Segment]) {
    let dated = segments.iter().position(|segment| segment.program_date_time.is_some());
    let mut next = dated.and_then(|index| segments.get(index)?.program_date_time);
    for segment in segments.iter_mut().take(dated.unwrap_or(0)).rev() {
        next = next.and_then(|date| date.checked_sub_signed(time_delta(segment.duration)));
        segment.program_date_time = next;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float outside of the range is saturated")]
fn time_delta(seconds: f64) -> TimeDelta {
    TimeDelta::microseconds((seconds * 1e6).round() as i64)
}
