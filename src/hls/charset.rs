//! The text of a playlist out of the bytes that came: its encoding, and what scripts put before it.

use std::borrow::Cow;

/// U+FEFF in UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";
/// A script's warnings before `#EXTM3U` are shorter.
const LONGEST_PREFACE: usize = 4096;

/// What the bytes of a playlist hold.
pub(super) struct Text<'a> {
    /// From the playlist's first character on, without a byte order mark.
    pub bytes: Cow<'a, [u8]>,
    /// What is wrong, for people.
    pub oddities: Vec<&'static str>,
}

impl<'a> Text<'a> {
    /// Reads UTF-8, and UTF-16 with or without a byte order mark.
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut oddities = Vec::new();
        let mut bytes = Cow::Borrowed(bytes);
        if let Some(text) = utf16(&bytes) {
            oddities.push("the text is in UTF-16, where a playlist is in UTF-8");
            bytes = Cow::Owned(text.into_bytes());
        }
        if bytes.starts_with(BOM) {
            oddities.push("the text begins with a byte order mark");
        }
        let preface = preface(&bytes);
        if preface > 0 {
            oddities.push("something stands before #EXTM3U");
        }
        let rest = |bytes: &[u8]| bytes.len() - bytes.get(preface..).map_or(&[][..], start).len();
        let start = rest(&bytes);
        let bytes = match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(start..).unwrap_or_default()),
            Cow::Owned(mut bytes) => Cow::Owned(bytes.split_off(start)),
        };
        Self { bytes, oddities }
    }
}

/// Without blanks and byte order marks at the start.
fn start(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.trim_ascii_start();
    while let Some(text) = rest.strip_prefix(BOM) {
        rest = text.trim_ascii_start();
    }
    rest
}

/// The length of what stands before a line with `#EXTM3U` that is not the first: 0 if there is no such line, or a tag before it.
fn preface(bytes: &[u8]) -> usize {
    let mut at = 0;
    for line in bytes.get(..bytes.len().min(LONGEST_PREFACE)).unwrap_or_default().split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let text = start(line);
        let is = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
        if is(b"#EXTM3U") {
            let is_first = start(bytes).len() == bytes.len() - at - (line.len() - text.len());
            return if is_first { 0 } else { at };
        }
        if is(b"#EXT") {
            return 0;
        }
        at += line.len();
    }
    0
}

/// UTF-16 as UTF-8. Without a byte order mark it is known by its first two characters, of which a playlist has only ASCII.
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
        assert!(Text::of(text.as_bytes()).oddities.is_empty());
    }

    #[test]
    fn what_stands_before_extm3u_is_left_out() {
        for before in ["", "\n\n", "\u{feff}", "\nWarning: x on line 3\n", "<br />\n<b>Warning</b>: x<br />\n\u{feff}", "# note\r"] {
            assert_eq!(Text::of(format!("{before}#EXTM3U\na.ts\n").as_bytes()).bytes, &b"#EXTM3U\na.ts\n"[..], "{before:?}");
        }
        let far = format!("{}\n#EXTM3U\n", "x".repeat(5000));
        for text in ["<html>#EXTM3U\n", "#EXTINF:1,\na.ts\n#EXTM3U\n", "hello", "", &far] {
            assert_eq!(Text::of(text.as_bytes()).bytes, text.as_bytes(), "{text:?}");
        }
    }
}
