//! From a stream's Y, Cb and Cr to JFIF's, without a way through RGB.
//!
//! Both are linear in R'G'B', so one 3x3 matrix leads from one to the other: chroma stays at its own resolution and is resampled
//! never. What lies outside of RGB stays outside, and the decoder of the JPEG clips it as it would have been clipped here.

use super::planes::{Chroma, Plane, Planes, View};

/// Luma coefficients of red and blue (ITU-T H.273, 8.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Kr.
    pub red: f64,
    /// Kb.
    pub blue: f64,
}

impl Coefficients {
    /// ITU-R BT.601, and so JFIF.
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

/// What the 8-bit numbers of a stream become in JFIF.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conversion {
    luma: f64,
    luma_black: f64,
    luma_of: [f64; 2],
    cb_of: [f64; 2],
    cr_of: [f64; 2],
}

impl Conversion {
    /// From a matrix and a range to BT.601, full range.
    pub fn to_jfif(from: Coefficients, full_range: bool) -> Self {
        let to = Coefficients::BT601;
        // R' = Y + red*Cr and B' = Y + blue*Cb with Cb and Cr from -0.5 to 0.5; G' follows from Y
        let (red, blue) = (2.0 * (1.0 - from.red), 2.0 * (1.0 - from.blue));
        let green = [-blue * from.blue / from.green(), -red * from.red / from.green()];
        // What a unit of Cb and one of Cr add to BT.601's Y, and to its own differences
        let luma = [to.blue * blue + to.green() * green[0], to.red * red + to.green() * green[1]];
        let blues = [blue - luma[0], -luma[1]].map(|share| share / (2.0 * (1.0 - to.blue)));
        let reds = [-luma[0], red - luma[1]].map(|share| share / (2.0 * (1.0 - to.red)));
        let (span, chroma, luma_black) = if full_range { (1.0, 1.0, 0.0) } else { (255.0 / 219.0, 255.0 / 224.0, 16.0) };
        let scaled = |shares: [f64; 2]| shares.map(|share| share * chroma);
        Self { luma: span, luma_black, luma_of: scaled(luma), cb_of: scaled(blues), cr_of: scaled(reds) }
    }

    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        *self == Self::to_jfif(Coefficients::BT601, true)
    }

    /// Converts the three planes of a picture, reading each once and writing each once.
    pub fn convert(&self, [y, cb, cr]: [View<'_>; 3], chroma: Chroma) -> Planes {
        if self.is_identity() {
            return Planes::of(chroma, [y, cb, cr].map(View::to_plane));
        }
        let (across, down) = chroma.shift();
        let fixed = Fixed::of(self);
        let [mut luma, mut blue, mut red] = [y, cb, cr].map(|view| Plane::filled(view.width, view.height, 0));
        let [mut blues, mut reds, mut shares] = [(); 3].map(|()| vec![0_i16; cb.width]);
        let [mut wide, mut spread] = [(); 2].map(|()| vec![0_i16; y.width]);
        let factors = |pair: [i16; 2]| pair.map(|factor| vec![factor; cb.width]);
        let [of_luma, of_blue, of_red] = [fixed.luma_of, fixed.cb_of, fixed.cr_of].map(factors);
        let factor = vec![fixed.luma; y.width];
        for row in 0..cb.height {
            if let (Some(cb), Some(cr), Some(blue), Some(red)) = (cb.row(row), cr.row(row), blue.row_mut(row), red.row_mut(row)) {
                widen(cb, 128, &mut blues);
                widen(cr, 128, &mut reds);
                sums([&blues, &reds], &of_luma, &mut shares, |sum| sum + fixed.luma_zero);
                sums([&blues, &reds], &of_blue, blue, |sum| clamp(((sum + HALF) >> 4) + 128));
                sums([&blues, &reds], &of_red, red, |sum| clamp(((sum + HALF) >> 4) + 128));
            }
            spread_row(&shares, across, &mut spread);
            for line in (row << down)..((row + 1) << down).min(y.height) {
                if let (Some(from), Some(to)) = (y.row(line), luma.row_mut(line)) {
                    widen(from, 0, &mut wide);
                    for (((from, factor), share), to) in wide.iter().zip(&factor).zip(&spread).zip(to) {
                        *to = clamp((upper(*from, *factor) + share) >> 4);
                    }
                }
            }
        }
        Planes::of(chroma, [luma, blue, red])
    }
}

/// Sixteenths and 16-bit products, so that compilers make vector code of the loops.
struct Fixed {
    luma: i16,
    /// Black and rounding, in sixteenths.
    luma_zero: i16,
    luma_of: [i16; 2],
    cb_of: [i16; 2],
    cr_of: [i16; 2],
}

