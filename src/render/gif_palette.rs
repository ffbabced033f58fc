//! One palette for all frames of a GIF, and the mapping of pixels to it.

use color_quant::NeuQuant;

use super::animation_frames::AnimationFrame;

/// Pixels that the palette is made from, spread evenly over all frames. `NeuQuant` takes 25 ms for them.
const SAMPLES: usize = 1 << 15;
/// Every sample trains the network.
const SAMPLE_FACTOR: i32 = 1;
/// One in this many samples measures the palette's error.
const ERROR_STEP: usize = 8;
/// Bits of each component that choose the palette's color.
const BITS: u32 = 6;
/// How much a difference in R, G and B is seen.
const WEIGHTS: [i32; 3] = [2, 4, 3];
/// The strongest dither, in levels up or down.
const MAX_DITHER: f32 = 16.0;

/// Up to 256 colors, and which of them is nearest to any other.
pub struct Palette {
    /// Sorted by green.
    colors: Vec<[u8; 3]>,
    /// The index of the color that is nearest to each cell of the RGB cube, once it was needed.
    nearest: Vec<Option<u8>>,
    /// What ordered dithering adds to the components of a pixel, by its row and column modulo 8.
    dither: [[i32; 8]; 8],
}

impl Palette {
    /// The `count` colors that suit all frames best, with or without ordered dithering. A fixed pattern compresses better than error
    /// diffusion, and does not flicker.
    pub fn new(frames: &[AnimationFrame], count: usize, is_dithered: bool) -> Self {
        let samples = samples(frames);
        let rgba: Vec<u8> = samples.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
        let mut colors = NeuQuant::new(SAMPLE_FACTOR, count.clamp(4, 256), &rgba).color_map_rgb().as_chunks::<3>().0.to_vec();
        colors.sort_unstable_by_key(|color| color[1]);
        let strength = if is_dithered { mean_error(&colors, &samples).min(MAX_DITHER) } else { 0.0 };
        Self { colors, nearest: vec![None; 1 << (3 * BITS)], dither: dither_pattern(strength) }
    }

    /// R, G and B of all colors.
    pub fn bytes(&self) -> &[u8] {
        self.colors.as_flattened()
    }

    /// The index of a color for a pixel.
    pub fn index(&mut self, pixel: [u8; 3], (x, y): (usize, usize)) -> u8 {
        let offset = self.dither.get(y % 8).and_then(|row| row.get(x % 8)).copied().unwrap_or(0);
        let cell = pixel.map(|component| (i32::from(component) + offset).clamp(0, 255).cast_unsigned() >> (8 - BITS));
        let place = cell.into_iter().fold(0, |place, component| (place << BITS) | component as usize);
        let colors = &self.colors;
        self.nearest.get_mut(place).map_or(0, |index| *index.get_or_insert_with(|| nearest(colors, cell)))
    }
}

/// Pixels of all frames at even distances. Small frames are taken several times, since the network learns from repetition.
fn samples(frames: &[AnimationFrame]) -> Vec<[u8; 3]> {
    let per_frame = (SAMPLES / frames.len().max(1)).max(1);
    let of_frame = |frame: &AnimationFrame| {
        let pixels = frame.image.as_raw().as_chunks::<3>().0;
        let sample = |index: usize| pixels.get(index * pixels.len() / per_frame).copied();
        (0..per_frame).filter_map(sample).collect::<Vec<_>>()
    };
    frames.iter().flat_map(of_frame).collect()
}

/// How far the samples are from the colors, as the mean in levels of one component. Flat pictures, whose colors are all in the palette,
/// are not dithered.
fn mean_error(colors: &[[u8; 3]], samples: &[[u8; 3]]) -> f32 {
    let error = |sample: &[u8; 3]| colors.iter().map(|color| squared_distance(*color, *sample, [1; 3])).min();
    let errors: Vec<f32> = samples.iter().step_by(ERROR_STEP).filter_map(error).map(|squared| (squared as f32 / 3.0).sqrt()).collect();
    errors.iter().sum::<f32>() / errors.len().max(1) as f32
}

