//! The color around the tiles of a sheet.

use std::str::FromStr;

use crate::error::Error;

/// Red, green and blue in sRGB. The default is black.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackgroundColor(pub [u8; 3]);

impl FromStr for BackgroundColor {
    type Err = Error;

    /// Parses `black`, `white`, `gray`, `#rgb` and `#rrggbb`, with or without `#`. Fails with `usage`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let hex = match text {
            "black" => "000000",
            "white" => "ffffff",
            "gray" | "grey" => "808080",
            _ => text.strip_prefix('#').unwrap_or(text),
        };
        let digits: Option<Vec<u8>> = hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        match digits.as_deref() {
            Some([r, g, b]) => Ok(Self([r * 17, g * 17, b * 17])),
            Some([r1, r0, g1, g0, b1, b0]) => Ok(Self([r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0])),
            _ => Err(Error::usage(format!("--background {text:?} is not a color"), "use black, white, gray or #rrggbb")),
        }
    }
}
