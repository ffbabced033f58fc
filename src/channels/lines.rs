//! Splits a text that arrives in pieces into lines, and keeps at most one piece and one line.

/// The longest line, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 64 << 10;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// It has more than [`MAX_LINE_BYTES`].
    TooLong,
}

/// The lines of a text that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Bytes that are not split yet, from `start` on.
    bytes: Vec<u8>,
    start: usize,
    /// Whether the current line is too long and its beginning was dropped.
    is_too_long: bool,
    is_ended: bool,
}

impl Lines {
    /// Adds a piece. Take all lines before the next piece, so that memory does not grow.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(piece);
    }

    /// Ends the text, so that the last line needs no line break.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    /// The next line; `None` if its end has not arrived.
    pub fn next(&mut self) -> Option<Line> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let (line, used) = match memchr::memchr(b'\n', rest) {
            Some(at) => (rest.get(..at).unwrap_or_default(), at + 1),
            None if self.is_ended && (!rest.is_empty() || self.is_too_long) => (rest, rest.len()),
            None => {
                if rest.len() > MAX_LINE_BYTES {
                    self.is_too_long = true;
                    self.bytes.clear();
                    self.start = 0;
                }
                return None;
            }
        };
        let is_too_long = std::mem::take(&mut self.is_too_long) || line.len() > MAX_LINE_BYTES;
        let line = if is_too_long { Line::TooLong } else { Line::Text(line.strip_suffix(b"\r").unwrap_or(line).to_owned()) };
        self.start += used;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text in pieces of `size` bytes; `None` is too long.
    fn lines(text: &[u8], size: usize) -> Vec<Option<String>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut take = |lines: &mut Lines| {
            while let Some(line) = lines.next() {
                found.push(if let Line::Text(bytes) = line { String::from_utf8(bytes).ok() } else { None });
            }
        };
        for piece in text.chunks(size) {
            lines.push(piece);
            take(&mut lines);
        }
        lines.end();
        take(&mut lines);
        found
    }

    #[test]
    fn lines_do_not_depend_on_the_pieces() {
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        for size in [1, 2, 7, 100_000_000] {
            assert_eq!(lines(b"a\r\n\nbc\n", size), ["a", "", "bc"].map(|line| Some(line.to_owned())), "{size}");
            assert_eq!(lines(b"a\nb", size), ["a", "b"].map(|line| Some(line.to_owned())), "{size}");
            assert_eq!(lines(format!("a\n{long}\nb").as_bytes(), size.max(100)), [Some("a".to_owned()), None, Some("b".to_owned())]);
            assert_eq!(lines(long.as_bytes(), size.max(100)), [None]);
        }
        assert!(lines(b"", 1).is_empty());
    }
}
