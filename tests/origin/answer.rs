//! From a request and its rule to a response.

use std::{io::Write, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::Response,
};
use futures_util::{StreamExt, stream};

use super::{
    Hit, Rule, Shared, fixtures,
    wire::{Failure, Wire},
};

/// So long no body goes on that is stalled: longer than any test waits.
const NEVER: Duration = Duration::from_secs(600);
const FLUSH: Duration = Duration::from_millis(50);
const PIECE: usize = 16 << 10;
const HALF_A_STATUS_LINE: usize = 12;

/// How a body comes to its end.
#[derive(Clone, Copy)]
enum End {
    Whole,
    /// The connection is closed after so many bytes.
    Cut(usize),
    /// Nothing comes after so many bytes.
    Stall(usize),
}

impl End {
    /// An end that is an offset in the file, for the part of it from `first` on.
    fn in_part(self, first: usize) -> Self {
        match self {
            Self::Cut(at) => Self::Cut(at.saturating_sub(first)),
            Self::Stall(at) => Self::Stall(at.saturating_sub(first)),
            Self::Whole => Self::Whole,
        }
    }
}

pub(super) async fn answer(shared: &Arc<Shared>, hit: &Hit, rule: Option<Rule>, number: usize, wire: &Wire) -> Response {
    let rule = rule.unwrap_or(Rule::Plain);
    let file = file_of(shared, &hit.path, hit.query.as_deref());
    let mut response = match rule {
        Rule::Status(status, retry_after) => {
            let mut response = empty(status);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Rule::Redirect(target) => {
            let mut response = empty(302);
            response.headers_mut().insert(header::LOCATION, target.parse().unwrap());
            response
        }
        Rule::RedirectSetting(target, cookie) => {
            let mut response = empty(302);
            response.headers_mut().insert(header::LOCATION, target.parse().unwrap());
            response.headers_mut().insert(header::SET_COOKIE, cookie.parse().unwrap());
            response
        }
        Rule::NeedCookie(cookie) if !hit.headers.get("cookie").is_some_and(|sent| sent.contains(cookie)) => empty(403),
        Rule::Body(bytes, kind) => whole(shared, number, bytes, kind, hit, End::Whole, PIECE),
        Rule::Pieces(bytes, piece) => whole(shared, number, bytes, kind_of(&hit.path), hit, End::Whole, piece),
        Rule::After(other, bytes) => {
            let asked = || shared.hits.lock().unwrap().iter().any(|hit| hit.path == other);
            for _ in 0..20 {
                if !asked() {
                    tokio::time::sleep(FLUSH).await;
                }
            }
            if asked() { whole(shared, number, bytes, kind_of(&hit.path), hit, End::Whole, PIECE) } else { empty(504) }
        }
        Rule::Packed(bytes, encoding) => encoded(whole(shared, number, bytes, kind_of(".m3u8"), hit, End::Whole, PIECE), encoding),
        Rule::Trickle(time) => match file {
            Some((bytes, _)) => trickle(bytes, time),
            None => empty(404),
        },
        Rule::Endless => endless(),
        Rule::Delay(time) => {
            tokio::time::sleep(time).await;
            found(shared, number, file, hit, |bytes| bytes, End::Whole, PIECE)
        }
        Rule::Padded(count) => found(shared, number, file, hit, |bytes| padded(bytes, count), End::Whole, PIECE),
        Rule::CutAt(at) => found(shared, number, file, hit, |bytes| bytes, End::Cut(at), PIECE),
        Rule::StallAt(at) => found(shared, number, file, hit, |bytes| bytes, End::Stall(at), PIECE),
        Rule::LostFrom(at) => found(shared, number, file, hit, |bytes| bytes, End::Cut(at).in_part(first_of(hit)), PIECE),
        Rule::SilentFrom(at) => found(shared, number, file, hit, |bytes| bytes, End::Stall(at).in_part(first_of(hit)), PIECE),
        Rule::StallInHeaders => {
            wire.fail(Failure::StallAfter(HALF_A_STATUS_LINE));
            empty(200)
        }
        Rule::Reset => {
            wire.fail(Failure::Reset);
            empty(200)
        }
        Rule::Forever(bytes, kind) => forever(bytes, kind),
        Rule::Chunked(piece) => {
            let mut response = found(shared, number, file, hit, |bytes| bytes, End::Whole, piece);
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response
        }
        Rule::IgnoreRange => found(shared, number, file, &Hit { range: None, ..hit.clone() }, |bytes| bytes, End::Whole, PIECE),
        Rule::Gzip => encoded(found(shared, number, file, hit, |bytes| gzip(&bytes), End::Whole, PIECE), "gzip"),
        Rule::Brotli => encoded(found(shared, number, file, hit, |bytes| compress(&bytes), End::Whole, PIECE), "br"),
        Rule::SetCookie(cookie) => {
            let mut response = found(shared, number, file, hit, |bytes| bytes, End::Whole, PIECE);
            response.headers_mut().insert(header::SET_COOKIE, cookie.parse().unwrap());
            response
        }
        Rule::Plain | Rule::NeedCookie(_) => found(shared, number, file, hit, |bytes| bytes, End::Whole, PIECE),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Some(hit) = shared.hits.lock().unwrap().get_mut(number) {
        hit.status = response.status().as_u16();
    }
    response
}

/// The bytes at a path.
pub(super) fn bytes_at(shared: &Shared, path: &str, query: Option<&str>) -> Option<Vec<u8>> {
    file_of(shared, path, query).map(|(bytes, _)| bytes)
}

/// The bytes at a path, and their content type.
fn file_of(shared: &Shared, path: &str, query: Option<&str>) -> Option<(Vec<u8>, &'static str)> {
    if let Some(bytes) = shared.files.lock().unwrap().get(path) {
        return Some((bytes.clone(), kind_of(path)));
    }
    let name = path.trim_start_matches('/');
    if let Some(name) = name.strip_prefix("ll/") {
        let bytes = shared.low_latency.lock().unwrap().file(name, query)?;
        return Some((bytes, kind_of(name)));
    }
    if let Some(name) = name.strip_prefix("live/") {
        let live = shared.live.lock().unwrap().clone();
        return match name.strip_suffix(".m3u8") {
            Some("master") => read("ladder-ts/master.m3u8"),
            Some(variant) => Some((live.playlist(variant).into_bytes(), kind_of(name))),
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
    Some((std::fs::read(fixtures().join(name.trim_start_matches('/'))).ok()?, kind_of(name)))
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("ts") => "video/mp2t",
        Some("mp4" | "m4s") => "video/mp4",
        _ => "application/octet-stream",
    }
}

fn found(
    shared: &Arc<Shared>,
    number: usize,
    file: Option<(Vec<u8>, &'static str)>,
    hit: &Hit,
    change: impl Fn(Vec<u8>) -> Vec<u8>,
    end: End,
    piece: usize,
) -> Response {
    match file {
        Some((bytes, kind)) => whole(shared, number, change(bytes), kind, hit, end, piece),
        None => empty(404),
    }
}

/// The bytes, or the range of them that was asked for (RFC 9110, 14).
fn whole(shared: &Arc<Shared>, number: usize, bytes: Vec<u8>, kind: &str, hit: &Hit, end: End, piece: usize) -> Response {
    let size = bytes.len();
    let range = hit.range.as_deref().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    let range = range.map(|(first, last)| (first.parse::<usize>().unwrap_or(0), last.parse().unwrap_or(usize::MAX)));
    let mut response = Response::builder().header(header::CONTENT_TYPE, kind).header(header::ACCEPT_RANGES, "bytes");
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
    response.header(header::CONTENT_LENGTH, part.len()).body(pieces(shared.clone(), number, part, end, piece)).unwrap()
}

/// A body that comes in pieces and is counted as it goes.
fn pieces(shared: Arc<Shared>, number: usize, bytes: Vec<u8>, end: End, piece: usize) -> Body {
    let bytes = Bytes::from(bytes);
    Body::from_stream(stream::unfold(0, move |at| {
        let (shared, bytes) = (shared.clone(), bytes.clone());
        async move {
            let stop = match end {
                End::Whole => bytes.len(),
                End::Cut(stop) | End::Stall(stop) => stop.min(bytes.len()),
            };
            if at >= stop {
                match end {
                    End::Cut(_) if stop < bytes.len() => {
                        // What was handed over goes out first
                        tokio::time::sleep(FLUSH).await;
                        return Some((Err(std::io::Error::other("cut")), usize::MAX));
                    }
                    End::Stall(_) if stop < bytes.len() => tokio::time::sleep(NEVER).await,
                    _ => {}
                }
                return None;
            }
            let next = (at + piece).min(stop);
            shared.hits.lock().unwrap()[number].sent += (next - at) as u64;
            Some((Ok(bytes.slice(at..next)), next))
        }
    }))
}

/// The first byte of the range that was asked for.
fn first_of(hit: &Hit) -> usize {
    let first = hit.range.as_deref().and_then(|text| text.strip_prefix("bytes=")?.split_once('-')?.0.parse().ok());
    first.unwrap_or(0)
}

fn forever(bytes: Vec<u8>, kind: &str) -> Response {
    let body = stream::repeat(Bytes::from(bytes)).map(Ok::<_, std::io::Error>);
    Response::builder().header(header::CONTENT_TYPE, kind).body(Body::from_stream(body)).unwrap()
}

fn trickle(bytes: Vec<u8>, time: Duration) -> Response {
    let body = stream::unfold(bytes.into_iter(), move |mut bytes| async move {
        tokio::time::sleep(time).await;
        Some((Ok::<_, std::io::Error>(Bytes::from(vec![bytes.next()?])), bytes))
    });
    Response::builder().header(header::CONTENT_TYPE, kind_of(".ts")).body(Body::from_stream(body)).unwrap()
}

fn empty(status: u16) -> Response {
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Body::empty()).unwrap()
}

fn endless() -> Response {
    let line = Bytes::from("#EXTINF:2.0,\nsegment.ts\n".repeat(1000));
    let first = Bytes::from_static(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n");
    let body = stream::unfold(first, move |next| {
        let line = line.clone();
        async move { Some((Ok::<_, std::io::Error>(next), line)) }
    });
    Response::builder().header(header::CONTENT_TYPE, "application/vnd.apple.mpegurl").body(Body::from_stream(body)).unwrap()
}

fn encoded(mut response: Response, encoding: &'static str) -> Response {
    response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding));
    response
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    packed
}

/// TS null packets (PID 0x1fff) behind the file.
fn padded(mut bytes: Vec<u8>, count: usize) -> Vec<u8> {
    let mut packet = [0xff; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    bytes.extend(packet.iter().copied().cycle().take(count / 188 * 188));
    bytes
}
