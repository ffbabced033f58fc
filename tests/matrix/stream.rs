//! The stream that the origin serves for a cell, with its fault.

use std::fmt::Write;

use crate::{
    matrix::cell::{Cell, Entry, Location, StreamKind},
    origin::{LowLatencyStream, Origin, PLAYLIST, Rule, fixture, fixture_text},
    support::encryption::cbc_padded,
};

/// Segments of each Media Playlist. Each has 50 frames, and their numbers start at 0.
pub const SEGMENTS: u64 = 3;
/// The Media Sequence Number of the oldest segment of a live window.
pub const LIVE_OLDEST: u64 = 8;
/// The Media Sequence Number of the newest Low-Latency segment, which has the Parts 30 to 32.
pub const LOW_LATENCY_NEWEST: u64 = 5;
/// The Media Sequence Number of the only available segment of an expired window. [`GONE`] missing ones follow it.
pub const OLD_WINDOW: u64 = 3;
const GONE: u64 = 3;

const IV: [u8; 16] = [0xa7; 16];
const KEY: [u8; 16] = *b"0123456789abcdef";

/// The arguments of the program.
pub struct Invocation {
    pub url: String,
    pub options: &'static [&'static str],
}

/// Sets up the stream of a cell with its fault, and returns the arguments for it.
pub fn serve(origin: &Origin, cell: Cell) -> Invocation {
    if cell.kind == StreamKind::LowLatency {
        low_latency(origin, cell);
    } else {
        variant(origin, cell.kind, "a", "v0", cell.location == Location::Key);
    }
    variant(origin, cell.kind, "b", "v1", false);
    origin.put("/a-i.m3u8", i_frames(origin, cell.kind));
    origin.put("/master.m3u8", ladder(cell));
    if cell.location == Location::Reload {
        expire(origin, cell);
    }
    for path in faulty_paths(cell) {
        let rule = cell.fault.rule(cell.location.resource(), path, origin.file(path).len());
        match cell.location {
            Location::Reload => origin.rules(path, vec![old_window(origin, cell), rule]),
            _ => origin.rule(path, rule),
        };
    }
    let path = if cell.entry == Entry::MultivariantPlaylist { "/master.m3u8" } else { media_path(cell.kind) };
    let options: &[_] = match cell.location {
        Location::Middle => &["--at", "3", "--key-frame"],
        Location::HintedPart => &["--exact"],
        _ => &[],
    };
    Invocation { url: origin.url(path), options }
}

fn media_path(kind: StreamKind) -> &'static str {
    if kind == StreamKind::LowLatency { "/ll/index.m3u8" } else { "/a.m3u8" }
}

/// The paths with the fault.
fn faulty_paths(cell: Cell) -> Vec<&'static str> {
    match (cell.location, cell.kind) {
        (Location::Multivariant, _) => vec!["/master.m3u8"],
        (Location::Media | Location::Reload, kind) => vec![media_path(kind)],
        (Location::IFramePlaylist, _) => vec!["/a-i.m3u8"],
        (Location::IFrameSegment, _) => vec!["/a-i-0.m4s"],
        (Location::Init, StreamKind::LowLatency) => vec!["/ll/init.mp4"],
        (Location::Init, _) => vec!["/a-init.mp4"],
        (Location::Key, StreamKind::LowLatency) => vec!["/key-5"],
        (Location::Key, kind) if kind.is_live() => vec!["/key-2"],
        (Location::Key, _) => vec!["/key-0"],
        (Location::Newest, StreamKind::LowLatency) => vec!["/ll/part-30.mp4", "/ll/part-31.mp4", "/ll/part-32.mp4"],
        (Location::Newest, StreamKind::Live) => vec!["/a-2.m4s"],
        (Location::Newest, StreamKind::LiveTransport) => vec!["/a-2.ts"],
        (Location::Newest, StreamKind::Recording) => vec!["/a-0.m4s"],
        (Location::Newest, StreamKind::RecordedTransport) => vec!["/a-0.ts"],
        (Location::Middle, StreamKind::LowLatency) => vec!["/ll/segment-1.mp4"],
        (Location::Middle, kind) => vec![if kind.is_transport() { "/a-1.ts" } else { "/a-1.m4s" }],
        (Location::Part, _) => vec!["/ll/part-32.mp4"],
        (Location::HintedPart, _) => vec!["/ll/part-33.mp4"],
    }
}

fn folder_and_extension(kind: StreamKind) -> (&'static str, &'static str) {
    if kind.is_transport() { ("ladder-ts", "ts") } else { ("ladder-fmp4", "m4s") }
}

