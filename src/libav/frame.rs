//! A decoded frame and what its numbers mean.

use std::{
    ffi::{CStr, c_char},
    hash::{DefaultHasher, Hasher},
};

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{demuxer::codec_name, metadata};
use crate::{
    picture::{Orientation, Shape},
    report::ColorReport,
};

/// One decoded frame.
pub struct Frame {
    video: ff::frame::Video,
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Pixels across and down before cropping, as coded.
    pub coded: (u32, u32),
    /// Size, pixel shape and orientation for display.
    pub shape: Shape,
    /// Of Dolby Vision: the profile, and what its base layer is compatible with.
    pub(super) dolby_vision: Option<(u8, u8)>,
}

impl Frame {
    pub(super) fn new(mut video: ff::frame::Video, stream: *mut ffi::AVStream, decoder: *mut ffi::AVCodecContext) -> Self {
        settle_colour(&mut video, stream);
        if let Some(cropping) = metadata::cropping(stream) {
            cut_off(&mut video, cropping);
        }
        // SAFETY: the decoder hands over the stream it was made for, and itself, both still open; the frame is one of its own.
        // `av_guess_sample_aspect_ratio` reads all three, and with a null format context lets the container win.
        let (coded, aspect) = unsafe {
            let frame = video.as_ptr().cast_mut();
            let aspect = ffi::av_guess_sample_aspect_ratio(std::ptr::null_mut(), stream, frame);
            let coded = ((*decoder).coded_width.max((*frame).width), (*decoder).coded_height.max((*frame).height));
            (coded, aspect)
        };
        let aspect = match (u32::try_from(aspect.num), u32::try_from(aspect.den)) {
            (Ok(across), Ok(down)) if across > 0 && down > 0 => (across, down),
            _ => (1, 1),
        };
        let orientation = metadata::display_matrix(&video, stream).map_or(Orientation::UPRIGHT, |matrix| Orientation::of_matrix(&matrix));
        let shape = Shape { width: video.width(), height: video.height(), sample_aspect_ratio: aspect, orientation };
        Self {
            codec: codec_name(stream),
            coded: (coded.0.unsigned_abs(), coded.1.unsigned_abs()),
            shape,
            dolby_vision: metadata::dolby_vision(stream),
            video,
        }
    }

    /// The frame of a picture that is no stream's: upright, with square pixels.
    pub(super) fn of_still(video: ff::frame::Video, codec: &'static str) -> Self {
        let (width, height) = (video.width(), video.height());
        let shape = Shape { width, height, sample_aspect_ratio: (1, 1), orientation: Orientation::UPRIGHT };
        Self { codec, coded: (width, height), shape, dolby_vision: None, video }
    }

    /// Whether nothing was missing, damaged or concealed, as far as the decoder can tell.
    pub fn is_clean(&self) -> bool {
        !self.video.is_corrupt() && !self.video.has_decode_errors() && self.video.width() > 0 && self.video.height() > 0
    }

    /// Whether all of it was there, as far as the decoder can tell. H.264's decoder marks frames as corrupt for where decoding began, which
    /// random access knows better; references that are missing count if `references_count`.
    pub(super) fn is_whole(&self, references_count: bool) -> bool {
        // SAFETY: the frame is valid; the field is a C int of flags.
        let errors = unsafe { (*self.video.as_ptr()).decode_error_flags };
        let counted = if references_count { errors } else { errors & !ffi::FF_DECODE_ERROR_MISSING_REFERENCE };
        let is_corrupt = self.video.is_corrupt() && self.codec != "h264";
        counted == 0 && !is_corrupt && self.video.width() > 0 && self.video.height() > 0
    }

    /// A number that another picture has not, but by a chance of 2^-64: of all the bytes of its planes.
    pub(super) fn fingerprint(&self) -> Option<u64> {
        // SAFETY: the frame is a decoder's own, whose planes hold what its format and size say. The first call computes how large a packed
        // copy is, the second writes no more than that into `bytes`.
        let bytes = unsafe {
            let frame = self.video.as_ptr();
            let (width, height) = ((*frame).width, (*frame).height);
            let format: ffi::AVPixelFormat = self.video.format().into();
            let size = ffi::av_image_get_buffer_size(format, width, height, 1);
            let mut bytes = vec![0_u8; usize::try_from(size).ok()?];
            let (planes, strides) = ((*frame).data.as_ptr().cast(), (*frame).linesize.as_ptr());
            let copied = ffi::av_image_copy_to_buffer(bytes.as_mut_ptr(), size, planes, strides, format, width, height, 1);
            (copied == size).then_some(bytes)?
        };
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        Some(hasher.finish())
    }

    /// Whether it can be decoded by itself.
    pub fn is_key(&self) -> bool {
        self.video.is_key()
    }

    /// Whether it consists of two fields.
    pub fn is_interlaced(&self) -> bool {
        self.video.is_interlaced()
    }

    /// The pts of the packet that it came with: there, the access unit's number.
    pub(super) fn number(&self) -> Option<i64> {
        self.video.pts().or(self.video.timestamp())
    }

    /// The brightest light in the programme, in cd/m², where static metadata tell it.
    pub(super) fn peak(&self) -> Option<f32> {
        metadata::peak(&self.video)
    }

    /// What its numbers mean.
    pub fn colour(&self) -> Colour {
        Colour::of(&self.video)
    }

    pub(super) fn video(&self) -> &ff::frame::Video {
        &self.video
    }
}

