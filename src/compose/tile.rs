//! The pixels of one of many pictures.

use image::{RgbImage, imageops};

use crate::{capture::Capture, error::Error, render::Image};

/// The pixels of a capture by a presentation that gives pixels.
pub(super) fn pixels(capture: Capture) -> Result<RgbImage, Error> {
    rgb(capture.picture.image)
}

/// The picture in this size, in pixels. One of another shape is scaled to fit, on black.
pub(super) fn fitted(picture: RgbImage, size: (u32, u32)) -> Result<RgbImage, Error> {
    let (width, height) = picture.dimensions();
    if (width, height) == size {
        return Ok(picture);
    }
    let scale = (f64::from(size.0) / f64::from(width)).min(f64::from(size.1) / f64::from(height));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the size")]
    let length_of = |length: u32, max: u32| ((f64::from(length) * scale).round() as u32).clamp(1, max.max(1));
    let scaled = imageops::resize(&picture, length_of(width, size.0), length_of(height, size.1), imageops::FilterType::Triangle);
    let offset = (size.0.saturating_sub(scaled.width()) / 2, size.1.saturating_sub(scaled.height()) / 2);
    rgb(Image::Rgb(scaled).on_canvas(size, offset))
}

fn rgb(image: Image) -> Result<RgbImage, Error> {
    match image {
        Image::Rgb(image) => Ok(image),
        Image::Jfif(_) => Err(Error::internal("one of many pictures is not RGB")),
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_picture_of_another_shape_is_shown_whole_between_bars() {
        let fitted = fitted(RgbImage::from_pixel(90, 160, Rgb([200, 30, 40])), (160, 90)).expect("a tile");
        assert_eq!(fitted.dimensions(), (160, 90));
        // 90x160 becomes 51x90
        let colors = [0, 53, 55, 80, 104, 106, 159].map(|x| fitted.get_pixel(x, 45).0[0]);
        assert_eq!(colors, [0, 0, 200, 200, 200, 0, 0]);
    }
}
