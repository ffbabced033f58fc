//! Tells combs from motion apart from grain, dither, scan lines and stripes, which look the same line by line.
//!
//! In a progressive frame the odd lines match the even ones best without displacement, or equally well with many displacements. In an
//! interlaced frame with motion they match with one horizontal displacement other than zero, and with no others.

use super::planes::{PlaneView, Sample};

/// Width and height in pixels of a block, whose odd lines are compared with the even ones around them.
const BLOCK: usize = 32;
/// At most this many blocks are compared, spread evenly over the cells with combs.
const MAX_BLOCKS: usize = 64;
/// The largest displacement is an eighth of the width, within these bounds.
const MAX_DISPLACEMENT: (usize, usize) = (24, 144);
/// Displacements this near to the largest one are not accepted: whether others match as well cannot be seen there.
const MARGIN: usize = 16;

/// Thresholds for a single block.
const SINGLE: MatchThresholds = MatchThresholds { remaining: 0.6, distinct: 0.8 };
/// Thresholds for all blocks together, where noise averages out.
const TOGETHER: MatchThresholds = MatchThresholds { remaining: 0.9, distinct: 0.8 };
/// If the blocks do not match together, this percentage of them must have the same displacement. In trials, patterns without motion reached
/// 10, motion 40 to 100.
const MIN_PERCENT_ALIKE: usize = 35;

/// When a block counts as displaced.
struct MatchThresholds {
    /// The largest ratio of the difference with the best displacement to that without displacement.
    remaining: f32,
    /// The largest ratio of the difference with the best displacement to that with the next best.
    distinct: f32,
}

/// Whether the combs in `cells`, given by the middle of each, come from motion.
pub fn is_displaced<T: Sample>(luma: &PlaneView<'_, T>, depth: u32, cells: &[(usize, usize)]) -> bool {
    let max_displacement = (luma.width / 8).clamp(MAX_DISPLACEMENT.0, MAX_DISPLACEMENT.1);
    if luma.width < BLOCK + 2 * max_displacement || luma.height < BLOCK || cells.is_empty() {
        return false;
    }
    let step = cells.len().div_ceil(MAX_BLOCKS);
    let scale = f32::from(u8::MAX) / ((1_u64 << depth.min(16)) - 1) as f32;
    let (mut sums, mut count) = (vec![0.0; 2 * max_displacement + 1], 0_usize);
    let mut displacements = Vec::new();
    for cell in cells.iter().step_by(step) {
        let differences = differences(luma, *cell, max_displacement, scale);
        displacements.extend(displacement(&differences, max_displacement, &SINGLE));
        sums.iter_mut().zip(&differences).for_each(|(sum, difference)| *sum += difference);
        count += 1;
    }
    let means: Vec<f32> = sums.into_iter().map(|sum| sum / count as f32).collect();
    let alike = |one: &isize| displacements.iter().filter(|other| one.abs_diff(**other) <= 1).count();
    let most_alike = displacements.iter().map(alike).max().unwrap_or(0);
    displacement(&means, max_displacement, &TOGETHER).is_some() || most_alike * 100 >= MIN_PERCENT_ALIKE * count
}

/// The mean differences between the odd lines of a block and the mean of the even lines around each, by displacement of the even lines.
/// `scale` converts them to 8 bits.
fn differences<T: Sample>(luma: &PlaneView<'_, T>, (x, y): (usize, usize), max_displacement: usize, scale: f32) -> Vec<f32> {
    let half = BLOCK / 2;
    let left = x.saturating_sub(half).clamp(max_displacement, luma.width - BLOCK - max_displacement);
    let top = y.saturating_sub(half).min(luma.height - BLOCK) | 1;
    let mut sums = vec![0_i64; 2 * max_displacement + 1];
    let mut samples = 0_usize;
    for line in (top..(top + BLOCK).min(luma.height - 1)).step_by(2) {
        let [above, here, below] = [line - 1, line, line + 1].map(|line| luma.row(line).unwrap_or_default());
        let searched = left - max_displacement..left + BLOCK + max_displacement;
        let around = above.get(searched.clone()).unwrap_or_default().iter().zip(below.get(searched).unwrap_or_default());
        let around: Vec<i32> = around.map(|(above, below)| (*above).into() + (*below).into()).collect();
        let here: Vec<i32> = here.get(left..left + BLOCK).unwrap_or_default().iter().map(|sample| 2 * (*sample).into()).collect();
        for (sum, moved) in sums.iter_mut().zip(around.windows(BLOCK)) {
            *sum += i64::from(moved.iter().zip(&here).map(|(moved, here)| (moved - here).abs()).sum::<i32>());
        }
        samples += BLOCK;
    }
    sums.into_iter().map(|sum| sum as f32 / 2.0 / samples.max(1) as f32 * scale).collect()
}