/// Leaves out what lies outside of the clean aperture, where that leaves anything.
fn cut_off(video: &mut ff::frame::Video, [top, bottom, left, right]: [u32; 4]) {
    let fits = |one: u32, other: u32, all: u32| one.checked_add(other).is_some_and(|sum| sum < all);
    if !fits(top, bottom, video.height()) || !fits(left, right, video.width()) {
        return;
    }
    // SAFETY: the frame is ours to change, and what is cut off lies inside of it. The call moves pointers alone; where it fails, the frame
    // is whole.
    unsafe {
        let frame = video.as_mut_ptr();
        (*frame).crop_top = top as usize;
        (*frame).crop_bottom = bottom as usize;
        (*frame).crop_left = left as usize;
        (*frame).crop_right = right as usize;
        ffi::av_frame_apply_cropping(frame, ffi::AV_FRAME_CROP_UNALIGNED as i32);
    }
}

/// The largest codes that ITU-T H.273 gives a meaning to, for range, matrix, primaries and transfer.
const LARGEST_CODES: [u32; 4] = [2, 14, PRIMARIES_LARGEST, 18];
const PRIMARIES_LARGEST: u32 = 22;
/// "Unspecified" of each.
const UNSPECIFIED: [u32; 4] = [0, 2, 2, 2];

/// Takes what the bitstream leaves open about colour from the container (`colr`, ISO/IEC 14496-12, 12.1.5), and takes away codes that mean
/// nothing: decoders hand on whatever number the stream has, and an enum of Rust's must not hold it.
fn settle_colour(video: &mut ff::frame::Video, stream: *mut ffi::AVStream) {
    // SAFETY: the frame is ours to change; the stream is open and its `codecpar` never null. The fields are C enums of 32 bits, which
    // are read and written as numbers, since only those that bindgen knows are values of the Rust types.
    unsafe {
        let (frame, told) = (video.as_mut_ptr(), (*stream).codecpar);
        let fields: [(*mut u32, *const u32); 4] = [
            ((&raw mut (*frame).color_range).cast(), (&raw const (*told).color_range).cast()),
            ((&raw mut (*frame).colorspace).cast(), (&raw const (*told).color_space).cast()),
            ((&raw mut (*frame).color_primaries).cast(), (&raw const (*told).color_primaries).cast()),
            ((&raw mut (*frame).color_trc).cast(), (&raw const (*told).color_trc).cast()),
        ];
        for (((own, told), largest), unspecified) in fields.into_iter().zip(LARGEST_CODES).zip(UNSPECIFIED) {
            // Among the primaries 13 to 21 are reserved
            let known = |code: u32| code <= largest && (largest != PRIMARIES_LARGEST || !(13..22).contains(&code));
            let codes = [own.read(), told.read()];
            *own = codes.into_iter().find(|code| known(*code) && *code != unspecified).unwrap_or(unspecified);
        }
    }
}

/// Matrix, range, primaries and transfer of a frame: as signalled, or by the field's custom where nothing is.
#[derive(Debug, Clone)]
pub struct Colour {
    /// How R, G and B became Y, Cb and Cr (ITU-T H.273, 8.3).
    pub matrix: ff::color::Space,
    /// Whether Y spans 0 to 255 instead of 16 to 235.
    pub full_range: bool,
    /// What red, green and blue are (8.1).
    pub primaries: ff::color::Primaries,
    /// How light became numbers (8.2).
    pub transfer: ff::color::TransferCharacteristic,
    /// Which of the four were not signalled.
    pub guessed: Vec<&'static str>,
}

/// Above this many lines, or this wide, a stream without a word on colour is taken for HD (ITU-R BT.709).
const SD: (u32, u32) = (1024, 576);

impl Colour {
    fn of(video: &ff::frame::Video) -> Self {
        use ff::color::{Primaries, Range, Space, TransferCharacteristic as Transfer};
        let hd = video.height().min(video.width()) > SD.1 || video.width().max(video.height()) > SD.0;
        let lines_525 = matches!(video.height(), 480 | 486 | 240);
        let mut guessed = Vec::new();
        let mut guess = |what| guessed.push(what);
        let rgb = is_rgb(video.format());
        let matrix = match video.color_space() {
            Space::RGB if rgb => Space::RGB,
            // RGB's tag on a YUV frame cannot be true
            Space::Unspecified | Space::Reserved | Space::RGB => {
                guess("matrix");
                match (rgb, hd, lines_525) {
                    (true, ..) => Space::RGB,
                    (_, true, _) => Space::BT709,
                    (_, _, true) => Space::SMPTE170M,
                    _ => Space::BT470BG,
                }
            }
            told => told,
        };
        let full_range = match video.color_range() {
            Range::JPEG => true,
            Range::MPEG => false,
            Range::Unspecified => {
                guess("range");
                rgb || is_full_range(video.format())
            }
        };
        let primaries = match video.color_primaries() {
            Primaries::Unspecified | Primaries::Reserved | Primaries::Reserved0 => {
                guess("primaries");
                match (hd, lines_525) {
                    (true, _) => Primaries::BT709,
                    (_, true) => Primaries::SMPTE170M,
                    _ => Primaries::BT470BG,
                }
            }
            told => told,
        };
        let transfer = match video.color_transfer_characteristic() {
            Transfer::Unspecified | Transfer::Reserved | Transfer::Reserved0 => {
                guess("transfer");
                if hd { Transfer::BT709 } else { Transfer::SMPTE170M }
            }
            told => told,
        };
        Self { matrix, full_range, primaries, transfer, guessed }
    }

    /// libavutil's names, for the report.
    pub fn report(&self) -> ColorReport {
        let text = |name: *const c_char| {
            if name.is_null() {
                return "unknown".to_owned();
            }
            // SAFETY: libavutil's names are static strings, or null for values it does not know, which was seen to.
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
