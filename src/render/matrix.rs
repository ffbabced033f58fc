//! From a stream's Y'CbCr to JFIF's, without a detour through RGB.
//!
//! Both are linear in R'G'B', so one 3x3 matrix converts between them: chroma keeps its resolution and is never resampled. Colors outside
//! of RGB stay outside; the decoder of the JPEG clips them.

use super::planes::{Chroma, Plane, PlaneView, Planes};

/// Luma coefficients of red and blue (ITU-T H.273, 8.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Kr.
    pub red: f64,
    /// Kb.
    pub blue: f64,
}

impl Coefficients {
    /// ITU-R BT.601, also of JFIF.
    pub const BT601: Self = Self { red: 0.299, blue: 0.114 };
    /// ITU-R BT.709.
    pub const BT709: Self = Self { red: 0.2126, blue: 0.0722 };
    /// ITU-R BT.2020, non-constant luminance.
    pub const BT2020: Self = Self { red: 0.2627, blue: 0.0593 };
    /// SMPTE ST 240.
    pub const SMPTE240: Self = Self { red: 0.212, blue: 0.087 };
    /// FCC 73.682.
    pub const FCC: Self = Self { red: 0.30, blue: 0.11 };

    /// Kg.
    fn green(self) -> f64 {
        1.0 - self.red - self.blue
    }
}

/// Converts 8-bit samples of a stream to those of JFIF.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JfifConversion {
    luma: f64,
    luma_black: f64,
    /// The factors of Cb and Cr in luma, Cb and Cr.
    chroma_to_luma: [f64; 2],
    chroma_to_cb: [f64; 2],
    chroma_to_cr: [f64; 2],
}

impl JfifConversion {
    /// From a matrix and a range to BT.601 in the full range.
    pub fn new(from: Coefficients, full_range: bool) -> Self {
        let to = Coefficients::BT601;
        // R' = Y + red*Cr and B' = Y + blue*Cb with Cb and Cr from -0.5 to 0.5; G' follows from Y
        let (red, blue) = (2.0 * (1.0 - from.red), 2.0 * (1.0 - from.blue));
        let green = [-blue * from.blue / from.green(), -red * from.red / from.green()];
        // How much a unit of Cb and one of Cr add to BT.601's Y, Cb and Cr
        let luma = [to.blue * blue + to.green() * green[0], to.red * red + to.green() * green[1]];
        let blues = [blue - luma[0], -luma[1]].map(|factor| factor / (2.0 * (1.0 - to.blue)));
        let reds = [-luma[0], red - luma[1]].map(|factor| factor / (2.0 * (1.0 - to.red)));
        let (span, chroma, luma_black) = if full_range { (1.0, 1.0, 0.0) } else { (255.0 / 219.0, 255.0 / 224.0, 16.0) };
        let scaled = |factors: [f64; 2]| factors.map(|factor| factor * chroma);
        Self { luma: span, luma_black, chroma_to_luma: scaled(luma), chroma_to_cb: scaled(blues), chroma_to_cr: scaled(reds) }
    }

    /// Whether the conversion changes nothing.
    pub fn is_identity(&self) -> bool {
        *self == Self::new(Coefficients::BT601, true)
    }

