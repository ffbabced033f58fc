//! The whole request for one picture.

use std::time::Duration;

use super::{
    checks::{Checks, ToneMap},
    headers::RequestHeaders,
    keys::DecryptionKeys,
    limits::Limits,
    picture::{Encoding, Format, Size, VariantChoice},
    position::{Position, Precision},
    source::Source,
};
use crate::error::{Error, ErrorKind, redacted};

/// One picture of one stream.
#[derive(Debug, Clone)]
pub struct SnapshotRequest {
    /// The playlist.
    pub(crate) source: Source,
    /// The moment; `None` takes the newest frame of a live stream and the start of a recording.
    pub(crate) at: Option<Position>,
    /// `None` takes [`Precision::Exact`] if `at` is a time, else [`Precision::KeyFrame`].
    pub(crate) precision: Option<Precision>,
    /// The Variant of a Multivariant Playlist.
    pub(crate) variant: VariantChoice,
    /// How much video to search for a key frame that is neither black nor a single color.
    pub(crate) skip_black: Option<Duration>,
    /// Compare this many key frames and take the sharpest and best exposed.
    pub(crate) best: Option<usize>,
    /// The size of the picture.
    pub(crate) size: Size,
    /// How HDR is converted.
    pub(crate) tone_map: ToneMap,
    /// The encoding of the picture.
    pub(crate) encoding: Encoding,
    /// The checks of the picture's content.
    pub(crate) checks: Checks,
    /// The headers of HTTP requests.
    pub(crate) headers: RequestHeaders,
    /// Keys to use instead of fetching any.
    pub(crate) keys: DecryptionKeys,
    /// The limits of time, bytes and everything else.
    pub(crate) limits: Limits,
}

impl SnapshotRequest {
    /// A request for the default picture of `source`.
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            at: None,
            precision: None,
            variant: VariantChoice::Auto,
            skip_black: None,
            best: None,
            size: Size::default(),
            tone_map: ToneMap::default(),
            encoding: Encoding::default(),
            checks: Checks::default(),
            headers: RequestHeaders::default(),
            keys: DecryptionKeys::default(),
            limits: Limits::default(),
        }
    }

    /// The requested URL, redacted; empty for text.
    pub(crate) fn redacted_url(&self) -> String {
        match &self.source {
            Source::Url(url) => redacted(url),
            Source::File(path) => path.display().to_string(),
            Source::Text { base, .. } => redacted(base),
        }
    }

    /// Fails with `usage` or `unsupported` if no picture can be encoded as requested.
    pub(crate) fn check_encoding(&self) -> Result<(), Error> {
        if self.encoding.lossless && self.encoding.format == Format::Jpeg {
            return Err(Error::new(ErrorKind::Usage, "JPEG has no lossless mode").with_hint("use PNG or WebP"));
        }
        self.check_avif()
    }

    /// Fails with `unsupported` if an AVIF is requested with an option that the stream's own bytes cannot fulfill.
    pub(crate) fn check_avif(&self) -> Result<(), Error> {
        let Size { width, height, crop, .. } = self.size;
        let options = [
            ("--width", width.is_some()),
            ("--height", height.is_some()),
            ("--crop", crop.is_some()),
            ("--tone-map clip", self.tone_map == ToneMap::Clip),
            ("--describe", self.encoding.describe),
        ];
        let conflict = options.into_iter().find(|(_, is_set)| *is_set && self.encoding.format == Format::Avif);
        let Some((option, _)) = conflict else { return Ok(()) };
        let what = format!("AVIF takes the stream's own bytes, so {option} is not possible");
        Err(Error::new(ErrorKind::Unsupported, what).with_hint("leave it out, or ask for jpeg, png or webp"))
    }

    /// Whether to take the frame shown at the moment rather than the key frame before it.
    pub(crate) fn is_exact(&self) -> bool {
        self.precision.map_or_else(|| self.at.is_some_and(|at| at.is_time()), |precision| precision == Precision::Exact)
    }
}
