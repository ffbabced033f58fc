//! A picture for callers in other languages.

use crate::{
    capture::{FinishedSnapshot, PicturePixels},
    report::Report,
    request::Format,
};

/// A finished picture.
#[derive(Debug)]
pub struct TakenPicture {
    /// The encoded file.
    pub file: Vec<u8>,
    /// The format of the file.
    pub format: Format,
    /// The report, as the command line prints it.
    pub report: Report,
    /// The pixels, rendered when they are needed.
    pub pixels: Option<PicturePixels>,
}

impl TakenPicture {
    pub(super) fn new(finished: FinishedSnapshot) -> Self {
        let FinishedSnapshot { picture, facts, pixels, .. } = finished;
        Self { file: picture, format: facts.format, pixels, report: Report::new(facts, None) }
    }
}
