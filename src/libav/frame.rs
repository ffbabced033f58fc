//! A decoded frame with its properties.

use std::hash::{DefaultHasher, Hasher};

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    colour::{Colour, settle_colour},
    metadata,
    stream::codec_name,
};
use crate::render::{Orientation, Shape};

/// One decoded frame.
pub struct Frame {
    video: ff::frame::Video,
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Width and height in pixels as coded, before cropping.
    pub coded: (u32, u32),
    /// Size, sample aspect ratio and orientation for display.
    pub shape: Shape,
    /// Dolby Vision's profile and base layer compatibility; see [`metadata::dolby_vision`].
    pub(super) dolby_vision: Option<(u8, u8)>,
}

impl Frame {
    pub(super) fn new(mut video: ff::frame::Video, stream: *mut ffi::AVStream, decoder: *mut ffi::AVCodecContext) -> Self {
        settle_colour(&mut video, stream);
        if let Some(cropping) = metadata::cropping(stream) {
            crop(&mut video, cropping);
        }
        // SAFETY: the decoder passes the stream that it was opened for, and its context, both open; the frame is one of its own.
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

    /// The frame of a still image: upright, with square pixels.
    pub(super) fn of_still(video: ff::frame::Video, codec: &'static str) -> Self {
        let (width, height) = (video.width(), video.height());
        let shape = Shape { width, height, sample_aspect_ratio: (1, 1), orientation: Orientation::UPRIGHT };
        Self { codec, coded: (width, height), shape, dolby_vision: None, video }
    }

    /// Whether the decoder reports nothing missing, damaged or concealed.
    pub fn is_clean(&self) -> bool {
        !self.video.is_corrupt() && !self.video.has_decode_errors() && self.video.width() > 0 && self.video.height() > 0
    }

    /// Whether the decoder reports nothing missing. With `requires_references`, missing references count. H.264's corrupt flag is ignored: it
    /// only says that decoding started shortly before, which the entry point decides more precisely.
    pub(super) fn is_whole(&self, requires_references: bool) -> bool {
        // SAFETY: the frame is valid; the field is a C int of flags.
        let errors = unsafe { (*self.video.as_ptr()).decode_error_flags };
        let counted = if requires_references { errors } else { errors & !ffi::FF_DECODE_ERROR_MISSING_REFERENCE };
        let is_corrupt = self.video.is_corrupt() && self.codec != "h264";
        counted == 0 && !is_corrupt && self.video.width() > 0 && self.video.height() > 0
    }

    /// A 64-bit hash of all bytes of the planes.
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

    /// Whether it is a key frame.
    pub fn is_key(&self) -> bool {
        self.video.is_key()
    }

    /// Whether it consists of two fields.
    pub fn is_interlaced(&self) -> bool {
        self.video.is_interlaced()
    }

    /// The packet's pts, in which this module passes the access unit's index through the decoder.
    pub(super) fn access_unit_index(&self) -> Option<i64> {
        self.video.pts().or(self.video.timestamp())
    }

    /// The peak luminance of the programme in cd/m², if static metadata give it.
    pub(super) fn peak(&self) -> Option<f32> {
        metadata::peak(&self.video)
    }

    /// How its samples code colour.
    pub fn colour(&self) -> Colour {
        Colour::of(&self.video)
    }

    /// This frame with other samples, and their size.
    pub(super) fn with_video(self, video: ff::frame::Video) -> Self {
        let shape = Shape { width: video.width(), height: video.height(), ..self.shape };
        Self { video, shape, ..self }
    }

    pub(super) fn video(&self) -> &ff::frame::Video {
        &self.video
    }
}

/// Crops a frame, unless nothing would be left.
fn crop(video: &mut ff::frame::Video, [top, bottom, left, right]: [u32; 4]) {
    let fits = |one: u32, other: u32, all: u32| one.checked_add(other).is_some_and(|sum| sum < all);
    if !fits(top, bottom, video.height()) || !fits(left, right, video.width()) {
        return;
    }
    // SAFETY: the frame is ours to change, and the cropping lies inside of it. The call moves pointers alone; if it fails, the frame stays
    // uncropped.
    unsafe {
        let frame = video.as_mut_ptr();
        (*frame).crop_top = top as usize;
        (*frame).crop_bottom = bottom as usize;
        (*frame).crop_left = left as usize;
        (*frame).crop_right = right as usize;
        ffi::av_frame_apply_cropping(frame, ffi::AV_FRAME_CROP_UNALIGNED as i32);
    }
}
