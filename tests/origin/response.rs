//! The response to a request, by the rule of its path.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::Response,
};
use futures_util::{StreamExt, stream};

use super::{
    PLAYLIST, ReceivedRequest, Rule, Shared, brotli,
    connection::{ConnectionHandle, Failure},
    fixtures_folder, gzip, null_packets,
};

/// The length of a stall: longer than any test waits.
const STALL: Duration = Duration::from_secs(600);
const FLUSH: Duration = Duration::from_millis(50);
const PIECE: usize = 16 << 10;
const HALF_A_STATUS_LINE: usize = 12;

/// How a body ends.
#[derive(Clone, Copy)]
enum End {
    Complete,
    /// Closes the connection after this many bytes.
    Cut(usize),
    /// Sends nothing after this many bytes.
    Stall(usize),
}

impl End {
    /// Converts an end at an offset of the file to one of the range that starts at `first`.
    fn in_range(self, first: usize) -> Self {
        match self {
            Self::Cut(at) => Self::Cut(at.saturating_sub(first)),
            Self::Stall(at) => Self::Stall(at.saturating_sub(first)),
            Self::Complete => Self::Complete,
        }
    }
}

/// Where a response is logged.
#[derive(Clone)]
struct Log {
    shared: Arc<Shared>,
    /// The index of the request.
    number: usize,
}

