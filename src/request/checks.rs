//! How the picture is to look, besides its size.

use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// What is done with HDR.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ToneMap {
    /// Highlights are compressed, so that it looks as an SDR version of it would.
    #[default]
    Auto,
    /// Up to reference white as it is; what is brighter is white.
    Clip,
    /// The stream's numbers as they are, which looks washed out: for other programs to work on.
    None,
}

impl FromStr for ToneMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "clip" => Ok(Self::Clip),
            "none" => Ok(Self::None),
            _ => Err(Error::new(ErrorKind::Usage, format!("--tone-map {text:?} is not known")).with_hint("use auto, clip or none")),
        }
    }
}

/// A part of a picture, in millionths of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

impl Crop {
    /// So many are the whole width or height.
    pub const WHOLE: u32 = 1_000_000;
    /// The whole picture.
    pub const ALL: Self = Self { x: 0, y: 0, width: Self::WHOLE, height: Self::WHOLE };

    /// One of equal parts, `columns` across and `rows` down, counted row by row from 0.
    pub fn tile((columns, rows): (u32, u32), index: u32) -> Self {
        let (columns, rows) = (columns.clamp(1, Self::WHOLE), rows.clamp(1, Self::WHOLE));
        let edge = |place: u32, of: u32| u32::try_from(u64::from(Self::WHOLE) * u64::from(place) / u64::from(of)).unwrap_or(Self::WHOLE);
        let (column, row) = (index % columns, (index / columns).min(rows - 1));
        let (x, y) = (edge(column, columns), edge(row, rows));
        Self { x, y, width: edge(column + 1, columns) - x, height: edge(row + 1, rows) - y }
    }

    /// This part of a part.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        let share = |part: u32, of: u32| u32::try_from(u64::from(part) * u64::from(of) / u64::from(Self::WHOLE)).unwrap_or(of);
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
        let bad = || {
            Error::new(ErrorKind::Usage, format!("--crop {text:?} is no part of a picture"))
                .with_hint("give X,Y,W,H in fractions of its width and height, such as 0.25,0,0.5,1")
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
        let millionths = |part: &str| {
            let part = part.trim().parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
            part.map(|part| (part * f64::from(Self::WHOLE)).round() as u32).ok_or_else(bad)
        };
        let parts = text.split(',').map(millionths).collect::<Result<Vec<_>, _>>()?;
        match parts[..] {
            [x, y, width, height] if width > 0 && height > 0 && x + width <= Self::WHOLE && y + height <= Self::WHOLE => {
                Ok(Self { x, y, width, height })
            }
            _ => Err(bad()),
        }
    }
}

/// What was seen before, to tell whether anything has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencePicture {
    /// The perceptual hash.
    pub hash: u64,
    /// Where the picture itself was there: the means of its luma, in cells row by row.
    pub cells: Option<Vec<u8>>,
}

impl FromStr for ReferencePicture {
    type Err = Error;

    /// A hash as in a report: 16 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = Some(text).filter(|text| text.len() == 16 && text.chars().all(|c| c.is_ascii_hexdigit()));
        let hash = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        hash.map(|hash| Self { hash, cells: None }).ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("--compare {text:?} is no hash"))
                .with_hint("give the 16 digits of verdict.hash of a report")
        })
    }
}

/// What is looked for in the picture, and what makes a failure of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// Whether a slate of colour bars counts as flat.
    pub detect_bars: bool,
    /// What it is compared with.
    pub previous: Option<ReferencePicture>,
    /// The findings that are failures.
    pub fail_on: Vec<Finding>,
}

/// What a picture may show that nobody wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Black all over.
    Black,
    /// One colour all over.
    Flat,
    /// The same as before.
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

    /// Reads a list: `black,flat`.
    pub fn list(text: &str) -> Result<Vec<Self>, Error> {
        let all = [Self::Black, Self::Flat, Self::Frozen];
        let finding = |name: &str| {
            all.into_iter().find(|finding| finding.name() == name).ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("--fail-on {name:?} is not known"))
                    .with_hint("use black, flat and frozen, with commas between")
            })
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
