//! Which Variant, how large, and in which file format.

use std::{fmt, str::FromStr};

use super::Crop;
use crate::error::{Error, ErrorKind};

/// Which Variant of a Multivariant Playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariantChoice {
    /// The best, or, where a size is asked for, the smallest that is at least that large.
    Auto,
    /// The largest picture, then the highest bit rate.
    Best,
    /// The smallest picture, then the lowest bit rate.
    Worst,
    /// This many lines: `720p`.
    Lines(u32),
    /// The best with at most this many lines: `<=720p`.
    AtMostLines(u32),
    /// The smallest with at least this many lines: `>=720p`.
    AtLeastLines(u32),
    /// The best with at most this many bits a second: `<=2M`.
    AtMostBandwidth(u64),
    /// The place in the playlist, from 0: `#2`.
    Index(usize),
    /// Its `NAME`, or that of its video Rendition.
    Name(String),
}

impl FromStr for VariantChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || {
            Error::new(ErrorKind::Usage, format!("--variant {text:?} is not a choice"))
                .with_hint("use auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME")
        };
        let lines = |text: &str| text.strip_suffix('p').and_then(|number| number.parse::<u32>().ok());
        match text {
            "" => return Err(bad()),
            "auto" => return Ok(Self::Auto),
            "best" => return Ok(Self::Best),
            "worst" => return Ok(Self::Worst),
            _ => {}
        }
        if let Some(most) = text.strip_prefix("<=") {
            return lines(most).map(Self::AtMostLines).or_else(|| parse_rate(most).map(Self::AtMostBandwidth)).ok_or_else(bad);
        }
        if let Some(least) = text.strip_prefix(">=") {
            return lines(least).map(Self::AtLeastLines).ok_or_else(bad);
        }
        if let Some(index) = text.strip_prefix('#') {
            return index.parse().map(Self::Index).map_err(|_| bad());
        }
        Ok(lines(text).map_or_else(|| Self::Name(text.to_owned()), Self::Lines))
    }
}

/// Bits a second: `800k`, `2M`, `1.5M`, `2000000`.
fn parse_rate(text: &str) -> Option<u64> {
    scaled(text, 1000.0)
}

/// Bytes: `300000`, `300k`, `64M`, `1G`, in powers of 1024 as `curl` and `dd` have them.
pub fn parse_bytes(text: &str) -> Option<u64> {
    scaled(text, 1024.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive and below 2^53")]
fn scaled(text: &str, step: f64) -> Option<u64> {
    let power = match text.chars().last()? {
        'k' | 'K' => 1,
        'm' | 'M' => 2,
        'g' | 'G' => 3,
        _ => 0,
    };
    let digits = if power > 0 { text.get(..text.len() - 1)? } else { text };
    let value = digits.parse::<f64>().ok()? * step.powi(power);
    (digits.starts_with(|c: char| c.is_ascii_digit()) && value >= 1.0 && value < 2f64.powi(53)).then_some(value as u64)
}

/// The size of the picture. With neither side given: the display size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// What happens where both are given and the shape differs.
    pub fit: Fit,
    /// Whether a small picture may be made larger.
    pub enlarge: bool,
    /// The part of the upright picture that is taken.
    pub crop: Option<Crop>,
}

impl Size {
    /// The largest side that can be asked for, as JPEG has it.
    pub const LARGEST_SIDE: u32 = 65_500;
}

/// What happens where width and height are given and the picture's shape is another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fit {
    /// The whole picture inside the box.
    #[default]
    Contain,
    /// The box is filled, what sticks out is cut off evenly.
    Cover,
    /// The picture is stretched to the box.
    Fill,
    /// The whole picture inside the box, with black around it.
    Pad,
}

impl FromStr for Fit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "contain" => Ok(Self::Contain),
            "cover" => Ok(Self::Cover),
            "fill" => Ok(Self::Fill),
            "pad" => Ok(Self::Pad),
            _ => Err(Error::new(ErrorKind::Usage, format!("--fit {text:?} is not known")).with_hint("use contain, cover, fill or pad")),
        }
    }
}

/// How the picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Encoding {
    /// The file format.
    pub format: Format,
    /// 1 to 100, of a JPEG on libjpeg's scale, of a WebP on libwebp's. What is lossless ignores it.
    pub quality: u8,
    /// Of a WebP, whether it is lossless. A PNG always is, a JPEG never.
    pub lossless: bool,
    /// Of a JPEG, whether each pixel has its own chroma: 4:4:4 instead of 4:2:0.
    pub full_chroma: bool,
    /// Of a JPEG, whether it comes in passes, each finer than the one before.
    pub progressive: bool,
    /// The most bytes that the file may have.
    pub max_bytes: Option<u64>,
    /// Whether the file carries nothing but the picture.
    pub strip: bool,
    /// Whether the file names the stream's URL, redacted.
    pub describe: bool,
}

impl Default for Encoding {
    fn default() -> Self {
        Self {
            format: Format::Jpeg,
            quality: 85,
            lossless: false,
            full_chroma: false,
            progressive: false,
            max_bytes: None,
            strip: false,
            describe: false,
        }
    }
}

/// A picture's file format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// JFIF, 4:2:0.
    #[default]
    Jpeg,
    /// 8 bits, RGB.
    Png,
    /// 4:2:0, or lossless.
    WebP,
}

impl Format {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// The usual ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// IANA's media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// By a file's ending, in any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_extension(text)
            .ok_or_else(|| Error::new(ErrorKind::Usage, format!("the format {text:?} is not known")).with_hint("use jpeg, png or webp"))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_in_every_form() {
        let choice = |text: &str| text.parse::<VariantChoice>().ok();
        assert_eq!(choice("720p"), Some(VariantChoice::Lines(720)));
        assert_eq!(choice("<=720p"), Some(VariantChoice::AtMostLines(720)));
        assert_eq!(choice(">=720p"), Some(VariantChoice::AtLeastLines(720)));
        assert_eq!(choice("<=2M"), Some(VariantChoice::AtMostBandwidth(2_000_000)));
        assert_eq!(choice("<=800k"), Some(VariantChoice::AtMostBandwidth(800_000)));
        assert_eq!(choice("#2"), Some(VariantChoice::Index(2)));
        assert_eq!(choice("source"), Some(VariantChoice::Name("source".into())));
        for text in ["", "<=", ">=2M", "#x", "<=-1"] {
            assert_eq!(choice(text), None, "{text}");
        }
    }
}
