//! [`Light`] over all pixels of a picture: by a table over the three numbers where it is smooth, exactly where it has corners.

use image::RgbImage;

use super::{View, tone_map::ToneMapper};

/// Nodes of the table a side: ITU-R BT.2446 does with as many.
const NODES: usize = 33;
/// Bits of a number of 0 to 65536 that lie between two nodes.
const BETWEEN: u32 = 11;
const STRIDES: [usize; 3] = [NODES * NODES, NODES, 1];
/// The table's values are 255ths in 256ths.
const FINER: f32 = 256.0;

/// Maps rows of R, G and B of 16 bits each, little-endian, to 8 bits of sRGB.
pub fn to_srgb(light: &ToneMapper, rgb48: View<'_>) -> RgbImage {
    let mut bytes = Vec::with_capacity(rgb48.width / 2 * rgb48.height);
    let rows = (0..rgb48.height).filter_map(|row| rgb48.row(row)).map(|row| row.as_chunks::<6>().0);
    let numbers = |six: &[u8; 6]| {
        let [r0, r1, g0, g1, b0, b1] = *six;
        [u16::from_le_bytes([r0, r1]), u16::from_le_bytes([g0, g1]), u16::from_le_bytes([b0, b1])]
    };
    if light.is_smooth() {
        let cube = Lut3d::of(light);
        rows.for_each(|row| bytes.extend(row.iter().flat_map(|six| cube.at(numbers(six)))));
    } else {
        let exact = |numbers: [u16; 3]| light.to_srgb(numbers.map(|number| f32::from(number) / 65535.0)).map(byte);
        // Neighbours are often alike
        let mut last = ([0; 3], exact([0; 3]));
        for six in rows.flatten() {
            let numbers = numbers(six);
            if numbers != last.0 {
                last = (numbers, exact(numbers));
            }
            bytes.extend_from_slice(&last.1);
        }
    }
    image(rgb48, bytes)
}

/// The same pixels with 8 bits each.
pub fn to_rgb8(rgb48: View<'_>) -> RgbImage {
    let numbers = (0..rgb48.height).filter_map(|row| rgb48.row(row)).flat_map(|row| row.as_chunks::<2>().0);
    let rounded = |number: u16| u8::try_from((u32::from(number) * 255 + 32767) / 65535).unwrap_or(u8::MAX);
    image(rgb48, numbers.map(|bytes| rounded(u16::from_le_bytes(*bytes))).collect())
}

fn image(rgb48: View<'_>, bytes: Vec<u8>) -> RgbImage {
    let size = |samples: usize| u32::try_from(samples).unwrap_or(0);
    RgbImage::from_raw(size(rgb48.width / 6), size(rgb48.height), bytes).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn byte(number: f32) -> u8 {
    (number * 255.0).round() as u8
}

struct Lut3d(Vec<[u16; 3]>);

impl Lut3d {
    fn of(light: &ToneMapper) -> Self {
        let place = |node: usize| node as f32 / (NODES - 1) as f32;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 65280")]
        let fine = |number: f32| (number * 255.0 * FINER).round() as u16;
        let nodes = (0..NODES).flat_map(|r| (0..NODES).flat_map(move |g| (0..NODES).map(move |b| [r, g, b])));
        Self(nodes.map(|node| light.to_srgb(node.map(place)).map(fine)).collect())
    }

    /// Between the four nodes of the tetrahedron that the numbers lie in.
    fn at(&self, numbers: [u16; 3]) -> [u8; 3] {
        // 65535 becomes 65536, the last node
        let numbers = numbers.map(|number| u32::from(number) + u32::from(number >> 15));
        let node: usize = numbers.into_iter().zip(STRIDES).map(|(number, stride)| (number >> BETWEEN) as usize * stride).sum();
        let [r, g, b] = numbers.map(|number| number & ((1 << BETWEEN) - 1));
        let [along_r, along_g, along_b] = STRIDES;
        // From the largest step to the smallest
        let ((first, one), (second, two), third) = match (r >= g, g >= b, r >= b) {
            (true, true, _) => ((r, along_r), (g, along_g), b),
            (true, false, true) => ((r, along_r), (b, along_b), g),
            (true, false, false) => ((b, along_b), (r, along_r), g),
            (false, true, true) => ((g, along_g), (r, along_r), b),
            (false, true, false) => ((g, along_g), (b, along_b), r),
            (false, false, _) => ((b, along_b), (g, along_g), r),
        };
        let all: usize = STRIDES.iter().sum();
        let nodes = [node, node + one, node + one + two, node + all];
        let weights = [(1 << BETWEEN) - first, first - second, second - third, third];
        // A node behind the last one has no weight
        let values = nodes.map(|node| self.0.get(node).copied().unwrap_or_default().map(u32::from));
        let sum = |part: fn([u32; 3]) -> u32| {
            let sum: u32 = values.into_iter().zip(weights).map(|(value, weight)| part(value) * weight).sum();
            u8::try_from((sum + (1 << (BETWEEN + 7))) >> (BETWEEN + 8)).unwrap_or(u8::MAX)
        };
        [sum(|[r, _, _]| r), sum(|[_, g, _]| g), sum(|[_, _, b]| b)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        render::tone_map::{Gamut, Transfer},
        request::ToneMap,
    };

    #[test]
    fn the_table_is_as_good_as_the_way_itself() {
        for transfer in [Transfer::Pq { peak: 1000.0 }, Transfer::Hlg] {
            let light = ToneMapper::of(transfer, Gamut::Bt2020, ToneMap::Auto).expect("HDR");
            let cube = Lut3d::of(&light);
            let (mut worst, mut sum) = (0, 0);
            for step in 0..40_000_u32 {
                // Muted colours, as pictures have them
                let base = step * 7919 % 40_000 + 12_000;
                let numbers = [0, step * 31 % 4000, step * 57 % 6000].map(|more| u16::try_from(base + more).expect("16 bits"));
                let exact = light.to_srgb(numbers.map(|number| f32::from(number) / 65535.0)).map(byte);
                let off = cube.at(numbers).into_iter().zip(exact).map(|(one, other)| one.abs_diff(other)).max();
                worst = worst.max(off.unwrap_or(0));
                sum += usize::from(off.unwrap_or(0));
            }
            // The worst lie on the edge of the gamut
            assert!(worst <= 6 && sum < 60_000, "{transfer:?}: {worst} levels off, {sum} in all");
            assert_eq!(cube.at([u16::MAX; 3]), [255; 3]);
            assert_eq!(cube.at([0; 3]), [0; 3]);
        }
    }
}
