//! A picture and what is done to one: geometry, encoding, verdict. Bytes to bytes: no I/O, no clock, no `unsafe`.
//!
//! A [`Picture`] is what we give: upright, square pixels, sRGB. For JPEG it stays in JFIF's own form ([`Planes`]), so that nothing is
//! converted twice; for PNG and WebP, and for whatever is composed, it is RGB.

mod deinterlace;
mod encode;
mod exif;
mod geometry;
mod jfif;
mod lut3d;
mod matrix;
mod motion_combs;
mod opponent_color;
mod planes;
mod primaries;
mod progressive;
mod tone_map;
mod verdict;

pub use deinterlace::{Combs, PixelSample, PlaneMut};
pub use encode::{decode, encode_png};
pub use exif::{ImageMetadata, embed_exif};
pub use geometry::{Layout, Orientation, Rect, Shape};
pub use jfif::{limited, of_rgb};
pub use lut3d::{to_rgb8, to_srgb};
pub use matrix::{Coefficients, Conversion};
pub use opponent_color::{Opponent, TransferFunction};
pub use planes::{Chroma, Plane, Planes, View};
pub use primaries::Chromaticities;
pub use progressive::encode_progressive;
pub use tone_map::{Gamut, ToneMapper, Transfer};
pub use verdict::{fingerprint, verdict};

use image::RgbImage;

/// A picture ready to be encoded.
#[derive(Debug, Clone)]
pub enum Image {
    /// Y, Cb and Cr by BT.601, full range, as JFIF has them.
    Jfif(Planes),
    /// R, G and B, 8 bits each.
    Rgb(RgbImage),
}

impl Image {
    /// Pixels across and down.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Jfif(planes) => planes.size(),
            Self::Rgb(image) => image.dimensions(),
        }
    }
}
