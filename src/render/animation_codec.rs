//! The file formats of animations, and the levels of quality that each has.

use std::ops::RangeInclusive;

use super::{
    animation_frames::{AnimationFrame, end_ticks},
    ffi::webp_animation::{self, Coding},
    gif_animation::{self, GifColors},
};
use crate::error::Error;

/// WebP counts in milliseconds.
const WEBP_TICKS_PER_SECOND: u32 = 1000;
/// Fewer frames or pixels look better than a lower quality than this.
const LOWEST_WEBP_QUALITY: u8 = 20;
/// How a GIF looks from each quality on.
const GIF_LEVELS: [(u8, GifColors); 5] = [
    (1, GifColors { count: 32, is_dithered: false }),
    (20, GifColors { count: 64, is_dithered: false }),
    (40, GifColors { count: 64, is_dithered: true }),
    (55, GifColors { count: 128, is_dithered: true }),
    (70, GifColors { count: 256, is_dithered: true }),
];

/// The file format of an animation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AnimationFormat {
    /// 4:2:0, or lossless.
    #[default]
    WebP,
    /// Up to 256 colors in all frames together.
    Gif,
}

impl AnimationFormat {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }

    /// The usual file extension.
    pub fn extension(self) -> &'static str {
        self.name()
    }

    /// The media type, as registered with IANA.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

/// How an animation is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnimationOptions {
    /// The file format.
    pub format: AnimationFormat,
    /// 1 to 100 on libwebp's scale. For GIF it chooses the number of colors: 256 from 70 on.
    pub quality: u8,
    /// WebP without loss. Has no effect on GIF.
    pub lossless: bool,
    /// The largest file, in bytes.
    pub max_bytes: Option<u64>,
}

/// Encodes frames at any of several levels: qualities for WebP, numbers of colors for GIF.
#[derive(Debug, Clone, Copy)]
pub struct AnimationCodec {
    format: AnimationFormat,
    quality: u8,
    is_lossless: bool,
}

impl AnimationCodec {
    pub fn new(options: &AnimationOptions) -> Self {
        Self { format: options.format, quality: options.quality.clamp(1, 100), is_lossless: options.lossless }
    }

    /// The levels from the lowest acceptable one to the requested one.
    pub fn levels(self) -> RangeInclusive<u8> {
        match self.format {
            AnimationFormat::WebP if self.is_lossless => self.quality..=self.quality,
            AnimationFormat::WebP => self.quality.min(LOWEST_WEBP_QUALITY)..=self.quality,
            AnimationFormat::Gif => {
                let reached = GIF_LEVELS.iter().skip(1).filter(|(quality, _)| *quality <= self.quality).count();
                0..=u8::try_from(reached).unwrap_or(0)
            }
        }
    }

    /// The bytes of the file.
    pub fn encode(self, frames: &[AnimationFrame], level: u8) -> Result<Vec<u8>, Error> {
        match self.format {
            AnimationFormat::WebP => {
                let coding = if self.is_lossless { Coding::Lossless } else { Coding::Lossy(level) };
                let size = frames.first().map_or((0, 0), |frame| frame.image.dimensions());
                let images = frames.iter().map(|frame| &frame.image);
                webp_animation::encode(size, images.zip(end_ticks(frames, WEBP_TICKS_PER_SECOND)), coding)
            }
            AnimationFormat::Gif => gif_animation::encode(frames, gif_level(level).1),
        }
    }

    /// The quality of a level on libwebp's scale.
    pub fn quality(self, level: u8) -> u8 {
        match self.format {
            AnimationFormat::Gif if level < *self.levels().end() => gif_level(level).0,
            AnimationFormat::Gif => self.quality,
            AnimationFormat::WebP => level,
        }
    }

    /// A level in words, for a note.
    pub fn describe(self, level: u8) -> String {
        match self.format {
            AnimationFormat::WebP => format!("quality {level}"),
            AnimationFormat::Gif => {
                let GifColors { count, is_dithered } = gif_level(level).1;
                format!("{count} colors{}", if is_dithered { "" } else { " without dithering" })
            }
        }
    }
}

fn gif_level(level: u8) -> (u8, GifColors) {
    let [lowest, ..] = GIF_LEVELS;
    GIF_LEVELS.get(usize::from(level)).copied().unwrap_or(lowest)
}
