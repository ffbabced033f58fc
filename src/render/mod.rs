//! From a decoded frame to a file: color, geometry, deinterlacing, tone mapping, content check, encoding.
//!
//! [`render_image`] is the way to pixels, as a list of steps; [`encode_within_limit`] makes the file. `Grid` and `Canvas` make one
//! picture of many, for the frontends. Everything is pure computation; only `ffi` calls C.

#[cfg(feature = "frontends")]
mod animation;
#[cfg(feature = "frontends")]
mod animation_codec;
#[cfg(feature = "frontends")]
mod animation_frames;
mod avif;
mod avif_file;
#[cfg(feature = "frontends")]
mod canvas;
mod color;
mod combs;
mod content_check;
mod convert;
mod deinterlace;
mod encode;
mod exif;
mod ffi;
mod geometry;
#[cfg(feature = "frontends")]
mod gif_animation;
#[cfg(feature = "frontends")]
mod gif_palette;
mod gray;
#[cfg(feature = "frontends")]
mod grid;
#[cfg(feature = "frontends")]
mod header;
mod image;
mod jfif;
#[cfg(feature = "frontends")]
mod label;
mod lut3d;
mod matrix;
mod motion_combs;
mod opponent_color;
mod options;
mod placeholder;
mod planes;
mod primaries;
mod progressive_jpeg;
#[cfg(feature = "frontends")]
mod text;
mod tone_map;
mod transfer_function;
mod vector;

pub use self::image::{Image, ImageKind};
#[cfg(feature = "frontends")]
pub use animation::{EncodedAnimation, encode_animation};
#[cfg(feature = "frontends")]
pub use animation_codec::{AnimationFormat, AnimationOptions};
#[cfg(feature = "frontends")]
pub use animation_frames::AnimationFrame;
#[cfg(feature = "frontends")]
pub use canvas::Canvas;
pub use color::Color;
pub use content_check::{Likeness, compare_pictures, fingerprint, looks_like, reference_picture};
pub use encode::{encode_rgb, encode_within_limit};
pub use exif::{ImageMetadata, embed_exif};
pub use geometry::{Orientation, Rect};
#[cfg(feature = "frontends")]
pub use grid::Grid;
#[cfg(feature = "frontends")]
pub use header::Header;
#[cfg(feature = "frontends")]
pub use label::time_label;
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

/// A picture that is not encoded yet, and what its content check found.
#[derive(Debug, Clone)]
pub struct CheckedPicture {
    /// The pixels.
    pub image: Image,
    /// The file of an AVIF, and its width and height in pixels.
    pub avif: Option<(Vec<u8>, (u32, u32))>,
    /// The content check.
    pub verdict: Verdict,
}

/// Renders a frame and checks its content. For AVIF, also makes the file, which holds the frame's own bytes, `coded`.
///
/// Fails with `too_large` if the picture exceeds `max_pixels` or the format's largest size, and with `unsupported` if the frame's color
/// cannot be shown correctly, or if it cannot become an AVIF without encoding.
pub fn render(frame: Frame, coded: Option<&CodedKeyFrame>, options: &RenderOptions) -> Result<CheckedPicture, Error> {
    let is_avif = options.encoding.format == Format::Avif && options.image_kind != ImageKind::Rgb;
    let avif = is_avif.then(|| avif::avif_of(&frame, coded, options)).transpose()?;
    let image = render_image(frame, options)?;
    let verdict = content_check::check_content(&image, &options.checks);
    Ok(CheckedPicture { image, avif, verdict })
}

/// Renders a frame to an upright picture with square pixels in sRGB. Fails as [`render`] does.
pub fn render_image(frame: Frame, options: &RenderOptions) -> Result<Image, Error> {
    let conversion = ColorConversion::of(&frame, options.tone_map)?;
    refuse_unviewable_base_layer(&frame)?;
    let layout = FrameGeometry::of(&frame).layout(&options.size, options.max_pixels)?;
    let field_order = frame.field_order();
    let video = gray::add_chroma(VideoFrame::from(frame))?;
    let (video, layout) = deinterlace::deinterlace(video, field_order, layout)?;
    let image = conversion.scale_and_convert(&video, &layout, options.image_kind)?;
    let upright = image.oriented(layout.orientation);
    Ok(upright.on_canvas(layout.canvas, layout.offset))
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
