//! What goes on from tag to segment, held against a reference that looks back from each segment over the whole text.

use std::fmt::Write as _;

use super::{base, media};
use crate::hls::{ByteRange, Segment};

/// A small generator of numbers (xorshift): the same ones on every run.
pub(super) struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// 0 to `below` - 1.
    pub fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    pub fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.next(list.len() as u64)).unwrap()]
    }
}

#[derive(Debug, Clone)]
enum Line {
    None,
    Key { method: &'static str, format: &'static str, uri: u64 },
    Map(u64),
    Discontinuity,
    Date(i64),
    Segment { milliseconds: u64, file: u64, range: Option<(u64, Option<u64>)>, gap: bool },
}

fn lines(numbers: &mut Numbers) -> Vec<Line> {
    let count = numbers.next(40);
    (0..count)
        .map(|_| match numbers.next(12) {
            0 => Line::None,
            1 | 2 => Line::Key {
                method: numbers.one_of(&["AES-128", "SAMPLE-AES", "SAMPLE-AES"]),
                format: numbers.one_of(&["identity", "com.apple.streamingkeydelivery", "com.widevine"]),
                uri: numbers.next(4),
            },
            3 => Line::Map(numbers.next(3)),
            4 => Line::Discontinuity,
            5 => Line::Date(1_700_000_000_000 + i64::try_from(numbers.next(1_000_000)).unwrap()),
            _ => {
                let offset = (numbers.next(2) == 0).then(|| numbers.next(1000));
                Line::Segment {
                    milliseconds: numbers.next(10_000),
                    file: numbers.next(2),
                    range: (numbers.next(2) == 0).then(|| (numbers.next(500) + 1, offset)),
                    gap: numbers.next(8) == 0,
                }
            }
        })
        .collect()
}

fn text(lines: &[Line]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:5\n".to_owned();
    for line in lines {
        match line {
            Line::None => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
            Line::Key { method, format, uri } => {
                let _ = writeln!(text, "#EXT-X-KEY:METHOD={method},URI=\"k{uri}\",KEYFORMAT=\"{format}\"");
            }
            Line::Map(uri) => {
                let _ = writeln!(text, "#EXT-X-MAP:URI=\"i{uri}\"");
            }
            Line::Discontinuity => text.push_str("#EXT-X-DISCONTINUITY\n"),
            Line::Date(milliseconds) => {
                let date = chrono::DateTime::from_timestamp_millis(*milliseconds).unwrap();
                let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date.to_rfc3339());
            }
            Line::Segment { milliseconds, file, range, gap } => {
                let _ = writeln!(text, "#EXTINF:{}.{:03},", milliseconds / 1000, milliseconds % 1000);
                match range {
                    Some((length, Some(offset))) => {
                        let _ = writeln!(text, "#EXT-X-BYTERANGE:{length}@{offset}");
                    }
                    Some((length, None)) => {
                        let _ = writeln!(text, "#EXT-X-BYTERANGE:{length}");
                    }
                    None => {}
                }
                let _ = writeln!(text, "{}f{file}", if *gap { "#EXT-X-GAP\n" } else { "" });
            }
        }
    }
    text
}

/// The newest key of each KEYFORMAT, back to NONE or to another METHOD, as `METHOD format uri`, sorted.
fn key_at(before: &[Line]) -> Vec<String> {
    let mut found: Vec<(&str, &str, u64)> = Vec::new();
    for line in before.iter().rev() {
        match line {
            Line::None => break,
            Line::Key { method, .. } if found.iter().any(|known| known.0 != *method) => break,
            Line::Key { method, format, uri } if found.iter().all(|known| known.1 != *format) => found.push((method, format, *uri)),
            _ => {}
        }
    }
    let mut told: Vec<_> = found.iter().map(|(method, format, uri)| format!("{method} {format} k{uri}")).collect();
    told.sort();
    told
}

fn key_of(key: Option<&crate::hls::Key>) -> Vec<String> {
    use crate::hls::Method;
    let mut told: Vec<_> = key
        .iter()
        .flat_map(|key| key.formats.iter().map(|format| (&key.method, format)))
        .map(|(method, format)| {
            let method = if *method == Method::Aes128 { "AES-128" } else { "SAMPLE-AES" };
            format!("{method} {} {}", format.name, format.url.as_ref().unwrap().path().rsplit('/').next().unwrap())
        })
        .collect();
    told.sort();
    told
}

/// Looks back for where a range without offset begins.
fn offset_at(before: &[Line], file: u64) -> u64 {
    let last = before.iter().rposition(|line| matches!(line, Line::Segment { .. }));
    let Some(last) = last else { return 0 };
    match &before[last] {
        Line::Segment { file: other, range: Some((length, offset)), .. } if *other == file => {
            offset.unwrap_or_else(|| offset_at(&before[..last], file)) + length
        }
        _ => 0,
    }
}

