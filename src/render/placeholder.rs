//! Placeholders for a picture that is still loading: its ThumbHash and its dominant color, both without the bars at its edges.
//!
//! Everything works on a sample of the pixels, so the cost is that of a small picture, however large the picture is.

use std::{cmp::Reverse, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    image::Image,
    vector::{Triple, multiply},
};

/// What to show until the picture is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The [ThumbHash](https://evanw.github.io/thumbhash/) in base64.
    pub thumbhash: String,
    /// `#rrggbb`.
    pub dominant_color: String,
}

/// The largest number of cells across and down that the picture is reduced to. ThumbHash keeps at most 7 waves a side, and takes 100 pixels.
const CELLS: usize = 48;
/// At most this many pixels across and down are averaged for a cell.
const PIXELS: usize = 3;
/// This many pixels of a row or a column decide whether it belongs to a bar.
const BAR_SAMPLES: usize = 16;
/// In a bar no component is above this, of 255. Coding leaves noise in black.
const BLACK: u8 = 24;
/// In a row or a column of a bar the components span less than this.
const UNIFORM: u8 = 10;
/// A bar covers at most this many percent of the side: those of a portrait video (9:16) in a 16:9 frame cover 34. Beyond that it is a dark
/// scene.
const LARGEST_BAR: usize = 40;

/// Computes both placeholders.
pub fn placeholder(image: &Image) -> Placeholder {
    let (columns, rows) = area_without_bars(image);
    let cells = Cells::of(image, &columns, &rows);
    Placeholder { thumbhash: cells.thumbhash(), dominant_color: cells.dominant_color() }
}

/// The picture without its black bars, as ranges of columns and rows. Bars come in pairs, left and right, or top and bottom.
fn area_without_bars(image: &Image) -> (Range<usize>, Range<usize>) {
    let (width, height) = image.size();
    let (width, height) = (width as usize, height as usize);
    let rows = content(height, |row| is_bar((0..BAR_SAMPLES).filter_map(|index| image.rgb_at(position(index, BAR_SAMPLES, width), row))));
    let sample = |index| rows.start + position(index, BAR_SAMPLES, rows.len());
    let columns = content(width, |column| is_bar((0..BAR_SAMPLES).filter_map(|index| image.rgb_at(column, sample(index)))));
    (columns, rows)
}

/// The lines between the bars at both ends; all of `count` lines if there are not two bars, or if one is too large to be one.
fn content(count: usize, is_bar: impl Fn(usize) -> bool) -> Range<usize> {
    let limit = count * LARGEST_BAR / 100;
    let first = (0..=limit).take_while(|line| is_bar(*line)).count();
    if (1..=limit).contains(&first) {
        let last = (0..=limit).take_while(|line| is_bar(count - 1 - line)).count();
        if (1..=limit).contains(&last) {
            return first..count - last;
        }
    }
    0..count
}

/// Whether the pixels of a line are nearly black and alike.
fn is_bar(pixels: impl Iterator<Item = [u8; 3]>) -> bool {
    let (mut low, mut high) = (u8::MAX, u8::MIN);
    for component in pixels.flatten() {
        (low, high) = (low.min(component), high.max(component));
    }
    high < BLACK && high.saturating_sub(low) < UNIFORM
}

/// The middle of part `index` of `size` pixels, of which there are `of`.
fn position(index: usize, of: usize, size: usize) -> usize {
    (2 * index + 1) * size / (2 * of.max(1))
}

/// A small version of the picture.
struct Cells {
    width: usize,
    height: usize,
    /// R, G and B.
    colors: Vec<[u8; 3]>,
}

