//! Pictures for the wall: small JPEGs that are easy to distinguish.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers are small")]

use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};

const SIZE: (u32, u32) = (320, 180);
const SKIES: [[u8; 3]; 8] =
    [[232, 150, 88], [88, 140, 196], [60, 72, 110], [200, 200, 204], [96, 160, 132], [178, 92, 110], [228, 196, 120], [120, 104, 168]];

/// A landscape: sky, sun, two ranges of hills, and a band as of a caption. The number determines all of it.
pub fn scene(number: u32) -> Vec<u8> {
    let sky = SKIES[(number % 8) as usize];
    let phase = f64::from(number) * 1.7;
    let (width, height) = (f64::from(SIZE.0), f64::from(SIZE.1));
    let sun = (width * (0.2 + 0.6 * (phase.sin() * 0.5 + 0.5)), height * 0.32);
    jpeg(|x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        let hill = |base: f64, size: f64, wave: f64| height * base + size * (x / wave + phase).sin() + size * 0.4 * (x / wave * 2.3).cos();
        let shade = |factor: f64| sky.map(|part| (f64::from(part) * factor).clamp(0.0, 255.0) as u8);
        let is_caption = number.is_multiple_of(3) && y > height * 0.78 && y < height * 0.92 && x > width * 0.06 && x < width * 0.62;
        match () {
            () if is_caption => [236, 238, 240],
            () if y > hill(0.72, 14.0, 60.0) => shade(0.28),
            () if y > hill(0.55, 20.0, 42.0) => shade(0.52),
            () if (x - sun.0).hypot(y - sun.1) < 20.0 => [255, 244, 214],
            () => shade(0.75 + 0.5 * y / height),
        }
    })
}

/// One color.
pub fn plain(color: [u8; 3]) -> Vec<u8> {
    jpeg(|_, _| color)
}

fn jpeg(pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let picture = RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| Rgb(pixel(x, y)));
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&picture).expect("a JPEG");
    bytes
}
