//! What a picture shows, by its luma.

use super::Image;
use crate::{
    report::Verdict,
    request::{Checks, Finding, ReferencePicture},
};

/// At most so many samples a side are looked at.
const GRID: usize = 160;
/// Luma below this is black, of 255: what is left of black after coding.
const BLACK: u8 = 24;
/// A picture whose luma and colours spread less than this from end to end is flat.
const FLAT: u8 = 10;
/// So many of a thousand samples may differ: noise, a logo's pixel.
const STRAY: usize = 2;

/// Cells a side that pictures are compared in.
const CELLS: usize = 32;
/// Of hashes that differ in no more bits the pictures are the same.
const SAME_BITS: u32 = 1;
/// The same frame, encoded anew, differs by less: in the mean of all cells in tenths of a level, and in the worst one in levels.
const SAME_MEAN: u64 = 8;
const SAME_CELL: u8 = 5;

/// What a picture is compared by later on.
pub fn fingerprint(picture: &Image) -> ReferencePicture {
    let grid = Grid::of(picture);
    ReferencePicture { hash: grid.hash(), cells: Some(grid.cells()) }
}

/// Looks at a picture, for what `watch` says.
pub fn verdict(picture: &Image, watch: &Checks) -> Verdict {
    let grid = Grid::of(picture);
    let count = grid.luma.len().max(1);
    let sum: u64 = grid.luma.iter().map(|luma| u64::from(*luma)).sum();
    let (low, high) = grid.spread();
    let black = high < BLACK;
    let flat = high.saturating_sub(low) < FLAT || (watch.detect_bars && grid.is_bars());
    let frozen = watch.previous.as_ref().map(|previous| grid.is_like(previous));
    let found = |finding: &Finding| match finding {
        Finding::Black => black,
        Finding::Flat => flat,
        Finding::Frozen => frozen == Some(true),
    };
    Verdict {
        mean_luma: rounded(sum as f64 / count as f64 / 255.0),
        black,
        flat,
        frozen,
        sharpness: rounded(grid.sharpness()),
        hash: format!("{:016x}", grid.hash()),
        failed: watch.fail_on.iter().filter(|finding| found(finding)).map(|finding| finding.name()).collect(),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Luma samples spread evenly over the picture.
struct Grid {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl Grid {
    fn of(picture: &Image) -> Self {
        let (width, height) = picture.size();
        let (width, height) = (width as usize, height as usize);
        let (columns, rows) = (width.min(GRID), height.min(GRID));
        let place = |index: usize, of: usize, size: usize| (2 * index + 1) * size / (2 * of.max(1));
        let sample = |x: usize, y: usize| match picture {
            Image::Jfif(planes) => planes.y.row(y).and_then(|row| row.get(x)).copied(),
            Image::Rgb(image) => {
                let pixel = image.get_pixel_checked(u32::try_from(x).ok()?, u32::try_from(y).ok()?)?;
                let [r, g, b] = pixel.0.map(u32::from);
                u8::try_from((299 * r + 587 * g + 114 * b + 500) / 1000).ok()
            }
        };
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let luma = places.filter_map(|(row, column)| sample(place(column, columns, width), place(row, rows, height))).collect();
        Self { width: columns, height: rows, luma }
    }

    fn at(&self, x: usize, y: usize) -> i32 {
        self.luma.get(y * self.width + x).copied().unwrap_or_default().into()
    }

    /// The darkest and the brightest, without strays.
    fn spread(&self) -> (u8, u8) {
        let mut counts = [0_usize; 256];
        for luma in &self.luma {
            if let Some(count) = counts.get_mut(usize::from(*luma)) {
                *count += 1;
            }
        }
        let stray = self.luma.len() * STRAY / 1000;
        // How many levels at one end hold no more than strays
        let bare = |counts: &mut dyn Iterator<Item = &usize>| {
            let mut sum = 0;
            let empty = counts.take_while(|count| {
                sum += **count;
                sum <= stray
            });
            u8::try_from(empty.count()).unwrap_or(u8::MAX)
        };
        let low = bare(&mut counts.iter());
        let high = u8::MAX - bare(&mut counts.iter().rev());
        (low, high)
    }

    /// The mean absolute Laplacian, 0 to 1.
    fn sharpness(&self) -> f64 {
        let (mut sum, mut count) = (0_u64, 0_u64);
        for y in 1..self.height.saturating_sub(1) {
            for x in 1..self.width.saturating_sub(1) {
                let around = self.at(x - 1, y) + self.at(x + 1, y) + self.at(x, y - 1) + self.at(x, y + 1);
                sum += u64::from((4 * self.at(x, y) - around).unsigned_abs());
                count += 1;
            }
        }
        sum as f64 / (count.max(1) as f64 * 4.0 * 255.0)
    }

    /// The mean of a part of it.
    fn mean(&self, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> u8 {
        let sum: i32 = (top..bottom).flat_map(|y| (left..right).map(move |x| self.at(x, y))).sum();
        let count = i32::try_from((bottom - top) * (right - left)).unwrap_or(i32::MAX);
        u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)
    }

    fn cells(&self) -> Vec<u8> {
        let part = |index: usize, of: usize| (index * of / CELLS, ((index + 1) * of / CELLS).max(index * of / CELLS + 1));
        (0..CELLS * CELLS).map(|cell| self.mean(part(cell % CELLS, self.width), part(cell / CELLS, self.height))).collect()
    }

    fn is_like(&self, previous: &ReferencePicture) -> bool {
        let Some(before) = &previous.cells else { return (previous.hash ^ self.hash()).count_ones() <= SAME_BITS };
        let differences: Vec<u8> = self.cells().iter().zip(before).map(|(one, other)| one.abs_diff(*other)).collect();
        let sum: u64 = differences.iter().map(|difference| u64::from(*difference)).sum();
        sum * 10 < SAME_MEAN * differences.len() as u64 && differences.iter().all(|difference| *difference < SAME_CELL)
    }

    /// Colour bars: in the upper half all rows are alike, and hold plateaus that grow darker from left to right, as the bars of EBU and
    /// SMPTE do.
    fn is_bars(&self) -> bool {
        const ALIKE: i32 = 10;
        let (top, bottom) = (self.height / 10, self.height / 2);
        let row: Vec<i32> = (0..self.width).map(|x| self.at(x, usize::midpoint(top, bottom))).collect();
        let unlike =
            (top..bottom).flat_map(|y| row.iter().enumerate().filter(move |(x, luma)| (self.at(*x, y) - **luma).abs() > ALIKE)).count();
        if self.width < CELLS || unlike * 20 > row.len() * (bottom - top) {
            return false;
        }
        let mut plateaus: Vec<(i32, usize)> = Vec::new();
        for luma in row {
            match plateaus.last_mut() {
                Some((level, width)) if (luma - *level).abs() <= ALIKE / 2 => *width += 1,
                _ => plateaus.push((luma, 1)),
            }
        }
        plateaus.retain(|(_, width)| *width >= self.width / 16);
        let covered: usize = plateaus.iter().map(|(_, width)| width).sum();
        let darker = plateaus.windows(2).filter(|pair| matches!(pair, [(one, _), (next, _)] if one > next)).count();
        covered * 5 > self.width * 4 && (6..=10).contains(&plateaus.len()) && darker + 2 >= plateaus.len() - 1 && darker >= 5
    }

    /// A difference hash: of 9 by 8 cells, whether each is brighter than its right neighbour.
    fn hash(&self) -> u64 {
        let cell = |column: usize, row: usize| {
            let (left, right) = (column * self.width / 9, ((column + 1) * self.width / 9).max(column * self.width / 9 + 1));
            let (top, bottom) = (row * self.height / 8, ((row + 1) * self.height / 8).max(row * self.height / 8 + 1));
            self.mean((left, right), (top, bottom))
        };
        (0..8)
            .flat_map(|row| (0..8).map(move |column| (column, row)))
            .fold(0, |hash, (column, row)| hash << 1 | u64::from(cell(column, row) > cell(column + 1, row)))
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn painted(paint: impl Fn(u32, u32) -> u32) -> Image {
        Image::Rgb(RgbImage::from_fn(640, 360, |x, y| Rgb([u8::try_from(paint(x, y)).expect("a luma"); 3])))
    }

    fn of(paint: impl Fn(u32, u32) -> u32) -> Verdict {
        verdict(&painted(paint), &Checks::default())
    }

    #[test]
    fn black_flat_and_neither() {
        let black = of(|_, _| 5);
        assert!(black.black && black.flat);
        let grey = of(|_, _| 128);
        assert!(!grey.black && grey.flat);
        let scene = of(|x, y| (x / 20 + y / 20) % 2 * 200);
        assert!(!scene.black && !scene.flat && scene.sharpness > grey.sharpness);
        assert!((0.3..0.5).contains(&scene.mean_luma), "{scene:?}");
    }

    #[test]
    fn the_same_picture_is_frozen_and_another_is_not() {
        let scene = |shift: u32| move |x: u32, y: u32| ((x + shift) / 20 + y / 20) % 2 * 120 + (x + y) % 3;
        let watch =
            Checks { previous: Some(fingerprint(&painted(scene(0)))), fail_on: vec![Finding::Frozen, Finding::Black], ..Checks::default() };
        let same = verdict(&painted(|x, y| scene(0)(x, y) + u32::from(x * y % 3 == 0)), &watch);
        assert_eq!((same.frozen, same.failed), (Some(true), vec!["frozen"]));
        let moved = verdict(&painted(scene(3)), &watch);
        assert_eq!((moved.frozen, moved.failed.len()), (Some(false), 0));
        let hash = Checks { previous: of(scene(0)).hash.parse().ok(), ..Checks::default() };
        assert_eq!(verdict(&painted(scene(0)), &hash).frozen, Some(true));
    }

    #[test]
    fn bars_are_flat_where_they_are_looked_for() {
        // 75 % bars of SMPTE, with other things below
        let bars = |x: u32, y: u32| if y < 240 { [180, 162, 131, 112, 84, 65, 35, 20][(x * 7 / 640) as usize] } else { (x * y) % 255 };
        let detect = Checks { detect_bars: true, ..Checks::default() };
        assert!(!of(bars).flat && verdict(&painted(bars), &detect).flat);
        for scene in [(|x, _| x * 255 / 640) as fn(u32, u32) -> u32, |x, y| (x / 20 + y / 20) % 2 * 200, |x, _| 20 + x * 7 / 640 * 25] {
            assert!(!verdict(&painted(scene), &detect).flat);
        }
    }

    #[test]
    fn near_pictures_have_near_hashes() {
        let hash = |verdict: Verdict| u64::from_str_radix(&verdict.hash, 16).unwrap_or_default();
        let ramp = |x: u32, y: u32| (x * 7 / 20 + (y / 40) * 13) % 250;
        let same = (hash(of(ramp)) ^ hash(of(|x, y| ramp(x, y) + 3))).count_ones();
        let other = (hash(of(ramp)) ^ hash(of(|x, y| 255 - ramp(x, y)))).count_ones();
        assert!(same < 8 && other > 20, "{same} and {other} bits differ");
    }
}
