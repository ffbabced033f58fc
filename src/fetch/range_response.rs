//! Which bytes of a resource an answer holds (RFC 9110, 14.4 and 15.3.7).
//!
//! Origins and caches mislabel parts. Status, Content-Range and Content-Length must agree before bytes count as those that were asked for;
//! otherwise the same resource is asked for again without a range.

use std::ops;

use reqwest::{
    StatusCode,
    header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap},
};

use super::Range;

/// What the head of an answer says about its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// The whole resource.
    Whole,
    /// These bytes of it.
    Part(ContentSpan),
    /// These bytes of it, or the whole: without Content-Length only the body's end tells.
    Unproven(ContentSpan),
    /// `multipart/byteranges` with this boundary.
    Multipart(String),
    /// Nothing that can be relied on, and why.
    Unusable(&'static str),
}

/// What Content-Range names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentSpan {
    pub first: u64,
    /// The offset after its last byte.
    pub end: u64,
    /// The whole resource's size, if it is known.
    pub size: Option<u64>,
}

impl ContentSpan {
    /// Reads `bytes 0-99/1234` and `bytes 0-99/*`; `None` if it is neither, or contradicts itself.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text.get(..5).filter(|unit| unit.eq_ignore_ascii_case("bytes"))?;
        let (span, size) = text.strip_prefix(unit)?.trim_start_matches([' ', '=', ':']).split_once('/')?;
        let (first, last) = span.split_once('-')?;
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

/// What an answer to `asked` holds. `length` is the Content-Length of a body that is not compressed.
pub(super) fn content(status: StatusCode, headers: &HeaderMap, length: Option<u64>, is_coded: bool, asked: Range) -> Content {
    let is_partial = status == StatusCode::PARTIAL_CONTENT;
    let declared = headers.get(CONTENT_RANGE).and_then(|text| ContentSpan::read(text.to_str().ok()?));
    if is_coded {
        // Of a compressed body, ranges count other bytes
        let is_part = (is_partial || declared.is_some()) && asked != Range::ALL;
        return if is_part { Content::Unusable("a part of a compressed resource") } else { Content::Whole };
    }
    match declared {
        _ if is_partial && boundary(headers).is_some() => Content::Multipart(boundary(headers).unwrap_or_default()),
        Some(span) => by_span(span, length, asked),
        None if is_partial => without_span(length, asked),
        None => Content::Whole,
    }
}

fn by_span(span: ContentSpan, length: Option<u64>, asked: Range) -> Content {
    match length {
        Some(length) if length == span.length() && span.covers(asked.first) => Content::Part(span),
        Some(length) if Some(length) == span.size => Content::Whole,
        // Whatever its length is, it begins where it was asked to: with the resource's first byte
        Some(length) if length > 0 && span.first == 0 && asked.first == 0 => {
            Content::Part(ContentSpan { end: length, size: span.size.filter(|size| length <= *size), ..span })
        }
        None if span.first == 0 && asked.first == 0 => Content::Part(span),
        None if span.covers(asked.first) => Content::Unproven(span),
        Some(_) if span.covers(asked.first) => Content::Unusable("a body of another length than its Content-Range"),
        _ => Content::Unusable("another range"),
    }
}

/// 206 without Content-Range is a part, or the whole under the wrong status.
fn without_span(length: Option<u64>, asked: Range) -> Content {
    let wanted = asked.last.and_then(|last| last.checked_sub(asked.first)?.checked_add(1));
    let part = |length: u64| ContentSpan { first: asked.first, end: asked.first.saturating_add(length), size: None };
    match (length, wanted) {
        _ if asked == Range::ALL => Content::Whole,
        (Some(length), Some(wanted)) if length == wanted => Content::Part(part(length)),
        (Some(length), Some(wanted)) if asked.first == 0 && length > wanted => Content::Whole,
        (Some(length), _) if asked.first == 0 => Content::Part(part(length)),
        (None, Some(wanted)) if asked.first == 0 => Content::Part(part(wanted)),
        _ => Content::Unusable("206 without Content-Range"),
    }
}

/// What a body that `Content-Range` described turns out to be, once it is all there.
pub(super) fn proven(span: ContentSpan, length: u64) -> Content {
    if length <= span.length() {
        Content::Part(ContentSpan { end: span.first.saturating_add(length), ..span })
    } else if Some(length) == span.size {
        Content::Whole
    } else {
        Content::Unusable("a body of another length than its Content-Range")
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

/// More parts than anybody asked for.
const MOST_PARTS: usize = 16;

/// The part of a `multipart/byteranges` body that holds the byte at `offset`, and where in `body` its bytes are.
pub(super) fn part_at(body: &[u8], boundary: &str, offset: u64) -> Option<(ContentSpan, ops::Range<usize>)> {
    let delimiter = format!("--{boundary}");
    let mut at = 0;
    for _ in 0..MOST_PARTS {
        let head = at + find(body.get(at..)?, delimiter.as_bytes())? + delimiter.len();
        let (head_length, gap) = end_of_head(body.get(head..)?)?;
        let start = head + head_length + gap;
        let text = String::from_utf8_lossy(body.get(head..head + head_length)?);
        let span = text.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim().eq_ignore_ascii_case("content-range"));
        let span = span.and_then(|(_, value)| ContentSpan::read(value))?;
        let end = start.checked_add(usize::try_from(span.length()).ok()?)?;
        // What follows shows that the part is as long as it says
        let line_end = if gap == 4 { &b"\r\n"[..] } else { b"\n" };
        if !body.get(end..)?.strip_prefix(line_end)?.starts_with(delimiter.as_bytes()) {
            return None;
        }
        if span.covers(offset) {
            return Some((span, start..end));
        }
        at = end;
    }
    None
}

/// Where the lines of a part's head end, and how long the blank line after them is.
fn end_of_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"].into_iter().filter_map(|blank| Some((find(bytes, blank)?, blank.len())));
    ends.min_by_key(|(at, _)| *at)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(status: u16, told: Option<&str>, length: Option<u64>, asked: Range) -> Content {
        let mut headers = HeaderMap::new();
        headers.extend(told.map(|text| (CONTENT_RANGE, HeaderValue::from_str(text).expect("a header"))));
        content(StatusCode::from_u16(status).expect("a status"), &headers, length, false, asked)
    }

    fn part(first: u64, end: u64, size: Option<u64>) -> Content {
        Content::Part(ContentSpan { first, end, size })
    }

    #[test]
    fn a_part_counts_when_range_and_length_agree() {
        let asked = Range::of(100, 50);
        for status in [206, 200] {
            assert_eq!(read(status, Some("bytes 100-149/1000"), Some(50), asked), part(100, 150, Some(1000)));
            assert_eq!(read(status, Some("Bytes=90-159/*"), Some(70), asked), part(90, 160, None));
            assert_eq!(read(status, Some("bytes 100-149/1000"), Some(1000), asked), Content::Whole);
            for (told, length) in
                [("bytes 100-149/1000", 49), ("bytes 100-149/*", 1000), ("bytes 0-49/1000", 50), ("bytes 150-199/1000", 50)]
            {
                assert!(matches!(read(status, Some(told), Some(length), asked), Content::Unusable(_)), "{status} {told} {length}");
            }
            let span = ContentSpan { first: 100, end: 150, size: Some(1000) };
            assert_eq!(read(status, Some("bytes 100-149/1000"), None, asked), Content::Unproven(span));
        }
    }

    #[test]
    fn an_answer_without_content_range_is_judged_by_its_length() {
        assert_eq!(read(200, None, Some(1000), Range::of(100, 50)), Content::Whole);
        assert_eq!(read(206, None, Some(50), Range::of(100, 50)), part(100, 150, None));
        assert_eq!(read(206, None, Some(1000), Range::of(0, 50)), Content::Whole);
        assert_eq!(read(206, None, Some(20), Range::of(0, 50)), part(0, 20, None));
        assert_eq!(read(206, None, Some(1000), Range::ALL), Content::Whole);
        for length in [Some(1000), Some(49), None] {
            assert!(matches!(read(206, None, length, Range::of(100, 50)), Content::Unusable(_)), "{length:?}");
        }
        assert!(matches!(read(206, None, Some(50), Range { first: 100, last: None }), Content::Unusable(_)));
        // A Content-Range that contradicts itself is none
        for told in ["bytes 100-99/1000", "bytes 100-149/149", "bytes */1000", "items 0-1/2", "bytes"] {
            assert!(matches!(read(206, Some(told), Some(1000), Range::of(100, 50)), Content::Unusable(_)), "{told}");
        }
    }

    #[test]
    fn the_start_of_a_resource_needs_no_proof() {
        assert_eq!(read(206, Some("bytes 0-99/1000"), None, Range::of(0, 100)), part(0, 100, Some(1000)));
        assert_eq!(read(206, Some("bytes 0-99/*"), Some(60), Range::of(0, 100)), part(0, 60, None));
        assert_eq!(read(206, Some("bytes 0-99/1000"), Some(100), Range::ALL), part(0, 100, Some(1000)));
        assert!(matches!(read(206, Some("bytes 500-999/2000"), Some(500), Range::ALL), Content::Unusable(_)));
    }

    #[test]
    fn the_end_of_a_body_proves_its_range() {
        let span = ContentSpan { first: 100, end: 150, size: Some(1000) };
        assert_eq!(proven(span, 50), part(100, 150, Some(1000)));
        assert_eq!(proven(span, 20), part(100, 120, Some(1000)));
        assert_eq!(proven(span, 1000), Content::Whole);
        assert!(matches!(proven(span, 51), Content::Unusable(_)));
    }

    #[test]
    fn a_part_of_a_compressed_resource_is_not_used() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, HeaderValue::from_static("bytes 100-149/1000"));
        let read = |status, asked| content(status, &headers, None, true, asked);
        assert!(matches!(read(StatusCode::PARTIAL_CONTENT, Range::of(100, 50)), Content::Unusable(_)));
        assert_eq!(content(StatusCode::OK, &HeaderMap::new(), None, true, Range::of(100, 50)), Content::Whole);
    }

    #[test]
    fn the_wanted_part_of_several_is_found() {
        let body = b"\r\n--B\r\nContent-Type: video/mp2t\r\nContent-Range: bytes 0-3/20\r\n\r\nabcd\r\n--B\ncontent-range: bytes 10-12/20\n\nklm\n--B--\r\n";
        let bytes = |offset| part_at(body, "B", offset).and_then(|(_, place)| body.get(place));
        assert_eq!((bytes(2), bytes(10), bytes(5)), (Some(&b"abcd"[..]), Some(&b"klm"[..]), None));
        // Longer or shorter than its Content-Range says
        for told in ["0-2", "0-4"] {
            let body = format!("--B\r\nContent-Range: bytes {told}/20\r\n\r\nabcd\r\n--B--\r\n");
            assert_eq!(part_at(body.as_bytes(), "B", 0), None, "{told}");
        }
        for at in 0..body.len() - 6 {
            assert_eq!(part_at(&body[..at], "B", 10), None, "cut at {at}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("Multipart/ByteRanges; charset=x; Boundary=\"a b\""));
        assert_eq!(boundary(&headers).as_deref(), Some("a b"));
    }
}
