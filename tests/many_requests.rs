//! Many pictures of one stream cost few requests, and a failure costs its own tiles only.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use crate::origin::{Origin, PLAYLIST, ReceivedRequest, Rule, fixture, fixture_text};
use crate::support::{file_names, hlsnap};
use crate::tiles::{Tiles, long_recording, repeated_frame, run_sheet, tile_frames};

/// The requests that are not for playlists.
fn media_requests(origin: &Origin) -> Vec<ReceivedRequest> {
    origin.requests().into_iter().filter(|request| !request.path.contains(".m3u8")).collect()
}

/// Whether a request names the end of its range.
fn is_bounded(request: &ReceivedRequest) -> bool {
    request.range.as_deref().is_some_and(|range| range.rsplit('-').next().is_some_and(|end| !end.is_empty()))
}

#[test]
fn a_hundred_tiles_of_a_hundred_segments_cost_a_bounded_request_each() {
    let origin = Origin::start();
    let url = long_recording(&origin, 100, |_| String::new());
    for (options, offset) in [(&["--count", "100"][..], 0.0), (&["--every", "2", "--from", "0.5"], 0.5)] {
        let before = media_requests(&origin).len();
        let frames = tile_frames(&url, options);
        let wanted: Vec<_> = (0..100).map(|index| repeated_frame(f64::from(index) * 2.0 + offset) / 25 * 25).collect();
        assert_eq!(frames, wanted, "{options:?}");
        let requests = media_requests(&origin).split_off(before);
        assert!(requests.len() <= 101, "{options:?}: {} requests", requests.len());
        let unbounded: Vec<_> =
            requests.iter().filter(|request| !is_bounded(request)).map(|request| (&request.path, &request.range)).collect();
        assert!(unbounded.is_empty(), "{options:?}: {unbounded:?}");
    }
}

#[test]
fn byte_ranges_of_one_resource_cost_a_request_a_tile() {
    let origin = Origin::start();
    assert_eq!(tile_frames(&origin.url("/single-file/index.m3u8"), &["--every", "1"]), [0, 25, 50, 75, 100, 125]);
    assert!(origin.requests().len() <= 6 + 2, "{:?}", origin.paths());
}

/// The URL of a playlist of one I-frame a second, all in one transport stream: the fixture's, with `between` bytes of null packets after
/// each one.
fn i_frames_of_one_resource(origin: &Origin, between: usize) -> String {
    let (mut resource, mut entries) = (fixture("ladder-ts/v2-0.ts")[..564].to_vec(), String::new());
    for (name, ranges) in [("v2-0.ts", 0), ("v2-1.ts", 1), ("v2-2.ts", 2)] {
        let (segment, playlist) = (fixture(&format!("ladder-ts/{name}")), fixture_text("ladder-ts/v2-i.m3u8"));
        for line in playlist.lines().filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")).skip(2 * ranges).take(2) {
            let (length, offset) = line.split_once('@').expect("a range");
            let (length, offset): (usize, usize) = (length.parse().expect("a length"), offset.parse().expect("an offset"));
            write!(entries, "#EXTINF:1,\n#EXT-X-BYTERANGE:{length}@{}\nall.ts\n", resource.len()).expect("formatted");
            resource.extend_from_slice(&segment[offset..offset + length]);
            resource.extend(crate::origin::null_packets(between / 188));
        }
    }
    origin.put("/one/all.ts", resource);
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-I-FRAMES-ONLY\n{entries}#EXT-X-ENDLIST\n");
    origin.rule("/one/i.m3u8", Rule::Body(text.into(), PLAYLIST));
    origin.url("/one/i.m3u8")
}

#[test]
fn i_frames_of_one_resource_cost_a_request_a_tile() {
    let origin = Origin::start();
    let url = i_frames_of_one_resource(&origin, 1880);
    assert_eq!(tile_frames(&url, &["--every", "1"]), [0, 25, 50, 75, 100, 125]);
    assert!(origin.requests().len() <= 6 + 2, "{:?}", origin.requests());
}

