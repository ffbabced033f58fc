//! PNG and WebP, by the `image` crate. JPEG goes from planes through libavcodec.

use image::{
    ExtendedColorType, ImageEncoder, ImageResult, RgbImage,
    codecs::{
        png::{CompressionType, FilterType, PngEncoder},
        webp::WebPEncoder,
    },
};

use super::Picture;
use crate::{
    error::{Error, ErrorKind},
    request::Format,
};

/// WebP's own limit (RFC 9649, 2.5).
const WEBP_LARGEST_SIDE: u32 = 16_383;

/// The file's bytes: PNG, or lossless WebP.
pub fn encode(image: &RgbImage, format: Format) -> Result<Vec<u8>, Error> {
    let (width, height) = image.dimensions();
    let mut bytes = Vec::new();
    let done: ImageResult<()> = match format {
        Format::Png => PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive).write_image(
            image.as_raw(),
            width,
            height,
            ExtendedColorType::Rgb8,
        ),
        Format::WebP if width.max(height) > WEBP_LARGEST_SIDE => {
            return Err(Error::new(ErrorKind::TooLarge, format!("WebP has no pictures of {width}x{height}"))
                .hint("ask for a smaller --width, or for PNG"));
        }
        Format::WebP => WebPEncoder::new_lossless(&mut bytes).write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8),
        Format::Jpeg => return Err(Error::internal("a JPEG is made from planes")),
    };
    done.map_err(|e| Error::internal("the picture cannot be encoded").because(e))?;
    Ok(bytes)
}

/// The picture in a PNG or WebP file.
pub fn decode(file: &[u8]) -> Option<Picture> {
    image::load_from_memory(file).ok().map(|image| Picture::Rgb(image.into_rgb8()))
}
