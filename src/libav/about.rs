//! Describes the linked libav libraries.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr,
};

use ffmpeg_sys_next as ffi;

/// Versions, license and components of the linked libraries.
#[derive(Debug, Clone)]
pub struct About {
    /// Library names and versions.
    pub versions: Vec<(&'static str, String)>,
    /// The license of the build as a whole.
    pub license: String,
    /// The libraries' origin, and how they are linked.
    pub kind: &'static str,
    /// The names of the video decoders.
    pub decoders: Vec<String>,
    /// The names of the demuxers.
    pub demuxers: Vec<String>,
}

/// Reads the description from the libraries.
pub fn about() -> About {
    let dotted = |version: u32| format!("{}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff);
    // SAFETY: these take no arguments and return numbers or static strings.
    let (ffmpeg, versions, license) = unsafe {
        let versions = [ffi::avformat_version(), ffi::avcodec_version(), ffi::swscale_version(), ffi::avutil_version()];
        (text(ffi::av_version_info()), versions, text(ffi::avcodec_license()))
    };
    let mut all = vec![("FFmpeg", ffmpeg)];
    all.extend(["libavformat", "libavcodec", "libswscale", "libavutil"].into_iter().zip(versions.map(dotted)));
    // libavcodec does not export dav1d's version, so the build script does
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
    // SAFETY: callers pass static strings of libav, or null, which is checked.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