pub(super) async fn respond(
    shared: &Arc<Shared>,
    request: &ReceivedRequest,
    rule: Option<Rule>,
    number: usize,
    connection: &ConnectionHandle,
) -> Response {
    let log = Log { shared: shared.clone(), number };
    let mut response = match rule.unwrap_or(Rule::File) {
        Rule::Status(status, retry_after) => {
            let mut response = empty(status);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Rule::Redirect(target) => with_header(empty(302), header::LOCATION, &target),
        Rule::RedirectWithCookie(target, cookie) => {
            with_header(with_header(empty(302), header::LOCATION, &target), header::SET_COOKIE, cookie)
        }
        Rule::RequireCookie(cookie) if !request.headers.get("cookie").is_some_and(|sent| sent.contains(cookie)) => empty(403),
        Rule::StallInHeaders => {
            connection.fail(Failure::StallAfter(HALF_A_STATUS_LINE));
            empty(200)
        }
        Rule::Reset => {
            connection.fail(Failure::Reset);
            empty(200)
        }
        Rule::EndlessPlaylist => endless_playlist(),
        Rule::Repeat(bytes, content_type) => repeat(bytes, content_type),
        Rule::Body(bytes, content_type) => ranged(log, bytes, content_type, request, End::Complete, PIECE),
        Rule::InPieces(bytes, piece) => ranged(log, bytes, content_type(&request.path), request, End::Complete, piece),
        Rule::Encoded(bytes, encoding) => {
            with_header(ranged(log, bytes, PLAYLIST, request, End::Complete, PIECE), header::CONTENT_ENCODING, encoding)
        }
        Rule::AfterRequest(other, bytes) => {
            if is_requested_within_a_second(shared, other).await {
                ranged(log, bytes, content_type(&request.path), request, End::Complete, PIECE)
            } else {
                empty(504)
            }
        }
        rule => {
            if let Rule::Delay(time) = rule {
                tokio::time::sleep(time).await;
            }
            match file_at(shared, &request.path, request.query.as_deref()) {
                Some((bytes, content_type)) => file_response(&log, bytes, content_type, request, &rule),
                None => empty(404),
            }
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Some(request) = shared.requests.lock().unwrap().get_mut(number) {
        request.status = response.status().as_u16();
    }
    response
}

/// The response of a rule that changes the file, or of the file itself.
fn file_response(log: &Log, bytes: Vec<u8>, content_type: &str, request: &ReceivedRequest, rule: &Rule) -> Response {
    let send = |bytes, end, piece| ranged(log.clone(), bytes, content_type, request, end, piece);
    match *rule {
        Rule::Trickle(interval) => trickle(bytes, interval),
        Rule::WithNullPackets(count) => send([bytes, null_packets(count / 188)].concat(), End::Complete, PIECE),
        Rule::CutAt(at) => send(bytes, End::Cut(at), PIECE),
        Rule::StallAt(at) => send(bytes, End::Stall(at), PIECE),
        Rule::CutAtOffset(at) => send(bytes, End::Cut(at).in_range(range_start(request)), PIECE),
        Rule::StallAtOffset(at) => send(bytes, End::Stall(at).in_range(range_start(request)), PIECE),
        Rule::Chunked(piece) => {
            let mut response = send(bytes, End::Complete, piece);
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response
        }
        Rule::IgnoreRange => {
            ranged(log.clone(), bytes, content_type, &ReceivedRequest { range: None, ..request.clone() }, End::Complete, PIECE)
        }
        Rule::Gzip => with_header(send(gzip(&bytes), End::Complete, PIECE), header::CONTENT_ENCODING, "gzip"),
        Rule::Brotli => with_header(send(brotli(&bytes), End::Complete, PIECE), header::CONTENT_ENCODING, "br"),
        Rule::SetCookie(cookie) => with_header(send(bytes, End::Complete, PIECE), header::SET_COOKIE, cookie),
        _ => send(bytes, End::Complete, PIECE),
    }
}

async fn is_requested_within_a_second(shared: &Shared, path: &str) -> bool {
    let is_requested = || shared.requests.lock().unwrap().iter().any(|request| request.path == path);
    for _ in 0..20 {
        if is_requested() {
            return true;
        }
        tokio::time::sleep(FLUSH).await;
    }
    is_requested()
}

/// The bytes at a path.
pub(super) fn bytes_at(shared: &Shared, path: &str, query: Option<&str>) -> Option<Vec<u8>> {
    file_at(shared, path, query).map(|(bytes, _)| bytes)
}

/// The bytes at a path, and their content type.
fn file_at(shared: &Shared, path: &str, query: Option<&str>) -> Option<(Vec<u8>, &'static str)> {
    if let Some(bytes) = shared.files.lock().unwrap().get(path) {
        return Some((bytes.clone(), content_type(path)));
    }
    let name = path.trim_start_matches('/');
    if let Some(name) = name.strip_prefix("ll/") {
        let bytes = shared.low_latency.lock().unwrap().file(name, query)?;
        return Some((bytes, content_type(name)));
    }
    if let Some(name) = name.strip_prefix("live/") {
        let live = shared.live.lock().unwrap().clone();
        return match name.strip_suffix(".m3u8") {
            Some("master") => read("ladder-ts/master.m3u8"),
            Some(variant) => Some((live.playlist(variant).into_bytes(), content_type(name))),
            None => read(&format!("ladder-ts/{}", live.file(name)?)),
        };
    }
    let (folder, rest) = name.split_once('/').unwrap_or(("", name));
    let folder = match folder {
        "vod-ts" => "ladder-ts",
        "vod-fmp4" => "ladder-fmp4",
        other => other,
    };
    read(&format!("{folder}/{rest}"))
}

fn read(name: &str) -> Option<(Vec<u8>, &'static str)> {
    if name.split('/').any(|part| part == "..") {
        return None;
    }
    Some((std::fs::read(fixtures_folder().join(name.trim_start_matches('/'))).ok()?, content_type(name)))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("m3u8") => PLAYLIST,
        Some("ts") => "video/mp2t",
        Some("mp4" | "m4s") => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// The bytes, or the requested range of them (RFC 9110, section 14).
fn ranged(log: Log, bytes: Vec<u8>, content_type: &str, request: &ReceivedRequest, end: End, piece: usize) -> Response {
    let size = bytes.len();
    let range = request.range.as_deref().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    let range = range.map(|(first, last)| (first.parse::<usize>().unwrap_or(0), last.parse().unwrap_or(usize::MAX)));
    let mut response = Response::builder().header(header::CONTENT_TYPE, content_type).header(header::ACCEPT_RANGES, "bytes");
    let part = match range {
        Some((first, _)) if first >= size => {
            return response.status(416).header(header::CONTENT_RANGE, format!("bytes */{size}")).body(Body::empty()).unwrap();
        }
        Some((first, last)) => {
            let last = last.min(size - 1);
            response = response.status(206).header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
            bytes[first..=last].to_vec()
        }
        None => bytes,
    };
    response.header(header::CONTENT_LENGTH, part.len()).body(pieces(log, part, end, piece)).unwrap()
}

/// A body that is sent in pieces and counted.
fn pieces(log: Log, bytes: Vec<u8>, end: End, piece: usize) -> Body {
    let bytes = Bytes::from(bytes);
    Body::from_stream(stream::unfold(0, move |at| {
        let (log, bytes) = (log.clone(), bytes.clone());
        async move {
            let stop = match end {
                End::Complete => bytes.len(),
                End::Cut(stop) | End::Stall(stop) => stop.min(bytes.len()),
            };
            if at >= stop {
                match end {
                    End::Cut(_) if stop < bytes.len() => {
                        // Let the socket send what it has first
                        tokio::time::sleep(FLUSH).await;
                        return Some((Err(std::io::Error::other("cut")), usize::MAX));
                    }
                    End::Stall(_) if stop < bytes.len() => tokio::time::sleep(STALL).await,
                    _ => {}
                }
                return None;
            }
            let next = (at + piece).min(stop);
            log.shared.requests.lock().unwrap()[log.number].sent += (next - at) as u64;
            Some((Ok(bytes.slice(at..next)), next))
        }
    }))
}

/// The first byte of the requested range.
fn range_start(request: &ReceivedRequest) -> usize {
    let first = request.range.as_deref().and_then(|text| text.strip_prefix("bytes=")?.split_once('-')?.0.parse().ok());
    first.unwrap_or(0)
}

fn repeat(bytes: Vec<u8>, content_type: &str) -> Response {
    let body = stream::repeat(Bytes::from(bytes)).map(Ok::<_, std::io::Error>);
    Response::builder().header(header::CONTENT_TYPE, content_type).body(Body::from_stream(body)).unwrap()
}

fn trickle(bytes: Vec<u8>, interval: Duration) -> Response {
    let body = stream::unfold(bytes.into_iter(), move |mut bytes| async move {
        tokio::time::sleep(interval).await;
        Some((Ok::<_, std::io::Error>(Bytes::from(vec![bytes.next()?])), bytes))
    });
    Response::builder().header(header::CONTENT_TYPE, content_type(".ts")).body(Body::from_stream(body)).unwrap()
}

fn empty(status: u16) -> Response {
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Body::empty()).unwrap()
}

fn endless_playlist() -> Response {
    let line = Bytes::from("#EXTINF:2.0,\nsegment.ts\n".repeat(1000));
    let first = Bytes::from_static(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n");
    let body = stream::unfold(first, move |next| {
        let line = line.clone();
        async move { Some((Ok::<_, std::io::Error>(next), line)) }
    });
    Response::builder().header(header::CONTENT_TYPE, PLAYLIST).body(Body::from_stream(body)).unwrap()
}

fn with_header(mut response: Response, name: header::HeaderName, value: &str) -> Response {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}
