//! Detects the format of a list by its first line that is neither empty nor a comment.

/// The format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A URL or a JSON object on each line.
    Lines,
    /// `#EXTINF` and a URL.
    M3u,
    /// Tables.
    Toml,
}

impl Format {
    /// The format of a list with this line; `None` if the line is empty or a comment, which any format may have.
    pub fn of(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let starts_with = |tag: &[u8]| line.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
        match line {
            [] => None,
            _ if starts_with(b"#EXTM3U") || starts_with(b"#EXTINF:") => Some(Self::M3u),
            [b'#', ..] => None,
            [b'[', ..] => Some(Self::Toml),
            _ if is_toml_pair(line) => Some(Self::Toml),
            _ => Some(Self::Lines),
        }
    }
}

/// Whether the line is `key = value`. In practice, no URL or path looks like a bare word, an equals sign, and a blank, quote or bracket.
fn is_toml_pair(line: &[u8]) -> bool {
    let key = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).count();
    let value = line.get(key..).unwrap_or_default().trim_ascii_start().strip_prefix(b"=");
    key > 0 && value.is_some_and(|value| matches!(value, [b' ' | b'"' | b'\'' | b'{' | b'[', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_with_content_decides() {
        for (line, format) in [
            ("", None),
            ("  \t", None),
            ("# a comment", None),
            ("#EXTM3U url-tvg=\"x\"", Some(Format::M3u)),
            ("#extinf:-1,One", Some(Format::M3u)),
            ("[defaults]", Some(Format::Toml)),
            ("[[channel]]", Some(Format::Toml)),
            ("defaults.width = 5", Some(Format::Toml)),
            ("defaults = { width = 5 }", Some(Format::Toml)),
            ("http://h/x.m3u8?a=b", Some(Format::Lines)),
            ("https://h/x = y", Some(Format::Lines)),
            ("folder/x.m3u8", Some(Format::Lines)),
            ("a=b.m3u8", Some(Format::Lines)),
            ("{\"url\": \"x\"}", Some(Format::Lines)),
        ] {
            assert_eq!(Format::of(line.as_bytes()), format, "{line}");
        }
    }
}
