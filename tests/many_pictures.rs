//! Many pictures of one stream: every tile is the frame of its moment. The fixtures have 25 frames a second, and every 25th is a key frame.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use crate::encrypted_origin::{IV, IV_TEXT, KEY, encrypted_ladder, origin_with};
use crate::origin::{Origin, PLAYLIST, Rule, fixture, fixture_text};
use crate::support::{
    common_encryption::{Codec, encrypt_init, encrypt_segment},
    encryption::{cbc_padded, sample_aes_ts},
};
use crate::tiles::{Tiles, long_recording, repeated_frame, tile_frames};

/// The streams of 6 s with B-frames and a key frame every second.
const STREAMS: [&str; 5] =
    ["/ladder-ts/master.m3u8", "/ladder-ts/v2.m3u8", "/ladder-fmp4/v0.m3u8", "/single-file/index.m3u8", "/roll-over/index.m3u8"];

/// The last key frame at or before each moment.
fn key_frames(moments: &[f64]) -> Vec<u16> {
    exact_frames(moments).into_iter().map(|frame| frame / 25 * 25).collect()
}

/// The frame shown at each moment.
fn exact_frames(moments: &[f64]) -> Vec<u16> {
    moments.iter().map(|moment| repeated_frame(*moment)).collect()
}

/// Asserts that a sheet has the key frames of its moments, and with `--exact` the frames shown at them.
#[track_caller]
fn assert_right_frames(url: &str, options: &[&str], count: usize) {
    let tiles = Tiles::take(url, options);
    tiles.run.succeeds();
    let frames: Vec<_> = tiles.frames().into_iter().map(|frame| frame.expect("no tile is empty")).collect();
    let moments = tiles.moments();
    let wanted = if options.contains(&"--exact") { exact_frames(&moments) } else { key_frames(&moments) };
    assert_eq!(frames, wanted, "{url} {options:?} at {moments:?}");
    assert_eq!(frames.len(), count, "{url} {options:?}");
    for (picture, frame) in tiles.pictures().iter().zip(&frames) {
        let shown = picture["presentation_seconds"].as_f64().expect("a time") % 6.0;
        assert!((shown - f64::from(*frame) / 25.0).abs() < 0.002, "{url} {options:?}: frame {frame} at {shown}");
    }
}

#[test]
fn every_tile_is_the_key_frame_at_its_moment() {
    let origin = Origin::start();
    for stream in STREAMS {
        assert_right_frames(&origin.url(stream), &["--every", "0.3"], 20);
        assert_right_frames(&origin.url(stream), &["--count", "7", "--from", "0.5"], 7);
    }
}

#[test]
fn every_exact_tile_is_the_frame_shown_at_its_moment() {
    let origin = Origin::start();
    for stream in STREAMS {
        assert_right_frames(&origin.url(stream), &["--every", "0.21", "--exact"], 29);
    }
}

#[test]
fn many_exact_moments_of_a_few_groups_are_each_their_frame() {
    let origin = Origin::start();
    for stream in STREAMS {
        assert_right_frames(&origin.url(stream), &["--from", "1.01", "--for", "3", "--count", "24", "--exact"], 24);
        // Two moments of one frame, and each of the other frames once
        assert_right_frames(&origin.url(stream), &["--from", "1.5", "--for", "1", "--every", "0.02", "--exact"], 50);
    }
}

#[test]
fn segments_that_begin_within_a_group_of_pictures_take_the_one_before() {
    let origin = Origin::start();
    let url = origin.url("/late-key/index.m3u8");
    let frames = tile_frames(&url, &["--every", "0.4", "--to", "6"]);
    let keys: Vec<_> = (0..15_u16).map(|index| index * 10 / 50 * 50).collect();
    assert_eq!(frames, keys);
    let frames = tile_frames(&url, &["--every", "0.4", "--from", "0.01", "--to", "6", "--exact"]);
    // The segments begin at the frames 0, 36, 71, 107 and 142, and their durations are exact
    let wanted: Vec<_> = (0..15_u16).map(|index| index * 10).collect();
    assert_eq!(frames, wanted);
}

#[test]
fn codecs_without_b_frames_give_the_frame_of_each_moment() {
    let origin = Origin::start();
    for name in ["mpeg2", "vp9", "av1", "hevc", "hevc-ts", "h264-10bit"] {
        let frames = tile_frames(&origin.url(&format!("/codecs/{name}.m3u8")), &["--every", "0.04", "--from", "0.01", "--exact"]);
        assert_eq!(frames, (0..12).collect::<Vec<u16>>(), "{name}");
    }
}