/// A Media Playlist with its init, segments and keys, from one Variant of the fixtures.
fn variant(origin: &Origin, kind: StreamKind, name: &str, source: &str, is_encrypted: bool) {
    let (folder, extension) = folder_and_extension(kind);
    let first = if kind.is_live() { LIVE_OLDEST } else { 0 };
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    if !kind.is_transport() {
        writeln!(text, "#EXT-X-MAP:URI=\"{name}-init.mp4\"").expect("formatted");
        origin.put(&format!("/{name}-init.mp4"), fixture(&format!("{folder}/{source}-init.mp4")));
    }
    for number in 0..SEGMENTS {
        let mut bytes = fixture(&format!("{folder}/{source}-{number}.{extension}"));
        if is_encrypted {
            text.push_str(&key_tag(number));
            origin.put(&format!("/key-{number}"), KEY);
            bytes = cbc_padded(&KEY, &IV, &bytes);
        }
        writeln!(text, "#EXTINF:2,\n{name}-{number}.{extension}").expect("formatted");
        origin.put(&format!("/{name}-{number}.{extension}"), bytes);
    }
    text.push_str(end_tag(kind));
    origin.put(&format!("/{name}.m3u8"), text);
}

fn end_tag(kind: StreamKind) -> &'static str {
    if kind.is_live() { "" } else { "#EXT-X-ENDLIST\n" }
}

fn key_tag(number: u64) -> String {
    let iv = u128::from_be_bytes(IV);
    format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key-{number}\",IV={iv:#034x}\n")
}

/// A Multivariant Playlist. It lists the I-frame Playlist only for faults there, since the program would read that first.
fn ladder(cell: Cell) -> String {
    let media = media_path(cell.kind);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\n{media}\n#EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION=426x240\n/b.m3u8\n"
    );
    if matches!(cell.location, Location::IFramePlaylist | Location::IFrameSegment) {
        text.push_str("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,CODECS=\"avc1.64001e\",URI=\"/a-i.m3u8\"\n");
    }
    text
}

/// The I-frame Playlist of the better Variant, with its own resources.
fn i_frames(origin: &Origin, kind: StreamKind) -> String {
    for number in 0..SEGMENTS {
        origin.put(&format!("/a-i-{number}.m4s"), fixture(&format!("ladder-fmp4/v0-{number}.m4s")));
    }
    origin.put("/a-i-init.mp4", fixture("ladder-fmp4/v0-init.mp4"));
    let text = fixture_text("ladder-fmp4/v0-i.m3u8");
    let text = text.replace("v0-", "a-i-");
    if kind.is_live() { text.replace("#EXT-X-ENDLIST", "").replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "") } else { text }
}

/// The Low-Latency stream of the origin with its hinted Part. For a fault in a key, the newest two segments are encrypted.
fn low_latency(origin: &Origin, cell: Cell) {
    let film = LowLatencyStream::default();
    origin.put("/ll/part-33.mp4", film.film_part(33));
    if cell.location != Location::Key {
        return;
    }
    let text = String::from_utf8(origin.file("/ll/index.m3u8")).expect("text");
    let (older, newest) = text.split_once("segment-4.mp4\n").expect("segment 4");
    let older = older.replacen("init.mp4\"\n", &format!("init.mp4\"\n{}", key_tag(4)), 1);
    origin.put("/ll/index.m3u8", format!("{older}segment-4.mp4\n{}{newest}", key_tag(LOW_LATENCY_NEWEST)));
    for number in [4, LOW_LATENCY_NEWEST] {
        origin.put(&format!("/key-{number}"), KEY);
    }
    for part in 24..=33 {
        origin.put(&format!("/ll/part-{part}.mp4"), cbc_padded(&KEY, &IV, &film.film_part(part)));
    }
}

/// Removes what the first playlist lists: everything if another Variant can replace it, or else all but one segment.
fn expire(origin: &Origin, cell: Cell) {
    if cell.kind != StreamKind::LowLatency {
        return;
    }
    for part in 24..33 {
        origin.rule(&format!("/ll/part-{part}.mp4"), Rule::Status(404, None));
    }
    if cell.entry == Entry::MultivariantPlaylist {
        for segment in 0..LOW_LATENCY_NEWEST {
            origin.rule(&format!("/ll/segment-{segment}.mp4"), Rule::Status(404, None));
        }
    }
}

/// The playlist before the reload.
fn old_window(origin: &Origin, cell: Cell) -> Rule {
    if cell.kind == StreamKind::LowLatency {
        let old = origin.file("/ll/index.m3u8");
        origin.advance_parts(6);
        return Rule::Body(old, PLAYLIST);
    }
    let (_, extension) = folder_and_extension(cell.kind);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{OLD_WINDOW}\n#EXT-X-MAP:URI=\"a-init.mp4\"\n#EXTINF:1,\n"
    );
    let oldest = if cell.entry == Entry::MultivariantPlaylist { "gone" } else { "a-0" };
    writeln!(text, "{oldest}.{extension}").expect("formatted");
    for number in 1..=GONE {
        writeln!(text, "#EXTINF:1,\ngone-{number}.{extension}").expect("formatted");
    }
    Rule::Body(text.into(), PLAYLIST)
}
