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
            _ => Err(Error::new(ErrorKind::Usage, format!("--tone-map {text:?} is not known")).hint("use auto, clip or none")),
        }
    }
}