#[test]
fn encrypted_segments_and_samples_are_decrypted() {
    let tag = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}");
    let whole = encrypted_ladder(&tag, &KEY, |bytes, _| cbc_padded(&KEY, &IV, bytes));
    let tag = format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\",IV={IV_TEXT}");
    let samples = encrypted_ladder(&tag, &KEY, |bytes, _| sample_aes_ts(bytes, 257, false, &KEY, &IV));
    let mut origins = vec![whole, samples];
    for (scheme, method) in [(*b"cbcs", "SAMPLE-AES"), (*b"cenc", "SAMPLE-AES-CTR")] {
        let key = format!("#EXT-X-KEY:METHOD={method},URI=\"/key\",KEYFORMAT=\"identity\"\n");
        let entries = [0, 1, 2].map(|index| format!("#EXTINF:2,\n/{index}.m4s\n")).concat();
        let segment = |index: usize| encrypt_segment(&fixture(&format!("ladder-fmp4/v0-{index}.m4s")), Codec::H264, scheme, &KEY);
        let init = encrypt_init(&fixture("ladder-fmp4/v0-init.mp4"), scheme, None);
        let resources = [("/init.mp4", init), ("/0.m4s", segment(0)), ("/1.m4s", segment(1)), ("/2.m4s", segment(2))];
        origins.push(origin_with(&format!("#EXT-X-MAP:URI=\"/init.mp4\"\n{key}{entries}"), &KEY, &resources));
    }
    for origin in origins {
        assert_right_frames(&origin.url("/x.m3u8"), &["--every", "0.7"], 9);
        assert_right_frames(&origin.url("/x.m3u8"), &["--every", "0.35", "--exact"], 18);
        assert_eq!(origin.count("/key"), 2, "each run fetches its key once");
    }
}

#[test]
fn a_wrong_key_gives_an_error_and_no_file() {
    let tag = format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\",IV={IV_TEXT}");
    let origin = encrypted_ladder(&tag, &[0x33; 16], |bytes, _| sample_aes_ts(bytes, 257, false, &KEY, &IV));
    for options in [&["--every", "0.5"][..], &["--every", "0.3", "--exact"]] {
        crate::tiles::run_sheet(&origin.url("/x.m3u8"), options).fails(23, "encrypted");
    }
}

#[test]
fn tiles_are_right_across_discontinuities() {
    let origin = Origin::start();
    // The ladder backwards: each segment has timestamps of its own
    let entries = ["v2-2.ts", "v0-0.ts", "v1-1.ts"].map(|name| format!("#EXT-X-DISCONTINUITY\n#EXTINF:2,\n/ladder-ts/{name}\n")).concat();
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{entries}#EXT-X-ENDLIST\n");
    origin.rule("/x.m3u8", Rule::Body(text.into(), PLAYLIST));
    let url = origin.url("/x.m3u8");
    assert_eq!(tile_frames(&url, &["--every", "1"]), [100, 125, 0, 25, 50, 75]);
    let exact = tile_frames(&url, &["--every", "0.5", "--exact", "--from", "0.01"]);
    assert_eq!(exact, [100, 112, 125, 137, 0, 12, 25, 37, 50, 62, 75, 87]);
}

#[test]
fn a_recording_of_many_segments_has_the_frame_of_each_moment() {
    let origin = Origin::start();
    let url = long_recording(&origin, 60, |_| String::new());
    assert_right_frames(&url, &["--every", "3.1"], 39);
    assert_right_frames(&url, &["--every", "2.77", "--exact"], 44);
}

#[test]
fn a_live_window_has_the_frame_of_each_moment() {
    let origin = Origin::start();
    // Segments 7 to 10 of a ladder of three
    let url = origin.url("/live/v2.m3u8");
    let wanted = [50, 75, 100, 125, 0, 25, 50, 75];
    assert_eq!(tile_frames(&url, &["--every", "1"]), wanted);
    let exact = tile_frames(&url, &["--every", "1", "--from", "0.5", "--exact"]);
    assert_eq!(exact, wanted.map(|frame| frame + 12));
    let tiles = Tiles::take(&url, &["--every", "2", "--from", "2026-01-31T12:00:16Z"]);
    assert_eq!(tiles.frames(), [Some(100), Some(0), Some(50)]);
    let dates: Vec<_> = tiles.pictures().iter().filter_map(|picture| picture["program_date_time"].as_str()).collect();
    assert_eq!(dates, ["2026-01-31T12:00:16.000Z", "2026-01-31T12:00:18.000Z", "2026-01-31T12:00:20.000Z"]);
}

#[test]
fn a_live_window_that_moves_on_leaves_tiles_empty_but_never_shows_another_moment() {
    let origin = Origin::start();
    let url = origin.url("/live/v2.m3u8");
    let first = origin.file("/live/v2.m3u8");
    // The window is two segments ahead of the playlist that was read first
    origin.advance(2);
    origin.rules("/live/v2.m3u8", vec![Rule::Body(first, PLAYLIST), Rule::File]);
    let tiles = Tiles::take(&url, &["--every", "1", "--timeout", "20"]);
    assert_eq!(tiles.frames(), [None, None, None, None, Some(0), Some(25), Some(50), Some(75)]);
    assert_eq!(tiles.run.code, 50);
}

