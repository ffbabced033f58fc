//! Side data of frames and streams.

use ff::frame::side_data::Type;
use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

/// The display matrix (ISO/IEC 14496-12, 6.2.2), from the frame or else from the container.
pub(super) fn display_matrix(video: &ff::frame::Video, stream: *mut ffi::AVStream) -> Option<[i32; 9]> {
    const BYTES: usize = 9 * 4;
    let read = |data: &[u8]| -> Option<[i32; 9]> {
        let words: Vec<i32> =
            data.get(..BYTES)?.chunks_exact(4).filter_map(|word| Some(i32::from_ne_bytes(word.try_into().ok()?))).collect();
        words.try_into().ok()
    };
    match video.side_data(Type::DisplayMatrix) {
        Some(data) => read(data.data()),
        None => stream_side_data(stream, ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX, read).flatten(),
    }
}

/// The Dolby Vision profile and `dv_bl_signal_compatibility_id` (0: the base layer is not viewable by itself).
pub(super) fn dolby_vision(stream: *mut ffi::AVStream) -> Option<(u8, u8)> {
    // AVDOVIDecoderConfigurationRecord (libavutil/dovi_meta.h) consists of single bytes
    stream_side_data(stream, ffi::AVPacketSideDataType::AV_PKT_DATA_DOVI_CONF, |data| Some((*data.get(2)?, *data.get(7)?))).flatten()
}

/// Pixels to crop at the top, bottom, left and right: those outside of the container's clean aperture (`clap`, ISO/IEC 14496-12, 12.1.4).
/// The oldest supported libav does not export them.
#[cfg_attr(not(feature = "vendored"), expect(unused_variables, clippy::unnecessary_wraps, reason = "see above"))]
pub(super) fn cropping(stream: *mut ffi::AVStream) -> Option<[u32; 4]> {
    #[cfg(feature = "vendored")]
    let cropping = stream_side_data(stream, ffi::AVPacketSideDataType::AV_PKT_DATA_FRAME_CROPPING, |data| {
        let words: Vec<u32> = data.chunks_exact(4).filter_map(|word| Some(u32::from_le_bytes(word.try_into().ok()?))).collect();
        words.try_into().ok()
    })
    .flatten();
    #[cfg(not(feature = "vendored"))]
    let cropping = None;
    cropping
}

/// The peak luminance of the program in cd/m²: MaxCLL, else the maximum luminance of the mastering display (CTA-861.3, SMPTE ST 2086).
pub(super) fn peak_luminance(video: &ff::frame::Video) -> Option<f32> {
    let word = |data: &[u8], at: usize| Some(u32::from_ne_bytes(data.get(at..at + 4)?.try_into().ok()?));
    let is_plausible = |peak: &f32| (50.0..=10_000.0).contains(peak);
    // AVContentLightMetadata begins with MaxCLL. AVMasteringDisplayMetadata holds eight rationals, minimum and maximum luminance, then
    // `has_primaries` and `has_luminance` (libavutil/mastering_display_metadata.h)
    let content = video.side_data(Type::ContentLightLevel).and_then(|side| word(side.data(), 0)).map(|peak| peak as f32);
    let mastered = || {
        let side = video.side_data(Type::MasteringDisplayMetadata)?;
        let data = side.data();
        let (numerator, denominator, has_luminance) = (word(data, 72)?, word(data, 76)?, word(data, 84)?);
        (has_luminance != 0 && denominator != 0).then(|| numerator as f32 / denominator as f32)
    };
    content.filter(is_plausible).or_else(|| mastered().filter(is_plausible))
}

/// Reads side data of a stream.
fn stream_side_data<T>(stream: *mut ffi::AVStream, kind: ffi::AVPacketSideDataType, read: impl Fn(&[u8]) -> T) -> Option<T> {
    // SAFETY: the stream is open; the side data of its parameters are `nb_coded_side_data` entries, each with `size` bytes.
    #[cfg(libav_coded_side_data)]
    let found = unsafe {
        let parameters = (*stream).codecpar;
        let found = ffi::av_packet_side_data_get((*parameters).coded_side_data, (*parameters).nb_coded_side_data, kind);
        (!found.is_null()).then(|| std::slice::from_raw_parts((*found).data, (*found).size))
    };
    // SAFETY: the stream is open; the call returns null or `size` bytes that live as long as the stream.
    #[cfg(not(libav_coded_side_data))]
    let found = unsafe {
        let mut size = 0;
        let data = ffi::av_stream_get_side_data(stream, kind, &raw mut size);
        (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
    };
    found.map(read)
}
