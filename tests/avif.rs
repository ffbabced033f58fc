//! AVIF: the stream's own key frames as pictures, read by ffmpeg, libavif and libheif.

use std::{path::Path, process::Command};

use crate::encrypted_origin::{KEY, origin_with};
use crate::origin::{Origin, fixture, fixtures_folder};
use crate::support::{
    Run, assert_colors,
    common_encryption::{Codec, encrypt_init, encrypt_segment},
    hlsnap,
    http_server::Server,
};
use image::GenericImageView;

/// The output of a program that `script/setup --test` installs.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The samples of the first frame that ffmpeg decodes.
#[track_caller]
fn samples(path: &Path) -> Vec<u8> {
    run("ffmpeg", &["-v", "error", "-i", text(path), "-frames:v", "1", "-f", "rawvideo", "-"])
}

/// The samples that libavif decodes.
#[track_caller]
fn samples_of_libavif(path: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let decoded = folder.path().join("x.y4m");
    run("avifdec", &[text(path), text(&decoded)]);
    let file = std::fs::read(decoded).expect("the decoded picture");
    let start = file.windows(6).position(|six| six == b"FRAME\n").expect("a frame") + 6;
    file.get(start..).expect("samples").to_vec()
}

/// A line of libavif's description.
#[track_caller]
fn described(path: &Path, name: &str) -> String {
    let description = String::from_utf8(run("avifdec", &["--info", text(path)])).expect("UTF-8");
    let line = description.lines().find_map(|line| line.trim_start_matches([' ', '*']).strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {description}")).trim_start_matches([' ', ':']).to_owned()
}

/// The content of the first box of a name.
#[track_caller]
fn box_content<'a>(file: &'a [u8], name: &[u8]) -> &'a [u8] {
    let at = file.windows(4).position(|four| four == name).unwrap_or_else(|| panic!("no box {}", String::from_utf8_lossy(name)));
    let size = file.get(at - 4..at).map(|size| u32::from_be_bytes(size.try_into().expect("four"))).expect("its size") as usize;
    file.get(at + 4..at - 4 + size).expect("its content")
}

/// Takes an AVIF of a file of tests/fixtures.
fn avif(name: &str) -> Run {
    hlsnap(&[text(&fixtures_folder().join(name)), "-o", "out.avif", "--json"])
}

#[test]
fn every_sample_is_that_of_the_stream() {
    for (name, depth, format) in [
        ("444", "8", "YUV444"),
        ("422-12", "12", "YUV422"),
        ("gray", "8", "YUV400"),
        ("untagged", "8", "YUV420"),
        ("wide", "8", "YUV420"),
        ("grain", "8", "YUV420"),
        ("pq", "10", "YUV420"),
    ] {
        let name = format!("av1/{name}.mp4");
        let run = avif(&name);
        let (picture, stream) = (run.path("out.avif"), samples(&fixtures_folder().join(&name)));
        assert_eq!(run.succeeds().json()["format"], "avif");
        assert!(samples(&picture) == stream, "{name}: ffmpeg decodes other samples");
        assert!(samples_of_libavif(&picture) == stream, "{name}: libavif decodes other samples");
        assert_eq!((described(&picture, "Bit Depth").as_str(), described(&picture, "Format").as_str()), (depth, format), "{name}");
    }
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/codecs/av1.m3u8"), "-o", "out.avif"]);
    let folder = tempfile::tempdir().expect("a folder");
    let stream = folder.path().join("x.mp4");
    std::fs::write(&stream, [fixture("codecs/av1-init.mp4"), fixture("codecs/av1-0.m4s")].concat()).expect("written");
    assert!(samples(&run.succeeds().path("out.avif")) == samples(&stream), "ffmpeg decodes other samples");
}

#[test]
fn colors_are_those_of_the_stream_and_missing_codes_are_inferred() {
    // Primaries, transfer and matrix (ITU-T H.273) that script/fixtures-picture sets; those of HD video if it sets none
    for (name, codes, range) in [
        ("444", ["1", "13", "1"], "Full"),
        ("pq", ["9", "16", "9"], "Limited"),
        ("grain", ["5", "6", "5"], "Limited"),
        ("wide", ["6", "6", "6"], "Limited"),
        ("untagged", ["1", "1", "1"], "Limited"),
    ] {
        let run = avif(&format!("av1/{name}.mp4"));
        let picture = run.succeeds().path("out.avif");
        let found = ["Color Primaries", "Transfer Char.", "Matrix Coeffs."].map(|line| described(&picture, line));
        assert_eq!((found, described(&picture, "Range").as_str()), (codes.map(str::to_owned), range), "{name}");
    }
}

