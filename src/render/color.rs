//! The meaning of a frame's samples: matrix, range, primaries and transfer, as signaled or inferred.

use super::{
    ffi::PixelLayout,
    matrix::Coefficients,
    opponent_color::OpponentColor,
    primaries::Chromaticities,
    tone_map::{DynamicRange, Gamut},
    transfer_function::TransferFunction,
};
use crate::{
    error::{Error, ErrorKind},
    libav::{ColorCodes, Frame, MatrixCode, PixelFormat, PrimariesCode, TransferCode},
    report::ColorReport,
};

/// Matrix, range, primaries and transfer of a frame: as signaled, else inferred from each other, else from the frame's size.
#[derive(Debug, Clone)]
pub struct Color {
    /// How R'G'B' became Y'CbCr (ITU-T H.273, 8.3).
    pub matrix: MatrixCode,
    /// Whether luma spans 0 to 255 instead of 16 to 235.
    pub full_range: bool,
    /// The chromaticities of red, green and blue (H.273, 8.1).
    pub primaries: PrimariesCode,
    /// How light became R'G'B' (H.273, 8.2).
    pub transfer: TransferCode,
    /// Which of the four the stream does not signal.
    pub guessed: Vec<&'static str>,
}

/// Larger frames are HD: unless signaled otherwise, their color is that of ITU-R BT.709.
const SD: (u32, u32) = (1024, 576);

/// The peak luminance in cd/m² of PQ programs that do not signal theirs: the usual mastering display's.
const DEFAULT_PEAK: f32 = 1000.0;

impl Color {
    /// Interprets the color codes of a frame. Missing codes are inferred by mpv's rules: HDR transfers imply BT.2020 (ITU-R BT.2100),
    /// wide-gamut matrices and primaries imply each other, and the frame's size decides about the rest.
    pub fn of(frame: &Frame) -> Self {
        let is_rgb = PixelLayout::of(frame.pixel_format()).is_rgb;
        let codes = frame.color_codes();
        // The code of RGB is wrong on a YUV frame
        let signaled = ColorCodes { matrix: codes.matrix.filter(|matrix| is_rgb || *matrix != MatrixCode::RGB), ..codes };
        let parts = [
            ("matrix", signaled.matrix.is_some()),
            ("range", signaled.full_range.is_some()),
            ("primaries", signaled.primaries.is_some()),
            ("transfer", signaled.transfer.is_some()),
        ];
        let size = frame.size();
        Self {
            matrix: if is_rgb { MatrixCode::RGB } else { infer_matrix(signaled, size) },
            full_range: signaled.full_range.unwrap_or(is_rgb || is_full_range_format(frame.pixel_format())),
            primaries: infer_primaries(signaled, size),
            transfer: infer_transfer(signaled, size),
            guessed: parts.into_iter().filter(|(_, is_signaled)| !is_signaled).map(|(name, _)| name).collect(),
        }
    }

    /// The luma coefficients. Fails with `unsupported` for matrices without any.
    pub fn coefficients(&self) -> Result<Coefficients, Error> {
        match self.matrix {
            MatrixCode::BT709 | MatrixCode::RGB => Ok(Coefficients::BT709),
            MatrixCode::BT470BG | MatrixCode::SMPTE170M => Ok(Coefficients::BT601),
            MatrixCode::BT2020NCL | MatrixCode::BT2020CL => Ok(Coefficients::BT2020),
            MatrixCode::SMPTE240M => Ok(Coefficients::SMPTE240),
            MatrixCode::FCC => Ok(Coefficients::FCC),
            MatrixCode::ChromaDerivedNCL | MatrixCode::ChromaDerivedCL => self.derived_coefficients(),
            _ => Err(self.unsupported()),
        }
    }

    /// H.273, equations 39 to 44. BT.709 and BT.2020 define their own, rounded coefficients.
    fn derived_coefficients(&self) -> Result<Coefficients, Error> {
        let chromaticities = match self.primaries {
            PrimariesCode::BT709 => return Ok(Coefficients::BT709),
            PrimariesCode::BT2020 => return Ok(Coefficients::BT2020),
            PrimariesCode::BT470M => Chromaticities::BT470M,
            PrimariesCode::BT470BG => Chromaticities::BT470BG,
            PrimariesCode::SMPTE170M | PrimariesCode::SMPTE240M => Chromaticities::SMPTE170M,
            PrimariesCode::Film => Chromaticities::FILM,
            PrimariesCode::SMPTE431 => Chromaticities::DCI_P3,
            PrimariesCode::SMPTE432 => Chromaticities::DISPLAY_P3,
            PrimariesCode::EBU3213 => Chromaticities::EBU3213,
            _ => return Err(self.unsupported()),
        };
        Ok(chromaticities.coefficients())
    }

