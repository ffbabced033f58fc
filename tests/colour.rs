//! Colours: a chart of patches in every matrix, range, depth and sampling, and in P3; HDR; what cannot be shown rightly.

mod origin;
mod support;

use image::{DynamicImage, GenericImageView};
use origin::Origin;
use support::hlsnap;

/// As tests/fixtures/chart.py has them.
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

/// The colours in the middle of four rows of four patches.
fn chart(picture: &DynamicImage) -> Vec<[u8; 3]> {
    let (width, height) = picture.dimensions();
    let middle = |index: u32, size: u32| (2 * index + 1) * size / 8;
    let patches = (0..16).map(|patch| picture.get_pixel(middle(patch % 4, width), middle(patch / 4, height)).0);
    patches.map(|[r, g, b, _]| [r, g, b]).collect()
}

#[track_caller]
fn assert_near(given: &[[u8; 3]], wanted: &[[u8; 3]], most: u8, what: &str) {
    for (given, wanted) in given.iter().zip(wanted) {
        let off = given.iter().zip(wanted).map(|(given, wanted)| given.abs_diff(*wanted)).max().unwrap_or(0);
        assert!(off <= most, "{what}: {given:?} is not {wanted:?}");
    }
}

#[test]
fn every_patch_has_its_colour() {
    let origin = Origin::start();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chart");
    let files: Vec<_> = std::fs::read_dir(folder).expect("the charts").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(files.len(), 74);
    for file in files {
        let name = file.to_string_lossy();
        let url = origin.url(&format!("/chart/{name}"));
        assert_near(&chart(&hlsnap(&[&url, "-o", "out.png"]).picture("out.png")), &CHART, 3, &name);
        assert_near(&chart(&hlsnap(&[&url, "-q", "95", "-o", "out.jpg"]).picture("out.jpg")), &CHART, 5, &name);
    }
}

/// Numbers of 255 for greys of 0, 5, 26, 60, 100, 162, 203 and 1000 cd/m²: BT.2408's scale, and from 93 cd/m² on the bend of our own.
const GREYS: [u8; 8] = [0, 55, 108, 153, 189, 225, 234, 255];

/// Light and dark skin, in cd/m² of BT.2020's red, green and blue.
const SKIN: [[f64; 3]; 4] = [[60.0, 38.6, 25.5], [120.0, 77.2, 51.0], [300.0, 193.0, 127.0], [40.0, 24.2, 16.4]];

/// To XYZ, white's parts each one.
const SRGB: [[f64; 3]; 3] = [[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8728]];
const BT_2020: [[f64; 3]; 3] = [[0.6702, 0.1521, 0.1777], [0.2627, 0.6780, 0.0593], [0.0, 0.0258, 0.9742]];

/// The light of a number of sRGB.
fn linear(number: u8) -> f64 {
    let part = f64::from(number) / 255.0;
    if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
}

/// The angle of hue in CIELAB, in degrees.
fn hue(to_xyz: &[[f64; 3]; 3], light: [f64; 3]) -> f64 {
    let [x, y, z] = to_xyz.map(|row| row.iter().zip(light).map(|(k, part)| k * part).sum::<f64>().cbrt());
    (200.0 * (y - z)).atan2(500.0 * (x - y)).to_degrees()
}

#[test]
fn hdr_looks_as_sdr_would() {
    let origin = Origin::start();
    for name in ["pq", "hlg", "dolby-84"] {
        for output in ["out.png", "out.jpg"] {
            let patches = chart(&hlsnap(&[&origin.url(&format!("/hdr/{name}.mp4")), "-q", "95", "-o", output]).picture(output));
            assert_near(&patches[..8], &GREYS.map(|grey| [grey; 3]), 4, name);
            for (shown, light) in patches[8..12].iter().zip(SKIN) {
                let off = (hue(&SRGB, shown.map(linear)) - hue(&BT_2020, light.map(|part| part / 203.0))).abs();
                assert!(off < 3.0, "{output} of {name}: skin's hue is {off:.1} degrees off");
            }
            // Strong colours stay strong and are those that they were
            for (patch, strongest) in patches[12..15].iter().zip(0..) {
                let others: Vec<u8> = (0..3).filter(|part| *part != strongest).map(|part| patch[part]).collect();
                assert!(others.iter().all(|other| *other < patch[strongest] / 2 + 20), "{name}: {patch:?} is pale");
            }
        }
    }
}

#[test]
fn hdr_as_it_is_or_clipped() {
    let origin = Origin::start();
    let url = origin.url("/hdr/pq.mp4");
    let grey = |how: &str| chart(&hlsnap(&[&url, "--tone-map", how, "-o", "out.png"]).picture("out.png"))[6];
    assert_near(&[grey("clip"), grey("none"), grey("auto")], &[[255; 3], [148; 3], [234; 3]], 2, "reference white");
    hlsnap(&[&url, "--tone-map", "grey"]).fails(2, "usage");
}

#[test]
fn dolby_vision_without_a_base_layer_is_refused() {
    let origin = Origin::start();
    hlsnap(&[&origin.url("/hdr/dolby-5.mp4")]).fails(25, "unsupported");
}