impl Cells {
    /// Averages evenly spread pixels of each cell.
    fn of(image: &Image, columns: &Range<usize>, rows: &Range<usize>) -> Self {
        let (across, down) = (columns.len().max(1), rows.len().max(1));
        let largest = across.max(down);
        // The aspect ratio stays
        let cells = |side: usize| if largest <= CELLS { side } else { ((2 * side * CELLS + largest) / (2 * largest)).max(1) };
        let (width, height) = (cells(across), cells(down));
        let pixels = |side: usize, cells: usize| side.div_ceil(cells).min(PIXELS);
        let (x_pixels, y_pixels) = (pixels(across, width), pixels(down, height));
        let average = |cell: usize| {
            let (x, y) = (cell % width, cell / width);
            let (mut sum, mut count) = ([0_u32; 3], 0);
            for (sx, sy) in (0..y_pixels).flat_map(|sy| (0..x_pixels).map(move |sx| (sx, sy))) {
                let column = columns.start + position(x * x_pixels + sx, width * x_pixels, across);
                let row = rows.start + position(y * y_pixels + sy, height * y_pixels, down);
                let Some(rgb) = image.rgb_at(column, row) else { continue };
                sum.iter_mut().zip(rgb).for_each(|(sum, value)| *sum += u32::from(value));
                count += 1;
            }
            sum.map(|sum| u8::try_from((sum + count / 2) / count.max(1)).unwrap_or(u8::MAX))
        };
        Self { width, height, colors: (0..width * height).map(average).collect() }
    }

    fn thumbhash(&self) -> String {
        let rgba: Vec<u8> = self.colors.iter().flat_map(|[r, g, b]| [*r, *g, *b, u8::MAX]).collect();
        STANDARD.encode(thumbhash::rgba_to_thumb_hash(self.width, self.height, &rgba))
    }

