//! Ranges as origins answer them: no byte counts that is not of the range that was asked for.

#![allow(clippy::indexing_slicing, reason = "a test that is wrong about what is there should fail loudly")]

mod origin;
mod support;

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use support::{
    frame, hlsnap,
    raw::{Asked, Raw},
};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(origin::fixtures().join(name)).expect("a fixture")
}

/// What is asked for, read and answered by hand.
struct Ranged {
    asked: Asked,
    /// First and last byte of the range that is asked for, where one is.
    range: Option<(usize, usize)>,
    file: Arc<Vec<u8>>,
}

impl Ranged {
    fn say(&mut self, status: u16, headers: &str, body: &[u8]) {
        self.asked.say(format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len()));
        self.asked.say(body);
    }

    /// Without a length: the connection's end is the body's.
    fn say_unmeasured(&mut self, status: u16, headers: &str, body: &[u8]) {
        self.asked.say(format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}\r\n"));
        self.asked.say(body);
    }

    fn whole(&mut self) {
        let file = Arc::clone(&self.file);
        self.say(200, "", &file);
    }

    /// The Content-Range and the bytes that are right.
    fn right(&self) -> (String, Vec<u8>) {
        let (first, last) = self.range.expect("a range");
        (format!("Content-Range: bytes {first}-{last}/{}\r\n", self.file.len()), self.file[first..=last].to_vec())
    }
}

/// An origin whose three segments are ranges of one file, each answered by `answer` where a range is asked for; and the ranges that were.
fn single_file(parts: &[&str], tags: &str, answer: Answer) -> (Raw, Arc<Mutex<Vec<Option<String>>>>) {
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
    served(text, parts.concat(), answer)
}

fn served(playlist: String, file: Vec<u8>, answer: Answer) -> (Raw, Arc<Mutex<Vec<Option<String>>>>) {
    let asked_for = Arc::new(Mutex::new(Vec::new()));
    let (file, log) = (Arc::new(file), Arc::clone(&asked_for));
    let raw = Raw::start(move |mut asked| {
        if asked.path == "/x.m3u8" {
            return asked.answer("", playlist.as_bytes());
        }
        let text = asked.range.take();
        log.lock().expect("a list").push(text.clone());
        let size = file.len();
        let range = text.as_deref().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
        let range = range.map(|(first, last)| (first.parse().expect("a number"), last.parse().unwrap_or(usize::MAX).min(size - 1)));
        let mut ranged = Ranged { asked, range, file: Arc::clone(&file) };
        match range {
            None => ranged.whole(),
            Some((first, _)) if first >= size => ranged.say(416, "", b""),
            Some(_) => answer(&mut ranged),
        }
    });
    (raw, asked_for)
}

const TS: [&str; 3] = ["ladder-ts/v0-0.ts", "ladder-ts/v0-1.ts", "ladder-ts/v0-2.ts"];
const MP4: [&str; 4] = ["ladder-fmp4/v0-init.mp4", "ladder-fmp4/v0-0.m4s", "ladder-fmp4/v0-1.m4s", "ladder-fmp4/v0-2.m4s"];

type Answer = fn(&mut Ranged);

/// Every way of mislabelling that still leads to the right picture, and how many requests for media it takes.
const ANSWERS: [(&str, Answer, usize); 12] = [
    (
        "206 as it should be",
        |it| {
            let (head, body) = it.right();
            it.say(206, &head, &body);
        },
        1,
    ),
    (
        "206 without a length",
        |it| {
            let (head, body) = it.right();
            it.say_unmeasured(206, &head, &body);
        },
        1,
    ),
    (
        "206 with the whole file",
        |it| {
            let (head, _) = it.right();
            let file = it.file.to_vec();
            it.say(206, &head, &file);
        },
        1,
    ),
    (
        "206 with the whole file and no length",
        |it| {
            let (head, _) = it.right();
            let file = it.file.to_vec();
            it.say_unmeasured(206, &head, &file);
        },
        1,
    ),
    (
        "206 without Content-Range, with the part",
        |it| {
            let (_, body) = it.right();
            it.say(206, "", &body);
        },
        1,
    ),
    (
        "206 without Content-Range, with the whole file",
        |it| {
            let file = it.file.to_vec();
            it.say(206, "", &file);
        },
        2,
    ),
    (
        "206 without Content-Range and length",
        |it| {
            let (_, body) = it.right();
            it.say_unmeasured(206, "", &body);
        },
        2,
    ),
    (
        "206 with another range",
        |it| {
            let part = it.file[5..500].to_vec();
            it.say(206, &format!("Content-Range: bytes 5-499/{}\r\n", it.file.len()), &part);
        },
        2,
    ),
    (
        "206 with a wider range",
        |it| {
            let (first, last) = it.range.expect("a range");
            let (first, last) = (first.saturating_sub(7), (last + 9).min(it.file.len() - 1));
            let part = it.file[first..=last].to_vec();
            it.say(206, &format!("Content-Range: bytes {first}-{last}/*\r\n"), &part);
        },
        1,
    ),
    (
        "206 with fewer bytes than it says",
        |it| {
            let (head, body) = it.right();
            it.say(206, &head, &body[..body.len() - 3]);
        },
        2,
    ),
    (
        "200 with Content-Range and the part",
        |it| {
            let (head, body) = it.right();
            it.say(200, &head, &body);
        },
        1,
    ),
    (
        "206 in several parts",
        |it| {
            let (head, body) = it.right();
            let start = format!("\r\n--SEP\r\nContent-Type: video/mp2t\r\n{head}\r\n");
            let body = [start.as_bytes(), &body, b"\r\n--SEP--\r\n"].concat();
            it.say(206, "Content-Type: multipart/byteranges; boundary=SEP\r\n", &body);
        },
        1,
    ),
];

