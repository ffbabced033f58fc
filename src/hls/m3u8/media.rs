//! Builds a [`MediaPlaylist`]: each segment gets everything that applies to it, however long before the tag was.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use m3u8_rs::{MediaPlaylistType, MediaSegment};
use url::Url;

use super::{
    super::{
        attributes::{Attributes, decimal_digits, seconds},
        byte_range::{ByteRange, ByteRangeTag},
        key::ActiveKeys,
        low_latency::{Part, PartTag, PreloadHint, RenditionReport, ServerControl},
        media::{DateRange, MediaPlaylist, PlaylistType},
        multivariant::StartOffset,
        segment::{Init, Segment, Tiles},
    },
    private_names::passed_tags,
    rewrite::RewrittenPlaylist,
};
use crate::time::time_delta;

/// Builds the playlist. `url` is its own.
pub(super) fn build(mut parsed: m3u8_rs::MediaPlaylist, url: &Url, rewritten: RewrittenPlaylist) -> MediaPlaylist {
    let segments = std::mem::take(&mut parsed.segments);
    let mut builder = PlaylistBuilder::new(parsed, url, rewritten);
    let Some((edge, segments)) = segments.split_last() else { return builder.playlist };
    builder.playlist.segments.reserve(segments.len() + 1);
    // If any segment has EXTINF, a URI without one is a stray line
    let needs_extinf = segments.iter().any(has_extinf);
    for parsed in segments {
        let tags = builder.read_tags(parsed);
        if tags.duration.is_some() || !needs_extinf {
            builder.push_segment(&parsed.uri, &tags);
        }
    }
    builder.read_tags(edge);
    builder.push_edge();
    date_backwards(&mut builder.playlist.segments);
    builder.playlist
}

fn has_extinf(parsed: &MediaSegment) -> bool {
    passed_tags(&parsed.unknown_tags).any(|(name, _)| name == "EXTINF")
}

/// Tags that describe one segment.
#[derive(Default)]
struct SegmentTags {
    duration: Option<f64>,
    byte_range: Option<ByteRangeTag>,
    gap: bool,
}

/// The unfinished playlist, and the tags that apply to the next segment.
struct PlaylistBuilder {
    playlist: MediaPlaylist,
    media_sequence_number: u64,
    discontinuity_sequence_number: u64,
    program_date_time: Option<DateTime<Utc>>,
    keys: ActiveKeys,
    init: Option<Arc<Init>>,
    /// Resource and end of the previous segment's byte range.
    range_end: Option<(Url, u64)>,
    /// Resource and end of the previous Partial Segment's byte range.
    part_range_end: Option<(Url, u64)>,
    bitrate: Option<u64>,
    tiles: Option<Tiles>,
    parts: Vec<Part>,
}

impl PlaylistBuilder {
    fn new(parsed: m3u8_rs::MediaPlaylist, url: &Url, rewritten: RewrittenPlaylist) -> Self {
        let playlist = MediaPlaylist {
            url: url.clone(),
            target_duration: Some(parsed.target_duration as f64).filter(|seconds| *seconds > 0.0),
            media_sequence: parsed.media_sequence,
            discontinuity_sequence: parsed.discontinuity_sequence,
            segments: Vec::new(),
            ended: parsed.end_list,
            playlist_type: parsed.playlist_type.and_then(|kind| match kind {
                MediaPlaylistType::Event => Some(PlaylistType::Event),
                MediaPlaylistType::Vod => Some(PlaylistType::Vod),
                MediaPlaylistType::Other(_) => None,
            }),
            i_frames_only: parsed.i_frames_only,
            start: None,
            control: ServerControl::default(),
            part_target: None,
            hint: None,
            rendition_reports: Vec::new(),
            date_ranges: Vec::new(),
            skipped: 0,
            version: rewritten.version,
            independent_segments: rewritten.independent_segments,
            text_flaws: rewritten.text_flaws,
        };
        Self {
            playlist,
            media_sequence_number: parsed.media_sequence,
            discontinuity_sequence_number: parsed.discontinuity_sequence,
            program_date_time: None,
            keys: ActiveKeys::default(),
            init: None,
            range_end: None,
            part_range_end: None,
            bitrate: None,
            tiles: None,
            parts: Vec::new(),
        }
    }

    /// Reads the tags before one URI.
    fn read_tags(&mut self, parsed: &MediaSegment) -> SegmentTags {
        let mut tags = SegmentTags::default();
        for (name, value) in passed_tags(&parsed.unknown_tags) {
            let base = &self.playlist.url;
            match name {
                "EXTINF" => tags.duration = Some(seconds(value)),
                "EXT-X-BYTERANGE" => tags.byte_range = ByteRangeTag::of(value).or(tags.byte_range),
                "EXT-X-GAP" => tags.gap = true,
                "EXT-X-BITRATE" => self.bitrate = decimal_digits(value).or(self.bitrate),
                "EXT-X-KEY" => self.keys.apply(value, base),
                "EXT-X-MAP" => self.apply_map(value),
                "EXT-X-PART" => self.push_part(PartTag::of(value, base)),
                "EXT-X-SKIP" => self.skip(value),
                "EXT-X-TILES" => self.tiles = Tiles::of(value),
                _ => self.apply_to_playlist(name, value),
            }
        }
        if parsed.discontinuity {
            self.discontinuity_sequence_number = self.discontinuity_sequence_number.saturating_add(1);
        }
        if let Some(date) = parsed.program_date_time {
            self.program_date_time = Some(date.to_utc());
        }
        tags
    }

