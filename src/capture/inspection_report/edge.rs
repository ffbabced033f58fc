//! The live edge, date ranges, discontinuities and gaps.

use serde::Serialize;

use crate::{
    error::redacted,
    hls::MediaPlaylist,
    time::{rfc3339, round_to_millisecond},
};

/// Low-Latency HLS: Parts, and the origin's capabilities.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LowLatencyFacts {
    /// PART-TARGET.
    pub part_target_seconds: Option<f64>,
    /// Parts in the playlist.
    pub parts: usize,
    /// Parts with INDEPENDENT=YES.
    pub independent_parts: usize,
    /// Parts of the incomplete segment.
    pub edge_parts: usize,
    /// The hinted next Part.
    pub hint_url: Option<String>,
    /// CAN-BLOCK-RELOAD.
    pub can_block_reload: bool,
    /// CAN-SKIP-UNTIL.
    pub can_skip_until_seconds: Option<f64>,
    /// PART-HOLD-BACK.
    pub part_hold_back_seconds: Option<f64>,
    /// EXT-X-RENDITION-REPORT tags.
    pub rendition_reports: usize,
}

/// EXT-X-DATERANGE.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DateRangeFacts {
    /// ID.
    pub id: String,
    /// CLASS.
    pub class: Option<String>,
    /// RFC 3339.
    pub start: Option<String>,
    /// DURATION.
    pub duration_seconds: Option<f64>,
}

/// A discontinuity or a gap.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BreakFacts {
    /// The Media Sequence Number of its segment.
    pub media_sequence_number: u64,
    /// From the start of the first segment.
    pub seconds: f64,
    /// `discontinuity` or `gap`.
    #[serde(rename = "what")]
    pub kind: &'static str,
}

/// The maximum number of breaks, and of date ranges.
const MAX_ENTRIES: usize = 100;

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
    let ranges = playlist.date_ranges.iter().take(MAX_ENTRIES).map(|range| DateRangeFacts {
        id: range.id.clone(),
        class: range.class.clone(),
        start: range.start.map(rfc3339),
        duration_seconds: range.duration,
    });
    ranges.collect()
}

pub(super) fn breaks(playlist: &MediaPlaylist) -> Vec<BreakFacts> {
    let mut discontinuity = playlist.discontinuity_sequence;
    let mut breaks = Vec::new();
    for segment in &playlist.segments {
        let mut add = |kind| {
            let seconds = round_to_millisecond(segment.start);
            breaks.push(BreakFacts { media_sequence_number: segment.media_sequence_number, seconds, kind });
        };
        if segment.discontinuity_sequence_number != discontinuity {
            add("discontinuity");
            discontinuity = segment.discontinuity_sequence_number;
        }
        if segment.gap {
            add("gap");
        }
    }
    breaks.truncate(MAX_ENTRIES);
    breaks
}
