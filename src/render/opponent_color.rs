//! From color representations other than a 3x3 matrix with luma coefficients to R'G'B': YCgCo, constant luminance, ICtCp (ITU-T H.273, 8.3).
//! libswscale supports none of them.

use super::{
    matrix::Coefficients,
    planes::PlaneView,
    transfer_function::TransferFunction,
    vector::{Triple, multiply},
};

/// ITU-R BT.2100, table 7, in 4096ths: from BT.2020's R, G and B to L, M and S; from L', M' and S' to I, Ct and Cp for PQ and HLG.
const LMS: [[f64; 3]; 3] = [[1688.0, 2146.0, 262.0], [683.0, 2951.0, 462.0], [99.0, 309.0, 3688.0]];
const ICTCP_PQ: [[f64; 3]; 3] = [[2048.0, 2048.0, 0.0], [6610.0, -13613.0, 7003.0], [17933.0, -17390.0, -543.0]];
const ICTCP_HLG: [[f64; 3]; 3] = [[2048.0, 2048.0, 0.0], [3625.0, -7465.0, 3840.0], [9500.0, -9212.0, -288.0]];

/// How luma and two color differences become R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OpponentColor {
    /// By a matrix.
    Linear([Triple; 3]),
    /// Luma encodes the luminance of linear light. The ranges of B'-Y' and R'-Y' differ below and above zero.
    ConstantLuminance {
        /// Kr, Kg, Kb.
        weights: Triple,
        /// Of R'G'B' and luma.
        transfer: TransferFunction,
        /// The ranges of B'-Y' below and above zero.
        blue: [f32; 2],
        /// The ranges of R'-Y' below and above zero.
        red: [f32; 2],
    },
    /// Intensity and differences of encoded cone responses.
    ICtCp {
        /// To L', M', S'.
        to_lms: [Triple; 3],
        /// From L, M, S to BT.2020's R, G, B.
        to_rgb: [Triple; 3],
        /// Of L'M'S' and R'G'B'.
        transfer: TransferFunction,
    },
}

impl OpponentColor {
    /// YCgCo (H.273, equations 62 to 64).
    pub fn ycgco() -> Self {
        Self::Linear([[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]])
    }

    /// YCgCo-Re and -Ro, whose samples of `depth` bits have `extra_bits` more than R, G and B. Ignores the rounding of the lifting steps.
    pub fn ycgco_r(depth: u32, extra_bits: u32) -> Self {
        let max = |bits: u32| ((1_u64 << bits.min(16)) - 1) as f32;
        let scale = max(depth) / max(depth.saturating_sub(extra_bits).max(1));
        let Self::Linear(plain) = Self::ycgco() else { return Self::ycgco() };
        Self::Linear(plain.map(|[y, green, orange]| [y * scale, green * scale / 2.0, orange * scale / 2.0]))
    }

    /// Constant luminance (H.273, equations 48 to 57).
    pub fn constant_luminance(coefficients: Coefficients, transfer: TransferFunction) -> Self {
        let Coefficients { red, blue } = coefficients;
        let weights = [red, 1.0 - red - blue, blue].map(single);
        let [red, _, blue] = weights.map(|weight| [2.0 * transfer.encode(1.0 - weight), 2.0 * (1.0 - transfer.encode(weight))]);
        Self::ConstantLuminance { weights, transfer, blue, red }
    }

    /// ICtCp (ITU-R BT.2100), with PQ or HLG.
    pub fn ictcp(transfer: TransferFunction) -> Self {
        let from_lms = if transfer == TransferFunction::Hlg { ICTCP_HLG } else { ICTCP_PQ };
        let inverted = |matrix: [[f64; 3]; 3]| inverse(matrix.map(|row| row.map(|factor| factor / 4096.0))).map(|row| row.map(single));
        Self::ICtCp { to_lms: inverted(from_lms), to_rgb: inverted(LMS), transfer }
    }

    /// R'G'B' of a luma of 0 to 1 and differences of -0.5 to 0.5. Components outside of 0 to 1 are not clipped.
    pub fn convert_pixel(&self, values: Triple) -> Triple {
        let [luma, first, second] = values;
        match *self {
            Self::Linear(matrix) => multiply(matrix, values),
            Self::ConstantLuminance { weights: [kr, kg, kb], transfer, blue, red } => {
                let component =
                    |difference: f32, [below, above]: [f32; 2]| luma + difference * if difference < 0.0 { below } else { above };
                let (b, r) = (component(first, blue), component(second, red));
                let green = (transfer.to_linear(luma) - kr * transfer.to_linear(r) - kb * transfer.to_linear(b)) / kg;
                [r, transfer.encode(green.max(0.0)), b]
            }
            Self::ICtCp { to_lms, to_rgb, transfer } => {
                let lms = multiply(to_lms, values).map(|response| transfer.to_linear(response));
                multiply(to_rgb, lms).map(|light| transfer.encode(light.max(0.0)))
            }
        }
    }

