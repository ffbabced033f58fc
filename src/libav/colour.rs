//! What the numbers of a frame mean: matrix, range, primaries and transfer, as signalled or inferred.

use std::ffi::{CStr, c_char};

use ff::color::{Primaries, Range, Space, TransferCharacteristic as Transfer};
use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use crate::{
    error::{Error, ErrorKind},
    render::{Chromaticities, Coefficients, Gamut, Opponent, TransferFunction},
    report::ColorReport,
};

/// The largest codes with a meaning in ITU-T H.273, for range, matrix, primaries and transfer.
const LARGEST_CODES: [u32; 4] = [2, MATRIX_LARGEST, PRIMARIES_LARGEST, 18];
/// Older versions of libavutil have no names for IPT-C2 and YCgCo-R.
const MATRIX_LARGEST: u32 = if cfg!(feature = "vendored") { 17 } else { 14 };
const PRIMARIES_LARGEST: u32 = 22;
/// "Unspecified" of each.
const UNSPECIFIED: [u32; 4] = [0, 2, 2, 2];

/// Fills in colour codes that the bitstream does not signal from the container (`colr`, ISO/IEC 14496-12, 12.1.5), and replaces reserved
/// codes by "unspecified": decoders pass any number through, and a Rust enum must not hold an unknown one.
pub(super) fn settle_colour(video: &mut ff::frame::Video, stream: *mut ffi::AVStream) {
    // SAFETY: the frame is ours to change; the stream is open and its `codecpar` never null. The fields are C enums of 32 bits, which
    // are read and written as numbers, since only those that bindgen knows are values of the Rust types.
    unsafe {
        let (frame, container) = (video.as_mut_ptr(), (*stream).codecpar);
        let fields: [(*mut u32, *const u32); 4] = [
            ((&raw mut (*frame).color_range).cast(), (&raw const (*container).color_range).cast()),
            ((&raw mut (*frame).colorspace).cast(), (&raw const (*container).color_space).cast()),
            ((&raw mut (*frame).color_primaries).cast(), (&raw const (*container).color_primaries).cast()),
            ((&raw mut (*frame).color_trc).cast(), (&raw const (*container).color_trc).cast()),
        ];
        for (((own, container), largest), unspecified) in fields.into_iter().zip(LARGEST_CODES).zip(UNSPECIFIED) {
            // Among the primaries 13 to 21 are reserved
            let known = |code: u32| code <= largest && (largest != PRIMARIES_LARGEST || !(13..22).contains(&code));
            let codes = [own.read(), container.read()];
            *own = codes.into_iter().find(|code| known(*code) && *code != unspecified).unwrap_or(unspecified);
        }
    }
}

/// Matrix, range, primaries and transfer of a frame: as signalled, else inferred from each other, else by the frame's size.
#[derive(Debug, Clone)]
pub struct Colour {
    /// How R, G and B became Y, Cb and Cr (ITU-T H.273, 8.3).
    pub matrix: Space,
    /// Whether Y spans 0 to 255 instead of 16 to 235.
    pub full_range: bool,
    /// What red, green and blue are (8.1).
    pub primaries: Primaries,
    /// How light became numbers (8.2).
    pub transfer: Transfer,
    /// Which of the four were not signalled.
    pub guessed: Vec<&'static str>,
}

/// A frame with more lines, or wider, is HD: without signalling its colours are those of ITU-R BT.709.
const SD: (u32, u32) = (1024, 576);

