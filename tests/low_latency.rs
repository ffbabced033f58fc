//! Low-Latency HLS: the newest picture from Partial Segments, and as few requests and waits as possible.

use crate::origin::{Origin, Rule};
use crate::support::{captured_frame, frame_number, hlsnap, wait_for};

/// Frames of a part, of two parts, and of the film.
const PART_FRAMES: u64 = 8;
const TWO_PARTS: u64 = 2 * PART_FRAMES;
const FILM: u64 = 288;

#[test]
fn live_is_at_most_two_part_targets_behind_and_costs_three_requests() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    for _ in 0..14 {
        let before = origin.requests().len();
        let frame = u64::from(captured_frame(&url, &[]));
        let newest = origin.newest_frame();
        assert!((newest + FILM - frame) % FILM < TWO_PARTS, "frame {frame} is shown, and {newest} is the newest");
        let paths: Vec<_> = origin.paths().split_off(before);
        assert_eq!(paths.len(), 3, "{paths:?}");
        assert_eq!(paths[..2], ["/ll/index.m3u8", "/ll/init.mp4"]);
        assert!(paths[2].starts_with("/ll/part-"), "{paths:?}");
        origin.advance_parts(1);
    }
}

#[test]
fn exact_shows_the_newest_frame() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    for _ in 0..3 {
        let frame = u64::from(captured_frame(&url, &["--at", "live", "--exact"]));
        // Frame numbers follow the decode order, so the last frame in presentation order may have a higher one
        let ahead = (frame + FILM - origin.newest_frame()) % FILM;
        assert!(ahead <= 2, "frame {frame} is shown, and {} is the newest", origin.newest_frame());
        origin.advance_parts(1);
    }
}

#[test]
fn a_hinted_part_that_arrives_in_time_is_shown() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    let before = origin.newest_frame();
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| hlsnap(&[&url, "--exact", "-o", "out.png", "--json"]));
        wait_for(|| origin.count("/ll/part-33.mp4") > 0);
        origin.advance_parts(1);
        run.join().expect("a run")
    });
    let frame = u64::from(frame_number(&run.picture("out.png")));
    assert!(frame > before + 1 && frame <= before + PART_FRAMES + 1, "frame {frame} is shown, and {before} was the newest");
    assert_eq!(run.json()["segment"]["part"], 3);
}

#[test]
fn the_report_names_the_part() {
    let origin = Origin::start();
    let report = hlsnap(&[&origin.url("/ll/index.m3u8"), "--json"]).json();
    let segment = &report["segment"];
    // The parts 0 to 32 are published, six in a segment, and the last one is independent
    assert_eq!((&segment["media_sequence_number"], &segment["part"]), (&5.into(), &2.into()));
    assert_eq!(report["frame"]["program_date_time"], "2026-01-31T12:00:10.666Z");
}

#[test]
fn times_in_the_window_are_found_in_segments_and_parts() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    // Five segments of 2 s and three parts
    assert_eq!(captured_frame(&url, &["--at", "3"]), 72);
    assert_eq!(captured_frame(&url, &["--at", "10.5"]), 252);
    assert_eq!(captured_frame(&url, &["--at", "10.5", "--key-frame"]), 240);
    assert_eq!(captured_frame(&url, &["--at", "2026-01-31T12:00:10.5Z"]), 252);
}

#[test]
fn a_missing_part_falls_back_to_an_older_one() {
    let origin = Origin::start();
    origin.rule("/ll/part-32.mp4", Rule::Status(404, None));
    assert_eq!(captured_frame(&origin.url("/ll/index.m3u8"), &[]), 240);
}

#[test]
fn the_next_part_is_awaited_if_all_listed_ones_are_missing() {
    let origin = Origin::start();
    for part in 24..33 {
        origin.rule(&format!("/ll/part-{part}.mp4"), Rule::Status(404, None));
    }
    let url = origin.url("/ll/index.m3u8");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| hlsnap(&[&url, "-o", "out.png", "--json"]));
        wait_for(|| origin.requests().iter().any(|request| request.query.is_some()));
        // The second one is independent
        origin.advance_parts(2);
        run.join().expect("a run")
    });
    assert_eq!(frame_number(&run.picture("out.png")), 272);
    let blocking: Vec<_> = origin.requests().into_iter().filter_map(|request| request.query).collect();
    assert_eq!(blocking, ["_HLS_msn=5&_HLS_part=3"]);
}
