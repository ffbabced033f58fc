//! Whether combs come from motion: whether the odd lines of a frame show the same as the even ones, moved sideways.
//!
//! Grain, dither, scan lines and stripes look like combs line by line. But in a frame of one time the two fields fit best as they are, or
//! fit equally well with many displacements. In a frame of two times they fit with one other displacement, and with no others.

use super::deinterlace::{PixelSample, PlaneMut};

/// Pixels a side of a block, whose odd lines are compared with the even ones around them.
const BLOCK: usize = 32;
/// At most so many blocks are compared, spread evenly over those that are combed.
const MOST_BLOCKS: usize = 64;
/// The farthest displacement is an eighth of the width, between these.
const FARTHEST: (usize, usize) = (24, 144);
/// Near the farthest displacements it cannot be seen whether others fit as well.
const MARGIN: usize = 16;

/// A block moves if the best displacement leaves this part of the difference, and other displacements leave more.
const LOCAL: BlockMatch = BlockMatch { left: 0.6, distinct: 0.8 };
/// The same for all blocks together, where noise averages out.
const TOGETHER: BlockMatch = BlockMatch { left: 0.9, distinct: 0.8 };
/// So many of a hundred blocks must move alike if they do not together. In
/// trials patterns without motion reached 10, motion 40 to 100.
const ALIKE: usize = 35;

struct BlockMatch {
    /// The most that may be left of the difference without displacement.
    left: f32,
    /// The most that the best difference may be of the next best.
    distinct: f32,
}

/// Whether the blocks around `cells`, each given by its middle, are combed by motion.
pub(super) fn is_displaced<T: PixelSample>(luma: &PlaneMut<'_, T>, depth: u32, cells: &[(usize, usize)]) -> bool {
    let farthest = (luma.width / 8).clamp(FARTHEST.0, FARTHEST.1);
    if luma.width < BLOCK + 2 * farthest || luma.height < BLOCK || cells.is_empty() {
        return false;
    }
    let step = cells.len().div_ceil(MOST_BLOCKS);
    let level = f32::from(u8::MAX) / ((1_u64 << depth.min(16)) - 1) as f32;
    let (mut all, mut count) = (vec![0.0; 2 * farthest + 1], 0_usize);
    let mut moved = Vec::new();
    for cell in cells.iter().step_by(step) {
        let differences = differences(luma, *cell, farthest, level);
        moved.extend(displacement(&differences, farthest, &LOCAL));
        all.iter_mut().zip(&differences).for_each(|(sum, difference)| *sum += difference);
        count += 1;
    }
    let all: Vec<f32> = all.into_iter().map(|sum| sum / count as f32).collect();
    let alike = |one: &isize| moved.iter().filter(|other| one.abs_diff(**other) <= 1).count();
    let most_alike = moved.iter().map(alike).max().unwrap_or(0);
    displacement(&all, farthest, &TOGETHER).is_some() || most_alike * 100 >= ALIKE * count
}

/// The mean differences of a block's odd lines from what the even ones have there, for each displacement of these.
fn differences<T: PixelSample>(luma: &PlaneMut<'_, T>, (x, y): (usize, usize), farthest: usize, level: f32) -> Vec<f32> {
    let half = BLOCK / 2;
    let left = x.saturating_sub(half).clamp(farthest, luma.width - BLOCK - farthest);
    let top = y.saturating_sub(half).min(luma.height - BLOCK) | 1;
    let mut sums = vec![0_i64; 2 * farthest + 1];
    let mut samples = 0_usize;
    for line in (top..(top + BLOCK).min(luma.height - 1)).step_by(2) {
        let (above, here, below) = (luma.row(line - 1), luma.row(line), luma.row(line + 1));
        let reach = left - farthest..left + BLOCK + farthest;
        let around = above.get(reach.clone()).unwrap_or_default().iter().zip(below.get(reach).unwrap_or_default());
        let around: Vec<i32> = around.map(|(above, below)| (*above).into() + (*below).into()).collect();
        let here: Vec<i32> = here.get(left..left + BLOCK).unwrap_or_default().iter().map(|sample| 2 * (*sample).into()).collect();
        for (sum, moved) in sums.iter_mut().zip(around.windows(BLOCK)) {
            *sum += i64::from(moved.iter().zip(&here).map(|(moved, here)| (moved - here).abs()).sum::<i32>());
        }
        samples += BLOCK;
    }
    sums.into_iter().map(|sum| sum as f32 / 2.0 / samples.max(1) as f32 * level).collect()
}

/// The displacement that makes the difference small, if there is one and no other does.
fn displacement(differences: &[f32], farthest: usize, fit: &BlockMatch) -> Option<isize> {
    let still = *differences.get(farthest)?;
    // What coding leaves of a perfect fit: without it two perfect fits could differ by any factor
    let floor = 1.0 + still / 20.0;
    let (best, least) = differences
        .iter()
        .enumerate()
        .filter(|(place, _)| place.abs_diff(farthest) <= farthest - MARGIN.min(farthest))
        .min_by(|one, other| one.1.total_cmp(other.1))?;
    let by = best.abs_diff(farthest);
    // At the end of the search the best may lie beyond it
    let beside = [best.checked_sub(1)?, best + 1].map(|place| differences.get(place).copied().unwrap_or(0.0));
    if beside.iter().any(|difference| difference < least) {
        return None;
    }
    let least = least + floor;
    // Large displacements have wide minima
    let near = (by / 4).max(2);
    let others = differences.iter().enumerate().filter(|(place, _)| {
        let off = place.abs_diff(best);
        (off > near && off <= near + MARGIN) || *place == 2 * farthest - best
    });
    let next = others.map(|(_, difference)| *difference).fold(f32::INFINITY, f32::min) + floor;
    let is_distinct = by > 0 && least < fit.left * (still + floor) && least < fit.distinct * next;
    is_distinct.then(|| best.cast_signed() - farthest.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 256;
    const HEIGHT: usize = 96;

    fn is_displaced_in(paint: impl Fn(usize, usize) -> u8) -> bool {
        let mut samples: Vec<u8> = (0..WIDTH * HEIGHT).map(|at| paint(at % WIDTH, at / WIDTH)).collect();
        let cells: Vec<_> = (0..6).flat_map(|row| (0..16).map(move |column| (column * 16 + 8, row * 16 + 8))).collect();
        let plane = PlaneMut { samples: &mut samples, stride: WIDTH, width: WIDTH, height: HEIGHT };
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
    fn fields_of_two_times_are_displaced() {
        for by in [1, 2, 5, 9, 14] {
            assert!(is_displaced_in(|x, y| byte(scene(x + y % 2 * by, y))), "by {by}");
            let grainy = |x: usize, y: usize| byte(scene(x + y % 2 * by, y) * 4 / 5 + noise(x, y) / 16);
            assert!(is_displaced_in(grainy), "by {by} with grain");
        }
    }

    #[test]
    fn grain_dither_and_scan_lines_are_not() {
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