impl Colour {
    /// The colours of a frame. The rules for missing parts are those of mpv: HDR transfers imply BT.2020 (ITU-R BT.2100), wide-gamut matrices
    /// and primaries imply each other, and the size decides about the rest.
    pub(super) fn of(video: &ff::frame::Video) -> Self {
        let mut guessed = Vec::new();
        let rgb = is_rgb(video.format());
        let signalled = Signalled {
            matrix: match video.color_space() {
                Space::RGB if rgb => Some(Space::RGB),
                // The tag of RGB is wrong on a YUV frame
                Space::Unspecified | Space::Reserved | Space::RGB => None,
                matrix => Some(matrix),
            },
            primaries: match video.color_primaries() {
                Primaries::Unspecified | Primaries::Reserved | Primaries::Reserved0 => None,
                primaries => Some(primaries),
            },
            transfer: match video.color_transfer_characteristic() {
                Transfer::Unspecified | Transfer::Reserved | Transfer::Reserved0 => None,
                transfer => Some(transfer),
            },
        };
        let full_range = match video.color_range() {
            Range::JPEG => Some(true),
            Range::MPEG => Some(false),
            Range::Unspecified => None,
        };
        let size = (video.width(), video.height());
        let mut or = |value: bool, what| {
            if !value {
                guessed.push(what);
            }
        };
        or(signalled.matrix.is_some(), "matrix");
        or(full_range.is_some(), "range");
        or(signalled.primaries.is_some(), "primaries");
        or(signalled.transfer.is_some(), "transfer");
        Self {
            matrix: if rgb { Space::RGB } else { signalled.matrix(size) },
            full_range: full_range.unwrap_or(rgb || is_full_range(video.format())),
            primaries: signalled.primaries(size),
            transfer: signalled.transfer(size),
            guessed,
        }
    }

    /// The luma coefficients. Fails with `unsupported` for matrices that have none.
    pub(super) fn coefficients(&self) -> Result<Coefficients, Error> {
        match self.matrix {
            Space::BT709 | Space::RGB => Ok(Coefficients::BT709),
            Space::BT470BG | Space::SMPTE170M => Ok(Coefficients::BT601),
            Space::BT2020NCL | Space::BT2020CL => Ok(Coefficients::BT2020),
            Space::SMPTE240M => Ok(Coefficients::SMPTE240),
            Space::FCC => Ok(Coefficients::FCC),
            Space::ChromaDerivedNCL | Space::ChromaDerivedCL => self.derived_coefficients(),
            _ => Err(self.unsupported()),
        }
    }

    /// H.273, equations 39 to 44. The rounded coefficients of BT.709 and BT.2020 are their standards' own.
    fn derived_coefficients(&self) -> Result<Coefficients, Error> {
        let chromaticities = match self.primaries {
            Primaries::BT709 => return Ok(Coefficients::BT709),
            Primaries::BT2020 => return Ok(Coefficients::BT2020),
            Primaries::BT470M => Chromaticities::BT470M,
            Primaries::BT470BG => Chromaticities::BT470BG,
            Primaries::SMPTE170M | Primaries::SMPTE240M => Chromaticities::SMPTE170M,
            Primaries::Film => Chromaticities::FILM,
            Primaries::SMPTE431 => Chromaticities::DCI_P3,
            Primaries::SMPTE432 => Chromaticities::DISPLAY_P3,
            Primaries::EBU3213 => Chromaticities::EBU3213,
            _ => return Err(self.unsupported()),
        };
        Ok(chromaticities.coefficients())
    }

    /// How a frame of `depth` bits becomes R'G'B' if its matrix is not one of luma coefficients, which libswscale can convert. Fails with
    /// `unsupported` if nobody can.
    #[cfg_attr(not(feature = "vendored"), expect(unused_variables, reason = "older versions of libavutil have no YCgCo-R"))]
    pub(super) fn opponent(&self, depth: u32) -> Result<Option<Opponent>, Error> {
        Ok(Some(match self.matrix {
            Space::YCGCO => Opponent::ycgco(),
            #[cfg(feature = "vendored")]
            Space::YCGCO_RE => Opponent::ycgco_r(depth, 2),
            #[cfg(feature = "vendored")]
            Space::YCGCO_RO => Opponent::ycgco_r(depth, 1),
            Space::BT2020CL | Space::ChromaDerivedCL => Opponent::constant_luminance(self.coefficients()?, self.curve()?),
            Space::ICTCP => match self.transfer {
                Transfer::SMPTE2084 => Opponent::ictcp(TransferFunction::Pq),
                Transfer::ARIB_STD_B67 => Opponent::ictcp(TransferFunction::Hlg),
                _ => return Err(self.unsupported()),
            },
            _ => {
                self.coefficients()?;
                return Ok(None);
            }
        }))
    }

