//! Builds a [`MediaPlaylist`]: each segment gets everything that applies to it, however long before the tag was.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use m3u8_rs::{MediaPlaylistType, MediaSegment};
use url::Url;

use super::{
    super::{
        attributes::{Attributes, decimal_digits, seconds},
        key::ActiveKeys,
        low_latency::{Part, PartTag, PreloadHint, RenditionReport, ServerControl},
        media::{DateRange, MediaPlaylist, PlaylistType},
        multivariant::StartOffset,
        segment::{ByteRange, ByteRangeTag, Init, Segment, Tiles, time_delta},
    },
    passed_tags,
    rewrite::RewrittenPlaylist,
};

/// Builds the playlist. `url` is its own.
pub(super) fn build(mut parsed: m3u8_rs::MediaPlaylist, url: &Url, rewritten: RewrittenPlaylist) -> MediaPlaylist {
    let target_duration = Some(parsed.target_duration as f64).filter(|seconds| *seconds > 0.0);
    let mut builder = SegmentBuilder::new(&parsed, url, target_duration);
    let edge = parsed.segments.pop();
    // If any segment has EXTINF, a URI without one is a stray line
    let needs_extinf = parsed.segments.iter().any(has_extinf);
    let mut segments = Vec::with_capacity(parsed.segments.len() + 1);
    for parsed in std::mem::take(&mut parsed.segments) {
        let tags = builder.read_tags(&parsed);
        if tags.duration.is_some() || !needs_extinf {
            segments.push(builder.segment(&parsed.uri, &tags));
        }
    }
    if let Some(edge) = edge {
        builder.read_tags(&edge);
        segments.extend(builder.edge());
    }
    date_backwards(&mut segments);
    let PlaylistTags { start, control, part_target, hint, rendition_reports, date_ranges, skipped } = builder.playlist_tags;
    MediaPlaylist {
        url: url.clone(),
        target_duration,
        media_sequence: parsed.media_sequence,
        discontinuity_sequence: parsed.discontinuity_sequence,
        segments,
        ended: parsed.end_list,
        playlist_type: parsed.playlist_type.and_then(|kind| match kind {
            MediaPlaylistType::Event => Some(PlaylistType::Event),
            MediaPlaylistType::Vod => Some(PlaylistType::Vod),
            MediaPlaylistType::Other(_) => None,
        }),
        i_frames_only: parsed.i_frames_only,
        start,
        control,
        part_target,
        hint,
        rendition_reports,
        date_ranges,
        skipped,
        version: rewritten.version,
        independent_segments: rewritten.independent_segments,
        text_flaws: rewritten.text_flaws,
    }
}

fn has_extinf(parsed: &MediaSegment) -> bool {
    passed_tags(&parsed.unknown_tags).any(|(name, _)| name == "EXTINF")
}

/// Tags that describe the playlist, wherever they are in it.
#[derive(Default)]
struct PlaylistTags {
    start: Option<StartOffset>,
    control: ServerControl,
    part_target: Option<f64>,
    hint: Option<PreloadHint>,
    rendition_reports: Vec<RenditionReport>,
    date_ranges: Vec<DateRange>,
    skipped: u64,
}

/// Tags that describe one segment.
#[derive(Default)]
struct SegmentTags {
    duration: Option<f64>,
    byte_range: Option<ByteRangeTag>,
    gap: bool,
}

/// What the tags so far say about the next segment.
struct SegmentBuilder {
    base: Url,
    /// Seconds of a segment without EXTINF: the target duration.
    default_duration: f64,
    /// Seconds from the start of the playlist's first segment.
    start: f64,
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
    playlist_tags: PlaylistTags,
}

impl SegmentBuilder {
    fn new(parsed: &m3u8_rs::MediaPlaylist, url: &Url, target_duration: Option<f64>) -> Self {
        Self {
            base: url.clone(),
            default_duration: target_duration.unwrap_or_default(),
            start: 0.0,
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
            playlist_tags: PlaylistTags::default(),
        }
    }

