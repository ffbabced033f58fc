//! From options to the requests for many pictures.

use std::time::Duration;

use super::{
    super::{
        limits::Limits,
        many::{AnimationRequest, MAX_PICTURES, Moments, Pace, PicturesRequest, SeriesRequest, SheetRequest, StoryboardRequest},
        picture::{Encoding, Format},
        position::Precision,
        snapshot_request::SnapshotRequest,
        source::Source,
    },
    given::Options,
};

/// The time limit of all pictures together.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
const DEFAULT_MAX_BYTES: u64 = 1 << 30;
const DEFAULT_GAP: u32 = 4;
const DEFAULT_EVERY: Duration = Duration::from_secs(10);
const DEFAULT_FRAMES_PER_SECOND: f64 = 8.0;
/// A larger preview helps nobody.
const DEFAULT_ANIMATION_BYTES: u64 = 3 << 20;
const DEFAULT_ANIMATION_WIDTH: u32 = 320;
const DEFAULT_ANIMATION_LENGTH: Duration = Duration::from_secs(3);

impl Options {
    /// A contact sheet. `output_format` is the format of the output's extension.
    pub fn sheet(&self, source: Source, output_format: Option<Format>) -> SheetRequest {
        SheetRequest {
            pictures: self.pictures(source, output_format),
            grid: self.many.grid,
            gap: self.many.gap.unwrap_or(DEFAULT_GAP),
            background: self.many.background,
            labels: self.many.labels.unwrap_or(true),
            header: self.many.header,
        }
    }

    /// A storyboard, with JPEGs or WebPs as sprites.
    pub fn storyboard(&self, source: Source) -> StoryboardRequest {
        let pictures = self.pictures(source, None);
        StoryboardRequest { pictures, grid: self.many.grid, base: self.many.base.clone(), query: self.many.query.clone() }
    }

    /// A series of pictures.
    pub fn series(&self, source: Source, output_format: Option<Format>) -> SeriesRequest {
        let mut pictures = self.pictures(source, output_format);
        // A live stream may go on for days: each picture has limits of its own
        let limits = self.limits();
        pictures.snapshot.limits = Limits {
            timeout: self.timeout.unwrap_or(Duration::MAX),
            // A recording may change its key with each picture; those of a live stream are forgotten
            keys: limits.keys.saturating_add(MAX_PICTURES as usize),
            ..limits
        };
        pictures.follow = true;
        SeriesRequest {
            pictures,
            live_interval: self.many.every.unwrap_or(DEFAULT_EVERY),
            max_pictures: self.many.count,
            only_changed: self.many.only_changed,
        }
    }

    /// The number of pictures that was asked for.
    pub fn max_pictures(&self) -> Option<usize> {
        self.many.count
    }

    /// An animation. `is_gif` is what the output's extension says.
    pub fn animation(&self, source: Source, is_gif: bool) -> AnimationRequest {
        let mut pictures = self.pictures(source, None);
        let snapshot = &mut pictures.snapshot;
        snapshot.precision = self.precision.or(Some(Precision::Exact));
        snapshot.encoding.max_bytes.get_or_insert(DEFAULT_ANIMATION_BYTES);
        if snapshot.size.height.is_none() {
            snapshot.size.width.get_or_insert(DEFAULT_ANIMATION_WIDTH);
        }
        if self.many.moments.to.is_none() && self.many.highlights.is_none() {
            pictures.moments.length.get_or_insert(DEFAULT_ANIMATION_LENGTH);
        }
        let frames_per_second = self.many.frames_per_second.unwrap_or(DEFAULT_FRAMES_PER_SECOND);
        AnimationRequest { pictures, frames_per_second, highlights: self.many.highlights, is_gif }
    }

    /// What the URLs in a storyboard's documents begin with.
    pub fn storyboard_base(&self) -> Option<&str> {
        self.many.base.as_deref()
    }

    /// Sets the limits of many pictures that are not given.
    pub fn set_default_limits(&mut self, timeout: Duration, max_bytes: u64) {
        self.timeout.get_or_insert(timeout);
        self.max_bytes.get_or_insert(max_bytes);
    }

    /// Sets the width of pictures, in pixels, if no size is given.
    pub fn set_default_width(&mut self, width: u32) {
        if self.size.width.is_none() && self.size.height.is_none() {
            self.size.width = Some(width);
        }
    }

    /// Sets the width of pictures, in pixels; the height follows.
    pub fn set_width(&mut self, width: u32) {
        (self.size.width, self.size.height) = (Some(width), None);
    }

    fn pictures(&self, source: Source, output_format: Option<Format>) -> PicturesRequest {
        let snapshot = self.request(source, output_format);
        let snapshot = SnapshotRequest { limits: self.limits_of_many(), encoding: Encoding { ..snapshot.encoding }, ..snapshot };
        PicturesRequest {
            parallel: self.many.parallel.unwrap_or(PicturesRequest::DEFAULT_PARALLEL),
            strict: self.many.strict,
            follow: self.many.follow,
            ..PicturesRequest::new(snapshot, self.moments())
        }
    }

    /// The moments. An interval says more than a count.
    fn moments(&self) -> Moments {
        let pace = self.many.every.map(Pace::Every).or(self.many.count.map(Pace::Count));
        Moments { pace, ..self.many.moments }
    }

    /// The limits of many pictures together.
    fn limits_of_many(&self) -> Limits {
        let limits = self.limits();
        Limits {
            timeout: self.timeout.unwrap_or(DEFAULT_TIMEOUT),
            max_bytes: self.max_bytes.unwrap_or(DEFAULT_MAX_BYTES),
            max_requests: limits.max_requests.saturating_add(4 * u64::from(MAX_PICTURES)),
            keys: limits.keys.saturating_add(MAX_PICTURES as usize),
            ..limits
        }
    }
}
