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

#[test]
fn hdr_looks_as_sdr_would() {
    let origin = Origin::start();
    for name in ["pq", "hlg", "dolby-84"] {
        for output in ["out.png", "out.jpg"] {
            let patches = chart(&hlsnap(&[&origin.url(&format!("/hdr/{name}.mp4")), "-q", "95", "-o", output]).picture(output));
            assert_near(&patches[..8], &GREYS.map(|grey| [grey; 3]), 4, name);
            // Skin at three levels stays warm, strong colours stay strong and are those that they were
            for [r, g, b] in &patches[8..12] {
                assert!(r > g && g > b, "{name}: skin is {:?}", [r, g, b]);
            }
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
