//! Colors: a chart of patches in every matrix, range, depth and subsampling, in P3 and in gray; HDR; unsupported streams.

use crate::origin::{Origin, fixtures_folder};
use crate::support::{assert_colors, hlsnap};
use image::{DynamicImage, GenericImageView};

/// The sRGB patches of tests/fixtures/chart.py.
const CHART: [[u8; 3]; 16] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
    [0, 255, 255],
    [255, 0, 255],
    [255, 255, 0],
    [0, 0, 0],
    [241, 194, 164],
    [115, 82, 68],
    [214, 126, 44],
    [133, 128, 177],
    [128, 128, 128],
    [64, 64, 64],
    [8, 8, 8],
    [247, 247, 247],
];

/// The colors in the middle of each patch, in four rows of four.
fn chart(picture: &DynamicImage) -> Vec<[u8; 3]> {
    let (width, height) = picture.dimensions();
    let middle = |index: u32, size: u32| (2 * index + 1) * size / 8;
    let patches = (0..16).map(|patch| picture.get_pixel(middle(patch % 4, width), middle(patch / 4, height)).0);
    patches.map(|[r, g, b, _]| [r, g, b]).collect()
}

#[test]
fn every_patch_has_its_color() {
    let origin = Origin::start();
    let folder = fixtures_folder().join("chart");
    let files: Vec<_> = std::fs::read_dir(folder).expect("the charts").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(files.len(), 94);
    for file in files {
        let name = file.to_string_lossy();
        let url = origin.url(&format!("/chart/{name}"));
        assert_colors(&chart(&hlsnap(&[&url, "-o", "out.png"]).picture("out.png")), &CHART, 3, &name);
        assert_colors(&chart(&hlsnap(&[&url, "-q", "95", "-o", "out.jpg"]).picture("out.jpg")), &CHART, 5, &name);
    }
}

#[test]
fn webp_has_the_colors_of_unusual_matrices_too() {
    let origin = Origin::start();
    let names = [
        "ycgco-full-8-420",
        "ycgco-limited-10-444",
        "ycgco-re-full-10-444",
        "derived-p3-limited-10-420",
        "derived-c-limited-10-444",
        "2020c-limited-10-420",
    ];
    for name in names {
        let url = origin.url(&format!("/chart/{name}.mp4"));
        assert_colors(&chart(&hlsnap(&[&url, "--lossless", "-o", "out.webp"]).picture("out.webp")), &CHART, 3, name);
        assert_colors(&chart(&hlsnap(&[&url, "-q", "95", "-o", "out.webp"]).picture("out.webp")), &CHART, 8, name);
    }
}

#[test]
fn gray_spans_the_whole_range_in_every_format() {
    let luma = |[r, g, b]: [u8; 3]| 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    let expected = CHART.map(|patch| [luma(patch).round() as u8; 3]);
    let origin = Origin::start();
    for name in [
        "h264-limited-8",
        "h264-full-8",
        "hevc-limited-8",
        "hevc-full-8",
        "hevc-limited-10",
        "hevc-full-10",
        "hevc-limited-12",
        "hevc-full-12",
    ] {
        let url = origin.url(&format!("/gray/{name}.mp4"));
        for output in ["out.png", "out.jpg", "out.webp"] {
            assert_colors(&chart(&hlsnap(&[&url, "-q", "95", "-o", output]).picture(output)), &expected, 2, &format!("{output} of {name}"));
        }
        let small = hlsnap(&[&url, "-w", "80", "-o", "out.png"]).picture("out.png");
        assert_colors(&chart(&small), &expected, 2, &format!("a small {name}"));
    }
}

#[test]
fn missing_codes_of_hdr_are_inferred_and_reported() {
    let origin = Origin::start();
    for kind in ["pq", "hlg"] {
        let complete = chart(&hlsnap(&[&origin.url(&format!("/hdr/{kind}.mp4")), "-o", "out.png"]).picture("out.png"));
        for (missing, guessed) in [("matrix", &["matrix"][..]), ("primaries", &["primaries"]), ("both", &["matrix", "primaries"])] {
            let run = hlsnap(&[&origin.url(&format!("/hdr/{kind}-without-{missing}.ts")), "-o", "out.png", "--json"]);
            assert_colors(&chart(&run.picture("out.png")), &complete, 0, missing);
            let report = run.json();
            let color = &report["frame"]["color"];
            assert_eq!((&color["matrix"], &color["primaries"]), (&"bt2020nc".into(), &"bt2020".into()), "{color}");
            assert_eq!(color["guessed"], serde_json::json!(guessed), "{kind} without {missing}");
        }
    }
}

