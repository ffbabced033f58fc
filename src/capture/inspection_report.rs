//! The report on playlists: numbers and names, with every URL redacted.

mod edge;

pub use edge::{BreakFacts, DateRangeFacts, LowLatencyFacts};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::inspected_playlists::InspectedPlaylists;
use crate::{
    error::redacted,
    hls::{Key, MediaPlaylist, Method, MultivariantPlaylist, PlaylistType, Rendition, RenditionType, Segment, Variant},
    report::{Cost, ErrorReport},
    time::{rfc3339, round_to_millisecond, seconds_between},
};

/// The JSON object of `inspect --json`. Fields may be added, never renamed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Inspection {
    /// The requested URL, redacted.
    pub url: String,
    /// The Multivariant Playlist; `None` if the URL leads to a Media Playlist.
    pub multivariant: Option<MultivariantFacts>,
    /// The index of the Variant that a snapshot would use.
    pub chosen: Option<usize>,
    /// Why this one, for people.
    pub why: Option<String>,
    /// The index of the I-frame Variant that a snapshot of a key frame would use.
    pub i_frame_variant: Option<usize>,
    /// The Media Playlist that a snapshot would use.
    pub media: Option<MediaFacts>,
    /// Why no Variant was chosen, or why its Media Playlist failed to load.
    pub media_error: Option<ErrorReport>,
    /// Network usage.
    pub cost: Cost,
}

/// A Multivariant Playlist.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MultivariantFacts {
    /// Its URL, redacted.
    pub url: String,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// TIME-OFFSET of EXT-X-START.
    pub start_seconds: Option<f64>,
    /// The Variants, in the order of the playlist.
    pub variants: Vec<VariantFacts>,
    /// The I-frame Variants.
    pub i_frame_variants: Vec<VariantFacts>,
    /// The image Variants.
    pub image_variants: Vec<VariantFacts>,
    /// The Renditions.
    pub renditions: Vec<RenditionFacts>,
    /// The initial pathway of Content Steering.
    pub pathway: Option<String>,
    /// The systems that EXT-X-SESSION-KEY announces, for people.
    pub session_keys: Vec<String>,
    /// Specification violations, for people.
    pub warnings: Vec<String>,
}

/// A Variant (EXT-X-STREAM-INF).
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct VariantFacts {
    /// Its place in the playlist, from 0.
    pub index: usize,
    /// Its URL, redacted.
    pub url: String,
    /// BANDWIDTH, in bits per second.
    pub bandwidth: Option<u64>,
    /// AVERAGE-BANDWIDTH, in bits per second.
    pub average_bandwidth: Option<u64>,
    /// Pixels across, by RESOLUTION.
    pub width: Option<u32>,
    /// Pixels down, by RESOLUTION.
    pub height: Option<u32>,
    /// FRAME-RATE, per second.
    pub frame_rate: Option<f64>,
    /// CODECS.
    pub codecs: Option<String>,
    /// VIDEO-RANGE: `SDR`, `HLG` or `PQ`.
    pub video_range: Option<String>,
    /// NAME.
    pub name: Option<String>,
    /// Its group of audio Renditions.
    pub audio: Option<String>,
    /// Its group of video Renditions.
    pub video: Option<String>,
    /// Whether its CODECS or RESOLUTION announce video, or say nothing.
    pub has_video: bool,
    /// Whether this build has a decoder for its CODECS.
    pub decodable: bool,
}

/// A Rendition (EXT-X-MEDIA).
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RenditionFacts {
    /// `audio`, `video` or `subtitles`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// GROUP-ID.
    pub group_id: String,
    /// NAME.
    pub name: String,
    /// LANGUAGE.
    pub language: Option<String>,
    /// DEFAULT.
    pub default: bool,
    /// `None` if it is in the Variant's own segments.
    pub url: Option<String>,
}