fn squared_distance(one: [u8; 3], other: [u8; 3], weights: [i32; 3]) -> i32 {
    let differences = one.into_iter().zip(other).map(|(a, b)| i32::from(a.abs_diff(b)));
    differences.zip(weights).map(|(difference, weight)| weight * difference * difference).sum()
}

/// The index of the color that is nearest to the middle of a cell. The colors are sorted by green, so the search ends in each direction
/// once green alone is farther away than the best color.
fn nearest(colors: &[[u8; 3]], cell: [u32; 3]) -> u8 {
    let middle = cell.map(|component| u8::try_from((component << (8 - BITS)) + (1 << (7 - BITS))).unwrap_or(u8::MAX));
    let [_, green, _] = middle;
    let start = colors.partition_point(|color| color[1] < green);
    let (below, above) = colors.split_at(start);
    let (mut best, mut least) = (0, i32::MAX);
    let mut is_worth_more = |index: usize, color: [u8; 3]| {
        let distance = squared_distance(color, middle, WEIGHTS);
        if distance < least {
            (best, least) = (index, distance);
        }
        squared_distance([0, color[1], 0], [0, green, 0], WEIGHTS) < least
    };
    let _ = above.iter().zip(start..).all(|(color, index)| is_worth_more(index, *color));
    let _ = below.iter().enumerate().rev().all(|(index, color)| is_worth_more(index, *color));
    u8::try_from(best).unwrap_or(0)
}

/// Bayer's 8x8 matrix, from -`strength` to `strength`.
#[expect(clippy::cast_possible_truncation, reason = "at most MAX_DITHER")]
fn dither_pattern(strength: f32) -> [[i32; 8]; 8] {
    let threshold = |x: usize, y: usize| {
        // The lowest bits of the place are the highest of the threshold
        (0..3).fold(0, |value, bit| {
            let (x, y) = (x >> bit & 1, y >> bit & 1);
            value << 2 | (x ^ y) << 1 | y
        })
    };
    std::array::from_fn(|y| std::array::from_fn(|x| (((threshold(x, y) as f32 + 0.5) / 32.0 - 1.0) * strength).round() as i32))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use image::{Rgb, RgbImage};

    use super::*;

    #[test]
    fn the_dither_pattern_has_every_threshold_once_and_no_bias() {
        let pattern = dither_pattern(64.0);
        let all: BTreeSet<_> = pattern.as_flattened().iter().collect();
        assert_eq!(all.len(), 64);
        assert_eq!(pattern.as_flattened().iter().sum::<i32>(), 0);
        assert_eq!(dither_pattern(0.0), [[0; 8]; 8]);
    }

    #[test]
    fn a_gradient_keeps_its_mean_by_dithering() {
        let image = RgbImage::from_fn(256, 64, |x, _| Rgb([x.to_le_bytes()[0]; 3]));
        let frames = [AnimationFrame { image, duration: Duration::ZERO }];
        let mut palette = Palette::new(&frames, 31, true);
        let colors = palette.colors.clone();
        for x in 16..240 {
            let places = (0..64).map(|place| (place % 8, place / 8));
            let mean = places.map(|place| f32::from(colors[usize::from(palette.index([x; 3], place))][1])).sum::<f32>() / 64.0;
            assert!((mean - f32::from(x)).abs() < 5.0, "{x} became {mean}");
        }
    }

    #[test]
    fn the_search_finds_the_nearest_color() {
        let image = RgbImage::from_fn(64, 64, |x, y| Rgb([x * 4, y * 4, (x * y) % 256].map(|level| level.to_le_bytes()[0])));
        let colors = Palette::new(&[AnimationFrame { image, duration: Duration::ZERO }], 255, true).colors;
        for place in (0..1_u32 << (3 * BITS)).step_by(997) {
            let cell = [place >> (2 * BITS), place >> BITS & 63, place & 63];
            let distance = |color: [u8; 3]| squared_distance(color, cell.map(|level| (level * 4 + 2).to_le_bytes()[0]), WEIGHTS);
            let best = colors.iter().map(|color| distance(*color)).min().expect("colors");
            assert_eq!(distance(colors[usize::from(nearest(&colors, cell))]), best, "{cell:?}");
        }
    }
}
