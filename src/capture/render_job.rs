//! From a frame to a file: the picture, what it shows, the encoding that was asked for.

use super::facts::EncodedImage;
use crate::{
    error::{Error, ErrorKind},
    libav::{self, ConvertOptions, Frame, PixelForm},
    render::{self, Chroma, Image, Planes},
    request::{Checks, Crop, Encoding, Format, ReferencePicture, Size, SnapshotRequest},
};

/// What a thread needs to know.
#[derive(Debug, Clone)]
pub(super) struct RenderJob {
    wanted: ConvertOptions,
    encoding: Encoding,
    watch: Checks,
}

impl RenderJob {
    /// `tile` is the part of the frame that is the picture.
    pub fn of(request: &SnapshotRequest, tile: Crop) -> Self {
        let encoding = request.encoding;
        let form = match encoding {
            Encoding { format: Format::Jpeg, full_chroma: true, .. } => PixelForm::Jfif(Chroma::Full),
            Encoding { format: Format::Jpeg, .. } | Encoding { format: Format::WebP, lossless: false, .. } => PixelForm::Jfif(Chroma::Half),
            _ => PixelForm::Rgb,
        };
        let crop = Some(request.size.crop.map_or(tile, |crop| crop.within(tile))).filter(|crop| *crop != Crop::ALL);
        let wanted =
            ConvertOptions { size: Size { crop, ..request.size }, tone_map: request.tone_map, form, pixels: request.limits.max_pixels };
        Self { wanted, encoding, watch: request.checks.clone() }
    }

    /// Converts, looks and encodes.
    pub fn make(&self, frame: Frame) -> Result<EncodedImage, Error> {
        let image = libav::picture(&frame, &self.wanted)?;
        drop(frame);
        let (size, verdict) = (image.size(), render::verdict(&image, &self.watch));
        let file = match image {
            Image::Jfif(planes) => self.fitting(planes)?,
            Image::Rgb(image) if self.encoding.format == Format::WebP => libav::encode_lossless_webp(&image)?,
            Image::Rgb(image) => render::encode_png(&image)?,
        };
        match self.encoding.max_bytes {
            Some(most) if file.len() as u64 > most => {
                let what = format!("the picture takes {} bytes, and {most} are allowed", file.len());
                let lossy = matches!(self.wanted.form, PixelForm::Jfif(_));
                let hint = if lossy { "ask for a smaller --width" } else { "ask for JPEG or lossy WebP, or for a smaller --width" };
                Err(Error::new(ErrorKind::TooLarge, what).with_hint(hint))
            }
            _ => Ok(EncodedImage { file, size, verdict }),
        }
    }

    /// The best that fits, or the smallest there is.
    fn fitting(&self, planes: Planes) -> Result<Vec<u8>, Error> {
        let Encoding { quality, max_bytes: most_bytes, .. } = self.encoding;
        let Some(most) = most_bytes else { return self.lossy(planes, quality) };
        let first = self.lossy(planes.clone(), quality)?;
        if first.len() as u64 <= most {
            return Ok(first);
        }
        // What fits grows with the quality
        let (mut fits, mut too_much, mut best) = (0, quality, None);
        while too_much - fits > 1 {
            let middle = u8::midpoint(fits, too_much);
            let file = self.lossy(planes.clone(), middle)?;
            if file.len() as u64 <= most {
                (fits, best) = (middle, Some(file));
            } else {
                too_much = middle;
            }
        }
        best.map_or(Ok(first), Ok)
    }

    fn lossy(&self, planes: Planes, quality: u8) -> Result<Vec<u8>, Error> {
        match self.encoding {
            Encoding { format: Format::WebP, .. } => libav::encode_webp(&planes, quality),
            Encoding { progressive: true, .. } => render::encode_progressive(&planes, quality),
            _ => libav::encode_jpeg(planes, quality),
        }
    }
}

/// What a picture of before shows, out of its file: JPEG, PNG or WebP. Fails with `usage` where it is none.
pub fn reference_picture(file: &[u8]) -> Result<ReferencePicture, Error> {
    let image = if file.starts_with(&[0xff, 0xd8]) { libav::decode_jpeg(file).ok() } else { render::decode(file) };
    let no_picture =
        || Error::new(ErrorKind::Usage, "what is to be compared with is no picture").with_hint("give a JPEG, PNG or WebP, or a hash");
    image.map(|image| render::fingerprint(&image)).ok_or_else(no_picture)
}
