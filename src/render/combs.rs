//! Combs: where they are in a frame whose fields show two moments, and how to remove them.
//!
//! A line of a comb differs from both neighbors, while the lines next but one are similar to it. A thin line differs from its neighbors too,
//! but the lines next but one are not similar to it, so it stays. Only at combs are the lines of the later field interpolated from the
//! earlier one; regions without motion keep all their lines.

use super::{
    motion_combs::is_displaced,
    planes::{PlaneView, PlaneViewMut, Sample},
};
use crate::libav::FieldOrder;

/// Width and height of a cell in pixels.
const CELL: usize = 8;
/// A pixel of a comb differs from its neighbors by more than this, of 255.
const MIN_DIFFERENCE: i32 = 7;
/// A cell with this many pixels of combs shows combs.
const MIN_PIXELS: u16 = 5;

/// Which cells show combs.
#[derive(Debug)]
pub struct Combs {
    columns: usize,
    cells: Vec<bool>,
}

impl Combs {
    /// Searches luma of `depth` bits, in every `step`-th row of cells.
    pub fn find<T: Sample>(luma: &PlaneView<'_, T>, depth: u32, step: usize) -> Self {
        let (columns, rows) = (luma.width.div_ceil(CELL), luma.height.div_ceil(CELL));
        let mut cells = vec![false; columns * rows];
        let min_difference = MIN_DIFFERENCE << depth.saturating_sub(8);
        let mut counts = vec![0_u16; columns];
        for (row, cells) in cells.chunks_exact_mut(columns.max(1)).enumerate().step_by(step.max(1)) {
            counts.fill(0);
            for y in (row * CELL).max(2)..((row + 1) * CELL).min(luma.height.saturating_sub(2)) {
                let lines = [y - 2, y - 1, y, y + 1, y + 2].map(|line| luma.row(line).unwrap_or_default());
                let [above2, above, here, below, below2] = lines.map(|line| line.chunks(CELL));
                for (((((count, a2), a1), h), b1), b2) in counts.iter_mut().zip(above2).zip(above).zip(here).zip(below).zip(below2) {
                    let five = a2.iter().zip(a1).zip(h).zip(b1).zip(b2);
                    *count += five
                        .map(|((((a2, a1), h), b1), b2)| u16::from(is_comb([a2, a1, h, b1, b2].map(|s| (*s).into()), min_difference)))
                        .sum::<u16>();
                }
            }
            cells.iter_mut().zip(&counts).for_each(|(cell, count)| *cell = *count >= MIN_PIXELS);
        }
        Self { columns, cells }
    }

    /// The number of cells that show combs.
    pub fn count(&self) -> usize {
        self.cells.iter().filter(|cell| **cell).count()
    }

    /// Whether combs come from motion between two fields, and not from grain, dither or scan lines.
    pub fn are_from_motion<T: Sample>(&self, luma: &PlaneView<'_, T>, depth: u32) -> bool {
        let middle = |cell: usize| cell * CELL + CELL / 2;
        let combed = self.cells.iter().enumerate().filter(|(_, combed)| **combed);
        let cells: Vec<_> = combed.map(|(index, _)| (middle(index % self.columns.max(1)), middle(index / self.columns.max(1)))).collect();
        is_displaced(luma, depth, &cells)
    }

    /// Whether a cell or a neighbor of it shows combs.
    fn is_near(&self, column: usize, row: usize) -> bool {
        let around = |index: usize| index.saturating_sub(1)..=index + 1;
        around(row).any(|row| {
            let start = row * self.columns;
            around(column).any(|column| column < self.columns && self.cells.get(start + column).is_some_and(|cell| *cell))
        })
    }

    /// Interpolates the lines of the later field at and around combs. `shift` is that of the plane (see `PixelLayout::plane_shift`).
    pub fn interpolate_later_field<T: Sample>(&self, plane: &mut PlaneViewMut<'_, T>, order: FieldOrder, shift: (usize, usize)) {
        let (wide, high) = ((CELL >> shift.0).max(1), (CELL >> shift.1).max(1));
        let mut line = vec![0; plane.width];
        let first = usize::from(order == FieldOrder::TopFirst);
        for y in (first..plane.height).step_by(2) {
            let combed: Vec<usize> = (0..plane.width.div_ceil(wide)).filter(|column| self.is_near(*column, y / high)).collect();
            if combed.is_empty() {
                continue;
            }
            // Beyond the edges, take the nearest line of the same field
            let last = plane.height - 1;
            let kept = |line: usize| if line <= last { line } else { y.saturating_sub(1) };
            let (above, below) = (if y == 0 { kept(1) } else { y - 1 }, kept(y + 1));
            let (above3, below3) = (above.checked_sub(2).unwrap_or(above), if below + 2 <= last { below + 2 } else { below });
            let around = [above3, above, below, below3].map(|line| plane.row(line).unwrap_or_default());
            for column in &combed {
                for (x, to) in line.iter_mut().enumerate().skip(column * wide).take(wide) {
                    *to = interpolate(around, x);
                }
            }
            let start = y * plane.stride;
            for column in combed {
                let span = column * wide..((column + 1) * wide).min(plane.width);
                let from = line.get(span.clone()).unwrap_or_default();
                let to = plane.samples.get_mut(start + span.start..start + span.end).unwrap_or_default();
                to.iter_mut().zip(from).for_each(|(to, from)| *to = T::try_from(*from).unwrap_or(*to));
            }
        }
    }
}

