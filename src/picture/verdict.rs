//! What a picture shows, by its luma.

use super::Picture;
use crate::report::Verdict;

/// At most so many samples a side are looked at.
const GRID: usize = 160;
/// Luma below this is black, of 255: what is left of black after coding.
const BLACK: u8 = 24;
/// A picture whose luma and colours spread less than this from end to end is flat.
const FLAT: u8 = 10;
/// So many of a thousand samples may differ: noise, a logo's pixel.
const STRAY: usize = 2;

/// Looks at a picture.
pub fn verdict(picture: &Picture) -> Verdict {
    let grid = Grid::of(picture);
    let count = grid.luma.len().max(1);
    let sum: u64 = grid.luma.iter().map(|luma| u64::from(*luma)).sum();
    let (low, high) = grid.spread();
    Verdict {
        mean_luma: rounded(sum as f64 / count as f64 / 255.0),
        black: high < BLACK,
        flat: high.saturating_sub(low) < FLAT,
        sharpness: rounded(grid.sharpness()),
        hash: format!("{:016x}", grid.hash()),
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
    fn of(picture: &Picture) -> Self {
        let (width, height) = picture.size();
        let (width, height) = (width as usize, height as usize);
        let (columns, rows) = (width.min(GRID), height.min(GRID));
        let place = |index: usize, of: usize, size: usize| (2 * index + 1) * size / (2 * of.max(1));
        let sample = |x: usize, y: usize| match picture {
            Picture::Jfif(planes) => planes.y.row(y).and_then(|row| row.get(x)).copied(),
            Picture::Rgb(image) => {
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

    /// A difference hash: of 9 by 8 cells, whether each is brighter than its right neighbour.
    fn hash(&self) -> u64 {
        let cell = |column: usize, row: usize| {
            let (left, right) = (column * self.width / 9, ((column + 1) * self.width / 9).max(column * self.width / 9 + 1));
            let (top, bottom) = (row * self.height / 8, ((row + 1) * self.height / 8).max(row * self.height / 8 + 1));
            let sum: i32 = (top..bottom).flat_map(|y| (left..right).map(move |x| self.at(x, y))).sum();
            let count = i32::try_from((bottom - top) * (right - left)).unwrap_or(i32::MAX);
            sum / count.max(1)
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

    fn of(paint: impl Fn(u32, u32) -> u32) -> Verdict {
        verdict(&Picture::Rgb(RgbImage::from_fn(640, 360, |x, y| Rgb([u8::try_from(paint(x, y)).expect("a luma"); 3]))))
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
    fn near_pictures_have_near_hashes() {
        let hash = |verdict: Verdict| u64::from_str_radix(&verdict.hash, 16).unwrap_or_default();
        let ramp = |x: u32, y: u32| (x * 7 / 20 + (y / 40) * 13) % 250;
        let same = (hash(of(ramp)) ^ hash(of(|x, y| ramp(x, y) + 3))).count_ones();
        let other = (hash(of(ramp)) ^ hash(of(|x, y| 255 - ramp(x, y)))).count_ones();
        assert!(same < 8 && other > 20, "{same} and {other} bits differ");
    }
}
