//! I-frame Playlists and image playlists: a key frame costs the init and one range, a small picture one image.

use crate::origin::{Origin, PLAYLIST, Rule, fixture_text};
use crate::support::{captured_frame, frame_number, hlsnap};

/// The names and ranges of all requests.
fn ranges(origin: &Origin) -> Vec<(String, Option<String>)> {
    origin.requests().into_iter().map(|request| (request.path.rsplit('/').next().unwrap_or_default().to_owned(), request.range)).collect()
}

#[test]
fn the_first_i_frame_of_a_transport_stream_costs_one_range_with_its_tables() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/i-frames.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    let report = run.json();
    assert_eq!((&report["segment"]["i_frame"], &report["variant"]["index"]), (&true.into(), &1.into()));
    let requested = ranges(&origin);
    assert_eq!(requested.len(), 3);
    // 564 bytes of tables, followed by 1316 bytes of the frame
    assert_eq!(requested[2], ("v0-0.ts".to_owned(), Some("bytes=0-1879".to_owned())));
    let bytes: u64 = origin.requests()[2].sent;
    assert_eq!(bytes, 1880);
}

#[test]
fn a_later_i_frame_costs_the_tables_and_one_range() {
    let origin = Origin::start();
    assert_eq!(captured_frame(&origin.url("/ladder-ts/i-frames.m3u8"), &["--at", "3.5", "--key-frame"]), 75);
    let requested: Vec<_> = ranges(&origin).split_off(2);
    let range = |text: &str| ("v0-1.ts".to_owned(), Some(text.to_owned()));
    assert_eq!(requested, [range("bytes=0-563"), range("bytes=8460-9211")]);
}

#[test]
fn an_i_frame_of_fmp4_costs_the_init_and_one_range() {
    let origin = Origin::start();
    assert_eq!(captured_frame(&origin.url("/ladder-fmp4/i-frames.m3u8"), &["--at", "50%", "--key-frame"]), 50);
    let requested: Vec<_> = ranges(&origin).split_off(1);
    let whole = |name: &str| (name.to_owned(), None);
    assert_eq!(requested, [whole("v0-i.m3u8"), whole("v0-init.mp4"), ("v0-1.m4s".to_owned(), Some("bytes=76-1372".to_owned()))]);
}

#[test]
fn a_small_picture_uses_the_smallest_i_frame_playlist_that_is_large_enough() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/i-frames.m3u8"), "-w", "200", "-o", "out.png"]);
    assert_eq!(run.picture("out.png").width(), 200);
    assert_eq!(origin.paths()[1], "/ladder-ts/v2-i.m3u8");
}

#[test]
fn an_exact_frame_comes_from_the_variant() {
    let origin = Origin::start();
    assert_eq!(captured_frame(&origin.url("/ladder-ts/i-frames.m3u8"), &["--at", "3.5"]), 87);
    assert!(origin.paths().iter().all(|path| !path.ends_with("-i.m3u8")));
}

#[test]
fn a_broken_i_frame_playlist_falls_back_to_the_variant() {
    for rule in [
        Rule::Status(404, None),
        Rule::Body(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:1,\nnone.ts\n#EXT-X-ENDLIST\n".to_vec(), "text/plain"),
    ] {
        let origin = Origin::start();
        origin.rule("/ladder-ts/v0-i.m3u8", rule);
        let run = hlsnap(&[&origin.url("/ladder-ts/i-frames.m3u8"), "-o", "out.png", "--json"]);
        assert_eq!(frame_number(&run.picture("out.png")), 0);
        assert_eq!(run.json()["segment"]["i_frame"], false);
    }
}

#[test]
fn an_i_frame_playlist_may_be_the_source() {
    let origin = Origin::start();
    assert_eq!(captured_frame(&origin.url("/ladder-ts/v0-i.m3u8"), &["--at", "4.2"]), 100);
    assert_eq!(captured_frame(&origin.url("/ladder-fmp4/v0-i.m3u8"), &["--at", "live"]), 100);
}

/// The URL of a ladder with an image playlist: one JPEG of 2 by 2 tiles of 256x144, for 1 s each, with the frames 0, 25, 50 and 75.
fn ladder_with_images(origin: &Origin, attributes: &str) -> String {
    let mut mosaic = image::RgbImage::new(512, 288);
    for second in 0..4_u32 {
        let at = second.to_string();
        let run = hlsnap(&[&origin.url("/ladder-ts/v2.m3u8"), "--at", &at, "-o", "out.png"]);
        let tile = run.picture("out.png").to_rgb8();
        image::imageops::replace(&mut mosaic, &tile, i64::from(second % 2 * 256), i64::from(second / 2 * 144));
    }
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95).encode_image(&mosaic).expect("a JPEG");
    let images = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-IMAGES-ONLY\n#EXTINF:4,\n\
        #EXT-X-TILES:RESOLUTION=256x144,LAYOUT=2x2,DURATION=1\ntiles.jpg\n#EXT-X-ENDLIST\n";
    let ladder = fixture_text("ladder-ts/master.m3u8");
    let ladder = format!("{ladder}#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=9000,RESOLUTION=256x144,{attributes}URI=\"images.m3u8\"\n");
    origin.rule("/ladder-ts/tiles.jpg", Rule::Body(jpeg.into_inner(), "image/jpeg"));
    origin.rule("/ladder-ts/images.m3u8", Rule::Body(images.into(), PLAYLIST));
    origin.rule("/ladder-ts/with-images.m3u8", Rule::Body(ladder.into_bytes(), PLAYLIST));
    origin.url("/ladder-ts/with-images.m3u8")
}

#[test]
fn images_serve_small_pictures_without_video() {
    let origin = Origin::start();
    let url = ladder_with_images(&origin, "CODECS=\"jpeg\",");
    let before = origin.requests().len();
    for (at, wanted) in [("start", 0), ("1.2", 25), ("2", 50), ("3.9", 75)] {
        let run = hlsnap(&[&url, "--at", at, "--key-frame", "-w", "200", "-o", "out.png", "--json"]);
        let picture = run.picture("out.png");
        assert_eq!((frame_number(&picture), picture.width(), picture.height()), (wanted, 200, 113), "{at}");
        let report = run.json();
        assert_eq!((&report["frame"]["codec"], &report["segment"]["i_frame"]), (&"mjpeg".into(), &true.into()));
    }
    assert!(origin.paths().split_off(before).iter().all(|path| !path.contains("/v2-")));
}

#[test]
fn images_are_not_used_if_too_small_or_if_an_exact_frame_is_requested() {
    let origin = Origin::start();
    let url = ladder_with_images(&origin, "");
    for options in [&["-w", "300"][..], &["-w", "200", "--at", "1.2"], &[]] {
        assert_eq!(hlsnap(&[&[&url, "-o", "out.png"], options].concat()).code, 0, "{options:?}");
    }
    assert!(!origin.paths().iter().any(|path| path.ends_with("tiles.jpg")));
}

#[test]
fn a_damaged_image_falls_back_to_the_video() {
    let origin = Origin::start();
    let url = ladder_with_images(&origin, "");
    origin.rule("/ladder-ts/tiles.jpg", Rule::Body(vec![0xff, 0xd8, 0xff, 0xe0, 1, 2, 3], "image/jpeg"));
    let run = hlsnap(&[&url, "--key-frame", "-w", "200", "-o", "out.png", "--json"]);
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    assert_eq!(run.json()["segment"]["i_frame"], false);
}
