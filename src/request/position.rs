//! The moment of the picture, and how precisely the frame must match it.

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, Utc};

use crate::error::Error;

/// The moment of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Position {
    /// The newest picture.
    Live,
    /// The first picture.
    Start,
    /// This long after the start of the playlist's first segment.
    FromStart(Duration),
    /// This long before the end of a recording, or before the live edge.
    FromEnd(Duration),
    /// The percentage of the way from start to end: 0 to 100.
    Percent(f64),
    /// A date and time, by `EXT-X-PROGRAM-DATE-TIME`.
    ProgramDateTime(DateTime<Utc>),
}

impl Position {
    /// Whether it is a time, for which [`Precision::Exact`] is the default.
    pub fn is_time(&self) -> bool {
        !matches!(self, Self::Live | Self::Start)
    }

    /// Seconds from the start, or back from the end if negative.
    pub(super) fn from_seconds(seconds: f64) -> Option<Self> {
        let duration = duration_from_seconds(seconds.abs())?;
        Some(if seconds.is_sign_negative() { Self::FromEnd(duration) } else { Self::FromStart(duration) })
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::usage(
                format!("--at {text:?} is not a moment"),
                "use live, start, 90, 1:30, 01:02:03.5, 1m30s, -10s, 50% or 2026-01-31T12:00:00Z",
            )
        };
        match text {
            "live" => return Ok(Self::Live),
            "start" => return Ok(Self::Start),
            _ => {}
        }
        if let Some(number) = text.strip_suffix('%') {
            let percent: f64 = number.parse().map_err(|_| invalid())?;
            return if (0.0..=100.0).contains(&percent) { Ok(Self::Percent(percent)) } else { Err(invalid()) };
        }
        if let Ok(date) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::ProgramDateTime(date.to_utc()));
        }
        match text.strip_prefix('-') {
            Some(back) => parse_duration(back).map(Self::FromEnd).ok_or_else(invalid),
            None => parse_duration(text).map(Self::FromStart).ok_or_else(invalid),
        }
    }
}

/// Parses `90`, `1.5`, `1:30`, `01:02:03.5`, `1h2m3.5s`, `90s`. `None` for anything else, and for more than ten years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let number = |digits: &str| -> Option<f64> {
        let plain = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        if plain { digits.parse().ok() } else { None }
    };
    let seconds = if text.contains(':') {
        let parts: Vec<f64> = text.split(':').map(number).collect::<Option<_>>()?;
        let below_sixty = parts.iter().skip(1).all(|part| *part < 60.0);
        let whole = parts.iter().rev().skip(1).all(|part| part.fract() == 0.0);
        (parts.len() <= 3 && below_sixty && whole).then(|| parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))?
    } else if text.ends_with(|c: char| c.is_ascii_digit()) {
        number(text)?
    } else {
        let mut rest = text;
        let mut sum = 0.0;
        for (unit, length) in [("h", 3600.0), ("m", 60.0), ("s", 1.0)] {
            if let Some((digits, after)) = rest.split_once(unit) {
                sum += number(digits)? * length;
                rest = after;
            }
        }
        rest.is_empty().then_some(sum)?
    };
    if text.is_empty() { None } else { duration_from_seconds(seconds) }
}

/// `None` for negative numbers, and for more than ten years.
pub(super) fn duration_from_seconds(seconds: f64) -> Option<Duration> {
    const LONGEST: f64 = 10.0 * 366.0 * 86_400.0;
    (seconds.is_sign_positive() && seconds <= LONGEST).then(|| Duration::from_secs_f64(seconds))
}

/// How precisely the frame must match the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// The key frame at or before the moment: the fewest bytes.
    KeyFrame,
    /// The frame shown at the moment: the last one with a PTS at or before it.
    Exact,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        parse_duration(text).map(|duration| duration.as_secs_f64())
    }

    #[test]
    fn durations_have_many_spellings() {
        for (text, wanted) in [
            ("90", 90.0),
            ("1.5", 1.5),
            ("1:30", 90.0),
            ("01:02:03.5", 3723.5),
            ("1m30s", 90.0),
            ("90s", 90.0),
            ("1h", 3600.0),
            ("2h0.5s", 7200.5),
            ("0", 0.0),
        ] {
            assert_eq!(seconds(text), Some(wanted), "{text}");
        }
        for text in ["", "x", "1:", ":1", "1:60", "1.5:00", "1:2:3:4", "-1", "1e9", "s", "1s2m", "99999999999", "inf", "nan"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn moments_have_many_forms() {
        let at = |text: &str| text.parse::<Position>().ok();
        assert_eq!(at("live"), Some(Position::Live));
        assert_eq!(at("start"), Some(Position::Start));
        assert_eq!(at("1:30"), Some(Position::FromStart(Duration::from_secs(90))));
        assert_eq!(at("-10s"), Some(Position::FromEnd(Duration::from_secs(10))));
        assert_eq!(at("50%"), Some(Position::Percent(50.0)));
        assert!(matches!(at("2026-01-31T12:00:00+01:00"), Some(Position::ProgramDateTime(date)) if date.timestamp() == 1_769_857_200));
        for text in ["", "101%", "-1%", "NaN%", "--5", "now", "5%%", "2026-01-31"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
