//! [`SnapshotRequest::builder`]: how callers of the library describe one picture.

use std::time::Duration;

use super::{
    checks::{Crop, Finding, ReferencePicture, ToneMap},
    limits::Limits,
    picture::{Fit, Format, Size, VariantChoice},
    position::{Position, Precision},
    snapshot_request::SnapshotRequest,
    source::Source,
};
use crate::error::{Error, ErrorKind};

/// Builds a [`SnapshotRequest`]. Every setting has the default of the command line; [`build`](Self::build) checks them all.
#[derive(Debug)]
#[must_use = "call `build` to get the request"]
pub struct SnapshotRequestBuilder {
    request: Result<SnapshotRequest, Error>,
}

impl SnapshotRequest {
    /// Starts a request for a picture of the stream at `url`: an `http://` or `https://` URL, a `file://` URL, or a path.
    pub fn builder(url: impl AsRef<str>) -> SnapshotRequestBuilder {
        SnapshotRequestBuilder { request: Source::parse(url.as_ref()).map(Self::new) }
    }
}

impl SnapshotRequestBuilder {
    fn set(mut self, change: impl FnOnce(&mut SnapshotRequest)) -> Self {
        if let Ok(request) = &mut self.request {
            change(request);
        }
        self
    }

    /// Sets the moment. The default is the newest frame of a live stream, and the start of a recording.
    pub fn position(self, position: Position) -> Self {
        self.set(|request| request.at = Some(position))
    }

    /// Takes the frame a player shows at the position. The default if the position is a time.
    pub fn exact(self) -> Self {
        self.set(|request| request.precision = Some(Precision::Exact))
    }

    /// Takes the key frame at or before the position: the fewest bytes. The default for live streams and for the start.
    pub fn key_frame(self) -> Self {
        self.set(|request| request.precision = Some(Precision::KeyFrame))
    }

    /// Chooses the Variant. The default is the smallest that is large enough for the picture, or the best if no size is set.
    pub fn variant(self, variant: VariantChoice) -> Self {
        self.set(|request| request.variant = variant)
    }

    /// Sets the width in pixels, 1 to 65500. The height follows unless it is set too.
    pub fn width(self, pixels: u32) -> Self {
        self.set(|request| request.size.width = Some(pixels))
    }

    /// Sets the height in pixels, 1 to 65500. The width follows unless it is set too.
    pub fn height(self, pixels: u32) -> Self {
        self.set(|request| request.size.height = Some(pixels))
    }

    /// Sets how the frame fits a given width and height. The default is [`Fit::Contain`].
    pub fn fit(self, fit: Fit) -> Self {
        self.set(|request| request.size.fit = fit)
    }

    /// Allows a picture that is larger than the frame.
    pub fn enlarge(self) -> Self {
        self.set(|request| request.size.enlarge = true)
    }

    /// Takes a part of the frame.
    pub fn crop(self, crop: Crop) -> Self {
        self.set(|request| request.size.crop = Some(crop))
    }

    /// Sets how HDR becomes SDR. The default is [`ToneMap::Auto`].
    pub fn tone_map(self, tone_map: ToneMap) -> Self {
        self.set(|request| request.tone_map = tone_map)
    }

    /// Sets the file format. The default is [`Format::Jpeg`].
    pub fn format(self, format: Format) -> Self {
        self.set(|request| request.encoding.format = format)
    }

    /// Sets the quality of a JPEG or WebP, 1 to 100. The default is 85.
    pub fn quality(self, quality: u8) -> Self {
        self.set(|request| request.encoding.quality = quality)
    }

    /// Encodes WebP without loss. PNG always is.
    pub fn lossless(self) -> Self {
        self.set(|request| request.encoding.lossless = true)
    }

    /// Limits the file's size in bytes: lowers the quality until the file fits, else the request fails with `too_large`.
    pub fn max_size(self, bytes: u64) -> Self {
        self.set(|request| request.encoding.max_bytes = Some(bytes))
    }

    /// Skips black and single-colored key frames, at most for this long.
    pub fn skip_black(self, at_most: Duration) -> Self {
        self.set(|request| request.skip_black = Some(at_most))
    }

    /// Compares up to `count` key frames, 1 to 100, and takes the best: sharp, neither dark nor glaring.
    pub fn best_of(self, count: usize) -> Self {
        self.set(|request| request.best = Some(count))
    }

    /// Compares the picture with an earlier one: the report's `verdict.frozen` says whether they look the same.
    pub fn compare_with(self, previous: ReferencePicture) -> Self {
        self.set(|request| request.checks.previous = Some(previous))
    }

    /// Lists what the report's `verdict.failed` may name. The snapshot still succeeds.
    pub fn fail_on(self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.set(|request| request.checks.fail_on = findings.into_iter().collect())
    }

    /// Adds a header for the playlist's own origin.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(|request| request.headers.custom.push((name.into(), value.into())))
    }

    /// Sets the `User-Agent`.
    pub fn user_agent(self, name: impl Into<String>) -> Self {
        self.set(|request| request.headers.user_agent = Some(name.into()))
    }

    /// Adds a decryption key in hexadecimal digits, `KEY` or `KID=KEY`, used instead of fetching one.
    pub fn decryption_key(mut self, key: &str) -> Self {
        if let Ok(request) = &mut self.request
            && let Err(error) = request.keys.add(key)
        {
            self.request = Err(error);
        }
        self
    }

    /// Sets the time limit of the whole job. The default is 20 seconds.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(|request| request.limits.timeout = timeout)
    }

    /// Sets all limits: bytes, requests, pixels, time.
    pub fn limits(self, limits: Limits) -> Self {
        self.set(|request| request.limits = limits)
    }

    /// Checks the settings.
    ///
    /// Fails with [`ErrorKind::Usage`] for a malformed URL or key, and for a size, quality or count out of range. Headers, and a lossless
    /// JPEG, are checked by [`snapshot`](crate::snapshot).
    pub fn build(self) -> Result<SnapshotRequest, Error> {
        let request = self.request?;
        let usage = |message: &str| Err(Error::new(ErrorKind::Usage, message));
        let is_side = |pixels: Option<u32>| pixels.is_none_or(|pixels| (1..=Size::LARGEST_SIDE).contains(&pixels));
        if !is_side(request.size.width) || !is_side(request.size.height) {
            return usage("the width or height is out of range");
        }
        if !(1..=100).contains(&request.encoding.quality) {
            return usage("the quality is not from 1 to 100");
        }
        if request.best.is_some_and(|count| !(1..=100).contains(&count)) {
            return usage("the count of key frames to compare is not from 1 to 100");
        }
        Ok(request)
    }
}