    /// Tags that describe the playlist, wherever they are in it.
    fn apply_to_playlist(&mut self, name: &str, value: &str) {
        let playlist = &mut self.playlist;
        match name {
            "EXT-X-START" => playlist.start = StartOffset::of(value).or(playlist.start),
            "EXT-X-SERVER-CONTROL" => playlist.control = ServerControl::of(value),
            "EXT-X-PART-INF" => playlist.part_target = Attributes::of(value).float("PART-TARGET").filter(|seconds| *seconds > 0.0),
            "EXT-X-PRELOAD-HINT" => playlist.hint = PreloadHint::of(value, &playlist.url).or(playlist.hint.take()),
            "EXT-X-RENDITION-REPORT" => playlist.rendition_reports.extend(RenditionReport::of(value, &playlist.url)),
            "EXT-X-DATERANGE" => playlist.date_ranges.extend(DateRange::of(value)),
            _ => {}
        }
    }

    /// The init is encrypted with the keys that apply at EXT-X-MAP (section 4.4.4.5), not with a key between it and the segment.
    fn apply_map(&mut self, attributes: &str) {
        let init = Init::of(attributes, &self.playlist.url, self.keys.current());
        if init.is_some() && self.init.as_deref() != init.as_ref() {
            self.init = init.map(Arc::new);
        }
    }

    fn skip(&mut self, attributes: &str) {
        if let Some(count) = Attributes::of(attributes).integer("SKIPPED-SEGMENTS") {
            self.playlist.skipped = count;
            self.media_sequence_number = self.media_sequence_number.saturating_add(count);
        }
    }

    fn push_part(&mut self, tag: PartTag) {
        let Some(url) = tag.url else { return };
        let follows = end_in(self.part_range_end.as_ref(), &url);
        let byte_range = tag.byte_range.map(|range| ByteRange { offset: range.offset.or(follows).unwrap_or(0), length: range.length });
        self.part_range_end = byte_range.map(|range| (url.clone(), range.end()));
        let start = self.parts.last().map_or(self.playlist.duration(), |part| part.start + part.duration);
        let gap = tag.gap || byte_range.is_some_and(|range| !range.is_valid());
        self.parts.push(Part { url, byte_range, start, duration: tag.duration, independent: tag.independent, gap });
    }

    /// Appends the next segment. An invalid URI or byte range makes it a gap: no media can be requested.
    fn push_segment(&mut self, uri: &str, tags: &SegmentTags) {
        let joined = self.playlist.url.join(uri);
        let mut gap = tags.gap || joined.is_err();
        let url = joined.unwrap_or_else(|_| self.playlist.url.clone());
        let byte_range = tags.byte_range.and_then(|range| {
            let resolved = self.resolve(range, &url);
            gap |= resolved.is_none();
            resolved
        });
        self.range_end = byte_range.map(|range| (url.clone(), range.end()));
        let duration = tags.duration.or(self.playlist.target_duration).unwrap_or_default();
        self.playlist.segments.push(Segment {
            url,
            byte_range,
            start: self.playlist.duration(),
            duration,
            media_sequence_number: self.media_sequence_number,
            discontinuity_sequence_number: self.discontinuity_sequence_number,
            init: self.init.clone(),
            key: self.keys.current(),
            gap,
            program_date_time: self.program_date_time,
            bitrate: self.bitrate.filter(|_| byte_range.is_none()),
            parts: std::mem::take(&mut self.parts),
            tiles: self.tiles,
            complete: true,
        });
        self.media_sequence_number = self.media_sequence_number.saturating_add(1);
        self.program_date_time = self.program_date_time.and_then(|date| date.checked_add_signed(time_delta(duration)));
    }

    /// Appends the segment at the live edge, of which only Partial Segments exist yet.
    fn push_edge(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let Some(last) = parts.last() else { return };
        let start = self.playlist.duration();
        self.playlist.segments.push(Segment {
            url: last.url.clone(),
            byte_range: None,
            start,
            duration: last.start + last.duration - start,
            media_sequence_number: self.media_sequence_number,
            discontinuity_sequence_number: self.discontinuity_sequence_number,
            init: self.init.clone(),
            key: self.keys.current(),
            gap: parts.iter().all(|part| part.gap),
            program_date_time: self.program_date_time,
            bitrate: None,
            tiles: None,
            complete: false,
            parts,
        });
    }

    /// Without an offset, a range starts where the previous one of the same resource ended (section 4.4.4.2), or after the init. `None` if it
    /// is invalid.
    fn resolve(&self, range: ByteRangeTag, url: &Url) -> Option<ByteRange> {
        let after_init = || self.init.as_ref().filter(|init| init.url == *url)?.byte_range.map(|range| range.end());
        let offset = range.offset.or_else(|| end_in(self.range_end.as_ref(), url)).or_else(after_init).unwrap_or(0);
        Some(ByteRange { offset, length: range.length }).filter(ByteRange::is_valid)
    }
}

/// The end of the previous byte range, if it was in the same resource.
fn end_in(previous: Option<&(Url, u64)>, url: &Url) -> Option<u64> {
    previous.filter(|(resource, _)| resource == url).map(|(_, end)| *end)
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
