//! The Media Playlist (section 4.4.3 and 4.4.4), with what tags carry forward spelled out on every segment.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use m3u8_rs::{ExtTag, MediaPlaylistType, MediaSegment};
use url::Url;

use super::{attributes::Attributes, multivariant::Start, normalise};

/// Segments of one Variant or Rendition.
#[derive(Debug, Clone)]
pub struct MediaPlaylist {
    /// Where it came from.
    pub url: Url,
    /// EXT-X-TARGETDURATION in seconds, rounded up.
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
    /// Seconds.
    pub duration: f64,
    /// Its Media Sequence Number.
    pub media_sequence_number: u64,
    /// Its Discontinuity Sequence Number.
    pub discontinuity_sequence_number: u64,
    /// The Media Initialization Section that applies.
    pub init: Option<Arc<Init>>,
    /// How it is encrypted; `None` where it is clear.
    pub key: Option<Arc<Key>>,
    /// EXT-X-GAP: there is no media.
    pub gap: bool,
    /// The date of its first sample, counted on from the last EXT-X-PROGRAM-DATE-TIME.
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

/// How segments are encrypted (section 4.4.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// METHOD.
    pub method: Method,
    /// The ways in which the key is offered, one for each KEYFORMAT.
    pub formats: Vec<KeyFormat>,
}

/// One way to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFormat {
    /// KEYFORMAT; `identity` where it is missing.
    pub name: String,
    /// URI, as it stands.
    pub uri: Option<String>,
    /// IV, as it stands.
    pub iv: Option<String>,
}

/// METHOD of an EXT-X-KEY, but for NONE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Whole segments.
    Aes128,
    /// Samples; `cbcs` in fMP4.
    SampleAes,
    /// Samples; `cenc` in fMP4.
    SampleAesCtr,
    /// Anything else, as it stands.
    Other(String),
}

impl Key {
    /// The name of the protection, for people.
    pub fn system(&self) -> String {
        let systems: Vec<_> = self.formats.iter().filter_map(KeyFormat::system).collect();
        let method = match &self.method {
            Method::Aes128 => "AES-128",
            Method::SampleAes => "SAMPLE-AES",
            Method::SampleAesCtr => "SAMPLE-AES-CTR",
            Method::Other(name) => name,
        };
        if systems.is_empty() { method.to_owned() } else { format!("{method} with {}", systems.join(", ")) }
    }
}

impl KeyFormat {
    /// The DRM system, where it is one.
    fn system(&self) -> Option<&'static str> {
        let name = self.name.to_ascii_lowercase();
        let fairplay = self.uri.as_deref().is_some_and(|uri| uri.starts_with("skd:"));
        match name.as_str() {
            "com.apple.streamingkeydelivery" => Some("FairPlay"),
            "com.microsoft.playready" | "urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95" => Some("PlayReady"),
            "com.widevine" | "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed" => Some("Widevine"),
            "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e" => Some("ClearKey"),
            "identity" if fairplay => Some("FairPlay"),
            "identity" => None,
            _ => Some("another DRM system"),
        }
    }
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
        let mut carried = Carried {
            base: url.clone(),
            start: 0.0,
            number: tokens.media_sequence,
            discontinuity: tokens.discontinuity_sequence,
            date: None,
            formats: Vec::new(),
            key: None,
            init: None,
            range_end: None,
            bitrate: None,
        };
        let segments = tokens.segments.into_iter().map(|token| carried.segment(token)).collect();
        Self {
            url: url.clone(),
            target_duration: Some(tokens.target_duration as f64).filter(|seconds| *seconds > 0.0),
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
    start: f64,
    number: u64,
    discontinuity: u64,
    date: Option<DateTime<Utc>>,
    formats: Vec<(Method, KeyFormat)>,
    key: Option<Arc<Key>>,
    init: Option<Arc<Init>>,
    /// Where the last range ended, and in which resource.
    range_end: Option<(Url, u64)>,
    bitrate: Option<u64>,
}

