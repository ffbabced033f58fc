//! The report on playlists: numbers and names, with every URL redacted.

mod edge;

pub(super) use edge::{BreakFacts, DateRangeFacts, LowLatencyFacts};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::{
    capture::Inspection,
    error::redacted,
    frontends::error_report::ErrorReport,
    hls::{Key, MediaPlaylist, Method, MultivariantPlaylist, PlaylistType, Rendition, RenditionType, Segment, Variant},
    report::Cost,
    time::{round_to_millisecond, seconds_between},
};

/// The JSON object of `inspect --json`. Fields may be added, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct InspectionReport {
    pub url: String,
    pub multivariant: Option<MultivariantFacts>,
    /// The index of the Variant that a snapshot would use.
    pub chosen: Option<usize>,
    /// Why this one, for people.
    pub why: Option<String>,
    /// The index of the I-frame Variant that a snapshot of a key frame would use.
    pub i_frame_variant: Option<usize>,
    pub media: Option<MediaFacts>,
    pub media_error: Option<ErrorReport>,
    pub cost: Cost,
}

#[derive(Debug, Serialize)]
pub(super) struct MultivariantFacts {
    pub url: String,
    pub independent_segments: bool,
    pub start_seconds: Option<f64>,
    pub variants: Vec<VariantFacts>,
    pub i_frame_variants: Vec<VariantFacts>,
    pub image_variants: Vec<VariantFacts>,
    pub renditions: Vec<RenditionFacts>,
    /// The initial pathway of Content Steering.
    pub pathway: Option<String>,
    /// The systems that EXT-X-SESSION-KEY announces, for people.
    pub session_keys: Vec<String>,
    /// Specification violations, for people.
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct VariantFacts {
    pub index: usize,
    pub url: String,
    pub bandwidth: Option<u64>,
    pub average_bandwidth: Option<u64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate: Option<f64>,
    pub codecs: Option<String>,
    pub video_range: Option<String>,
    pub name: Option<String>,
    pub audio: Option<String>,
    pub video: Option<String>,
    pub has_video: bool,
    /// Whether this build has a decoder for its CODECS.
    pub decodable: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct RenditionFacts {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub group_id: String,
    pub name: String,
    pub language: Option<String>,
    pub default: bool,
    /// `None` if it is in the Variant's own segments.
    pub url: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct MediaFacts {
    pub url: String,
    /// `live`, `event` or `vod`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether segments may still be added.
    pub live: bool,
    pub i_frames_only: bool,
    pub start_seconds: Option<f64>,
    pub segment_count: usize,
    pub duration_seconds: f64,
    pub shortest_segment_seconds: Option<f64>,
    pub longest_segment_seconds: Option<f64>,
    pub target_duration_seconds: Option<f64>,
    pub first_media_sequence_number: u64,
    pub last_media_sequence_number: Option<u64>,
    pub discontinuity_sequence: u64,
    pub discontinuities: usize,
    pub gaps: usize,
    pub byte_ranges: bool,
    pub inits: usize,
    /// `mpeg-ts`, `fmp4`, `packed-audio` or `webvtt`, guessed from tags and names.
    pub container: Option<&'static str>,
    /// Empty if no segment is encrypted.
    pub encryption: Vec<EncryptionFacts>,
    pub program_date_time: Option<DateFacts>,
    pub first_segment_url: Option<String>,
    pub last_segment_url: Option<String>,
    pub version: Option<u64>,
    pub low_latency: Option<LowLatencyFacts>,
    pub date_ranges: Vec<DateRangeFacts>,
    /// Discontinuities and gaps.
    #[serde(rename = "places")]
    pub breaks: Vec<BreakFacts>,
    /// Specification violations, for people.
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct EncryptionFacts {
    /// As in the report: `aes-128`, `aes-256`, `sample-aes`, `cenc`, `cbcs`.
    pub method: String,
    /// For people.
    pub system: String,
    /// Whether the playlist names a key that can be fetched.
    pub clear_key: bool,
    pub segments: usize,
}

/// RFC 3339.
#[derive(Debug, Serialize)]
pub(super) struct DateFacts {
    pub first: String,
    /// The end of the last segment, which is the edge of a live stream.
    pub end: String,
    /// The current time minus `end`.
    pub age_seconds: f64,
}

impl InspectionReport {
    pub fn new(inspection: &Inspection, now: DateTime<Utc>) -> Self {
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

fn rfc3339(date: DateTime<Utc>) -> String {
    date.to_rfc3339_opts(SecondsFormat::Millis, true)
}
