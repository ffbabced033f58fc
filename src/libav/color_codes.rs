//! The color codes of a frame (ITU-T H.273), as the bitstream or the container signals them.

pub use ff::color::{Primaries as PrimariesCode, Space as MatrixCode, TransferCharacteristic as TransferCode};
use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

/// The largest codes that H.273 defines for range, matrix, primaries and transfer.
const LARGEST_CODES: [u32; 4] = [2, LARGEST_MATRIX, LARGEST_PRIMARIES, 18];
/// Older versions of libavutil do not define IPT-C2 and YCgCo-R.
const LARGEST_MATRIX: u32 = if cfg!(feature = "vendored") { 17 } else { 14 };
const LARGEST_PRIMARIES: u32 = 22;
/// "Unspecified" of each.
const UNSPECIFIED: [u32; 4] = [0, 2, 2, 2];

/// Color codes, each `None` if it is not signaled.
#[derive(Debug, Clone, Copy)]
pub struct ColorCodes {
    /// Matrix coefficients (H.273, 8.3).
    pub matrix: Option<MatrixCode>,
    /// Whether the samples have the full range.
    pub full_range: Option<bool>,
    /// Color primaries (H.273, 8.1).
    pub primaries: Option<PrimariesCode>,
    /// Transfer characteristics (H.273, 8.2).
    pub transfer: Option<TransferCode>,
}

impl ColorCodes {
    pub(super) fn of(video: &ff::frame::Video) -> Self {
        use ff::color::Range;
        Self {
            matrix: Some(video.color_space()).filter(|code| !matches!(code, MatrixCode::Unspecified | MatrixCode::Reserved)),
            full_range: match video.color_range() {
                Range::JPEG => Some(true),
                Range::MPEG => Some(false),
                Range::Unspecified => None,
            },
            primaries: Some(video.color_primaries())
                .filter(|code| !matches!(code, PrimariesCode::Unspecified | PrimariesCode::Reserved | PrimariesCode::Reserved0)),
            transfer: Some(video.color_transfer_characteristic())
                .filter(|code| !matches!(code, TransferCode::Unspecified | TransferCode::Reserved | TransferCode::Reserved0)),
        }
    }
}

/// The numbers of primaries, transfer and matrix in ITU-T H.273.
pub fn h273_numbers(primaries: PrimariesCode, transfer: TransferCode, matrix: MatrixCode) -> [u16; 3] {
    [
        ffi::AVColorPrimaries::from(primaries) as u16,
        ffi::AVColorTransferCharacteristic::from(transfer) as u16,
        ffi::AVColorSpace::from(matrix) as u16,
    ]
}

/// Takes color codes that the bitstream does not signal from the container (`colr`, ISO/IEC 14496-12, 12.1.5), and replaces reserved codes
/// by "unspecified": decoders pass any number through, and a Rust enum must not hold an unknown one.
pub(super) fn fill_in_color_codes(video: &mut ff::frame::Video, stream: *mut ffi::AVStream) {
    // SAFETY: the caller owns the frame; the stream is open and its `codecpar` never null. The fields are C enums of 32 bits. They are
    // read and written as numbers, since only the numbers that bindgen knows are values of the Rust types.
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
            let is_defined = |code: u32| code <= largest && (largest != LARGEST_PRIMARIES || !(13..22).contains(&code));
            let codes = [own.read(), container.read()];
            *own = codes.into_iter().find(|code| is_defined(*code) && *code != unspecified).unwrap_or(unspecified);
        }
    }
}
