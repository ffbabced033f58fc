//! Frames to one looped, animated file, within a limit of bytes if there is one.

use super::{
    animation_codec::{AnimationCodec, AnimationOptions},
    animation_frames::{self as frames, AnimationFrame},
};
use crate::error::{Error, ErrorKind};

/// Width and height in relation to the frames', from three quarters to a quarter.
const SCALES: [f64; 5] = [0.75, 0.5625, 0.421_875, 0.316_406_25, 0.25];
/// Bytes grow with this power of width and height: small pictures have more detail for each pixel.
const BYTES_BY_SCALE: f64 = 1.6;
/// The most times that all frames are encoded.
const MAX_ENCODES: u32 = 8;
/// The most times that all frames are encoded to raise the quality of a file that fits.
const MAX_QUALITY_TRIES: u32 = 4;
/// The search aims at this part of the limit, and ends above `WELL_FILLED`.
const TARGET: f64 = 0.97;
const WELL_FILLED: f64 = 0.92;

/// An animation, and what it took to stay within the limit of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedAnimation {
    /// The bytes of the file.
    pub file: Vec<u8>,
    /// The quality. For GIF with reduced colors, the lowest quality that has as many.
    pub quality: u8,
    /// The number of pictures. WebP merges equal ones in the file.
    pub frames: usize,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// What was reduced to stay within `max_bytes`: `quality 85 to quality 43, 24 to 12 frames, 320x180 to 240x135`.
    pub reduction: Option<String>,
}

/// Encodes frames to a file that loops for ever. The durations add up exactly: each frame ends at the nearest millisecond (WebP) or
/// hundredth of a second (GIF). Frames that would be shown for less than 20 ms are left out, since browsers slow them down. A single
/// frame becomes a still picture.
///
/// If the file is larger than `max_bytes`, first the quality is reduced, then the frame rate to half, then width and height down to a
/// quarter. All frames are encoded at most eight times.
///
/// Fails with `too_large` if the file exceeds `max_bytes` even so, or if there are more than 1000 frames, more than `max_pixels` in all of
/// them, more pixels a side than the format has, or a frame of more than 300 s. Fails with `internal` if the frames differ in size.
pub fn encode_animation(frames: Vec<AnimationFrame>, options: &AnimationOptions, max_pixels: u64) -> Result<EncodedAnimation, Error> {
    frames::check_frames(&frames, max_pixels)?;
    let frames = frames::merge_short_frames(frames);
    let codec = AnimationCodec::new(options);
    let mut search = Search { codec, max_bytes: options.max_bytes.unwrap_or(u64::MAX), encodes: 0 };
    let requested = search.encode(&frames, *codec.levels().end())?;
    let wanted = requested.facts;
    let found = if search.fits(&requested) { requested } else { search.reduce(frames, requested)? };
    Ok(EncodedAnimation {
        quality: codec.quality(found.facts.level),
        frames: found.facts.frames,
        size: found.facts.size,
        reduction: (found.facts != wanted).then(|| describe_reduction(codec, wanted, found.facts)),
        file: found.file,
    })
}

fn describe_reduction(codec: AnimationCodec, wanted: Facts, found: Facts) -> String {
    let level = (found.level != wanted.level).then(|| format!("{} to {}", codec.describe(wanted.level), codec.describe(found.level)));
    let frames = (found.frames != wanted.frames).then(|| format!("{} to {} frames", wanted.frames, found.frames));
    let size = |(width, height)| format!("{width}x{height}");
    let pixels = (found.size != wanted.size).then(|| format!("{} to {}", size(wanted.size), size(found.size)));
    [level, frames, pixels].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    level: u8,
    frames: usize,
    size: (u32, u32),
}

/// A file that may be too large.
struct Draft {
    facts: Facts,
    file: Vec<u8>,
}

impl Draft {
    fn bytes(&self) -> f64 {
        self.file.len() as f64
    }
}

/// The search for the best file within a limit.
struct Search {
    codec: AnimationCodec,
    max_bytes: u64,
    /// How many times all frames were encoded.
    encodes: u32,
}

