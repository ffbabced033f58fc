//! AVIF: an AV1 stream's own key frame as a picture. Nothing is encoded again, so nothing is lost, and HDR stays.

use super::{
    avif_file::{AvifProperties, avif_file},
    color::Color,
    geometry::Orientation,
    options::RenderOptions,
};
use crate::{
    error::{Error, ErrorKind},
    libav::{CodedKeyFrame, Frame, h273_numbers},
};

/// Puts the coded bytes of a key frame into a file; returns it with its width and height in pixels.
///
/// Fails with `unsupported` if the picture would have to be encoded: for another codec, a frame that depends on others, or another size; with
/// `too_large` beyond `max_bytes`.
pub fn avif_of(frame: &Frame, coded: Option<&CodedKeyFrame>, options: &RenderOptions) -> Result<(Vec<u8>, (u32, u32)), Error> {
    if options.size.changes_picture() {
        return Err(needs_encoding("only whole frames have bytes of their own"));
    }
    let properties = properties(frame)?;
    let coded = coded.ok_or_else(|| not_a_key_frame(frame.codec))?;
    let key_frame = coded.extract().map_err(|reason| needs_encoding(&format!("the key frame {reason}")))?;
    let file = avif_file(&key_frame, &properties).ok_or_else(|| Error::new(ErrorKind::TooLarge, "the key frame is too large for AVIF"))?;
    if let Some(max_bytes) = options.encoding.max_bytes.filter(|max| file.len() as u64 > *max) {
        let what = format!("the stream's own key frame takes {} bytes, but at most {max_bytes} are allowed", file.len());
        return Err(Error::new(ErrorKind::TooLarge, what).with_hint("ask for JPEG or lossy WebP"));
    }
    let (width, height) = properties.size;
    Ok((file, if properties.orientation.swaps_sides() { (height, width) } else { (width, height) }))
}

/// What the stream says about the picture. Color codes that it does not signal are inferred as for other formats: readers of AVIF would
/// assume those of sRGB.
fn properties(frame: &Frame) -> Result<AvifProperties, Error> {
    if frame.codec == "av1" && frame.size() != frame.coded_size {
        return Err(needs_encoding("the container crops the frame"));
    }
    let color = Color::of(frame);
    Ok(AvifProperties {
        size: frame.size(),
        sample_aspect_ratio: frame.sample_aspect_ratio,
        orientation: Orientation::of(frame),
        color: h273_numbers(color.primaries, color.transfer, color.matrix),
        full_range: color.full_range,
        content_light: frame.content_light(),
        mastering_display: frame.mastering_display(),
    })
}

fn not_a_key_frame(codec: &str) -> Error {
    if codec == "av1" {
        let what = "AVIF takes the stream's own bytes, and this frame depends on other frames";
        return Error::new(ErrorKind::Unsupported, what)
            .with_hint("ask for the key frame before it with --key-frame, or for jpeg, png or webp");
    }
    Error::new(ErrorKind::Unsupported, format!("AVIF takes the bytes of an AV1 stream, and this stream is {codec}"))
        .with_hint("ask for jpeg, png or webp, or choose an AV1 Variant with --variant")
}

/// The error for a picture that the stream has no bytes for.
pub(super) fn needs_encoding(reason: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("AVIF takes the stream's own bytes, and {reason}")).with_hint("ask for jpeg, png or webp")
}
