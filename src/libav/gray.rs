//! Grey frames as YUV with neutral chroma: libswscale takes every grey format for full range, whatever the frame says.

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{error::no_memory, scale::view};
use crate::error::Error;

/// The frame in the YUV format of the same depth; `None` if it has colours or is of a format that no video decoder gives.
pub(super) fn with_chroma(grey: &ff::frame::Video) -> Result<Option<ff::frame::Video>, Error> {
    use ff::format::Pixel;
    let (format, depth) = match grey.format() {
        Pixel::GRAY8 => (Pixel::YUV420P, 8),
        Pixel::GRAY9LE => (Pixel::YUV420P9LE, 9),
        Pixel::GRAY10LE => (Pixel::YUV420P10LE, 10),
        Pixel::GRAY12LE => (Pixel::YUV420P12LE, 12),
        Pixel::GRAY14LE => (Pixel::YUV420P14LE, 14),
        Pixel::GRAY16LE => (Pixel::YUV420P16LE, 16),
        _ => return Ok(None),
    };
    let (width, height) = (grey.width(), grey.height());
    let mut coloured = ff::frame::Video::new(format, width, height);
    // SAFETY: reads a pointer of a frame of our own. The properties are copied from a decoder's frame; side data may be lost for lack of
    // memory, which the conversion does not need.
    unsafe {
        if (*coloured.as_ptr()).buf.first().is_none_or(|buffer| buffer.is_null()) {
            return Err(no_memory());
        }
        ffi::av_frame_copy_props(coloured.as_mut_ptr(), grey.as_ptr());
    }
    let bytes = width as usize * if depth == 8 { 1 } else { 2 };
    let luma = view(grey, 0, bytes, height as usize)?;
    let stride = coloured.stride(0);
    for (index, row) in coloured.data_mut(0).chunks_mut(stride.max(1)).enumerate() {
        if let (Some(from), Some(to)) = (luma.row(index), row.get_mut(..bytes)) {
            to.copy_from_slice(from);
        }
    }
    let neutral = 1_u16 << (depth - 1);
    for plane in 1..3 {
        if depth == 8 {
            coloured.data_mut(plane).fill(128);
        } else {
            coloured.data_mut(plane).as_chunks_mut::<2>().0.fill(neutral.to_le_bytes());
        }
    }
    Ok(Some(coloured))
}
