//! Answers to range requests, right and mislabelled: only bytes of the requested range are used.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use crate::origin::{fixture, fixture_text, null_packets};
use crate::support::{
    captured_frame, hlsnap,
    raw_server::{RawRequest, RawServer},
};

/// A request for the file.
struct RangeRequest {
    request: RawRequest,
    /// The first and the last byte of the requested range.
    range: Option<(usize, usize)>,
    file: Arc<Vec<u8>>,
}

impl RangeRequest {
    fn send(&mut self, status: u16, headers: &str, body: &[u8]) {
        self.request.send(format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len()));
        self.request.send(body);
    }

    /// Sends an answer without a length, which ends with the connection.
    fn send_without_length(&mut self, status: u16, headers: &str, body: &[u8]) {
        self.request.send(format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}\r\n"));
        self.request.send(body);
    }

    fn send_file(&mut self) {
        let file = Arc::clone(&self.file);
        self.send(200, "", &file);
    }

    /// The right `Content-Range` and body.
    fn right_answer(&self) -> (String, Vec<u8>) {
        let (first, last) = self.range.expect("a range");
        (format!("Content-Range: bytes {first}-{last}/{}\r\n", self.file.len()), self.file[first..=last].to_vec())
    }
}

/// A server whose segments are ranges of one file, and a log of the requested ranges. `answer` handles range requests.
fn single_file(parts: &[&str], tags: &str, answer: Answer) -> (RawServer, Arc<Mutex<Vec<Option<String>>>>) {
    let parts: Vec<_> = parts.iter().map(|name| fixture(name)).collect();
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n{tags}");
    let mut at = 0;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 || tags.is_empty() {
            let _ = writeln!(text, "#EXTINF:2,\n#EXT-X-BYTERANGE:{}@{at}\nall", part.len());
        }
        at += part.len();
    }
    text += "#EXT-X-ENDLIST\n";
    serve(text, parts.concat(), answer)
}

/// A server of a playlist and a file, and a log of the requested ranges. `answer` handles range requests.
fn serve(playlist: String, file: Vec<u8>, answer: Answer) -> (RawServer, Arc<Mutex<Vec<Option<String>>>>) {
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let (file, log) = (Arc::new(file), Arc::clone(&ranges));
    let server = RawServer::start(move |mut request| {
        if request.path == "/x.m3u8" {
            return request.answer("", playlist.as_bytes());
        }
        let text = request.range.take();
        log.lock().expect("a list").push(text.clone());
        let size = file.len();
        let range = text.as_deref().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
        let range = range.map(|(first, last)| (first.parse().expect("a number"), last.parse().unwrap_or(usize::MAX).min(size - 1)));
        let mut range_request = RangeRequest { request, range, file: Arc::clone(&file) };
        match range {
            None => range_request.send_file(),
            Some((first, _)) if first >= size => range_request.send(416, "", b""),
            Some(_) => answer(&mut range_request),
        }
    });
    (server, ranges)
}

const TS: [&str; 3] = ["ladder-ts/v0-0.ts", "ladder-ts/v0-1.ts", "ladder-ts/v0-2.ts"];
const MP4: [&str; 4] = ["ladder-fmp4/v0-init.mp4", "ladder-fmp4/v0-0.m4s", "ladder-fmp4/v0-1.m4s", "ladder-fmp4/v0-2.m4s"];

type Answer = fn(&mut RangeRequest);