/// A Media Playlist.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MediaFacts {
    /// Its URL, redacted.
    pub url: String,
    /// `live`, `event` or `vod`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether segments may still be added.
    pub live: bool,
    /// EXT-X-I-FRAMES-ONLY.
    pub i_frames_only: bool,
    /// TIME-OFFSET of EXT-X-START.
    pub start_seconds: Option<f64>,
    /// Complete segments.
    pub segment_count: usize,
    /// The sum of their durations.
    pub duration_seconds: f64,
    /// The shortest duration.
    pub shortest_segment_seconds: Option<f64>,
    /// The longest duration.
    pub longest_segment_seconds: Option<f64>,
    /// EXT-X-TARGETDURATION.
    pub target_duration_seconds: Option<f64>,
    /// EXT-X-MEDIA-SEQUENCE.
    pub first_media_sequence_number: u64,
    /// The Media Sequence Number of the last complete segment.
    pub last_media_sequence_number: Option<u64>,
    /// EXT-X-DISCONTINUITY-SEQUENCE.
    pub discontinuity_sequence: u64,
    /// Discontinuities within the playlist.
    pub discontinuities: usize,
    /// Segments with EXT-X-GAP.
    pub gaps: usize,
    /// Whether segments are byte ranges of larger resources.
    pub byte_ranges: bool,
    /// Different Media Initialization Sections, in order.
    pub inits: usize,
    /// `mpeg-ts`, `fmp4`, `packed-audio` or `webvtt`, guessed from tags and names.
    pub container: Option<&'static str>,
    /// Empty if no segment is encrypted.
    pub encryption: Vec<EncryptionFacts>,
    /// Program Date Time of the first and the last segment.
    pub program_date_time: Option<DateFacts>,
    /// The first segment, redacted.
    pub first_segment_url: Option<String>,
    /// The last segment, redacted.
    pub last_segment_url: Option<String>,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// Low-Latency HLS; `None` without Parts.
    pub low_latency: Option<LowLatencyFacts>,
    /// EXT-X-DATERANGE, at most 100.
    pub date_ranges: Vec<DateRangeFacts>,
    /// Discontinuities and gaps.
    #[serde(rename = "places")]
    pub breaks: Vec<BreakFacts>,
    /// Specification violations, for people.
    pub warnings: Vec<String>,
}

/// Encryption of some segments.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EncryptionFacts {
    /// As in the report: `aes-128`, `aes-256`, `sample-aes`, `cenc`, `cbcs`.
    pub method: String,
    /// The protection or DRM system, for people.
    pub system: String,
    /// Whether the playlist names a key that can be fetched.
    pub clear_key: bool,
    /// How many segments it covers.
    pub segments: usize,
}

/// The dates of a Media Playlist, in RFC 3339.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DateFacts {
    /// The start of the first segment that has a date.
    pub first: String,
    /// The end of the last segment, which is the edge of a live stream.
    pub end: String,
    /// The current time minus `end`.
    pub age_seconds: f64,
}

impl Inspection {
    pub(super) fn new(inspection: &InspectedPlaylists, now: DateTime<Utc>) -> Self {
        Self {
            url: inspection.url.clone(),
            multivariant: inspection.multivariant.as_ref().map(multivariant),
            chosen: inspection.chosen,
            why: inspection.why.clone(),
            i_frame_variant: inspection.i_frame,
            media: inspection.media.as_ref().map(|playlist| media(playlist, now)),
            media_error: inspection.media_error.as_ref().map(ErrorReport::from),
            cost: inspection.cost,
        }
    }
}

fn multivariant(playlist: &MultivariantPlaylist) -> MultivariantFacts {
    MultivariantFacts {
        url: redacted(&playlist.url),
        independent_segments: playlist.independent_segments,
        start_seconds: playlist.start.map(|start| start.time_offset),
        variants: playlist.variants.iter().map(variant).collect(),
        i_frame_variants: playlist.i_frame_variants.iter().map(variant).collect(),
        image_variants: playlist.image_variants.iter().map(variant).collect(),
        renditions: playlist.renditions.iter().map(rendition).collect(),
        pathway: playlist.pathway.clone(),
        session_keys: playlist.session_keys.iter().map(Key::protection_name).collect(),
        warnings: playlist.warnings(),
    }
}

fn variant(variant: &Variant) -> VariantFacts {
    VariantFacts {
        index: variant.index,
        url: redacted(&variant.url),
        bandwidth: variant.bandwidth,
        average_bandwidth: variant.average_bandwidth,
        width: variant.resolution.map(|size| size.0),
        height: variant.resolution.map(|size| size.1),
        frame_rate: variant.frame_rate,
        codecs: variant.codecs.clone(),
        video_range: variant.video_range.clone(),
        name: variant.name.clone(),
        audio: variant.audio.clone(),
        video: variant.video.clone(),
        has_video: variant.has_video(),
        decodable: variant.is_decodable(),
    }
}

fn rendition(rendition: &Rendition) -> RenditionFacts {
    RenditionFacts {
        kind: match rendition.kind {
            RenditionType::Audio => "audio",
            RenditionType::Video => "video",
            RenditionType::Subtitles => "subtitles",
        },
        group_id: rendition.group_id.clone(),
        name: rendition.name.clone(),
        language: rendition.language.clone(),
        default: rendition.default,
        url: rendition.url.as_ref().map(redacted),
    }
}