    /// Converts the three planes of a picture; reads and writes each once.
    pub fn convert(&self, [y, cb, cr]: [PlaneView<'_>; 3], chroma: Chroma) -> Planes {
        if self.is_identity() {
            return Planes::new(chroma, [y, cb, cr].map(PlaneView::to_plane));
        }
        let (across, down) = chroma.shift();
        let fixed = Fixed::of(self);
        let [mut luma, mut blue, mut red] = [y, cb, cr].map(|view| Plane::filled(view.width, view.height, 0));
        let [mut blues, mut reds, mut luma_parts] = [(); 3].map(|()| vec![0_i16; cb.width]);
        let [mut wide, mut repeated] = [(); 2].map(|()| vec![0_i16; y.width]);
        let factors = |pair: [i16; 2]| pair.map(|factor| vec![factor; cb.width]);
        let [to_luma, to_blue, to_red] = [fixed.chroma_to_luma, fixed.chroma_to_cb, fixed.chroma_to_cr].map(factors);
        let factor = vec![fixed.luma; y.width];
        for row in 0..cb.height {
            if let (Some(cb), Some(cr), Some(blue), Some(red)) = (cb.row(row), cr.row(row), blue.row_mut(row), red.row_mut(row)) {
                widen(cb, 128, &mut blues);
                widen(cr, 128, &mut reds);
                weigh([&blues, &reds], &to_luma, &mut luma_parts, |sum| sum + fixed.luma_offset);
                weigh([&blues, &reds], &to_blue, blue, |sum| clamp(((sum + HALF) >> 4) + 128));
                weigh([&blues, &reds], &to_red, red, |sum| clamp(((sum + HALF) >> 4) + 128));
            }
            repeat_samples(&luma_parts, across, &mut repeated);
            for line in (row << down)..((row + 1) << down).min(y.height) {
                if let (Some(from), Some(to)) = (y.row(line), luma.row_mut(line)) {
                    widen(from, 0, &mut wide);
                    for (((from, factor), chroma), to) in wide.iter().zip(&factor).zip(&repeated).zip(to) {
                        *to = clamp((upper_half(*from, *factor) + chroma) >> 4);
                    }
                }
            }
        }
        Planes::new(chroma, [luma, blue, red])
    }
}

/// The conversion in sixteenths and 16-bit products, so that the compiler vectorizes the loops.
struct Fixed {
    luma: i16,
    /// Black level and rounding, in sixteenths.
    luma_offset: i16,
    chroma_to_luma: [i16; 2],
    chroma_to_cb: [i16; 2],
    chroma_to_cr: [i16; 2],
}

/// Samples are shifted left by this many bits, to 15, because a product keeps its upper half only.
const UP: u32 = 7;
const SIXTEENTHS: f64 = 16.0;
const HALF: i16 = 8;

impl Fixed {
    #[expect(clippy::cast_possible_truncation, reason = "the factors are below 2")]
    fn of(conversion: &JfifConversion) -> Self {
        let factor = |k: f64| (k * SIXTEENTHS * 65536.0 / f64::from(1 << UP)).round() as i16;
        Self {
            luma: factor(conversion.luma),
            luma_offset: (-conversion.luma_black * conversion.luma * SIXTEENTHS).round() as i16 + HALF,
            chroma_to_luma: conversion.chroma_to_luma.map(factor),
            chroma_to_cb: conversion.chroma_to_cb.map(factor),
            chroma_to_cr: conversion.chroma_to_cr.map(factor),
        }
    }
}

/// Passes the weighted sum of two rows through `finish`. The factors are rows too: the compiler recognizes a 16-bit product only if both
/// sides are loaded as 16 bits.
fn weigh<T>([one, other]: [&[i16]; 2], [by_one, by_other]: &[Vec<i16>; 2], to: &mut [T], finish: impl Fn(i16) -> T) {
    for ((((one, other), by_one), by_other), to) in one.iter().zip(other).zip(by_one).zip(by_other).zip(to) {
        *to = finish(upper_half(*one, *by_one) + upper_half(*other, *by_other));
    }
}

/// The differences of a row from `zero`, shifted up.
fn widen(from: &[u8], zero: i16, to: &mut [i16]) {
    for (from, to) in from.iter().zip(to) {
        *to = (i16::from(*from) - zero) << UP;
    }
}

/// The upper half of a 32-bit product.
fn upper_half(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b)) >> 16;
    product as i16
}

#[expect(clippy::cast_sign_loss, reason = "clamped")]
fn clamp(value: i16) -> u8 {
    value.clamp(0, 255) as u8
}

/// Repeats each chroma sample for each of its pixels in a row.
fn repeat_samples(samples: &[i16], shift: usize, repeated: &mut [i16]) {
    if shift == 0 {
        repeated.copy_from_slice(samples);
        return;
    }
    let (pairs, rest) = repeated.as_chunks_mut::<2>();
    for (pair, sample) in pairs.iter_mut().zip(samples) {
        *pair = [*sample; 2];
    }
    if let (Some(last), Some(sample)) = (rest.first_mut(), samples.last()) {
        *last = *sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R'G'B' of 0 to 255 to Y'CbCr.
    fn encode(rgb: [f64; 3], by: Coefficients, full: bool) -> [f64; 3] {
        let [r, g, b] = rgb.map(|value| value / 255.0);
        let y = by.red * r + (1.0 - by.red - by.blue) * g + by.blue * b;
        let (cb, cr) = ((b - y) / (2.0 * (1.0 - by.blue)), (r - y) / (2.0 * (1.0 - by.red)));
        if full { [255.0 * y, 255.0 * cb + 128.0, 255.0 * cr + 128.0] } else { [219.0 * y + 16.0, 224.0 * cb + 128.0, 224.0 * cr + 128.0] }
    }

    fn view(plane: &Plane) -> PlaneView<'_> {
        PlaneView { samples: &plane.bytes, stride: plane.width, width: plane.width, height: plane.height }
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn every_color_converts_within_rounding() {
        for from in [Coefficients::BT601, Coefficients::BT709, Coefficients::BT2020, Coefficients::SMPTE240, Coefficients::FCC] {
            for full in [true, false] {
                let conversion = JfifConversion::new(from, full);
                for r in (0..=255).step_by(51) {
                    for g in (0..=255).step_by(51) {
                        for b in (0..=255).step_by(51) {
                            let rgb = [f64::from(r), f64::from(g), f64::from(b)];
                            let [y, cb, cr] = encode(rgb, from, full).map(|value| value.round().clamp(0.0, 255.0) as u8);
                            let planes = Planes::filled(3, 3, Chroma::Half, [y, cb, cr]);
                            let planes = conversion.convert([&planes.y, &planes.cb, &planes.cr].map(view), Chroma::Half);
                            let actual = [planes.y.bytes[8], planes.cb.bytes[3], planes.cr.bytes[0]];
                            let expected = encode(rgb, Coefficients::BT601, true);
                            for (actual, expected) in actual.into_iter().zip(expected) {
                                assert!(
                                    (f64::from(actual) - expected).abs() < 1.8,
                                    "{from:?} full {full} {rgb:?}: {actual} is not {expected:.1}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_conversion_of_jfif_is_the_identity() {
        assert!(JfifConversion::new(Coefficients::BT601, true).is_identity());
        assert!(!JfifConversion::new(Coefficients::BT709, true).is_identity());
    }
}
