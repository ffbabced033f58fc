//! Which bytes of a resource a response holds (RFC 9110, 14.4 and 15.3.7).
//!
//! Origins and caches mislabel ranges. A response is used only if status, Content-Range and Content-Length agree; otherwise hlsnap requests
//! the whole resource.

use std::ops;

use reqwest::{
    StatusCode,
    header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap},
};

use super::range::Range;

/// The content of a body, by the head of its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// The whole resource.
    Whole,
    /// These bytes of the resource.
    Partial(ContentRange),
    /// These bytes of the resource, or all of it: without a Content-Length, only the end of the body shows which.
    Unproven(ContentRange),
    /// `multipart/byteranges` with this boundary.
    Multipart(String),
}

/// The value of a Content-Range header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub first: u64,
    /// The offset after the last byte.
    pub end: u64,
    /// The size of the whole resource, if known.
    pub size: Option<u64>,
}

impl ContentRange {
    /// Parses `bytes 0-99/1234` and `bytes 0-99/*`. `None` if the text is neither, or contradicts itself.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text.get(..5).filter(|unit| unit.eq_ignore_ascii_case("bytes"))?;
        let (range, size) = text.strip_prefix(unit)?.trim_start_matches([' ', '=', ':']).split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let size: Option<u64> = size.trim().parse().ok();
        let end = last.checked_add(1)?;
        (first <= last && size.is_none_or(|size| end <= size)).then_some(Self { first, end, size })
    }

    pub fn length(self) -> u64 {
        self.end - self.first
    }

    fn covers(self, offset: u64) -> bool {
        (self.first..self.end).contains(&offset)
    }
}

/// The content of a successful response to a request for `requested`. `length` is the Content-Length of an uncompressed body.
///
/// The error says why the response cannot be used.
pub(super) fn content(
    status: StatusCode,
    headers: &HeaderMap,
    length: Option<u64>,
    is_compressed: bool,
    requested: Range,
) -> Result<Content, &'static str> {
    let is_partial = status == StatusCode::PARTIAL_CONTENT;
    let declared = headers.get(CONTENT_RANGE).and_then(|text| ContentRange::parse(text.to_str().ok()?));
    if is_compressed {
        // Ranges of a compressed body count compressed bytes
        let is_range = (is_partial || declared.is_some()) && requested != Range::ALL;
        return if is_range { Err("a range of a compressed resource") } else { Ok(Content::Whole) };
    }
    if let Some(boundary) = boundary(headers).filter(|_| is_partial) {
        return Ok(Content::Multipart(boundary));
    }
    match declared {
        Some(range) => with_content_range(range, length, requested),
        None if is_partial => without_content_range(length, requested),
        None => Ok(Content::Whole),
    }
}

fn with_content_range(range: ContentRange, length: Option<u64>, requested: Range) -> Result<Content, &'static str> {
    match length {
        Some(length) if length == range.length() && range.covers(requested.first) => Ok(Content::Partial(range)),
        Some(length) if Some(length) == range.size => Ok(Content::Whole),
        // Any length will do if the body starts with the resource's first byte, as requested
        Some(length) if length > 0 && range.first == 0 && requested.first == 0 => {
            Ok(Content::Partial(ContentRange { end: length, size: range.size.filter(|size| length <= *size), ..range }))
        }
        None if range.first == 0 && requested.first == 0 => Ok(Content::Partial(range)),
        None if range.covers(requested.first) => Ok(Content::Unproven(range)),
        Some(_) if range.covers(requested.first) => Err(OTHER_LENGTH),
        _ => Err("another range"),
    }
}

const OTHER_LENGTH: &str = "a body of another length than its Content-Range";