    /// The conversion of a frame of `depth` bits to R'G'B' if its matrix is not one of luma coefficients; those libswscale converts. Fails
    /// with `unsupported` if there is no conversion.
    #[cfg_attr(not(feature = "vendored"), expect(unused_variables, reason = "older versions of libavutil do not define YCgCo-R"))]
    pub fn opponent_color(&self, depth: u32) -> Result<Option<OpponentColor>, Error> {
        Ok(Some(match self.matrix {
            MatrixCode::YCGCO => OpponentColor::ycgco(),
            #[cfg(feature = "vendored")]
            MatrixCode::YCGCO_RE => OpponentColor::ycgco_r(depth, 2),
            #[cfg(feature = "vendored")]
            MatrixCode::YCGCO_RO => OpponentColor::ycgco_r(depth, 1),
            MatrixCode::BT2020CL | MatrixCode::ChromaDerivedCL => {
                OpponentColor::constant_luminance(self.coefficients()?, self.transfer_function()?)
            }
            MatrixCode::ICTCP => match self.transfer {
                TransferCode::SMPTE2084 => OpponentColor::ictcp(TransferFunction::Pq),
                TransferCode::ARIB_STD_B67 => OpponentColor::ictcp(TransferFunction::Hlg),
                _ => return Err(self.unsupported()),
            },
            _ => {
                self.coefficients()?;
                return Ok(None);
            }
        }))
    }

    fn transfer_function(&self) -> Result<TransferFunction, Error> {
        match self.transfer {
            TransferCode::BT709 | TransferCode::SMPTE170M | TransferCode::BT2020_10 | TransferCode::BT2020_12 => {
                Ok(TransferFunction::Bt709)
            }
            TransferCode::SMPTE2084 => Ok(TransferFunction::Pq),
            TransferCode::ARIB_STD_B67 => Ok(TransferFunction::Hlg),
            _ => Err(self.unsupported()),
        }
    }

    fn unsupported(&self) -> Error {
        let ColorReport { matrix, primaries, transfer, .. } = self.report();
        let what = format!("the color matrix {matrix} with primaries {primaries} and transfer {transfer} is not supported");
        Error::new(ErrorKind::Unsupported, what).with_hint("choose another Variant with --variant")
    }

    /// The gamut that R, G and B span.
    pub fn gamut(&self) -> Gamut {
        match self.primaries {
            PrimariesCode::BT2020 => Gamut::Bt2020,
            PrimariesCode::SMPTE431 | PrimariesCode::SMPTE432 => Gamut::P3,
            _ => Gamut::Bt709,
        }
    }

    /// SDR, PQ or HLG; `peak_luminance` in cd/m² is that of the program, if it is known.
    pub fn dynamic_range(&self, peak_luminance: Option<f32>) -> DynamicRange {
        match self.transfer {
            TransferCode::SMPTE2084 => DynamicRange::Pq { peak: peak_luminance.unwrap_or(DEFAULT_PEAK) },
            TransferCode::ARIB_STD_B67 => DynamicRange::Hlg,
            _ => DynamicRange::Sdr,
        }
    }

    /// The report's part, with libavutil's names.
    pub fn report(&self) -> ColorReport {
        let text = |name: Option<&str>| name.unwrap_or("unknown").to_owned();
        ColorReport {
            matrix: text(self.matrix.name()),
            primaries: text(self.primaries.name()),
            transfer: text(self.transfer.name()),
            range: if self.full_range { "full" } else { "limited" },
            guessed: self.guessed.clone(),
        }
    }
}

fn is_hdr(signaled: ColorCodes) -> bool {
    matches!(signaled.transfer, Some(TransferCode::SMPTE2084 | TransferCode::ARIB_STD_B67))
}

fn infer_matrix(signaled: ColorCodes, size: (u32, u32)) -> MatrixCode {
    let is_wide = is_hdr(signaled) || matches!(signaled.transfer, Some(TransferCode::BT2020_10 | TransferCode::BT2020_12));
    match (signaled.matrix, signaled.primaries) {
        (Some(matrix), _) => matrix,
        (None, Some(PrimariesCode::BT2020)) => MatrixCode::BT2020NCL,
        // Graded in a smaller gamut, but encoded by BT.2100
        (None, None | Some(PrimariesCode::SMPTE431 | PrimariesCode::SMPTE432)) if is_wide => MatrixCode::BT2020NCL,
        _ if is_hd(size) => MatrixCode::BT709,
        _ if has_525_lines(size) => MatrixCode::SMPTE170M,
        _ => MatrixCode::BT470BG,
    }
}

