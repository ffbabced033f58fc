//! Attribute lists and values of tags (section 4.2), read leniently.

/// The attributes of one tag in their order, with names in upper case.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a>(Vec<(String, &'a str)>);

impl<'a> Attributes<'a> {
    /// Reads `NAME=value,NAME="quoted, value"`. Blanks around names and values are dropped. A quote that is never closed ends with the line.
    pub fn of(mut text: &'a str) -> Self {
        let mut list = Vec::new();
        while let Some((name, rest)) = text.split_once('=') {
            // An attribute without a value may precede the name: `FLAG,NAME=value`
            let name = name.rsplit(',').next().unwrap_or(name).trim().to_ascii_uppercase();
            let rest = rest.trim_start();
            let value;
            if let Some(quoted) = rest.strip_prefix('"') {
                let (inside, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                value = inside;
                text = after.split_once(',').map_or("", |(_, next)| next);
            } else {
                let (plain, next) = rest.split_once(',').unwrap_or((rest, ""));
                value = plain.trim_end();
                text = next;
            }
            list.push((name, value));
        }
        Self(list)
    }

    /// The value of the first attribute with this name, without its quotes; `None` if it is empty.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value).filter(|value| !value.is_empty())
    }

    /// Text without stray quotes; `None` if it is blank.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.replace('"', "")).filter(|text| !text.trim().is_empty())
    }

    /// A decimal integer. A fraction is cut off.
    pub fn integer(&self, name: &str) -> Option<u64> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive and below 2^53")]
        self.float(name).filter(|value| (0.0..9e15).contains(value)).map(|value| value as u64)
    }

    /// A finite decimal number.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.get(name)?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// `640x360` in either case: two sides of 1 to 99,999.
    pub fn resolution(&self, name: &str) -> Option<(u32, u32)> {
        let (width, height) = self.get(name)?.split_once(['x', 'X'])?;
        let side = |text: &str| text.trim().parse::<u32>().ok().filter(|side| (1..100_000).contains(side));
        Some((side(width)?, side(height)?))
    }

    /// `YES` in either case.
    pub fn is_yes(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("YES"))
    }
}

/// A duration of 0 to 10^8 seconds at the start of `text`; 0 if it is unreadable.
pub(super) fn seconds(text: &str) -> f64 {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text.get(..end).and_then(|digits| digits.parse::<f64>().ok()).unwrap_or_default();
    if (0.0..1e8).contains(&number) { number } else { 0.0 }
}

/// The decimal integer at the start of `text`.
pub(super) fn decimal_digits(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_sloppy_packagers_are_read() {
        let list = Attributes::of(
            r#"BANDWIDTH = 1280000.5, resolution=640X360,CODECS="avc1.4d401e,mp4a.40.2" ,EMPTY=,NAME="720p",DEFAULT=yes,FRAME-RATE="25""#,
        );
        assert_eq!(list.integer("BANDWIDTH"), Some(1_280_000));
        assert_eq!(list.resolution("RESOLUTION"), Some((640, 360)));
        assert_eq!(list.get("CODECS"), Some("avc1.4d401e,mp4a.40.2"));
        assert_eq!(list.get("EMPTY"), None);
        assert_eq!(list.get("NAME"), Some("720p"));
        assert!(list.is_yes("DEFAULT"));
        assert_eq!(list.float("FRAME-RATE"), Some(25.0));
        assert_eq!(Attributes::of(r#"URI="never closed"#).get("URI"), Some("never closed"));
        assert_eq!(Attributes::of("FLAG,URI=x").get("URI"), Some("x"));
    }
}
