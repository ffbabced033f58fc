//! From tokens to the Media Playlist: what tags carry forward is spelled out on every segment.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use m3u8_rs::{ExtTag, MediaPlaylistType, MediaSegment};
use url::Url;

use super::{
    attributes::Attributes,
    date,
    key::Keys,
    low_latency::{Part, PartTag, PreloadHint, RenditionReport, ServerControl},
    media::{ByteRange, DateRange, Init, MediaPlaylist, PlaylistType, Segment, Tiles, time_delta},
    multivariant::StartOffset,
    normalise::NormalisedPlaylist,
    private_tags,
};

impl MediaPlaylist {
    pub(super) fn of(tokens: m3u8_rs::MediaPlaylist, url: &Url, text: NormalisedPlaylist) -> Self {
        let target_duration = Some(tokens.target_duration as f64).filter(|seconds| *seconds > 0.0);
        let mut carried = CarriedTags {
            base: url.clone(),
            usual_duration: target_duration.unwrap_or_default(),
            start: 0.0,
            number: tokens.media_sequence,
            discontinuity: tokens.discontinuity_sequence,
            date: None,
            keys: Keys::default(),
            init: None,
            range_end: None,
            part_end: None,
            bitrate: None,
            tiles: None,
            parts: Vec::new(),
            whole: ResolvedTags::default(),
        };
        // Where EXTINF is used, a line without one is no segment, but something that strayed into the text
        let needs_extinf = tokens.segments.iter().any(|token| has_extinf(token) && !is_edge(token));
        let mut segments = Vec::with_capacity(tokens.segments.len());
        for token in &tokens.segments {
            let tags = carried.take_tags(token);
            if is_edge(token) {
                segments.extend(carried.edge());
            } else if has_extinf(token) || !needs_extinf {
                segments.push(carried.segment(token, tags));
            }
        }
        date_backwards(&mut segments);
        let ResolvedTags { control, part_target, hint, rendition_reports, date_ranges, skipped } = carried.whole;
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
            start: tokens.start.map(StartOffset::from),
            control,
            part_target,
            hint,
            rendition_reports,
            date_ranges,
            skipped,
            version: text.version,
            independent_segments: text.independent_segments,
            oddities: text.oddities,
        }
    }
}

/// What one segment hands on to the next.
struct CarriedTags {
    base: Url,
    /// Seconds of a segment that tells none: the target duration.
    usual_duration: f64,
    start: f64,
    number: u64,
    discontinuity: u64,
    date: Option<DateTime<Utc>>,
    keys: Keys,
    init: Option<Arc<Init>>,
    /// Where the last range ended, and in which resource; parts have ranges of their own.
    range_end: Option<(Url, u64)>,
    part_end: Option<(Url, u64)>,
    bitrate: Option<u64>,
    tiles: Option<Tiles>,
    /// Those of the segment that comes next.
    parts: Vec<Part>,
    whole: ResolvedTags,
}

/// What tags say of the whole playlist, wherever they stand.
#[derive(Default)]
struct ResolvedTags {
    control: ServerControl,
    part_target: Option<f64>,
    hint: Option<PreloadHint>,
    rendition_reports: Vec<RenditionReport>,
    date_ranges: Vec<DateRange>,
    skipped: u64,
}

fn is_edge(token: &MediaSegment) -> bool {
    token.unknown_tags.iter().any(|tag| tag.tag == private_tags::EDGE)
}

fn has_extinf(token: &MediaSegment) -> bool {
    token.title.is_some()
}

/// What tags say of one segment alone.
struct Tags {
    duration: f64,
    gap: bool,
}

