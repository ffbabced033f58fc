//! From the representations of colour that are no 3x3 matrix with luma coefficients to R'G'B': YCgCo, constant luminance, ICtCp
//! (ITU-T H.273, 8.3). libswscale has none of them.

use super::{View, matrix::Coefficients};

/// Three values of a pixel.
type Triple = [f32; 3];

/// A transfer function between light and numbers, both 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferFunction {
    /// ITU-R BT.709, BT.601 and BT.2020.
    Bt709,
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67.
    Hlg,
}

impl TransferFunction {
    fn to_light(self, number: f32) -> f32 {
        match self {
            Self::Bt709 if number < 4.5 * BETA => number / 4.5,
            Self::Bt709 => ((number + ALPHA - 1.0) / ALPHA).powf(1.0 / 0.45),
            Self::Pq => {
                let root = number.clamp(0.0, 1.0).powf(1.0 / PQ_M2);
                ((root - PQ_C1).max(0.0) / (PQ_C2 - PQ_C3 * root)).powf(1.0 / PQ_M1)
            }
            Self::Hlg if number <= 0.5 => number.max(0.0).powi(2) / 3.0,
            Self::Hlg => (((number - HLG_C) / HLG_A).exp() + HLG_B) / 12.0,
        }
    }

    fn to_number(self, light: f32) -> f32 {
        match self {
            Self::Bt709 if light < BETA => light * 4.5,
            Self::Bt709 => ALPHA * light.powf(0.45) - (ALPHA - 1.0),
            Self::Pq => {
                let power = light.clamp(0.0, 1.0).powf(PQ_M1);
                ((PQ_C1 + PQ_C2 * power) / (1.0 + PQ_C3 * power)).powf(PQ_M2)
            }
            Self::Hlg if light <= 1.0 / 12.0 => (3.0 * light.max(0.0)).sqrt(),
            Self::Hlg => HLG_A * (12.0 * light - HLG_B).ln() + HLG_C,
        }
    }
}

const ALPHA: f32 = 1.099_296_8;
const BETA: f32 = 0.018_053_97;
const PQ_M1: f32 = 2610.0 / 16384.0;
const PQ_M2: f32 = 2523.0 / 32.0;
const PQ_C1: f32 = 3424.0 / 4096.0;
const PQ_C2: f32 = 2413.0 / 128.0;
const PQ_C3: f32 = 2392.0 / 128.0;
const HLG_A: f32 = 0.178_832_77;
const HLG_B: f32 = 0.284_668_92;
const HLG_C: f32 = 0.559_910_7;

/// ITU-R BT.2100, table 7: L, M and S of BT.2020's R, G and B, in 4096ths; and of I, Ct and Cp for PQ and HLG.
const LMS: [[f64; 3]; 3] = [[1688.0, 2146.0, 262.0], [683.0, 2951.0, 462.0], [99.0, 309.0, 3688.0]];
const ICTCP_PQ: [[f64; 3]; 3] = [[2048.0, 2048.0, 0.0], [6610.0, -13613.0, 7003.0], [17933.0, -17390.0, -543.0]];
const ICTCP_HLG: [[f64; 3]; 3] = [[2048.0, 2048.0, 0.0], [3625.0, -7465.0, 3840.0], [9500.0, -9212.0, -288.0]];

/// How luma and two differences become R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Opponent {
    /// Linear in R'G'B'.
    Linear([Triple; 3]),
    /// Luma is that of light. The spans of B'-Y' and R'-Y' differ below and above zero.
    ConstantLuminance {
        /// Kr, Kg, Kb.
        weights: Triple,
        /// Between light and numbers.
        curve: TransferFunction,
        /// Of B'-Y', below and above zero.
        blue: [f32; 2],
        /// Of R'-Y', below and above zero.
        red: [f32; 2],
    },
    /// Intensity, and differences of the cones' numbers.
    ICtCp {
        /// To L', M', S'.
        to_cones: [Triple; 3],
        /// From L, M, S to BT.2020's R, G, B.
        to_rgb: [Triple; 3],
        /// Between light and numbers.
        curve: TransferFunction,
    },
}

impl Opponent {
    /// YCgCo (H.273, equations 62 to 64).
    pub fn ycgco() -> Self {
        Self::Linear([[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]])
    }

    /// YCgCo-Re and -Ro, whose samples of `depth` bits have `more` bits than R, G and B; up to the rounding of the lifting steps.
    pub fn ycgco_r(depth: u32, more: u32) -> Self {
        let most = |bits: u32| ((1_u64 << bits.min(16)) - 1) as f32;
        let scale = most(depth) / most(depth.saturating_sub(more).max(1));
        let Self::Linear(plain) = Self::ycgco() else { return Self::ycgco() };
        Self::Linear(plain.map(|[y, green, orange]| [y * scale, green * scale / 2.0, orange * scale / 2.0]))
    }

