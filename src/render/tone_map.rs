//! From a stream's R'G'B' to sRGB's, by way of light: HDR to SDR, and wide gamuts into sRGB's.
//!
//! SDR numbers of BT.709 are taken for sRGB's as they are, as players do it; so what comes out of HDR is encoded as SDR is graded, for a
//! display of ITU-R BT.1886. Light up to skin tones is what ITU-R BT.2408 makes of it: 203 cd/m² in HDR are SDR's white. From there on it
//! bends, as the EETF of ITU-R BT.2390 does: reference white comes to lie a little below white, and highlights share what is left. A
//! colour's three parts are multiplied by the same, that which its strongest part needs: so hues stay, and saturation does.

use crate::request::ToneMap;

/// What numbers of 0 to 1 mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transfer {
    /// As in sRGB.
    Sdr,
    /// SMPTE ST 2084, with the brightest light in the programme in cd/m².
    Pq {
        /// From static metadata, or the field's custom.
        peak: f32,
    },
    /// ARIB STD-B67 (ITU-R BT.2100), on a display of 1000 cd/m².
    Hlg,
}

/// What red, green and blue are; all with the white point D65.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gamut {
    /// BT.709 and sRGB, and those of SD, which players take for them.
    Bt709,
    /// BT.2020.
    Bt2020,
    /// P3.
    P3,
}

type Rgb = [f32; 3];

/// Diffuse white (ITU-R BT.2408, 2.2), in cd/m².
const REFERENCE_WHITE: f32 = 203.0;
const HLG_PEAK: f32 = 1000.0;
/// Light up to here is scaled by `SCALE` alone (BT.2390 begins to bend a mastering of 1000 cd/m² there); both in parts of SDR's white.
const KNEE: f32 = 0.458;
const SCALE: f32 = 1.0 / REFERENCE_WHITE;
/// What reference white becomes: 92 % of the number. BT.2390's EETF has 91 %, method C of BT.2446 has 96 %, and goes on to 109 %.
const WHITE: f32 = 0.815;
/// A programme that says to be darker keeps its brightness.
const LEAST_PEAK: f32 = 400.0;
/// Saturation is kept as it is up to this part of the way from grey to the edge of the gamut.
const SATURATION_KNEE: f32 = 0.97;

impl Gamut {
    /// What leads from its linear R, G and B to BT.709's.
    fn to_bt709(self) -> [Rgb; 3] {
        match self {
            Self::Bt709 => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Bt2020 => [[1.660_491, -0.587_641, -0.072_85], [-0.124_55, 1.132_9, -0.008_349], [-0.018_151, -0.100_579, 1.118_73]],
            Self::P3 => [[1.224_94, -0.224_94, 0.0], [-0.042_057, 1.042_057, 0.0], [-0.019_638, -0.078_636, 1.098_274]],
        }
    }
}

/// From a stream's numbers to sRGB's.
#[derive(Debug, Clone, Copy)]
pub struct ToneMapper {
    transfer: Transfer,
    gamut: Gamut,
    tone_map: ToneMap,
    curve: Curve,
}

impl ToneMapper {
    /// `None` where numbers are sRGB's already.
    pub fn of(transfer: Transfer, gamut: Gamut, tone_map: ToneMap) -> Option<Self> {
        if tone_map == ToneMap::None || (transfer, gamut) == (Transfer::Sdr, Gamut::Bt709) {
            return None;
        }
        let peak = if let Transfer::Pq { peak } = transfer { peak } else { HLG_PEAK };
        Some(Self { transfer, gamut, tone_map, curve: Curve::to(peak) })
    }

    /// Whether one number leads to the next without a corner, so that a coarse table will do.
    pub fn is_smooth(&self) -> bool {
        self.transfer != Transfer::Sdr && self.tone_map == ToneMap::Auto
    }

