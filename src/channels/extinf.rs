//! `#EXTINF` lines of channel lists: attributes, then a comma and the name.

/// The content of one `#EXTINF` line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ExtInf {
    /// `tvg-id`
    pub id: Option<String>,
    /// The name after the comma, else `tvg-name`.
    pub name: Option<String>,
    /// `group-title`
    pub group: Option<String>,
}

impl ExtInf {
    /// Reads the text after `#EXTINF:`, such as `-1 tvg-id="one" group-title="News, Sports",Channel One`.
    pub fn of(text: &str) -> Self {
        let (attributes, title) = split_at_comma(text);
        let attribute = |name| attribute(attributes, name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
        let title = Some(title.trim()).filter(|title| !title.is_empty()).map(str::to_owned);
        Self { id: attribute("tvg-id"), name: title.or_else(|| attribute("tvg-name")), group: attribute("group-title") }
    }
}

/// Splits at the first comma outside quotes; if a quote is never closed, at the last comma.
fn split_at_comma(text: &str) -> (&str, &str) {
    let mut is_quoted = false;
    let comma = text.char_indices().find(|(_, c)| {
        is_quoted ^= *c == '"';
        *c == ',' && !is_quoted
    });
    match comma {
        Some((at, _)) => text.split_at_checked(at).map_or((text, ""), |(before, after)| (before, after.trim_start_matches([',', ' ']))),
        None => text.rsplit_once(',').unwrap_or((text, "")),
    }
}

/// The value of `name="value"` or `name=value`.
fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('=')?;
        let key = before.rsplit(|c: char| c.is_whitespace() || c == '"').next().unwrap_or_default();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_and_names_are_read_as_tools_write_them() {
        let row = |text: &str| {
            let ExtInf { id, name, group } = ExtInf::of(text);
            [id, name, group].map(Option::unwrap_or_default).join("|")
        };
        for (text, expected) in [
            (r#"-1 tvg-id="one.uk" tvg-name="One HD" tvg-logo="http://l/a=b.png" group-title="News",One"#, "one.uk|One|News"),
            (r#"-1 tvg-id="" tvg-name="One" group-title="News, Sports",One, the first"#, "|One, the first|News, Sports"),
            ("0 TVG-ID=one group-title=News , One", "one|One|News"),
            (r#"-1 tvg-id="one" tvg-name="One","#, "one|One|"),
            ("-1,One", "|One|"),
            ("-1", "||"),
            ("", "||"),
            (r#"-1 tvg-id="one" tvg-name="never closed,One"#, "one|One|"),
            (r#"-1 timeshift="3" catchup="default" catchup-source="http://a/{utc}?x=1,2" tvg-id="o",O"#, "o|O|"),
        ] {
            assert_eq!(row(text), expected, "{text}");
        }
    }
}
