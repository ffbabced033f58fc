//! From a stream's R'G'B' to sRGB by way of linear light: HDR to SDR, and wide gamuts to that of sRGB.
//!
//! SDR components of BT.709 count as sRGB unchanged, as in players. So HDR is encoded as graded SDR is, for a display of ITU-R BT.1886.
//! Up to skin tones, light is scaled so that 203 cd/m² (reference white) would become SDR white (ITU-R BT.2408). Above, the curve follows
//! the EETF of ITU-R BT.2390: reference white ends slightly below SDR white, which leaves room for highlights. The three components of a color
//! get the same gain, that of the largest one, so hue and saturation stay.

use super::{
    transfer_function::TransferFunction,
    vector::{Triple, multiply},
};
use crate::request::ToneMap;

/// The light that the components of a stream encode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DynamicRange {
    /// As in sRGB.
    Sdr,
    /// SMPTE ST 2084.
    Pq {
        /// The peak luminance of the program in cd/m².
        peak: f32,
    },
    /// ARIB STD-B67 (ITU-R BT.2100), on a display of 1000 cd/m².
    Hlg,
}

/// The gamut of red, green and blue; all with the white point D65.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gamut {
    /// BT.709 and sRGB. Players do not distinguish those of SD from it.
    Bt709,
    /// BT.2020.
    Bt2020,
    /// P3.
    P3,
}

/// Diffuse white (ITU-R BT.2408, 2.2), in cd/m².
const REFERENCE_WHITE: f32 = 203.0;
/// Light in cd/m² that the component 1 encodes.
const PQ_PEAK: f32 = 10_000.0;
/// The same, on the reference display.
const HLG_PEAK: f32 = 1000.0;
/// Light up to here is only multiplied by `SCALE`; BT.2390 begins to bend there for a mastering of 1000 cd/m². In units of SDR's white.
const KNEE: f32 = 0.458;
const SCALE: f32 = 1.0 / REFERENCE_WHITE;
/// The light that reference white becomes, 92 % of the encoded range. BT.2390's EETF has 91 %; method C of BT.2446 has 96 %, and continues
/// to 109 %.
const MAPPED_WHITE: f32 = 0.815;
/// Programs with a lower peak keep their brightness.
const MIN_PEAK: f32 = 400.0;
/// Saturation stays unchanged up to this fraction of the distance from gray to the edge of the gamut.
const SATURATION_KNEE: f32 = 0.97;

impl Gamut {
    /// The matrix from linear R, G and B to those of BT.709.
    fn to_bt709(self) -> [Triple; 3] {
        match self {
            Self::Bt709 => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Bt2020 => [[1.660_491, -0.587_641, -0.072_85], [-0.124_55, 1.132_9, -0.008_349], [-0.018_151, -0.100_579, 1.118_73]],
            Self::P3 => [[1.224_94, -0.224_94, 0.0], [-0.042_057, 1.042_057, 0.0], [-0.019_638, -0.078_636, 1.098_274]],
        }
    }
}

/// Maps a stream's R'G'B' to sRGB.
#[derive(Debug, Clone, Copy)]
pub struct ToneMapper {
    range: DynamicRange,
    gamut: Gamut,
    tone_map: ToneMap,
    curve: ToneCurve,
}

impl ToneMapper {
    /// `None` if the stream is sRGB already, or if its R'G'B' is to stay.
    pub fn new(range: DynamicRange, gamut: Gamut, tone_map: ToneMap) -> Option<Self> {
        if tone_map == ToneMap::None || (range, gamut) == (DynamicRange::Sdr, Gamut::Bt709) {
            return None;
        }
        let peak = if let DynamicRange::Pq { peak } = range { peak } else { HLG_PEAK };
        Some(Self { range, gamut, tone_map, curve: ToneCurve::new(peak) })
    }

    /// Whether the mapping has no corners, so that a coarse table suffices.
    pub fn is_smooth(&self) -> bool {
        self.range != DynamicRange::Sdr && self.tone_map == ToneMap::Auto
    }

    /// Maps components of 0 to 1 to those of sRGB.
    pub fn map_pixel(&self, encoded: Triple) -> Triple {
        let light = match self.range {
            DynamicRange::Sdr => {
                let linear = multiply(self.gamut.to_bt709(), encoded.map(srgb_to_linear));
                return remove_rounding(compress_gamut(linear, clip_saturation)).map(linear_to_srgb);
            }
            DynamicRange::Pq { .. } => encoded.map(|component| PQ_PEAK * TransferFunction::Pq.to_linear(component)),
            DynamicRange::Hlg => hlg_to_display(encoded),
        };
        let rgb = multiply(self.gamut.to_bt709(), light);
        if self.tone_map == ToneMap::Clip {
            return rgb.map(|light| encode_sdr(light / REFERENCE_WHITE));
        }
        let gain = self.curve.gain(rgb.into_iter().fold(0.0, f32::max));
        compress_gamut(rgb.map(|light| light * gain), compress_saturation).map(encode_sdr)
    }
}

