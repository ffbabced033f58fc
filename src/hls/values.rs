//! Values in the form that m3u8-rs takes: one that it cannot read makes it drop the tag, or worse.

use std::fmt::Write as _;

use super::{attributes::Attributes, normalise::NO_BANDWIDTH};

/// The attributes of a Variant that are of use, each in the type that m3u8-rs wants: one that it cannot read drops the Variant.
pub(super) fn variant(list: &Attributes<'_>) -> String {
    let mut line = format!("BANDWIDTH={}", list.integer("BANDWIDTH").unwrap_or(NO_BANDWIDTH));
    if let Some(average) = list.integer("AVERAGE-BANDWIDTH") {
        let _ = write!(line, ",AVERAGE-BANDWIDTH={average}");
    }
    if let Some((width, height)) = list.resolution("RESOLUTION") {
        let _ = write!(line, ",RESOLUTION={width}x{height}");
    }
    if let Some(rate) = list.float("FRAME-RATE") {
        let _ = write!(line, ",FRAME-RATE={rate}");
    }
    for name in ["CODECS", "SUPPLEMENTAL-CODECS", "AUDIO", "VIDEO", "NAME", "VIDEO-RANGE", "SCORE", "PATHWAY-ID", "STABLE-VARIANT-ID"] {
        if let Some(value) = list.get(name) {
            let _ = write!(line, ",{name}={}", quoted(value));
        }
    }
    line
}

/// A quoted string that m3u8-rs takes for one: without quotes inside, and not empty. The model drops the blank.
pub(super) fn quoted(value: &str) -> String {
    let inside = value.replace('"', "");
    if inside.is_empty() { "\" \"".to_owned() } else { format!("\"{inside}\"") }
}

/// A duration of 0 to 10^8 seconds; what cannot be read is 0.
pub(super) fn seconds(text: &str) -> f64 {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text.get(..end).and_then(|digits| digits.parse::<f64>().ok()).unwrap_or_default();
    if (0.0..1e8).contains(&number) { number } else { 0.0 }
}

pub(super) fn digits(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// `length[@offset]`, with blanks or quotes around it.
pub(super) fn byte_range(text: &str) -> Option<String> {
    let (length, offset) = text.split_once('@').map_or((text, None), |(length, offset)| (length, Some(offset)));
    let number = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || c == '"').parse::<u64>().ok();
    let length = number(length)?;
    match offset {
        Some(offset) => Some(format!("{length}@{}", number(offset)?)),
        None => Some(length.to_string()),
    }
}
