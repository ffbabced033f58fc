//! Encodes pictures, within a limit of bytes if there is one.

use image::{
    ExtendedColorType, ImageEncoder, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::{
    avif::needs_encoding,
    ffi::{libwebp, mjpeg},
    image::Image,
    planes::Planes,
    progressive_jpeg,
};
use crate::{
    error::{Error, ErrorKind},
    request::{Encoding, Format},
};

/// The bytes of the file. Lowers the quality of lossy formats to stay within `max_bytes`; fails with `too_large` if that does not suffice.
pub fn encode_within_limit(image: Image, encoding: &Encoding) -> Result<Vec<u8>, Error> {
    let is_lossy = matches!(image, Image::Jfif(_));
    let file = match (encoding.format, image) {
        (Format::Jpeg | Format::WebP, Image::Jfif(planes)) => encode_lossy_within_limit(planes, encoding)?,
        (Format::WebP, Image::Rgb(image)) => libwebp::encode_lossless(&image)?,
        (Format::Png, Image::Rgb(image)) => encode_png(&image)?,
        (Format::Avif, _) => return Err(needs_encoding("this picture is not one frame of it")),
        (Format::Jpeg, Image::Rgb(_)) | (Format::Png, Image::Jfif(_)) => return Err(wrong_kind()),
    };
    match encoding.max_bytes {
        Some(max_bytes) if file.len() as u64 > max_bytes => {
            let what = format!("the picture takes {} bytes, but at most {max_bytes} are allowed", file.len());
            let hint = if is_lossy { "ask for a smaller --width" } else { "ask for JPEG or lossy WebP, or for a smaller --width" };
            Err(Error::new(ErrorKind::TooLarge, what).with_hint(hint))
        }
        _ => Ok(file),
    }
}

/// The file of the highest quality within `max_bytes`; that of the requested quality if none is.
fn encode_lossy_within_limit(planes: Planes, encoding: &Encoding) -> Result<Vec<u8>, Error> {
    let Encoding { quality, max_bytes, .. } = *encoding;
    let Some(max_bytes) = max_bytes else { return encode_lossy(planes, encoding, quality) };
    let first = encode_lossy(planes.clone(), encoding, quality)?;
    if first.len() as u64 <= max_bytes {
        return Ok(first);
    }
    // The size grows with the quality
    let (mut fits, mut too_large, mut best) = (0, quality, None);
    while too_large - fits > 1 {
        let middle = u8::midpoint(fits, too_large);
        let file = encode_lossy(planes.clone(), encoding, middle)?;
        if file.len() as u64 <= max_bytes {
            (fits, best) = (middle, Some(file));
        } else {
            too_large = middle;
        }
    }
    Ok(best.unwrap_or(first))
}

fn encode_lossy(planes: Planes, encoding: &Encoding, quality: u8) -> Result<Vec<u8>, Error> {
    match encoding.format {
        Format::WebP => libwebp::encode(&planes, quality),
        Format::Jpeg if encoding.progressive => progressive_jpeg::encode(&planes, quality),
        Format::Jpeg => mjpeg::encode(planes, quality),
        Format::Png | Format::Avif => Err(wrong_kind()),
    }
}

fn wrong_kind() -> Error {
    Error::internal("the image is not of the kind that its format takes")
}

fn encode_png(image: &RgbImage) -> Result<Vec<u8>, Error> {
    let (width, height) = image.dimensions();
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    let done = encoder.write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8);
    done.map_err(|e| Error::internal("the PNG cannot be encoded").with_source(e))?;
    Ok(bytes)
}