    /// From numbers of 0 to 1 to such of sRGB.
    pub fn to_srgb(&self, numbers: Rgb) -> Rgb {
        let light = match self.transfer {
            Transfer::Sdr => {
                let linear = times(self.gamut.to_bt709(), numbers.map(srgb_to_light));
                return without_rounding(into_gamut(linear, firmly)).map(light_to_srgb);
            }
            Transfer::Pq { .. } => numbers.map(pq_to_light),
            Transfer::Hlg => hlg_to_light(numbers),
        };
        let rgb = times(self.gamut.to_bt709(), light);
        if self.tone_map == ToneMap::Clip {
            return rgb.map(|part| number(part / REFERENCE_WHITE));
        }
        let gain = self.curve.gain(rgb.into_iter().fold(0.0, f32::max));
        into_gamut(rgb.map(|part| part * gain), softly).map(number)
    }
}

/// How bright light becomes in SDR, as parts of its white: straight up to the knee, then two cubics over the logarithm of light, through
/// reference white and ending level at the peak.
#[derive(Debug, Clone, Copy)]
struct Curve {
    knee: f32,
    white: f32,
    end: f32,
    slope_at_white: f32,
}

impl Curve {
    fn to(peak: f32) -> Self {
        let (knee, white, end) = ((KNEE / SCALE).ln(), REFERENCE_WHITE.ln(), peak.max(LEAST_PEAK).ln());
        let (before, behind) = ((WHITE - KNEE) / (white - knee), (1.0 - WHITE) / (end - white));
        // The harmonic mean keeps it rising (Fritsch and Butland)
        Self { knee, white, end, slope_at_white: 2.0 * before * behind / (before + behind) }
    }

    /// What light of so many cd/m² is multiplied by.
    fn gain(&self, light: f32) -> f32 {
        if light * SCALE <= KNEE {
            return SCALE;
        }
        let x = light.ln();
        let value = if x <= self.white {
            // Its slope over the logarithm is the value itself while it is straight
            hermite(x, (self.knee, KNEE, KNEE), (self.white, WHITE, self.slope_at_white))
        } else if x < self.end {
            hermite(x, (self.white, WHITE, self.slope_at_white), (self.end, 1.0, 0.0))
        } else {
            1.0
        };
        value / light
    }
}

/// A cubic between two places, each with its value and slope.
fn hermite(x: f32, (x0, y0, m0): (f32, f32, f32), (x1, y1, m1): (f32, f32, f32)) -> f32 {
    let width = x1 - x0;
    let t = (x - x0) / width;
    let (t2, t3) = (t * t, t * t * t);
    (2.0 * t3 - 3.0 * t2 + 1.0) * y0 + (t3 - 2.0 * t2 + t) * width * m0 + (3.0 * t2 - 2.0 * t3) * y1 + (t3 - t2) * width * m1
}

/// Brings a colour between 0 and 1 towards the grey of its own luminance; what is too bright loses half of its excess in brightness.
/// `saturate` says what becomes of saturation, which is 1 at the edge.
fn into_gamut(rgb: Rgb, saturate: fn(f32) -> f32) -> Rgb {
    let y = luminance(rgb);
    if y <= 0.0 {
        return [0.0; 3];
    }
    let least = rgb.into_iter().fold(f32::INFINITY, f32::min);
    let saturation = (y - least) / y;
    let kept = if saturation > SATURATION_KNEE { saturate(saturation) / saturation } else { 1.0 };
    let rgb = rgb.map(|part| y + (part - y) * kept);
    let most = rgb.into_iter().fold(0.0, f32::max);
    if most <= 1.0 {
        return rgb;
    }
    let darker = most.sqrt().recip();
    let (rgb, y, most) = (rgb.map(|part| part * darker), (y * darker).min(1.0), most * darker);
    let kept = if most > y { (1.0 - y) / (most - y) } else { 0.0 };
    rgb.map(|part| (y + (part - y) * kept.min(1.0)).min(1.0))
}