fn infer_primaries(signaled: ColorCodes, size: (u32, u32)) -> PrimariesCode {
    match (signaled.primaries, signaled.matrix) {
        (Some(primaries), _) => primaries,
        (None, Some(MatrixCode::BT2020NCL | MatrixCode::BT2020CL | MatrixCode::ICTCP)) => PrimariesCode::BT2020,
        _ if is_hdr(signaled) => PrimariesCode::BT2020,
        (None, Some(MatrixCode::BT709)) => PrimariesCode::BT709,
        (None, None) if matches!(signaled.transfer, Some(TransferCode::BT2020_10 | TransferCode::BT2020_12)) => PrimariesCode::BT2020,
        _ if is_hd(size) => PrimariesCode::BT709,
        _ if has_525_lines(size) => PrimariesCode::SMPTE170M,
        _ => PrimariesCode::BT470BG,
    }
}

fn infer_transfer(signaled: ColorCodes, size: (u32, u32)) -> TransferCode {
    match (signaled.transfer, signaled.matrix, signaled.primaries) {
        (Some(transfer), ..) => transfer,
        // PQ is far more common than HLG
        (None, Some(MatrixCode::ICTCP), _) => TransferCode::SMPTE2084,
        (None, Some(MatrixCode::BT2020NCL | MatrixCode::BT2020CL), _) | (None, _, Some(PrimariesCode::BT2020)) => TransferCode::BT2020_10,
        (None, Some(MatrixCode::BT709), _) | (None, _, Some(PrimariesCode::BT709)) => TransferCode::BT709,
        _ if is_hd(size) => TransferCode::BT709,
        _ => TransferCode::SMPTE170M,
    }
}

fn is_hd((width, height): (u32, u32)) -> bool {
    height.min(width) > SD.1 || width.max(height) > SD.0
}

fn has_525_lines((_, height): (u32, u32)) -> bool {
    matches!(height, 480 | 486 | 240)
}

fn is_full_range_format(format: PixelFormat) -> bool {
    use PixelFormat::{YUVJ411P, YUVJ420P, YUVJ422P, YUVJ440P, YUVJ444P};
    matches!(format, YUVJ420P | YUVJ422P | YUVJ440P | YUVJ444P | YUVJ411P)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(
        matrix: Option<MatrixCode>,
        primaries: Option<PrimariesCode>,
        transfer: Option<TransferCode>,
    ) -> (MatrixCode, PrimariesCode, TransferCode) {
        let signaled = ColorCodes { matrix, full_range: None, primaries, transfer };
        let size = (1280, 720);
        (infer_matrix(signaled, size), infer_primaries(signaled, size), infer_transfer(signaled, size))
    }

    #[test]
    fn hdr_transfers_imply_bt2020() {
        for transfer in [TransferCode::SMPTE2084, TransferCode::ARIB_STD_B67] {
            let whole = (MatrixCode::BT2020NCL, PrimariesCode::BT2020, transfer);
            assert_eq!(inferred(None, None, Some(transfer)), whole);
            assert_eq!(inferred(Some(MatrixCode::BT2020NCL), None, Some(transfer)), whole);
            assert_eq!(inferred(None, Some(PrimariesCode::BT2020), Some(transfer)), whole);
            let p3 = inferred(None, Some(PrimariesCode::SMPTE432), Some(transfer));
            assert_eq!(p3, (MatrixCode::BT2020NCL, PrimariesCode::SMPTE432, transfer));
        }
    }

    #[test]
    fn wide_gamut_codes_imply_each_other() {
        let whole = (MatrixCode::BT2020NCL, PrimariesCode::BT2020, TransferCode::BT2020_10);
        assert_eq!(inferred(Some(MatrixCode::BT2020NCL), None, None), whole);
        assert_eq!(inferred(None, Some(PrimariesCode::BT2020), None), whole);
        assert_eq!(inferred(None, None, Some(TransferCode::BT2020_10)), whole);
        assert_eq!(inferred(Some(MatrixCode::ICTCP), None, None), (MatrixCode::ICTCP, PrimariesCode::BT2020, TransferCode::SMPTE2084));
    }

    #[test]
    fn signaled_codes_stay() {
        let odd = (MatrixCode::BT709, PrimariesCode::BT709, TransferCode::SMPTE2084);
        assert_eq!(inferred(Some(odd.0), Some(odd.1), Some(odd.2)), odd);
        assert_eq!(inferred(None, Some(PrimariesCode::BT709), Some(TransferCode::ARIB_STD_B67)).0, MatrixCode::BT709);
        assert_eq!(inferred(None, None, None), (MatrixCode::BT709, PrimariesCode::BT709, TransferCode::BT709));
    }
}
