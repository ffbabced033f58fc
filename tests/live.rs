//! Live streams: the newest segment, times in the window, and reloads of the playlist.

use crate::origin::{Origin, PLAYLIST, Rule};
use crate::support::{captured_frame, frame_number, hlsnap};

#[test]
fn live_shows_the_newest_segment() {
    let origin = Origin::start();
    // The newest segment, number 10, is the ladder's second one, with the frames 50 to 99
    let url = origin.url("/live/master.m3u8");
    assert_eq!(captured_frame(&url, &[]), 50);
    assert_eq!(captured_frame(&url, &["--at", "live", "--exact"]), 99);
    origin.advance(1);
    assert_eq!(captured_frame(&url, &[]), 100);
    let run = hlsnap(&[&url, "--json"]);
    let report = run.json();
    assert_eq!((&report["live"], &report["segment"]["media_sequence_number"]), (&true.into(), &11.into()));
    assert_eq!(report["frame"]["program_date_time"], "2026-01-31T12:00:22.000Z");
    assert!(report["frame"]["age_seconds"].as_f64().is_some_and(|age| age > 0.0));
}

#[test]
fn times_count_from_the_start_of_the_window_or_back_from_its_end() {
    let origin = Origin::start();
    let url = origin.url("/live/v0.m3u8");
    // Segments 7 to 10 are the ladder's second, third, first and second one
    assert_eq!(captured_frame(&url, &["--at", "start"]), 50);
    assert_eq!(captured_frame(&url, &["--at", "2.4"]), 110);
    assert_eq!(captured_frame(&url, &["--at", "-3s"]), 25);
    assert_eq!(captured_frame(&url, &["--at", "-3.5s", "--key-frame"]), 0);
}

#[test]
fn a_missing_segment_falls_back_to_the_one_before() {
    let origin = Origin::start();
    origin.rule("/live/v0-10.ts", Rule::Status(404, None));
    let run = hlsnap(&[&origin.url("/live/v0.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    assert_eq!(run.json()["segment"]["media_sequence_number"], 9);
}

#[test]
fn a_window_without_media_is_not_found() {
    let origin = Origin::start();
    for text in ["#EXTM3U\n#EXT-X-TARGETDURATION:2\n", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-GAP\n#EXTINF:2,\na.ts\n"] {
        origin.rule("/empty.m3u8", Rule::Body(text.into(), PLAYLIST));
        hlsnap(&[&origin.url("/empty.m3u8")]).fails(22, "not_found");
    }
}

#[test]
fn an_expired_window_is_reloaded() {
    let origin = Origin::start();
    // The segments of the old playlist have left the window
    let old = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:1,\nv0-1.ts\n#EXTINF:1,\nv0-2.ts\n";
    origin.rules("/live/v0.m3u8", vec![Rule::Body(old.into(), PLAYLIST), Rule::Body(old.into(), PLAYLIST), Rule::File]);
    let run = hlsnap(&[&origin.url("/live/v0.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(frame_number(&run.picture("out.png")), 50);
    assert_eq!(origin.count("/live/v0.m3u8"), 3);
    assert_eq!(run.json()["segment"]["media_sequence_number"], 10);
}

#[test]
fn a_window_that_never_moves_on_times_out() {
    let origin = Origin::start();
    let old = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:1,\nv0-1.ts\n";
    origin.rule("/live/v0.m3u8", Rule::Body(old.into(), PLAYLIST));
    let run = hlsnap(&[&origin.url("/live/v0.m3u8"), "--timeout", "2"]);
    run.fails(13, "timeout");
    assert!(run.last_line().contains("404") && run.last_line().contains("does not change"), "{}", run.last_line());
    // At the start, after the target duration, and after another half of it
    let playlists = origin.count("/live/v0.m3u8");
    assert!((2..=3).contains(&playlists), "{playlists}");
}

#[test]
fn a_reload_that_fails_once_is_repeated() {
    let origin = Origin::start();
    let old = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:1,\nv0-1.ts\n";
    let rules = vec![Rule::Body(old.into(), PLAYLIST), Rule::Status(404, None), Rule::File];
    origin.rules("/live/v0.m3u8", rules);
    assert_eq!(captured_frame(&origin.url("/live/v0.m3u8"), &[]), 50);
}

#[test]
fn timestamps_that_start_over_are_followed() {
    let origin = Origin::start();
    let url = origin.url("/roll-over/index.m3u8");
    for (at, number) in [("1", 25), ("2.1", 52), ("2.16", 54), ("2.2", 55), ("2.24", 56), ("3", 75), ("5.5", 137)] {
        assert_eq!(captured_frame(&url, &["--at", at]), number, "at {at}");
    }
    assert_eq!(captured_frame(&url, &["--at", "2.5", "--key-frame"]), 50);
    assert_eq!(captured_frame(&url, &["--at", "3.5", "--key-frame"]), 75);
}