fn media(playlist: &MediaPlaylist, now: DateTime<Utc>) -> MediaFacts {
    let segments = playlist.complete_segments();
    let durations = || segments.iter().map(|segment| segment.duration);
    let changes =
        |changed: fn(&Segment, &Segment) -> bool| segments.windows(2).filter(|pair| matches!(pair, [a, b] if changed(a, b))).count();
    let new_inits = changes(|a, b| b.init.is_some() && a.init != b.init);
    MediaFacts {
        url: redacted(&playlist.url),
        kind: match playlist.playlist_type {
            Some(PlaylistType::Event) => "event",
            _ if playlist.is_live() => "live",
            _ => "vod",
        },
        live: playlist.is_live(),
        i_frames_only: playlist.i_frames_only,
        start_seconds: playlist.start.map(|start| start.time_offset),
        segment_count: segments.len(),
        duration_seconds: round_to_millisecond(playlist.duration()),
        shortest_segment_seconds: durations().reduce(f64::min).map(round_to_millisecond),
        longest_segment_seconds: durations().reduce(f64::max).map(round_to_millisecond),
        target_duration_seconds: playlist.target_duration,
        first_media_sequence_number: playlist.media_sequence,
        last_media_sequence_number: segments.last().map(|segment| segment.media_sequence_number),
        discontinuity_sequence: playlist.discontinuity_sequence,
        discontinuities: changes(|a, b| a.discontinuity_sequence_number != b.discontinuity_sequence_number),
        gaps: segments.iter().filter(|segment| segment.gap).count(),
        byte_ranges: segments.iter().any(|segment| segment.byte_range.is_some()),
        inits: usize::from(segments.first().is_some_and(|first| first.init.is_some())) + new_inits,
        container: segments.first().and_then(container),
        encryption: encryption(segments),
        program_date_time: dates(segments, now),
        first_segment_url: segments.first().map(|segment| redacted(&segment.url)),
        last_segment_url: segments.last().map(|segment| redacted(&segment.url)),
        version: playlist.version,
        low_latency: edge::low_latency(playlist),
        date_ranges: edge::date_ranges(playlist),
        breaks: edge::breaks(playlist),
        warnings: playlist.warnings(),
    }
}

/// A guess from tags and names.
fn container(segment: &Segment) -> Option<&'static str> {
    let name = segment.url.path().to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        _ if segment.init.is_some() => Some("fmp4"),
        "ts" | "m2ts" | "mts" | "tsv" => Some("mpeg-ts"),
        "mp4" | "m4s" | "m4v" | "m4a" | "m4f" | "cmfv" | "cmfa" => Some("fmp4"),
        "aac" | "mp3" | "ac3" | "ec3" => Some("packed-audio"),
        "vtt" | "webvtt" => Some("webvtt"),
        _ => None,
    }
}

fn encryption(segments: &[Segment]) -> Vec<EncryptionFacts> {
    let mut all: Vec<EncryptionFacts> = Vec::new();
    for segment in segments {
        let Some(key) = &segment.key else { continue };
        let method = match &key.method {
            Method::Aes128 => "aes-128".to_owned(),
            Method::Aes256 | Method::Aes256Ctr | Method::Aes256Gcm => "aes-256".to_owned(),
            Method::SampleAes if container(segment) == Some("fmp4") => "cbcs".to_owned(),
            Method::SampleAes => "sample-aes".to_owned(),
            Method::SampleAesCtr => "cenc".to_owned(),
            Method::Other(name) => name.to_ascii_lowercase(),
        };
        let (system, clear_key) = (key.protection_name(), key.usable_format().is_some());
        match all.iter_mut().find(|facts| facts.method == method && facts.system == system && facts.clear_key == clear_key) {
            Some(facts) => facts.segments += 1,
            None => all.push(EncryptionFacts { method, system, clear_key, segments: 1 }),
        }
    }
    all
}

fn dates(segments: &[Segment], now: DateTime<Utc>) -> Option<DateFacts> {
    let first = segments.iter().find_map(|segment| segment.program_date_time)?;
    let (last, date) = segments.iter().rev().find_map(|segment| segment.program_date_time.map(|date| (segment, date)))?;
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    let length = chrono::TimeDelta::milliseconds((last.duration * 1000.0).round() as i64);
    let end = date.checked_add_signed(length)?;
    Some(DateFacts { first: rfc3339(first), end: rfc3339(end), age_seconds: seconds_between(end, now) })
}
