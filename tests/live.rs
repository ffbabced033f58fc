//! Live streams: a window that slides.

mod origin;
mod support;

use origin::{Origin, Rule};
use support::{frame, hlsnap, number};

#[test]
fn live_is_the_newest_segment() {
    let origin = Origin::start();
    // The newest segment has the number 10: the ladder's second one, frames 50 to 99
    let url = origin.url("/live/master.m3u8");
    assert_eq!(frame(&url, &[]), 50);
    assert_eq!(frame(&url, &["--at", "live", "--exact"]), 99);
    origin.advance(1);
    assert_eq!(frame(&url, &[]), 100);
    let run = hlsnap(&[&url, "--json"]);
    let report = run.json();
    assert_eq!((&report["live"], &report["segment"]["media_sequence_number"]), (&true.into(), &11.into()));
    assert_eq!(report["frame"]["program_date_time"], "2026-01-31T12:00:22.000Z");
    assert!(report["frame"]["age_seconds"].as_f64().is_some_and(|age| age > 0.0));
}

#[test]
fn the_window_is_counted_from_its_start_and_back_from_the_edge() {
    let origin = Origin::start();
    let url = origin.url("/live/v0.m3u8");
    // Segments 7 to 10: the ladder's second, third, first, second
    assert_eq!(frame(&url, &["--at", "start"]), 50);
    assert_eq!(frame(&url, &["--at", "2.4"]), 110);
    assert_eq!(frame(&url, &["--at", "-3s"]), 25);
    assert_eq!(frame(&url, &["--at", "-3.5s", "--key-frame"]), 0);
}

#[test]
fn a_segment_that_is_gone_gives_way_to_the_one_before() {
    let origin = Origin::start();
    origin.rule("/live/v0-10.ts", Rule::Status(404, None));
    let run = hlsnap(&[&origin.url("/live/v0.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(number(&run.picture("out.png")), 0);
    assert_eq!(run.json()["segment"]["media_sequence_number"], 9);
}

#[test]
fn a_window_without_media_is_not_found() {
    let origin = Origin::start();
    for text in ["#EXTM3U\n#EXT-X-TARGETDURATION:2\n", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-GAP\n#EXTINF:2,\na.ts\n"] {
        origin.rule("/empty.m3u8", Rule::Body(text.into(), "application/vnd.apple.mpegurl"));
        hlsnap(&[&origin.url("/empty.m3u8")]).fails(22, "not_found");
    }
}

#[test]
fn an_expired_window_is_loaded_again() {
    let origin = Origin::start();
    // The playlist is a little old: what it lists has slid out
    let old = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:1,\nv0-1.ts\n#EXTINF:1,\nv0-2.ts\n";
    let kind = "application/vnd.apple.mpegurl";
    origin.rules("/live/v0.m3u8", vec![Rule::Body(old.into(), kind), Rule::Body(old.into(), kind), Rule::Plain]);
    let run = hlsnap(&[&origin.url("/live/v0.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(number(&run.picture("out.png")), 50);
    let playlists = origin.paths().iter().filter(|path| path.ends_with("v0.m3u8")).count();
    assert_eq!(playlists, 3);
    assert_eq!(run.json()["segment"]["media_sequence_number"], 10);
}

#[test]
fn a_window_that_never_moves_on_ends_in_a_timeout() {
    let origin = Origin::start();
    let old = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:1,\nv0-1.ts\n";
    origin.rule("/live/v0.m3u8", Rule::Body(old.into(), "application/vnd.apple.mpegurl"));
    let run = hlsnap(&[&origin.url("/live/v0.m3u8"), "--timeout", "2"]);
    run.fails(13, "timeout");
    assert!(run.last_line().contains("404") && run.last_line().contains("does not change"), "{}", run.last_line());
    // At the start, after the target duration, and after half of it again
    let playlists = origin.paths().iter().filter(|path| path.ends_with("v0.m3u8")).count();
    assert!((2..=3).contains(&playlists), "{playlists}");
}

#[test]
fn a_playlist_that_is_gone_for_a_moment_comes_back() {
    let origin = Origin::start();
    let old = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:1,\nv0-1.ts\n";
    let rules = vec![Rule::Body(old.into(), "application/vnd.apple.mpegurl"), Rule::Status(404, None), Rule::Plain];
    origin.rules("/live/v0.m3u8", rules);
    assert_eq!(frame(&origin.url("/live/v0.m3u8"), &[]), 50);
}

#[test]
fn a_clock_that_begins_anew_is_followed() {
    let origin = Origin::start();
    let url = origin.url("/roll-over/index.m3u8");
    for (at, number) in [("1", 25), ("2.1", 52), ("2.16", 54), ("2.2", 55), ("2.24", 56), ("3", 75), ("5.5", 137)] {
        assert_eq!(frame(&url, &["--at", at]), number, "at {at}");
    }
    assert_eq!(frame(&url, &["--at", "2.5", "--key-frame"]), 50);
    assert_eq!(frame(&url, &["--at", "3.5", "--key-frame"]), 75);
}