/// Answers that lead to the right picture, and the number of requests for media that they cost.
const ANSWERS: [(&str, Answer, usize); 12] = [
    (
        "206 as it should be",
        |it| {
            let (head, body) = it.right_answer();
            it.send(206, &head, &body);
        },
        1,
    ),
    (
        "206 without a length",
        |it| {
            let (head, body) = it.right_answer();
            it.send_without_length(206, &head, &body);
        },
        1,
    ),
    (
        "206 with the whole file",
        |it| {
            let (head, _) = it.right_answer();
            let file = it.file.to_vec();
            it.send(206, &head, &file);
        },
        1,
    ),
    (
        "206 with the whole file and no length",
        |it| {
            let (head, _) = it.right_answer();
            let file = it.file.to_vec();
            it.send_without_length(206, &head, &file);
        },
        1,
    ),
    (
        "206 without Content-Range, with the part",
        |it| {
            let (_, body) = it.right_answer();
            it.send(206, "", &body);
        },
        1,
    ),
    (
        "206 without Content-Range, with the whole file",
        |it| {
            let file = it.file.to_vec();
            it.send(206, "", &file);
        },
        2,
    ),
    (
        "206 without Content-Range and length",
        |it| {
            let (_, body) = it.right_answer();
            it.send_without_length(206, "", &body);
        },
        2,
    ),
    (
        "206 with another range",
        |it| {
            let part = it.file[5..500].to_vec();
            it.send(206, &format!("Content-Range: bytes 5-499/{}\r\n", it.file.len()), &part);
        },
        2,
    ),
    (
        "206 with a wider range",
        |it| {
            let (first, last) = it.range.expect("a range");
            let (first, last) = (first.saturating_sub(7), (last + 9).min(it.file.len() - 1));
            let part = it.file[first..=last].to_vec();
            it.send(206, &format!("Content-Range: bytes {first}-{last}/*\r\n"), &part);
        },
        1,
    ),
    (
        "206 with fewer bytes than it says",
        |it| {
            let (head, body) = it.right_answer();
            it.send(206, &head, &body[..body.len() - 3]);
        },
        2,
    ),
    (
        "200 with Content-Range and the part",
        |it| {
            let (head, body) = it.right_answer();
            it.send(200, &head, &body);
        },
        1,
    ),
    (
        "206 in several parts",
        |it| {
            let (head, body) = it.right_answer();
            let start = format!("\r\n--SEP\r\nContent-Type: video/mp2t\r\n{head}\r\n");
            let body = [start.as_bytes(), &body, b"\r\n--SEP--\r\n"].concat();
            it.send(206, "Content-Type: multipart/byteranges; boundary=SEP\r\n", &body);
        },
        1,
    ),
];

#[test]
fn a_byte_range_is_read_right_however_the_answer_is_labelled() {
    for (what, answer, requests) in ANSWERS {
        let (server, ranges) = single_file(&TS, "", answer);
        assert_eq!(captured_frame(&server.url("/x.m3u8"), &["--at", "3", "--key-frame"]), 75, "{what}");
        let ranges = ranges.lock().expect("a list").clone();
        assert_eq!(ranges.len(), requests, "{what}: {ranges:?}");
        assert_eq!(ranges.iter().filter(|range| range.is_none()).count(), requests - 1, "{what}: {ranges:?}");
    }
}

#[test]
fn a_fragment_is_read_right_however_the_answer_is_labelled() {
    for (what, answer, _) in ANSWERS {
        let init = format!("#EXT-X-MAP:URI=\"all\",BYTERANGE=\"{}@0\"\n", fixture(MP4[0]).len());
        let (server, _) = single_file(&MP4, &init, answer);
        assert_eq!(captured_frame(&server.url("/x.m3u8"), &["--at", "3", "--key-frame"]), 75, "{what}");
    }
}

#[test]
fn an_origin_that_never_sends_the_range_gives_an_error_and_no_file() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-BYTERANGE:500@1000\nall\n#EXT-X-ENDLIST\n";
    let server = RawServer::start(move |mut request| {
        if request.path == "/x.m3u8" {
            return request.answer("", text.as_bytes());
        }
        request.send("HTTP/1.1 206 X\r\nConnection: close\r\nContent-Range: bytes 5-504/9000\r\nContent-Length: 500\r\n\r\n");
        request.send([0; 500]);
    });
    let run = hlsnap(&[&server.url("/x.m3u8")]);
    assert!(run.fails(11, "unreachable").stderr.contains("another range"), "{}", run.stderr);
}