#[test]
fn moments_on_one_key_frame_are_one_picture_of_an_i_frame_playlist() {
    for (folder, seconds) in [("ladder-ts", 1), ("ladder-fmp4", 2)] {
        let origin = Origin::start();
        let url = origin.url(&format!("/{folder}/i-frames.m3u8"));
        let wanted: Vec<u16> = (0..30).map(|index| index / 5 / seconds * seconds * 25).collect();
        assert_eq!(tile_frames(&url, &["--every", "0.2"]), wanted, "{folder}");
        assert!(origin.paths().iter().all(|path| !path.ends_with("/v2.m3u8")), "{folder}: {:?}", origin.paths());
        let media = origin.requests().into_iter().filter(|request| request.range.is_some()).count();
        assert!(media <= 9, "{folder}: {media} ranges");
    }
}

#[test]
fn exact_moments_never_come_from_an_i_frame_playlist() {
    let origin = Origin::start();
    assert_right_frames(&origin.url("/ladder-ts/i-frames.m3u8"), &["--every", "0.4", "--exact"], 15);
    assert!(origin.paths().iter().all(|path| !path.ends_with("-i.m3u8")));
}

#[test]
fn parameter_sets_that_only_the_first_segment_has_serve_all_tiles() {
    let origin = Origin::start();
    for (index, name) in ["v2-0.ts", "v2-1.ts", "v2-2.ts"].iter().enumerate() {
        let mut bytes = fixture(&format!("ladder-ts/{name}"));
        if index > 0 {
            hide_parameter_sets(&mut bytes);
        }
        origin.put(&format!("/once/{name}"), bytes);
    }
    origin.put("/once/v2.m3u8", fixture_text("ladder-ts/v2.m3u8"));
    for options in [&["--every", "1"][..], &["--every", "0.3", "--exact"], &["--every", "1", "--parallel", "1"]] {
        let count = if options.contains(&"--exact") { 20 } else { 6 };
        assert_right_frames(&origin.url("/once/v2.m3u8"), options, count);
    }
    assert_right_frames(&origin.url("/once/v2.m3u8"), &["--every", "1", "--from", "3"], 3);
}

/// Turns each SPS and PPS into an access unit delimiter, which decoders skip.
fn hide_parameter_sets(stream: &mut [u8]) {
    let starts: Vec<_> =
        stream.windows(4).enumerate().filter(|(_, bytes)| matches!(bytes, [0, 0, 1, 0x67 | 0x68])).map(|(at, _)| at).collect();
    assert!(!starts.is_empty(), "there are parameter sets");
    for start in starts {
        stream[start + 3] = 12;
    }
}

#[test]
fn a_gap_shows_the_nearest_frame_with_a_note() {
    let origin = Origin::start();
    let text = fixture_text("ladder-ts/v2.m3u8").replace("#EXTINF:2.000000,\nv2-1.ts", "#EXT-X-GAP\n#EXTINF:2.000000,\nv2-1.ts");
    origin.rule("/ladder-ts/gap.m3u8", Rule::Body(text.into(), PLAYLIST));
    let tiles = Tiles::take(&origin.url("/ladder-ts/gap.m3u8"), &["--every", "1"]);
    assert_eq!(tiles.frames(), [0, 25, 25, 25, 100, 125].map(Some));
    assert!(tiles.report["notes"].to_string().contains("gap"), "{}", tiles.report["notes"]);
    assert_eq!(origin.count("/ladder-ts/v2-1.ts"), 0);
}

#[test]
fn skip_black_moves_each_tile_to_the_next_frame_with_content() {
    let origin = Origin::start();
    // A black and a gray segment, then the film from frame 50 on
    let url = origin.url("/dull/index.m3u8");
    assert_eq!(tile_frames(&url, &["--every", "2", "--skip-black"]), [50, 50, 50, 100]);
    assert_eq!(tile_frames(&url, &["--from", "4", "--every", "0.5", "--skip-black"]), [50, 50, 75, 75, 100, 100, 125, 125]);
}

#[test]
fn a_low_latency_window_has_the_frame_of_each_moment() {
    let origin = Origin::start();
    // The window begins with frame 0. 24 frames a second, and every 16th is a key frame
    let frame = |moment: &f64| Some((moment * 24.0 + 1e-6) as u16);
    let tiles = Tiles::take(&origin.url("/ll/index.m3u8"), &["--every", "1"]);
    let keys: Vec<_> = tiles.moments().iter().map(|moment| frame(moment).map(|frame| frame / 16 * 16)).collect();
    assert_eq!(tiles.frames(), keys);
    let tiles = Tiles::take(&origin.url("/ll/index.m3u8"), &["--every", "0.3", "--exact"]);
    assert_eq!(tiles.frames(), tiles.moments().iter().map(frame).collect::<Vec<_>>());
    assert_eq!(tiles.frames().len(), 37);
}