#[test]
fn i_frames_that_touch_are_one_request() {
    let origin = Origin::start();
    let url = i_frames_of_one_resource(&origin, 0);
    assert_eq!(tile_frames(&url, &["--every", "1"]), [0, 25, 50, 75, 100, 125]);
    let requests = media_requests(&origin);
    assert_eq!(requests.len(), 2, "the first with its tables, and all others together: {requests:?}");
    // Only those that are wanted
    let before = origin.requests().len();
    assert_eq!(tile_frames(&url, &["--every", "3", "--from", "1"]), [25, 100]);
    let sent: u64 = origin.requests().split_off(before).iter().map(|request| request.sent).sum();
    assert!(sent < 5000, "{sent} bytes");
}

#[test]
fn an_origin_that_refuses_a_joined_range_is_asked_for_each() {
    let origin = Origin::start();
    let url = i_frames_of_one_resource(&origin, 0);
    origin.rules("/one/all.ts", vec![Rule::File, Rule::Status(403, None), Rule::File]);
    assert_eq!(tile_frames(&url, &["--every", "1"]), [0, 25, 50, 75, 100, 125]);
}

#[test]
fn each_image_of_an_image_playlist_is_fetched_once() {
    let origin = Origin::start();
    // Three images of 2 by 2 tiles, whose numbers are their seconds
    let mut entries = String::new();
    for image in 0..3_u16 {
        let mut mosaic = image::RgbImage::new(408, 192);
        for tile in 0..4_u16 {
            let (x, y) = (i64::from(tile % 2) * 204, i64::from(tile / 2) * 96);
            image::imageops::replace(&mut mosaic, &numbered_tile(4 * image + tile), x, y);
        }
        let mut jpeg = std::io::Cursor::new(Vec::new());
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95).encode_image(&mosaic).expect("a JPEG");
        origin.rule(&format!("/images/{image}.jpg"), Rule::Body(jpeg.into_inner(), "image/jpeg"));
        write!(entries, "#EXTINF:4,\n#EXT-X-TILES:RESOLUTION=204x96,LAYOUT=2x2,DURATION=1\n{image}.jpg\n").expect("formatted");
    }
    let images = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-IMAGES-ONLY\n{entries}#EXT-X-ENDLIST\n");
    origin.rule("/images/i.m3u8", Rule::Body(images.into(), PLAYLIST));
    let frames = tile_frames(&origin.url("/images/i.m3u8"), &["--every", "0.5"]);
    assert_eq!(frames, (0..24).map(|index| index / 2).collect::<Vec<u16>>());
    for image in 0..3 {
        assert_eq!(origin.count(&format!("/images/{image}.jpg")), 1, "image {image}");
    }
}

/// A picture that shows a number, as tests/fixtures/frames.py draws it.
fn numbered_tile(number: u16) -> image::RgbImage {
    let mut bits: Vec<bool> = (0..16).rev().map(|bit| number >> bit & 1 == 1).collect();
    bits.push(number.count_ones() % 2 == 1);
    image::RgbImage::from_fn(204, 96, |x, y| {
        let bit = bits[(x * 17 / 204) as usize];
        if y < 16 { image::Rgb([255 * u8::from(bit); 3]) } else { image::Rgb([100, 110, 120]) }
    })
}

#[test]
fn no_more_requests_than_parallel_are_in_flight() {
    for (options, most) in [(&[][..], 6), (&["--parallel", "2"], 2), (&["--parallel", "1"], 1)] {
        let origin = Origin::start();
        let url = long_recording(&origin, 24, |_| String::new());
        for number in 0..24 {
            origin.rule(&format!("/long/{number}.ts"), Rule::Delay(Duration::from_millis(60)));
        }
        assert_eq!(tile_frames(&url, &[&["--every", "2"], options].concat()).len(), 24);
        assert_eq!(origin.most_at_once(), most, "{options:?}");
    }
}