impl Search {
    fn encode(&mut self, frames: &[AnimationFrame], level: u8) -> Result<Draft, Error> {
        self.encodes += 1;
        let size = frames.first().map_or((0, 0), |frame| frame.image.dimensions());
        Ok(Draft { facts: Facts { level, frames: frames.len(), size }, file: self.codec.encode(frames, level)? })
    }

    fn fits(&self, draft: &Draft) -> bool {
        draft.file.len() as u64 <= self.max_bytes
    }

    /// Lowers the quality, then the frame rate, then the size, until the file fits.
    fn reduce(&mut self, frames: Vec<AnimationFrame>, requested: Draft) -> Result<Draft, Error> {
        let (lowest, highest) = self.codec.levels().into_inner();
        let requested_bytes = requested.bytes();
        let mut draft = if lowest < highest { self.encode(&frames, lowest)? } else { requested };
        // Holds for fewer and smaller frames, too
        let growth = (requested_bytes / draft.bytes()).ln();
        if self.fits(&draft) {
            return self.raise_quality(&frames, draft, highest, growth);
        }
        let frames = frames::halve_rate(frames);
        if frames.len() < draft.facts.frames {
            draft = self.encode(&frames, lowest)?;
            if self.fits(&draft) {
                return self.raise_quality(&frames, draft, highest + 1, growth);
            }
        }
        let (size, mut scale_before) = (draft.facts.size, 1.0);
        for scale in SCALES {
            let bytes = draft.bytes() * (scale / scale_before).powf(BYTES_BY_SCALE);
            let is_last = SCALES.last() == Some(&scale);
            if is_last || bytes <= self.max_bytes as f64 {
                let smaller = frames::shrink(&frames, scaled(size, scale));
                draft = self.encode(&smaller, lowest)?;
                if self.fits(&draft) {
                    return self.raise_quality(&smaller, draft, highest + 1, growth);
                }
                scale_before = scale;
            }
        }
        let what =
            format!("the animation takes {} bytes at a quarter of its width, but at most {} are allowed", draft.file.len(), self.max_bytes);
        Err(Error::new(ErrorKind::TooLarge, what).with_hint("ask for a shorter range, or raise --max-size"))
    }

    /// Looks for a higher level that fits, below `too_large`. `growth` is the logarithm of how much larger the file of the highest level
    /// is than that of the lowest: bytes grow roughly exponentially in between.
    fn raise_quality(&mut self, frames: &[AnimationFrame], fitting: Draft, too_large: u8, growth: f64) -> Result<Draft, Error> {
        let target = (self.max_bytes as f64 * TARGET).ln();
        let mut upper = (*self.codec.levels().end(), fitting.bytes().ln() + growth);
        let (mut best, mut too_large) = (fitting, too_large);
        for attempt in 0..MAX_QUALITY_TRIES {
            let lower = (best.facts.level, best.bytes().ln());
            let is_filled = best.bytes() >= WELL_FILLED * self.max_bytes as f64;
            if is_filled || too_large.saturating_sub(lower.0) <= 1 || self.encodes >= MAX_ENCODES {
                break;
            }
            // Interpolation converges slowly if bytes jump between two levels
            let guess = if attempt < 2 { interpolate(lower, upper, target) } else { u8::midpoint(lower.0, too_large) };
            let level = guess.clamp(lower.0 + 1, too_large - 1);
            let draft = self.encode(frames, level)?;
            if self.fits(&draft) {
                best = draft;
            } else {
                (too_large, upper) = (level, (level, draft.bytes().ln()));
            }
        }
        Ok(best)
    }
}

/// The level at which the line through two points reaches the target.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and the caller clamps")]
fn interpolate(lower: (u8, f64), upper: (u8, f64), target: f64) -> u8 {
    let slope = (upper.1 - lower.1) / (f64::from(upper.0) - f64::from(lower.0)).max(1.0);
    (f64::from(lower.0) + (target - lower.1) / slope) as u8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "smaller than the size")]
fn scaled((width, height): (u32, u32), scale: f64) -> (u32, u32) {
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as u32).max(1);
    (side(width), side(height))
}
