//! The size of a stream's frames, from headers, before any frame is decoded.

use std::ptr;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use crate::error::{Error, ErrorKind};

/// Fails with `too_large` beyond `max` pixels.
pub(super) fn check(pixels: u64, max: u64) -> Result<(), Error> {
    if pixels <= max {
        return Ok(());
    }
    let what = format!("the frames have {pixels} pixels, and no more than {max} pixels may be decoded");
    Err(Error::new(ErrorKind::TooLarge, what).with_hint("choose a smaller Variant"))
}

/// The pixels of a coded frame, by the headers in `packet`; 0 if they do not state the size.
pub(super) fn coded_pixels(packet: &ff::Packet, stream: *mut ffi::AVStream) -> u64 {
    let Some(data) = packet.data() else { return 0 };
    // Parsers read a little past the end
    let padded = [data, &[0; ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize]].concat();
    // SAFETY: callers pass a stream of an open demuxer, whose `codecpar` is never null. Parser and context are freed here; all may be null.
    // The context has no decoder and no bound of its own: nothing is allocated by the size. `av_parser_parse2` reads `size` bytes, which
    // AV_INPUT_BUFFER_PADDING_SIZE more follow, and its output points into them or into what the parser keeps.
    unsafe {
        let mut context = ffi::avcodec_alloc_context3(ptr::null());
        let parser = ffi::av_parser_init(id((*(*stream).codecpar).codec_id));
        let mut size = (0, 0);
        if !context.is_null() && !parser.is_null() && ffi::avcodec_parameters_to_context(context, (*stream).codecpar) >= 0 {
            (*parser).flags |= ffi::PARSER_FLAG_COMPLETE_FRAMES;
            let (mut out, mut length) = (ptr::null_mut(), 0);
            let none = ffi::AV_NOPTS_VALUE;
            let count = i32::try_from(data.len()).unwrap_or(0);
            ffi::av_parser_parse2(parser, context, &raw mut out, &raw mut length, padded.as_ptr(), count, none, none, 0);
            size = ((*parser).coded_width.max((*parser).width), (*parser).coded_height.max((*parser).height));
        }
        ffi::av_parser_close(parser);
        ffi::avcodec_free_context(&raw mut context);
        u64::from(size.0.unsigned_abs()) * u64::from(size.1.unsigned_abs())
    }
}

/// A number until libavcodec 63.
#[cfg(libav_parser_by_number)]
fn id(codec: ffi::AVCodecID) -> std::ffi::c_int {
    codec as std::ffi::c_int
}

#[cfg(not(libav_parser_by_number))]
fn id(codec: ffi::AVCodecID) -> ffi::AVCodecID {
    codec
}
