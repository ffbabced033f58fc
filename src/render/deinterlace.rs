//! Frames that are woven of two fields taken at two times: where they show combs, and how they come out without.
//!
//! A comb is a line that stands out against both its neighbours, while the lines next but one are like it. A thin line stands out too, but
//! the lines next but one are not like it: so it is left alone. Only where combs are is the later field drawn anew from the earlier one;
//! what stands still keeps all its lines.

use super::motion_combs::is_displaced;

/// Samples of 8 bits, or of more in 16.
pub trait PixelSample: Copy + Into<i32> + TryFrom<i32> {}

impl PixelSample for u8 {}
impl PixelSample for u16 {}

/// One plane, to be changed in place.
pub struct PlaneMut<'a, T> {
    /// From the first sample of the first row to the last one of the last row at least.
    pub samples: &'a mut [T],
    /// From one row's first sample to the next one's.
    pub stride: usize,
    /// Samples across.
    pub width: usize,
    /// Samples down.
    pub height: usize,
}

impl<T> PlaneMut<'_, T> {
    pub(super) fn row(&self, row: usize) -> &[T] {
        let start = row * self.stride;
        self.samples.get(start..start + self.width).unwrap_or_default()
    }
}

/// Pixels a side of what is judged as one.
const CELL: usize = 8;
/// A line stands out by more than this, of 255.
const OUT: i32 = 7;
/// So many pixels of a cell make it a combed one.
const COMBED: u16 = 5;

/// Which cells show combs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Combs {
    columns: usize,
    cells: Vec<bool>,
}

impl Combs {
    /// Looks at luma of `depth` bits; with `step` above 1, only at every so many rows of cells.
    pub fn of<T: PixelSample>(luma: &PlaneMut<'_, T>, depth: u32, step: usize) -> Self {
        let (columns, rows) = (luma.width.div_ceil(CELL), luma.height.div_ceil(CELL));
        let mut cells = vec![false; columns * rows];
        let out = OUT << depth.saturating_sub(8);
        let mut counts = vec![0_u16; columns];
        for (row, cells) in cells.chunks_exact_mut(columns.max(1)).enumerate().step_by(step.max(1)) {
            counts.fill(0);
            for y in (row * CELL).max(2)..((row + 1) * CELL).min(luma.height.saturating_sub(2)) {
                let lines = [y - 2, y - 1, y, y + 1, y + 2].map(|line| luma.row(line));
                let [above2, above, here, below, below2] = lines.map(|line| line.chunks(CELL));
                for (((((count, a2), a1), h), b1), b2) in counts.iter_mut().zip(above2).zip(above).zip(here).zip(below).zip(below2) {
                    let five = a2.iter().zip(a1).zip(h).zip(b1).zip(b2);
                    *count += five
                        .map(|((((a2, a1), h), b1), b2)| u16::from(is_comb([a2, a1, h, b1, b2].map(|s| (*s).into()), out)))
                        .sum::<u16>();
                }
            }
            cells.iter_mut().zip(&counts).for_each(|(cell, count)| *cell = *count >= COMBED);
        }
        Self { columns, cells }
    }

    /// How many of the cells show combs.
    pub fn count(&self) -> usize {
        self.cells.iter().filter(|cell| **cell).count()
    }

    /// Whether combs come from motion between two fields, and not from grain, dither or scan lines.
    pub fn are_from_motion<T: PixelSample>(&self, luma: &PlaneMut<'_, T>, depth: u32) -> bool {
        let middle = |cell: usize| cell * CELL + CELL / 2;
        let combed = self.cells.iter().enumerate().filter(|(_, combed)| **combed);
        let cells: Vec<_> = combed.map(|(at, _)| (middle(at % self.columns.max(1)), middle(at / self.columns.max(1)))).collect();
        is_displaced(luma, depth, &cells)
    }

    /// Whether a cell or one beside it shows combs.
    fn near(&self, column: usize, row: usize) -> bool {
        let beside = |at: usize| at.saturating_sub(1)..=at + 1;
        beside(row).any(|row| {
            let start = row * self.columns;
            beside(column).any(|column| column < self.columns && self.cells.get(start + column).is_some_and(|cell| *cell))
        })
    }

    /// Draws the lines of the later field anew where combs are. `earlier` is the parity of the first line that is kept; `shift` says how much
    /// smaller the plane is than luma, as powers of two.
    pub fn deinterlace<T: PixelSample>(&self, plane: &mut PlaneMut<'_, T>, earlier: usize, shift: (usize, usize)) {
        let (wide, high) = ((CELL >> shift.0).max(1), (CELL >> shift.1).max(1));
        let mut line = vec![0; plane.width];
        for y in (0..plane.height).filter(|y| y % 2 != earlier % 2) {
            let combed: Vec<usize> = (0..plane.width.div_ceil(wide)).filter(|column| self.near(*column, y / high)).collect();
            if combed.is_empty() {
                continue;
            }
            // Beyond the edges, the nearest line of the same field
            let last = plane.height - 1;
            let kept = |line: usize| if line <= last { line } else { y.saturating_sub(1) };
            let (above, below) = (if y == 0 { kept(1) } else { y - 1 }, kept(y + 1));
            let (above3, below3) = (above.checked_sub(2).unwrap_or(above), if below + 2 <= last { below + 2 } else { below });
            let around = [above3, above, below, below3].map(|line| plane.row(line));
            for column in &combed {
                for (x, to) in line.iter_mut().enumerate().skip(column * wide).take(wide) {
                    *to = between(around, x);
                }
            }
            let start = y * plane.stride;
            for column in combed {
                let places = column * wide..((column + 1) * wide).min(plane.width);
                let from = line.get(places.clone()).unwrap_or_default();
                let to = plane.samples.get_mut(start + places.start..start + places.end).unwrap_or_default();
                to.iter_mut().zip(from).for_each(|(to, from)| *to = T::try_from(*from).unwrap_or(*to));
            }
        }
    }
}

