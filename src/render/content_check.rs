//! Checks a picture's content by its luma: black, flat, frozen, sharpness.

use super::{
    ffi::VideoFrame,
    image::Image,
    placeholder::placeholder,
    planes::{Chroma, PlaneView, Planes},
};
use crate::{
    error::{Error, ErrorKind},
    libav,
    report::Verdict,
    request::{Checks, Finding, ReferencePicture},
};

/// The largest number of samples across and down that are checked.
const GRID: usize = 160;
/// Luma below this, of 255, is black: coding leaves noise.
const BLACK: u8 = 24;
/// A picture whose luma spans less than this is flat.
const FLAT: u8 = 10;
/// Of a thousand samples, this many are ignored at either end: noise, a pixel of a logo.
const STRAY: usize = 2;

/// Cells across and down for comparing pictures.
const CELLS: usize = 32;
/// Hashes that differ in at most this many bits are of the same picture.
const SAME_BITS: u32 = 1;
/// The same frame, encoded again, differs by less than this: in the mean of all cells, in tenths of a level, and in the worst cell, in levels.
const SAME_MEAN: u64 = 8;
const SAME_CELL: u8 = 5;
/// A repeated frame, encoded again, differs by less than this in the mean, in hundredths of a level; a camera's grain differs by more.
const IDENTICAL_MEAN: u64 = 25;

/// Reads the picture in a JPEG, PNG or WebP file for later comparison. Fails with `usage` for other files.
pub fn reference_picture(file: &[u8]) -> Result<ReferencePicture, Error> {
    let image = if file.starts_with(&[0xff, 0xd8]) { decode_jpeg(file) } else { decode_other(file) };
    image.map(|image| fingerprint(&image)).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "the file to compare with is not a picture").with_hint("give a JPEG, PNG or WebP, or a hash")
    })
}

/// The luma of a JPEG, with neutral chroma.
fn decode_jpeg(file: &[u8]) -> Option<Image> {
    let frame = libav::decode_jpeg(file, u64::from(u16::MAX) * u64::from(u16::MAX)).ok()?;
    let (width, height) = frame.size();
    let video = VideoFrame::from(frame);
    let luma = video.plane(0).ok()?;
    let mut planes = Planes::filled(width, height, Chroma::Half, [0, 128, 128]);
    planes.y = PlaneView { width: (width as usize).min(luma.width), ..luma }.to_plane();
    Some(Image::Jfif(planes))
}

/// The picture in a PNG or WebP file.
fn decode_other(file: &[u8]) -> Option<Image> {
    image::load_from_memory(file).ok().map(|image| Image::Rgb(image.into_rgb8()))
}

/// What [`looks_like`] compares.
pub fn fingerprint(image: &Image) -> ReferencePicture {
    let grid = LumaGrid::of(image);
    ReferencePicture { hash: grid.hash(), cells: Some(grid.cells()) }
}

/// Whether a picture is the same as an earlier one, but for the noise of coding.
pub fn looks_like(image: &Image, earlier: &ReferencePicture) -> bool {
    LumaGrid::of(image).equals(earlier)
}

/// The likeness of two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Something moved.
    Different,
    /// Nothing moved, but the pictures have different grain, or were coded differently.
    Similar,
    /// Both come from the same frame.
    Identical,
}

/// Compares two pictures, by their cells if both have them, else by their hashes.
pub fn compare_pictures(one: &ReferencePicture, other: &ReferencePicture) -> Likeness {
    let (is_same, is_identical) = match (&one.cells, &other.cells) {
        (Some(cells), Some(others)) => {
            (same_cells(cells, others), sum_of_differences(cells, others) * 100 < IDENTICAL_MEAN * cells.len() as u64)
        }
        _ => (same_hash(one.hash, other.hash), one.hash == other.hash),
    };
    match (is_same, is_identical) {
        (true, true) => Likeness::Identical,
        (true, false) => Likeness::Similar,
        (false, _) => Likeness::Different,
    }
}

fn differences<'a>(one: &'a [u8], other: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
    one.iter().zip(other).map(|(one, other)| one.abs_diff(*other))
}

fn sum_of_differences(one: &[u8], other: &[u8]) -> u64 {
    differences(one, other).map(u64::from).sum()
}

