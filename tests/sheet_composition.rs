//! The pixels of sheets and sprites: each tile is where the report says, and equals the frame that ffmpeg decodes.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::process::Command;

use crate::origin::{Origin, Rule, fixtures_folder};
use crate::support::hlsnap;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage};
use serde_json::Value;

const TILE: (u32, u32) = (160, 90);
/// The lowest signal-to-noise ratio of equal pictures, in dB: without compression, and with it.
const LOSSLESS: f64 = 60.0;
const LOSSY: f64 = 26.0;

/// The key frames of the ladder, one a second, as ffmpeg decodes and scales them.
fn key_frames() -> Vec<RgbImage> {
    let path = fixtures_folder().join("ladder-ts/v0.m3u8");
    let filter = format!("select='not(mod(n,25))',scale={}:{}:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp", TILE.0, TILE.1);
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-i", path.to_str().expect("text"), "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", &filter])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg, which `script/setup --test` installs");
    let size = (TILE.0 * TILE.1 * 3) as usize;
    let frames: Vec<_> = run.stdout.chunks_exact(size).filter_map(|bytes| RgbImage::from_raw(TILE.0, TILE.1, bytes.to_vec())).collect();
    assert_eq!(frames.len(), 6, "{}", String::from_utf8_lossy(&run.stderr));
    frames
}

fn psnr(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let squares = one.as_raw().iter().zip(other.as_raw()).map(|(one, other)| f64::from(one.abs_diff(*other)).powi(2));
    let mean = squares.sum::<f64>() / one.as_raw().len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// The tile of a picture in the report.
fn tile(sheet: &DynamicImage, picture: &Value) -> RgbImage {
    let side = |name: &str| u32::try_from(picture[name].as_u64().expect("a position")).expect("small");
    sheet.crop_imm(side("x"), side("y"), TILE.0, TILE.1).to_rgb8()
}

fn pictures(report: &Value) -> &[Value] {
    report["pictures"].as_array().expect("pictures")
}

/// Asserts that a tile is the frame with this index, by the signal-to-noise ratio of equal pictures, and more like it than like any other.
#[track_caller]
fn assert_frame(tile: &RgbImage, index: usize, frames: &[RgbImage], same: f64) {
    let ratios: Vec<_> = frames.iter().map(|frame| psnr(tile, frame)).collect();
    let best = ratios.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1)).map(|(best, _)| best);
    assert!(best == Some(index) && ratios[index] > same, "frame {index}: {ratios:?}");
}

#[test]
fn each_tile_of_a_sheet_is_where_the_report_says() {
    let (origin, frames) = (Origin::start(), key_frames());
    let url = origin.url("/ladder-ts/v0.m3u8");
    for (options, name, same) in [
        (&["--gap", "6"][..], "sheet.png", LOSSLESS),
        (&["--columns", "2"], "sheet.webp", LOSSY),
        (&["--gap=0", "--header-line"], "sheet.jpg", LOSSY),
    ] {
        let base =
            ["sheet", &url, "-o", name, "--json", "--every", "1", "--tile-width", "160", "--labels=false", "--background", "#204060"];
        let run = hlsnap(&[&base, options].concat());
        let (report, sheet) = (run.succeeds().json(), run.picture(name));
        assert_eq!((report["width"].as_u64(), report["height"].as_u64()), (Some(sheet.width().into()), Some(sheet.height().into())));
        for (index, picture) in pictures(&report).iter().enumerate() {
            assert_frame(&tile(&sheet, picture), index, &frames, same);
        }
    }
}

#[test]
fn the_background_is_between_the_tiles() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    let run = hlsnap(&[
        "sheet",
        &url,
        "-o",
        "sheet.png",
        "--json",
        "--count",
        "4",
        "--tile-width",
        "160",
        "--gap",
        "6",
        "--columns",
        "3",
        "--background",
        "#204060",
    ]);
    let (report, sheet) = (run.succeeds().json(), run.picture("sheet.png"));
    let covered = |x: u32, y: u32| {
        pictures(&report).iter().any(|picture| {
            let (left, top) = (picture["x"].as_u64().expect("x"), picture["y"].as_u64().expect("y"));
            (left..left + u64::from(TILE.0)).contains(&x.into()) && (top..top + u64::from(TILE.1)).contains(&y.into())
        })
    };
    let uncovered = sheet.pixels().filter(|(x, y, _)| !covered(*x, *y));
    let others = uncovered.filter(|(_, _, pixel)| pixel.0[..3] != [0x20, 0x40, 0x60]).count();
    assert_eq!(others, 0, "pixels that are neither a tile nor the background");
}