    /// Constant luminance (H.273, equations 48 to 57).
    pub fn constant_luminance(coefficients: Coefficients, curve: TransferFunction) -> Self {
        let Coefficients { red, blue } = coefficients;
        let weights = [red, 1.0 - red - blue, blue].map(single);
        let [red, _, blue] = weights.map(|weight| [2.0 * curve.to_number(1.0 - weight), 2.0 * (1.0 - curve.to_number(weight))]);
        Self::ConstantLuminance { weights, curve, blue, red }
    }

    /// ICtCp (ITU-R BT.2100), with PQ or HLG.
    pub fn ictcp(curve: TransferFunction) -> Self {
        let to_cones = if curve == TransferFunction::Hlg { ICTCP_HLG } else { ICTCP_PQ };
        let inverted = |matrix: [[f64; 3]; 3]| inverse(matrix.map(|row| row.map(|part| part / 4096.0))).map(|row| row.map(single));
        Self::ICtCp { to_cones: inverted(to_cones), to_rgb: inverted(LMS), curve }
    }

    /// R'G'B' of a luma of 0 to 1 and differences of -0.5 to 0.5; outside of 0 to 1 if the colour is.
    pub fn to_rgb(&self, values: Triple) -> Triple {
        let [luma, first, second] = values;
        match *self {
            Self::Linear(matrix) => times(matrix, values),
            Self::ConstantLuminance { weights: [kr, kg, kb], curve, blue, red } => {
                let part = |difference: f32, [below, above]: [f32; 2]| luma + difference * if difference < 0.0 { below } else { above };
                let (b, r) = (part(first, blue), part(second, red));
                let green = (curve.to_light(luma) - kr * curve.to_light(r) - kb * curve.to_light(b)) / kg;
                [r, curve.to_number(green.max(0.0)), b]
            }
            Self::ICtCp { to_cones, to_rgb, curve } => {
                let cones = times(to_cones, values).map(|cone| curve.to_light(cone));
                times(to_rgb, cones).map(|part| curve.to_number(part.max(0.0)))
            }
        }
    }

    /// Rows of R, G and B, 16 bits each, little-endian, from planes of 4:4:4 with 16 little-endian bits a sample, whose values are those
    /// of `depth` bits shifted up. `None` if the samples cannot be of this representation: encoders are told to write its tag without
    /// converting to it, and then most strong colours lie outside of R'G'B'.
    pub fn to_rgb48(&self, planes: [View<'_>; 3], depth: u32, full_range: bool) -> Option<Vec<u8>> {
        let [luma, first, second] = planes;
        let unit = (1_u32 << (16 - depth.clamp(8, 16))) as f32;
        let byte = unit * (1_u32 << (depth.clamp(8, 16) - 8)) as f32;
        let most = 65536.0 - unit;
        let (black, span, chroma) = if full_range { (0.0, most, most) } else { (16.0 * byte, 219.0 * byte, 224.0 * byte) };
        let number = |sample: &[u8; 2]| f32::from(u16::from_le_bytes(*sample));
        let mut bytes = Vec::with_capacity(luma.width * 3 * luma.height);
        let mut plausible = Plausibility::new(luma.width / 2);
        for row in 0..luma.height {
            let [Some(y), Some(one), Some(two)] = [luma.row(row), first.row(row), second.row(row)] else { break };
            let [y, one, two] = [y, one, two].map(|row| row.as_chunks::<2>().0);
            for (column, ((y, one), two)) in y.iter().zip(one).zip(two).enumerate() {
                let differences = [one, two].map(|sample| (number(sample) - 128.0 * byte) / chroma);
                let rgb = self.to_rgb([(number(y) - black) / span, differences[0], differences[1]]);
                plausible.add(column, rgb);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped; NaN becomes 0")]
                bytes.extend(rgb.iter().flat_map(|part| ((part.clamp(0.0, 1.0) * 65535.0).round() as u16).to_le_bytes()));
            }
            plausible.end_row(row);
        }
        (plausible.holds() || !matches!(self, Self::Linear(_))).then_some(bytes)
    }
}

/// Pixels a side of a block whose mean is compared with R'G'B'. Single pixels leave it when chroma is subsampled; their mean does not, if
/// the representation is linear.
const BLOCK: usize = 4;
/// A block lies outside if it does by this much,
const OUTSIDE: f32 = 0.1;
/// and it takes one block in so many: coding errors reach a few.
const ONE_IN: usize = 100;

/// Whether the means of blocks lie within R'G'B'.
struct Plausibility {
    sums: Vec<(Triple, u8)>,
    blocks: usize,
    outside: usize,
}

impl Plausibility {
    fn new(width: usize) -> Self {
        Self { sums: vec![([0.0; 3], 0); width.div_ceil(BLOCK)], blocks: 0, outside: 0 }
    }

