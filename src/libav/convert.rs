//! From a frame to a picture: its colours by [`crate::picture`]'s matrix, its light or libswscale, its shape by libswscale.

use ffmpeg_next as ff;
use image::{RgbImage, imageops};

use super::{
    colour::{Colour, is_rgb},
    deinterlace::without_combs,
    frame::Frame,
    gray::with_chroma,
    scale::{depth_of, scaled, view, views_of},
};
use crate::{
    error::{Error, ErrorKind},
    render::{self, Chroma, Coefficients, Conversion, Image, Layout, Opponent, Orientation, Planes, ToneMapper, Transfer, View},
    request::{Size, ToneMap},
};

/// The form that the encoder wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelForm {
    /// Planes by JFIF.
    Jfif(Chroma),
    /// RGB.
    Rgb,
}

/// The picture that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct ConvertOptions {
    /// How large.
    pub size: Size,
    /// What is done with HDR.
    pub tone_map: ToneMap,
    /// For which encoder.
    pub form: PixelForm,
    /// The most that it may have.
    pub pixels: u64,
}

/// Makes the picture that is wanted. Fails with `too_large`, or with `unsupported` for colours that cannot be shown rightly.
pub fn picture(frame: &Frame, wanted: &ConvertOptions) -> Result<Image, Error> {
    let colour = frame.colour();
    let opponent = colour.opponent(depth_of(frame.video()))?;
    refuse_unreshaped(frame)?;
    let layout = frame.shape.layout(&wanted.size, wanted.pixels)?;
    let light = ToneMapper::of(transfer(frame, &colour), colour.gamut(), wanted.tone_map);
    let coloured = with_chroma(frame.video())?;
    let video = coloured.as_ref().unwrap_or(frame.video());
    let mended = without_combs(video, &layout)?;
    let (video, layout) = mended.as_ref().map_or((video, layout), |(video, layout)| (video, *layout));
    match wanted.form {
        PixelForm::Jfif(chroma) if light.is_none() && opponent.is_none() => jfif(video, &colour, &layout, chroma).map(Image::Jfif),
        PixelForm::Jfif(chroma) => Ok(Image::Jfif(render::of_rgb(&rgb(video, &colour, opponent, light, &layout)?, chroma))),
        PixelForm::Rgb => rgb(video, &colour, opponent, light, &layout).map(Image::Rgb),
    }
}

/// Dolby Vision whose base layer is nobody else's looks green and purple until it is reshaped.
fn refuse_unreshaped(frame: &Frame) -> Result<(), Error> {
    match frame.dolby_vision {
        Some((profile, 0)) if matches!(profile, 5 | 10 | 20) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("Dolby Vision of profile {profile} has no base layer that can be shown without reshaping"),
        )
        .with_hint("choose another Variant with --variant")),
        _ => Ok(()),
    }
}

/// Programmes that do not say how bright they are were mastered for this, in cd/m².
const USUAL_PEAK: f32 = 1000.0;

fn transfer(frame: &Frame, colour: &Colour) -> Transfer {
    use ff::color::TransferCharacteristic as Code;
    match colour.transfer {
        Code::SMPTE2084 => Transfer::Pq { peak: frame.peak().unwrap_or(USUAL_PEAK) },
        Code::ARIB_STD_B67 => Transfer::Hlg,
        _ => Transfer::Sdr,
    }
}

fn jfif(video: &ff::frame::Video, colour: &Colour, layout: &Layout, chroma: Chroma) -> Result<Planes, Error> {
    use ff::format::Pixel;
    let whole = layout.scaled == (layout.crop.width, layout.crop.height) && layout.scaled == (video.width(), video.height());
    let from_rgb = is_rgb(video.format());
    // RGB comes from libswscale as JFIF has it
    let (matrix, full_range) = if from_rgb { (Coefficients::BT601, true) } else { (colour.coefficients()?, colour.full_range) };
    let conversion = Conversion::to_jfif(matrix, full_range);
    let planes = match (chroma, video.format()) {
        (Chroma::Half, Pixel::YUV420P | Pixel::YUVJ420P) | (Chroma::Full, Pixel::YUV444P | Pixel::YUVJ444P) if whole => {
            conversion.convert(views_of(video, chroma)?, chroma)
        }
        _ => {
            let format = if chroma == Chroma::Half { Pixel::YUV420P } else { Pixel::YUV444P };
            conversion.convert(views_of(&scaled(video, colour, layout, format)?, chroma)?, chroma)
        }
    };
    Ok(planes.oriented(layout.orientation).on_canvas(layout.canvas, layout.offset))
}

fn rgb(
    video: &ff::frame::Video,
    colour: &Colour,
    opponent: Option<Opponent>,
    light: Option<ToneMapper>,
    layout: &Layout,
) -> Result<RgbImage, Error> {
    use ff::format::Pixel;
    let (width, height) = (layout.scaled.0 as usize, layout.scaled.1 as usize);
    let mut image = match (opponent, light) {
        (Some(opponent), light) => {
            let planes = scaled(video, colour, layout, Pixel::YUV444P16LE)?;
            let planes = [view(&planes, 0, width * 2, height)?, view(&planes, 1, width * 2, height)?, view(&planes, 2, width * 2, height)?];
            let contradicted = || {
                let matrix = colour.report().matrix;
                Error::new(ErrorKind::Unsupported, format!("the stream signals the colour matrix {matrix}, but its samples are of another"))
            };
            let bytes = opponent.to_rgb48(planes, depth_of(video), colour.full_range).ok_or_else(contradicted)?;
            let rgb48 = View { bytes: &bytes, stride: width * 6, width: width * 6, height };
            light.map_or_else(|| render::to_rgb8(rgb48), |light| render::to_srgb(&light, rgb48))
        }
        (None, Some(light)) => render::to_srgb(&light, view(&scaled(video, colour, layout, Pixel::RGB48LE)?, 0, width * 6, height)?),
        (None, None) => {
            let plane = view(&scaled(video, colour, layout, Pixel::RGB24)?, 0, width * 3, height)?.to_plane();
            let (width, height) = layout.scaled;
            RgbImage::from_raw(width, height, plane.bytes).ok_or_else(|| Error::internal("the picture's rows do not add up"))?
        }
    };
    if layout.orientation.mirrored {
        imageops::flip_horizontal_in_place(&mut image);
    }
    image = match layout.orientation {
        Orientation { turns: 1, .. } => imageops::rotate90(&image),
        Orientation { turns: 2, .. } => imageops::rotate180(&image),
        Orientation { turns: 3, .. } => imageops::rotate270(&image),
        _ => image,
    };
    if image.dimensions() == layout.canvas {
        return Ok(image);
    }
    let mut canvas = RgbImage::new(layout.canvas.0, layout.canvas.1);
    imageops::replace(&mut canvas, &image, layout.offset.0.into(), layout.offset.1.into());
    Ok(canvas)
}