#[test]
fn a_large_range_without_a_length_is_streamed_if_ranges_work() {
    let answers: [(Answer, usize); 2] = [
        (
            |it| {
                let (head, body) = it.right_answer();
                it.send_without_length(206, &head, &body);
            },
            2,
        ),
        (
            |it| {
                let (head, _) = it.right_answer();
                let file = it.file.to_vec();
                it.send_without_length(206, &head, &file);
            },
            3,
        ),
    ];
    let (first, second) = (fixture(TS[0]), [fixture(TS[1]), null_packets(30_000)].concat());
    let range = format!("#EXT-X-BYTERANGE:{}@{}", second.len(), first.len());
    let playlist = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{range}\nall\n#EXT-X-ENDLIST\n");
    for (answer, requests) in answers {
        let (server, ranges) = serve(playlist.clone(), [first.clone(), second.clone()].concat(), answer);
        assert_eq!(captured_frame(&server.url("/x.m3u8"), &["--at", "0.5"]), 62);
        let ranges = ranges.lock().expect("a list").clone();
        assert_eq!(ranges.len(), requests, "{ranges:?}");
    }
}

/// A segment whose first picture lies after its first portion.
fn large_segment() -> Vec<u8> {
    [null_packets(8000), fixture(TS[0])].concat()
}

fn serve_large_segment(answer: Answer) -> (RawServer, Arc<Mutex<Vec<Option<String>>>>) {
    serve("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nall\n#EXT-X-ENDLIST\n".to_owned(), large_segment(), answer)
}

#[test]
fn a_portion_is_continued_however_the_answer_is_labelled() {
    for (what, answer, _) in ANSWERS {
        let (server, _) = serve_large_segment(answer);
        assert_eq!(captured_frame(&server.url("/x.m3u8"), &[]), 0, "{what}");
    }
}

#[test]
fn a_refused_portion_is_requested_again_without_a_range() {
    fn refuse<const STATUS: u16>(it: &mut RangeRequest) {
        it.send(STATUS, "", b"");
    }
    let refusals: [Answer; 9] = [
        refuse::<400>,
        refuse::<401>,
        refuse::<403>,
        refuse::<404>,
        refuse::<405>,
        refuse::<412>,
        refuse::<416>,
        refuse::<500>,
        refuse::<501>,
    ];
    for answer in refusals {
        let (server, ranges) = serve_large_segment(answer);
        assert_eq!(captured_frame(&server.url("/x.m3u8"), &["--retries", "0"]), 0);
        let ranges = ranges.lock().expect("a list").clone();
        assert!(matches!(ranges.as_slice(), [Some(_), None]), "{ranges:?}");
    }
}

#[test]
fn a_refused_byte_range_of_the_playlist_is_an_error() {
    let (server, ranges) = single_file(&TS, "", |it| it.send(403, "", b""));
    hlsnap(&[&server.url("/x.m3u8"), "--at", "3"]).fails(12, "http_status");
    assert_eq!(ranges.lock().expect("a list").len(), 1);
}

#[test]
fn a_playlist_sent_in_parts_is_joined() {
    let text = fixture_text("ladder-ts/v0.m3u8");
    let server = RawServer::start(move |mut request| {
        if request.path == "/x.m3u8" {
            let first = request.range.as_deref().map_or(0, |range| range["bytes=".len()..range.len() - 1].parse().expect("a number"));
            let end = (first + 60).min(text.len());
            request.send(format!(
                "HTTP/1.1 206 X\r\nConnection: close\r\nContent-Range: bytes {first}-{}/{}\r\nContent-Length: {}\r\n\r\n{}",
                end - 1,
                text.len(),
                end - first,
                &text[first..end]
            ));
        } else {
            let name = format!("ladder-ts{}", request.path);
            request.answer("", &fixture(&name));
        }
    });
    assert_eq!(captured_frame(&server.url("/x.m3u8"), &["--at", "4.4", "--key-frame"]), 100);
}
