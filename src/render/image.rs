//! A picture that is not encoded yet.

use image::{RgbImage, imageops};

use super::{
    geometry::Orientation,
    jfif,
    planes::{Chroma, Planes},
};
use crate::request::{Encoding, Format};

/// A picture in sRGB. For JPEG and lossy WebP it stays in JFIF's own form, so that nothing is converted twice.
#[derive(Debug, Clone)]
pub enum Image {
    /// Y, Cb and Cr by BT.601 in the full range, as JFIF defines them.
    Jfif(Planes),
    /// R, G and B, 8 bits each.
    Rgb(RgbImage),
}

/// The kind of samples that an encoder takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// JFIF's planes.
    Jfif(Chroma),
    /// R, G and B.
    Rgb,
}

impl ImageKind {
    /// The samples that the encoder takes.
    pub fn of(encoding: &Encoding) -> Self {
        match encoding.format {
            Format::Jpeg if encoding.full_chroma => Self::Jfif(Chroma::Full),
            Format::WebP if encoding.lossless => Self::Rgb,
            // AVIF's is for the content check only
            Format::Jpeg | Format::WebP | Format::Avif => Self::Jfif(Chroma::Half),
            Format::Png => Self::Rgb,
        }
    }
}

impl Image {
    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Jfif(planes) => planes.size(),
            Self::Rgb(image) => image.dimensions(),
        }
    }

    /// R, G and B of a pixel, counted from the left and the top; `None` outside of the picture.
    pub fn rgb_at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        match self {
            Self::Jfif(planes) => planes.at(x, y).map(jfif::to_rgb),
            Self::Rgb(image) => image.get_pixel_checked(u32::try_from(x).ok()?, u32::try_from(y).ok()?).map(|pixel| pixel.0),
        }
    }

    /// Mirrors and rotates.
    #[must_use]
    pub fn oriented(self, orientation: Orientation) -> Self {
        match self {
            Self::Jfif(planes) => Self::Jfif(planes.oriented(orientation)),
            Self::Rgb(mut image) => {
                if orientation.mirrored {
                    imageops::flip_horizontal_in_place(&mut image);
                }
                Self::Rgb(match orientation.rotation {
                    90 => imageops::rotate90(&image),
                    180 => imageops::rotate180(&image),
                    270 => imageops::rotate270(&image),
                    _ => image,
                })
            }
        }
    }

    /// Puts the picture on a black canvas, `offset` pixels from its left and top; both must be even for 4:2:0.
    #[must_use]
    pub fn on_canvas(self, canvas: (u32, u32), offset: (u32, u32)) -> Self {
        if canvas == self.size() {
            return self;
        }
        match self {
            Self::Jfif(planes) => Self::Jfif(planes.on_canvas(canvas, offset)),
            Self::Rgb(image) => {
                let mut background = RgbImage::new(canvas.0, canvas.1);
                imageops::replace(&mut background, &image, offset.0.into(), offset.1.into());
                Self::Rgb(background)
            }
        }
    }
}