    fn curve(&self) -> Result<TransferFunction, Error> {
        match self.transfer {
            Transfer::BT709 | Transfer::SMPTE170M | Transfer::BT2020_10 | Transfer::BT2020_12 => Ok(TransferFunction::Bt709),
            Transfer::SMPTE2084 => Ok(TransferFunction::Pq),
            Transfer::ARIB_STD_B67 => Ok(TransferFunction::Hlg),
            _ => Err(self.unsupported()),
        }
    }

    fn unsupported(&self) -> Error {
        let ColorReport { matrix, primaries, transfer, .. } = self.report();
        let what = format!("the colour matrix {matrix} with primaries {primaries} and transfer {transfer} cannot be converted");
        Error::new(ErrorKind::Unsupported, what).with_hint("choose another Variant with --variant")
    }

    /// The gamut that its R, G and B span.
    pub(super) fn gamut(&self) -> Gamut {
        match self.primaries {
            Primaries::BT2020 => Gamut::Bt2020,
            Primaries::SMPTE431 | Primaries::SMPTE432 => Gamut::P3,
            _ => Gamut::Bt709,
        }
    }

    /// libavutil's names, for the report.
    pub fn report(&self) -> ColorReport {
        let text = |name: *const c_char| {
            if name.is_null() {
                return "unknown".to_owned();
            }
            // SAFETY: libavutil's names are static strings, or null for values it does not know, which was checked.
            unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
        };
        // SAFETY: the functions take any value and return a static string or null.
        let (matrix, primaries, transfer) = unsafe {
            (
                ffi::av_color_space_name(self.matrix.into()),
                ffi::av_color_primaries_name(self.primaries.into()),
                ffi::av_color_transfer_name(self.transfer.into()),
            )
        };
        ColorReport {
            matrix: text(matrix),
            primaries: text(primaries),
            transfer: text(transfer),
            range: if self.full_range { "full" } else { "limited" },
            guessed: self.guessed.clone(),
        }
    }
}

/// What a stream says about its colours.
#[derive(Debug, Clone, Copy)]
struct Signalled {
    matrix: Option<Space>,
    primaries: Option<Primaries>,
    transfer: Option<Transfer>,
}

impl Signalled {
    fn is_hdr(self) -> bool {
        matches!(self.transfer, Some(Transfer::SMPTE2084 | Transfer::ARIB_STD_B67))
    }

    fn matrix(self, size: (u32, u32)) -> Space {
        let wide_transfer = self.is_hdr() || matches!(self.transfer, Some(Transfer::BT2020_10 | Transfer::BT2020_12));
        match (self.matrix, self.primaries) {
            (Some(matrix), _) => matrix,
            (None, Some(Primaries::BT2020)) => Space::BT2020NCL,
            // Graded in a smaller gamut, but encoded as BT.2100 asks
            (None, None | Some(Primaries::SMPTE431 | Primaries::SMPTE432)) if wide_transfer => Space::BT2020NCL,
            _ if is_hd(size) => Space::BT709,
            _ if has_525_lines(size) => Space::SMPTE170M,
            _ => Space::BT470BG,
        }
    }

    fn primaries(self, size: (u32, u32)) -> Primaries {
        match (self.primaries, self.matrix) {
            (Some(primaries), _) => primaries,
            (None, Some(Space::BT2020NCL | Space::BT2020CL | Space::ICTCP)) => Primaries::BT2020,
            _ if self.is_hdr() => Primaries::BT2020,
            (None, Some(Space::BT709)) => Primaries::BT709,
            (None, None) if matches!(self.transfer, Some(Transfer::BT2020_10 | Transfer::BT2020_12)) => Primaries::BT2020,
            _ if is_hd(size) => Primaries::BT709,
            _ if has_525_lines(size) => Primaries::SMPTE170M,
            _ => Primaries::BT470BG,
        }
    }

