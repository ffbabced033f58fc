//! The text of a playlist: its encoding, and output of scripts before it.

use std::borrow::Cow;

/// U+FEFF in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Maximum length of the text before `#EXTM3U`, in bytes. Warnings of scripts are shorter.
const MAX_PREAMBLE: usize = 4096;

/// The text of a playlist.
pub(super) struct Text<'a> {
    /// UTF-8 from the first line on, without a byte order mark. Single bytes may be invalid.
    pub bytes: Cow<'a, [u8]>,
    /// Flaws of the encoding, one sentence each.
    pub flaws: Vec<&'static str>,
}

impl<'a> Text<'a> {
    /// Reads UTF-8, and UTF-16 with or without a byte order mark.
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut flaws = Vec::new();
        let mut bytes = Cow::Borrowed(bytes);
        if let Some(text) = utf16(&bytes) {
            flaws.push("the text is UTF-16, but a playlist must be UTF-8");
            bytes = Cow::Owned(text.into_bytes());
        }
        if bytes.starts_with(BOM) {
            flaws.push("the text begins with a byte order mark");
        }
        let preamble = preamble(&bytes);
        if preamble > 0 {
            flaws.push("there is text before #EXTM3U");
        }
        let start = bytes.len() - bytes.get(preamble..).map_or(&[][..], trim_start).len();
        let bytes = match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(start..).unwrap_or_default()),
            Cow::Owned(mut bytes) => Cow::Owned(bytes.split_off(start)),
        };
        Self { bytes, flaws }
    }
}

/// Removes blanks and byte order marks at the start.
fn trim_start(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.trim_ascii_start();
    while let Some(text) = rest.strip_prefix(BOM) {
        rest = text.trim_ascii_start();
    }
    rest
}

/// Length of the text before a line with `#EXTM3U`; 0 if that is the first line, if a tag precedes it, or if it is missing.
fn preamble(bytes: &[u8]) -> usize {
    let mut at = 0;
    for line in bytes.get(..bytes.len().min(MAX_PREAMBLE)).unwrap_or_default().split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let text = trim_start(line);
        let starts_with = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
        if starts_with(b"#EXTM3U") {
            let is_first = trim_start(bytes).len() == bytes.len() - at - (line.len() - text.len());
            return if is_first { 0 } else { at };
        }
        if starts_with(b"#EXT") {
            return 0;
        }
        at += line.len();
    }
    0
}

/// Converts UTF-16 to UTF-8; `None` for other encodings. Without a byte order mark, two ASCII characters at the start show it.
fn utf16(bytes: &[u8]) -> Option<String> {
    let is_first = |byte: u8| byte == b'#' || byte.is_ascii_whitespace();
    let (is_little, text) = match bytes {
        [0xff, 0xfe, text @ ..] => (true, text),
        [0xfe, 0xff, text @ ..] => (false, text),
        [first, 0, second, 0, ..] if is_first(*first) && second.is_ascii() && *second != 0 => (true, bytes),
        [0, first, 0, second, ..] if is_first(*first) && second.is_ascii() && *second != 0 => (false, bytes),
        _ => return None,
    };
    let units = text.as_chunks::<2>().0.iter().map(|pair| if is_little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_read_in_both_byte_orders() {
        let text = "#EXTM3U\n#EXTINF:1,é\na.ts\n";
        let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        for mark in ["", "\u{feff}", "\r\n"] {
            let units = units(&format!("{mark}{text}"));
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            for bytes in [little, big] {
                assert_eq!(Text::of(&bytes).bytes, text.as_bytes(), "{mark:?}");
            }
        }
        assert_eq!(Text::of(text.as_bytes()).bytes, text.as_bytes());
        assert!(Text::of(text.as_bytes()).flaws.is_empty());
    }

    #[test]
    fn text_before_extm3u_is_left_out() {
        for before in ["", "\n\n", "\u{feff}", "\nWarning: x on line 3\n", "<br />\n<b>Warning</b>: x<br />\n\u{feff}", "# note\r"] {
            assert_eq!(Text::of(format!("{before}#EXTM3U\na.ts\n").as_bytes()).bytes, &b"#EXTM3U\na.ts\n"[..], "{before:?}");
        }
        let far = format!("{}\n#EXTM3U\n", "x".repeat(5000));
        for text in ["<html>#EXTM3U\n", "#EXTINF:1,\na.ts\n#EXTM3U\n", "hello", "", &far] {
            assert_eq!(Text::of(text.as_bytes()).bytes, text.as_bytes(), "{text:?}");
        }
    }
}