#[test]
fn a_byte_range_is_read_from_its_place_however_the_answer_is_labelled() {
    for (what, answer, requests) in ANSWERS {
        let (raw, asked) = single_file(&TS, "", answer);
        assert_eq!(frame(&raw.url("/x.m3u8"), &["--at", "3", "--key-frame"]), 75, "{what}");
        let asked = asked.lock().expect("a list").clone();
        assert_eq!(asked.len(), requests, "{what}: {asked:?}");
        assert_eq!(asked.iter().filter(|range| range.is_none()).count(), requests - 1, "{what}: {asked:?}");
    }
}

#[test]
fn a_fragment_is_read_from_its_place_however_the_answer_is_labelled() {
    for (what, answer, _) in ANSWERS {
        let init = format!("#EXT-X-MAP:URI=\"all\",BYTERANGE=\"{}@0\"\n", fixture(MP4[0]).len());
        let (raw, _) = single_file(&MP4, &init, answer);
        assert_eq!(frame(&raw.url("/x.m3u8"), &["--at", "3", "--key-frame"]), 75, "{what}");
    }
}

#[test]
fn an_origin_that_never_sends_the_range_gives_an_error_and_no_file() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-BYTERANGE:500@1000\nall\n#EXT-X-ENDLIST\n";
    let raw = Raw::start(move |mut asked| {
        if asked.path == "/x.m3u8" {
            return asked.answer("", text.as_bytes());
        }
        asked.say("HTTP/1.1 206 X\r\nConnection: close\r\nContent-Range: bytes 5-504/9000\r\nContent-Length: 500\r\n\r\n");
        asked.say([0; 500]);
    });
    let run = hlsnap(&[&raw.url("/x.m3u8")]);
    assert!(run.fails(11, "unreachable").stderr.contains("another range"), "{}", run.stderr);
}

#[test]
fn a_large_range_without_a_length_is_used_while_it_comes_if_ranges_are_answered() {
    let answers: [(Answer, usize); 2] = [
        (
            |it| {
                let (head, body) = it.right();
                it.say_unmeasured(206, &head, &body);
            },
            2,
        ),
        (
            |it| {
                let (head, _) = it.right();
                let file = it.file.to_vec();
                it.say_unmeasured(206, &head, &file);
            },
            3,
        ),
    ];
    let (first, second) = (fixture(TS[0]), [fixture(TS[1]), padding(30_000)].concat());
    let range = format!("#EXT-X-BYTERANGE:{}@{}", second.len(), first.len());
    let playlist = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{range}\nall\n#EXT-X-ENDLIST\n");
    for (answer, requests) in answers {
        let (raw, asked) = served(playlist.clone(), [first.clone(), second.clone()].concat(), answer);
        assert_eq!(frame(&raw.url("/x.m3u8"), &["--at", "0.5"]), 62);
        let asked = asked.lock().expect("a list").clone();
        assert_eq!(asked.len(), requests, "{asked:?}");
    }
}

/// Null packets of a transport stream.
fn padding(packets: usize) -> Vec<u8> {
    let mut packet = [0xff; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    packet.repeat(packets)
}

/// A segment whose first picture lies behind the first portion that is asked for.
fn large() -> Vec<u8> {
    [padding(8000), fixture(TS[0])].concat()
}

fn large_segment(answer: Answer) -> (Raw, Arc<Mutex<Vec<Option<String>>>>) {
    served("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nall\n#EXT-X-ENDLIST\n".to_owned(), large(), answer)
}

#[test]
fn a_portion_is_continued_however_the_answer_is_labelled() {
    for (what, answer, _) in ANSWERS {
        let (raw, _) = large_segment(answer);
        assert_eq!(frame(&raw.url("/x.m3u8"), &[]), 0, "{what}");
    }
}

#[test]
fn a_refused_portion_is_asked_for_again_without_a_range() {
    fn refuse<const STATUS: u16>(it: &mut Ranged) {
        it.say(STATUS, "", b"");
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
        let (raw, asked) = large_segment(answer);
        assert_eq!(frame(&raw.url("/x.m3u8"), &["--retries", "0"]), 0);
        let asked = asked.lock().expect("a list").clone();
        assert!(matches!(asked.as_slice(), [Some(_), None]), "{asked:?}");
    }
}

#[test]
fn a_range_of_the_playlist_that_is_refused_is_an_error() {
    let (raw, asked) = single_file(&TS, "", |it| it.say(403, "", b""));
    hlsnap(&[&raw.url("/x.m3u8"), "--at", "3"]).fails(12, "http_status");
    assert_eq!(asked.lock().expect("a list").len(), 1);
}

#[test]
fn a_playlist_that_comes_in_parts_is_put_together() {
    let text = std::fs::read_to_string(origin::fixtures().join("ladder-ts/v0.m3u8")).expect("a playlist");
    let raw = Raw::start(move |mut asked| {
        if asked.path == "/x.m3u8" {
            let first = asked.range.as_deref().map_or(0, |range| range["bytes=".len()..range.len() - 1].parse().expect("a number"));
            let end = (first + 60).min(text.len());
            asked.say(format!(
                "HTTP/1.1 206 X\r\nConnection: close\r\nContent-Range: bytes {first}-{}/{}\r\nContent-Length: {}\r\n\r\n{}",
                end - 1,
                text.len(),
                end - first,
                &text[first..end]
            ));
        } else {
            let name = format!("ladder-ts{}", asked.path);
            asked.answer("", &fixture(&name));
        }
    });
    assert_eq!(frame(&raw.url("/x.m3u8"), &["--at", "4.4", "--key-frame"]), 100);
}
