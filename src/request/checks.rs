//! Tone mapping, crops, and the checks of a picture's content.

use std::str::FromStr;

use crate::error::Error;

/// How HDR is converted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToneMap {
    /// Compress highlights: the picture looks like the SDR version of the stream.
    #[default]
    Auto,
    /// Keep everything up to reference white and clip the rest to white.
    Clip,
    /// Keep the stream's values. The picture looks washed out; for further processing.
    None,
}

impl FromStr for ToneMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "clip" => Ok(Self::Clip),
            "none" => Ok(Self::None),
            _ => Err(Error::usage(format!("--tone-map {text:?} is not known"), "use auto, clip or none")),
        }
    }
}

/// A part of a picture, in millionths of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// The left edge.
    pub x: u32,
    /// The top edge.
    pub y: u32,
    /// The width.
    pub width: u32,
    /// The height.
    pub height: u32,
}

impl Crop {
    /// The whole width or height.
    pub const WHOLE: u32 = 1_000_000;
    /// The whole picture.
    pub const ALL: Self = Self { x: 0, y: 0, width: Self::WHOLE, height: Self::WHOLE };

    /// Tile `index` of a grid, counted row by row from 0.
    pub fn tile((columns, rows): (u32, u32), index: u32) -> Self {
        let (columns, rows) = (columns.clamp(1, Self::WHOLE), rows.clamp(1, Self::WHOLE));
        let edge = |position: u32, count: u32| {
            u32::try_from(u64::from(Self::WHOLE) * u64::from(position) / u64::from(count)).unwrap_or(Self::WHOLE)
        };
        let (column, row) = (index % columns, (index / columns).min(rows - 1));
        let (x, y) = (edge(column, columns), edge(row, rows));
        Self { x, y, width: edge(column + 1, columns) - x, height: edge(row + 1, rows) - y }
    }

    /// This crop of `outer`, as a crop of the whole picture.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        let share = |part: u32, whole: u32| u32::try_from(u64::from(part) * u64::from(whole) / u64::from(Self::WHOLE)).unwrap_or(whole);
        Self {
            x: outer.x + share(self.x, outer.width),
            y: outer.y + share(self.y, outer.height),
            width: share(self.width, outer.width).max(1),
            height: share(self.height, outer.height).max(1),
        }
    }
}

impl FromStr for Crop {
    type Err = Error;

    /// `X,Y,W,H` in fractions of 0 to 1.
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::usage(
                format!("--crop {text:?} is not a part of a picture"),
                "give X,Y,W,H in fractions of its width and height, such as 0.25,0,0.5,1",
            )
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
        let millionths = |part: &str| {
            let part = part.trim().parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
            part.map(|part| (part * f64::from(Self::WHOLE)).round() as u32).ok_or_else(invalid)
        };
        let parts = text.split(',').map(millionths).collect::<Result<Vec<_>, _>>()?;
        match parts[..] {
            [x, y, width, height] if width > 0 && height > 0 && x + width <= Self::WHOLE && y + height <= Self::WHOLE => {
                Ok(Self { x, y, width, height })
            }
            _ => Err(invalid()),
        }
    }
}

/// An earlier picture, to find out whether anything has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferencePicture {
    /// Its perceptual hash.
    pub hash: u64,
    /// If the picture itself is available: the mean luma of its cells, row by row.
    pub cells: Option<Vec<u8>>,
}

impl FromStr for ReferencePicture {
    type Err = Error;

    /// Parses a hash as reports show it: 16 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = Some(text).filter(|text| text.len() == 16 && text.chars().all(|c| c.is_ascii_hexdigit()));
        let hash = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        hash.map(|hash| Self { hash, cells: None })
            .ok_or_else(|| Error::usage(format!("--compare {text:?} is not a hash"), "give the 16 digits of verdict.hash of a report"))
    }
}

/// The checks of the picture's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// Whether color bars count as flat.
    pub detect_bars: bool,
    /// The picture to compare with.
    pub previous: Option<ReferencePicture>,
    /// The findings that make the command fail.
    pub fail_on: Vec<Finding>,
}

/// A defect of a picture's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The picture is black.
    Black,
    /// The picture is a single color.
    Flat,
    /// The picture is the same as the earlier one.
    Frozen,
}

impl Finding {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Flat => "flat",
            Self::Frozen => "frozen",
        }
    }

    /// Parses a list: `black,flat`.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, Error> {
        let all = [Self::Black, Self::Flat, Self::Frozen];
        let finding = |name: &str| {
            all.into_iter()
                .find(|finding| finding.name() == name)
                .ok_or_else(|| Error::usage(format!("--fail-on {name:?} is not known"), "use black, flat and frozen, with commas between"))
        };
        text.split(',').map(str::trim).map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_lie_within_the_picture() {
        assert_eq!("0.5,0,0.5,1".parse::<Crop>().ok(), Some(Crop { x: 500_000, y: 0, width: 500_000, height: 1_000_000 }));
        for text in ["", "0,0,1", "0,0,0,1", "0.5,0,0.6,1", "-0.1,0,1,1", "0,0,1,1,1", "NaN,0,1,1"] {
            assert!(text.parse::<Crop>().is_err(), "{text}");
        }
    }
}
