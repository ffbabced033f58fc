//! Values of options as frontends receive them, and the readers that check them.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use serde_json::Number;

use super::{
    super::{
        picture::{bytes_from_number, parse_bytes},
        position::{Position, duration_from_seconds, parse_duration},
    },
    kind::OptionKind,
};
use crate::error::Error;

const LONGEST_TIME: Duration = Duration::from_secs(24 * 3600);

/// A value as a frontend received it: typed from JSON and clap, text from queries and variables.
#[derive(Debug, Clone, PartialEq)]
pub enum InputValue {
    /// Any text.
    Text(String),
    /// A JSON number.
    Number(Number),
    /// A switch.
    Bool(bool),
    /// A path, which need not be UTF-8.
    Path(PathBuf),
}

impl From<&str> for InputValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Bool(on) => on.fmt(f),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// The value of one option. Every reader fails with `usage`.
#[derive(Debug)]
pub struct OptionValue<'a> {
    /// The option's name, with hyphens.
    pub(super) name: &'static str,
    pub(super) kind: OptionKind,
    pub(super) input: &'a InputValue,
}

impl OptionValue<'_> {
    /// Text as it is. Numbers, `true` and `false` are written out.
    pub fn text(&self) -> Result<String, Error> {
        match self.input {
            InputValue::Path(path) if path.to_str().is_none() => {
                Err(Error::usage(format!("--{} is not valid UTF-8", self.name), "give text in UTF-8"))
            }
            input => Ok(input.to_string()),
        }
    }

    /// The text, parsed by the type's own rules.
    pub fn parse<T: FromStr<Err = Error>>(&self) -> Result<T, Error> {
        self.text()?.parse()
    }

    /// A path.
    pub fn path(&self) -> PathBuf {
        match self.input {
            InputValue::Path(path) => path.clone(),
            input => input.to_string().into(),
        }
    }

    /// A switch; its bare name, which comes as empty text, turns it on.
    pub fn flag(&self) -> Result<bool, Error> {
        let on = match self.input {
            InputValue::Bool(on) => Some(*on),
            InputValue::Number(number) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            InputValue::Text(text) => match text.to_ascii_lowercase().as_str() {
                "" | "1" | "true" | "yes" | "on" => Some(true),
                "0" | "false" | "no" | "off" => Some(false),
                _ => None,
            },
            InputValue::Path(_) => None,
        };
        on.ok_or_else(|| Error::usage(format!("{} is neither true nor false", self.shown()), "use true or false"))
    }

    /// A whole number within the bounds of [`OptionKind::Integer`].
    pub fn integer<N: TryFrom<u64>>(&self) -> Result<N, Error> {
        let (min, max) = if let OptionKind::Integer(min, max) = self.kind { (min, max) } else { (0, u32::MAX) };
        self.integer_in(min.into(), max.into())
    }

    /// A whole number from `min` to `max`.
    pub fn integer_in<N: TryFrom<u64>>(&self, min: u64, max: u64) -> Result<N, Error> {
        let number = match self.input {
            InputValue::Number(number) => number.as_u64(),
            InputValue::Text(text) => text.parse().ok(),
            InputValue::Bool(_) | InputValue::Path(_) => None,
        };
        let number = number.filter(|number| (min..=max).contains(number)).and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| Error::usage(format!("{} is not a number from {min} to {max}", self.shown()), "give a whole number"))
    }

    /// Bytes: `300000`, `300k`, `64M`, `1G`.
    pub fn bytes(&self) -> Result<u64, Error> {
        let bytes = match self.input {
            InputValue::Number(number) => number.as_f64().and_then(bytes_from_number),
            input => parse_bytes(&input.to_string()),
        };
        bytes.ok_or_else(|| self.mismatch("is not a size", "give bytes, such as 300000, 300k, 64M or 1G"))
    }

    /// A time of up to a day, in seconds or as `1m30s`.
    pub fn duration(&self) -> Result<Duration, Error> {
        self.some_duration().ok_or_else(|| self.mismatch("is not a time", "give seconds, such as 30 or 1m30s"))
    }

    /// As [`duration`](Self::duration), and longer than zero.
    pub fn timeout(&self) -> Result<Duration, Error> {
        let timeout = self.some_duration().filter(|time| !time.is_zero());
        timeout.ok_or_else(|| self.mismatch("is not a time", "give seconds up to a day, such as 20, 0.5 or 1m30s"))
    }

    fn some_duration(&self) -> Option<Duration> {
        let duration = match self.input {
            InputValue::Number(number) => number.as_f64().and_then(duration_from_seconds),
            input => parse_duration(&input.to_string()),
        };
        duration.filter(|time| *time <= LONGEST_TIME)
    }

    /// A moment. A number counts seconds from the start; a negative one counts back from the end.
    pub fn position(&self) -> Result<Position, Error> {
        let typed = if let InputValue::Number(number) = self.input { number.as_f64().and_then(Position::from_seconds) } else { None };
        typed.map_or_else(|| self.parse(), Ok)
    }

    /// Reads a value that may be omitted: the bare name or `true` gives `default`, `false` gives `None`.
    pub fn or_default<T>(&self, default: T, read: impl Fn(&Self) -> Result<T, Error>) -> Result<Option<T>, Error> {
        let is_on = match self.input {
            InputValue::Bool(on) => Some(*on),
            InputValue::Text(text) => match text.to_ascii_lowercase().as_str() {
                "" | "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            InputValue::Number(_) | InputValue::Path(_) => None,
        };
        match is_on {
            Some(true) => Ok(Some(default)),
            Some(false) => Ok(None),
            None => read(self).map(Some),
        }
    }

    /// `usage`: the option and its value, then `what` is wrong with it.
    pub(super) fn mismatch(&self, what: &str, hint: &str) -> Error {
        Error::usage(format!("--{} {:?} {what}", self.name, self.input.to_string()), hint)
    }

    /// The name as JSON and queries spell it, and the value.
    fn shown(&self) -> String {
        format!("{} {:?}", self.name.replace('-', "_"), self.input.to_string())
    }
}
