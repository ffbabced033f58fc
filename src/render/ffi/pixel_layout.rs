//! How a pixel format stores its samples (`av_pix_fmt_desc_get`).

use ffmpeg_sys_next as ffi;

use crate::libav::PixelFormat;

/// libavutil's description of a pixel format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelLayout {
    /// Whether the components are R, G and B (`AV_PIX_FMT_FLAG_RGB`).
    pub is_rgb: bool,
    /// Bits of a sample of the first component.
    pub depth: u32,
    /// Components; of a plain format, as many planes.
    pub components: usize,
    /// Binary logarithms of how much smaller chroma is than luma, horizontally and vertically.
    pub chroma_shift: (usize, usize),
    /// Whether each component is a plane of YUV or gray samples: 8 bits in one byte, or up to 16 bits in two bytes in native order.
    pub is_plain_yuv: bool,
}

impl PixelLayout {
    /// Of unknown formats, that of 8 bits in nothing that can be read.
    pub fn of(format: PixelFormat) -> Self {
        // SAFETY: returns null or a static descriptor.
        let Some(descriptor) = (unsafe { ffi::av_pix_fmt_desc_get(format.into()).as_ref() }) else {
            return Self { is_rgb: false, depth: 8, components: 0, chroma_shift: (0, 0), is_plain_yuv: false };
        };
        let [first, ..] = descriptor.comp;
        let has = |flag: i32| descriptor.flags & u64::from(flag.cast_unsigned()) != 0;
        let is_rgb = has(ffi::AV_PIX_FMT_FLAG_RGB);
        let is_planar = has(ffi::AV_PIX_FMT_FLAG_PLANAR) || descriptor.nb_components == 1;
        let is_array = (first.depth == 8 && first.step == 1) || ((9..=16).contains(&first.depth) && first.step == 2);
        let is_foreign = is_rgb || has(ffi::AV_PIX_FMT_FLAG_BE) || has(ffi::AV_PIX_FMT_FLAG_HWACCEL);
        Self {
            is_rgb,
            depth: u32::try_from(first.depth).unwrap_or(8),
            components: usize::from(descriptor.nb_components),
            chroma_shift: (usize::from(descriptor.log2_chroma_w), usize::from(descriptor.log2_chroma_h)),
            is_plain_yuv: is_planar && is_array && !is_foreign,
        }
    }

    /// Binary logarithms of how much smaller a plane is than the frame.
    pub fn plane_shift(&self, plane: usize) -> (usize, usize) {
        if matches!(plane, 1 | 2) { self.chroma_shift } else { (0, 0) }
    }
}
