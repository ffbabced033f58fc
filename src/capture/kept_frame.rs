//! A decoded frame that outlives its job, so that pictures of other sizes and formats cost no request and no decoding.

use std::{fmt, sync::Arc};

use crate::{
    error::Error,
    libav::{CodedKeyFrame, Frame},
    render::{self, Image, ImageKind, RenderOptions},
    report::Verdict,
    request::{Crop, SnapshotRequest},
};

/// A frame, and the data that pictures of it need.
pub(crate) struct KeptFrame {
    pub(super) frame: Frame,
    /// Its coded bytes, if it is a key frame of AV1.
    pub(super) coded: Option<CodedKeyFrame>,
    /// The area of the frame that is the picture.
    pub(super) area: Crop,
}

/// The file of a picture, without metadata.
pub(super) struct EncodedPicture {
    pub file: Vec<u8>,
    /// Width and height in pixels.
    pub size: (u32, u32),
    pub verdict: Verdict,
}

impl KeptFrame {
    /// Its size in bytes.
    pub(super) fn size(&self) -> usize {
        self.frame.buffer_bytes() + self.coded.as_ref().map_or(0, CodedKeyFrame::size)
    }

    /// Renders and encodes a picture by a request's options. Fails as [`render::render`] and [`render::encode_within_limit`] do.
    pub(super) fn encode(&self, request: &SnapshotRequest) -> Result<EncodedPicture, Error> {
        let frame = self.frame.share().ok_or_else(|| Error::internal("a frame cannot be referenced"))?;
        let picture = render::render(frame, self.coded.as_ref(), &RenderOptions::new(request, self.area))?;
        let (file, size) = if let Some(avif) = picture.avif {
            avif
        } else {
            let size = picture.image.size();
            (render::encode_within_limit(picture.image, &request.encoding)?, size)
        };
        Ok(EncodedPicture { file, size, verdict: picture.verdict })
    }
}

/// The pixels of a finished picture, which are rendered when a caller needs them. Keeps the decoded frame.
#[derive(Clone)]
pub struct PicturePixels {
    frame: Arc<KeptFrame>,
    request: Arc<SnapshotRequest>,
}

impl PicturePixels {
    /// The pixels that `request` makes of a frame.
    pub(super) fn new(frame: Arc<KeptFrame>, request: Arc<SnapshotRequest>) -> Self {
        Self { frame, request }
    }

    /// R, G and B of each pixel, row by row, with width and height: those of a PNG, whatever the picture's format.
    pub fn to_rgb(&self) -> Result<((u32, u32), Vec<u8>), Error> {
        let frame = self.frame.frame.share().ok_or_else(|| Error::internal("a frame cannot be referenced"))?;
        let options = RenderOptions { image_kind: ImageKind::Rgb, ..RenderOptions::new(&self.request, self.frame.area) };
        match render::render_image(frame, &options)? {
            Image::Rgb(image) => Ok((image.dimensions(), image.into_raw())),
            Image::Jfif(_) => Err(Error::internal("a frame was rendered in another form")),
        }
    }
}

impl fmt::Debug for PicturePixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PicturePixels").field("bytes", &self.frame.size()).finish_non_exhaustive()
    }
}