fn same_cells(one: &[u8], other: &[u8]) -> bool {
    let is_close = sum_of_differences(one, other) * 10 < SAME_MEAN * one.len() as u64;
    one.len() == other.len() && is_close && differences(one, other).all(|difference| difference < SAME_CELL)
}

fn same_hash(one: u64, other: u64) -> bool {
    (one ^ other).count_ones() <= SAME_BITS
}

/// Checks a picture.
pub fn check_content(image: &Image, checks: &Checks) -> Verdict {
    let grid = LumaGrid::of(image);
    let count = grid.luma.len().max(1);
    let sum: u64 = grid.luma.iter().map(|luma| u64::from(*luma)).sum();
    let (low, high) = grid.range();
    let black = high < BLACK;
    let flat = high.saturating_sub(low) < FLAT || (checks.detect_bars && grid.shows_color_bars());
    let frozen = checks.previous.as_ref().map(|previous| grid.equals(previous));
    let placeholder = placeholder(image);
    let is_found = |finding: &Finding| match finding {
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
        thumbhash: placeholder.thumbhash,
        dominant_color: placeholder.dominant_color,
        failed: checks.fail_on.iter().filter(|finding| is_found(finding)).map(|finding| finding.name()).collect(),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Luma samples spread evenly over the picture.
struct LumaGrid {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl LumaGrid {
    fn of(image: &Image) -> Self {
        let (width, height) = image.size();
        let (width, height) = (width as usize, height as usize);
        let (columns, rows) = (width.min(GRID), height.min(GRID));
        let position = |index: usize, of: usize, size: usize| (2 * index + 1) * size / (2 * of.max(1));
        let sample = |x: usize, y: usize| match image {
            Image::Jfif(planes) => planes.y.row(y).and_then(|row| row.get(x)).copied(),
            Image::Rgb(image) => {
                let pixel = image.get_pixel_checked(u32::try_from(x).ok()?, u32::try_from(y).ok()?)?;
                let [r, g, b] = pixel.0.map(u32::from);
                u8::try_from((299 * r + 587 * g + 114 * b + 500) / 1000).ok()
            }
        };
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let luma = cells.filter_map(|(row, column)| sample(position(column, columns, width), position(row, rows, height))).collect();
        Self { width: columns, height: rows, luma }
    }

    fn at(&self, x: usize, y: usize) -> i32 {
        self.luma.get(y * self.width + x).copied().unwrap_or_default().into()
    }

    /// The darkest and the brightest level, without strays.
    fn range(&self) -> (u8, u8) {
        let mut counts = [0_usize; 256];
        for luma in &self.luma {
            if let Some(count) = counts.get_mut(usize::from(*luma)) {
                *count += 1;
            }
        }
        let stray = self.luma.len() * STRAY / 1000;
        // The number of levels at one end that hold only strays
        let skipped = |counts: &mut dyn Iterator<Item = &usize>| {
            let mut sum = 0;
            let levels = counts.take_while(|count| {
                sum += **count;
                sum <= stray
            });
            u8::try_from(levels.count()).unwrap_or(u8::MAX)
        };
        let low = skipped(&mut counts.iter());
        let high = u8::MAX - skipped(&mut counts.iter().rev());
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

    /// The mean of the samples in a rectangle.
    fn mean(&self, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> u8 {
        let sum: i32 = (top..bottom).flat_map(|y| (left..right).map(move |x| self.at(x, y))).sum();
        let count = i32::try_from((bottom - top) * (right - left)).unwrap_or(i32::MAX);
        u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)
    }

    /// The means of `CELLS` by `CELLS` rectangles.
    fn cells(&self) -> Vec<u8> {
        let range = |index: usize, of: usize| (index * of / CELLS, ((index + 1) * of / CELLS).max(index * of / CELLS + 1));
        (0..CELLS * CELLS).map(|cell| self.mean(range(cell % CELLS, self.width), range(cell / CELLS, self.height))).collect()
    }

    /// Whether the picture is the same as a previous one.
    fn equals(&self, previous: &ReferencePicture) -> bool {
        match &previous.cells {
            Some(cells) => same_cells(&self.cells(), cells),
            None => same_hash(self.hash(), previous.hash),
        }
    }

    /// Whether the picture is color bars of EBU or SMPTE: in the upper half, all rows are alike and consist of plateaus that get darker from
    /// left to right.
    fn shows_color_bars(&self) -> bool {
        const ALIKE: i32 = 10;
        let (top, bottom) = (self.height / 10, self.height / 2);
        let row: Vec<i32> = (0..self.width).map(|x| self.at(x, usize::midpoint(top, bottom))).collect();
        let different =
            (top..bottom).flat_map(|y| row.iter().enumerate().filter(move |(x, luma)| (self.at(*x, y) - **luma).abs() > ALIKE)).count();
        if self.width < CELLS || different * 20 > row.len() * (bottom - top) {
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

    /// A difference hash: for each of 8 by 8 cells, whether it is brighter than its right neighbor.
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

    fn image(paint: impl Fn(u32, u32) -> u32) -> Image {
        Image::Rgb(RgbImage::from_fn(640, 360, |x, y| Rgb([u8::try_from(paint(x, y)).expect("a luma"); 3])))
    }

    fn check(paint: impl Fn(u32, u32) -> u32) -> Verdict {
        check_content(&image(paint), &Checks::default())
    }

    #[test]
    fn black_pictures_are_flat_and_scenes_are_neither() {
        let black = check(|_, _| 5);
        assert!(black.black && black.flat);
        let gray = check(|_, _| 128);
        assert!(!gray.black && gray.flat);
        let scene = check(|x, y| (x / 20 + y / 20) % 2 * 200);
        assert!(!scene.black && !scene.flat && scene.sharpness > gray.sharpness);
        assert!((0.3..0.5).contains(&scene.mean_luma), "{scene:?}");
    }

    #[test]
    fn the_same_picture_is_frozen_and_another_is_not() {
        let scene = |shift: u32| move |x: u32, y: u32| ((x + shift) / 20 + y / 20) % 2 * 120 + (x + y) % 3;
        let checks =
            Checks { previous: Some(fingerprint(&image(scene(0)))), fail_on: vec![Finding::Frozen, Finding::Black], ..Checks::default() };
        let same = check_content(&image(|x, y| scene(0)(x, y) + u32::from(x * y % 3 == 0)), &checks);
        assert_eq!((same.frozen, same.failed), (Some(true), vec!["frozen"]));
        let moved = check_content(&image(scene(3)), &checks);
        assert_eq!((moved.frozen, moved.failed.len()), (Some(false), 0));
        let hash = Checks { previous: check(scene(0)).hash.parse().ok(), ..Checks::default() };
        assert_eq!(check_content(&image(scene(0)), &hash).frozen, Some(true));
    }

    #[test]
    fn grain_makes_pictures_similar_but_not_identical() {
        let scene = |grain: u32| image(move |x, y| 40 + (x / 20 + y / 20) % 2 * 120 + u32::from(x / 20 % 4 == grain));
        let compare = |one: &Image, other: &Image| compare_pictures(&fingerprint(one), &fingerprint(other));
        assert_eq!(compare(&scene(0), &scene(0)), Likeness::Identical);
        assert_eq!(compare(&scene(0), &scene(1)), Likeness::Similar);
        assert_eq!(compare(&scene(0), &image(|_, _| 100)), Likeness::Different);
    }

    #[test]
    fn color_bars_are_flat_only_with_detect_bars() {
        // 75 % bars of SMPTE, with other things below
        let bars = |x: u32, y: u32| if y < 240 { [180, 162, 131, 112, 84, 65, 35, 20][(x * 7 / 640) as usize] } else { (x * y) % 255 };
        let detect = Checks { detect_bars: true, ..Checks::default() };
        assert!(!check(bars).flat && check_content(&image(bars), &detect).flat);
        for scene in [(|x, _| x * 255 / 640) as fn(u32, u32) -> u32, |x, y| (x / 20 + y / 20) % 2 * 200, |x, _| 20 + x * 7 / 640 * 25] {
            assert!(!check_content(&image(scene), &detect).flat);
        }
    }

    #[test]
    fn similar_pictures_have_similar_hashes() {
        let hash = |verdict: Verdict| u64::from_str_radix(&verdict.hash, 16).unwrap_or_default();
        let ramp = |x: u32, y: u32| (x * 7 / 20 + (y / 40) * 13) % 250;
        let same = (hash(check(ramp)) ^ hash(check(|x, y| ramp(x, y) + 3))).count_ones();
        let other = (hash(check(ramp)) ^ hash(check(|x, y| 255 - ramp(x, y)))).count_ones();
        assert!(same < 8 && other > 20, "{same} and {other} bits differ");
    }
}
