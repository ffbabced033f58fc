//! Encodes pictures, within a limit of bytes if there is one.

use image::{
    ExtendedColorType, ImageEncoder, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::{
    avif::needs_encoding,
    ffi::{libwebp, mjpeg},
    image::{Image, ImageKind},
    jfif,
    planes::Planes,
    progressive_jpeg,
};
use crate::{
    error::{Error, ErrorKind},
    request::{Encoding, Format},
};

/// The bytes of the file for a picture that was drawn in RGB. Lowers the quality of lossy formats to stay within `max_bytes`; fails with
/// `too_large` if that does not suffice, and beyond the format's largest side.
pub fn encode_rgb(image: RgbImage, encoding: &Encoding) -> Result<Vec<u8>, Error> {
    let image = match ImageKind::of(encoding) {
        ImageKind::Jfif(chroma) => Image::Jfif(jfif::from_rgb(&image, chroma)),
        ImageKind::Rgb => Image::Rgb(image),
    };
    encode_within_limit(image, encoding)
}

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

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    const COLORS: [[u8; 3]; 9] =
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 30, 40], [128; 3], [0; 3], [255; 3], [250, 240, 10], [17, 99, 180]];

    fn encoding(format: Format, lossless: bool, full_chroma: bool) -> Encoding {
        Encoding { format, lossless, full_chroma, quality: 95, ..Encoding::default() }
    }

    fn decoded(image: &RgbImage, encoding: &Encoding) -> RgbImage {
        let file = encode_rgb(image.clone(), encoding).expect("a file");
        image::load_from_memory(&file).expect("readable").into_rgb8()
    }

    #[test]
    fn drawn_colors_survive_each_encoding() {
        for (encoding, most) in [
            (encoding(Format::Jpeg, false, false), 2),
            (encoding(Format::Jpeg, false, true), 2),
            (Encoding { progressive: true, ..encoding(Format::Jpeg, false, false) }, 2),
            // The limited range has steps of 255/219 for luma, and of 1.6 to 2.0 for the components of a color difference
            (encoding(Format::WebP, false, false), 4),
            (encoding(Format::WebP, true, false), 0),
            (encoding(Format::Png, false, false), 0),
        ] {
            for color in COLORS {
                for (width, height) in [(64, 48), (33, 17), (1, 1)] {
                    let image = decoded(&RgbImage::from_pixel(width, height, Rgb(color)), &encoding);
                    assert_eq!(image.dimensions(), (width, height));
                    let difference = |pixel: &Rgb<u8>| pixel.0.iter().zip(color).map(|(one, other)| one.abs_diff(other)).max();
                    let largest = image.pixels().filter_map(difference).max();
                    assert!(largest <= Some(most), "{encoding:?} {color:?} {width}x{height}: off by {largest:?}");
                }
            }
        }
    }

    #[test]
    fn a_drawn_picture_stays_within_the_maximum_of_bytes() {
        let image = RgbImage::from_fn(200, 200, |x, y| Rgb([x * y, x * 7 + y, y * 13].map(|value| value.to_le_bytes()[0])));
        let limited = |format, lossless, max_bytes| {
            encode_rgb(image.clone(), &Encoding { max_bytes: Some(max_bytes), ..encoding(format, lossless, false) })
        };
        for format in [Format::Jpeg, Format::WebP] {
            let free = encode_rgb(image.clone(), &encoding(format, false, false)).expect("a file").len() as u64;
            let file = limited(format, false, free / 2).expect("a file of lower quality");
            assert!(file.len() as u64 <= free / 2, "{format}");
        }
        for (format, lossless) in [(Format::WebP, true), (Format::Png, false), (Format::Jpeg, false)] {
            assert_eq!(limited(format, lossless, 300).map_err(|e| e.kind()), Err(ErrorKind::TooLarge), "{format}");
        }
    }
}
