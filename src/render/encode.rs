//! PNG to and fro, and WebP back, by the `image` crate.

use image::{
    ExtendedColorType, ImageEncoder, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::Image;
use crate::error::Error;

/// The PNG file's bytes.
pub fn encode_png(image: &RgbImage) -> Result<Vec<u8>, Error> {
    let (width, height) = image.dimensions();
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    let done = encoder.write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8);
    done.map_err(|e| Error::internal("the picture cannot be encoded").with_source(e))?;
    Ok(bytes)
}

/// The picture in a PNG or WebP file.
pub fn decode(file: &[u8]) -> Option<Image> {
    image::load_from_memory(file).ok().map(|image| Image::Rgb(image.into_rgb8()))
}
