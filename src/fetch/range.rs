//! The range of a resource that a request names.

use reqwest::header::HeaderValue;

/// Bytes of a resource, both ends included (RFC 9110, 14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first byte.
    pub first: u64,
    /// The last byte; `None` is the resource's end.
    pub last: Option<u64>,
}

impl Range {
    /// The whole resource.
    pub const ALL: Self = Self { first: 0, last: None };

    /// `length` bytes from `first`; at least one byte.
    pub fn of(first: u64, length: u64) -> Self {
        Self { first, last: Some(first.saturating_add(length.max(1) - 1)) }
    }

    /// The value of the Range header; `None` for the whole resource.
    pub(super) fn header(self) -> Option<HeaderValue> {
        let text = match self {
            Self::ALL => return None,
            Self { first, last: Some(last) } => format!("bytes={first}-{last}"),
            Self { first, last: None } => format!("bytes={first}-"),
        };
        HeaderValue::from_str(&text).ok()
    }
}