/// The curve from light in HDR to light in SDR: linear up to the knee, then two cubics over the logarithm of light, through reference white
/// and ending level at the peak.
#[derive(Debug, Clone, Copy)]
struct ToneCurve {
    /// Logarithms of light in cd/m².
    knee: f32,
    white: f32,
    end: f32,
    slope_at_white: f32,
}

impl ToneCurve {
    fn new(peak: f32) -> Self {
        let (knee, white, end) = ((KNEE / SCALE).ln(), REFERENCE_WHITE.ln(), peak.max(MIN_PEAK).ln());
        let (before, after) = ((MAPPED_WHITE - KNEE) / (white - knee), (1.0 - MAPPED_WHITE) / (end - white));
        // The harmonic mean keeps the curve monotone (Fritsch and Butland)
        Self { knee, white, end, slope_at_white: 2.0 * before * after / (before + after) }
    }

    /// The factor for light in cd/m².
    fn gain(&self, light: f32) -> f32 {
        if light * SCALE <= KNEE {
            return SCALE;
        }
        let x = light.ln();
        let value = if x <= self.white {
            // Over the logarithm, the slope of the linear part is its value
            hermite(x, (self.knee, KNEE, KNEE), (self.white, MAPPED_WHITE, self.slope_at_white))
        } else if x < self.end {
            hermite(x, (self.white, MAPPED_WHITE, self.slope_at_white), (self.end, 1.0, 0.0))
        } else {
            1.0
        };
        value / light
    }
}

/// A cubic between two points, each with its position, value and slope.
fn hermite(x: f32, (x0, y0, m0): (f32, f32, f32), (x1, y1, m1): (f32, f32, f32)) -> f32 {
    let width = x1 - x0;
    let t = (x - x0) / width;
    let (t2, t3) = (t * t, t * t * t);
    (2.0 * t3 - 3.0 * t2 + 1.0) * y0 + (t3 - 2.0 * t2 + t) * width * m0 + (3.0 * t2 - 2.0 * t3) * y1 + (t3 - t2) * width * m1
}

/// Moves a color toward the gray of its luminance until all components are within 0 to 1. Too bright colors lose half of their excess in
/// brightness. `limit` maps a saturation, which is 1 at the edge of the gamut, to the one that remains.
fn compress_gamut(rgb: Triple, limit: fn(f32) -> f32) -> Triple {
    let y = luminance(rgb);
    if y <= 0.0 {
        return [0.0; 3];
    }
    let least = rgb.into_iter().fold(f32::INFINITY, f32::min);
    let saturation = (y - least) / y;
    let kept = if saturation > SATURATION_KNEE { limit(saturation) / saturation } else { 1.0 };
    let rgb = rgb.map(|light| y + (light - y) * kept);
    let largest = rgb.into_iter().fold(0.0, f32::max);
    if largest <= 1.0 {
        return rgb;
    }
    let gain = largest.sqrt().recip();
    let (rgb, y, largest) = (rgb.map(|light| light * gain), (y * gain).min(1.0), largest * gain);
    let kept = if largest > y { (1.0 - y) / (largest - y) } else { 0.0 };
    rgb.map(|light| (y + (light - y) * kept.min(1.0)).min(1.0))
}

/// Compresses saturation outside of the gamut into the small range above the knee.
fn compress_saturation(saturation: f32) -> f32 {
    let (room, over) = (1.0 - SATURATION_KNEE, saturation - SATURATION_KNEE);
    SATURATION_KNEE + room * over / (room + over)
}

/// Clips saturation outside of the gamut to its edge.
fn clip_saturation(saturation: f32) -> f32 {
    saturation.min(1.0)
}

/// Removes components so small beside the largest one that they may come from rounding to 8 bits in a wider gamut.
fn remove_rounding(rgb: Triple) -> Triple {
    /// Ratios to the largest component: up to the first nothing remains, from the second on everything.
    const NONE: f32 = 0.0058;
    const ALL: f32 = 0.018;
    let largest = rgb.into_iter().fold(0.0, f32::max);
    rgb.map(|light| if light < ALL * largest { ((light - NONE * largest) * (ALL / (ALL - NONE))).max(0.0) } else { light })
}

/// By BT.709.
fn luminance([r, g, b]: Triple) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// ITU-R BT.2100, table 5: the inverse OETF and the OOTF, to cd/m².
fn hlg_to_display(encoded: Triple) -> Triple {
    const GAMMA: f32 = 1.2;
    let scene = encoded.map(|component| TransferFunction::Hlg.to_linear(component));
    let [r, g, b] = scene;
    let y = 0.2627 * r + 0.6780 * g + 0.0593 * b;
    let gain = HLG_PEAK * y.max(1e-9).powf(GAMMA - 1.0);
    scene.map(|light| light * gain)
}

/// The inverse of ITU-R BT.1886 with a black of 0.
fn encode_sdr(light: f32) -> f32 {
    light.clamp(0.0, 1.0).powf(1.0 / 2.4)
}

fn srgb_to_linear(encoded: f32) -> f32 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