#[test]
fn a_missing_segment_leaves_its_tiles_empty() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v2-1.ts", Rule::Status(404, None));
    for options in [&["--every", "1"][..], &["--every", "1", "--exact"]] {
        let tiles = Tiles::take(&origin.url("/ladder-ts/v2.m3u8"), options);
        assert_eq!(tiles.run.code, 50, "{options:?}");
        assert!(tiles.run.last_line().starts_with("hlsnap: partial: 2 of 6 pictures"), "{}", tiles.run.last_line());
        assert_eq!(tiles.frames(), [Some(0), Some(25), None, None, Some(100), Some(125)], "{options:?}");
        for (index, picture) in tiles.pictures().iter().enumerate() {
            let kind = picture["error"]["kind"].as_str();
            assert_eq!(kind, [None, None, Some("http_status"), Some("http_status"), None, None][index], "{options:?}");
        }
        let notes = tiles.report["notes"].to_string();
        assert!(notes.contains("2 s") && notes.contains("3 s") && notes.contains("404"), "{notes}");
        assert_empty_tile(&tiles, (320, 0));
    }
}

/// Asserts that the tile at a position is neither black nor a picture.
#[track_caller]
fn assert_empty_tile(tiles: &Tiles, (x, y): (u32, u32)) {
    let tile = tiles.sheet.crop_imm(x, y, 160, 90).to_rgb8();
    let mut colors: Vec<_> = tile.pixels().collect();
    colors.sort_by_key(|color| color.0);
    let (median, brightest) = (colors[colors.len() / 2], colors[colors.len() - 1]);
    assert!(median.0.iter().all(|channel| (8..80).contains(channel)), "the surface is {median:?}");
    assert!(brightest.0.iter().all(|channel| *channel < 128), "the cross is {brightest:?}");
}

#[test]
fn strict_fails_with_the_first_failure_and_writes_no_file() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v2-1.ts", Rule::Status(404, None));
    let url = origin.url("/ladder-ts/v2.m3u8");
    run_sheet(&url, &["--every", "1", "--strict"]).fails(12, "http_status");
    origin.rule("/ladder-ts/v2-1.ts", Rule::CutAt(3000));
    let run = run_sheet(&url, &["--from", "3", "--every", "1", "--strict"]);
    assert!(!matches!(run.code, 0 | 50), "{}", run.stderr);
    assert!(run.files().is_empty(), "{:?}", run.files());
}

#[test]
fn if_no_picture_can_be_had_the_first_failure_is_the_error() {
    let origin = Origin::start();
    for segment in 0..3 {
        origin.rule(&format!("/ladder-ts/v2-{segment}.ts"), Rule::Status(404, None));
    }
    run_sheet(&origin.url("/ladder-ts/v2.m3u8"), &["--every", "1"]).fails(12, "http_status");
}

#[test]
fn a_storyboard_with_a_missing_segment_has_the_other_tiles() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v2-1.ts", Rule::Status(404, None));
    let run = hlsnap(&["storyboard", &origin.url("/ladder-ts/v2.m3u8"), "-o", "board", "--every", "1", "--json"]);
    assert_eq!(run.code, 50, "{}", run.stderr);
    let report = run.json();
    let has_picture: Vec<_> =
        report["pictures"].as_array().expect("pictures").iter().map(|picture| picture["sprite"].is_string()).collect();
    assert_eq!(has_picture, [true, true, false, false, true, true]);
    assert!(file_names(&run.path("board")).contains(&"storyboard-000.jpg".to_owned()));
}

/// The long recording with a Variant before it whose segments fail.
fn with_broken_variant(origin: &Origin, segments: u64, rule: &Rule) -> String {
    long_recording(origin, segments, |_| String::new());
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    for number in 0..segments {
        write!(text, "#EXTINF:2.000,\nbroken-{number}.ts\n").expect("formatted");
        origin.rule(&format!("/long/broken-{number}.ts"), rule.clone());
    }
    origin.rule("/long/broken.m3u8", Rule::Body(format!("{text}#EXT-X-ENDLIST\n").into(), PLAYLIST));
    let variants = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=256x144\nbroken.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=200000,RESOLUTION=256x144\nindex.m3u8\n";
    origin.rule("/long/master.m3u8", Rule::Body(variants.into(), PLAYLIST));
    origin.url("/long/master.m3u8")
}