/// The displacement other than zero that makes the difference small, if no other does.
fn displacement(differences: &[f32], max_displacement: usize, thresholds: &MatchThresholds) -> Option<isize> {
    let still = *differences.get(max_displacement)?;
    // The difference that coding adds to a perfect match; without it, two perfect matches could differ by any factor
    let floor = 1.0 + still / 20.0;
    let (best, least) = differences
        .iter()
        .enumerate()
        .filter(|(index, _)| index.abs_diff(max_displacement) <= max_displacement - MARGIN.min(max_displacement))
        .min_by(|one, other| one.1.total_cmp(other.1))?;
    let by = best.abs_diff(max_displacement);
    // At the edge of the search the minimum may lie beyond it
    let beside = [best.checked_sub(1)?, best + 1].map(|index| differences.get(index).copied().unwrap_or(0.0));
    if beside.iter().any(|difference| difference < least) {
        return None;
    }
    let least = least + floor;
    // Large displacements have wide minima
    let near = (by / 4).max(2);
    let others = differences.iter().enumerate().filter(|(index, _)| {
        let distance = index.abs_diff(best);
        (distance > near && distance <= near + MARGIN) || *index == 2 * max_displacement - best
    });
    let next = others.map(|(_, difference)| *difference).fold(f32::INFINITY, f32::min) + floor;
    let is_distinct = by > 0 && least < thresholds.remaining * (still + floor) && least < thresholds.distinct * next;
    is_distinct.then(|| best.cast_signed() - max_displacement.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 256;
    const HEIGHT: usize = 96;

    fn is_displaced_in(paint: impl Fn(usize, usize) -> u8) -> bool {
        let samples: Vec<u8> = (0..WIDTH * HEIGHT).map(|at| paint(at % WIDTH, at / WIDTH)).collect();
        let cells: Vec<_> = (0..6).flat_map(|row| (0..16).map(move |column| (column * 16 + 8, row * 16 + 8))).collect();
        let plane = PlaneView { samples: &samples, stride: WIDTH, width: WIDTH, height: HEIGHT };
        is_displaced(&plane, 8, &cells)
    }

    /// A number that looks random, 0 to 255.
    fn noise(x: usize, y: usize) -> usize {
        let mixed = (x as u64 * 374_761_393 + y as u64 * 668_265_263 + 9).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as usize & 255
    }

    /// A texture of spots a few pixels wide.
    fn scene(x: usize, y: usize) -> usize {
        let spot = |x: usize, y: usize| noise(x / 6, y / 6);
        (0..4).map(|by| spot(x + by, y + by)).sum::<usize>() / 4
    }

    fn byte(value: usize) -> u8 {
        u8::try_from(value.min(255)).expect("8 bits")
    }

    #[test]
    fn fields_with_motion_are_displaced() {
        for by in [1, 2, 5, 9, 14] {
            assert!(is_displaced_in(|x, y| byte(scene(x + y % 2 * by, y))), "by {by}");
            let grainy = |x: usize, y: usize| byte(scene(x + y % 2 * by, y) * 4 / 5 + noise(x, y) / 16);
            assert!(is_displaced_in(grainy), "by {by} with grain");
        }
    }

    #[test]
    fn grain_dither_and_scan_lines_are_not_displaced() {
        assert!(!is_displaced_in(|x, y| byte(noise(x, y))));
        assert!(!is_displaced_in(|x, y| byte(scene(x, y) / 2 + noise(x, y) / 3)));
        assert!(!is_displaced_in(|x, y| byte((x + y) % 2 * 200)));
        assert!(!is_displaced_in(|x, y| byte((x / 2 + y) % 2 * 200)));
        let bayer = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
        for level in 1..16 {
            assert!(!is_displaced_in(|x, y| if bayer[y % 4][x % 4] < level { 220 } else { 30 }), "{level}");
        }
        for keeps in [0, 20, 50, 90] {
            let lines = |x: usize, y: usize| byte(scene(x, y) * if y.is_multiple_of(2) { 100 } else { keeps } / 100);
            assert!(!is_displaced_in(lines), "scan lines of {keeps} %");
        }
        assert!(!is_displaced_in(|_, y| byte(y % 3 * 100)));
        assert!(!is_displaced_in(|_, _| 77));
    }
}