fn linear_to_srgb(light: f32) -> f32 {
    if light <= 0.003_130_8 { light.max(0.0) * 12.92 } else { 1.055 * light.min(1.0).powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode_pq(light: f32) -> f32 {
        let (m1, m2, c1, c2, c3) = (0.159_301_76_f32, 78.843_75, 0.835_937_5, 18.851_563, 18.6875);
        let power = (light / 10_000.0).powf(m1);
        ((c1 + c2 * power) / (1.0 + c3 * power)).powf(m2)
    }

    /// From light on the display in cd/m²: the inverse OOTF and the OETF.
    fn encode_hlg(light: Triple) -> Triple {
        let y = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2];
        let scene = light.map(|light| light / HLG_PEAK * (y / HLG_PEAK).powf((1.0 - 1.2) / 1.2));
        scene.map(|e| if e <= 1.0 / 12.0 { (3.0 * e).sqrt() } else { 0.178_832_77 * (12.0 * e - 0.284_668_92).ln() + 0.559_910_7 })
    }

    fn both(light: Triple) -> [(Triple, ToneMapper); 2] {
        let mapper = |range| ToneMapper::new(range, Gamut::Bt2020, ToneMap::Auto).expect("HDR");
        [(light.map(encode_pq), mapper(DynamicRange::Pq { peak: 1000.0 })), (encode_hlg(light), mapper(DynamicRange::Hlg))]
    }

    fn lab(rgb: Triple) -> [f32; 3] {
        let light = rgb.map(|component| component.powf(2.4));
        let rows = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
        let [x, y, z] = multiply(rows, light);
        let root = |value: f32| if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 };
        let [x, y, z] = [root(x / 0.9505), root(y), root(z / 1.089)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn grays_map_as_in_the_recommendations() {
        // BT.2408, table 1: 18 % gray, 83 % gray and white, mapped by BT.2408 and BT.2390 and encoded by BT.1886
        for (light, expected) in [(26.0, 0.4247), (60.0, 0.6016), (162.0, 0.862), (203.0, 0.906)] {
            for (encoded, mapper) in both([light; 3]) {
                let actual = mapper.map_pixel(encoded);
                assert!(actual.iter().all(|component| (component / expected - 1.0).abs() < 0.03), "{light}: {actual:?} is not {expected}");
            }
        }
        for (encoded, mapper) in both([1000.0; 3]) {
            assert!(mapper.map_pixel(encoded).iter().all(|component| *component > 0.999), "the peak is white");
        }
    }

    #[test]
    fn skin_keeps_its_hue() {
        // Light skin and dark skin of a color chart, in BT.2020's linear light, from shade to highlight
        for skin in [[0.483, 0.311, 0.205], [0.129, 0.078, 0.053]] {
            for level in [20.0, 60.0, 100.0, 200.0, 400.0] {
                let light = skin.map(|component| component / skin[0] * level);
                let plain = multiply(Gamut::Bt2020.to_bt709(), light.map(|light| light / 1000.0)).map(encode_sdr);
                let [_, a0, b0] = lab(plain);
                for (encoded, mapper) in both(light) {
                    let [_, a, b] = lab(mapper.map_pixel(encoded));
                    let rotated = (b.atan2(a) - b0.atan2(a0)).to_degrees().abs();
                    assert!(rotated < 3.0, "{light:?}: by {rotated} degrees");
                }
            }
        }
    }

    #[test]
    fn brighter_light_is_never_darker() {
        for peak in [100.0, 600.0, 1000.0, 4000.0, 10_000.0] {
            let mapper = ToneMapper::new(DynamicRange::Pq { peak }, Gamut::Bt2020, ToneMap::Auto).expect("HDR");
            let mut last = -1.0;
            for step in 0..=1000 {
                let [actual, ..] = mapper.map_pixel([step as f32 / 1000.0; 3]);
                assert!(actual >= last - 1e-5 && (0.0..=1.0).contains(&actual), "{peak}: {actual} after {last}");
                last = actual;
            }
        }
    }

    #[test]
    fn colors_within_srgb_stay_and_the_others_move_into_it() {
        let wide = ToneMapper::new(DynamicRange::Sdr, Gamut::Bt2020, ToneMap::Auto).expect("a wider gamut");
        // Linear BT.709 in BT.2020's components
        let rows = [[0.627_404, 0.329_283, 0.043_313], [0.069_097, 0.919_540, 0.011_362], [0.016_391, 0.088_013, 0.895_595]];
        for color in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.9, 0.7, 0.6], [0.5; 3]] {
            let encoded = multiply(rows, color.map(srgb_to_linear)).map(linear_to_srgb);
            let actual = wide.map_pixel(encoded);
            for (actual, expected) in actual.into_iter().zip(color) {
                assert!((actual - expected).abs() < 0.006, "{color:?} became {actual}");
            }
        }
        for corner in 0..8_u8 {
            let encoded = [corner & 1, corner >> 1 & 1, corner >> 2 & 1].map(f32::from);
            assert!(wide.map_pixel(encoded).iter().all(|component| (0.0..=1.0).contains(component)), "{encoded:?}");
        }
    }
}
