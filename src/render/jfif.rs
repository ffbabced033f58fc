//! From RGB to JFIF's planes, and from those to WebP's.

use image::RgbImage;

use super::planes::{Chroma, Plane, Planes};

/// Fractional bits of the coefficients.
const FRACTION_BITS: u32 = 16;
const HALF: i32 = 1 << (FRACTION_BITS - 1);
const LUMA: [i32; 3] = [19_595, 38_470, 7_471];
const CB: [i32; 3] = [-11_058, -21_710, 32_768];
const CR: [i32; 3] = [32_768, -27_439, -5_329];

/// Converts to Y, Cb and Cr by BT.601 in the full range (ITU-T T.871). In 4:2:0, a chroma sample is the mean of its pixels.
pub fn from_rgb(image: &RgbImage, chroma: Chroma) -> Planes {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (across, down) = chroma.shift();
    let rows: Vec<&[[u8; 3]]> = image.as_raw().chunks_exact(width.max(1) * 3).map(|row| row.as_chunks::<3>().0).collect();
    let mut y = Plane::filled(width, height, 0);
    for (row, to) in rows.iter().zip(y.bytes.chunks_exact_mut(width.max(1))) {
        for (pixel, to) in row.iter().zip(to) {
            *to = weighted_mean(LUMA, pixel.map(i32::from), 1, 0);
        }
    }
    let (chroma_width, chroma_height) = (width.div_ceil(1 << across), height.div_ceil(1 << down));
    let [mut cb, mut cr] = [(); 2].map(|()| Plane::filled(chroma_width, chroma_height, 0));
    let lines = cb.bytes.chunks_exact_mut(chroma_width.max(1)).zip(cr.bytes.chunks_exact_mut(chroma_width.max(1)));
    let mut sums = vec![[0_i32; 3]; chroma_width];
    for ((cb, cr), rows) in lines.zip(rows.chunks(1 << down)) {
        sums.fill([0; 3]);
        // At odd edges, the last row and column count twice
        for row in rows.iter().cycle().take(1 << down) {
            for (sum, pixels) in sums.iter_mut().zip(row.chunks(1 << across)) {
                for pixel in pixels.iter().cycle().take(1 << across) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, component)| *sum += i32::from(*component));
                }
            }
        }
        for ((sum, cb), cr) in sums.iter().zip(cb).zip(cr) {
            let count = 1 << (across + down);
            *cb = weighted_mean(CB, *sum, count, 128);
            *cr = weighted_mean(CR, *sum, count, 128);
        }
    }
    Planes::new(chroma, [y, cb, cr])
}

/// R, G and B of a pixel (ITU-T T.871, 7).
pub fn to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = [i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128];
    let value = |chroma: i32| u8::try_from((y + ((chroma + HALF) >> FRACTION_BITS)).clamp(0, 255)).unwrap_or(u8::MAX);
    [value(91_881 * cr), value(-22_554 * cb - 46_802 * cr), value(116_130 * cb)]
}

/// Converts to the limited range, as WebP has it (RFC 6386, 9.2).
pub fn to_limited_range(planes: &Planes) -> [Plane; 3] {
    // Luma: 16 + 219/255 of the value; chroma: 128 + 224/255 of the distance from 128. Each offset includes half a step for rounding
    let convert = |plane: &Plane, span: u16, offset: u16| {
        #[expect(clippy::cast_possible_truncation, reason = "at most 240")]
        let bytes = plane.bytes.iter().map(|value| ((u16::from(*value) * span + offset) / 255) as u8).collect();
        Plane { bytes, ..*plane }
    };
    [convert(&planes.y, 219, 16 * 255 + 127), convert(&planes.cb, 224, 16 * 255 + 15), convert(&planes.cr, 224, 16 * 255 + 15)]
}

/// The weighted sum of R, G and B, each the sum of `count` pixels, divided by `count` and raised by `offset`.
#[expect(clippy::cast_sign_loss, reason = "clamped")]
fn weighted_mean([red, green, blue]: [i32; 3], [r, g, b]: [i32; 3], count: i32, offset: i32) -> u8 {
    // Three products of four times 8 bits and 16 bits stay below 2^27
    let sum = (red * r + green * g + blue * b) / count;
    (((sum + HALF) >> FRACTION_BITS) + offset).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn the_limited_range_begins_at_16() {
        let actual =
            [0, 128, 255].map(|value| to_limited_range(&Planes::filled(1, 1, Chroma::Half, [value; 3])).map(|plane| plane.bytes[0]));
        assert_eq!(actual, [[16; 3], [126, 128, 128], [235, 240, 240]]);
    }

    /// The equations of ITU-T T.871, 7, for the mean of some pixels.
    fn by_the_equations(pixels: &[[u8; 3]]) -> [f64; 3] {
        let mean = |index: usize| pixels.iter().map(|pixel| f64::from(pixel[index])).sum::<f64>() / pixels.len() as f64;
        let [r, g, b] = [0, 1, 2].map(mean);
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        [y, (b - y) / 1.772 + 128.0, (r - y) / 1.402 + 128.0]
    }

    #[test]
    fn each_sample_is_within_a_level_of_the_equations() {
        for (width, height) in [(16, 16), (7, 5), (1, 9), (2, 1)] {
            let value = |x: u32, y: u32, step: u32| (x * step + y * 83 + x * y * 31).to_le_bytes()[0];
            let image = RgbImage::from_fn(width, height, |x, y| Rgb([value(x, y, 57), value(x, y, 141), value(y, x, 201)]));
            for chroma in [Chroma::Half, Chroma::Full] {
                let planes = from_rgb(&image, chroma);
                let step = 1 << chroma.shift().0;
                for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                    let [luma, ..] = by_the_equations(&[image.get_pixel(x, y).0]);
                    let corners = (0..step).flat_map(|down| (0..step).map(move |across| (across, down)));
                    let near = |start: u32, offset: u32, side: u32| (start / step * step + offset).min(side - 1);
                    let pixels: Vec<_> =
                        corners.map(|(across, down)| image.get_pixel(near(x, across, width), near(y, down, height)).0).collect();
                    let [_, blue, red] = by_the_equations(&pixels);
                    let sample = |plane: &Plane, step: u32| plane.row((y / step) as usize).expect("a row")[(x / step) as usize];
                    let samples = [sample(&planes.y, 1), sample(&planes.cb, step), sample(&planes.cr, step)];
                    for (actual, expected) in samples.into_iter().zip([luma, blue, red]) {
                        assert!(
                            (f64::from(actual) - expected).abs() <= 1.0,
                            "{width}x{height} {chroma:?} ({x}, {y}): {actual}, {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn colors_convert_as_in_jfif() {
        for (rgb, planes) in
            [([255, 0, 0], [76, 85, 255]), ([0, 0, 255], [29, 255, 107]), ([255; 3], [255, 128, 128]), ([90; 3], [90, 128, 128])]
        {
            for chroma in [Chroma::Half, Chroma::Full] {
                let actual = from_rgb(&RgbImage::from_pixel(5, 3, Rgb(rgb)), chroma);
                assert_eq!(actual, Planes::filled(5, 3, chroma, planes), "{rgb:?}");
            }
        }
    }
}
