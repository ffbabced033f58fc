//! Which libav this is.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr,
};

use ffmpeg_sys_next as ffi;

/// Versions, licence and components of the libraries that are linked.
#[derive(Debug, Clone)]
pub struct About {
    /// Names and versions.
    pub versions: Vec<(&'static str, String)>,
    /// The licence that the build has as a whole.
    pub license: String,
    /// Where they come from and how they are linked.
    pub kind: &'static str,
    /// Decoders for video.
    pub decoders: Vec<String>,
    /// Demuxers.
    pub demuxers: Vec<String>,
}

/// Asks the libraries themselves.
pub fn about() -> About {
    let dotted = |version: u32| format!("{}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff);
    // SAFETY: these take nothing and give numbers or static strings.
    let (ffmpeg, versions, license) = unsafe {
        let versions = [ffi::avformat_version(), ffi::avcodec_version(), ffi::swscale_version(), ffi::avutil_version()];
        (text(ffi::av_version_info()), versions, text(ffi::avcodec_license()))
    };
    let mut all = vec![("FFmpeg", ffmpeg)];
    all.extend(["libavformat", "libavcodec", "libswscale", "libavutil"].into_iter().zip(versions.map(dotted)));
    // dav1d cannot be asked through libavcodec: what was built is known from the build
    if let Some((_, dav1d)) = env!("HLSNAP_LIBAV_VERSIONS").rsplit_once("dav1d ") {
        all.push(("dav1d", dav1d.to_owned()));
    }
    let kind = if cfg!(feature = "vendored") { "vendored, static" } else { "system, shared" };
    About { versions: all, license, kind, decoders: decoders(), demuxers: demuxers() }
}

fn decoders() -> Vec<String> {
    let mut names = Vec::new();
    let mut state: *mut c_void = ptr::null_mut();
    loop {
        // SAFETY: `state` is the iteration's own, null at first; codecs and their names are static.
        unsafe {
            let codec = ffi::av_codec_iterate(&raw mut state);
            if codec.is_null() {
                return names;
            }
            if ffi::av_codec_is_decoder(codec) != 0 && (*codec).type_ == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO {
                names.push(text((*codec).name));
            }
        }
    }
}

fn demuxers() -> Vec<String> {
    let mut names = Vec::new();
    let mut state: *mut c_void = ptr::null_mut();
    loop {
        // SAFETY: as for the decoders.
        unsafe {
            let demuxer = ffi::av_demuxer_iterate(&raw mut state);
            if demuxer.is_null() {
                return names;
            }
            names.push(text((*demuxer).name));
        }
    }
}

fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: the callers pass static strings of libav's, or null, which was seen to.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