/// 206 without Content-Range is a range, or the whole resource with the wrong status.
fn without_content_range(length: Option<u64>, requested: Range) -> Result<Content, &'static str> {
    let requested_length = requested.last.and_then(|last| last.checked_sub(requested.first)?.checked_add(1));
    let partial = |length: u64| {
        let end = requested.first.saturating_add(length);
        Ok(Content::Partial(ContentRange { first: requested.first, end, size: None }))
    };
    match (length, requested_length) {
        _ if requested == Range::ALL => Ok(Content::Whole),
        (Some(length), Some(wanted)) if length == wanted => partial(length),
        (Some(length), Some(wanted)) if requested.first == 0 && length > wanted => Ok(Content::Whole),
        (Some(length), _) if requested.first == 0 => partial(length),
        (None, Some(wanted)) if requested.first == 0 => partial(wanted),
        _ => Err("206 without Content-Range"),
    }
}

/// Which bytes a body of `length` bytes holds that declared `range`. `None` is the whole resource; the error says why it cannot be used.
pub(super) fn proven(range: ContentRange, length: u64) -> Result<Option<ContentRange>, &'static str> {
    if length <= range.length() {
        Ok(Some(ContentRange { end: range.first.saturating_add(length), ..range }))
    } else if Some(length) == range.size {
        Ok(None)
    } else {
        Err(OTHER_LENGTH)
    }
}

/// The boundary of `multipart/byteranges`.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = text.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/byteranges") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let value = value.trim().trim_matches('"');
    // RFC 2046, 5.1.1
    (1..=70).contains(&value.len()).then(|| value.to_owned())
}

/// The most parts that are searched: a request names only one range.
const MOST_PARTS: usize = 16;

/// The body part of `multipart/byteranges` that holds the byte at `offset`: its Content-Range, and its span in `body`.
pub(super) fn part_at(body: &[u8], boundary: &str, offset: u64) -> Option<(ContentRange, ops::Range<usize>)> {
    let delimiter = format!("--{boundary}");
    let mut at = 0;
    for _ in 0..MOST_PARTS {
        let head = at + find(body.get(at..)?, delimiter.as_bytes())? + delimiter.len();
        let (head_length, blank_length) = end_of_head(body.get(head..)?)?;
        let start = head + head_length + blank_length;
        let text = String::from_utf8_lossy(body.get(head..head + head_length)?);
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = fields.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-range"))?;
        let range = ContentRange::parse(value)?;
        let end = start.checked_add(usize::try_from(range.length()).ok()?)?;
        // The next delimiter proves the length of the part
        let line_end = if blank_length == 4 { &b"\r\n"[..] } else { b"\n" };
        if !body.get(end..)?.strip_prefix(line_end)?.starts_with(delimiter.as_bytes()) {
            return None;
        }
        if range.covers(offset) {
            return Some((range, start..end));
        }
        at = end;
    }
    None
}

