//! A decoded frame that outlives its job, so that pictures of other sizes and formats cost no request and no decoding.

use crate::{
    error::Error,
    libav::{CodedKeyFrame, Frame},
    render::{self, RenderOptions},
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
