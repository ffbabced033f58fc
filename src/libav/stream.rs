//! Reads the parameters of a stream of an open container.

use std::ffi::CStr;

use ffmpeg_sys_next as ffi;

/// libavcodec's name of a stream's codec.
pub(super) fn codec_name(stream: *mut ffi::AVStream) -> &'static str {
    // SAFETY: callers pass a stream of an open context; `avcodec_get_name` never returns null and its strings are static.
    unsafe { CStr::from_ptr(ffi::avcodec_get_name((*(*stream).codecpar).codec_id)) }.to_str().unwrap_or("unknown")
}

/// The size of a video stream's frames in pixels, 0 if unknown; `None` for any other stream, and for cover art.
pub(super) fn video_pixels(stream: *mut ffi::AVStream) -> Option<i64> {
    // SAFETY: callers pass a stream of an open context, whose `codecpar` is never null.
    unsafe {
        let (parameters, disposition) = ((*stream).codecpar, (*stream).disposition);
        let is_video = (*parameters).codec_type == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
        let is_cover = disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0;
        (is_video && !is_cover).then(|| i64::from((*parameters).width) * i64::from((*parameters).height))
    }
}

/// Side data that belongs to a whole stream.
pub(super) fn side_data<'a>(stream: *mut ffi::AVStream, kind: ffi::AVPacketSideDataType) -> Option<&'a [u8]> {
    // SAFETY: callers pass a stream of an open context and drop the data before it. The parameters' side data are
    // `nb_coded_side_data` entries, each with `size` bytes.
    #[cfg(libav_coded_side_data)]
    unsafe {
        let parameters = (*stream).codecpar;
        let found = ffi::av_packet_side_data_get((*parameters).coded_side_data, (*parameters).nb_coded_side_data, kind);
        (!found.is_null()).then(|| std::slice::from_raw_parts((*found).data, (*found).size))
    }
    // SAFETY: as above; the call returns null or `size` bytes that live as long as the stream.
    #[cfg(not(libav_coded_side_data))]
    unsafe {
        let mut size = 0;
        let data = ffi::av_stream_get_side_data(stream, kind, &raw mut size);
        (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
    }
}
