//! JPEG files to frames, by libavcodec: the pictures of image playlists and of `--compare`.

use std::ptr;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    error::{check, failure, no_memory},
    frame::Frame,
    process::limit_allocations,
};
use crate::error::{Error, ErrorKind};

/// Decodes a JPEG file, damaged or not. Fails with `undecodable` if libavcodec refuses it, or if it is larger than `max_pixels`.
pub fn decode_jpeg(file: &[u8], max_pixels: u64) -> Result<Frame, Error> {
    limit_allocations();
    let packet = ff::Packet::copy(file);
    let mut video = ff::frame::Video::empty();
    // SAFETY: the context is freed on every path; the packet is valid and stays ours, the frame is blank and gets its own references.
    let decoded = unsafe {
        let mut context = ffi::avcodec_alloc_context3(ffi::avcodec_find_decoder(ffi::AVCodecID::AV_CODEC_ID_MJPEG));
        if context.is_null() {
            return Err(no_memory());
        }
        (*context).thread_count = 1;
        (*context).max_pixels = i64::try_from(max_pixels).unwrap_or(i64::MAX);
        let done = check(ffi::avcodec_open2(context, ptr::null(), ptr::null_mut()))
            .and_then(|_| check(ffi::avcodec_send_packet(context, ff::packet::Ref::as_ptr(&packet))))
            .and_then(|_| check(ffi::avcodec_receive_frame(context, video.as_mut_ptr())));
        ffi::avcodec_free_context(&raw mut context);
        done
    };
    decoded.map(|_| Frame::of_still(video, "mjpeg")).map_err(|e| failure("the JPEG cannot be decoded", e))
}

/// Decodes a JPEG file. Fails with `undecodable` also if it is damaged.
pub(super) fn decode_whole_jpeg(file: &[u8], max_pixels: u64) -> Result<Frame, Error> {
    let frame = decode_jpeg(file, max_pixels)?;
    if frame.is_clean() { Ok(frame) } else { Err(Error::new(ErrorKind::Undecodable, "the JPEG picture is damaged")) }
}
