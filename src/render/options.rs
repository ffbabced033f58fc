//! The caller's choices for a picture.

use super::image::ImageKind;
use crate::request::{Checks, Crop, Encoding, Size, SnapshotRequest, ToneMap};

/// How a frame is rendered.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// Size, fit and crop.
    pub size: Size,
    /// How HDR becomes SDR.
    pub tone_map: ToneMap,
    /// The file format and its parameters.
    pub encoding: Encoding,
    /// Settings of the content check.
    pub checks: Checks,
    /// The form of the picture.
    pub image_kind: ImageKind,
    /// The largest picture, in pixels.
    pub max_pixels: u64,
}

impl RenderOptions {
    /// A request's options, for a picture that fills the part `tile` of the frame.
    pub fn new(request: &SnapshotRequest, tile: Crop) -> Self {
        let crop = Some(request.size.crop.map_or(tile, |crop| crop.within(tile))).filter(|crop| *crop != Crop::ALL);
        Self {
            size: Size { crop, ..request.size },
            tone_map: request.tone_map,
            encoding: request.encoding,
            image_kind: ImageKind::of(&request.encoding),
            checks: request.checks.clone(),
            max_pixels: request.limits.max_pixels,
        }
    }
}
