//! A moving preview: the frames of a short range, or short scenes of several places, as one looped file.

use std::{pin::pin, time::Duration};

use super::{
    collection::{Collection, Progress, ReportProgress, check_count},
    frame_moments::frame_moments,
    highlights,
    picture_log::{Dimensions, PictureLog},
    tile,
};
use crate::{
    capture::Capture,
    error::{Error, ErrorKind},
    fetch::Client,
    render::{AnimationFormat, AnimationFrame, AnimationOptions, EncodedAnimation, encode_animation},
    report::PicturesReport,
    request::{AnimationRequest, Pace},
};
use futures_util::StreamExt;

/// A finished animation.
#[derive(Debug)]
pub(crate) struct Animation {
    /// The bytes of the file.
    pub file: Vec<u8>,
    pub format: AnimationFormat,
    pub report: PicturesReport,
    /// How many frames could not be had. The frame before each is shown longer.
    pub failures: usize,
}

/// The most pixels of all frames together: 300 frames of 640x360.
const MAX_PIXELS: u64 = 300 * 640 * 360;

/// Makes an animation that plays at the stream's speed.
///
/// Fails as a snapshot does if no frame can be had, or, with `strict`, if one cannot; with `too_large` if there are too many frames or
/// pixels, or if the file exceeds `max_bytes` at its smallest.
pub(crate) async fn animation(request: &AnimationRequest, client: &Client, progress: &ReportProgress<'_>) -> Result<Animation, Error> {
    let pictures = &request.pictures;
    let interval = 1.0 / request.frames_per_second;
    // The moments follow below
    let collection = Box::pin(Collection::open(pictures, client, Pace::Count(1))).await?.with_pixels();
    let moments = match request.highlights {
        Some(scenes) => Box::pin(highlights::moments(&collection, pictures, scenes, interval)).await?,
        None => frame_moments(collection.range, interval)?,
    };
    check_count(&moments, pictures)?;
    let mut log = PictureLog::new(pictures.strict, &collection.track.notes);
    let mut frames: Vec<AnimationFrame> = Vec::new();
    let mut captures = pin!(collection.presentation.captures(&moments, pictures.parallel));
    let mut done = 0;
    while let Some(captured) = captures.next().await {
        match log.add(captured)? {
            Some(capture) => frames.push(frame(capture, &frames, interval)?),
            // The frame before is shown longer
            None => extend(&mut frames, interval),
        }
        check_pixels(&frames)?;
        done += 1;
        progress(Progress { done, total: moments.len(), bytes: collection.presentation.cost().bytes_received });
    }
    log.require_any()?;
    let encoding = pictures.snapshot.encoding;
    let format = if request.is_gif { AnimationFormat::Gif } else { AnimationFormat::WebP };
    let options = AnimationOptions { format, quality: encoding.quality, lossless: encoding.lossless, max_bytes: encoding.max_bytes };
    let EncodedAnimation { file, size, reduction, .. } = encode_animation(frames, &options, MAX_PIXELS)?;
    if let Some(reduction) = reduction {
        log.note(format!("reduced to fit the maximum size: {reduction}"));
    }
    let failures = log.failures();
    let dimensions = Dimensions { size, ..Dimensions::default() };
    let report = log.report("animation", format.name(), &collection, dimensions, file.len() as u64);
    Ok(Animation { file, format, report, failures })
}

/// A frame, in the size of the first one.
fn frame(capture: Capture, before: &[AnimationFrame], seconds: f64) -> Result<AnimationFrame, Error> {
    let picture = tile::pixels(capture)?;
    let size = before.first().map_or(picture.dimensions(), |first| first.image.dimensions());
    Ok(AnimationFrame { image: tile::fitted(picture, size)?, duration: Duration::from_secs_f64(seconds) })
}

fn extend(frames: &mut [AnimationFrame], seconds: f64) {
    if let Some(last) = frames.last_mut() {
        last.duration += Duration::from_secs_f64(seconds);
    }
}

fn check_pixels(frames: &[AnimationFrame]) -> Result<(), Error> {
    let pixels: u64 = frames.iter().map(|frame| u64::from(frame.image.width()) * u64::from(frame.image.height())).sum();
    if pixels <= MAX_PIXELS {
        return Ok(());
    }
    let message = format!("the frames of the animation exceed the limit of {MAX_PIXELS} pixels");
    Err(Error::new(ErrorKind::TooLarge, message).with_hint("give a smaller --width, a shorter --for, or a lower --fps"))
}
