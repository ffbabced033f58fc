//! From a frame to a file: the picture, what it shows, the encoding that was asked for.

use super::told::Made;
use crate::{
    error::{Error, ErrorKind},
    libav::{self, Form, Frame, Wanted},
    picture::{self, Chroma, Picture, Planes},
    request::{Crop, Encoding, Format, Previous, Size, SnapshotRequest, Watch},
};

/// What a thread needs to know.
#[derive(Debug, Clone)]
pub(super) struct Development {
    wanted: Wanted,
    encoding: Encoding,
    watch: Watch,
}

impl Development {
    /// `tile` is the part of the frame that is the picture.
    pub fn of(request: &SnapshotRequest, tile: Crop) -> Self {
        let encoding = request.encoding;
        let form = match encoding {
            Encoding { format: Format::Jpeg, full_chroma: true, .. } => Form::Jfif(Chroma::Full),
            Encoding { format: Format::Jpeg, .. } | Encoding { format: Format::WebP, lossless: false, .. } => Form::Jfif(Chroma::Half),
            _ => Form::Rgb,
        };
        let crop = Some(request.size.crop.map_or(tile, |crop| crop.within(tile))).filter(|crop| *crop != Crop::ALL);
        let wanted = Wanted { size: Size { crop, ..request.size }, tone_map: request.tone_map, form, pixels: request.limits.pixels };
        Self { wanted, encoding, watch: request.watch.clone() }
    }

    /// Converts, looks and encodes.
    pub fn make(&self, frame: Frame) -> Result<Made, Error> {
        let picture = libav::picture(&frame, &self.wanted)?;
        drop(frame);
        let (size, verdict) = (picture.size(), picture::verdict(&picture, &self.watch));
        let file = match picture {
            Picture::Jfif(planes) => self.fitting(planes)?,
            Picture::Rgb(image) if self.encoding.format == Format::WebP => libav::encode_lossless_webp(&image)?,
            Picture::Rgb(image) => picture::encode_png(&image)?,
        };
        match self.encoding.most_bytes {
            Some(most) if file.len() as u64 > most => {
                let what = format!("the picture takes {} bytes, and {most} are allowed", file.len());
                let lossy = matches!(self.wanted.form, Form::Jfif(_));
                let hint = if lossy { "ask for a smaller --width" } else { "ask for JPEG or lossy WebP, or for a smaller --width" };
                Err(Error::new(ErrorKind::TooLarge, what).hint(hint))
            }
            _ => Ok(Made { file, size, verdict }),
        }
    }

    /// The best that fits, or the smallest there is.
    fn fitting(&self, planes: Planes) -> Result<Vec<u8>, Error> {
        let Encoding { quality, most_bytes, .. } = self.encoding;
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
            Encoding { progressive: true, .. } => picture::encode_progressive(&planes, quality),
            _ => libav::encode_jpeg(planes, quality),
        }
    }
}

/// What a picture of before shows, out of its file: JPEG, PNG or WebP. Fails with `usage` where it is none.
pub fn previous(file: &[u8]) -> Result<Previous, Error> {
    let picture = if file.starts_with(&[0xff, 0xd8]) { libav::decode_jpeg(file).ok() } else { picture::decode(file) };
    let no_picture =
        || Error::new(ErrorKind::Usage, "what is to be compared with is no picture").hint("give a JPEG, PNG or WebP, or a hash");
    picture.map(|picture| picture::remember(&picture)).ok_or_else(no_picture)
}