#[test]
fn a_label_covers_the_corner_of_its_tile_only() {
    let (origin, frames) = (Origin::start(), key_frames());
    let url = origin.url("/ladder-ts/v0.m3u8");
    let run = hlsnap(&["sheet", &url, "-o", "sheet.png", "--json", "--every", "1", "--tile-width", "160"]);
    let (report, sheet) = (run.succeeds().json(), run.picture("sheet.png"));
    for (picture, frame) in pictures(&report).iter().zip(&frames) {
        let (tile, frame) = (DynamicImage::from(tile(&sheet, picture)), DynamicImage::from(frame.clone()));
        let part = |image: &DynamicImage, x, y| image.crop_imm(x, y, 80, 45).to_rgb8();
        for (x, y) in [(0, 0), (80, 0), (0, 45)] {
            assert!(psnr(&part(&tile, x, y), &part(&frame, x, y)) > LOSSLESS, "the part at {x},{y}");
        }
        assert!(psnr(&part(&tile, 80, 45), &part(&frame, 80, 45)) < LOSSY, "there is a label");
    }
}

#[test]
fn each_tile_of_a_sprite_is_where_the_report_says() {
    let (origin, frames) = (Origin::start(), key_frames());
    let url = origin.url("/ladder-ts/v0.m3u8");
    let run = hlsnap(&["storyboard", &url, "-o", "board", "--json", "--every", "1", "--columns", "2", "--rows", "2"]);
    let report = run.succeeds().json();
    let sprites: Vec<_> = pictures(&report).iter().map(|picture| picture["sprite"].as_str().expect("a sprite").to_owned()).collect();
    let [first, second] = ["storyboard-000.jpg", "storyboard-001.jpg"];
    assert_eq!(sprites, [first, first, first, first, second, second]);
    for (index, picture) in pictures(&report).iter().enumerate() {
        let sprite = image::open(run.path("board").join(&sprites[index])).expect("a sprite");
        assert_eq!(sprite.dimensions(), (320, 180));
        assert_frame(&tile(&sprite, picture), index, &frames, LOSSY);
    }
}

#[test]
fn a_missing_tile_of_a_sprite_is_neither_black_nor_a_picture() {
    let origin = Origin::start();
    // The first sprite begins with the missing tiles, and the second ends with them
    for segment in ["v0-0.ts", "v0-2.ts"] {
        origin.rule(&format!("/ladder-ts/{segment}"), Rule::Status(404, None));
    }
    let url = origin.url("/ladder-ts/v0.m3u8");
    let run = hlsnap(&["storyboard", &url, "-o", "board", "--json", "--every", "1", "--columns", "3", "--rows", "1"]);
    assert_eq!(run.code, 50, "{}", run.stderr);
    let frames = key_frames();
    for (name, empty, filled) in [("storyboard-000.jpg", [0, 160], (320, 2)), ("storyboard-001.jpg", [160, 320], (0, 3))] {
        let sprite = image::open(run.path("board").join(name)).expect("a sprite");
        for x in empty {
            let tile = sprite.crop_imm(x, 0, TILE.0, TILE.1).to_rgb8();
            let mut luma: Vec<_> = tile.pixels().map(|Rgb([_, green, _])| *green).collect();
            luma.sort_unstable();
            let (surface, cross) = (luma[luma.len() / 2], luma[luma.len() - 1]);
            assert!((8..80).contains(&surface) && cross < 160 && cross > surface + 20, "{name} at {x}: {surface}, {cross}");
        }
        let (x, frame) = filled;
        assert_frame(&sprite.crop_imm(x, 0, TILE.0, TILE.1).to_rgb8(), frame, &frames, LOSSY);
    }
}
