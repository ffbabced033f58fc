//! Reads the side data of frames and streams: orientation, Dolby Vision, cropping and peak luminance.

use ff::frame::side_data::Type;
use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::stream;

/// The display matrix (ISO/IEC 14496-12, 6.2.2) of the frame, or else of the container.
pub(super) fn display_matrix(video: &ff::frame::Video, stream: *mut ffi::AVStream) -> Option<[i32; 9]> {
    const BYTES: usize = 9 * 4;
    let read = |data: &[u8]| -> Option<[i32; 9]> {
        let words: Vec<i32> =
            data.get(..BYTES)?.chunks_exact(4).filter_map(|word| Some(i32::from_ne_bytes(word.try_into().ok()?))).collect();
        words.try_into().ok()
    };
    match video.side_data(Type::DisplayMatrix) {
        Some(data) => read(data.data()),
        None => read(stream::side_data(stream, ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX)?),
    }
}

/// Dolby Vision's profile, and what its base layer is compatible with (`dv_bl_signal_compatibility_id`; 0: nothing).
pub(super) fn dolby_vision(stream: *mut ffi::AVStream) -> Option<(u8, u8)> {
    // AVDOVIDecoderConfigurationRecord (libavutil/dovi_meta.h) consists of bytes
    let record = stream::side_data(stream, ffi::AVPacketSideDataType::AV_PKT_DATA_DOVI_CONF)?;
    Some((*record.get(2)?, *record.get(7)?))
}

/// Pixels that the container crops at the top, bottom, left and right, outside of the clean aperture (`clap`, ISO/IEC 14496-12, 12.1.4).
/// The oldest supported libav does not export it.
#[cfg(feature = "vendored")]
pub(super) fn cropping(stream: *mut ffi::AVStream) -> Option<[u32; 4]> {
    let data = stream::side_data(stream, ffi::AVPacketSideDataType::AV_PKT_DATA_FRAME_CROPPING)?;
    let words: Vec<u32> = data.chunks_exact(4).filter_map(|word| Some(u32::from_le_bytes(word.try_into().ok()?))).collect();
    words.try_into().ok()
}

#[cfg(not(feature = "vendored"))]
pub(super) fn cropping(_stream: *mut ffi::AVStream) -> Option<[u32; 4]> {
    None
}

/// The peak luminance of the program in cd/m²: MaxCLL, or else the mastering display's (CTA-861.3, SMPTE ST 2086).
pub(super) fn peak_luminance(video: &ff::frame::Video) -> Option<f32> {
    let word = |data: &[u8], at: usize| Some(u32::from_ne_bytes(data.get(at..at + 4)?.try_into().ok()?));
    let is_plausible = |peak: &f32| (50.0..=10_000.0).contains(peak);
    // AVContentLightMetadata begins with MaxCLL. AVMasteringDisplayMetadata holds eight fractions, minimum and maximum luminance, and two
    // booleans, of which the second says whether the luminances are set (libavutil/mastering_display_metadata.h)
    let content = video.side_data(Type::ContentLightLevel).and_then(|side| word(side.data(), 0)).map(|peak| peak as f32);
    let mastered = || {
        let side = video.side_data(Type::MasteringDisplayMetadata)?;
        let data = side.data();
        let (numerator, denominator, is_set) = (word(data, 72)?, word(data, 76)?, word(data, 84)?);
        (is_set != 0 && denominator != 0).then(|| numerator as f32 / denominator as f32)
    };
    content.filter(is_plausible).or_else(|| mastered().filter(is_plausible))
}