    /// Reads the tags before one URI.
    fn read_tags(&mut self, parsed: &MediaSegment) -> SegmentTags {
        let mut tags = SegmentTags::default();
        for (name, value) in passed_tags(&parsed.unknown_tags) {
            match name {
                "EXTINF" => tags.duration = Some(seconds(value)),
                "EXT-X-BYTERANGE" => tags.byte_range = ByteRangeTag::of(value).or(tags.byte_range),
                "EXT-X-GAP" => tags.gap = true,
                "EXT-X-BITRATE" => self.bitrate = decimal_digits(value).or(self.bitrate),
                "EXT-X-KEY" => self.keys.apply(value, &self.base),
                "EXT-X-MAP" => self.apply_map(value),
                "EXT-X-PART" => self.push_part(PartTag::of(value, &self.base)),
                "EXT-X-SKIP" => self.skip(value),
                "EXT-X-TILES" => self.tiles = Tiles::of(value),
                _ => self.playlist_tags.apply(name, value, &self.base),
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

    /// The init is encrypted with the keys that apply at EXT-X-MAP (section 4.4.4.5), not with a key between it and the segment.
    fn apply_map(&mut self, attributes: &str) {
        let init = Init::of(attributes, &self.base, self.keys.current());
        if init.is_some() && self.init.as_deref() != init.as_ref() {
            self.init = init.map(Arc::new);
        }
    }

    fn skip(&mut self, attributes: &str) {
        if let Some(count) = Attributes::of(attributes).integer("SKIPPED-SEGMENTS") {
            self.playlist_tags.skipped = count;
            self.media_sequence_number = self.media_sequence_number.saturating_add(count);
        }
    }

    fn push_part(&mut self, tag: PartTag) {
        let Some(url) = tag.url else { return };
        let follows = end_in(self.part_range_end.as_ref(), &url);
        let byte_range = tag.byte_range.map(|range| ByteRange { offset: range.offset.or(follows).unwrap_or(0), length: range.length });
        self.part_range_end = byte_range.map(|range| (url.clone(), range.end()));
        let start = self.parts.last().map_or(self.start, |part| part.start + part.duration);
        let gap = tag.gap || byte_range.is_some_and(|range| !range.is_valid());
        self.parts.push(Part { url, byte_range, start, duration: tag.duration, independent: tag.independent, gap });
    }

    /// The next segment. An invalid URI or byte range makes it a gap: no media can be requested.
    fn segment(&mut self, uri: &str, tags: &SegmentTags) -> Segment {
        let joined = self.base.join(uri);
        let mut gap = tags.gap || joined.is_err();
        let url = joined.unwrap_or_else(|_| self.base.clone());
        let byte_range = tags.byte_range.and_then(|range| {
            let resolved = self.resolve(range, &url);
            gap |= resolved.is_none();
            resolved
        });
        self.range_end = byte_range.map(|range| (url.clone(), range.end()));
        let duration = tags.duration.unwrap_or(self.default_duration);
        let segment = Segment {
            url,
            byte_range,
            start: self.start,
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
        };
        self.start += duration;
        self.media_sequence_number = self.media_sequence_number.saturating_add(1);
        self.program_date_time = self.program_date_time.and_then(|date| date.checked_add_signed(time_delta(duration)));
        segment
    }

    /// The segment at the live edge, of which only Partial Segments exist yet.
    fn edge(&mut self) -> Option<Segment> {
        let parts = std::mem::take(&mut self.parts);
        let last = parts.last()?;
        Some(Segment {
            url: last.url.clone(),
            byte_range: None,
            start: self.start,
            duration: last.start + last.duration - self.start,
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
        })
    }

    /// Without an offset, a range starts where the previous one of the same resource ended (section 4.4.4.2), or after the init. `None` if it
    /// is invalid.
    fn resolve(&self, range: ByteRangeTag, url: &Url) -> Option<ByteRange> {
        let after_init = || self.init.as_ref().filter(|init| init.url == *url)?.byte_range.map(|range| range.end());
        let offset = range.offset.or_else(|| end_in(self.range_end.as_ref(), url)).or_else(after_init).unwrap_or(0);
        Some(ByteRange { offset, length: range.length }).filter(ByteRange::is_valid)
    }
}

/// Where the previous byte range ended, if it was in the same resource.
fn end_in(previous: Option<&(Url, u64)>, url: &Url) -> Option<u64> {
    previous.filter(|(resource, _)| resource == url).map(|(_, end)| *end)
}

impl PlaylistTags {
    fn apply(&mut self, name: &str, value: &str, base: &Url) {
        match name {
            "EXT-X-START" => self.start = StartOffset::of(value).or(self.start),
            "EXT-X-SERVER-CONTROL" => self.control = ServerControl::of(value),
            "EXT-X-PART-INF" => self.part_target = Attributes::of(value).float("PART-TARGET").filter(|seconds| *seconds > 0.0),
            "EXT-X-PRELOAD-HINT" => self.hint = PreloadHint::of(value, base).or(self.hint.take()),
            "EXT-X-RENDITION-REPORT" => self.rendition_reports.extend(RenditionReport::of(value, base)),
            "EXT-X-DATERANGE" => self.date_ranges.extend(DateRange::of(value)),
            _ => {}
        }
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
