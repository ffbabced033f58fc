//! Animated WebP by libwebp's `WebPAnimEncoder` (mux.h).

use std::{
    ffi::{CStr, c_int},
    mem::MaybeUninit,
    ptr, slice,
};

use image::RgbImage;
use libwebp_sys as ffi;

use super::libwebp::{failure, new_picture, version_mismatch};
use crate::{error::Error, libav::no_memory};

/// Effort of 0 to 6 for lossy frames: half the time of the default (4), for files 2 to 8 % larger.
const METHOD: c_int = 2;
/// The fastest of the lossless presets 0 to 9.
const LOSSLESS_LEVEL: c_int = 0;
/// At least one of this many frames is a key frame. In between, libwebp draws nothing where a frame equals the one before, and so keeps what
/// bled there from coded blocks: moving edges leave a thin trail until the next key frame.
const KEY_FRAME_DISTANCE: c_int = 4;

/// How the frames are coded.
#[derive(Debug, Clone, Copy)]
pub enum Coding {
    /// With this quality, 1 to 100 on libwebp's scale.
    Lossy(u8),
    /// Without loss.
    Lossless,
}

/// Encodes an animation that loops for ever. Each frame comes with its end, in milliseconds since the start of the first. libwebp merges
/// frames that look alike; a single frame becomes a still picture. Fails with `too_large` beyond 16383 pixels a side.
pub fn encode<'a>(size: (u32, u32), frames: impl Iterator<Item = (&'a RgbImage, u32)>, coding: Coding) -> Result<Vec<u8>, Error> {
    let config = configuration(coding)?;
    let mut picture = Picture(new_picture(size)?);
    let encoder = Encoder::new(size)?;
    let mut start = 0;
    for (image, end) in frames {
        picture.import(image)?;
        encoder.add(&mut picture, start, &config)?;
        start = end;
    }
    encoder.finish(start)
}

fn configuration(coding: Coding) -> Result<ffi::WebPConfig, Error> {
    let mut config = ffi::WebPConfig::new().map_err(|()| version_mismatch())?;
    match coding {
        Coding::Lossy(quality) => (config.quality, config.method) = (f32::from(quality.clamp(1, 100)), METHOD),
        Coding::Lossless => {
            // SAFETY: the preset sets fields of an initialized configuration (encode.h).
            if unsafe { ffi::WebPConfigLosslessPreset(&raw mut config, LOSSLESS_LEVEL) } == 0 {
                return Err(version_mismatch());
            }
        }
    }
    Ok(config)
}

/// A picture that owns its pixels.
struct Picture(ffi::WebPPicture);

impl Picture {
    /// Replaces the pixels.
    fn import(&mut self, image: &RgbImage) -> Result<(), Error> {
        if image.dimensions() != (self.0.width.cast_unsigned(), self.0.height.cast_unsigned()) {
            return Err(Error::internal("the frames of an animation differ in size"));
        }
        self.0.use_argb = 1;
        // SAFETY: the import copies `height` rows of `3 * width` bytes, which the image holds, into memory that it allocates for the
        // picture after freeing the previous one (encode.h).
        match unsafe { ffi::WebPPictureImportRGB(&raw mut self.0, image.as_raw().as_ptr(), 3 * self.0.width) } {
            0 => Err(no_memory()),
            _ => Ok(()),
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: frees only what the import allocated; the picture was initialized (encode.h).
        unsafe { ffi::WebPPictureFree(&raw mut self.0) };
    }
}

/// libwebp's encoder of animations. Never null.
struct Encoder(*mut ffi::WebPAnimEncoder);

impl Encoder {
    fn new((width, height): (u32, u32)) -> Result<Self, Error> {
        let mut options = MaybeUninit::<ffi::WebPAnimEncoderOptions>::zeroed();
        let version = ffi::WebPGetMuxABIVersion();
        // SAFETY: the options are plain data for which zeros are valid, and are initialized before use; the encoder copies them (mux.h).
        let encoder = unsafe {
            if ffi::WebPAnimEncoderOptionsInitInternal(options.as_mut_ptr(), version) == 0 {
                return Err(version_mismatch());
            }
            let options = options.assume_init_mut();
            options.anim_params.loop_count = 0;
            (options.kmin, options.kmax) = (KEY_FRAME_DISTANCE - 1, KEY_FRAME_DISTANCE);
            ffi::WebPAnimEncoderNewInternal(width.cast_signed(), height.cast_signed(), options, version)
        };
        if encoder.is_null() { Err(no_memory()) } else { Ok(Self(encoder)) }
    }

    /// Adds a frame that is shown from `start` on, in milliseconds.
    fn add(&self, picture: &mut Picture, start: u32, config: &ffi::WebPConfig) -> Result<(), Error> {
        // SAFETY: encoder, picture and configuration are initialized, and only used during the call (mux.h).
        match unsafe { ffi::WebPAnimEncoderAdd(self.0, &raw mut picture.0, start.cast_signed(), config) } {
            0 if picture.0.error_code != ffi::WebPEncodingError::VP8_ENC_OK => Err(failure(picture.0.error_code)),
            0 => Err(self.failure()),
            _ => Ok(()),
        }
    }

    /// The file. `end` is the end of the last frame, in milliseconds.
    fn finish(self, end: u32) -> Result<Vec<u8>, Error> {
        let mut data = ffi::WebPData { bytes: ptr::null(), size: 0 };
        // SAFETY: a null frame sets the end of the last one, and needs no configuration. On success `data` holds `size` bytes, which
        // are freed once (mux.h, mux_types.h).
        unsafe {
            let done = ffi::WebPAnimEncoderAdd(self.0, ptr::null_mut(), end.cast_signed(), ptr::null()) != 0
                && ffi::WebPAnimEncoderAssemble(self.0, &raw mut data) != 0;
            let file = if data.bytes.is_null() { Vec::new() } else { slice::from_raw_parts(data.bytes, data.size).to_vec() };
            ffi::WebPFree(data.bytes.cast_mut().cast());
            if done { Ok(file) } else { Err(self.failure()) }
        }
    }

    fn failure(&self) -> Error {
        // SAFETY: gives null or a string that the encoder owns, which ends with a zero (mux.h).
        let reason = unsafe {
            let text = ffi::WebPAnimEncoderGetError(self.0);
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        };
        Error::internal(format!("the animated WebP cannot be encoded: {reason}"))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `WebPAnimEncoderNewInternal`, freed once.
        unsafe { ffi::WebPAnimEncoderDelete(self.0) };
    }
}
