//! Chromaticities of primaries, and the luma coefficients that follow from them (ITU-T H.273, 8.1 and 8.3).

use super::matrix::Coefficients;

/// x and y of red, green, blue and white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chromaticities {
    red: [f64; 2],
    green: [f64; 2],
    blue: [f64; 2],
    white: [f64; 2],
}

const ILLUMINANT_C: [f64; 2] = [0.310, 0.316];
const D65: [f64; 2] = [0.3127, 0.3290];

impl Chromaticities {
    /// ITU-R BT.470-6, system M.
    pub const BT470M: Self = Self { red: [0.67, 0.33], green: [0.21, 0.71], blue: [0.14, 0.08], white: ILLUMINANT_C };
    /// ITU-R BT.470-6, systems B and G: BT.601 with 625 lines.
    pub const BT470BG: Self = Self { red: [0.64, 0.33], green: [0.29, 0.60], blue: [0.15, 0.06], white: D65 };
    /// SMPTE ST 170 and ST 240: BT.601 with 525 lines.
    pub const SMPTE170M: Self = Self { red: [0.630, 0.340], green: [0.310, 0.595], blue: [0.155, 0.070], white: D65 };
    /// Color filters of film with illuminant C.
    pub const FILM: Self = Self { red: [0.681, 0.319], green: [0.243, 0.692], blue: [0.145, 0.049], white: ILLUMINANT_C };
    /// SMPTE RP 431-2.
    pub const DCI_P3: Self = Self { red: [0.680, 0.320], green: [0.265, 0.690], blue: [0.150, 0.060], white: [0.314, 0.351] };
    /// SMPTE EG 432-1.
    pub const DISPLAY_P3: Self = Self { white: D65, ..Self::DCI_P3 };
    /// EBU Tech. 3213-E.
    pub const EBU3213: Self = Self { red: [0.630, 0.340], green: [0.295, 0.605], blue: [0.155, 0.077], white: D65 };

    /// The luma coefficients of chromaticity-derived matrices (H.273, equations 39 to 44): the share of each primary in the luminance of white.
    pub fn coefficients(self) -> Coefficients {
        let xyz = |[x, y]: [f64; 2]| [x, y, 1.0 - x - y];
        let [red, green, blue, white] = [self.red, self.green, self.blue, self.white].map(xyz);
        let total = white[1] * determinant([red, green, blue]);
        Coefficients { red: red[1] * determinant([white, green, blue]) / total, blue: blue[1] * determinant([red, green, white]) / total }
    }
}

fn determinant([a, b, c]: [[f64; 3]; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_coefficients_equal_those_of_the_standards() {
        let bt709 = Chromaticities { red: [0.640, 0.330], green: [0.300, 0.600], blue: [0.150, 0.060], white: D65 };
        let bt2020 = Chromaticities { red: [0.708, 0.292], green: [0.170, 0.797], blue: [0.131, 0.046], white: D65 };
        // SMPTE EG 432-1 has those of P3
        for (from, [red, blue]) in [(bt709, [0.2126, 0.0722]), (bt2020, [0.2627, 0.0593]), (Chromaticities::DISPLAY_P3, [0.2290, 0.0793])] {
            let actual = from.coefficients();
            assert!((actual.red - red).abs() < 1e-4 && (actual.blue - blue).abs() < 1e-4, "{actual:?}");
        }
    }
}
