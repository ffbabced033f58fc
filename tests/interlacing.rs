//! Deinterlacing removes combs from moving parts and keeps the lines of still parts. Progressive frames keep all lines.

use crate::origin::Origin;
use crate::support::hlsnap;
use image::GrayImage;

/// The mean excess of pixels over both neighboring lines, within the part that moves.
fn combing(picture: &GrayImage) -> f64 {
    let (width, height) = (picture.width() * 5 / 6 - 10, picture.height());
    let at = |x: u32, y: u32| i32::from(picture.get_pixel(x, y).0[0]);
    let mut sum = 0;
    for y in 1..height - 1 {
        for x in 0..width {
            let (up, down) = (at(x, y) - at(x, y - 1), at(x, y) - at(x, y + 1));
            let least = up.abs().min(down.abs());
            sum += if up.signum() == down.signum() && least > 2 { least } else { 0 };
        }
    }
    f64::from(sum) / f64::from(width * height)
}

/// The highest combing that is invisible. These frames have 4.2 before, and 0.006 to 0.034 after ffmpeg's yadif.
const MAX_COMBING: f64 = 0.03;

#[test]
fn deinterlacing_removes_combs_and_keeps_still_lines() {
    let origin = Origin::start();
    let coded_as_frames = ["h264-top.ts", "h264-bottom.ts", "mpeg2-top.ts", "mpeg2-bottom.ts", "unflagged-top.ts"];
    let coded_as_fields = ["hevc-fields-top.ts", "hevc-fields-bottom.ts", "hevc-fields-top.mp4"];
    for name in coded_as_frames.into_iter().chain(coded_as_fields) {
        let url = origin.url(&format!("/fields/{name}"));
        let picture = hlsnap(&[&url, "-o", "out.png"]).picture("out.png").into_luma8();
        assert_eq!(picture.dimensions(), (720, 576));
        assert!(combing(&picture) < MAX_COMBING, "{name}: {}", combing(&picture));
        // Each field has a still line, one row high
        for y in [576 / 4, 576 / 4 * 3 + 1] {
            let lines = [y - 1, y, y + 1].map(|y| picture.get_pixel(660, y).0[0]);
            assert!(lines[1] > 200 && lines[0] < 130 && lines[2] < 130, "{name}: {lines:?} at {y}");
        }
        let small = hlsnap(&[&url, "-w", "180", "-o", "out.png"]).picture("out.png").into_luma8();
        assert_eq!(small.dimensions(), (180, 144));
        // The bar has the position of the earlier field, and its edge is vertical
        let edges: Vec<u32> = (10..134).map(|y| (60..80).find(|x| small.get_pixel(*x, y).0[0] > 140).unwrap_or(0)).collect();
        assert!(edges.iter().all(|edge| *edge == edges[0] && (64..=66).contains(edge)), "{name}: {edges:?}");
    }
}

#[test]
fn field_pictures_are_shown_as_whole_frames() {
    let origin = Origin::start();
    for name in ["hevc-fields-top.ts", "hevc-fields-bottom.ts", "hevc-fields-top.mp4"] {
        let url = origin.url(&format!("/fields/{name}"));
        for (at, bar) in [("0", 260), ("0.02", 260), ("0.045", 270), ("0.11", 280)] {
            let run = hlsnap(&[&url, "--at", at, "--exact", "-o", "out.png", "--json"]);
            let picture = run.picture("out.png").into_luma8();
            assert_eq!(picture.dimensions(), (720, 576), "{name} at {at}");
            let edge = (200..400).find(|x| picture.get_pixel(*x, 100).0[0] > 180);
            assert!(edge.is_some_and(|edge| edge.abs_diff(bar) <= 1), "{name} at {at}: {edge:?}");
        }
    }
}

#[test]
fn a_single_field_has_the_dimensions_of_its_frame() {
    let origin = Origin::start();
    let picture = hlsnap(&[&origin.url("/fields/hevc-lone-field.mp4"), "-o", "out.png"]).picture("out.png").into_luma8();
    assert_eq!(picture.dimensions(), (720, 576));
    let is_line = |y: u32| picture.get_pixel(660, y).0[0] > 180;
    // The top field has one of the two still lines
    assert!(is_line(576 / 4) && is_line(576 / 4 + 1) && !is_line(576 / 4 * 3 + 1));
}

/// The level of a pixel of tests/fixtures/patterns.py in a frame of 192 pixels width.
fn pattern(kind: &str, x: u32, y: u32) -> u32 {
    const BAYER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
    let ramp = 40 + x * 100 / 192;
    let noise = || {
        let mixed = u64::from(x) * 374_761_393 + u64::from(y) * 668_265_263 + 9;
        u32::try_from(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40 & 255).expect("8 bits")
    };
    match kind {
        "grain" => ramp + noise() / 4,
        "dither" => 60 + (x + y) % 2 * 120,
        "bayer" if BAYER.as_flattened().get((y % 4 * 4 + x % 4) as usize).is_some_and(|rank| *rank < x * 16 / 192) => 200,
        "bayer" => 50,
        "scanlines" if y.is_multiple_of(2) => ramp,
        "scanlines" => ramp * 2 / 3,
        _ => 50 + y % 4 / 2 * 100 + y % 2 * 30,
    }
}

#[test]
fn progressive_frames_that_look_combed_keep_every_line() {
    let origin = Origin::start();
    for kind in ["grain", "dither", "bayer", "scanlines", "stripes"] {
        let picture = hlsnap(&[&origin.url(&format!("/fields/progressive-{kind}.ts")), "-o", "out.png"]).picture("out.png").into_luma8();
        assert_eq!(picture.dimensions(), (192, 144));
        for (x, y, pixel) in picture.enumerate_pixels() {
            // From limited to full range
            let expected = (f64::from(pattern(kind, x, y)) - 16.0) * 255.0 / 219.0;
            assert!(
                (f64::from(pixel.0[0]) - expected.clamp(0.0, 255.0)).abs() < 3.0,
                "{kind}: {} at {x},{y} is not {expected:.0}",
                pixel.0[0]
            );
        }
    }
}