impl Carried {
    fn segment(&mut self, token: MediaSegment) -> Segment {
        let mut duration = f64::from(token.duration);
        let mut gap = false;
        let mut keys = Vec::new();
        for ExtTag { tag, rest } in &token.unknown_tags {
            let value = rest.as_deref().unwrap_or_default();
            match tag.as_str() {
                normalise::DURATION => duration = value.parse().unwrap_or(duration),
                normalise::KEY => keys.push(value),
                "X-GAP" => gap = true,
                "X-BITRATE" => self.bitrate = value.parse().ok(),
                _ => {}
            }
        }
        self.take_keys(&keys);
        if token.discontinuity {
            self.discontinuity = self.discontinuity.saturating_add(1);
        }
        if let Some(date) = token.program_date_time {
            self.date = Some(date.to_utc());
        }
        if let Some(map) = token.map {
            self.take_init(&map);
        }
        // A URI that cannot be read holds no media that could be asked for
        let url = self.base.join(&token.uri);
        let gap = gap || url.is_err();
        let url = url.unwrap_or_else(|_| self.base.clone());
        let byte_range = token.byte_range.map(|range| self.resolve(&range, &url));
        self.range_end = byte_range.map(|range| (url.clone(), range.offset.saturating_add(range.length)));
        let segment = Segment {
            url,
            byte_range,
            start: self.start,
            duration,
            media_sequence_number: self.number,
            discontinuity_sequence_number: self.discontinuity,
            init: self.init.clone(),
            key: self.key.clone(),
            gap,
            program_date_time: self.date,
            bitrate: self.bitrate.filter(|_| byte_range.is_none()),
        };
        self.start += duration;
        self.number = self.number.saturating_add(1);
        #[expect(clippy::cast_possible_truncation, reason = "durations are below 10^8 seconds")]
        let step = TimeDelta::microseconds((duration * 1e6).round() as i64);
        self.date = self.date.and_then(|date| date.checked_add_signed(step));
        segment
    }

    /// Each key goes on until one of the same KEYFORMAT takes its place; NONE ends them all.
    fn take_keys(&mut self, tags: &[&str]) {
        for tag in tags {
            let list = Attributes::of(tag);
            let method = match list.get("METHOD").map(str::to_ascii_uppercase).as_deref() {
                None | Some("NONE") => {
                    self.formats.clear();
                    continue;
                }
                Some("AES-128") => Method::Aes128,
                Some("SAMPLE-AES") => Method::SampleAes,
                Some("SAMPLE-AES-CTR") => Method::SampleAesCtr,
                Some(other) => Method::Other(other.to_owned()),
            };
            let text = |name| list.get(name).map(str::to_owned);
            let format = KeyFormat { name: text("KEYFORMAT").unwrap_or_else(|| "identity".to_owned()), uri: text("URI"), iv: text("IV") };
            self.formats.retain(|(_, known)| known.name != format.name);
            self.formats.push((method, format));
        }
        if !tags.is_empty() {
            let method = self.formats.first().map(|(method, _)| method.clone());
            let formats = self.formats.iter().map(|(_, format)| format.clone()).collect();
            self.key = method.map(|method| Arc::new(Key { method, formats }));
        }
    }

    fn take_init(&mut self, map: &m3u8_rs::Map) {
        let Ok(url) = self.base.join(&map.uri) else { return };
        let byte_range = map.byte_range.as_ref().map(|range| ByteRange { offset: range.offset.unwrap_or(0), length: range.length });
        let init = Init { url, byte_range, key: self.key.clone() };
        if self.init.as_deref() != Some(&init) {
            self.init = Some(Arc::new(init));
        }
    }

    /// Without an offset a range goes on where the one before it ended, if that was in the same resource.
    fn resolve(&self, range: &m3u8_rs::ByteRange, url: &Url) -> ByteRange {
        let follows = self.range_end.as_ref().filter(|(before, _)| before == url).map_or(0, |(_, end)| *end);
        ByteRange { offset: range.offset.unwrap_or(follows), length: range.length }
    }
}