    fn transfer(self, size: (u32, u32)) -> Transfer {
        match (self.transfer, self.matrix, self.primaries) {
            (Some(transfer), ..) => transfer,
            // Without a word on it PQ is far more common than HLG
            (None, Some(Space::ICTCP), _) => Transfer::SMPTE2084,
            (None, Some(Space::BT2020NCL | Space::BT2020CL), _) | (None, _, Some(Primaries::BT2020)) => Transfer::BT2020_10,
            (None, Some(Space::BT709), _) | (None, _, Some(Primaries::BT709)) => Transfer::BT709,
            _ if is_hd(size) => Transfer::BT709,
            _ => Transfer::SMPTE170M,
        }
    }
}

fn is_hd((width, height): (u32, u32)) -> bool {
    height.min(width) > SD.1 || width.max(height) > SD.0
}

fn has_525_lines((_, height): (u32, u32)) -> bool {
    matches!(height, 480 | 486 | 240)
}

fn is_full_range(format: ff::format::Pixel) -> bool {
    use ff::format::Pixel;
    matches!(format, Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ440P | Pixel::YUVJ444P | Pixel::YUVJ411P)
}

/// Whether a pixel format holds R, G and B (`AV_PIX_FMT_FLAG_RGB`).
pub(super) fn is_rgb(format: ff::format::Pixel) -> bool {
    // SAFETY: returns null or a static descriptor.
    unsafe {
        let descriptor = ffi::av_pix_fmt_desc_get(format.into());
        !descriptor.is_null() && (*descriptor).flags & ffi::AV_PIX_FMT_FLAG_RGB as u64 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(matrix: Option<Space>, primaries: Option<Primaries>, transfer: Option<Transfer>) -> (Space, Primaries, Transfer) {
        let signalled = Signalled { matrix, primaries, transfer };
        let size = (1280, 720);
        (signalled.matrix(size), signalled.primaries(size), signalled.transfer(size))
    }

    #[test]
    fn hdr_transfers_imply_bt2020() {
        for transfer in [Transfer::SMPTE2084, Transfer::ARIB_STD_B67] {
            let whole = (Space::BT2020NCL, Primaries::BT2020, transfer);
            assert_eq!(inferred(None, None, Some(transfer)), whole);
            assert_eq!(inferred(Some(Space::BT2020NCL), None, Some(transfer)), whole);
            assert_eq!(inferred(None, Some(Primaries::BT2020), Some(transfer)), whole);
            let p3 = inferred(None, Some(Primaries::SMPTE432), Some(transfer));
            assert_eq!(p3, (Space::BT2020NCL, Primaries::SMPTE432, transfer));
        }
    }

    #[test]
    fn wide_gamut_parts_imply_each_other() {
        let whole = (Space::BT2020NCL, Primaries::BT2020, Transfer::BT2020_10);
        assert_eq!(inferred(Some(Space::BT2020NCL), None, None), whole);
        assert_eq!(inferred(None, Some(Primaries::BT2020), None), whole);
        assert_eq!(inferred(None, None, Some(Transfer::BT2020_10)), whole);
        assert_eq!(inferred(Some(Space::ICTCP), None, None), (Space::ICTCP, Primaries::BT2020, Transfer::SMPTE2084));
    }

    #[test]
    fn signalled_parts_stay() {
        let odd = (Space::BT709, Primaries::BT709, Transfer::SMPTE2084);
        assert_eq!(inferred(Some(odd.0), Some(odd.1), Some(odd.2)), odd);
        assert_eq!(inferred(None, Some(Primaries::BT709), Some(Transfer::ARIB_STD_B67)).0, Space::BT709);
        assert_eq!(inferred(None, None, None), (Space::BT709, Primaries::BT709, Transfer::BT709));
    }
}
