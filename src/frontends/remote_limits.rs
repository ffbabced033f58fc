//! Bounds of many pictures that others ask for, over HTTP or by Lambda events. Their defaults suit a function with 512 MB.

use std::time::Duration;

use super::settings::Settings;
use crate::request::{Limits, Options, PicturesRequest};

/// The time limit of all pictures together, unless the operator sets another.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum download for all pictures together, unless the operator sets another.
const MAX_BYTES: u64 = 256 << 20;
/// Pixels of a sheet or a sprite: its tiles, itself and its planes take about 8 bytes each.
const MAX_PIXELS: u64 = 16 << 20;
/// The pictures of one HTTP request.
pub(super) const PICTURES_OF_QUERY: usize = 400;
/// The pictures of one event. A storyboard writes its files as it goes.
pub(super) const PICTURES_OF_EVENT: usize = 2_000;

/// The operator's limits for many pictures of an HTTP request.
pub(super) fn of_many(defaults: &Options) -> Limits {
    with_defaults(defaults, TIMEOUT).limits()
}

/// The options, with defaults of the limits that they do not name.
pub(super) fn with_defaults(options: &Options, timeout: Duration) -> Options {
    let mut options = options.clone();
    options.set_default_limits(timeout, MAX_BYTES);
    options
}

/// The number of decoding threads for a number of jobs. Decoders wait for bytes, so too few threads would leave none to resolve names.
pub(super) fn threads(jobs: usize) -> usize {
    jobs.saturating_mul(parallel(jobs))
}

/// The most pictures of one job that are made at a time.
fn parallel(jobs: usize) -> usize {
    jobs.clamp(1, PicturesRequest::DEFAULT_PARALLEL)
}

/// Bounds a request: the number of pictures to the operator's or `max_pictures`, and those made at a time to what `jobs` allows.
pub(super) fn bound(pictures: &mut PicturesRequest, settings: &Settings, max_pictures: usize, jobs: usize) {
    pictures.max_pictures = settings.max_pictures.unwrap_or(max_pictures);
    pictures.parallel = pictures.parallel.min(parallel(jobs));
    let limits = &mut pictures.snapshot.limits;
    limits.max_pixels = limits.max_pixels.min(MAX_PIXELS);
    // A larger total does not mean larger segments, unless the operator says so
    limits.max_segment_bytes = limits.max_segment_bytes.min(settings.defaults.limits().max_segment_bytes);
}
