//! The choice of a Variant, and the picture's size, format and encoding.

use std::{fmt, str::FromStr};

use super::checks::Crop;
use crate::error::Error;

/// The Variant of a Multivariant Playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariantChoice {
    /// The best, or with a requested size the smallest that is at least that large.
    Auto,
    /// The largest picture, then the highest bit rate.
    Best,
    /// The smallest picture, then the lowest bit rate.
    Worst,
    /// This shorter side, in pixels: `720p`.
    Lines(u32),
    /// The best up to this shorter side: `<=720p`.
    AtMostLines(u32),
    /// The smallest from this shorter side: `>=720p`.
    AtLeastLines(u32),
    /// The best up to this bit rate, in bits per second: `<=2M`.
    AtMostBandwidth(u64),
    /// The index in the playlist, from 0: `#2`.
    Index(usize),
    /// The `NAME` of the Variant or of its video Rendition.
    Name(String),
}

impl FromStr for VariantChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::usage(format!("--variant {text:?} is not a choice"), "use auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME")
        };
        let lines = |text: &str| text.strip_suffix('p').and_then(|number| number.parse::<u32>().ok());
        match text {
            "" => return Err(invalid()),
            "auto" => return Ok(Self::Auto),
            "best" => return Ok(Self::Best),
            "worst" => return Ok(Self::Worst),
            _ => {}
        }
        if let Some(max) = text.strip_prefix("<=") {
            return lines(max).map(Self::AtMostLines).or_else(|| parse_rate(max).map(Self::AtMostBandwidth)).ok_or_else(invalid);
        }
        if let Some(min) = text.strip_prefix(">=") {
            return lines(min).map(Self::AtLeastLines).ok_or_else(invalid);
        }
        if let Some(index) = text.strip_prefix('#') {
            return index.parse().map(Self::Index).map_err(|_| invalid());
        }
        Ok(lines(text).map_or_else(|| Self::Name(text.to_owned()), Self::Lines))
    }
}

/// Parses bits per second: `800k`, `2M`, `1.5M`, `2000000`.
fn parse_rate(text: &str) -> Option<u64> {
    scaled(text, 1000.0)
}

/// Parses bytes: `300000`, `300k`, `64M`, `1G`, in powers of 1024 as curl and dd do.
pub fn parse_bytes(text: &str) -> Option<u64> {
    scaled(text, 1024.0)
}

/// Bytes as a JSON number.
pub(super) fn bytes_from_number(number: f64) -> Option<u64> {
    whole(number)
}

fn scaled(text: &str, step: f64) -> Option<u64> {
    let power = match text.chars().last()? {
        'k' | 'K' => 1,
        'm' | 'M' => 2,
        'g' | 'G' => 3,
        _ => 0,
    };
    let digits = if power > 0 { text.get(..text.len() - 1)? } else { text };
    let digits = Some(digits).filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))?;
    whole(digits.parse::<f64>().ok()? * step.powi(power))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive and below 2^53")]
fn whole(value: f64) -> Option<u64> {
    (1.0..2f64.powi(53)).contains(&value).then_some(value as u64)
}

/// The size of the picture; with neither side given, the display size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// The width, in pixels.
    pub width: Option<u32>,
    /// The height, in pixels.
    pub height: Option<u32>,
    /// The fit if both are given and the aspect ratio differs.
    pub fit: Fit,
    /// Whether a small picture may be enlarged.
    pub enlarge: bool,
    /// The part to keep, of the picture after rotation.
    pub crop: Option<Crop>,
}

impl Size {
    /// The largest side, which is JPEG's.
    pub const LARGEST_SIDE: u32 = 65_500;

    /// Whether the picture is another one than the whole frame at its own size.
    pub fn changes_picture(&self) -> bool {
        self.width.is_some() || self.height.is_some() || self.crop.is_some()
    }
}

/// How the picture fits a given width and height if its aspect ratio differs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fit {
    /// Fit the whole picture inside the box.
    #[default]
    Contain,
    /// Fill the box, and crop evenly what exceeds it.
    Cover,
    /// Stretch the picture to the box.
    Fill,
    /// Fit the whole picture inside the box, and pad with black.
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
            _ => Err(Error::usage(format!("--fit {text:?} is not known"), "use contain, cover, fill or pad")),
        }
    }
}

/// How the picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Encoding {
    /// The file format.
    pub format: Format,
    /// 1 to 100: libjpeg's scale for a JPEG, libwebp's for a WebP. Lossless formats ignore it.
    pub quality: u8,
    /// Whether a WebP is lossless. A PNG always is, a JPEG never.
    pub lossless: bool,
    /// Whether a JPEG is 4:4:4 instead of 4:2:0.
    pub full_chroma: bool,
    /// Whether a JPEG is progressive.
    pub progressive: bool,
    /// The maximum size of the file, in bytes.
    pub max_bytes: Option<u64>,
    /// Whether the file has no metadata.
    pub strip: bool,
    /// Whether the metadata has the stream's URL, redacted.
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
#[non_exhaustive]
pub enum Format {
    /// JFIF, 4:2:0.
    #[default]
    Jpeg,
    /// 8 bits, RGB.
    Png,
    /// 4:2:0, or lossless.
    WebP,
    /// The bytes of an AV1 stream's key frame, at its full size.
    Avif,
}

impl Format {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    /// The usual file extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    /// The media type, as registered with IANA.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
        }
    }

    /// The longest side of a picture, in pixels: WebP has 14 bits for it (RFC 6386, 9.1).
    pub fn largest_side(self) -> u32 {
        match self {
            Self::Jpeg | Self::Png | Self::Avif => Size::LARGEST_SIDE,
            Self::WebP => 16_383,
        }
    }

    /// The format of a file extension, in any letter case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            "avif" => Some(Self::Avif),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_extension(text).ok_or_else(|| Error::usage(format!("the format {text:?} is not known"), "use jpeg, png, webp or avif"))
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
    fn variant_choices_have_many_forms() {
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