impl CarriedTags {
    fn take_tags(&mut self, token: &MediaSegment) -> Tags {
        let duration = token.title.as_deref().map_or(self.usual_duration, |digits| digits.parse().unwrap_or_default());
        let mut tags = Tags { duration, gap: false };
        for ExtTag { tag, rest } in &token.unknown_tags {
            let value = rest.as_deref().unwrap_or_default();
            match tag.as_str() {
                private_tags::KEY => self.keys.take(value, &self.base),
                private_tags::INIT => self.take_init(token.map.as_ref()),
                private_tags::SKIPPED => {
                    self.whole.skipped = value.parse().unwrap_or_default();
                    self.number = self.number.saturating_add(self.whole.skipped);
                }
                private_tags::PART => self.part(PartTag::of(value, &self.base)),
                private_tags::TILES => self.tiles = tiles(value),
                "X-GAP" => tags.gap = true,
                "X-BITRATE" => self.bitrate = value.parse().ok(),
                _ => self.whole.take(tag, value, &self.base),
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
            parts: std::mem::take(&mut self.parts),
            tiles: self.tiles,
            complete: true,
        };
        self.start += duration;
        self.number = self.number.saturating_add(1);
        self.date = self.date.and_then(|date| date.checked_add_signed(time_delta(duration)));
        segment
    }

    /// The segment of which there are only parts yet.
    fn edge(&mut self) -> Option<Segment> {
        let parts = std::mem::take(&mut self.parts);
        let last = parts.last()?;
        Some(Segment {
            url: last.url.clone(),
            byte_range: None,
            start: self.start,
            duration: last.start + last.duration - self.start,
            media_sequence_number: self.number,
            discontinuity_sequence_number: self.discontinuity,
            init: self.init.clone(),
            key: self.keys.current(),
            gap: parts.iter().all(|part| part.gap),
            program_date_time: self.date,
            bitrate: None,
            tiles: None,
            complete: false,
            parts,
        })
    }

    fn part(&mut self, tag: PartTag) {
        let Some(url) = tag.url else { return };
        let follows = self.part_end.as_ref().filter(|(before, _)| *before == url).map(|(_, end)| *end);
        let range = tag.range.map(|range| ByteRange { offset: range.offset.or(follows).unwrap_or(0), length: range.length });
        self.part_end = range.map(|range| (url.clone(), range.offset.saturating_add(range.length)));
        let start = self.parts.last().map_or(self.start, |part| part.start + part.duration);
        let gap = tag.gap || range.is_some_and(|range| !range.is_sound());
        self.parts.push(Part { url, byte_range: range, start, duration: tag.duration, independent: tag.independent, gap });
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

impl ResolvedTags {
    fn take(&mut self, tag: &str, value: &str, base: &Url) {
        match tag {
            private_tags::SERVER_CONTROL => self.control = ServerControl::of(value),
            private_tags::PART_INF => self.part_target = Attributes::of(value).float("PART-TARGET").filter(|seconds| *seconds > 0.0),
            private_tags::PRELOAD_HINT => self.hint = PreloadHint::of(value, base).or(self.hint.take()),
            private_tags::RENDITION_REPORT => self.rendition_reports.extend(RenditionReport::of(value, base)),
            private_tags::DATERANGE => self.date_ranges.extend(date_range(&Attributes::of(value))),
            _ => {}
        }
    }
}

fn date_range(list: &Attributes<'_>) -> Option<DateRange> {
    let start = list.get("START-DATE").and_then(date::parse);
    let end = list.get("END-DATE").and_then(date::parse);
    let between = || end.zip(start).map(|(end, start)| (end - start).as_seconds_f64());
    Some(DateRange {
        id: list.get("ID")?.to_owned(),
        class: list.get("CLASS").map(str::to_owned),
        start,
        duration: list.float("DURATION").or_else(|| list.float("PLANNED-DURATION")).or_else(between),
    })
}

fn tiles(attributes: &str) -> Option<Tiles> {
    let list = Attributes::of(attributes);
    let layout = list.resolution("LAYOUT")?;
    Some(Tiles { layout, duration: list.float("DURATION").filter(|seconds| *seconds > 0.0)? })
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
