//! Geometry: pixel aspect ratio, clean aperture, orientation and crop.

use crate::origin::fixture;
use crate::support::{assert_colors, hlsnap};
use image::{DynamicImage, GenericImageView};

/// The first picture of a media file.
#[track_caller]
fn picture(file: &[u8], options: &[&str]) -> DynamicImage {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.mp4");
    std::fs::write(&path, file).expect("written");
    hlsnap(&[&[path.to_str().expect("text"), "-o", "out.png"], options].concat()).picture("out.png")
}

/// The colors in the corners, clockwise from the top left.
fn corners(picture: &DynamicImage) -> [[u8; 3]; 4] {
    let (width, height) = picture.dimensions();
    let (left, top) = (width / 8, height / 8);
    let (right, bottom) = (width - 1 - left, height - 1 - top);
    [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| {
        let [red, green, blue, _] = picture.get_pixel(x, y).0;
        [red, green, blue]
    })
}

/// The corners of the chart: red, white, near-white and gray.
const CORNERS: [[u8; 3]; 4] = [[255, 0, 0], [255; 3], [247; 3], [128; 3]];

/// The file with these bytes at an offset within the content of the first box of a name.
fn patched(mut file: Vec<u8>, name: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let at = file.windows(4).position(|four| four == name).expect("the box") + 4 + offset;
    file.get_mut(at..at + bytes.len()).expect("room").copy_from_slice(bytes);
    file
}

#[test]
fn pixels_become_square() {
    for (sar, width) in
        [("10-11", 160), ("12-11", 192), ("16-11", 256), ("40-33", 213), ("64-45", 250), ("4-3", 235), ("2-1", 352), ("1-200", 176)]
    {
        let picture = picture(&fixture(&format!("shape/{sar}.mp4")), &[]);
        assert_eq!(picture.dimensions(), (width, 144), "{sar}");
    }
}

#[test]
fn the_aspect_ratio_of_the_container_wins() {
    // hSpacing and vSpacing (ISO/IEC 14496-12, section 12.1.4)
    let file = patched(fixture("shape/4-3.mp4"), b"pasp", 0, &[0, 0, 0, 2, 0, 0, 0, 1]);
    assert_eq!(picture(&file, &[]).dimensions(), (352, 144));
    assert_eq!(picture(&file, &["-w", "176"]).dimensions(), (176, 72));
}

#[test]
fn only_the_clean_aperture_is_shown() {
    // Insert a `clap` after `pasp`: width, height, and the offset of its center as fractions (ISO/IEC 14496-12, section 12.1.4)
    let plain = fixture("shape/4-3.mp4");
    let fraction = |number: i32| [number.to_be_bytes(), 1_i32.to_be_bytes()].concat();
    let aperture = [40_u32.to_be_bytes().to_vec(), b"clap".to_vec(), fraction(88), fraction(72), fraction(-44), fraction(-36)].concat();
    let at = plain.windows(4).position(|four| four == b"pasp").expect("the box") + 12;
    let (before, after) = plain.split_at(at);
    let mut file = [before, &aperture, after].concat();
    for name in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"] {
        let at = file.windows(4).position(|four| four == name).expect("the box") - 4;
        let size = file.get(at..at + 4).map(|size| u32::from_be_bytes(size.try_into().expect("four")) + 40).expect("its size");
        file.get_mut(at..at + 4).expect("its size").copy_from_slice(&size.to_be_bytes());
    }
    // The top left quarter has four patches
    let picture = picture(&file, &["--fit", "fill"]);
    assert_eq!(picture.dimensions(), (117, 72));
    assert_eq!(corners(&picture).map(|[r, ..]| r > 128), [true, false, true, false]);
}

#[test]
fn all_eight_orientations_are_shown_upright() {
    // a, b, c and d of the display matrix, and the original corner at each corner of the picture
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
        let [a, b, c, d] = matrix.map(|one| (one << 16).to_be_bytes());
        let zero = [0; 4];
        // The matrix is at byte 40 of the content of a version 0 box (ISO/IEC 14496-12, section 8.3.2)
        let file = patched(fixture("chart/709-limited-8-420.mp4"), b"tkhd", 40, &[a, b, zero, c, d].concat());
        let sideways = matrix[0] == 0;
        for options in [&[][..], &["-w", "48", "--height", "48"]] {
            let picture = picture(&file, options);
            let (width, height) = picture.dimensions();
            assert_eq!(height > width, sideways, "{matrix:?}");
            assert_colors(&corners(&picture), &from.map(|corner| CORNERS[corner]), 4, &format!("{matrix:?}"));
        }
    }
}

#[test]
fn crop_shows_a_part_of_the_picture() {
    let file = fixture("chart/709-limited-8-420.mp4");
    let part = picture(&file, &["--crop", "0.75,0,0.25,0.25"]);
    assert_eq!(part.dimensions(), (40, 24));
    assert!(part.pixels().all(|(_, _, pixel)| pixel.0[..3].iter().all(|value| *value > 250)), "only the white patch");
    assert_eq!(picture(&file, &["--crop", "0,0,0.5,1", "-w", "40"]).dimensions(), (40, 48));
    hlsnap(&["x.mp4", "--crop", "0,0,2,1"]).fails(2, "usage");
}
