//! Scales a frame and converts its color: to JFIF's planes without a detour through RGB if possible, else to sRGB.

use image::RgbImage;

use super::{
    color::Color,
    ffi::{PixelLayout, VideoFrame, swscale},
    geometry::Layout,
    image::{Image, ImageKind},
    jfif, lut3d,
    matrix::{Coefficients, JfifConversion},
    opponent_color::OpponentColor,
    planes::{Chroma, PlaneView, Planes},
    tone_map::ToneMapper,
};
use crate::{
    error::{Error, ErrorKind},
    libav::{Frame, PixelFormat},
    request::ToneMap,
};

/// How the samples of a frame become sRGB.
pub struct ColorConversion {
    color: Color,
    /// For matrices that libswscale does not know.
    opponent_color: Option<OpponentColor>,
    /// For HDR and wide gamuts.
    tone_mapper: Option<ToneMapper>,
}

impl ColorConversion {
    /// Interprets the color of a frame. Fails with `unsupported` if there is no conversion.
    pub fn of(frame: &Frame, tone_map: ToneMap) -> Result<Self, Error> {
        let color = Color::of(frame);
        let opponent_color = color.opponent_color(PixelLayout::of(frame.pixel_format()).depth)?;
        let tone_mapper = ToneMapper::new(color.dynamic_range(frame.peak_luminance()), color.gamut(), tone_map);
        Ok(Self { color, opponent_color, tone_mapper })
    }

    /// Crops, scales and converts a frame. The image is not oriented yet.
    pub fn scale_and_convert(&self, video: &VideoFrame, layout: &Layout, kind: ImageKind) -> Result<Image, Error> {
        let is_direct = self.tone_mapper.is_none() && self.opponent_color.is_none();
        match kind {
            ImageKind::Jfif(chroma) if is_direct => self.to_jfif(video, layout, chroma).map(Image::Jfif),
            ImageKind::Jfif(chroma) => Ok(Image::Jfif(jfif::from_rgb(&self.to_srgb(video, layout)?, chroma))),
            ImageKind::Rgb => self.to_srgb(video, layout).map(Image::Rgb),
        }
    }

    /// Converts from Y'CbCr to Y'CbCr with one matrix. Chroma that is subsampled as `chroma` already stays so.
    fn to_jfif(&self, video: &VideoFrame, layout: &Layout, chroma: Chroma) -> Result<Planes, Error> {
        let is_unscaled = layout.scaled == (layout.crop.width, layout.crop.height) && layout.scaled == video.size();
        // libswscale converts RGB to JFIF's matrix and range
        let is_rgb = PixelLayout::of(video.format()).is_rgb;
        let (matrix, full_range) = if is_rgb { (Coefficients::BT601, true) } else { (self.color.coefficients()?, self.color.full_range) };
        let conversion = JfifConversion::new(matrix, full_range);
        match (chroma, video.format()) {
            (Chroma::Half, PixelFormat::YUV420P | PixelFormat::YUVJ420P) | (Chroma::Full, PixelFormat::YUV444P | PixelFormat::YUVJ444P)
                if is_unscaled =>
            {
                Ok(conversion.convert(ycbcr_planes(video)?, chroma))
            }
            _ => {
                let format = if chroma == Chroma::Half { PixelFormat::YUV420P } else { PixelFormat::YUV444P };
                let scaled = swscale::scale(video, &self.color, layout, format)?;
                Ok(conversion.convert(ycbcr_planes(&scaled)?, chroma))
            }
        }
    }

    fn to_srgb(&self, video: &VideoFrame, layout: &Layout) -> Result<RgbImage, Error> {
        match (&self.opponent_color, &self.tone_mapper) {
            (Some(opponent_color), tone_mapper) => {
                let bytes = self.opponent_to_rgb48(opponent_color, video, layout)?;
                let (width, height) = (layout.scaled.0 as usize, layout.scaled.1 as usize);
                let rgb48 = PlaneView { samples: &bytes, stride: width * 6, width: width * 6, height };
                Ok(tone_mapper.as_ref().map_or_else(|| lut3d::to_rgb8(rgb48), |tone_mapper| lut3d::to_srgb(tone_mapper, rgb48)))
            }
            (None, Some(tone_mapper)) => {
                let scaled = swscale::scale(video, &self.color, layout, PixelFormat::RGB48LE)?;
                Ok(lut3d::to_srgb(tone_mapper, scaled.plane(0)?))
            }
            (None, None) => {
                let scaled = swscale::scale(video, &self.color, layout, PixelFormat::RGB24)?;
                let (width, height) = layout.scaled;
                let image = RgbImage::from_raw(width, height, scaled.plane(0)?.to_plane().bytes);
                image.ok_or_else(|| Error::internal("libswscale's rows do not add up to the picture"))
            }
        }
    }

    /// Scales the samples as they are, then converts them to rows of R, G and B with 16 bits each.
    fn opponent_to_rgb48(&self, opponent_color: &OpponentColor, video: &VideoFrame, layout: &Layout) -> Result<Vec<u8>, Error> {
        let scaled = swscale::scale(video, &self.color, layout, PixelFormat::YUV444P16LE)?;
        let depth = PixelLayout::of(video.format()).depth;
        opponent_color.convert_to_rgb48(ycbcr_planes(&scaled)?, depth, self.color.full_range).ok_or_else(|| {
            let matrix = self.color.report().matrix;
            Error::new(ErrorKind::Unsupported, format!("the stream signals the color matrix {matrix}, but its samples contradict that"))
        })
    }
}

fn ycbcr_planes(video: &VideoFrame) -> Result<[PlaneView<'_>; 3], Error> {
    Ok([video.plane(0)?, video.plane(1)?, video.plane(2)?])
}
