//! Many pictures that become one file: a contact sheet, an animation. All frontends share this.

use std::path::Path;

use crate::{
    compose::{self, ReportProgress},
    error::Error,
    fetch::Client,
    report::PicturesReport,
    request::{AnimationRequest, PicturesRequest, SheetRequest},
};

/// What to make.
#[derive(Debug)]
pub(super) enum OneFileRequest {
    Sheet(SheetRequest),
    Animation(AnimationRequest),
}

/// A finished file.
#[derive(Debug)]
pub(super) struct OneFile {
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
    /// The usual file extension.
    pub extension: &'static str,
    pub report: PicturesReport,
    /// How many pictures could not be had.
    pub failures: usize,
}

impl OneFileRequest {
    /// The pictures, to bound them.
    pub fn pictures_mut(&mut self) -> &mut PicturesRequest {
        match self {
            Self::Sheet(request) => &mut request.pictures,
            Self::Animation(request) => &mut request.pictures,
        }
    }

    /// Makes the file.
    pub async fn make(&self, client: &Client, progress: &ReportProgress<'_>) -> Result<OneFile, Error> {
        match self {
            Self::Sheet(request) => {
                let sheet = Box::pin(compose::sheet(request, client, progress)).await?;
                let format = request.pictures.snapshot.encoding.format;
                let (media_type, extension) = (format.media_type(), format.extension());
                Ok(OneFile { bytes: sheet.file, media_type, extension, report: sheet.report, failures: sheet.failures })
            }
            Self::Animation(request) => {
                let animation = Box::pin(compose::animation(request, client, progress)).await?;
                let (media_type, extension) = (animation.format.media_type(), animation.format.extension());
                Ok(OneFile { bytes: animation.file, media_type, extension, report: animation.report, failures: animation.failures })
            }
        }
    }
}

/// Whether the extension of an output is that of a GIF. Fails with `usage` for those of other formats than WebP.
pub(super) fn is_gif(output: &str) -> Result<bool, Error> {
    let extension = Path::new(output).extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "gif" => Ok(true),
        "webp" | "{ext}" | "" => Ok(false),
        other => Err(Error::usage(format!("an animation cannot be a .{other}"), "give a .webp or a .gif as --output")),
    }
}
