//! WebP by libwebp's encoder: lossy from planes, lossless from RGB.

use std::{ffi::c_int, ptr, slice};

use image::RgbImage;
use libwebp_sys as ffi;

use crate::{
    error::{Error, ErrorKind},
    libav::no_memory,
    render::{jfif, planes::Planes},
};

/// libwebp's default effort for lossy encoding, of 0 to 6.
const METHOD: c_int = 4;
/// The fastest of the lossless presets 0 to 9.
const LOSSLESS_LEVEL: c_int = 0;

/// Encodes a lossy WebP file. `quality` is 1 to 100 on libwebp's scale; `planes` must be 4:2:0. Fails with `too_large` beyond 16383
/// pixels a side.
pub fn encode(planes: &Planes, quality: u8) -> Result<Vec<u8>, Error> {
    let mut picture = new_picture(planes.size())?;
    let [mut y, mut cb, mut cr] = jfif::to_limited_range(planes);
    let mut config = ffi::WebPConfig::new().map_err(|()| version_mismatch())?;
    (config.quality, config.method) = (f32::from(quality.clamp(1, 100)), METHOD);
    let stride = |width: usize| c_int::try_from(width).unwrap_or(0);
    (picture.y, picture.y_stride) = (y.bytes.as_mut_ptr(), stride(y.width));
    (picture.u, picture.v, picture.uv_stride) = (cb.bytes.as_mut_ptr(), cr.bytes.as_mut_ptr(), stride(cb.width));
    // SAFETY: the planes live until the end of this function, and hold the rows that strides and picture size imply (encode.h,
    // WebPPicture: YUV input).
    unsafe { run_encoder(&mut picture, &config) }
}

/// Encodes a lossless WebP file. Fails with `too_large` beyond 16383 pixels a side.
pub fn encode_lossless(image: &RgbImage) -> Result<Vec<u8>, Error> {
    let mut picture = new_picture(image.dimensions())?;
    let mut config = ffi::WebPConfig::new().map_err(|()| version_mismatch())?;
    picture.use_argb = 1;
    // SAFETY: the preset sets fields of the configuration. The import copies `height` rows of `3 * width` bytes, which the image holds,
    // into memory of its own; that is freed before `picture` goes out of scope.
    unsafe {
        if ffi::WebPConfigLosslessPreset(&raw mut config, LOSSLESS_LEVEL) == 0 {
            return Err(version_mismatch());
        }
        let file = match ffi::WebPPictureImportRGB(&raw mut picture, image.as_raw().as_ptr(), 3 * picture.width) {
            0 => Err(no_memory()),
            _ => run_encoder(&mut picture, &config),
        };
        ffi::WebPPictureFree(&raw mut picture);
        file
    }
}

pub(super) fn new_picture((width, height): (u32, u32)) -> Result<ffi::WebPPicture, Error> {
    if width.max(height) > ffi::WEBP_MAX_DIMENSION {
        return Err(Error::new(ErrorKind::TooLarge, format!("a picture of {width}x{height} is too large for WebP"))
            .with_hint("ask for a smaller --width, or for PNG"));
    }
    let mut picture = ffi::WebPPicture::new().map_err(|()| version_mismatch())?;
    (picture.width, picture.height) = (width.cast_signed(), height.cast_signed());
    Ok(picture)
}

/// # Safety
///
/// The picture's sample pointers must be valid for its size and strides (encode.h, `WebPEncode`).
unsafe fn run_encoder(picture: &mut ffi::WebPPicture, config: &ffi::WebPConfig) -> Result<Vec<u8>, Error> {
    let mut writer = ffi::WebPMemoryWriter { mem: ptr::null_mut(), size: 0, max_size: 0, pad: [0] };
    picture.writer = Some(ffi::WebPMemoryWrite);
    picture.custom_ptr = (&raw mut writer).cast();
    // SAFETY: `WebPMemoryWrite` gets a blank writer, which outlives the call; its memory holds `size` bytes and is freed once.
    unsafe {
        let done = ffi::WebPEncode(config, picture) != 0;
        let file = if writer.mem.is_null() { Vec::new() } else { slice::from_raw_parts(writer.mem, writer.size).to_vec() };
        ffi::WebPMemoryWriterClear(&raw mut writer);
        picture.custom_ptr = ptr::null_mut();
        if done { Ok(file) } else { Err(failure(picture.error_code)) }
    }
}

pub(super) fn failure(code: ffi::WebPEncodingError) -> Error {
    use ffi::WebPEncodingError as Code;
    match code {
        Code::VP8_ENC_ERROR_OUT_OF_MEMORY | Code::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY => no_memory(),
        Code::VP8_ENC_ERROR_PARTITION0_OVERFLOW | Code::VP8_ENC_ERROR_PARTITION_OVERFLOW | Code::VP8_ENC_ERROR_FILE_TOO_BIG => {
            Error::new(ErrorKind::TooLarge, "the picture is too large for WebP").with_hint("ask for a smaller --width, or for PNG")
        }
        other => Error::internal(format!("the WebP cannot be encoded: {other:?}")),
    }
}

pub(super) fn version_mismatch() -> Error {
    Error::internal("libwebp's version does not match its bindings")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::planes::Chroma;

    #[test]
    fn files_of_any_size_decode_to_their_picture() {
        for (width, height) in [(640, 360), (17, 3), (1, 1)] {
            let file = encode(&Planes::filled(width, height, Chroma::Half, [76, 85, 255]), 90).expect("a WebP");
            let red = image::load_from_memory(&file).expect("readable").into_rgb8();
            assert_eq!(red.dimensions(), (width, height));
            assert!(red.pixels().all(|pixel| pixel.0[0] > 250 && pixel.0[1] < 5 && pixel.0[2] < 5), "{:?}", red.get_pixel(0, 0));
            let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x, y, x * y].map(|part| part.to_le_bytes()[0])));
            let file = encode_lossless(&image).expect("a WebP");
            assert_eq!(image::load_from_memory(&file).expect("readable").into_rgb8(), image);
        }
        let large = encode(&Planes::filled(16_384, 1, Chroma::Half, [0, 128, 128]), 90);
        assert_eq!(large.map_err(|e| e.kind()), Err(ErrorKind::TooLarge));
    }
}
