//! EXT-X-BYTERANGE and the BYTERANGE attribute (section 4.4.4.2).

/// Consecutive bytes of a resource (section 4.4.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// A byte range as playlists write it: `length[@offset]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByteRangeTag {
    pub length: u64,
    pub offset: Option<u64>,
}

impl ByteRange {
    /// Whether it has bytes, and an end that a file can have.
    pub(super) fn is_valid(&self) -> bool {
        self.length > 0 && self.offset.checked_add(self.length).is_some()
    }

    /// The byte after the last one.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

impl ByteRangeTag {
    /// Reads `length[@offset]`, with blanks or quotes around the numbers.
    pub fn of(text: &str) -> Option<Self> {
        let number = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || c == '"').parse::<u64>().ok();
        match text.split_once('@') {
            Some((length, offset)) => Some(Self { length: number(length)?, offset: Some(number(offset)?) }),
            None => Some(Self { length: number(text)?, offset: None }),
        }
    }
}
