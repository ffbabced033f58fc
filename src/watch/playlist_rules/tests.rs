//! Tests with playlists written by hand. The expectations follow from the section of RFC 8216bis that each test names.

use url::Url;

use super::PlaylistMonitor;
use crate::{
    hls::{self, Playlist, Variables},
    request::Limits,
};

/// A playlist with a target duration of 4 s: `header` lines, then `body`, where a bare number is a segment of 4 s.
fn playlist(header: &str, body: &str) -> hls::MediaPlaylist {
    let lines = body.split_whitespace().map(|word| match word {
        "D" => "#EXT-X-DISCONTINUITY\n".to_owned(),
        "END" => "#EXT-X-ENDLIST\n".to_owned(),
        date if date.contains('T') => format!("#EXT-X-PROGRAM-DATE-TIME:{date}\n"),
        segment => {
            let (name, duration) = segment.split_once('/').unwrap_or((segment, "4"));
            format!("#EXTINF:{duration},\n{name}.ts\n")
        }
    });
    let text = format!("#EXTM3U\n#EXT-X-VERSION:7\n{header}\n{}", lines.collect::<String>());
    let url = Url::parse("https://example.com/live.m3u8").expect("a URL");
    match hls::parse(text.as_bytes(), &url, &Variables::default(), &Limits::default()).expect("a playlist") {
        Playlist::Media(media) => media,
        Playlist::Multivariant(_) => panic!("a Multivariant Playlist"),
    }
}

fn header(media_sequence: u64) -> String {
    format!("#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{media_sequence}")
}

/// The violations of each playlist, requested every 4 s.
fn violations(playlists: &[(&str, &str)]) -> Vec<Vec<String>> {
    let mut monitor = PlaylistMonitor::default();
    let mut seconds = 0.0;
    let mut observe = |(header, body): &(&str, &str)| {
        seconds += 4.0;
        monitor.observe(&playlist(header, body), seconds)
    };
    playlists.iter().map(&mut observe).collect()
}

/// As `violations`, of playlists with target duration 4 and these Media Sequence Numbers.
fn of(playlists: &[(u64, &str)]) -> Vec<Vec<String>> {
    let headers: Vec<_> = playlists.iter().map(|(number, body)| (header(*number), *body)).collect();
    violations(&headers.iter().map(|(header, body)| (header.as_str(), *body)).collect::<Vec<_>>())
}

