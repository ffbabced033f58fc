//! Low-Latency HLS: the newest picture, without waiting for more than was asked for.

mod origin;
mod support;

use std::time::Duration;

use origin::{Origin, Rule};
use support::{frame, hlsnap, number};

/// Frames of one part, of two part targets, and of the film.
const PART_FRAMES: u64 = 8;
const TWO_PARTS: u64 = 2 * PART_FRAMES;
const FILM: u64 = 288;

#[test]
fn live_is_at_most_two_part_targets_behind_and_costs_three_requests() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    for _ in 0..14 {
        let before = origin.hits().len();
        let shown = u64::from(frame(&url, &[]));
        let newest = origin.newest_frame();
        assert!((newest + FILM - shown) % FILM < TWO_PARTS, "{shown} is shown, and {newest} is the newest");
        let asked: Vec<_> = origin.paths().split_off(before);
        // A segment's end may be the newest key frame's place
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert_eq!(asked[..2], ["/ll/index.m3u8", "/ll/init.mp4"]);
        assert!(asked[2].starts_with("/ll/part-"), "{asked:?}");
        origin.advance_parts(1);
    }
}

#[test]
fn exact_is_the_newest_frame_there_is() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    for _ in 0..3 {
        let shown = u64::from(frame(&url, &["--at", "live", "--exact"]));
        // Reordered frames are counted as they are decoded: one that is shown later may be there already
        let ahead = (shown + FILM - origin.newest_frame()) % FILM;
        assert!(ahead <= 2, "{shown} is shown, and {} is the newest", origin.newest_frame());
        origin.advance_parts(1);
    }
}

#[test]
fn the_hinted_part_is_taken_where_it_comes_in_time() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    let before = origin.newest_frame();
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| hlsnap(&[&url, "--exact", "-o", "out.png", "--json"]));
        while !origin.paths().iter().any(|path| path == "/ll/part-33.mp4") {
            std::thread::sleep(Duration::from_millis(5));
        }
        origin.advance_parts(1);
        run.join().expect("a run")
    });
    let shown = u64::from(number(&run.picture("out.png")));
    assert!(shown > before + 1 && shown <= before + PART_FRAMES + 1, "{shown} is shown, and {before} was the newest");
    assert_eq!(run.json()["segment"]["part"], 3);
}

#[test]
fn the_report_names_the_part() {
    let origin = Origin::start();
    let report = hlsnap(&[&origin.url("/ll/index.m3u8"), "--json"]).json();
    let segment = &report["segment"];
    // There are 33 parts, 0 to 32, six in a segment; the last one is independent
    assert_eq!((&segment["media_sequence_number"], &segment["part"]), (&5.into(), &2.into()));
    assert_eq!(report["frame"]["program_date_time"], "2026-01-31T12:00:10.666Z");
}

#[test]
fn moments_in_the_window_are_found_in_segments_and_parts() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    // Five segments of 2 s and three parts
    assert_eq!(frame(&url, &["--at", "3"]), 72);
    assert_eq!(frame(&url, &["--at", "10.5"]), 252);
    assert_eq!(frame(&url, &["--at", "10.5", "--key-frame"]), 240);
    assert_eq!(frame(&url, &["--at", "2026-01-31T12:00:10.5Z"]), 252);
}

#[test]
fn a_part_that_is_gone_gives_way_to_an_older_one() {
    let origin = Origin::start();
    origin.rule("/ll/part-32.mp4", Rule::Status(404, None));
    assert_eq!(frame(&origin.url("/ll/index.m3u8"), &[]), 240);
}

#[test]
fn where_all_is_gone_the_next_part_is_waited_for() {
    let origin = Origin::start();
    for part in 24..33 {
        origin.rule(&format!("/ll/part-{part}.mp4"), Rule::Status(404, None));
    }
    let url = origin.url("/ll/index.m3u8");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| hlsnap(&[&url, "-o", "out.png", "--json"]));
        while !origin.hits().iter().any(|hit| hit.query.is_some()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The last of these is independent
        origin.advance_parts(2);
        run.join().expect("a run")
    });
    assert_eq!(number(&run.picture("out.png")), 272);
    let blocking: Vec<_> = origin.hits().into_iter().filter_map(|hit| hit.query).collect();
    assert_eq!(blocking, ["_HLS_msn=5&_HLS_part=3"]);
}
