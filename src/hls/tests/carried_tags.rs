//! Tags that apply to later segments too, compared with a reference that looks back over the whole text from each segment.

use std::fmt::Write as _;

use super::{RandomNumbers, base, media};
use crate::hls::{ByteRange, Segment};

#[derive(Debug, Clone)]
enum Line {
    None,
    Key { method: &'static str, format: &'static str, uri: u64 },
    Map(u64),
    Discontinuity,
    Date(i64),
    Segment { milliseconds: u64, file: u64, range: Option<(u64, Option<u64>)>, gap: bool },
}

fn lines(numbers: &mut RandomNumbers) -> Vec<Line> {
    let count = numbers.below(40);
    (0..count)
        .map(|_| match numbers.below(12) {
            0 => Line::None,
            1 | 2 => Line::Key {
                method: numbers.one_of(&["AES-128", "SAMPLE-AES", "SAMPLE-AES"]),
                format: numbers.one_of(&["identity", "com.apple.streamingkeydelivery", "com.widevine"]),
                uri: numbers.below(4),
            },
            3 => Line::Map(numbers.below(3)),
            4 => Line::Discontinuity,
            5 => Line::Date(1_700_000_000_000 + i64::try_from(numbers.below(1_000_000)).unwrap()),
            _ => {
                let offset = (numbers.below(2) == 0).then(|| numbers.below(1000));
                Line::Segment {
                    milliseconds: numbers.below(10_000),
                    file: numbers.below(2),
                    range: (numbers.below(2) == 0).then(|| (numbers.below(500) + 1, offset)),
                    gap: numbers.below(8) == 0,
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

/// The newest key of each KEYFORMAT since METHOD=NONE or another METHOD, as `METHOD format uri`, sorted.
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
    let mut keys: Vec<_> = found.iter().map(|(method, format, uri)| format!("{method} {format} k{uri}")).collect();
    keys.sort();
    keys
}

fn key_of(key: Option<&crate::hls::Key>) -> Vec<String> {
    use crate::hls::Method;
    let mut keys: Vec<_> = key
        .iter()
        .flat_map(|key| key.formats.iter().map(|format| (&key.method, format)))
        .map(|(method, format)| {
            let method = if *method == Method::Aes128 { "AES-128" } else { "SAMPLE-AES" };
            format!("{method} {} {}", format.name, format.url.as_ref().unwrap().path().rsplit('/').next().unwrap())
        })
        .collect();
    keys.sort();
    keys
}

/// Looks back for the start of a range without an offset.
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
    let count = |wanted: fn(&Line) -> bool| before.iter().filter(|line| wanted(line)).count() as u64;
    let milliseconds_of = |lines: &[Line]| -> u64 {
        lines.iter().map(|line| if let Line::Segment { milliseconds, .. } = line { *milliseconds } else { 0 }).sum()
    };
    assert_eq!(segment.url, base().join(&format!("f{file}")).unwrap(), "{text}");
    assert!((segment.start - milliseconds_of(before) as f64 / 1000.0).abs() < 1e-6, "{text}");
    assert!((segment.duration - *milliseconds as f64 / 1000.0).abs() < 1e-9, "{text}");
    assert_eq!(segment.media_sequence_number, 5 + count(|line| matches!(line, Line::Segment { .. })), "{text}");
    assert_eq!(segment.discontinuity_sequence_number, discontinuities(before), "{text}");
    assert_eq!(segment.gap, *gap, "{text}");
    assert_eq!(key_of(segment.key.as_deref()), key_at(before), "{text}");
    let map = before.iter().rposition(|line| matches!(line, Line::Map(_)));
    assert_eq!(segment.init.is_some(), map.is_some(), "{text}");
    if let (Some(map), Some(init)) = (map, &segment.init) {
        let Line::Map(uri) = before[map] else { panic!() };
        assert_eq!(init.url, base().join(&format!("i{uri}")).unwrap(), "{text}");
        // The last of several applies, with the keys before it
        assert_eq!(key_of(init.key.as_deref()), key_at(&before[..map]), "{text}");
    }
    let wanted = range.map(|(length, offset)| ByteRange { length, offset: offset.unwrap_or_else(|| offset_at(before, *file)) });
    assert_eq!(segment.byte_range, wanted, "{text}");
}

/// Several EXT-X-DISCONTINUITY before one segment count as one.
fn discontinuities(before: &[Line]) -> u64 {
    before
        .split(|line| matches!(line, Line::Segment { .. }))
        .filter(|lines| lines.iter().any(|line| matches!(line, Line::Discontinuity)))
        .count() as u64
}

#[test]
fn tags_apply_to_the_same_segments_as_in_the_reference() {
    for seed in 0..2000 {
        let lines = lines(&mut RandomNumbers::new(seed));
        let text = text(&lines);
        let playlist = media(&text);
        let segments: Vec<_> = lines.iter().enumerate().filter(|(_, line)| matches!(line, Line::Segment { .. })).collect();
        assert_eq!(playlist.segments.len(), segments.len(), "{text}");
        for (segment, (index, line)) in playlist.segments.iter().zip(segments) {
            check(segment, &lines[..index], line, &text);
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
        // The last of several before one segment applies
        let first = dated.first().and_then(|(first, _)| dated.iter().rfind(|(at, _)| at == first));
        let from = dated.iter().rfind(|(at, _)| *at <= number).or(first);
        assert_eq!(segment.program_date_time.is_some(), from.is_some(), "{text}");
        if let (Some(date), Some((at, from))) = (segment.program_date_time, from) {
            let wanted = *from as f64 / 1000.0 + segment.start - segments[*at].start;
            let found = date.timestamp_micros() as f64 / 1e6;
            assert!((found - wanted).abs() < 1e-3, "segment {number}: {found} instead of {wanted}: {text}");
        }
    }
}

#[test]
fn invalid_ranges_and_uris_are_gaps() {
    let text = "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:0@5\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:2@18446744073709551615\na\n\
        #EXTINF:1,\n#EXT-X-BYTERANGE:99999999999999999999\na\n#EXTINF:1,\nhttp://[\n#EXTINF:1,\nb\n";
    let gaps: Vec<_> = media(text).segments.iter().map(|segment| segment.gap).collect();
    assert_eq!(gaps, [true, true, false, true, false]);
}

#[test]
fn a_first_range_without_an_offset_starts_after_the_init() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-MAP:URI=\"f\",BYTERANGE=\"700@0\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:50\nf\n#EXTINF:1,\n#EXT-X-BYTERANGE:50\nf\n",
    );
    let offsets: Vec<_> = playlist.segments.iter().map(|segment| segment.byte_range.unwrap().offset).collect();
    assert_eq!(offsets, [700, 750]);
}

#[test]
fn the_largest_numbers_do_not_overflow() {
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
fn a_bitrate_applies_to_later_segments_without_a_range() {
    let playlist = media("#EXTM3U\n#EXTINF:1,\na\n#EXT-X-BITRATE:800\n#EXTINF:1,\nb\n#EXTINF:1,\n#EXT-X-BYTERANGE:1@0\nc\n#EXTINF:1,\nd\n");
    let rates: Vec<_> = playlist.segments.iter().map(|segment| segment.bitrate).collect();
    assert_eq!(rates, [None, Some(800), None, Some(800)]);
}
