//! The color between and behind the tiles of a sheet.

use std::str::FromStr;

use crate::{error::Error, hex::decode_hex};

/// A color of sRGB: R, G and B.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackgroundColor(pub [u8; 3]);

impl BackgroundColor {
    /// The default.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);
    /// Gray of CSS: half of the range.
    pub const GRAY: Self = Self([128; 3]);
}

impl FromStr for BackgroundColor {
    type Err = Error;

    /// Parses `black`, `white` and `gray`, and three or six hexadecimal digits with or without `#`, which URLs must escape.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "black" => return Ok(Self::BLACK),
            "white" => return Ok(Self::WHITE),
            "gray" | "grey" => return Ok(Self::GRAY),
            _ => {}
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        let six_digits = if digits.len() == 3 { digits.chars().flat_map(|digit| [digit; 2]).collect() } else { digits.to_owned() };
        let color = decode_hex(&six_digits).and_then(|bytes| bytes.try_into().ok());
        color.map(Self).ok_or_else(|| {
            Error::usage(format!("--background {text:?} is not a color"), "use black, white, gray, or a color such as #333 or #1a2b3c")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn colors_have_names_and_digits() {
        for (text, color) in [
            ("black", [0; 3]),
            ("white", [255; 3]),
            ("gray", [128; 3]),
            ("#fff", [255; 3]),
            ("#1a2B3c", [0x1a, 0x2b, 0x3c]),
            ("1a2b3c", [0x1a, 0x2b, 0x3c]),
            ("f80", [0xff, 0x88, 0]),
        ] {
            assert_eq!(text.parse().ok(), Some(BackgroundColor(color)), "{text}");
        }
        for text in ["", "#", "#12", "#1234", "#12345", "#1234567", "##123", "#xyz", "#12é", "é0", "\u{fffd}", "red", "-12", "+123456"] {
            assert_eq!(text.parse::<BackgroundColor>().map_err(|e| e.kind()), Err(ErrorKind::Usage), "{text}");
        }
    }
}