    fn add(&mut self, column: usize, rgb: Triple) {
        if let Some((sum, count)) = self.sums.get_mut(column / BLOCK) {
            sum.iter_mut().zip(rgb).for_each(|(sum, part)| *sum += part);
            *count += 1;
        }
    }

    fn end_row(&mut self, row: usize) {
        if row % BLOCK == BLOCK - 1 {
            let within = -OUTSIDE..=1.0 + OUTSIDE;
            let is_outside = |(sum, count): &(Triple, u8)| sum.iter().any(|part| !within.contains(&(part / f32::from((*count).max(1)))));
            self.outside += self.sums.iter().filter(|block| is_outside(block)).count();
            self.blocks += self.sums.len();
            self.sums.fill(([0.0; 3], 0));
        }
    }

    fn holds(&self) -> bool {
        self.outside * ONE_IN <= self.blocks
    }
}

#[expect(clippy::cast_possible_truncation, reason = "coefficients of a few digits")]
fn single(coefficient: f64) -> f32 {
    coefficient as f32
}

fn times(matrix: [Triple; 3], [a, b, c]: Triple) -> Triple {
    matrix.map(|[of_a, of_b, of_c]| of_a * a + of_b * b + of_c * c)
}

fn inverse([a, b, c]: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cross = |u: [f64; 3], v: [f64; 3]| [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    let columns = [cross(b, c), cross(c, a), cross(a, b)];
    let determinant: f64 = a.into_iter().zip(columns[0]).map(|(one, other)| one * other).sum();
    [0, 1, 2].map(|row| columns.map(|column| column.get(row).copied().unwrap_or_default() / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_near(given: Triple, wanted: Triple) {
        assert!(given.iter().zip(wanted).all(|(given, wanted)| (given - wanted).abs() < 2e-3), "{given:?} is not {wanted:?}");
    }

    #[test]
    fn greys_stay_grey() {
        let all = [
            Opponent::ycgco(),
            Opponent::constant_luminance(Coefficients::BT2020, TransferFunction::Bt709),
            Opponent::constant_luminance(Coefficients::BT709, TransferFunction::Pq),
            Opponent::ictcp(TransferFunction::Pq),
            Opponent::ictcp(TransferFunction::Hlg),
        ];
        for opponent in all {
            for grey in [0.0, 0.05, 0.3, 0.7, 1.0] {
                assert_near(opponent.to_rgb([grey, 0.0, 0.0]), [grey; 3]);
            }
        }
    }

    #[test]
    fn primaries_are_those_of_the_standards() {
        // H.273, equations 59 to 61: Y = R/4 + G/2 + B/4, Cg = -R/4 + G/2 - B/4, Co = (R - B) / 2
        assert_near(Opponent::ycgco().to_rgb([0.25, -0.25, 0.5]), [1.0, 0.0, 0.0]);
        assert_near(Opponent::ycgco().to_rgb([0.5, 0.5, 0.0]), [0.0, 1.0, 0.0]);
        // BT.2020, table 4: blue has a luma of 0.0593 by the transfer function and the largest Cb; yellow has the smallest
        let constant = Opponent::constant_luminance(Coefficients::BT2020, TransferFunction::Bt709);
        assert_near(constant.to_rgb([0.2091, 0.5, (0.0 - 0.2091) / 1.7184]), [0.0, 0.0, 1.0]);
        assert_near(constant.to_rgb([0.9702, -0.5, (1.0 - 0.9702) / 0.9936]), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn lifted_ycgco_keeps_the_range_of_its_rgb() {
        // 8 bits in 10: Y = 63, Cg = -127, Co = 255 is red, and all are numbers of 1023
        let red = [63.0 / 1023.0, -127.0 / 1023.0, 255.0 / 1023.0];
        let given = Opponent::ycgco_r(10, 2).to_rgb(red);
        assert!(given.iter().zip([1.0, 0.0, 0.0]).all(|(given, wanted)| (given - wanted).abs() < 0.006), "{given:?}");
    }

    #[test]
    fn samples_of_another_representation_are_refused() {
        // Green by BT.709 in the limited range
        let plane = |value: u8| [0, value].repeat(8 * 8);
        let planes = [173, 42, 26].map(plane);
        let views = [0, 1, 2].map(|index: usize| View { bytes: &planes[index], stride: 16, width: 16, height: 8 });
        assert!(Opponent::ycgco().to_rgb48(views, 8, true).is_none());
        let planes = [128, 255, 128].map(plane);
        let views = [0, 1, 2].map(|index: usize| View { bytes: &planes[index], stride: 16, width: 16, height: 8 });
        assert!(Opponent::ycgco().to_rgb48(views, 8, true).is_some());
    }
}