fn is_comb([a2, a1, here, b1, b2]: [i32; 5], out: i32) -> bool {
    let (up, down) = (here - a1, here - b1);
    let around = i32::midpoint(a1, b1);
    let stands_out = (up > out && down > out) || (up < -out && down < -out);
    let like = |other: i32| (other - here).abs() < (other - around).abs();
    stands_out & like(a2) & like(b2)
}

/// A pixel between lines of its own field's neighbours: along the edge that runs through it, or else across, with a cubic.
fn between<T: PixelSample>([above3, above, below, below3]: [&[T]; 4], x: usize) -> i32 {
    let at = |line: &[T], x: usize, by: isize| {
        let place = x.saturating_add_signed(by).min(line.len().saturating_sub(1));
        line.get(place).copied().map_or(0, Into::into)
    };
    // How unlike the lines are when one is moved against the other
    let unlike = |by: isize| (-1..=1).map(|k| (at(above, x, k + by) - at(below, x, k - by)).abs()).sum::<i32>();
    let (mut best, mut along) = (unlike(0) - 1, 0);
    for side in [-1, 1] {
        for by in 1..=3 {
            let score = unlike(side * by);
            if score >= best {
                break;
            }
            (best, along) = (score, side * by);
        }
    }
    let (up, down) = (at(above, x, along), at(below, x, -along));
    if along != 0 {
        return (up + down + 1) / 2;
    }
    let cubic = (9 * (up + down) - at(above3, x, 0) - at(below3, x, 0) + 8) / 16;
    cubic.clamp(up.min(down), up.max(down))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 96;
    const HEIGHT: usize = 64;

    /// A frame whose even lines show `earlier` and whose odd ones show `later`.
    fn woven(earlier: impl Fn(usize, usize) -> u8, later: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..HEIGHT * WIDTH)
            .map(|at| if (at / WIDTH).is_multiple_of(2) { earlier(at % WIDTH, at / WIDTH) } else { later(at % WIDTH, at / WIDTH) })
            .collect()
    }

    fn plane(samples: &mut [u8]) -> PlaneMut<'_, u8> {
        PlaneMut { samples, stride: WIDTH, width: WIDTH, height: HEIGHT }
    }

    fn mended(frame: &[u8]) -> (Vec<u8>, usize) {
        let mut samples = frame.to_vec();
        let mut plane = plane(&mut samples);
        let combs = Combs::of(&plane, 8, 1);
        combs.deinterlace(&mut plane, 0, (0, 0));
        (samples, combs.count())
    }

    #[test]
    fn what_moves_loses_its_combs_and_what_stands_still_keeps_its_lines() {
        // A bright disc that moves by 6 pixels, and at the right edge a thin line on an odd row
        let disc = |x: usize, y: usize, centre: usize| if (x.abs_diff(centre)).pow(2) + y.abs_diff(30).pow(2) < 300 { 220 } else { 40 };
        let scene = |centre: usize| move |x: usize, y: usize| if x > 80 && y == 11 { 200 } else { disc(x, y, centre) };
        let frame = woven(scene(30), scene(36));
        let (given, combed) = mended(&frame);
        assert!(combed > 4);
        let earlier = woven(scene(30), scene(30));
        let off: usize = given.iter().zip(&earlier).filter(|(given, wanted)| given.abs_diff(**wanted) > 24).count();
        let before = frame.iter().zip(&earlier).filter(|(given, wanted)| given.abs_diff(**wanted) > 24).count();
        assert!(off * 6 < before, "{off} of {before} pixels are still another time's");
        assert!((82..WIDTH).all(|x| given[11 * WIDTH + x] == 200), "the thin line survives");
        let mut again = given;
        assert_eq!(Combs::of(&plane(&mut again), 8, 1).count(), 0);
    }

    #[test]
    fn a_frame_of_one_time_is_left_alone() {
        let scene = |x: usize, y: usize| u8::try_from((x * 5 + y * 3) % 251).expect("8 bits");
        let lines = |_: usize, y: usize| if y % 7 == 3 { 255 } else { 0 };
        let slope = |x: usize, y: usize| if x > y { 200 } else { 30 };
        for frame in [woven(scene, scene), woven(lines, lines), woven(slope, slope)] {
            assert_eq!(mended(&frame), (frame.clone(), 0));
        }
    }

    #[test]
    fn any_size_is_mended() {
        for (width, height) in [(1, 1), (2, 2), (3, 5), (9, 4), (8, 17)] {
            let mut samples: Vec<u16> = (0..width * height).map(|at| if at / width % 2 == 0 { 900 } else { 100 }).collect();
            let mut plane = PlaneMut { samples: &mut samples, stride: width, width, height };
            let combs = Combs { columns: width.div_ceil(CELL), cells: vec![true; width.div_ceil(CELL) * height.div_ceil(CELL)] };
            combs.deinterlace(&mut plane, 0, (0, 0));
            assert!(height == 1 || samples.iter().all(|sample| *sample == 900), "{width}x{height}: {samples:?}");
        }
    }
}
