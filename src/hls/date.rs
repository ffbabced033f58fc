//! Dates (section 4.4.4.6) as packagers write them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Reads ISO 8601, also with `+0000` for `+00:00`, a blank for `T`, or a comma for the decimal point. Without a zone it is UTC.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim().trim_matches('"').replace(',', ".").replacen(' ', "T", 1).replace(' ', "").to_ascii_uppercase();
    for form in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y%m%dT%H%M%S%.f%#z", "%Y-%m-%dT%H:%M%#z"] {
        if let Ok(date) = DateTime::parse_from_str(&text, form) {
            return Some(date.to_utc());
        }
    }
    let plain = text.strip_suffix('Z').unwrap_or(&text);
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y%m%dT%H%M%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|form| Some(NaiveDateTime::parse_from_str(plain, form).ok()?.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_gives_the_same_date() {
        let wanted = DateTime::parse_from_rfc3339("2026-01-31T12:00:00.5Z").map(|date| date.to_utc()).ok();
        for text in [
            "2026-01-31T12:00:00.5Z",
            "2026-01-31T12:00:00.500+00:00",
            "2026-01-31T12:00:00.500+0000",
            "2026-01-31T13:00:00.5+01",
            "2026-01-31T12:00:00.5",
            "2026-01-31 12:00:00,5Z",
            "2026-01-31 12:00:00.5 +0000",
            "2026-01-31t12:00:00.5z",
            "20260131T120000.5Z",
        ] {
            assert_eq!(parse(text), wanted, "{text}");
        }
        assert_eq!(parse("yesterday"), None);
    }
}
