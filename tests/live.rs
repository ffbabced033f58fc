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