fn expect(found: &[Vec<String>], expected: &[&str]) {
    let found: Vec<_> = found.iter().map(|round| round.join(" | ")).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_window_that_slides_is_right() {
    expect(&of(&[(5, "a b c d e"), (6, "b c d e f"), (8, "d e f g h"), (30, "p q r s t")]), &["", "", "", ""]);
    let with_discontinuity =
        [(header(5), "a b D c d e"), (header(7), "D c d e f g"), (header(8) + "\n#EXT-X-DISCONTINUITY-SEQUENCE:1", "d e f g h")];
    expect(&violations(&with_discontinuity.each_ref().map(|(header, body)| (header.as_str(), *body))), &["", "", ""]);
}

/// Section 4.4.3.2: the number never decreases. After a restart, the stream is followed from its new numbers on.
#[test]
fn a_media_sequence_number_that_goes_back_is_reported_once() {
    let found = of(&[(50, "a b c d e"), (0, "x y z v w"), (1, "y z v w u")]);
    expect(&found, &["", "the Media Sequence Number went back from 50 to 0", ""]);
}

/// Section 6.2.1: segments are appended and removed, but do not change.
#[test]
fn a_uri_that_changes_under_its_number_is_reported_once_while_that_lasts() {
    let found = of(&[(5, "a b c d e"), (6, "B C D E f"), (7, "C2 D2 E2 f g"), (8, "D2 E2 f g h"), (9, "x f g h i")]);
    expect(&found, &["", "the URI of segment 6 changed", "", "", "the URI of segment 9 changed"]);
}

#[test]
fn a_token_in_the_query_may_change() {
    expect(&of(&[(5, "a.ts?t=1 b.ts?t=1 c.ts?t=1"), (5, "a.ts?t=2 b.ts?t=2 c.ts?t=2 d.ts?t=2")]), &["", ""]);
}

/// Section 6.2.2: removing a discontinuity increments the sequence number.
#[test]
fn a_discontinuity_that_is_not_counted_is_reported() {
    let found = of(&[(5, "a D b c d e"), (6, "D b c d e f"), (7, "c d e f g"), (8, "d e f g h")]);
    let message = "a discontinuity left the playlist, but EXT-X-DISCONTINUITY-SEQUENCE did not count it (segment 7)";
    expect(&found, &["", "", message, ""]);
}

/// Sections 4.4.3.3 and 6.2.2: the number never decreases, and counts only removed discontinuities.
#[test]
fn a_wrong_discontinuity_sequence_number_is_reported() {
    let with = |media_sequence, number| format!("{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{number}", header(media_sequence));
    let headers = [(with(5, 3), "a b c d"), (with(6, 2), "b c d e"), (with(7, 3), "c d e f"), (with(8, 3), "d e f g")];
    let found = violations(&headers.each_ref().map(|(header, body)| (header.as_str(), *body)));
    let counted = "EXT-X-DISCONTINUITY-SEQUENCE counted a discontinuity that has not left the playlist (segment 7)";
    expect(&found, &["", "the Discontinuity Sequence Number went back from 3 to 2", counted, ""]);
}

/// Section 6.2.2: three target durations stay, and an EVENT playlist keeps everything (section 4.4.3.5).
#[test]
fn segments_that_are_removed_early_are_reported() {
    let early = "segments were removed early: 8.0 s are left, less than three target durations";
    expect(
        &of(&[(5, "a b"), (5, "a b c"), (6, "b c d"), (8, "d e"), (9, "e f"), (9, "e f g"), (10, "f g h"), (12, "h i")]),
        &["", "", "", early, "", "", "", early],
    );
    let event = |number| header(number) + "\n#EXT-X-PLAYLIST-TYPE:EVENT";
    let found = violations(&[(&event(0), "a b c d"), (&event(2), "c d e f g")]);
    expect(&found, &["", "2 segments were removed from an EVENT playlist"]);
    expect(&of(&[(5, "a b c d e"), (5, "a b c")]), &["", "segments were removed from the end: the last one was 9"]);
}

/// Section 6.2.1: the target duration does not change.
#[test]
fn a_target_duration_that_changes_is_reported() {
    let found = violations(&[
        (&header(5), "a b c d e"),
        (&header(6).replace(":4", ":6"), "b c d e f"),
        (&header(7).replace(":4", ":6"), "c d e f g"),
    ]);
    expect(&found, &["", "the target duration changed from 4 to 6 s", ""]);
}

/// Section 6.2.1: EXT-X-ENDLIST is final.
#[test]
fn an_endlist_that_is_removed_is_reported() {
    expect(&of(&[(5, "a b c d END"), (6, "b c d e")]), &["", "EXT-X-ENDLIST was taken back"]);
    expect(&of(&[(5, "a b c d END"), (5, "a b c d e END")]), &["", "the playlist changed after EXT-X-ENDLIST"]);
}

/// Section 4.4.4.6: dates belong to the media's timeline, which only a discontinuity interrupts.
#[test]
fn a_date_that_jumps_back_without_a_discontinuity_is_reported() {
    let first = (5, "2026-01-01T00:00:00Z a b c d");
    let back = "Program Date Time jumps back by 6.0 s at segment 9 without a discontinuity";
    let found =
        of(&[first, (6, "2026-01-01T00:00:04Z b c d 2026-01-01T00:00:10Z e"), (7, "2026-01-01T00:00:08Z c d 2026-01-01T00:00:10Z e f")]);
    expect(&found, &["", back, ""]);
    expect(&of(&[first, (6, "2026-01-01T00:00:04Z b c d D 2025-01-01T00:00:00Z e")]), &["", ""]);
    // Half a second of correction
    expect(&of(&[first, (6, "2026-01-01T00:00:04Z b c d 2026-01-01T00:00:15.5Z e")]), &["", ""]);
    let changed = "the date of segment 6 changed by 60.0 s";
    expect(&of(&[first, (6, "2026-01-01T00:01:04Z b c d e")]), &["", changed]);
}

/// Section 4.4.3.1: rounded to the nearest integer.
#[test]
fn a_segment_longer_than_the_target_duration_is_reported() {
    let message = "segment 9 lasts 4.5 s, longer than the target duration of 4 s";
    expect(&of(&[(5, "a b c d/4.49"), (6, "b c d/4.49 e/4.5"), (7, "c d/4.49 e/4.5 f")]), &["", message, ""]);
    expect(
        &of(&[(5, "a/9 b c d"), (6, "b c d e/9"), (7, "c d e/9 f/9")]),
        &["segment 5 lasts 9.0 s, longer than the target duration of 4 s", "", ""],
    );
}

/// Section 6.2.1: a new version is due after 1.5 target durations, here 6 s.
#[test]
fn a_playlist_that_stays_the_same_is_reported_once() {
    let same = (5, "a b c d");
    let late = "the playlist has not changed for 8 s, more than 1.5 target durations";
    expect(&of(&[same, same, same, same, (6, "b c d e"), (6, "b c d e"), (6, "b c d e")]), &["", "", late, "", "", "", late]);
    let ended = (5, "a b c d END");
    expect(&of(&[ended, ended, ended, ended]), &["", "", "", ""]);
}

#[test]
fn memory_is_bounded_for_long_playlists() {
    let names = (0..2000).map(|n| format!("s{n} ")).collect::<Vec<_>>().concat();
    let mut monitor = PlaylistMonitor::default();
    assert!(monitor.observe(&playlist(&header(0), &names), 0.0).is_empty());
    assert!(monitor.observe(&playlist(&header(0), &(names + "s2000")), 4.0).is_empty());
    assert_eq!(monitor.previous.expect("a playlist").segments.len(), super::MAX_SEGMENTS);
}