    /// The mean of the most populated neighborhood in a coarse histogram of [`Oklab`], where equal distances look equally different. Of
    /// neighborhoods with as many cells, the most colorful one counts.
    fn dominant_color(&self) -> String {
        let linear = linear_table();
        let bins: Vec<Bin> = self.colors.iter().map(|rgb| Bin::of(*rgb, &linear)).collect();
        let mut counts = vec![0_u32; Bin::COUNT];
        for bin in &bins {
            if let Some(count) = counts.get_mut(bin.index()) {
                *count += 1;
            }
        }
        let count = |bin: Bin| counts.get(bin.index()).copied().unwrap_or(0);
        let mut occupied = bins.clone();
        occupied.sort_unstable_by_key(|bin| bin.index());
        occupied.dedup();
        let rank = |bin: &&Bin| (bin.neighborhood().map(count).sum::<u32>(), bin.chroma(), count(**bin), Reverse(bin.index()));
        let Some(center) = occupied.iter().max_by_key(rank) else { return "#000000".to_owned() };
        let (mut sum, mut cells) = ([0_u32; 3], 0);
        for (rgb, _) in self.colors.iter().zip(&bins).filter(|(_, bin)| center.is_neighbor(**bin)) {
            sum.iter_mut().zip(rgb).for_each(|(sum, value)| *sum += u32::from(*value));
            cells += 1;
        }
        let [r, g, b] = sum.map(|sum| (sum + cells / 2) / cells.max(1));
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// A cell of the histogram: lightness, green to red, blue to yellow, in steps of [`Bin::STEP`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bin([i16; 3]);

impl Bin {
    /// About the difference between neighboring colors of a paint chart.
    const STEP: f32 = 0.05;
    /// The largest lightness and the largest distance from gray, in steps, with one more for the neighborhood.
    const LIGHTNESS: i16 = 22;
    const DISTANCE: i16 = 9;
    const COUNT: usize = (Self::LIGHTNESS as usize + 1) * (2 * Self::DISTANCE as usize + 1) * (2 * Self::DISTANCE as usize + 1);

    /// The bin of a color in Oklab (<https://bottosson.github.io/posts/oklab/>). `linear` is [`linear_table`].
    fn of(rgb: [u8; 3], linear: &[f32]) -> Self {
        let light = rgb.map(|value| linear.get(usize::from(value)).copied().unwrap_or(1.0));
        let lab = multiply(LMS_TO_OKLAB, multiply(RGB_TO_LMS, light).map(f32::cbrt));
        #[expect(clippy::cast_possible_truncation, reason = "Oklab is between -1 and 1")]
        Self(lab.map(|value| (value / Self::STEP).round() as i16))
    }

    fn index(self) -> usize {
        let Self([l, a, b]) = self;
        let side = 2 * Self::DISTANCE + 1;
        let offset = |value: i16| i32::from(value.clamp(-Self::DISTANCE, Self::DISTANCE) + Self::DISTANCE);
        let index = (i32::from(l.clamp(0, Self::LIGHTNESS)) * i32::from(side) + offset(a)) * i32::from(side) + offset(b);
        usize::try_from(index).unwrap_or(0)
    }

    /// This bin and the 26 around it. Colors of one surface lie in several bins.
    fn neighborhood(self) -> impl Iterator<Item = Self> {
        let Self([l, a, b]) = self;
        (0..27).map(move |index| Self([l + index / 9 - 1, a + index / 3 % 3 - 1, b + index % 3 - 1])).filter(|bin| bin.0[0] >= 0)
    }

    fn is_neighbor(self, other: Self) -> bool {
        self.0.iter().zip(other.0).all(|(own, other)| own.abs_diff(other) <= 1)
    }

    /// The distance from gray, squared.
    fn chroma(self) -> i16 {
        let Self([_, a, b]) = self;
        a * a + b * b
    }
}

/// Linear sRGB to the response of the eye's three kinds of cones.
const RGB_TO_LMS: [Triple; 3] =
    [[0.412_221_46, 0.536_332_55, 0.051_445_995], [0.211_903_5, 0.680_699_5, 0.107_396_96], [0.088_302_46, 0.281_718_85, 0.629_978_7]];
/// The cube roots of these responses to lightness, green to red, and blue to yellow.
const LMS_TO_OKLAB: [Triple; 3] =
    [[0.210_454_26, 0.793_617_8, -0.004_072_047], [1.977_998_5, -2.428_592_2, 0.450_593_7], [0.025_904_037, 0.782_771_77, -0.808_675_77]];

/// The linear light of each value of sRGB.
fn linear_table() -> Vec<f32> {
    let linear = |value: f32| if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
    (0..=u8::MAX).map(|value| linear(f32::from(value) / 255.0)).collect()
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::{
        super::{
            jfif,
            planes::{Chroma, Planes},
        },
        *,
    };

    /// A picture inside of black bars of `x` columns at the left and the right, and `y` rows at the top and the bottom.
    fn with_bars((width, height): (u32, u32), (x, y): (u32, u32), paint: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
        RgbImage::from_fn(width + 2 * x, height + 2 * y, |column, row| {
            let is_inside = (x..x + width).contains(&column) && (y..y + height).contains(&row);
            // Coding leaves noise in the bars
            let noise = u8::try_from((column * 7 + row * 3) % 5).expect("a byte");
            Rgb(if is_inside { paint(column - x, row - y) } else { [noise, noise / 2, noise] })
        })
    }

    /// Three quarters orange, one quarter blue.
    fn poster(x: u32, y: u32) -> [u8; 3] {
        if x < 480 || y < 180 && x < 560 { [230, 120, 20] } else { [20, 60, 200] }
    }

    fn mean_color(hash: &str) -> [f32; 3] {
        let hash = STANDARD.decode(hash).expect("base64");
        let (r, g, b, a) = thumbhash::thumb_hash_to_average_rgba(&hash).expect("a hash");
        assert!((a - 1.0).abs() < 1e-6);
        [r, g, b].map(|value| value * 255.0)
    }

    #[test]
    fn bars_change_neither_placeholder() {
        let plain = placeholder(&Image::Rgb(with_bars((640, 360), (0, 0), poster)));
        for bars in [(0, 46), (81, 0), (31, 17), (0, 2)] {
            let image = with_bars((640, 360), bars, poster);
            let jfif = jfif::from_rgb(&image, Chroma::Full);
            assert_eq!(placeholder(&Image::Rgb(image)), plain, "{bars:?}");
            assert_eq!(placeholder(&Image::Jfif(jfif)).thumbhash.len(), plain.thumbhash.len(), "{bars:?}");
        }
        assert_eq!(plain.dominant_color, "#e67814");
        let (orange, blue) = (0.75 + 0.0625, 0.25 - 0.0625);
        for ((mean, orange_part), blue_part) in mean_color(&plain.thumbhash).into_iter().zip([230.0, 120.0, 20.0]).zip([20.0, 60.0, 200.0])
        {
            let expected = orange * orange_part + blue * blue_part;
            assert!((mean - expected).abs() < 6.0, "{mean} is not {expected}");
        }
    }

    #[test]
    fn black_pictures_and_dark_scenes_are_not_cropped() {
        let area = |image: RgbImage| area_without_bars(&Image::Rgb(image));
        assert_eq!(area(with_bars((0, 0), (320, 180), poster)), (0..640, 0..360));
        // A night sky is dark at one side only
        assert_eq!(area(with_bars((640, 360), (0, 0), |_, y| if y < 100 { [4, 4, 6] } else { [90, 80, 70] })), (0..640, 0..360));
        assert_eq!(area(with_bars((640, 60), (0, 150), poster)), (0..640, 0..360));
        assert_eq!(area(with_bars((640, 360), (0, 60), |_, _| [0, 0, 120])), (0..640, 60..420));
        assert_eq!(area(with_bars((203, 360), (219, 0), poster)), (219..422, 0..360));
    }

    #[test]
    fn the_dominant_color_is_the_most_frequent_one_and_of_equal_ones_the_most_colorful() {
        let dominant = |paint: fn(u32, u32) -> [u8; 3]| placeholder(&Image::Rgb(with_bars((640, 360), (0, 0), paint))).dominant_color;
        assert_eq!(dominant(|x, _| if x < 320 { [128; 3] } else { [200, 30, 40] }), "#c81e28");
        assert_eq!(dominant(|x, _| if x < 340 { [128; 3] } else { [200, 30, 40] }), "#808080");
        assert_eq!(dominant(|_, _| [0; 3]), "#000000");
        assert_eq!(dominant(|_, _| [255; 3]), "#ffffff");
        // A surface with a gradient counts as one color
        let sky = dominant(|x, y| {
            if y < 200 {
                [60, 120, u8::try_from(200 + x / 32).expect("a byte")]
            } else {
                [90, u8::try_from(x / 80 * 30).expect("a byte"), 20]
            }
        });
        assert!(sky.starts_with("#3c78d"), "{sky}");
    }

    #[test]
    fn the_hash_is_that_of_its_authors_javascript() {
        // rgbaToThumbHash of the npm package thumbhash 0.1.1, of 48 by 27 pixels with p = x x + 3 x y: (p mod 251, p / 16 mod 256,
        // (7 y y + x) mod 253)
        let color = |x: u32, y: u32| [(x * x + 3 * x * y) % 251, (x * x + 3 * x * y) / 16 % 256, (7 * y * y + x) % 253];
        let image = RgbImage::from_fn(48, 27, |x, y| Rgb(color(x, y).map(|part| u8::try_from(part).expect("a byte"))));
        assert_eq!(placeholder(&Image::Rgb(image)).thumbhash, "GTgKJJBgaHdlaXiGd4IwhfeYmA==");
        let tiny = Image::Jfif(Planes::filled(1, 1, Chroma::Half, [76, 85, 255]));
        assert_eq!(placeholder(&tiny).dominant_color, "#fe0000");
    }
}