#[test]
fn hdr_metadata_and_the_pixel_aspect_ratio_are_kept() {
    let file = avif("av1/pq.mp4").succeeds().file("out.avif");
    assert_eq!(box_content(&file, b"clli"), [900_u16.to_be_bytes(), 200_u16.to_be_bytes()].concat());
    // x and y of green, blue, red and white in steps of 0.00002, then luminances in steps of 0.0001; AV1 codes them in binary fractions
    let display = box_content(&file, b"mdcv");
    let number =
        |at: usize, size: usize| display.get(at..at + size).expect("24 bytes").iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte));
    for (at, expected) in [13_250, 34_500, 7_500, 3_000, 34_000, 16_000, 15_635, 16_450].into_iter().enumerate() {
        assert!((number(2 * at, 2) - expected).abs() <= 1, "chromaticity {at} of {display:?}");
    }
    assert_eq!((number(16, 4), (number(20, 4) - 50).abs() <= 1), (10_000_000, true), "{display:?}");
    let run = avif("av1/wide.mp4");
    assert_eq!(described(&run.path("out.avif"), "pasp (Aspect Ratio)"), "4/3");
    assert_eq!((&run.json()["width"], &run.json()["height"]), (&160.into(), &96.into()));
}

#[test]
fn all_eight_orientations_are_shown_upright() {
    /// The corners of the chart: red, white, near-white and gray.
    const CORNERS: [[u8; 3]; 4] = [[255, 0, 0], [255; 3], [247; 3], [128; 3]];
    // a, b, c and d of the display matrix, and the original corner at each corner of the picture, clockwise from the top left
    let orientations: [([i32; 4], [usize; 4]); 8] = [
        ([1, 0, 0, 1], [0, 1, 2, 3]),
        ([0, 1, -1, 0], [3, 0, 1, 2]),
        ([-1, 0, 0, -1], [2, 3, 0, 1]),
        ([0, -1, 1, 0], [1, 2, 3, 0]),
        ([-1, 0, 0, 1], [1, 0, 3, 2]),
        ([1, 0, 0, -1], [3, 2, 1, 0]),
        ([0, 1, 1, 0], [0, 3, 2, 1]),
        ([0, -1, -1, 0], [2, 1, 0, 3]),
    ];
    for (matrix, from) in orientations {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, upright) = (folder.path().join("x.mp4"), folder.path().join("x.png"));
        let [a, b, c, d] = matrix.map(|one| (one << 16).to_be_bytes());
        let mut file = fixture("av1/chart.mp4");
        // The matrix is at byte 40 of the content of a version 0 box (ISO/IEC 14496-12, section 8.3.2)
        let at = file.windows(4).position(|four| four == b"tkhd").expect("the box") + 4 + 40;
        file.get_mut(at..at + 20).expect("room").copy_from_slice(&[a, b, [0; 4], c, d].concat());
        std::fs::write(&path, file).expect("written");
        let run = hlsnap(&[text(&path), "-o", "out.avif", "--json"]);
        self::run("heif-convert", &[text(&run.succeeds().path("out.avif")), text(&upright)]);
        let picture = image::open(&upright).expect("a picture");
        let (width, height) = picture.dimensions();
        assert_eq!((&run.json()["width"], &run.json()["height"]), (&width.into(), &height.into()), "{matrix:?}");
        let (left, top) = (width / 8, height / 8);
        let (right, bottom) = (width - 1 - left, height - 1 - top);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| {
            let [red, green, blue, _] = picture.get_pixel(x, y).0;
            [red, green, blue]
        });
        assert_colors(&corners, &from.map(|corner| CORNERS[corner]), 4, &format!("{matrix:?}"));
    }
}

#[test]
fn the_stream_may_be_encrypted_and_its_key_frame_is_verified() {
    let clear = hlsnap(&[text(&fixtures_folder().join("codecs/av1.m3u8")), "-o", "out.avif"]).succeeds().file("out.avif");
    let init = encrypt_init(&fixture("codecs/av1-init.mp4"), *b"cbcs", None);
    let encrypted = encrypt_segment(&fixture("codecs/av1-0.m4s"), Codec::Av1, *b"cbcs", &KEY);
    let lines = "#EXT-X-MAP:URI=\"/init.mp4\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\",KEYFORMAT=\"identity\"\n#EXTINF:2,\n/0.m4s\n";
    let origin = origin_with(lines, &KEY, &[("/init.mp4", init), ("/0.m4s", encrypted)]);
    let url = origin.url("/x.m3u8");
    assert_eq!(hlsnap(&[&url, "-o", "out.avif"]).succeeds().file("out.avif"), clear);
    hlsnap(&[&url, "-o", "out.avif", "--decryption-key", &"77".repeat(16)]).fails(23, "encrypted");
}

