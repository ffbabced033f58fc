//! Gray frames as YUV with neutral chroma: libswscale takes every gray format for full range, whatever the frame says.

use super::{ffi::VideoFrame, planes::Sample};
use crate::{error::Error, libav::PixelFormat};

/// Gray frames in the YUV format of the same depth. Frames with chroma, and those of gray formats that no video decoder outputs, stay.
pub fn add_chroma(gray: VideoFrame) -> Result<VideoFrame, Error> {
    let (format, depth) = match gray.format() {
        PixelFormat::GRAY8 => (PixelFormat::YUV420P, 8),
        PixelFormat::GRAY9LE => (PixelFormat::YUV420P9LE, 9),
        PixelFormat::GRAY10LE => (PixelFormat::YUV420P10LE, 10),
        PixelFormat::GRAY12LE => (PixelFormat::YUV420P12LE, 12),
        PixelFormat::GRAY14LE => (PixelFormat::YUV420P14LE, 14),
        PixelFormat::GRAY16LE => (PixelFormat::YUV420P16LE, 16),
        _ => return Ok(gray),
    };
    let mut yuv = VideoFrame::allocate(format, gray.size())?;
    if depth == 8 {
        fill_planes::<u8>(&gray, &mut yuv, 128)?;
    } else {
        fill_planes::<u16>(&gray, &mut yuv, 1 << (depth - 1))?;
    }
    Ok(yuv)
}

fn fill_planes<T: Sample>(gray: &VideoFrame, yuv: &mut VideoFrame, neutral: T) -> Result<(), Error> {
    let missing = || Error::internal("the frame lacks a plane");
    let source = gray.samples::<T>(0).ok_or_else(missing)?;
    let mut luma = yuv.samples_mut::<T>(0)?.ok_or_else(missing)?;
    for row in 0..source.height {
        if let (Some(from), Some(to)) = (source.row(row), luma.row_mut(row)) {
            to.copy_from_slice(from);
        }
    }
    for index in [1, 2] {
        yuv.samples_mut::<T>(index)?.ok_or_else(missing)?.samples.fill(neutral);
    }
    Ok(())
}
