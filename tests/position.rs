//! `--at`: the frame at a time. The fixtures have 25 frames a second, and every 25th is a key frame.

use crate::origin::Origin;
use crate::support::{captured_frame, hlsnap};

#[test]
fn the_frame_at_a_time_is_the_last_one_with_a_pts_at_or_before_it() {
    let origin = Origin::start();
    for playlist in ["/ladder-ts/v0.m3u8", "/ladder-fmp4/v0.m3u8", "/single-file/index.m3u8"] {
        for (at, expected) in [
            ("0", 0),
            ("0.04", 1),
            ("0.05", 1),
            ("0.079", 1),
            ("0.08", 2),
            ("0.5", 12),
            ("1.0", 25),
            ("1.30", 32),
            ("2", 50),
            ("3.33", 83),
            ("5.96", 149),
            ("6", 149),
        ] {
            assert_eq!(captured_frame(&origin.url(playlist), &["--at", at]), expected, "{playlist} at {at}");
        }
    }
}

#[test]
fn every_frame_of_a_gop_with_b_frames_is_found() {
    let origin = Origin::start();
    for expected in 50..76_u16 {
        let at = format!("{:.2}", f64::from(expected) / 25.0);
        assert_eq!(captured_frame(&origin.url("/ladder-ts/v2.m3u8"), &["--at", &at]), expected, "at {at}");
    }
}

#[test]
fn a_key_frame_is_the_last_one_at_or_before_the_time() {
    let origin = Origin::start();
    for playlist in ["/ladder-ts/v0.m3u8", "/ladder-fmp4/v0.m3u8"] {
        for (at, expected) in [("0", 0), ("0.9", 0), ("1.0", 25), ("1.3", 25), ("2", 50), ("3.33", 75), ("5.96", 125)] {
            assert_eq!(captured_frame(&origin.url(playlist), &["--at", at, "--key-frame"]), expected, "{playlist} at {at}");
        }
    }
}

#[test]
fn every_form_of_time_is_read() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    for (options, expected) in [
        (&["--at", "start"][..], 0),
        (&["--at", "live"], 100),
        (&["--at", "live", "--exact"], 149),
        (&["--at", "00:00:03.5"], 87),
        (&["--at", "0:03"], 75),
        (&["--at", "3s"], 75),
        (&["--at", "-1s"], 125),
        (&["--at", "-0.5"], 137),
        (&["--at", "50%"], 75),
        (&["--at", "100%"], 149),
        (&["--at", "50%", "--key-frame"], 75),
        (&[], 0),
    ] {
        assert_eq!(captured_frame(&url, options), expected, "{options:?}");
    }
}

#[test]
fn a_time_before_the_first_key_frame_of_its_segment_needs_the_segment_before() {
    let origin = Origin::start();
    let url = origin.url("/late-key/index.m3u8");
    // Segments begin at the frames 0, 36, 71, 107 and 142; key frames are 0, 50 and 100
    for (at, expected) in [("1.5", 37), ("1.9", 47), ("2.0", 50), ("2.9", 72), ("4.0", 100), ("4.4", 110)] {
        assert_eq!(captured_frame(&url, &["--at", at]), expected, "at {at}");
    }
    for (at, expected) in [("1.5", 0), ("2.2", 50), ("2.9", 50), ("4.4", 100)] {
        assert_eq!(captured_frame(&url, &["--at", at, "--key-frame"]), expected, "at {at}");
    }
}

#[test]
fn a_date_is_found_by_program_date_time() {
    let origin = Origin::start();
    // Segment 9 begins 18 s after noon, and is the ladder's first one
    let url = origin.url("/live/v0.m3u8");
    assert_eq!(captured_frame(&url, &["--at", "2026-01-31T12:00:18.4Z"]), 10);
    assert_eq!(captured_frame(&url, &["--at", "2026-01-31T13:00:18.4+01:00", "--key-frame"]), 0);
    hlsnap(&[&url, "--at", "2026-01-31T11:00:00Z"]).fails(22, "not_found");
}

#[test]
fn a_time_outside_of_the_stream_is_not_found() {
    let origin = Origin::start();
    for url in [origin.url("/ladder-ts/v0.m3u8"), origin.url("/movie.mp4")] {
        for at in ["7", "1:00", "-10s"] {
            let run = hlsnap(&[&url, "--at", at]);
            assert!(run.fails(22, "not_found").stderr.contains('6'), "the error names the duration: {}", run.stderr);
        }
    }
}

#[test]
fn the_report_has_the_time_of_the_frame() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--at", "3.33", "--json"]);
    let report = run.json();
    assert_eq!(report["frame"]["presentation_seconds"], 3.32);
    assert_eq!(report["frame"]["key_frame"], false);
    assert_eq!(report["segment"]["media_sequence_number"], 1);
    assert_eq!(report["live"], false);
}

#[test]
fn segments_that_start_off_a_key_frame_are_downloaded_once() {
    let origin = Origin::start();
    let url = origin.url("/late-key/index.m3u8");
    // Options, requests for segments, and the number of different segments
    for (options, requests, segments) in [
        (&["--at", "start"][..], 1, 1),
        (&["--at", "1.5"], 2, 2),
        (&["--at", "2.9"], 2, 2),
        (&["--at", "2.9", "--key-frame"], 2, 2),
        (&["--at", "4.4"], 2, 2),
    ] {
        let before = origin.requests().len();
        captured_frame(&url, options);
        let mut paths: Vec<_> = origin.paths().split_off(before).into_iter().filter(|path| !path.contains("index")).collect();
        let count = paths.len();
        paths.sort();
        paths.dedup();
        assert!(count <= requests + 1, "{options:?}: {count} requests");
        assert_eq!(paths.len(), segments, "{options:?}: {paths:?}");
    }
}
