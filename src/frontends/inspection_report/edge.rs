//! What is told of the live edge and of what happens when.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::{error::redacted, hls::MediaPlaylist};

/// Low-Latency HLS: parts, and what the origin can do.
#[derive(Debug, Serialize)]
pub(in crate::frontends) struct LowLatencyFacts {
    pub part_target_seconds: Option<f64>,
    pub parts: usize,
    pub independent_parts: usize,
    /// Parts of the segment that is not whole yet.
    pub edge_parts: usize,
    /// The part that comes next.
    pub hint_url: Option<String>,
    pub can_block_reload: bool,
    pub can_skip_until_seconds: Option<f64>,
    pub part_hold_back_seconds: Option<f64>,
    pub rendition_reports: usize,
}

/// EXT-X-DATERANGE.
#[derive(Debug, Serialize)]
pub(in crate::frontends) struct DateRangeFacts {
    pub id: String,
    pub class: Option<String>,
    /// RFC 3339.
    pub start: Option<String>,
    pub duration_seconds: Option<f64>,
}

/// Where the presentation breaks or lacks something: seconds from the first segment's start.
#[derive(Debug, Serialize)]
pub(in crate::frontends) struct PlaceFacts {
    pub media_sequence_number: u64,
    pub seconds: f64,
    /// `discontinuity` or `gap`.
    pub what: &'static str,
}

/// So many places and date ranges are told.
const MOST_TOLD: usize = 100;

pub(super) fn low_latency(playlist: &MediaPlaylist) -> Option<LowLatencyFacts> {
    let parts = || playlist.segments.iter().flat_map(|segment| &segment.parts);
    let edge = playlist.segments.last().filter(|segment| !segment.complete);
    (parts().next().is_some() || playlist.part_target.is_some()).then(|| LowLatencyFacts {
        part_target_seconds: playlist.part_target,
        parts: parts().count(),
        independent_parts: parts().filter(|part| part.independent).count(),
        edge_parts: edge.map_or(0, |segment| segment.parts.len()),
        hint_url: playlist.hint.as_ref().map(|hint| redacted(&hint.url)),
        can_block_reload: playlist.control.can_block_reload,
        can_skip_until_seconds: playlist.control.can_skip_until,
        part_hold_back_seconds: playlist.control.part_hold_back,
        rendition_reports: playlist.rendition_reports.len(),
    })
}

pub(super) fn date_ranges(playlist: &MediaPlaylist) -> Vec<DateRangeFacts> {
    let shown = |date: DateTime<Utc>| date.to_rfc3339_opts(SecondsFormat::Millis, true);
    let told = playlist.date_ranges.iter().take(MOST_TOLD).map(|range| DateRangeFacts {
        id: range.id.clone(),
        class: range.class.clone(),
        start: range.start.map(shown),
        duration_seconds: range.duration,
    });
    told.collect()
}

pub(super) fn places(playlist: &MediaPlaylist) -> Vec<PlaceFacts> {
    let mut before = playlist.discontinuity_sequence;
    let mut places = Vec::new();
    for segment in &playlist.segments {
        let mut tell = |what| {
            let seconds = crate::time::round_to_millisecond(segment.start);
            places.push(PlaceFacts { media_sequence_number: segment.media_sequence_number, seconds, what });
        };
        if segment.discontinuity_sequence_number != before {
            tell("discontinuity");
            before = segment.discontinuity_sequence_number;
        }
        if segment.gap {
            tell("gap");
        }
    }
    places.truncate(MOST_TOLD);
    places
}