#[test]
fn a_variant_without_segments_is_given_up() {
    let origin = Origin::start();
    let url = with_broken_variant(&origin, 40, &Rule::Status(404, None));
    let frames = tile_frames(&url, &["--every", "2"]);
    assert_eq!(frames, (0..40).map(|index| repeated_frame(f64::from(index) * 2.0)).collect::<Vec<_>>());
    let wasted = origin.paths().iter().filter(|path| path.contains("broken-")).count();
    assert!(wasted <= 12, "{wasted} requests for segments of a Variant that has none");
}

#[test]
fn a_variant_that_hangs_does_not_slow_down_each_picture() {
    let origin = Origin::start();
    let url = with_broken_variant(&origin, 40, &Rule::Delay(Duration::from_secs(60)));
    let start = Instant::now();
    assert_eq!(tile_frames(&url, &["--every", "2"]).len(), 40);
    assert!(start.elapsed() < Duration::from_secs(35), "{:?}", start.elapsed());
}

/// The ladder with I-frame Playlists whose media are broken.
fn with_broken_i_frames(origin: &Origin, rule: &Rule) -> String {
    for variant in 0..3 {
        let name = format!("/ladder-ts/v{variant}-i.m3u8");
        let text = String::from_utf8(origin.file(&name)).expect("UTF-8").replace(".ts", "-i.ts");
        origin.rule(&name, Rule::Body(text.into(), PLAYLIST));
        for segment in 0..3 {
            origin.rule(&format!("/ladder-ts/v{variant}-{segment}-i.ts"), rule.clone());
        }
    }
    origin.url("/ladder-ts/i-frames.m3u8")
}

#[test]
fn an_i_frame_playlist_that_lies_is_given_up() {
    for rule in [Rule::Status(404, None), Rule::Body(vec![0; 20_000], "video/mp2t"), Rule::Delay(Duration::from_secs(60))] {
        let origin = Origin::start();
        let url = with_broken_i_frames(&origin, &rule);
        let start = Instant::now();
        assert_eq!(tile_frames(&url, &["--every", "1"]), [0, 25, 50, 75, 100, 125], "{rule:?}");
        assert!(start.elapsed() < Duration::from_secs(30), "{rule:?}: {:?}", start.elapsed());
    }
}

#[test]
fn an_i_frame_playlist_that_cannot_be_loaded_is_requested_once() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v2-i.m3u8", Rule::Status(404, None));
    assert_eq!(tile_frames(&origin.url("/ladder-ts/i-frames.m3u8"), &["--every", "1"]), [0, 25, 50, 75, 100, 125]);
    assert_eq!(origin.count("/ladder-ts/v2-i.m3u8"), 1);
}

#[test]
fn ranges_take_every_form_of_time() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v2.m3u8");
    for (options, wanted) in [
        (&["--from", "2", "--every", "1"][..], &[50, 75, 100, 125][..]),
        (&["--from", "0:02", "--to", "0:04", "--every", "1"], &[50, 75]),
        (&["--from", "-2s", "--every", "1"], &[100, 125]),
        (&["--to=-4s", "--every", "1"], &[0, 25]),
        (&["--from", "50%", "--every", "1"], &[75, 100, 125]),
        (&["--from", "start", "--to", "50%", "--count", "3"], &[0, 25, 50]),
        (&["--from", "1s", "--for", "2s", "--count", "2"], &[25, 50]),
        (&["--from", "1", "--for", "1m", "--every", "2"], &[25, 75, 125]),
        (&["--to", "live", "--every", "3"], &[0, 75]),
        (&["--from", "5.9", "--every", "10s"], &[125]),
        (&["--count", "1"], &[0]),
    ] {
        assert_eq!(tile_frames(&url, options), wanted, "{options:?}");
    }
}

