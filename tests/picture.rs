//! The picture: the right frame, size, colors and format.

use std::process::Command;

use crate::origin::{Origin, fixtures_folder};
use crate::support::{assert_patches, frame_number, hlsnap, hlsnap_with};
use base64::{Engine, engine::general_purpose::STANDARD};
use image::{GenericImageView, ImageFormat};

#[test]
fn a_ts_ladder_gives_the_first_frame_of_its_best_variant() {
    let origin = Origin::start();
    let picture = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "-o", "out.png"]).picture("out.png");
    assert_eq!((picture.dimensions(), frame_number(&picture)), ((640, 360), 0));
    assert_patches(&picture, 5);
}

#[test]
fn an_fmp4_ladder_gives_the_first_frame_of_its_best_variant() {
    let origin = Origin::start();
    let picture = hlsnap(&[&origin.url("/ladder-fmp4/master.m3u8"), "-o", "out.png"]).picture("out.png");
    assert_eq!((picture.dimensions(), frame_number(&picture)), ((640, 360), 0));
    assert_patches(&picture, 5);
}

#[test]
fn a_jpeg_has_the_colors_of_the_stream() {
    let origin = Origin::start();
    let picture = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "-q", "95", "-o", "out.jpg"]).picture("out.jpg");
    assert_patches(&picture, 8);
}

#[test]
fn the_format_follows_the_option_or_the_extension() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/master.m3u8");
    for (output, options, format) in [
        ("a.jpg", &[][..], ImageFormat::Jpeg),
        ("a.JPEG", &[], ImageFormat::Jpeg),
        ("a.png", &[], ImageFormat::Png),
        ("a.webp", &[], ImageFormat::WebP),
        ("a", &[], ImageFormat::Jpeg),
        ("a.jpg", &["-f", "png"], ImageFormat::Png),
        ("b", &["--format", "webp"], ImageFormat::WebP),
    ] {
        let run = hlsnap(&[&[&url, "-o", output], options].concat());
        let file = run.succeeds().file(output);
        assert_eq!(image::guess_format(&file).ok(), Some(format), "{output} {options:?}");
        assert_eq!(frame_number(&image::load_from_memory(&file).expect("readable")), 0);
        assert_eq!(run.files(), [output]);
    }
}

#[test]
fn a_dash_is_stdout_and_the_report_goes_to_stderr() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "-o", "-", "-f", "png", "--json"]);
    run.succeeds();
    assert_eq!(frame_number(&image::load_from_memory(&run.stdout).expect("a picture on stdout")), 0);
    let report: serde_json::Value = serde_json::from_str(&run.stderr).expect("the report on stderr");
    assert_eq!(report["output"], "-");
    assert_eq!(run.files(), [""; 0]);
}

#[test]
fn sizes_and_fits_give_the_right_dimensions() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/master.m3u8");
    for (options, size) in [
        (&["-w", "320"][..], (320, 180)),
        (&["--height", "90"], (160, 90)),
        (&["-w", "200", "--height", "200"], (200, 113)),
        (&["-w", "200", "--height", "200", "--fit", "cover"], (200, 200)),
        (&["-w", "200", "--height", "200", "--fit", "fill"], (200, 200)),
        (&["-w", "200", "--height", "200", "--fit", "pad"], (200, 200)),
        (&["-w", "1280"], (640, 360)),
        (&["-w", "1280", "--enlarge"], (1280, 720)),
    ] {
        for output in ["out.png", "out.jpg"] {
            let picture = hlsnap(&[&[&url, "-o", output], options].concat()).picture(output);
            assert_eq!(picture.dimensions(), size, "{options:?} {output}");
        }
    }
}

#[test]
fn padding_is_black_around_the_whole_picture() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/master.m3u8");
    for output in ["out.png", "out.jpg"] {
        let picture = hlsnap(&[&url, "-w", "320", "--height", "320", "--fit", "pad", "-o", output]).picture(output);
        for (x, y) in [(5, 5), (315, 60), (5, 262), (315, 315)] {
            assert!(picture.get_pixel(x, y).0[..3].iter().all(|value| *value < 8), "{x},{y} of {output} is black");
        }
        let inner = picture.crop_imm(0, 70, 320, 180);
        assert_eq!(frame_number(&inner), 0);
        assert_patches(&inner, 12);
    }
}

