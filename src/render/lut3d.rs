//! Applies a [`ToneMapper`] to all pixels of a picture: by a three-dimensional table if it is smooth, else exactly.

use image::RgbImage;

use super::{planes::PlaneView, tone_map::ToneMapper};

/// Nodes of the table along each axis, as many as in ITU-R BT.2446.
const NODES: usize = 33;
/// Bits of a value of 0 to 65536 that lie between two nodes.
const FRACTION_BITS: u32 = 11;
const STRIDES: [usize; 3] = [NODES * NODES, NODES, 1];
/// The table holds 8-bit values in units of 1/256.
const STEPS: f32 = 256.0;

/// Maps rows of R, G and B with 16 little-endian bits each to sRGB with 8 bits each.
pub fn to_srgb(tone_mapper: &ToneMapper, rgb48: PlaneView<'_>) -> RgbImage {
    let mut bytes = Vec::with_capacity(rgb48.width / 2 * rgb48.height);
    let rows = (0..rgb48.height).filter_map(|row| rgb48.row(row)).map(|row| row.as_chunks::<6>().0);
    let components = |pixel: &[u8; 6]| {
        let [r0, r1, g0, g1, b0, b1] = *pixel;
        [u16::from_le_bytes([r0, r1]), u16::from_le_bytes([g0, g1]), u16::from_le_bytes([b0, b1])]
    };
    if tone_mapper.is_smooth() {
        let table = Lut3d::new(tone_mapper);
        rows.for_each(|row| bytes.extend(row.iter().flat_map(|pixel| table.at(components(pixel)))));
    } else {
        let exact = |rgb: [u16; 3]| tone_mapper.map_pixel(rgb.map(|component| f32::from(component) / 65535.0)).map(to_byte);
        // Neighboring pixels often have the same color
        let mut last = ([0; 3], exact([0; 3]));
        for pixel in rows.flatten() {
            let rgb = components(pixel);
            if rgb != last.0 {
                last = (rgb, exact(rgb));
            }
            bytes.extend_from_slice(&last.1);
        }
    }
    image(rgb48, bytes)
}

/// Rounds rows of R, G and B with 16 little-endian bits each to 8 bits each.
pub fn to_rgb8(rgb48: PlaneView<'_>) -> RgbImage {
    let components = (0..rgb48.height).filter_map(|row| rgb48.row(row)).flat_map(|row| row.as_chunks::<2>().0);
    let rounded = |component: u16| u8::try_from((u32::from(component) * 255 + 32767) / 65535).unwrap_or(u8::MAX);
    image(rgb48, components.map(|bytes| rounded(u16::from_le_bytes(*bytes))).collect())
}

fn image(rgb48: PlaneView<'_>, bytes: Vec<u8>) -> RgbImage {
    let size = |samples: usize| u32::try_from(samples).unwrap_or(0);
    RgbImage::from_raw(size(rgb48.width / 6), size(rgb48.height), bytes).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn to_byte(component: f32) -> u8 {
    (component * 255.0).round() as u8
}

/// A table of sRGB values over R, G and B.
struct Lut3d(Vec<[u16; 3]>);

impl Lut3d {
    fn new(tone_mapper: &ToneMapper) -> Self {
        let component = |node: usize| node as f32 / (NODES - 1) as f32;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 65280")]
        let to_steps = |component: f32| (component * 255.0 * STEPS).round() as u16;
        let nodes = (0..NODES).flat_map(|r| (0..NODES).flat_map(move |g| (0..NODES).map(move |b| [r, g, b])));
        Self(nodes.map(|node| tone_mapper.map_pixel(node.map(component)).map(to_steps)).collect())
    }

    /// Interpolates between the four nodes of the tetrahedron around a color.
    fn at(&self, rgb: [u16; 3]) -> [u8; 3] {
        // 65535 becomes 65536, the last node
        let rgb = rgb.map(|component| u32::from(component) + u32::from(component >> 15));
        let node: usize = rgb.into_iter().zip(STRIDES).map(|(component, stride)| (component >> FRACTION_BITS) as usize * stride).sum();
        let [r, g, b] = rgb.map(|component| component & ((1 << FRACTION_BITS) - 1));
        let [stride_r, stride_g, stride_b] = STRIDES;
        // From the largest fraction to the smallest
        let ((first, stride), (second, next_stride), third) = match (r >= g, g >= b, r >= b) {
            (true, true, _) => ((r, stride_r), (g, stride_g), b),
            (true, false, true) => ((r, stride_r), (b, stride_b), g),
            (true, false, false) => ((b, stride_b), (r, stride_r), g),
            (false, true, true) => ((g, stride_g), (r, stride_r), b),
            (false, true, false) => ((g, stride_g), (b, stride_b), r),
            (false, false, _) => ((b, stride_b), (g, stride_g), r),
        };
        let all: usize = STRIDES.iter().sum();
        let nodes = [node, node + stride, node + stride + next_stride, node + all];
        let weights = [(1 << FRACTION_BITS) - first, first - second, second - third, third];
        // Nodes past the last one have no weight
        let values = nodes.map(|node| self.0.get(node).copied().unwrap_or_default().map(u32::from));
        let mean = |component: fn([u32; 3]) -> u32| {
            let sum: u32 = values.into_iter().zip(weights).map(|(value, weight)| component(value) * weight).sum();
            u8::try_from((sum + (1 << (FRACTION_BITS + 7))) >> (FRACTION_BITS + 8)).unwrap_or(u8::MAX)
        };
        [mean(|[r, _, _]| r), mean(|[_, g, _]| g), mean(|[_, _, b]| b)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        render::tone_map::{DynamicRange, Gamut},
        request::ToneMap,
    };

    #[test]
    fn the_table_is_near_to_the_exact_mapping() {
        for range in [DynamicRange::Pq { peak: 1000.0 }, DynamicRange::Hlg] {
            let tone_mapper = ToneMapper::new(range, Gamut::Bt2020, ToneMap::Auto).expect("HDR");
            let table = Lut3d::new(&tone_mapper);
            let (mut worst, mut sum) = (0, 0);
            for step in 0..40_000_u32 {
                // Muted colors, as pictures have them
                let base = step * 7919 % 40_000 + 12_000;
                let rgb = [0, step * 31 % 4000, step * 57 % 6000].map(|more| u16::try_from(base + more).expect("16 bits"));
                let exact = tone_mapper.map_pixel(rgb.map(|component| f32::from(component) / 65535.0)).map(to_byte);
                let off = table.at(rgb).into_iter().zip(exact).map(|(one, other)| one.abs_diff(other)).max();
                worst = worst.max(off.unwrap_or(0));
                sum += usize::from(off.unwrap_or(0));
            }
            // The largest errors are at the edge of the gamut
            assert!(worst <= 6 && sum < 60_000, "{range:?}: {worst} levels off, {sum} in all");
            assert_eq!(table.at([u16::MAX; 3]), [255; 3]);
            assert_eq!(table.at([0; 3]), [0; 3]);
        }
    }
}