#[test]
fn ranges_that_are_empty_outside_or_too_fine_are_refused() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v2.m3u8");
    for (options, code, kind) in [
        (&["--from", "3", "--to", "3"][..], 2, "usage"),
        (&["--from", "4", "--to", "2"], 2, "usage"),
        (&["--from", "live"], 2, "usage"),
        (&["--from", "7"], 22, "not_found"),
        (&["--from", "-7s"], 22, "not_found"),
        (&["--from", "2026-01-01T00:00:00Z"], 22, "not_found"),
        (&["--every", "0.0001"], 14, "too_large"),
        (&["--count", "0"], 2, "usage"),
        (&["--count", "20001"], 2, "usage"),
        (&["--every", "0"], 2, "usage"),
        (&["--every", "1", "--count", "3"], 2, "usage"),
        (&["--to", "3", "--for", "1"], 2, "usage"),
    ] {
        run_sheet(&url, options).fails(code, kind);
    }
    for text in [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-GAP\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n",
    ] {
        origin.rule("/empty.m3u8", Rule::Body(text.into(), PLAYLIST));
        run_sheet(&origin.url("/empty.m3u8"), &[]).fails(22, "not_found");
    }
}

#[test]
fn a_segment_that_stalls_costs_its_own_tiles_only() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v2-1.ts", Rule::StallAtOffset(9000));
    for options in [&["--every", "0.5"][..], &["--every", "0.25", "--exact"]] {
        let start = Instant::now();
        let tiles = Tiles::take(&origin.url("/ladder-ts/v2.m3u8"), &[&["--timeout", "6"], options].concat());
        assert_eq!(tiles.run.code, 50, "{options:?}: {}", tiles.run.stderr);
        let each = tiles.frames().len() / 3;
        for (index, (moment, frame)) in tiles.moments().into_iter().zip(tiles.frames()).enumerate() {
            let exact = repeated_frame(moment);
            let wanted = if options.contains(&"--exact") { exact } else { exact / 25 * 25 };
            let may_be_empty = index / each == 1;
            assert!(frame == Some(wanted) || frame.is_none() && may_be_empty, "{options:?} at {moment}: {frame:?}");
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}

#[test]
fn a_segment_that_is_gone_is_requested_for_one_of_its_moments() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v2-1.ts", Rule::Status(404, None));
    let tiles = Tiles::take(&origin.url("/ladder-ts/v2.m3u8"), &["--every", "0.1", "--exact"]);
    let empty: Vec<_> = tiles.frames().iter().enumerate().filter(|(_, frame)| frame.is_none()).map(|(index, _)| index).collect();
    // The last frames before it are only certain after its first ones
    assert!(empty.ends_with(&(20..40).collect::<Vec<_>>()) && empty[0] >= 18, "{empty:?}");
    // By a pass over all moments and by a search for one, in this segment and in the one before, whose last frames need its first ones
    assert!(origin.count("/ladder-ts/v2-1.ts") <= 6, "{} requests", origin.count("/ladder-ts/v2-1.ts"));
}

#[test]
fn a_missing_init_or_key_is_not_requested_for_each_picture() {
    let origin = Origin::start();
    for (number, tag, code, kind) in
        [(0, "#EXT-X-MAP:URI=\"none\"", 12, "http_status"), (1, "#EXT-X-KEY:METHOD=AES-128,URI=\"none\"", 23, "encrypted")]
    {
        let mut entries = String::new();
        for segment in 0..40 {
            write!(entries, "#EXTINF:2,\n{segment}.m4s\n").expect("formatted");
        }
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{tag}\n{entries}#EXT-X-ENDLIST\n");
        origin.rule(&format!("/{number}/index.m3u8"), Rule::Body(text.into(), PLAYLIST));
        for segment in 0..40 {
            origin.put(&format!("/{number}/{segment}.m4s"), fixture("ladder-fmp4/v0-0.m4s"));
        }
        run_sheet(&origin.url(&format!("/{number}/index.m3u8")), &["--every", "2"]).fails(code, kind);
        let count = origin.count(&format!("/{number}/none"));
        assert!(count <= 8, "{tag}: {count} requests");
    }
}