/// Whether the middle one of five pixels above each other belongs to a comb.
fn is_comb([above2, above, here, below, below2]: [i32; 5], min_difference: i32) -> bool {
    let (up, down) = (here - above, here - below);
    let neighbors = i32::midpoint(above, below);
    let differs = (up > min_difference && down > min_difference) || (up < -min_difference && down < -min_difference);
    let is_similar = |other: i32| (other - here).abs() < (other - neighbors).abs();
    differs & is_similar(above2) & is_similar(below2)
}

/// A pixel between the lines of the other field: along the edge that runs through it, or else vertically with a cubic.
fn interpolate<T: Sample>([above3, above, below, below3]: [&[T]; 4], x: usize) -> i32 {
    let at = |line: &[T], offset: isize| {
        let column = x.saturating_add_signed(offset).min(line.len().saturating_sub(1));
        line.get(column).copied().map_or(0, Into::into)
    };
    // The difference between the lines if one is moved against the other
    let difference = |by: isize| (-1..=1).map(|k| (at(above, k + by) - at(below, k - by)).abs()).sum::<i32>();
    let (mut least, mut slant) = (difference(0) - 1, 0);
    for side in [-1, 1] {
        for by in 1..=3 {
            let difference = difference(side * by);
            if difference >= least {
                break;
            }
            (least, slant) = (difference, side * by);
        }
    }
    let (up, down) = (at(above, slant), at(below, -slant));
    if slant != 0 {
        return (up + down + 1) / 2;
    }
    let cubic = (9 * (up + down) - at(above3, 0) - at(below3, 0) + 8) / 16;
    cubic.clamp(up.min(down), up.max(down))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 96;
    const HEIGHT: usize = 64;

    /// A frame whose even lines show `earlier` and whose odd ones show `later`.
    fn interlaced(earlier: impl Fn(usize, usize) -> u8, later: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..HEIGHT * WIDTH)
            .map(|at| if (at / WIDTH).is_multiple_of(2) { earlier(at % WIDTH, at / WIDTH) } else { later(at % WIDTH, at / WIDTH) })
            .collect()
    }

    fn find(samples: &[u8]) -> Combs {
        Combs::find(&PlaneView { samples, stride: WIDTH, width: WIDTH, height: HEIGHT }, 8, 1)
    }

    fn deinterlaced(frame: &[u8]) -> (Vec<u8>, usize) {
        let (combs, mut samples) = (find(frame), frame.to_vec());
        let mut plane = PlaneViewMut { samples: &mut samples, stride: WIDTH, width: WIDTH, height: HEIGHT };
        combs.interpolate_later_field(&mut plane, FieldOrder::TopFirst, (0, 0));
        (samples, combs.count())
    }

    #[test]
    fn moving_objects_lose_their_combs_and_still_ones_keep_their_lines() {
        // A bright disc that moves by 6 pixels, and at the right edge a thin line on an odd row
        let disc = |x: usize, y: usize, center: usize| if (x.abs_diff(center)).pow(2) + y.abs_diff(30).pow(2) < 300 { 220 } else { 40 };
        let scene = |center: usize| move |x: usize, y: usize| if x > 80 && y == 11 { 200 } else { disc(x, y, center) };
        let frame = interlaced(scene(30), scene(36));
        let (actual, combed) = deinterlaced(&frame);
        assert!(combed > 4);
        let earlier = interlaced(scene(30), scene(30));
        let off: usize = actual.iter().zip(&earlier).filter(|(actual, expected)| actual.abs_diff(**expected) > 24).count();
        let before = frame.iter().zip(&earlier).filter(|(actual, expected)| actual.abs_diff(**expected) > 24).count();
        assert!(off * 6 < before, "{off} of {before} pixels still show the later field");
        assert!((82..WIDTH).all(|x| actual[11 * WIDTH + x] == 200), "the thin line survives");
        assert_eq!(find(&actual).count(), 0);
    }

    #[test]
    fn a_progressive_frame_stays_as_it_is() {
        let scene = |x: usize, y: usize| u8::try_from((x * 5 + y * 3) % 251).expect("8 bits");
        let lines = |_: usize, y: usize| if y % 7 == 3 { 255 } else { 0 };
        let slope = |x: usize, y: usize| if x > y { 200 } else { 30 };
        for frame in [interlaced(scene, scene), interlaced(lines, lines), interlaced(slope, slope)] {
            assert_eq!(deinterlaced(&frame), (frame.clone(), 0));
        }
    }

    #[test]
    fn frames_of_any_size_can_be_deinterlaced() {
        for (width, height) in [(1, 1), (2, 2), (3, 5), (9, 4), (8, 17)] {
            let mut samples: Vec<u16> = (0..width * height).map(|at| if at / width % 2 == 0 { 900 } else { 100 }).collect();
            let mut plane = PlaneViewMut { samples: &mut samples, stride: width, width, height };
            let combs = Combs { columns: width.div_ceil(CELL), cells: vec![true; width.div_ceil(CELL) * height.div_ceil(CELL)] };
            combs.interpolate_later_field(&mut plane, FieldOrder::TopFirst, (0, 0));
            assert!(height == 1 || samples.iter().all(|sample| *sample == 900), "{width}x{height}: {samples:?}");
        }
    }
}