/// Numbers are shifted up so far before a product's upper half is taken: 8 bits of value give 15.
const UP: u32 = 7;
const SIXTEENTHS: f64 = 16.0;
const HALF: i16 = 8;

impl Fixed {
    #[expect(clippy::cast_possible_truncation, reason = "the factors are below 2")]
    fn of(conversion: &Conversion) -> Self {
        let factor = |k: f64| (k * SIXTEENTHS * 65536.0 / f64::from(1 << UP)).round() as i16;
        Self {
            luma: factor(conversion.luma),
            luma_zero: (-conversion.luma_black * conversion.luma * SIXTEENTHS).round() as i16 + HALF,
            luma_of: conversion.luma_of.map(factor),
            cb_of: conversion.cb_of.map(factor),
            cr_of: conversion.cr_of.map(factor),
        }
    }
}

/// What two rows give with their factors, and what `last` makes of that. The factors fill rows too: compilers see a 16-bit product only
/// where both sides are loaded as 16 bits.
fn sums<T>([one, other]: [&[i16]; 2], [by_one, by_other]: &[Vec<i16>; 2], to: &mut [T], last: impl Fn(i16) -> T) {
    for ((((one, other), by_one), by_other), to) in one.iter().zip(other).zip(by_one).zip(by_other).zip(to) {
        *to = last(upper(*one, *by_one) + upper(*other, *by_other));
    }
}

/// A row's numbers over `zero`, shifted up.
fn widen(from: &[u8], zero: i16, to: &mut [i16]) {
    for (from, to) in from.iter().zip(to) {
        *to = (i16::from(*from) - zero) << UP;
    }
}

/// The upper half of a product.
fn upper(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b)) >> 16;
    product as i16
}

#[expect(clippy::cast_sign_loss, reason = "clamped")]
fn clamp(value: i16) -> u8 {
    value.clamp(0, 255) as u8
}

/// Each chroma sample's share for each of its pixels.
fn spread_row(shares: &[i16], shift: usize, spread: &mut [i16]) {
    if shift == 0 {
        spread.copy_from_slice(shares);
        return;
    }
    let (pairs, rest) = spread.as_chunks_mut::<2>();
    for (pair, share) in pairs.iter_mut().zip(shares) {
        *pair = [*share; 2];
    }
    if let (Some(last), Some(share)) = (rest.first_mut(), shares.last()) {
        *last = *share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R'G'B' from 0 to 255 as Y, Cb and Cr of a matrix and range.
    fn encode(rgb: [f64; 3], by: Coefficients, full: bool) -> [f64; 3] {
        let [r, g, b] = rgb.map(|value| value / 255.0);
        let y = by.red * r + (1.0 - by.red - by.blue) * g + by.blue * b;
        let (cb, cr) = ((b - y) / (2.0 * (1.0 - by.blue)), (r - y) / (2.0 * (1.0 - by.red)));
        if full { [255.0 * y, 255.0 * cb + 128.0, 255.0 * cr + 128.0] } else { [219.0 * y + 16.0, 224.0 * cb + 128.0, 224.0 * cr + 128.0] }
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn every_colour_arrives_within_rounding() {
        for from in [Coefficients::BT601, Coefficients::BT709, Coefficients::BT2020, Coefficients::SMPTE240, Coefficients::FCC] {
            for full in [true, false] {
                let conversion = Conversion::to_jfif(from, full);
                for r in (0..=255).step_by(51) {
                    for g in (0..=255).step_by(51) {
                        for b in (0..=255).step_by(51) {
                            let rgb = [f64::from(r), f64::from(g), f64::from(b)];
                            let [y, cb, cr] = encode(rgb, from, full).map(|value| value.round().clamp(0.0, 255.0) as u8);
                            let planes = Planes::filled(3, 3, Chroma::Half, [y, cb, cr]);
                            let planes = conversion.convert(planes.views(), Chroma::Half);
                            let given = [planes.y.bytes[8], planes.cb.bytes[3], planes.cr.bytes[0]];
                            let wanted = encode(rgb, Coefficients::BT601, true);
                            for (given, wanted) in given.into_iter().zip(wanted) {
                                assert!(
                                    (f64::from(given) - wanted).abs() < 1.8,
                                    "{from:?} full {full} {rgb:?}: {given} is not {wanted:.1}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn jfif_itself_is_left_alone() {
        assert!(Conversion::to_jfif(Coefficients::BT601, true).is_identity());
        assert!(!Conversion::to_jfif(Coefficients::BT709, true).is_identity());
    }
}