/// The length of a part's head, and of the blank line after it.
fn end_of_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"].into_iter().filter_map(|blank| Some((find(bytes, blank)?, blank.len())));
    ends.min_by_key(|(at, _)| *at)
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(status: u16, content_range: Option<&str>, length: Option<u64>, requested: Range) -> Result<Content, &'static str> {
        let mut headers = HeaderMap::new();
        headers.extend(content_range.map(|text| (CONTENT_RANGE, HeaderValue::from_str(text).expect("a header"))));
        content(StatusCode::from_u16(status).expect("a status"), &headers, length, false, requested)
    }

    fn partial(first: u64, end: u64, size: Option<u64>) -> Content {
        Content::Partial(ContentRange { first, end, size })
    }

    #[test]
    fn a_range_is_used_if_content_range_and_length_agree() {
        let requested = Range::of(100, 50);
        for status in [206, 200] {
            assert_eq!(read(status, Some("bytes 100-149/1000"), Some(50), requested), Ok(partial(100, 150, Some(1000))));
            assert_eq!(read(status, Some("Bytes=90-159/*"), Some(70), requested), Ok(partial(90, 160, None)));
            assert_eq!(read(status, Some("bytes 100-149/1000"), Some(1000), requested), Ok(Content::Whole));
            for (text, length) in
                [("bytes 100-149/1000", 49), ("bytes 100-149/*", 1000), ("bytes 0-49/1000", 50), ("bytes 150-199/1000", 50)]
            {
                assert!(read(status, Some(text), Some(length), requested).is_err(), "{status} {text} {length}");
            }
            let range = ContentRange { first: 100, end: 150, size: Some(1000) };
            assert_eq!(read(status, Some("bytes 100-149/1000"), None, requested), Ok(Content::Unproven(range)));
        }
    }

    #[test]
    fn without_content_range_the_length_decides() {
        assert_eq!(read(200, None, Some(1000), Range::of(100, 50)), Ok(Content::Whole));
        assert_eq!(read(206, None, Some(50), Range::of(100, 50)), Ok(partial(100, 150, None)));
        assert_eq!(read(206, None, Some(1000), Range::of(0, 50)), Ok(Content::Whole));
        assert_eq!(read(206, None, Some(20), Range::of(0, 50)), Ok(partial(0, 20, None)));
        assert_eq!(read(206, None, Some(1000), Range::ALL), Ok(Content::Whole));
        for length in [Some(1000), Some(49), None] {
            assert!(read(206, None, length, Range::of(100, 50)).is_err(), "{length:?}");
        }
        assert!(read(206, None, Some(50), Range { first: 100, last: None }).is_err());
        // A Content-Range that contradicts itself is ignored
        for text in ["bytes 100-99/1000", "bytes 100-149/149", "bytes */1000", "items 0-1/2", "bytes"] {
            assert!(read(206, Some(text), Some(1000), Range::of(100, 50)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_start_of_a_resource_needs_no_content_length() {
        assert_eq!(read(206, Some("bytes 0-99/1000"), None, Range::of(0, 100)), Ok(partial(0, 100, Some(1000))));
        assert_eq!(read(206, Some("bytes 0-99/*"), Some(60), Range::of(0, 100)), Ok(partial(0, 60, None)));
        assert_eq!(read(206, Some("bytes 0-99/1000"), Some(100), Range::ALL), Ok(partial(0, 100, Some(1000))));
        assert!(read(206, Some("bytes 500-999/2000"), Some(500), Range::ALL).is_err());
    }

    #[test]
    fn the_length_of_a_whole_body_proves_its_range() {
        let range = ContentRange { first: 100, end: 150, size: Some(1000) };
        assert_eq!(proven(range, 50), Ok(Some(range)));
        assert_eq!(proven(range, 20), Ok(Some(ContentRange { end: 120, ..range })));
        assert_eq!(proven(range, 1000), Ok(None));
        assert_eq!(proven(range, 51), Err(OTHER_LENGTH));
    }

    #[test]
    fn a_range_of_a_compressed_resource_is_not_used() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, HeaderValue::from_static("bytes 100-149/1000"));
        let read = |status, requested| content(status, &headers, None, true, requested);
        assert!(read(StatusCode::PARTIAL_CONTENT, Range::of(100, 50)).is_err());
        assert_eq!(content(StatusCode::OK, &HeaderMap::new(), None, true, Range::of(100, 50)), Ok(Content::Whole));
    }

    #[test]
    fn the_wanted_part_of_a_multipart_body_is_found() {
        let body = b"\r\n--B\r\nContent-Type: video/mp2t\r\nContent-Range: bytes 0-3/20\r\n\r\nabcd\r\n--B\ncontent-range: bytes 10-12/20\n\nklm\n--B--\r\n";
        let bytes = |offset| part_at(body, "B", offset).and_then(|(_, span)| body.get(span));
        assert_eq!((bytes(2), bytes(10), bytes(5)), (Some(&b"abcd"[..]), Some(&b"klm"[..]), None));
        // Longer or shorter than its Content-Range says
        for text in ["0-2", "0-4"] {
            let body = format!("--B\r\nContent-Range: bytes {text}/20\r\n\r\nabcd\r\n--B--\r\n");
            assert_eq!(part_at(body.as_bytes(), "B", 0), None, "{text}");
        }
        for at in 0..body.len() - 6 {
            assert_eq!(part_at(&body[..at], "B", 10), None, "cut at {at}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("Multipart/ByteRanges; charset=x; Boundary=\"a b\""));
        assert_eq!(boundary(&headers).as_deref(), Some("a b"));
    }
}
