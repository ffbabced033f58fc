//! A picture and what is done to one: geometry, encoding, verdict. Bytes to bytes: no I/O, no clock, no `unsafe`.
//!
//! A [`Picture`] is what we give: upright, square pixels, sRGB. For JPEG it stays in JFIF's own form ([`Planes`]), so that nothing is
//! converted twice; for PNG and WebP, and for whatever is composed, it is RGB.

mod cube;
mod displaced;
mod encode;
mod fields;
mod geometry;
mod jfif;
mod light;
mod matrix;
mod metadata;
mod opponent;
mod planes;
mod primaries;
mod progressive;
mod verdict;

pub use cube::{to_rgb8, to_srgb};
pub use encode::{decode, encode_png};
pub use fields::{Combs, PlaneMut, Sample};
pub use geometry::{Layout, Orientation, Rect, Shape};
pub use jfif::{limited, of_rgb};
pub use light::{Gamut, Light, Transfer};
pub use matrix::{Coefficients, Conversion};
pub use metadata::{Told, tagged};
pub use opponent::{Opponent, TransferFunction};
pub use planes::{Chroma, Plane, Planes, View};
pub use primaries::Chromaticities;
pub use progressive::encode_progressive;
pub use verdict::{remember, verdict};

use image::RgbImage;

/// A picture ready to be encoded.
#[derive(Debug, Clone)]
pub enum Picture {
    /// Y, Cb and Cr by BT.601, full range, as JFIF has them.
    Jfif(Planes),
    /// R, G and B, 8 bits each.
    Rgb(RgbImage),
}

impl Picture {
    /// Pixels across and down.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Jfif(planes) => planes.size(),
            Self::Rgb(image) => image.dimensions(),
        }
    }
}
