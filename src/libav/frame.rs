//! A decoded frame and the facts that decoder and container give about it. The rendering room interprets them.

use std::hash::{DefaultHasher, Hasher};

use ffmpeg_next::{self as ff, format::Pixel as PixelFormat};
use ffmpeg_sys_next as ffi;

use super::{
    color_codes::{ColorCodes, fill_in_color_codes},
    light_metadata::{ContentLight, MasteringDisplay},
    metadata,
    stream::codec_name,
};

/// One decoded frame.
pub struct Frame {
    video: ff::frame::Video,
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Width and height in pixels as coded, before cropping.
    pub coded_size: (u32, u32),
    /// Width to height of a pixel: 4:3 is `(4, 3)`. Square if the stream does not signal it.
    pub sample_aspect_ratio: (u32, u32),
    /// The display matrix (ISO/IEC 14496-12, 6.2.2).
    pub display_matrix: Option<[i32; 9]>,
    /// The Dolby Vision profile and `dv_bl_signal_compatibility_id` (0: the base layer is not viewable by itself).
    pub dolby_vision: Option<(u8, u8)>,
}

/// Which field of an interlaced frame is the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOrder {
    /// The top field, with the even lines.
    TopFirst,
    /// The bottom field, with the odd lines.
    BottomFirst,
}

impl Frame {
    pub(super) fn new(mut video: ff::frame::Video, stream: *mut ffi::AVStream, decoder: *mut ffi::AVCodecContext) -> Self {
        fill_in_color_codes(&mut video, stream);
        if let Some(cropping) = metadata::cropping(stream) {
            apply_clean_aperture(&mut video, cropping);
        }
        // SAFETY: the decoder passes the stream that it was opened for, and its context, both open; the frame is one of its own.
        // `av_guess_sample_aspect_ratio` reads all three, and with a null format context lets the container win.
        let (coded_size, sample_aspect_ratio) = unsafe {
            let frame = video.as_ptr().cast_mut();
            let aspect = ffi::av_guess_sample_aspect_ratio(std::ptr::null_mut(), stream, frame);
            let coded_size = ((*decoder).coded_width.max((*frame).width), (*decoder).coded_height.max((*frame).height));
            (coded_size, aspect)
        };
        let sample_aspect_ratio = match (u32::try_from(sample_aspect_ratio.num), u32::try_from(sample_aspect_ratio.den)) {
            (Ok(width), Ok(height)) if width > 0 && height > 0 => (width, height),
            _ => (1, 1),
        };
        Self {
            codec: codec_name(stream),
            coded_size: (coded_size.0.unsigned_abs(), coded_size.1.unsigned_abs()),
            sample_aspect_ratio,
            display_matrix: metadata::display_matrix(&video, stream),
            dolby_vision: metadata::dolby_vision(stream),
            video,
        }
    }

    /// The frame of a still image: upright, with square pixels.
    pub(super) fn of_still(video: ff::frame::Video, codec: &'static str) -> Self {
        let coded_size = (video.width(), video.height());
        Self { codec, coded_size, sample_aspect_ratio: (1, 1), display_matrix: None, dolby_vision: None, video }
    }

    /// Whether the decoder reports nothing missing, damaged or concealed.
    pub fn is_clean(&self) -> bool {
        !self.video.is_corrupt() && !self.video.has_decode_errors() && self.video.width() > 0 && self.video.height() > 0
    }

    /// Whether all blocks were decoded. With `requires_references`, a missing reference makes the frame incomplete. Ignores H.264's corrupt
    /// flag, which only says that decoding started shortly before; the entry point decides that more precisely. [`is_clean`](Self::is_clean)
    /// is stricter: it accepts no flag of the decoder.
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

    /// Whether the decoder flags it as interlaced.
    pub fn is_interlaced(&self) -> bool {
        self.video.is_interlaced()
    }

    /// The order of the fields, if the decoder flags the frame as interlaced.
    pub fn field_order(&self) -> Option<FieldOrder> {
        let order = if self.video.is_top_first() { FieldOrder::TopFirst } else { FieldOrder::BottomFirst };
        self.is_interlaced().then_some(order)
    }

    /// Width and height in pixels, after cropping.
    pub fn size(&self) -> (u32, u32) {
        (self.video.width(), self.video.height())
    }

    /// libavutil's pixel format.
    pub fn pixel_format(&self) -> PixelFormat {
        self.video.format()
    }

    /// Matrix, range, primaries and transfer as the bitstream or the container signals them.
    pub fn color_codes(&self) -> ColorCodes {
        ColorCodes::of(&self.video)
    }

    /// The peak luminance of the program in cd/m², if static metadata give it.
    pub fn peak_luminance(&self) -> Option<f32> {
        metadata::peak_luminance(&self.video)
    }

    /// The light level of the program's content, if it is signaled.
    pub fn content_light(&self) -> Option<ContentLight> {
        ContentLight::of(&self.video)
    }

    /// The display that the program was graded on, if it is signaled.
    pub fn mastering_display(&self) -> Option<MasteringDisplay> {
        MasteringDisplay::of(&self.video)
    }

    /// The pts of the packet, in which this room passes the index of the access unit through the decoder.
    pub(super) fn access_unit_index(&self) -> Option<i64> {
        self.video.pts().or(self.video.timestamp())
    }

    /// The same facts with other samples, whose size becomes the frame's.
    pub(super) fn with_video(self, video: ff::frame::Video) -> Self {
        Self { video, ..self }
    }

    /// A second reference to the same samples, with the same facts. Changing samples through one reference copies them first. `None` if
    /// memory runs out.
    pub fn share(&self) -> Option<Self> {
        let mut video = ff::frame::Video::empty();
        // SAFETY: `video` is blank, and a decoder's frame holds reference-counted buffers, whose counts are atomic. The call only reads `self`.
        let code = unsafe { ffi::av_frame_ref(video.as_mut_ptr(), self.video.as_ptr()) };
        (code >= 0).then_some(Self { video, ..*self })
    }

    /// The size of its buffers in bytes.
    pub fn buffer_bytes(&self) -> usize {
        // SAFETY: the frame is valid; a buffer that is not null has a size.
        let sizes = unsafe { (*self.video.as_ptr()).buf.map(|buffer| buffer.as_ref().map_or(0, |buffer| buffer.size)) };
        sizes.into_iter().sum()
    }

    pub(super) fn video(&self) -> &ff::frame::Video {
        &self.video
    }

    /// The samples without the facts.
    pub(crate) fn into_video(self) -> ff::frame::Video {
        self.video
    }
}

/// Crops to the clean aperture, unless that leaves nothing.
fn apply_clean_aperture(video: &mut ff::frame::Video, [top, bottom, left, right]: [u32; 4]) {
    let leaves_pixels = |one: u32, other: u32, all: u32| one.checked_add(other).is_some_and(|sum| sum < all);
    if !leaves_pixels(top, bottom, video.height()) || !leaves_pixels(left, right, video.width()) {
        return;
    }
    // SAFETY: this function owns the frame, and the cropping lies inside of it. The call only moves pointers; if it fails, the frame is
    // unchanged.
    unsafe {
        let frame = video.as_mut_ptr();
        (*frame).crop_top = top as usize;
        (*frame).crop_bottom = bottom as usize;
        (*frame).crop_left = left as usize;
        (*frame).crop_right = right as usize;
        ffi::av_frame_apply_cropping(frame, ffi::AV_FRAME_CROP_UNALIGNED as i32);
    }
}
