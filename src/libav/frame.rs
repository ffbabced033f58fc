//! A decoded frame and what its numbers mean.

use std::hash::{DefaultHasher, Hasher};

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    colour::{Colour, settle_colour},
    demuxer::codec_name,
    metadata,
};
use crate::render::{Orientation, Shape};

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
    pub(super) fn access_unit_index(&self) -> Option<i64> {
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

    /// The same moment and meaning with another picture, whose size becomes the frame's.
    pub(super) fn with_video(self, video: ff::frame::Video) -> Self {
        let shape = Shape { width: video.width(), height: video.height(), ..self.shape };
        Self { video, shape, ..self }
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