#[test]
fn what_would_have_to_be_encoded_is_unsupported_with_the_reason() {
    let origin = Origin::start();
    let av1 = origin.url("/codecs/av1.m3u8");
    for (path, codec) in [("/ladder-ts/v0.m3u8", "h264"), ("/codecs/hevc.m3u8", "hevc"), ("/codecs/vp9.m3u8", "vp9")] {
        let run = hlsnap(&[&origin.url(path), "-f", "avif"]);
        assert!(run.fails(25, "unsupported").last_line().contains(&format!("this stream is {codec},")), "{}", run.stderr);
    }
    let requests = origin.requests().len();
    for options in [&["-w", "100"][..], &["--height", "100"], &["--crop", "0,0,0.5,1"], &["--tone-map", "clip"], &["--describe"]] {
        let run = hlsnap(&[&[av1.as_str(), "-f", "avif"], options].concat());
        assert!(run.fails(25, "unsupported").last_line().contains("AVIF takes the stream's own bytes"), "{options:?}: {}", run.stderr);
    }
    assert_eq!(origin.requests().len(), requests, "options are checked before anything is requested");
    let run = hlsnap(&[&av1, "-f", "avif", "--at", "0.2"]);
    assert!(run.fails(25, "unsupported").last_line().contains("--key-frame"), "{}", run.stderr);
    hlsnap(&[&av1, "-f", "avif", "--at", "0.2", "--key-frame"]).succeeds();
    hlsnap(&[&av1, "-f", "avif", "--max-size", "100"]).fails(14, "too_large");
    hlsnap(&[&av1, "-f", "avif", "--max-size", "2k"]).succeeds();
}

#[test]
fn a_damaged_key_frame_gives_an_error_and_no_file() {
    let mut file = fixture("av1/chart.mp4");
    let at = file.windows(4).position(|four| four == b"mdat").expect("the media") + 60;
    file.get_mut(at..at + 40).expect("the frame").fill(0xa5);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.mp4");
    std::fs::write(&path, file).expect("written");
    hlsnap(&[text(&path), "-o", "out.avif"]).fails(24, "undecodable");
}

#[test]
fn of_several_variants_that_of_av1_is_taken() {
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS=\"avc1.64001e\"\n/ladder-ts/v0.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=200000,RESOLUTION=256x144,CODECS=\"av01.0.00M.08\"\n/codecs/av1.m3u8\n";
    let origin = Origin::start();
    origin.put("/master.m3u8", master);
    let run = hlsnap(&[&origin.url("/master.m3u8"), "-o", "out.avif", "--json"]);
    assert_eq!(run.succeeds().json()["variant"]["index"], 1);
    assert_eq!(origin.requests().len(), 4);
}

#[test]
fn the_server_has_a_path_for_it() {
    let (origin, server) = (Origin::start(), Server::start(&["--allow-any", "--allow-private"], &[]));
    let answer = server.get(&format!("/snapshot.avif?url={}", origin.url("/codecs/av1.m3u8")));
    assert_eq!(
        (answer.header("content-type"), box_content(&answer.body, b"ispe").get(4..)),
        ("image/avif", Some(&[0, 0, 1, 0, 0, 0, 0, 144][..]))
    );
    server.get(&format!("/snapshot.avif?url={}", origin.url("/ladder-ts/v0.m3u8"))).fails(422, "unsupported");
}

#[test]
fn chromium_shows_the_frame_in_its_colors() {
    let run_avif = avif("av1/chart.mp4");
    run_avif.succeeds();
    let folder = run_avif.folder.path();
    let shown = run("script/players", &["--image", text(folder), "out.avif"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
    // Another decoder and another conversion to R'G'B'
    let png = folder.join("frame.png");
    run("ffmpeg", &["-v", "error", "-i", text(&fixtures_folder().join("av1/chart.mp4")), "-frames:v", "1", text(&png)]);
    let expected = image::open(&png).expect("a PNG").into_rgb8();
    let shown = &shown["out.avif"];
    assert_eq!((&shown["width"], &shown["height"]), (&expected.width().into(), &expected.height().into()));
    for component in 0..3 {
        let sum: u64 = expected.pixels().map(|pixel| u64::from(pixel.0[component])).sum();
        let mean = sum as f64 / f64::from(expected.width() * expected.height());
        let actual = shown["mean"][component].as_f64().expect("a mean");
        assert!((actual - mean).abs() < 3.0, "component {component}: {actual} instead of {mean}");
    }
}