fn check(segment: &Segment, before: &[Line], line: &Line, text: &str) {
    let Line::Segment { file, range, gap, milliseconds } = line else { panic!() };
    let counted = |wanted: fn(&Line) -> bool| before.iter().filter(|line| wanted(line)).count() as u64;
    let milliseconds_of = |lines: &[Line]| -> u64 {
        lines.iter().map(|line| if let Line::Segment { milliseconds, .. } = line { *milliseconds } else { 0 }).sum()
    };
    assert_eq!(segment.url, base().join(&format!("f{file}")).unwrap(), "{text}");
    assert!((segment.start - milliseconds_of(before) as f64 / 1000.0).abs() < 1e-6, "{text}");
    assert!((segment.duration - *milliseconds as f64 / 1000.0).abs() < 1e-9, "{text}");
    assert_eq!(segment.media_sequence_number, 5 + counted(|line| matches!(line, Line::Segment { .. })), "{text}");
    assert_eq!(segment.discontinuity_sequence_number, discontinuities(before), "{text}");
    assert_eq!(segment.gap, *gap, "{text}");
    assert_eq!(key_of(segment.key.as_deref()), key_at(before), "{text}");
    let map = before.iter().rposition(|line| matches!(line, Line::Map(_)));
    assert_eq!(segment.init.is_some(), map.is_some(), "{text}");
    if let (Some(map), Some(init)) = (map, &segment.init) {
        let Line::Map(uri) = before[map] else { panic!() };
        assert_eq!(init.url, base().join(&format!("i{uri}")).unwrap(), "{text}");
        // Of several in front of one segment the last counts, and it is encrypted by the keys before it
        assert_eq!(key_of(init.key.as_deref()), key_at(&before[..map]), "{text}");
    }
    let wanted = range.map(|(length, offset)| ByteRange { length, offset: offset.unwrap_or_else(|| offset_at(before, *file)) });
    assert_eq!(segment.byte_range, wanted, "{text}");
}

/// Of several EXT-X-DISCONTINUITY in front of one segment, one counts.
fn discontinuities(before: &[Line]) -> u64 {
    before
        .split(|line| matches!(line, Line::Segment { .. }))
        .filter(|lines| lines.iter().any(|line| matches!(line, Line::Discontinuity)))
        .count() as u64
}

#[test]
fn carried_tags_are_those_of_the_reference() {
    for seed in 0..2000 {
        let lines = lines(&mut Numbers::new(seed));
        let text = text(&lines);
        let playlist = media(&text);
        let places: Vec<_> = lines.iter().enumerate().filter(|(_, line)| matches!(line, Line::Segment { .. })).collect();
        assert_eq!(playlist.segments.len(), places.len(), "{text}");
        for (segment, (place, line)) in playlist.segments.iter().zip(places) {
            check(segment, &lines[..place], line, &text);
        }
        check_dates(&playlist.segments, &lines, &text);
    }
}

fn check_dates(segments: &[Segment], lines: &[Line], text: &str) {
    let mut number = 0;
    let mut dated: Vec<(usize, i64)> = Vec::new();
    for line in lines {
        match line {
            Line::Date(date) => dated.push((number, *date)),
            Line::Segment { .. } => number += 1,
            _ => {}
        }
    }
    dated.retain(|(number, _)| *number < segments.len());
    for (number, segment) in segments.iter().enumerate() {
        // Of several in front of one segment the last counts
        let first = dated.first().and_then(|(first, _)| dated.iter().rfind(|(at, _)| at == first));
        let from = dated.iter().rfind(|(at, _)| *at <= number).or(first);
        assert_eq!(segment.program_date_time.is_some(), from.is_some(), "{text}");
        if let (Some(date), Some((at, from))) = (segment.program_date_time, from) {
            let wanted = *from as f64 / 1000.0 + segment.start - segments[*at].start;
            let found = date.timestamp_micros() as f64 / 1e6;
            assert!((found - wanted).abs() < 1e-3, "segment {number}: {found}, where {wanted} is wanted: {text}");
        }
    }
}

#[test]
fn ranges_that_make_no_sense_are_gaps() {
    let text = "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:0@5\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:2@18446744073709551615\na\n\
        #EXTINF:1,\n#EXT-X-BYTERANGE:99999999999999999999\na\n#EXTINF:1,\nhttp://[\n#EXTINF:1,\nb\n";
    let gaps: Vec<_> = media(text).segments.iter().map(|segment| segment.gap).collect();
    assert_eq!(gaps, [true, true, false, true, false]);
}

#[test]
fn a_first_range_without_an_offset_follows_the_init() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-MAP:URI=\"f\",BYTERANGE=\"700@0\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:50\nf\n#EXTINF:1,\n#EXT-X-BYTERANGE:50\nf\n",
    );
    let offsets: Vec<_> = playlist.segments.iter().map(|segment| segment.byte_range.unwrap().offset).collect();
    assert_eq!(offsets, [700, 750]);
}

#[test]
fn numbers_at_their_end_do_not_overflow() {
    let text = format!(
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{0}\n#EXT-X-DISCONTINUITY-SEQUENCE:{0}\n#EXTINF:1,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nb\n",
        u64::MAX
    );
    let playlist = media(text);
    assert_eq!(playlist.segments[1].media_sequence_number, u64::MAX);
    assert_eq!(playlist.segments[1].discontinuity_sequence_number, u64::MAX);
    let far = "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59Z\n#EXTINF:99999999,\na\n#EXTINF:99999999,\nb\n#EXTINF:1,\nc\n";
    assert_eq!(media(far).segments.len(), 3);
}

#[test]
fn bitrates_go_on_to_segments_without_a_range() {
    let playlist = media("#EXTM3U\n#EXTINF:1,\na\n#EXT-X-BITRATE:800\n#EXTINF:1,\nb\n#EXTINF:1,\n#EXT-X-BYTERANGE:1@0\nc\n#EXTINF:1,\nd\n");
    let rates: Vec<_> = playlist.segments.iter().map(|segment| segment.bitrate).collect();
    assert_eq!(rates, [None, Some(800), None, Some(800)]);
}