/// What is out of the gamut keeps its differences, on little room.
fn softly(saturation: f32) -> f32 {
    let (room, over) = (1.0 - SATURATION_KNEE, saturation - SATURATION_KNEE);
    SATURATION_KNEE + room * over / (room + over)
}

/// What is in the gamut stays; what is out of it goes to the edge.
fn firmly(saturation: f32) -> f32 {
    saturation.min(1.0)
}

/// A part that is so small beside the strongest that rounding 8 bits of a wider gamut could have made it is none.
fn without_rounding(rgb: Rgb) -> Rgb {
    const NONE: f32 = 0.0058;
    const ALL: f32 = 0.018;
    let most = rgb.into_iter().fold(0.0, f32::max);
    rgb.map(|part| if part < ALL * most { ((part - NONE * most) * (ALL / (ALL - NONE))).max(0.0) } else { part })
}

fn times(matrix: [Rgb; 3], [r, g, b]: Rgb) -> Rgb {
    matrix.map(|[of_r, of_g, of_b]| of_r * r + of_g * g + of_b * b)
}

/// BT.709's.
fn luminance([r, g, b]: Rgb) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// SMPTE ST 2084, 5.1: to cd/m².
fn pq_to_light(number: f32) -> f32 {
    const M1: f32 = 2610.0 / 16384.0;
    const M2: f32 = 2523.0 / 32.0;
    const C1: f32 = 3424.0 / 4096.0;
    const C2: f32 = 2413.0 / 128.0;
    const C3: f32 = 2392.0 / 128.0;
    let root = number.clamp(0.0, 1.0).powf(1.0 / M2);
    10_000.0 * ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

/// ITU-R BT.2100, table 5: the inverse OETF and the OOTF, to cd/m².
fn hlg_to_light(numbers: Rgb) -> Rgb {
    const A: f32 = 0.178_832_77;
    const B: f32 = 0.284_668_92;
    const C: f32 = 0.559_910_7;
    const GAMMA: f32 = 1.2;
    let scene = numbers.map(|number| if number <= 0.5 { number * number / 3.0 } else { (((number - C) / A).exp() + B) / 12.0 });
    let [r, g, b] = scene;
    let y = 0.2627 * r + 0.6780 * g + 0.0593 * b;
    let gain = HLG_PEAK * y.max(1e-9).powf(GAMMA - 1.0);
    scene.map(|part| part * gain)
}

/// ITU-R BT.1886 without its black.
fn number(light: f32) -> f32 {
    light.clamp(0.0, 1.0).powf(1.0 / 2.4)
}

fn srgb_to_light(number: f32) -> f32 {
    if number <= 0.040_45 { number / 12.92 } else { ((number + 0.055) / 1.055).powf(2.4) }
}

fn light_to_srgb(light: f32) -> f32 {
    if light <= 0.003_130_8 { light.max(0.0) * 12.92 } else { 1.055 * light.min(1.0).powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pq_number(light: f32) -> f32 {
        let (m1, m2, c1, c2, c3) = (0.159_301_76_f32, 78.843_75, 0.835_937_5, 18.851_563, 18.6875);
        let power = (light / 10_000.0).powf(m1);
        ((c1 + c2 * power) / (1.0 + c3 * power)).powf(m2)
    }

    /// Light on the display in cd/m² to numbers: the inverse OOTF and the OETF.
    fn hlg_numbers(light: Rgb) -> Rgb {
        let y = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2];
        let scene = light.map(|part| part / HLG_PEAK * (y / HLG_PEAK).powf((1.0 - 1.2) / 1.2));
        scene.map(|e| if e <= 1.0 / 12.0 { (3.0 * e).sqrt() } else { 0.178_832_77 * (12.0 * e - 0.284_668_92).ln() + 0.559_910_7 })
    }

    fn both(light: Rgb) -> [(Rgb, ToneMapper); 2] {
        let to = |transfer| ToneMapper::of(transfer, Gamut::Bt2020, ToneMap::Auto).expect("HDR");
        [(light.map(pq_number), to(Transfer::Pq { peak: 1000.0 })), (hlg_numbers(light), to(Transfer::Hlg))]
    }

    fn lab(rgb: Rgb) -> [f32; 3] {
        let light = rgb.map(|number| number.powf(2.4));
        let rows = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
        let [x, y, z] = times(rows, light);
        let root = |value: f32| if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 };
        let [x, y, z] = [root(x / 0.9505), root(y), root(z / 1.089)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn greys_land_where_the_recommendations_have_them() {
        // BT.2408, table 1: 18 % grey, 83 % grey and white; the numbers of BT.1886 for what BT.2408 and BT.2390 make of them
        for (light, wanted) in [(26.0, 0.4247), (60.0, 0.6016), (162.0, 0.862), (203.0, 0.906)] {
            for (numbers, to) in both([light; 3]) {
                let given = to.to_srgb(numbers);
                assert!(given.iter().all(|part| (part / wanted - 1.0).abs() < 0.03), "{light}: {given:?} is not {wanted}");
            }
        }
        for (numbers, to) in both([1000.0; 3]) {
            assert!(to.to_srgb(numbers).iter().all(|part| *part > 0.999), "the peak is white");
        }
    }

    #[test]
    fn skin_keeps_its_hue() {
        // Light skin and dark skin of a colour chart, in BT.2020's linear light, from shade to highlight
        for skin in [[0.483, 0.311, 0.205], [0.129, 0.078, 0.053]] {
            for level in [20.0, 60.0, 100.0, 200.0, 400.0] {
                let light = skin.map(|part| part / skin[0] * level);
                let plain = times(Gamut::Bt2020.to_bt709(), light.map(|part| part / 1000.0)).map(number);
                let [_, a0, b0] = lab(plain);
                for (numbers, to) in both(light) {
                    let [_, a, b] = lab(to.to_srgb(numbers));
                    let turned = (b.atan2(a) - b0.atan2(a0)).to_degrees().abs();
                    assert!(turned < 3.0, "{light:?}: by {turned} degrees");
                }
            }
        }
    }

    #[test]
    fn brighter_light_is_never_darker() {
        for peak in [100.0, 600.0, 1000.0, 4000.0, 10_000.0] {
            let to = ToneMapper::of(Transfer::Pq { peak }, Gamut::Bt2020, ToneMap::Auto).expect("HDR");
            let mut last = -1.0;
            for step in 0..=1000 {
                let [given, ..] = to.to_srgb([step as f32 / 1000.0; 3]);
                assert!(given >= last - 1e-5 && (0.0..=1.0).contains(&given), "{peak}: {given} behind {last}");
                last = given;
            }
        }
    }

    #[test]
    fn what_is_within_srgb_stays_and_the_rest_comes_in() {
        let wide = ToneMapper::of(Transfer::Sdr, Gamut::Bt2020, ToneMap::Auto).expect("a wider gamut");
        // BT.709's own colours in BT.2020's numbers
        let rows = [[0.627_404, 0.329_283, 0.043_313], [0.069_097, 0.919_540, 0.011_362], [0.016_391, 0.088_013, 0.895_595]];
        for colour in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.9, 0.7, 0.6], [0.5; 3]] {
            let numbers = times(rows, colour.map(srgb_to_light)).map(light_to_srgb);
            let given = wide.to_srgb(numbers);
            for (given, wanted) in given.into_iter().zip(colour) {
                assert!((given - wanted).abs() < 0.006, "{colour:?} became {given}");
            }
        }
        for corner in 0..8_u8 {
            let numbers = [corner & 1, corner >> 1 & 1, corner >> 2 & 1].map(f32::from);
            assert!(wide.to_srgb(numbers).iter().all(|part| (0.0..=1.0).contains(part)), "{numbers:?}");
        }
    }
}