    /// Converts 4:4:4 planes with 16 little-endian bits a sample, whose values are those of `depth` bits shifted up, to rows of R, G and B
    /// with 16 little-endian bits each. Returns `None` if the samples are not plausible: some encoders write the code of a representation
    /// without converting to it, and then most strong colors lie outside of R'G'B'.
    pub fn convert_to_rgb48(&self, planes: [PlaneView<'_>; 3], depth: u32, full_range: bool) -> Option<Vec<u8>> {
        let [luma, first, second] = planes;
        let unit = (1_u32 << (16 - depth.clamp(8, 16))) as f32;
        let byte = unit * (1_u32 << (depth.clamp(8, 16) - 8)) as f32;
        let max = 65536.0 - unit;
        let (black, span, chroma) = if full_range { (0.0, max, max) } else { (16.0 * byte, 219.0 * byte, 224.0 * byte) };
        let value = |sample: &[u8; 2]| f32::from(u16::from_le_bytes(*sample));
        let mut bytes = Vec::with_capacity(luma.width * 3 * luma.height);
        let mut plausible = Plausibility::new(luma.width / 2);
        for row in 0..luma.height {
            let [Some(y), Some(one), Some(two)] = [luma.row(row), first.row(row), second.row(row)] else { break };
            let [y, one, two] = [y, one, two].map(|row| row.as_chunks::<2>().0);
            for (column, ((y, one), two)) in y.iter().zip(one).zip(two).enumerate() {
                let differences = [one, two].map(|sample| (value(sample) - 128.0 * byte) / chroma);
                let rgb = self.convert_pixel([(value(y) - black) / span, differences[0], differences[1]]);
                plausible.add(column, rgb);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped; NaN becomes 0")]
                bytes.extend(rgb.iter().flat_map(|component| ((component.clamp(0.0, 1.0) * 65535.0).round() as u16).to_le_bytes()));
            }
            plausible.end_row(row);
        }
        (plausible.holds() || !matches!(self, Self::Linear(_))).then_some(bytes)
    }
}

/// Width and height in pixels of a block whose mean is checked. In a linear representation, subsampled chroma puts single pixels outside of
/// R'G'B', but not their mean.
const BLOCK: usize = 4;
/// A block is outside if a component exceeds the range by this much.
const OUTSIDE: f32 = 0.1;
/// At most one block in this many may be outside: coding errors put a few there.
const ONE_IN: usize = 100;

/// Checks whether the means of blocks lie within R'G'B'.
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
            sum.iter_mut().zip(rgb).for_each(|(sum, component)| *sum += component);
            *count += 1;
        }
    }

    fn end_row(&mut self, row: usize) {
        if row % BLOCK == BLOCK - 1 {
            let within = -OUTSIDE..=1.0 + OUTSIDE;
            let is_outside = |(sum, count): &(Triple, u8)| sum.iter().any(|total| !within.contains(&(total / f32::from((*count).max(1)))));
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
    fn assert_near(actual: Triple, expected: Triple) {
        assert!(actual.iter().zip(expected).all(|(actual, expected)| (actual - expected).abs() < 2e-3), "{actual:?} is not {expected:?}");
    }

    #[test]
    fn grays_stay_gray() {
        let representations = [
            OpponentColor::ycgco(),
            OpponentColor::constant_luminance(Coefficients::BT2020, TransferFunction::Bt709),
            OpponentColor::constant_luminance(Coefficients::BT709, TransferFunction::Pq),
            OpponentColor::ictcp(TransferFunction::Pq),
            OpponentColor::ictcp(TransferFunction::Hlg),
        ];
        for representation in representations {
            for gray in [0.0, 0.05, 0.3, 0.7, 1.0] {
                assert_near(representation.convert_pixel([gray, 0.0, 0.0]), [gray; 3]);
            }
        }
    }

    #[test]
    fn primaries_equal_those_of_the_standards() {
        // H.273, equations 59 to 61: Y = R/4 + G/2 + B/4, Cg = -R/4 + G/2 - B/4, Co = (R - B) / 2
        assert_near(OpponentColor::ycgco().convert_pixel([0.25, -0.25, 0.5]), [1.0, 0.0, 0.0]);
        assert_near(OpponentColor::ycgco().convert_pixel([0.5, 0.5, 0.0]), [0.0, 1.0, 0.0]);
        // BT.2020, table 4: blue has a luma of 0.0593 by the transfer function and the largest Cb; yellow has the smallest
        let constant = OpponentColor::constant_luminance(Coefficients::BT2020, TransferFunction::Bt709);
        assert_near(constant.convert_pixel([0.2091, 0.5, (0.0 - 0.2091) / 1.7184]), [0.0, 0.0, 1.0]);
        assert_near(constant.convert_pixel([0.9702, -0.5, (1.0 - 0.9702) / 0.9936]), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn lifted_ycgco_keeps_the_range_of_its_rgb() {
        // 8 bits in 10: Y = 63, Cg = -127, Co = 255 of 1023 each is red
        let red = [63.0 / 1023.0, -127.0 / 1023.0, 255.0 / 1023.0];
        let actual = OpponentColor::ycgco_r(10, 2).convert_pixel(red);
        assert!(actual.iter().zip([1.0, 0.0, 0.0]).all(|(actual, expected)| (actual - expected).abs() < 0.006), "{actual:?}");
    }

    #[test]
    fn samples_of_another_representation_are_implausible() {
        // Green by BT.709 in the limited range
        let plane = |value: u8| [0, value].repeat(8 * 8);
        let planes = [173, 42, 26].map(plane);
        let views = [0, 1, 2].map(|index: usize| PlaneView { samples: &planes[index], stride: 16, width: 16, height: 8 });
        assert!(OpponentColor::ycgco().convert_to_rgb48(views, 8, true).is_none());
        let planes = [128, 255, 128].map(plane);
        let views = [0, 1, 2].map(|index: usize| PlaneView { samples: &planes[index], stride: 16, width: 16, height: 8 });
        assert!(OpponentColor::ycgco().convert_to_rgb48(views, 8, true).is_some());
    }
}
