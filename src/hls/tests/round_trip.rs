//! Printing a playlist and reading it again gives the same playlist.

use std::fmt::Write as _;

use super::{RandomNumbers, base, media};
use crate::hls::{ByteRange, Key, MediaPlaylist, Part, PlaylistType, Segment};

/// Writes every tag for each segment, so that none depends on an earlier segment.
fn print(playlist: &MediaPlaylist) -> String {
    let mut text = "#EXTM3U\n".to_owned();
    let line = |text: &mut String, line: std::fmt::Arguments<'_>| writeln!(text, "{line}").unwrap();
    if let Some(version) = playlist.version {
        line(&mut text, format_args!("#EXT-X-VERSION:{version}"));
    }
    if let Some(seconds) = playlist.target_duration {
        line(&mut text, format_args!("#EXT-X-TARGETDURATION:{seconds}"));
    }
    line(&mut text, format_args!("#EXT-X-MEDIA-SEQUENCE:{}", playlist.media_sequence));
    line(&mut text, format_args!("#EXT-X-DISCONTINUITY-SEQUENCE:{}", playlist.discontinuity_sequence));
    match playlist.playlist_type {
        Some(PlaylistType::Event) => text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n"),
        Some(PlaylistType::Vod) => text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n"),
        None => {}
    }
    if let Some(target) = playlist.part_target {
        line(&mut text, format_args!("#EXT-X-PART-INF:PART-TARGET={target}"));
    }
    if playlist.independent_segments {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    let mut discontinuity = playlist.discontinuity_sequence;
    for segment in &playlist.segments {
        while discontinuity < segment.discontinuity_sequence_number {
            text.push_str("#EXT-X-DISCONTINUITY\n");
            discontinuity += 1;
        }
        print_segment(&mut text, segment);
    }
    if playlist.ended {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}

fn range(range: ByteRange) -> String {
    format!("{}@{}", range.length, range.offset)
}

fn print_key(text: &mut String, key: Option<&Key>) {
    text.push_str("#EXT-X-KEY:METHOD=NONE\n");
    let Some(key) = key else { return };
    let method = key.method.name();
    for format in &key.formats {
        let iv = format.iv.map_or_else(String::new, |iv| format!(",IV=0x{:032x}", u128::from_be_bytes(iv)));
        writeln!(text, "#EXT-X-KEY:METHOD={method},URI=\"{}\",KEYFORMAT=\"{}\"{iv}", format.url.as_ref().unwrap(), format.name).unwrap();
    }
}

fn print_segment(text: &mut String, segment: &Segment) {
    if let Some(init) = &segment.init {
        print_key(text, init.key.as_deref());
        let range = init.byte_range.map_or_else(String::new, |bytes| format!(",BYTERANGE=\"{}\"", range(bytes)));
        writeln!(text, "#EXT-X-MAP:URI=\"{}\"{range}", init.url).unwrap();
    }
    print_key(text, segment.key.as_deref());
    if let Some(date) = segment.program_date_time {
        writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date.to_rfc3339()).unwrap();
    }
    for Part { url, byte_range, duration, independent, gap, .. } in &segment.parts {
        let range = byte_range.map_or_else(String::new, |bytes| format!(",BYTERANGE=\"{}\"", range(bytes)));
        let flags = [(*independent, ",INDEPENDENT=YES"), (*gap, ",GAP=YES")];
        let flags: String = flags.iter().filter(|(is, _)| *is).map(|(_, flag)| *flag).collect();
        writeln!(text, "#EXT-X-PART:DURATION={duration},URI=\"{url}\"{range}{flags}").unwrap();
    }
    if !segment.complete {
        return;
    }
    if let Some(rate) = segment.bitrate {
        writeln!(text, "#EXT-X-BITRATE:{rate}").unwrap();
    }
    if let Some(bytes) = segment.byte_range {
        writeln!(text, "#EXT-X-BYTERANGE:{}", range(bytes)).unwrap();
    }
    let gap = if segment.gap { "#EXT-X-GAP\n" } else { "" };
    writeln!(text, "{gap}#EXTINF:{},\n{}", segment.duration, segment.url).unwrap();
}

fn random(numbers: &mut RandomNumbers) -> String {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n".to_owned();
    if numbers.below(2) == 0 {
        text.push_str("#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    for _ in 0..numbers.below(30) {
        let line = match numbers.below(10) {
            0 => "#EXT-X-KEY:METHOD=NONE".to_owned(),
            1 => format!("#EXT-X-KEY:METHOD=AES-128,URI=\"k{}\",IV=0x{:x}", numbers.below(3), numbers.below(1 << 40)),
            2 => format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"{}\"", numbers.one_of(&["identity", "com.widevine"])),
            3 => format!("#EXT-X-MAP:URI=\"i{}\",BYTERANGE=\"{}@{}\"", numbers.below(2), numbers.below(500) + 1, numbers.below(9)),
            4 => "#EXT-X-DISCONTINUITY".to_owned(),
            5 => format!("#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:{:02}.{:03}Z", numbers.below(60), numbers.below(1000)),
            6 => {
                format!(
                    "#EXT-X-PART:DURATION=0.{},URI=\"p\",BYTERANGE=\"{}\",INDEPENDENT=YES",
                    numbers.below(900) + 1,
                    numbers.below(50) + 1
                )
            }
            7 => format!("#EXTINF:{}.{:03},t\n#EXT-X-BYTERANGE:{}\nf", numbers.below(9), numbers.below(1000), numbers.below(100) + 1),
            _ => format!("#EXTINF:{}.{:03},\ns{}.ts", numbers.below(9), numbers.below(1000), numbers.below(9)),
        };
        text.push_str(&line);
        text.push('\n');
    }
    if numbers.below(2) == 0 {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}

#[test]
fn a_printed_playlist_reads_as_the_same_playlist() {
    for seed in 0..3000 {
        let text = random(&mut RandomNumbers::new(seed));
        let (first, again) = (media(&text), media(print(&media(&text))));
        assert_eq!(first.segments.len(), again.segments.len(), "{text}\n{}", print(&first));
        for (one, other) in first.segments.iter().zip(&again.segments) {
            let near = (one.start - other.start).abs() < 1e-6 && (one.duration - other.duration).abs() < 1e-6;
            assert!(near, "{text}");
            // Sums of decimal fractions differ in their last bits
            let date = one.program_date_time.zip(other.program_date_time).map(|(one, other)| (one - other).num_milliseconds());
            assert!(date.is_none_or(|off| off == 0), "{text}");
            let parts = one.parts.iter().zip(&other.parts).map(|(one, other)| Part { start: one.start, ..other.clone() }).collect();
            let same =
                Segment { start: one.start, duration: one.duration, program_date_time: one.program_date_time, parts, ..other.clone() };
            assert_eq!(one, &same, "{text}\n{}", print(&first));
        }
        assert_eq!((first.ended, first.part_target, first.next()), (again.ended, again.part_target, again.next()), "{text}");
        assert_eq!(first.url, base());
    }
}
