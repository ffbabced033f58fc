//! From a decoded frame to a file: color, geometry, deinterlacing, tone mapping, content check, encoding.
//!
//! [`render`] is the whole way, as a list of steps. Everything is pure computation; only `ffi` calls C.

mod avif;
mod avif_file;
mod color;
mod combs;
mod content_check;
mod convert;
mod deinterlace;
mod encode;
mod exif;
mod ffi;
mod geometry;
mod gray;
mod image;
mod jfif;
mod lut3d;
mod matrix;
mod motion_combs;
mod opponent_color;
mod options;
mod placeholder;
mod planes;
mod primaries;
mod progressive_jpeg;
mod tone_map;
mod transfer_function;
mod vector;

pub use self::image::Image;
pub use color::Color;
pub use content_check::reference_picture;
pub use exif::{ImageMetadata, embed_exif};
pub use geometry::Orientation;
pub use options::RenderOptions;
pub use planes::{Chroma, Plane, Planes};

use crate::{
    error::{Error, ErrorKind},
    libav::{CodedKeyFrame, Frame},
    report::Verdict,
    request::Format,
};
use convert::ColorConversion;
use ffi::VideoFrame;
use geometry::FrameGeometry;

/// An encoded picture and what its content check found.
pub struct EncodedPicture {
    /// The bytes of the file.
    pub file: Vec<u8>,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The content check.
    pub verdict: Verdict,
}

/// Renders a frame to a file. For AVIF, the file holds the frame's own bytes, `coded`.
///
/// Fails with `too_large` if the picture exceeds `max_pixels`, the format's largest size or `max_bytes`, and with `unsupported` if the
/// frame's color cannot be shown correctly, or if it cannot become an AVIF without encoding.
pub fn render(frame: Frame, coded: Option<&CodedKeyFrame>, options: &RenderOptions) -> Result<EncodedPicture, Error> {
    if options.encoding.format == Format::Avif {
        let (file, size) = avif::avif_of(&frame, coded, options)?;
        // Decoding has proved that the bytes are whole
        let verdict = content_check::check_content(&render_image(frame, options)?, &options.checks);
        return Ok(EncodedPicture { file, size, verdict });
    }
    encode_image(render_image(frame, options)?, options)
}

/// Renders a frame to an upright picture with square pixels in sRGB. Fails as [`render`] does before encoding.
pub fn render_image(frame: Frame, options: &RenderOptions) -> Result<Image, Error> {
    let conversion = ColorConversion::of(&frame, options.tone_map)?;
    refuse_unviewable_base_layer(&frame)?;
    let layout = FrameGeometry::of(&frame).layout(&options.size, options.max_pixels)?;
    let field_order = frame.field_order();
    let video = gray::add_chroma(VideoFrame::from(frame))?;
    let (video, layout) = deinterlace::deinterlace(video, field_order, layout)?;
    let image = conversion.scale_and_convert(&video, &layout, options.image_kind())?;
    let upright = image.oriented(layout.orientation);
    Ok(upright.on_canvas(layout.canvas, layout.offset))
}

/// Checks the content of a picture and encodes it. Fails as [`render`] does when encoding.
pub fn encode_image(image: Image, options: &RenderOptions) -> Result<EncodedPicture, Error> {
    let size = image.size();
    let verdict = content_check::check_content(&image, &options.checks);
    let file = encode::encode_within_limit(image, &options.encoding)?;
    Ok(EncodedPicture { file, size, verdict })
}

/// A Dolby Vision base layer that is not compatible with anything looks green and purple until it is reshaped.
fn refuse_unviewable_base_layer(frame: &Frame) -> Result<(), Error> {
    match frame.dolby_vision {
        Some((profile, 0)) if matches!(profile, 5 | 10 | 20) => {
            let what = format!("Dolby Vision profile {profile} has no base layer that can be shown without reshaping");
            Err(Error::new(ErrorKind::Unsupported, what).with_hint("choose another Variant with --variant"))
        }
        _ => Ok(()),
    }
}