/// 8-bit levels of grays of 0, 5, 26, 60, 100, 162, 203 and 1000 cd/m²: on BT.2408's scale, and above 93 cd/m² on hlsnap's own curve.
const GREYS: [u8; 8] = [0, 55, 108, 153, 189, 225, 234, 255];

/// Light and dark skin as BT.2020 R, G and B in cd/m².
const SKIN: [[f64; 3]; 4] = [[60.0, 38.6, 25.5], [120.0, 77.2, 51.0], [300.0, 193.0, 127.0], [40.0, 24.2, 16.4]];

/// Linear RGB to XYZ, where white is (1, 1, 1).
const SRGB: [[f64; 3]; 3] = [[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8728]];
const BT_2020: [[f64; 3]; 3] = [[0.6702, 0.1521, 0.1777], [0.2627, 0.6780, 0.0593], [0.0, 0.0258, 0.9742]];

/// The linear value of an sRGB level.
fn linear(level: u8) -> f64 {
    let part = f64::from(level) / 255.0;
    if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
}

/// The hue angle in CIELAB, in degrees.
fn hue(to_xyz: &[[f64; 3]; 3], rgb: [f64; 3]) -> f64 {
    let [x, y, z] = to_xyz.map(|row| row.iter().zip(rgb).map(|(factor, part)| factor * part).sum::<f64>().cbrt());
    (200.0 * (y - z)).atan2(500.0 * (x - y)).to_degrees()
}

#[test]
fn hdr_is_mapped_to_the_brightness_and_hue_of_sdr() {
    let origin = Origin::start();
    for name in ["pq", "hlg", "dolby-84", "ictcp-pq", "ictcp-hlg"] {
        for output in ["out.png", "out.jpg"] {
            let patches = chart(&hlsnap(&[&origin.url(&format!("/hdr/{name}.mp4")), "-q", "95", "-o", output]).picture(output));
            assert_colors(&patches[..8], &GREYS.map(|gray| [gray; 3]), 4, name);
            for (patch, skin) in patches[8..12].iter().zip(SKIN) {
                let difference = (hue(&SRGB, patch.map(linear)) - hue(&BT_2020, skin.map(|part| part / 203.0))).abs();
                // The rounding of one more level turns the hue of dark skin by a degree
                let tolerance = if output == "out.jpg" { 4.0 } else { 3.0 };
                assert!(difference < tolerance, "{output} of {name}: the hue of skin is off by {difference:.1} degrees");
            }
            // Saturated colors stay saturated, with the same strongest channel
            for (patch, strongest) in patches[12..15].iter().zip(0..) {
                let others: Vec<u8> = (0..3).filter(|part| *part != strongest).map(|part| patch[part]).collect();
                assert!(others.iter().all(|other| *other < patch[strongest] / 2 + 20), "{name}: {patch:?} is pale");
            }
        }
    }
}

#[test]
fn tone_mapping_can_be_turned_off_or_clip() {
    let origin = Origin::start();
    let url = origin.url("/hdr/pq.mp4");
    let gray = |how: &str| chart(&hlsnap(&[&url, "--tone-map", how, "-o", "out.png"]).picture("out.png"))[6];
    assert_colors(&[gray("clip"), gray("none"), gray("auto")], &[[255; 3], [148; 3], [234; 3]], 2, "reference white");
    hlsnap(&[&url, "--tone-map", "gray"]).fails(2, "usage");
}

#[test]
fn dolby_vision_without_a_base_layer_is_refused() {
    let origin = Origin::start();
    hlsnap(&[&origin.url("/hdr/dolby-5.mp4")]).fails(25, "unsupported");
}