#[test]
fn placeholders_show_the_picture_without_its_bars() {
    let chart = fixtures_folder().join("chart/709-limited-8-420.mp4");
    let chart = chart.to_str().expect("text");
    let verdict = |options: &[&str]| hlsnap(&[&[chart, "-o", "out.png", "--json"], options].concat()).json()["verdict"].take();
    let (plain, padded) = (verdict(&[]), verdict(&["-w", "160", "--height", "160", "--fit", "pad"]));
    assert_eq!((&padded["thumbhash"], &padded["dominant_color"]), (&plain["thumbhash"], &plain["dominant_color"]));
    // The mean color that ffmpeg computes of the same frame
    let mean = Command::new("ffmpeg")
        .args(["-v", "error", "-i", chart, "-map", "0:v", "-frames:v", "1", "-vf", "scale=1:1:flags=area:in_color_matrix=bt709"])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg, which `script/setup --test` installs");
    let hash = STANDARD.decode(plain["thumbhash"].as_str().expect("text")).expect("base64");
    let (red, green, blue, _) = thumbhash::thumb_hash_to_average_rgba(&hash).expect("a hash");
    assert_eq!(mean.stdout.len(), 3);
    for (part, expected) in [red, green, blue].into_iter().zip(mean.stdout) {
        assert!((part * 255.0 - f32::from(expected)).abs() < 8.0, "{part} is not {expected} / 255");
    }
}

#[test]
fn fit_cover_keeps_the_middle() {
    let origin = Origin::start();
    let picture =
        hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "-w", "100", "--height", "200", "--fit", "cover", "-o", "out.png"]).picture("out.png");
    // The middle 180 of 640 columns show the end of the third patch and the beginning of the fourth
    let (left, right) = (picture.get_pixel(20, 190).0, picture.get_pixel(80, 190).0);
    assert!(left[2] > 240 && left[0] < 15, "blue at the left: {left:?}");
    assert!(right[0].abs_diff(128) < 10 && right[2].abs_diff(128) < 10, "gray at the right: {right:?}");
}

#[test]
fn every_codec_gives_its_first_frame() {
    let origin = Origin::start();
    for name in ["hevc", "hevc-ts", "av1", "vp9", "mpeg2", "h264-10bit", "h264-444"] {
        for output in ["out.png", "out.jpg"] {
            let picture = hlsnap(&[&origin.url(&format!("/codecs/{name}.m3u8")), "-o", output, "-q", "95"]).picture(output);
            assert_eq!((picture.dimensions(), frame_number(&picture)), ((256, 144), 0), "{name}");
            assert_patches(&picture, 12);
        }
    }
}

#[test]
fn a_media_file_is_read_as_one_segment() {
    let origin = Origin::start();
    for name in ["movie.mp4", "movie-moov-last.mp4", "movie.ts"] {
        let picture = hlsnap(&[&origin.url(&format!("/{name}")), "-o", "out.png"]).picture("out.png");
        assert_eq!((picture.dimensions(), frame_number(&picture)), ((426, 240), 0), "{name}");
        let picture = hlsnap(&[&origin.url(&format!("/{name}")), "--at", "3.5", "-o", "out.png"]).picture("out.png");
        assert_eq!(frame_number(&picture), 87, "{name}");
    }
    for name in ["movie.mp4", "movie-moov-last.mp4"] {
        let picture = hlsnap(&[&origin.url(&format!("/{name}")), "--at", "50%", "--key-frame", "-o", "out.png"]).picture("out.png");
        assert_eq!(frame_number(&picture), 75, "{name}");
    }
}

#[test]
fn output_templates_are_filled_in() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/live/v0.m3u8"), "-o", "{msn}-{width}x{height}-{pdt}.{ext}", "-f", "png"]);
    run.succeeds();
    let files = run.files();
    assert!(files[0].starts_with("10-640x360-20260131T120020") && files[0].contains(".png"), "{files:?}");
}

#[test]
fn file_names_distinguish_streams_without_secrets() {
    let origin = Origin::start();
    let name = |path: &str| {
        let run = hlsnap(&[&origin.url(path), "-o", "{host}-{stream}.{ext}"]);
        run.succeeds();
        run.files().remove(0)
    };
    let one = name("/ladder-ts/v0.m3u8?token=a");
    let digits = one.strip_prefix("127.0.0.1-").and_then(|rest| rest.strip_suffix(".jpg")).expect("host and ending");
    assert!(digits.len() == 8 && digits.chars().all(|c| c.is_ascii_hexdigit()), "{one}");
    assert_eq!(name("/ladder-ts/v0.m3u8?token=b#x"), one);
    assert_ne!(name("/ladder-ts/v1.m3u8?token=a"), one);
}

#[test]
fn an_older_file_is_replaced() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("out.png"), "old").expect("written");
    let run = hlsnap_with(&[&origin.url("/ladder-ts/v0.m3u8"), "-o", "out.png"], b"", folder);
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    assert_eq!(run.files(), ["out.png"]);
}
